"""The command `python -m simulations train CONFIG`: what it checks, runs, writes and shows."""

import importlib.util
import time
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from amss_min.testing.loading import BadInput
from simulations.console import complain, out, plain
from simulations.console import show as show_table
from simulations.multimodal.building import network
from simulations.multimodal.data.shipped import SHIPPED
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.diagnosis import table as diagnosis_table
from simulations.multimodal.execution import Outcome, Place, Task, run_all
from simulations.multimodal.methods.base import Setup
from simulations.multimodal.names import close_names
from simulations.multimodal.replicate import Replicate
from simulations.multimodal.results import record, write_json
from simulations.multimodal.rotation import turned_modalities
from simulations.multimodal.settings import Settings, read_settings
from simulations.multimodal.sources import load
from simulations.multimodal.summary import Interval
from simulations.results import check_writable

INTERRUPTED = 130
CONFIGS = Path(__file__).with_name("configs")


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    config: a shipped configuration, a TOML file, or a data set for the default settings. overrides: `name=value`.
    seeds: in place of the configuration's. resume: keep what ended runs wrote, and go on with the others. tensorboard,
    diagnose: see Watch.
    """

    config: str
    overrides: Sequence[str] = ()
    seeds: int | None = None
    resume: bool = False
    tensorboard: bool = False
    diagnose: bool = False
    results: Path = Path("results")

    def settings(self) -> Settings:
        """The settings; raises BadInput in one line."""
        fixed = {} if self.seeds is None else {"seeds": self.seeds}
        path = CONFIGS / f"{self.config}.toml"
        if path.is_file():
            return read_settings(path, self.overrides, **fixed)
        if self.config.endswith(".toml"):
            return read_settings(Path(self.config), self.overrides, **fixed)
        if self.config in SHIPPED or ".py:" in self.config or Path(self.config).is_dir():
            return read_settings(CONFIGS / "default.toml", [*self.overrides, f"data.name={self.config!r}"], **fixed)
        known = sorted({*SHIPPED, *(found.stem for found in CONFIGS.glob("*.toml"))})
        raise BadInput(f"no data set {self.config!r}; did you mean {close_names(self.config, known)}, or a TOML file?")


def train_command(request: Request) -> int:
    """Train every method on paired seeds and write results/train/<name>.json.

    Each run writes its log and checkpoints to results/train/<name>/<method>-<seed>/. Returns the exit code: 0; 1 when a
    run met a number that is not finite or a worker died; 2 for bad input; 130 after Ctrl-C, with a word on how to go
    on. Messages are one line on standard error; the table goes to standard output.
    """
    try:
        dataset, settings = prepared(request, lambda settings: settings)
        target = request.results / "train" / f"{settings.name}.json"
        place = Place(
            target.with_suffix(""), resume=request.resume, tensorboard=request.tensorboard, diagnose=request.diagnose
        )
        ready(target.parent, request)
    except BadInput as error:
        return refused(str(error))
    except OSError as error:
        return refused(f"cannot write to {request.results}/: {error.strerror or error}")
    # Seeds outside, methods inside: after an early end the seeds that are done are whole pairs.
    tasks = [Task(method, number) for number in range(settings.seeds) for method in settings.methods]
    began = time.monotonic()

    def work(stage: Callable[[str, int], None], done: Callable[[Outcome], None]) -> dict[str, Any]:
        stage(f"train {settings.name}", len(tasks))
        return record(dataset, settings, run_all(dataset, settings, tasks, done, place), time.monotonic() - began)

    return carried_out(work, target, show)


def prepared(request: Request, choose: Callable[[Settings], Settings]) -> tuple[Dataset, Settings]:
    """Data and settings; a network and every method are made of them, so that misfits are found before any run.

    Raises BadInput, in one line.
    """
    settings = choose(request.settings())
    dataset = load(settings.data.name, settings.data.options)
    replicate = Replicate(dataset, 0, settings)
    try:
        parts, _ = replicate.parts()
    except ValueError as error:
        raise BadInput(str(error)) from error
    if request.diagnose and len(parts["train"]) < 3 * settings.training.batch:
        raise BadInput(
            f"--diagnose needs three whole minibatches, found batch={settings.training.batch} and "
            f"{len(parts['train'])} train rows"
        )
    if settings.training.rotation:
        turned_modalities(dataset)
    net = network(dataset, settings.model, replicate.generator("weights"))
    for name in settings.methods:
        kind, options = settings.method(name)
        chance = replicate.generator("trial")
        try:
            kind(net, Setup(dataset.task, chance, options, len(dataset), 1, 1, torch.device("cpu")))
        except (ValueError, TypeError) as error:
            raise BadInput(f"method {name}: {' '.join(str(error).split())}") from error
    return dataset, settings


def ready(folder: Path, request: Request) -> None:
    """Raise OSError where results cannot be written, BadInput where an extra is missing."""
    if request.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise BadInput("--tensorboard needs the extra tensorboard: pip install 'amss-min[tensorboard]'")
    check_writable(folder)


def carried_out(
    work: Callable[[Callable[[str, int], None], Callable[[Outcome], None]], dict[str, Any]],
    target: Path,
    show: Callable[[dict[str, Any], Path], None],
) -> int:
    """Do the work under a progress bar, write its record and show it; the exit code."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            bars: list[Any] = []
            values = work(
                lambda title, total: bars.append(progress.add_task(title, total=total)),
                lambda _: progress.advance(bars[-1]),
            )
    except KeyboardInterrupt:
        complain(f"interrupted: {target} was not written; the same command with --resume goes on from here")
        return INTERRUPTED
    except BrokenProcessPool:
        complain(
            "a worker process ended before its run did: is there too little memory? --resume goes on with the others"
        )
        return 1
    except BadInput as error:
        return refused(str(error))
    try:
        write_json(target, values)
    except OSError as error:
        return refused(f"cannot write to {target}: {error.strerror or error}")
    show(values, target)
    for finding in values["findings"]:
        complain(finding["line"])
    return 1 if values["findings"] else 0


