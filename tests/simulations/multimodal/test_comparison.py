import json
from pathlib import Path
from typing import Any

import pytest

from amss_min.testing import Status
from simulations.multimodal.claims import MASKED, WORTH, claim, verdict
from simulations.multimodal.command import Request
from simulations.multimodal.compare_command import compare_command
from simulations.multimodal.comparison import FIRST_TUNING_SEED, compared_tasks, tuned, tuning_tasks
from simulations.multimodal.execution import Outcome
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.settings import Settings, settings_from

QUICK = [
    "training.epochs=2",
    "model.encoders.default.options={hidden=[8]}",
    "model.features=4",
    "training.batch=256",
    "workers=1",
    "compare.methods=joint,amss,amss+",
    "compare.lrs=[0.01, 0.1]",
    "compare.tuning_seeds=1",
    "compare.resamples=1000",
]


def settings(**compare: Any) -> Settings:
    return settings_from({"data": {"name": "htad"}, "methods": ["joint", "amss"], "compare": compare, "seeds": 3})


def outcome(metric: float) -> Outcome:
    return {"validation": {"metrics": {"accuracy": metric, "macro_f1": 0.0}}}


def test_every_method_is_tuned_over_the_same_runs_on_seeds_of_their_own() -> None:
    tasks = tuning_tasks(settings(lrs=[0.1, 0.2], tuning_seeds=2))
    by_method = {name: {(task.seed, task.lr) for task in tasks if task.method == name} for name in ("joint", "amss")}
    assert by_method["joint"] == by_method["amss"] and len(by_method["joint"]) == 4
    compared = compared_tasks(settings(), {"joint": 0.1, "amss": 0.2})
    assert {task.seed for task in compared} == {0, 1, 2} and min(task.seed for task in tasks) == FIRST_TUNING_SEED
    assert {(task.method, task.lr) for task in compared} == {("joint", 0.1), ("amss", 0.2)}


def test_the_stepsize_is_the_best_on_validation_and_its_place_is_told() -> None:
    chosen = settings(lrs=[0.1, 0.2, 0.3], tuning_seeds=1)
    tasks = tuning_tasks(chosen)
    scores = {("joint", 0.1): 0.5, ("joint", 0.2): 0.9, ("joint", 0.3): 0.6, ("amss", 0.1): 0.7, ("amss", 0.2): 0.7}
    broken = Finding("amss", 0, 1, "loss", "w", "audio")
    pairs = [(task, (task.method, task.lr or 0.0)) for task in tasks]
    found = tuned(chosen, tasks, [outcome(scores[key]) if key in scores else broken for _, key in pairs])
    assert found["joint"] == {"scores": {"0.1": 0.5, "0.2": 0.9, "0.3": 0.6}, "lr": 0.2, "edge": False}
    # Ties go to the smaller stepsize; a run that diverged is never chosen.
    assert found["amss"] == {"scores": {"0.1": 0.7, "0.2": 0.7, "0.3": None}, "lr": 0.1, "edge": True}


def test_a_comparison_writes_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_command(Request("htad", QUICK, 3, results=tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "hold for all 2 comparisons at once" in " ".join(shown.split()) and "logistic regression" in shown
    found = json.loads((tmp_path / "compare" / "htad.json").read_text(encoding="utf-8"))
    assert set(found["paired"]["differences"]) == {"amss", "amss+"} and found["paired"]["seeds"] == [0, 1, 2]
    table = {(run["method"], run["seed"]): run["test"]["metrics"]["accuracy"] for run in found["runs"]}
    for method, item in found["paired"]["differences"].items():
        assert item["values"] == [table[method, seed] - table["joint", seed] for seed in range(3)]
        assert item["low"] <= item["mean"] <= item["high"]
    assert {run["lr"] for run in found["runs"]} <= {0.01, 0.1}
    assert len(found["logistic"]["values"]) == 3 and found["claim"]["id"] == "open-rebalancing-helps-htad"
    logged = json.loads((tmp_path / "compare" / "htad.json").read_text(encoding="utf-8"))
    assert compare_command(Request("htad", QUICK, 3, resume=True, results=tmp_path)) == 0
    again = json.loads((tmp_path / "compare" / "htad.json").read_text(encoding="utf-8"))
    assert {**again, "seconds": 0} == {**logged, "seconds": 0}


def test_without_the_baseline_nothing_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["compare.methods=[]", "methods=amss,amss+"]
    assert compare_command(Request("htad", chosen, 1, results=tmp_path)) == 2
    assert "the baseline 'joint' must be among the methods, found amss, amss+" in capsys.readouterr().err


def record(intervals: dict[str, tuple[float | None, float | None]]) -> dict[str, Any]:
    middle = {name: ((low or 0) + (high or 0)) / 2 for name, (low, high) in intervals.items()}
    differences = {
        name: {"mean": middle[name], "low": low, "high": high, "n": 9, "finding": "as made up"}
        for name, (low, high) in intervals.items()
    }
    paired = {
        "baseline": "joint",
        "seeds": list(range(9)),
        "confidence": 0.95,
        "comparisons": 3,
        "guarantee": "made up",
        "differences": differences,
    }
    summary, data = {"primary": "accuracy"}, {"name": "made"}
    return {"runs": [{}], "paired": paired, "tuning": {}, "summary": summary, "split": {"note": ""}, "data": data}


@pytest.mark.parametrize(
    ("intervals", "status"),
    [
        ([(0.001, 0.05), (-0.1, 0.1), (-0.1, 0.1)], Status.CONSISTENT),
        ([(-0.05, WORTH / 2), (-0.1, 0.0), (-0.1, -0.01)], Status.REFUTED),
        ([(-0.05, WORTH), (-0.1, 0.0), (-0.1, -0.01)], Status.INCONCLUSIVE),
        ([(-0.05, 0.2), (-0.1, 0.0), (-0.1, -0.01)], Status.INCONCLUSIVE),
        ([(None, None), (0.1, 0.2), (0.1, 0.2)], Status.INCONCLUSIVE),
    ],
)
def test_the_claim_on_made_up_intervals(intervals: list[tuple[float | None, float | None]], status: Status) -> None:
    found = verdict(record(dict(zip(MASKED, intervals, strict=True))))
    assert found is not None and found.status is status
    assert (found.witness is not None) == (status is Status.REFUTED)


def test_without_pairs_nothing_is_decided_and_without_masks_nothing_is_claimed() -> None:
    empty = record(dict.fromkeys(MASKED, (0.1, 0.2)))
    empty["paired"]["seeds"] = []
    found = verdict(empty)
    assert found is not None and found.status is Status.INCONCLUSIVE
    assert verdict(record({"ogm": (0.1, 0.2)})) is None
    assert claim("made").id.startswith("open-")
