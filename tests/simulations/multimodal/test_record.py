import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from simulations.multimodal.record import TARGET, USUAL, commit_of, main, recorded
from simulations.multimodal.settings import Settings
from simulations.multimodal.sources import load
from simulations.multimodal.summary import BASELINE, flat_metrics

METHODS = ("joint", "uniform", "amss", "amss+")


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    values: dict[str, Any] = json.loads((TARGET / USUAL).read_text(encoding="utf-8"))
    return values


def test_the_recorded_run_is_of_the_vendored_data_with_at_least_ten_seeds(committed: dict[str, Any]) -> None:
    assert committed["data"]["sha256"] == load("htad").sha256
    settings = Settings(**committed["settings"])
    assert settings.seeds >= 10 and settings.methods == METHODS
    done = [(run["seed"], run["method"]) for run in committed["runs"]]
    assert done == [(seed, method) for seed in range(settings.seeds) for method in METHODS]
    assert committed["findings"] == []
    assert set(committed["recorded"]) == {"commit", "date"}
    datetime.date.fromisoformat(committed["recorded"]["date"])


def test_the_recorded_methods_are_paired(committed: dict[str, Any]) -> None:
    seeds = committed["settings"]["seeds"]
    shared = {(run["seed"], tuple(run["paired"].values())) for run in committed["runs"]}
    assert len(shared) == len({digests for _, digests in shared}) == seeds


def test_the_recorded_means_are_those_of_the_recorded_runs(committed: dict[str, Any]) -> None:
    table = {(run["method"], run["seed"]): flat_metrics(run) for run in committed["runs"]}
    seeds = range(committed["settings"]["seeds"])
    for method in METHODS:
        for key, interval in committed["summary"]["methods"][method].items():
            total = sum(table[method, seed][key] for seed in seeds)
            # Sums of n shares in [0, 1] in two orders of rounding: at most n roundings of n 2^-53 each.
            assert abs(interval["mean"] * len(seeds) - total) <= len(seeds) ** 2 * 2.0**-53
        if method != BASELINE:
            for key, interval in committed["summary"]["difference_to_joint"][method].items():
                total = sum(table[method, seed][key] - table[BASELINE, seed][key] for seed in seeds)
                assert abs(interval["mean"] * len(seeds) - total) <= len(seeds) ** 2 * 2.0**-53


def test_the_recorded_best_epochs_are_those_of_the_validation_rows(committed: dict[str, Any]) -> None:
    for run in committed["runs"]:
        # Histories are rounded to four digits, which may tie epochs, never reverse them.
        accuracies = run["history"]["validation_metric"]
        assert len(accuracies) == committed["settings"]["training"]["epochs"]
        assert accuracies[run["best_epoch"] - 1] == max(accuracies)


def test_a_record_says_where_and_when_it_was_made() -> None:
    found = recorded({"runs": []}, "abc", datetime.date(2026, 1, 2))
    assert found == {"recorded": {"commit": "abc", "date": "2026-01-02"}, "runs": []}


def test_the_commit_is_that_of_the_folder(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    assert commit_of(tmp_path) is None
    (tmp_path / "a").write_text("a", encoding="utf-8")
    git("add", "a")
    git("commit", "-q", "-m", "first")
    head = git("rev-parse", "HEAD")
    assert commit_of(tmp_path) == head
    (tmp_path / "a").write_text("b", encoding="utf-8")
    assert commit_of(tmp_path) == f"{head}-dirty"
    assert commit_of(tmp_path / "missing") is None


def test_a_run_is_copied_or_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "kept"
    assert main([str(tmp_path)], target) == 2
    assert capsys.readouterr().err.startswith(f"cannot record {tmp_path / 'train' / 'htad.json'}: ")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "htad.json").write_text('{"runs": [{"seed": 0}], "seconds": 1.5}', encoding="utf-8")
    assert main([str(tmp_path)], target) == 0
    kept = json.loads((target / USUAL).read_text(encoding="utf-8"))
    assert kept["runs"] == [{"seed": 0}] and kept["seconds"] == 1.5
    assert set(kept["recorded"]) == {"commit", "date"}
