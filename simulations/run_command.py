"""The command `run`: a named experiment, a study, or one configuration given by options."""

import math
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from amss_min.testing.loading import BadInput
from simulations import audit, experiments
from simulations.audit import Task, UnknownName
from simulations.console import plain, progress, say, show, written_to
from simulations.experiments import Cell, Experiment
from simulations.results import check_writable, write_json
from simulations.run_bounds import Bound, bound_of, tightness
from simulations.study import Study, overridden, read_study, study_of
from theory.measurement import Measurement, Run

ONE_OFF = "one-off"
"""The name under which a run given by options is written."""

_ALONE = 1e8  # coordinates updated, a few seconds: below it, starting processes takes longer than it saves


def run_named(name: str, *, results: Path, seed: int) -> int:
    """Run one experiment, write results/experiments/NAME.json, show it, and return the exit code 0."""
    known = {experiment.name: experiment for experiment in experiments.ALL}
    if name not in known:
        raise UnknownName("experiment", name, known)
    experiment, folder = known[name], results / "experiments"
    with written_to(results):
        check_writable(folder)
    runs = _work(experiment.claim, experiment.cells, seed, f"run {name}")
    record = experiment.record(Measurement(runs=runs), seed)
    with written_to(results):
        write_json(folder / f"{name}.json", record)
    _show_experiment(experiment, record)
    say(f"written: {folder / name}.json")
    return 0


def run_study(path: Path, overrides: Sequence[str], *, results: Path, seed: int | None) -> int:
    """Run a study, write results/studies/NAME.json, show it, and return the exit code 0; raises BadInput."""
    study = read_study(path, overrides)
    given = study if seed is None else study.model_copy(update={"seed": seed})
    return _run(given, path.stem, results, f"python -m simulations run {path}")


def run_options(given: Mapping[str, Any], overrides: Sequence[str], *, results: Path) -> int:
    """Run the configuration of these options as the study one-off; raises BadInput."""
    needed = {"objective": "--objective", "noise": "--noise", "methods": "--method", "stepsizes": "--stepsize"}
    values = overridden({key: value for key, value in given.items() if value not in (None, [], ())}, overrides)
    missing = [option for key, option in needed.items() if key not in values]
    if missing:
        raise BadInput(f"a run needs {', '.join(needed.values())} and --steps, found no {' and no '.join(missing)}")
    if "horizon" not in values and "checkpoints" not in values:
        raise BadInput("a run needs --steps, the number T of them, found none")
    return _run(study_of(values), ONE_OFF, results, "")


def _run(study: Study, name: str, results: Path, command: str) -> int:
    if not re.fullmatch(r"[\w.+-]+", name):
        raise BadInput(f"a study is written under its name: letters, digits, '_', '-', '+' and '.', found {name!r}")
    began = time.monotonic()
    cells, folder = study.cells(name), results / "studies"
    with written_to(results):
        check_writable(folder)
    runs = _work("study", cells, study.seed, f"run {name}")
    bounds = [bound_of(run) for run in runs]
    with written_to(results):
        write_json(folder / f"{name}.json", study_record(study, name, command, runs, bounds))
    _show_study(name, runs, bounds, cells)
    say(f"written: {folder / name}.json, {time.monotonic() - began:.0f} s")
    return 0


def _work(claim: str, cells: Sequence[Cell], seed: int, title: str) -> list[Run]:
    todo = [Task(claim, cell, seed) for cell in cells]
    with progress(title, len(todo)) as advance:
        ordered = sorted(dict.fromkeys(todo), key=lambda task: -task.cell.cost if task.cell else 0.0)
        alone = sum(cell.cost for cell in cells) < _ALONE
        outcomes = audit.work(ordered, workers=int(alone), done=advance)
    return [run for task in todo if isinstance(run := outcomes[task], Run)]


def study_record(study: Study, name: str, command: str, runs: Sequence[Run], bounds: Sequence[Bound]) -> dict[str, Any]:
    """What results/studies/NAME.json holds, in JSON types; means over replicates with standard errors of these means.

    {name, command, study, runs: [{objective, L, f_star, d, noise, sigma2, method, optimiser, schedule, stepsize, keep,
    drawn, replicates, checkpoints, energy, energy_error, average, average_error, gap, gap_error, bound: {name, curve,
    reason}, tightness}]}. energy is |grad F(w_t)|^2, average its mean over the steps before, gap F(w_t) - f_star. The
    study is as it was run, with its defaults. A number that is not finite is null.
    """
    return {
        "name": name,
        "command": command,
        "study": study.model_dump(mode="json"),
        "runs": [_record(run, bound) for run, bound in zip(runs, bounds, strict=True)],
    }


