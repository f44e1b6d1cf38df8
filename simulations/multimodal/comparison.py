"""The protocol of a comparison: equal tuning on validation, paired seeds, intervals for all differences at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

import numpy as np

from simulations.multimodal import baseline
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.execution import Outcome, Place, Task, run_all
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.paired import GUARANTEE, differences, lower_bound
from simulations.multimodal.results import record
from simulations.multimodal.settings import Settings
from simulations.multimodal.summary import flat_metrics, t_interval
from simulations.multimodal.tasks import CLASSIFICATION
from simulations.seeding import seed

FIRST_TUNING_SEED = 10**6
"""Seeds used for tuning: numbers from here on, so that no compared seed was ever tuned on."""

HISTORIES = 3
"""Seeds of which the record keeps the histories; each run's own log has all of them."""


def tuning_tasks(settings: Settings) -> list[Task]:
    """Every method with every stepsize on the tuning seeds."""
    plan = settings.compare
    seeds = range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + plan.tuning_seeds)
    return [Task(method, number, lr) for number in seeds for method in settings.methods for lr in plan.lrs]


def compared_tasks(settings: Settings, chosen: Mapping[str, float]) -> list[Task]:
    """Every method with its stepsize on the compared seeds."""
    return [Task(method, number, chosen[method]) for number in range(settings.seeds) for method in settings.methods]


def tuned(settings: Settings, tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """By method: scores, the mean validation metric by stepsize; lr, the best of them; and edge, whether it is the
    least or largest tried. A stepsize with a run that diverged counts as minus infinity, shown as null; where all
    diverged the smallest is taken. Ties go to the smaller stepsize.
    """
    found: dict[str, dict[str, Any]] = {}
    for method in settings.methods:
        scores: dict[float, float | None] = {}
        for lr in sorted(settings.compare.lrs):
            own = [
                outcome for task, outcome in zip(tasks, outcomes, strict=True) if (task.method, task.lr) == (method, lr)
            ]
            metrics = [_validation(outcome) for outcome in own]
            scores[lr] = None if None in metrics else fmean(value for value in metrics if value is not None)
        best = max(scores, key=lambda lr: (-np.inf if scores[lr] is None else scores[lr], -lr))
        ends = (min(scores), max(scores))
        found[method] = {
            "scores": {f"{lr:g}": score for lr, score in scores.items()},
            "lr": best,
            "edge": len(scores) > 1 and best in ends,
        }
    return found


def compare(
    dataset: Dataset,
    settings: Settings,
    done: Callable[[Outcome], None],
    place: Place,
    stage: Callable[[str, int], None],
) -> dict[str, Any]:
    """Tune, train and compare; the record of results/compare/<name>.json.

    stage: called with a title and a number of runs before each stage. done: called after each run. Keys beside those of
    a training record: tuning, paired, logistic (classification only).
    """
    tasks = tuning_tasks(settings)
    stage("tuning", len(tasks))
    tuning = tuned(settings, tasks, run_all(dataset, settings, tasks, done, place))
    tasks = compared_tasks(settings, {method: tuning[method]["lr"] for method in settings.methods})
    stage("comparing", len(tasks))
    outcomes = run_all(dataset, settings, tasks, done, place)
    values = record(dataset, settings, outcomes, 0.0)
    runs = values["runs"]
    for run in runs:
        if run["seed"] >= HISTORIES:
            run["history"] = {}
    values["tuning"] = tuning
    values["paired"] = paired(runs, settings)
    if dataset.task.name == CLASSIFICATION:
        values["logistic"] = logistic(dataset, settings, runs)
    return values


def paired(runs: Sequence[Mapping[str, Any]], settings: Settings) -> dict[str, Any]:
    """Differences of the test metric to the baseline, with simultaneous intervals.

    Where a method diverged on a seed, that seed is left out of all comparisons, and is listed.
    """
    table = {(run["method"], run["seed"]): next(iter(flat_metrics(run).values())) for run in runs}
    plan = settings.compare
    whole = [n for n in range(settings.seeds) if all((method, n) in table for method in settings.methods)]
    others = [method for method in settings.methods if method != plan.baseline]
    values = {method: [table[method, n] - table[plan.baseline, n] for n in whole] for method in others}
    rng = np.random.default_rng(seed(settings.root, use="bootstrap"))
    found = (
        differences(values, settings.confidence, plan.resamples, rng)
        if whole and plan.baseline in settings.methods
        else {}
    )
    return {
        "baseline": plan.baseline,
        "seeds": whole,
        "left_out": [n for n in range(settings.seeds) if n not in whole],
        "confidence": settings.confidence,
        "comparisons": len(others),
        "guarantee": GUARANTEE,
        "differences": {
            name: {**_finite(asdict(item)), "finding": item.finding, "values": values[name]}
            for name, item in found.items()
        },
    }


def logistic(dataset: Dataset, settings: Settings, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Logistic regression on the splits of the same seeds, and by how much the baseline is above it."""
    own = {
        run["seed"]: run["test"]["metrics"]["accuracy"] for run in runs if run["method"] == settings.compare.baseline
    }
    scores = {number: baseline.logistic_accuracy(dataset, number, settings) for number in own}
    gaps = [own[number] - scores[number] for number in own]
    low = lower_bound(gaps, settings.confidence)
    return {
        "accuracy": asdict(t_interval(list(scores.values()), settings.confidence)),
        "values": list(scores.values()),
        "difference": fmean(gaps) if gaps else None,
        "lower_bound": low if np.isfinite(low) else None,
        "meaning": f"{settings.compare.baseline} less {baseline.NAME}, one-sided lower bound by Student's t",
    }


def _validation(outcome: Outcome) -> float | None:
    if isinstance(outcome, Finding):
        return None
    return float(next(iter(outcome["validation"]["metrics"].values())))


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