def show(values: dict[str, Any], target: Path) -> None:
    """The scores of a training record as a table, and how they came about."""
    summary, names = values["summary"], list(values["data"]["features"])
    console = out()
    show_table(scores_table(values["data"]["name"], summary, names))
    for run in values["runs"]:
        if run["diagnosis"] and run["seed"] == values["runs"][0]["seed"]:
            epoch, found = list(run["diagnosis"].items())[-1]
            console.print(f"{run['method']}, seed {run['seed']}, after epoch {epoch}:", highlight=False)
            show_table(diagnosis_table(found))
    notes = (f"intervals: {summary['assumption']}", f"split: {values['split']['note']}.", f"scale: {values['scale']}.")
    for line in (*notes, f"written: {target}"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def scores_table(name: str, summary: dict[str, Any], modalities: Sequence[str]) -> Table:
    """Means over seeds with intervals, a row a method."""
    percent, primary = f"{100 * summary['confidence']:g}%", summary["primary"] or "accuracy"
    table = Table(title=f"{name}: test scores, mean over seeds with {percent} intervals")
    second = {"macro_f1": "macro-F1"} if "macro_f1" in next(iter(summary["methods"].values()), {}) else {}
    shown = {primary: primary, **second, **{f"alone_{modality}": f"{modality} alone" for modality in modalities}}
    for title in ("method", "seeds", *shown.values(), f"{primary} - joint"):
        table.add_column(plain(title), no_wrap=len(modalities) < 4)
    for method, metrics in summary["methods"].items():
        if not metrics or not metrics[primary]["n"]:
            table.add_row(plain(method), "0")
            continue
        cells = [str(Interval(**metrics[key])) for key in shown]
        difference = summary["difference_to_joint"].get(method)
        paired = str(Interval(**difference[primary])) if difference else ""
        table.add_row(plain(method), str(metrics[primary]["n"]), *cells, paired)
    return table


def refused(message: str) -> int:
    """Say why nothing was done; the exit code for bad input."""
    complain(message)
    return 2