def _record(run: Run, bound: Bound) -> dict[str, Any]:
    curves = {"energy": run.squared_gradient, "average": run.average, "gap": run.value - run.objective.f_star}
    found: dict[str, Any] = {
        "objective": run.objective.name,
        "L": run.objective.L,
        "f_star": run.objective.f_star,
        "d": sum(run.objective.units),
        "noise": run.noise.name,
        "sigma2": run.noise.sigma2,
        "method": run.method.name,
        "optimiser": None if run.optimiser is None else run.optimiser.name,
        "schedule": None if run.schedule is None else run.schedule.name,
        "stepsize": run.stepsize,
        "keep": run.replay["keep"],
        "drawn": list(run.drawn),
        "replicates": run.replicates,
        "checkpoints": list(run.checkpoints),
    }
    with np.errstate(invalid="ignore", over="ignore"):
        for name, values in curves.items():
            found[name] = values.mean(0).tolist()
            found[f"{name}_error"] = (values.std(0) / math.sqrt(max(1, len(values) - 1))).tolist()
        found["tightness"] = tightness(run, bound)
    curve = None if bound.curve is None else bound.curve.tolist()
    found["bound"] = {"name": bound.name, "curve": curve, "reason": bound.reason}
    return {key: _finite(value) for key, value in found.items()}


def _finite(value: Any) -> Any:
    """Numbers that JSON lacks become null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _show_study(name: str, runs: Sequence[Run], bounds: Sequence[Bound], cells: Sequence[Cell]) -> None:
    labels = {
        "objective": [run.objective.name for run in runs],
        "noise": [run.noise.name for run in runs],
        "method": [run.method.name for run in runs],
        "optimiser": ["SGD" if run.optimiser is None else run.optimiser.name for run in runs],
        "stepsize": [f"{run.stepsize:.4g}" if run.schedule is None else run.schedule.name for run in runs],
        "keep": [str(cell.keep) for cell in cells],
    }
    varying = {key: column for key, column in labels.items() if len(set(column)) > 1 or key in ("method", "stepsize")}
    fixed = [f"{key} {column[0]}" for key, column in labels.items() if key not in varying]
    first = runs[0]
    heading = "; ".join([*fixed, f"{first.checkpoints[-1]} steps", f"{first.replicates} replicates"])
    table = Table(
        title=f"{name}: {plain(heading)}", caption="average of |grad F|^2 over the run, +- its standard error"
    )
    for key in varying:
        table.add_column(key)
    for heading in ("average", "error", "F(w_T) - f_star", "bound", "average / bound"):
        table.add_column(heading, justify="right")
    for row, (run, bound) in enumerate(zip(runs, bounds, strict=True)):
        shown = _record(run, bound)
        limit = None if bound.curve is None else float(bound.curve[-1])
        numbers = (shown["average"][-1], shown["average_error"][-1], shown["gap"][-1], limit, shown["tightness"])
        words = [plain(column[row]) for column in varying.values()]
        table.add_row(*words, *(_number(value, at) for at, value in enumerate(numbers)))
    show(table)
    for reason in dict.fromkeys(bound.reason for bound in bounds if bound.reason):
        say(f"no bound where: {reason}")


def _number(value: float | None, at: int) -> str:
    return ("none" if at >= 3 else "not finite") if value is None else f"{value:.4g}"


def _show_experiment(experiment: Experiment, record: dict[str, Any]) -> None:
    curves = list(dict.fromkeys(curve for run in record["runs"] for curve in run["theory"]))
    table = Table(
        title=f"{experiment.name}: {experiment.summary}", caption="average of |grad F|^2 over the run, +- its error"
    )
    headings = ("method", "noise", "stepsize", "steps", "replicates", "average", "error")
    for heading in (*headings, *(f"theory: {curve}" for curve in curves)):
        table.add_column(heading, justify="left" if heading in ("method", "noise") else "right")
    for run in record["runs"]:
        shown = [run["method"], run["noise"], f"{run['stepsize']:.4g}", str(run["checkpoints"][-1])]
        numbers = [run["average"][-1], run["average_error"][-1]]
        found = [run["theory"].get(curve) for curve in curves]
        numbers += [curve[-1] if isinstance(curve, list) else curve for curve in found]
        texts = ("" if number is None else f"{number:.4g}" for number in numbers)
        table.add_row(*shown, str(run["replicates"]), *texts)
    show(table)
