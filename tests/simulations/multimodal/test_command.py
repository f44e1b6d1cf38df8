import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulations.multimodal import execution
from simulations.multimodal.command import train_command
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.methods import METHODS
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.settings import Settings
from simulations.multimodal.training import Run, train

ROOT = Path(__file__).resolve().parents[3]
QUICK = ["epochs=2", "hidden=8", "features=4", "batch=256"]
HERE = [*QUICK, "workers=1"]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "train" / "htad.json").read_text(encoding="utf-8"))
    return found


def test_a_run_writes_everything_and_shows_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_command("htad", 2, tmp_path, HERE) == 0
    shown = capsys.readouterr()
    for text in ("macro-F1", "audio alone", "accelerometer alone", "95% intervals", "amss+", "normal"):
        assert text in shown.out
    found = result(tmp_path)
    assert [(run["seed"], run["method"]) for run in found["runs"]] == [(s, m) for s in (0, 1) for m in METHODS]
    assert found["settings"] == Settings(seeds=2, epochs=2, hidden=(8,), features=4, batch=256, workers=1).model_dump(
        mode="json"
    )
    assert found["data"]["rows"] == 1386 and found["data"]["identical_rows"] == 0
    assert {"python", "torch", "numpy"} <= set(found["versions"])
    assert found["findings"] == []
    interval = found["summary"]["difference_to_joint"]["amss"]["macro_f1"]
    assert interval["n"] == 2 and interval["low"] <= interval["mean"] <= interval["high"]
    assert [path.name for path in (tmp_path / "train").iterdir()] == ["htad.json"]


def test_workers_change_no_number(tmp_path: Path) -> None:
    chosen = [*QUICK, "methods=joint,amss+"]
    assert train_command("htad", 1, tmp_path / "one", [*chosen, "workers=1"]) == 0
    assert train_command("htad", 1, tmp_path / "two", [*chosen, "workers=2"]) == 0
    one, two = result(tmp_path / "one"), result(tmp_path / "two")
    assert one["runs"] == two["runs"] and one["summary"] == two["summary"]


def test_a_run_that_diverges_leaves_the_others_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wild(dataset: Dataset, method: str, number: int, settings: Settings) -> Run | Finding:
        lr = 1e30 if method == "amss" else settings.lr
        return train(dataset, method, number, settings.model_copy(update={"lr": lr}))

    monkeypatch.setattr(execution, "train", wild)
    assert train_command("htad", 1, tmp_path, HERE) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "must be finite" in line]
    assert len(lines) == 1 and "method amss, seed 0" in lines[0] and "modality" in lines[0] and "step" in lines[0]
    found = result(tmp_path)
    assert [run["method"] for run in found["runs"]] == ["joint", "uniform", "amss+"]
    assert [finding["method"] for finding in found["findings"]] == ["amss"]
    assert found["summary"]["methods"]["amss"]["accuracy"]["n"] == 0


def test_when_every_run_diverges_the_findings_are_still_written(tmp_path: Path) -> None:
    assert train_command("htad", 1, tmp_path, [*HERE, "lr=1e30"]) == 1
    found = result(tmp_path)
    assert found["runs"] == [] and len(found["findings"]) == len(METHODS)


@pytest.mark.parametrize(
    ("data", "seeds", "overrides", "line"),
    [
        ("htda", 1, [], "no data set 'htda'; did you mean 'htad'?"),
        ("htad", 1, ["methods=joint,amms"], "no method 'amms'; did you mean 'amss' or 'amss+'?"),
        ("htad", 1, ["epoch=3"], "no setting 'epoch'; did you mean 'epochs' or 'batch'?"),
        ("htad", 0, [], "setting seeds: Input should be greater than or equal to 1, found 0"),
    ],
)
def test_bad_input_is_answered_in_one_line_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: str, seeds: int, overrides: list[str], line: str
) -> None:
    assert train_command(data, seeds, tmp_path / "results", overrides) == 2
    assert capsys.readouterr() == ("", f"{line}\n")
    assert not (tmp_path / "results").exists()


def test_results_that_cannot_be_written_are_found_before_any_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulations.multimodal.command.run_all", lambda *_: pytest.fail("it ran"))
    (tmp_path / "results").write_text("in the way", encoding="utf-8")
    assert train_command("htad", 1, tmp_path / "results", HERE) == 2
    assert capsys.readouterr().err == f"cannot write to {tmp_path / 'results'}/: Not a directory\n"


def test_an_interrupt_ends_with_one_line_and_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Run:
        raise KeyboardInterrupt

    monkeypatch.setattr(execution, "train", interrupted)
    assert train_command("htad", 1, tmp_path, HERE) == 130
    assert capsys.readouterr().err.splitlines()[-1].startswith("interrupted: nothing was written")
    assert list((tmp_path / "train").iterdir()) == []


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a session of its own that trains for hours, a few seconds after its start."""
    program = (
        "from pathlib import Path\nfrom simulations.multimodal.command import train_command\n"
        f"raise SystemExit(train_command('htad', 2, Path({str(tmp_path)!r}), ['epochs=100000', 'workers=2']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "train").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(5)  # long enough that the workers train; were they still starting, the end must be the same
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def gone(group: int, seconds: float = 60) -> bool:
    """Whether every process of the group ends within the time. One that nobody has waited for (state Z) has ended."""

    def living() -> bool:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, member_of = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
                if int(member_of) == group and state not in "ZX":
                    return True
        return False

    deadline = time.monotonic() + seconds
    while living() and time.monotonic() < deadline:
        time.sleep(0.1)
    return not living()


@LINUX
@pytest.mark.slow
def test_ctrl_c_ends_the_workers_too(endless: subprocess.Popen[str]) -> None:
    os.killpg(endless.pid, signal.SIGINT)
    _, errors = endless.communicate(timeout=60)
    assert endless.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("interrupted: nothing was written")
    assert gone(endless.pid)


@LINUX
@pytest.mark.slow
def test_workers_do_not_outlive_the_command(endless: subprocess.Popen[str]) -> None:
    endless.kill()
    endless.wait()
    assert gone(endless.pid)
