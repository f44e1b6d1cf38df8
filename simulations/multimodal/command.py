"""The command `python -m simulations train DATA --seeds N`: what it checks, runs, writes and shows."""

import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from simulations.multimodal.datasets import Dataset, load
from simulations.multimodal.execution import run_all
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.results import record, write_json
from simulations.multimodal.settings import Settings, SettingsError, read_settings
from simulations.multimodal.summary import BASELINE, Interval
from simulations.multimodal.training import Run
from simulations.results import check_writable

INTERRUPTED = 130
_WIDE = 140


def train_command(data: str, seeds: int, results: Path, overrides: list[str]) -> int:
    """Train every method on `seeds` paired seeds and write results/train/<data>.json.

    data: a name in DATASETS. overrides: settings as `name=value`, over those of simulations/multimodal/<data>.toml.
    Returns the exit code: 0; 1 when a run met a number that is not finite or a worker died; 2 for a bad name, a bad
    setting or a folder that cannot be written; 130 after Ctrl-C, with nothing written. Messages are one line on
    standard error; the table goes to standard output.
    """
    try:
        dataset = load(data)
        settings = read_settings(Path(__file__).with_name(f"{data}.toml"), overrides, seeds=seeds)
    except (KeyError, SettingsError) as error:
        return _refused(str(error.args[0]))
    target = results / "train" / f"{data}.json"
    try:
        check_writable(target.parent)
    except OSError as error:
        return _unwritable(results, error)
    began = time.monotonic()
    try:
        outcomes = _run(dataset, settings)
    except KeyboardInterrupt:
        _say(f"interrupted: nothing was written to {target}")
        return INTERRUPTED
    except BrokenProcessPool:
        _say("a worker process ended before its run did: nothing was written; is there too little memory?")
        return 1
    values = record(dataset, settings, outcomes, time.monotonic() - began)
    try:
        write_json(target, values)
    except OSError as error:
        return _unwritable(results, error)
    findings = [outcome for outcome in outcomes if isinstance(outcome, Finding)]
    _show(values, target)
    for finding in findings:
        _say(str(finding))
    return 1 if findings else 0


def _run(dataset: Dataset, settings: Settings) -> list[Run | Finding]:
    # Seeds outside, methods inside: after an early end the seeds that are done are whole pairs.
    tasks = [(method, number) for number in range(settings.seeds) for method in settings.methods]
    columns = (TextColumn("train {task.fields[data]}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(tasks), data=dataset.name)
        return run_all(dataset, settings, tasks, lambda _: progress.advance(bar))


def _show(values: dict[str, Any], target: Path) -> None:
    summary, names = values["summary"], list(values["data"]["features"])
    percent = f"{100 * summary['confidence']:g}%"
    table = Table(title=f"{values['data']['name']}: test scores, mean over seeds with {percent} intervals")
    shown = {"accuracy": "accuracy", "macro_f1": "macro-F1", **{f"accuracy_{name}": f"{name} alone" for name in names}}
    for title in ("method", "seeds", *shown.values(), f"accuracy - {BASELINE}"):
        table.add_column(title, no_wrap=True)
    for method, metrics in summary["methods"].items():
        if not metrics or not metrics["accuracy"]["n"]:
            table.add_row(method, "0")
            continue
        cells = [str(Interval(**metrics[key])) for key in shown]
        difference = summary["difference_to_joint"].get(method)
        paired = str(Interval(**difference["accuracy"])) if difference else ""
        table.add_row(method, str(metrics["accuracy"]["n"]), *cells, paired)
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(table)
    notes = (f"intervals: {summary['assumption']}", f"split: {values['split']['note']}.", f"scale: {values['scale']}.")
    for line in (*notes, f"written: {target}"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _unwritable(results: Path, error: OSError) -> int:
    return _refused(f"cannot write to {results}/: {error.strerror or error}")


def _refused(message: str) -> int:
    _say(message)
    return 2


def _say(line: str) -> None:
    Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)
