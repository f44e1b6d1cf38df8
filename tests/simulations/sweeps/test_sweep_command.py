"""The command `sweep`: how each study ends, and with which exit code."""

import re
from pathlib import Path

import pytest

from amss_min.testing.loading import BadInput
from simulations.audit import UnknownName
from simulations.sweeps.driver import Tally
from simulations.sweeps.progress import line
from simulations.sweeps.store import Store
from simulations.sweeps.store_error import StoreError
from simulations.sweeps.sweep_command import Request, sweep_command

SLEEP = 'kind = "sleep"\nreplicates = 3\ncell.seconds = 0.0\naxes = [{ fail = [[], [1]] }]\n'
SIMULATE = """
replicates = 8
[cell]
objective = { name = "isotropic-quadratic", n = 2 }
noise = "gaussian"
method = "amss+"
keep = 0.5
horizon = 4
block = 4
[[axes]]
stepsize = [0.1, 0.05]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(SIMULATE)
    return path


def asked(study: Path, **options: object) -> Request:
    return Request(**{"study": str(study), "store": study.with_suffix(".sqlite"), "engine": "inline", **options})


def test_a_study_that_ends_well_says_so_and_goes_on_where_it_was(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep_command(asked(study)) == 0
    assert "mine: 4 of 4 blocks are done" in capsys.readouterr().out
    assert sweep_command(asked(study, overrides=("replicates=12",))) == 0
    assert "mine: 6 of 6 blocks are done, 4 of them were before" in capsys.readouterr().out


def test_a_failing_block_is_shown_kept_and_tried_again_when_asked(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study.write_text(SLEEP)
    assert sweep_command(asked(study)) == 1
    out = capsys.readouterr().out
    assert "5 of 6 blocks are done, 1 failed" in out
    assert re.search(r"failed: block 1 of \{.*\}: RuntimeError: block 1 was told to fail", out)
    assert sweep_command(asked(study)) == 1
    assert "1 failed before: --retry-failed tries them again" in capsys.readouterr().out
    assert sweep_command(asked(study, retry_failed=True)) == 1
    assert "5 of 6 blocks are done, 5 of them were before, 1 failed" in capsys.readouterr().out


def test_a_dry_run_says_what_it_would_take_and_writes_nothing(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep_command(asked(study, dry_run=True, workers=3)) == 0
    rows = {row[0]: row[1] for row in re.findall(r"│ (.*?) +│ (.*?) +│", capsys.readouterr().out)}
    assert (rows["cells"], rows["replicates of each"], rows["blocks"]) == ("2", "8", "4")
    assert rows["work"].endswith("on one core")
    assert rows["time"].endswith("with 3 workers")
    assert "MB in" in rows["store"]
    assert list(study.parent.iterdir()) == [study]


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("replicate = 3\n" + SLEEP, UnknownName, "did you mean 'replicates'"),
        (SIMULATE.replace("stepsize = [0.1, 0.05]", "stepsize = [0.1]\nkeep = [0.5, 1.0]"), BadInput, "as many values"),
        (SIMULATE.replace("[0.1, 0.05]", "[-0.1]"), BadInput, "cell 1 of 1 .*setting stepsize: .* found -0.1"),
        (SIMULATE.replace("[0.1, 0.05]", "[]"), BadInput, "at least one value is needed"),
        (SIMULATE.replace("horizon", "start = [1.0]\nhorizon"), BadInput, "cell 1 of 2: .* d = 2 coordinates"),
        ("kind = ", BadInput, "cannot read the study"),
    ],
)
def test_a_study_that_cannot_run_is_refused_before_a_store_is_made(
    study: Path, text: str, error: type[Exception], told: str
) -> None:
    study.write_text(text)
    with pytest.raises(error, match=told):
        sweep_command(asked(study))
    assert list(study.parent.iterdir()) == [study]


def test_a_second_driver_is_refused_before_it_starts_anything(study: Path) -> None:
    with Store.open(study.with_suffix(".sqlite"), write=True), pytest.raises(StoreError, match=r"process \d+"):
        sweep_command(asked(study, engine="pool"))


def test_progress_has_a_rate_and_the_time_that_is_left() -> None:
    # of 100 s of work 20 s took 10 s; failures count as work done
    tally = Tally(total=10, before=2, done=1, failed=1, estimate=20.0)
    assert line(tally, elapsed=10.0, estimate=100.0) == "3 of 10 blocks, 1 failed, 0.20 a second, 30 s left"
    assert line(Tally(total=10), elapsed=10.0, estimate=100.0) == "0 of 10 blocks"
