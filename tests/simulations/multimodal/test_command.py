import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulations.multimodal import execution
from simulations.multimodal.command import Request, train_command
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.settings import Settings
from simulations.multimodal.training import Run, Watch, train

ROOT = Path(__file__).resolve().parents[3]
QUICK = ["training.epochs=2", "model.encoders.default.options={hidden=[8]}", "model.features=4", "training.batch=256"]
HERE = [*QUICK, "workers=1"]
METHODS = ["joint", "uniform", "amss", "amss+"]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def run(folder: Path, overrides: list[str], seeds: int = 1, config: str = "htad", resume: bool = False) -> int:
    return train_command(Request(config, overrides, seeds, resume, results=folder))


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "train" / "htad.json").read_text(encoding="utf-8"))
    return found


def timeless(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs without what the clock tells."""
    kept = [{**one, "cost": None, "history": {**one["history"], "seconds_per_step": None}} for one in runs]
    return kept


def test_a_run_writes_everything_and_shows_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, HERE, seeds=2) == 0
    shown = capsys.readouterr()
    for text in ("macro-F1", "audio alone", "accelerometer alone", "95% intervals", "amss+", "normal"):
        assert text in shown.out
    found = result(tmp_path)
    assert [(one["seed"], one["method"]) for one in found["runs"]] == [(s, m) for s in (0, 1) for m in METHODS]
    assert Settings(**found["settings"]).training.epochs == 2
    assert found["data"]["rows"] == 1386 and found["data"]["task"] == "classification"
    assert {"python", "torch", "numpy"} <= set(found["versions"])
    assert found["findings"] == []
    interval = found["summary"]["difference_to_joint"]["amss"]["macro_f1"]
    assert interval["n"] == 2 and interval["low"] <= interval["mean"] <= interval["high"]
    assert {path.name for path in (tmp_path / "train").iterdir()} == {"htad.json", "htad"}
    folders = {path.name for path in (tmp_path / "train" / "htad").iterdir()}
    assert folders == {f"{name}-{seed}" for name in ("joint", "uniform", "amss", "amss-plus") for seed in (0, 1)}
    log = (tmp_path / "train" / "htad" / "amss-plus-1" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [1, 2]


def test_workers_change_no_number(tmp_path: Path) -> None:
    chosen = [*QUICK, "methods=joint,amss+"]
    assert run(tmp_path / "one", [*chosen, "workers=1"]) == 0
    assert run(tmp_path / "two", [*chosen, "workers=2"]) == 0
    one, two = result(tmp_path / "one"), result(tmp_path / "two")
    assert timeless(one["runs"]) == timeless(two["runs"]) and one["summary"] == two["summary"]


def test_resuming_runs_nothing_again_and_adds_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(tmp_path, [*HERE, "methods=joint,amss"]) == 0
    before = result(tmp_path)["runs"]
    again: list[str] = []

    def counted(dataset: Dataset, method: str, number: int, settings: Settings, lr: float, watch: Watch) -> Any:
        again.append(method)
        return train(dataset, method, number, settings, lr, watch)

    monkeypatch.setattr(execution, "train", counted)
    assert run(tmp_path, [*HERE, "methods=joint,amss,amss+"], resume=True) == 0
    assert again == ["amss+"]
    assert result(tmp_path)["runs"][:2] == before
    assert run(tmp_path, [*HERE, "methods=joint", "training.lr=0.02"], resume=True) == 0
    assert again == ["amss+", "joint"]


def test_a_run_that_diverges_leaves_the_others_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wild(dataset: Dataset, method: str, number: int, settings: Settings, lr: None, watch: Watch) -> Run | Finding:
        return train(dataset, method, number, settings, 1e30 if method == "amss" else None, watch)

    monkeypatch.setattr(execution, "train", wild)
    assert run(tmp_path, HERE) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "must be finite" in line]
    assert len(lines) == 1 and "method amss, seed 0" in lines[0] and "modality" in lines[0] and "step" in lines[0]
    found = result(tmp_path)
    assert [one["method"] for one in found["runs"]] == ["joint", "uniform", "amss+"]
    assert [finding["method"] for finding in found["findings"]] == ["amss"]
    assert found["summary"]["methods"]["amss"]["accuracy"]["n"] == 0


def test_when_every_run_diverges_the_findings_are_still_written(tmp_path: Path) -> None:
    assert run(tmp_path, [*HERE, "training.lr=1e30"]) == 1
    found = result(tmp_path)
    assert found["runs"] == [] and len(found["findings"]) == len(METHODS)


@pytest.mark.parametrize(
    ("config", "seeds", "overrides", "line"),
    [
        ("htda", 1, [], "no data set 'htda'; did you mean 'htad'.*"),
        ("htad", 1, ["methods=joint,amms"], r"no method 'amms'; did you mean 'amss' or 'amss\+'.*"),
        ("htad", 1, ["training.epoch=3"], r"no setting 'training\.epoch'; did you mean 'training\.epochs'.*"),
        ("htad", 0, [], "setting seeds: Input should be greater than or equal to 1, found 0"),
        ("none.toml", 1, [], "cannot read the settings none.toml: .*"),
        ("none.py:x", 1, [], "data: 'none.py' does not exist.*"),
        ("htad", 1, ["data.options={rows=3}"], "data htad: .*its options are: none"),
        ("htad", 1, ["model.fusion=concat"], "no fusion 'concat'; did you mean 'concatenation'.*"),
        ("htad", 1, ["model.encoders.sound={kind='mlp'}"], "no modality 'sound' in htad; .*"),
        ("htad", 1, ["model.encoders.audio={kind='mpl'}"], "no encoder 'mpl' for audio; did you mean 'mlp'.*"),
        ("htad", 1, ["model.encoders.audio={kind='cnn1d'}"], "encoder cnn1d of audio: .*reads rows of shape.*"),
        ("htad", 1, ["methods=joint,modality-lr"], "modality-lr needs `factors`.*"),
    ],
)
def test_bad_input_is_answered_in_one_line_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, seeds: int, overrides: list[str], line: str
) -> None:
    assert run(tmp_path / "results", overrides, seeds, config) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and re.fullmatch(f"{line}\n", shown.err), shown.err
    assert not (tmp_path / "results").exists()


def test_results_that_cannot_be_written_are_found_before_any_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulations.multimodal.command.run_all", lambda *_: pytest.fail("it ran"))
    (tmp_path / "results").write_text("in the way", encoding="utf-8")
    assert run(tmp_path / "results", HERE) == 2
    assert capsys.readouterr().err == f"cannot write to {tmp_path / 'results'}/: Not a directory\n"


def test_an_interrupt_ends_with_one_line_that_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Run:
        raise KeyboardInterrupt

    monkeypatch.setattr(execution, "train", interrupted)
    assert run(tmp_path, HERE) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("interrupted: ") and last.endswith("--resume goes on from here")
    assert not (tmp_path / "train" / "htad.json").exists()


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a session of its own that trains for hours, a few seconds after its start."""
    program = (
        "from pathlib import Path\nfrom simulations.multimodal.command import Request, train_command\n"
        f"chosen = Request('htad', ['training.epochs=100000', 'workers=2'], 2, results=Path({str(tmp_path)!r}))\n"
        "raise SystemExit(train_command(chosen))"
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
    assert errors.splitlines()[-1].startswith("interrupted: ")
    assert gone(endless.pid)


@LINUX
@pytest.mark.slow
def test_workers_do_not_outlive_the_command(endless: subprocess.Popen[str]) -> None:
    endless.kill()
    endless.wait()
    assert gone(endless.pid)
