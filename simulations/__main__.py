"""The commands of the simulations: `python -m simulations --help`."""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

try:
    import torch
    import typer
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Table

    from amss_min.testing import Status
    from simulations.audit import EXPERIMENTS, Task, UnknownName, audit, chosen, exit_code, tasks, work
    from simulations.experiments import ALL
    from simulations.results import check_writable, write_json, write_text
    from theory.claims import CLAIMS
    from theory.measurement import Measurement, Run
    from theory.verdict import Verdict
except ModuleNotFoundError as error:
    sys.stderr.write(f"python -m simulations needs the extra 'study': found no package {error.name!r}\n")
    sys.exit(2)
except KeyboardInterrupt:
    sys.exit(130)

INTERRUPTED = 130
_WIDE = 160
_COLOURS = {Status.HOLDS: "green", Status.CONSISTENT: "green", Status.INCONCLUSIVE: "yellow", Status.REFUTED: "red"}

Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder that results are written to.")]
Seed = Annotated[int, typer.Option("--seed", help="Root seed of all random streams.")]

app = typer.Typer(add_completion=False, rich_markup_mode=None, help="Experiments that try to make the claims false.")


@app.command(name="list")
def list_command() -> int:
    """List the experiments, with the claim that each one tests.

    \b
    Example:
      python -m simulations list
    """
    table = Table(title="experiments")
    for heading in ("name", "claim", "runs", "what it does"):
        table.add_column(heading)
    for experiment in ALL:
        table.add_row(experiment.name, experiment.claim, str(len(experiment.cells)), experiment.summary)
    _out().print(table)
    return 0


@app.command(name="run")
def run_command(
    name: Annotated[str, typer.Argument(help="Name of an experiment; see the command list.")],
    results: Results = Path("results"),
    seed: Seed = 0,
) -> int:
    """Run one experiment and write results/experiments/NAME.json; decides nothing.

    \b
    Example:
      python -m simulations run quadratic-oracle
    """
    known = {experiment.name: experiment for experiment in ALL}
    if name not in known:
        raise UnknownName("experiment", name, known)
    experiment, folder = known[name], results / "experiments"
    with _written_to(results):
        check_writable(folder)
    todo = [Task(experiment.claim, cell, seed) for cell in experiment.cells]
    with _progress(f"run {name}", len(todo)) as advance:
        outcomes = work(sorted(todo, key=lambda task: -task.cell.cost if task.cell else 0.0), done=advance)
    measurement = Measurement(runs=[run for task in todo if isinstance(run := outcomes[task], Run)])
    record = experiment.record(measurement, seed)
    with _written_to(results):
        write_json(folder / f"{name}.json", record)
    table = Table(title=f"{name}: {experiment.summary}", caption="average of |grad F|^2 over the run, +- its error")
    for heading in (
        "method",
        "noise",
        "stepsize",
        "steps",
        "replicates",
        "average",
        "error",
        *(f"theory: {curve}" for curve in _curves(record)),
    ):
        table.add_column(heading, justify="left" if heading in ("method", "noise") else "right")
    for run in record["runs"]:
        shown = [
            run["method"],
            run["noise"],
            f"{run['stepsize']:.4g}",
            str(run["checkpoints"][-1]),
            str(run["replicates"]),
        ]
        numbers = [run["average"][-1], run["average_error"][-1]]
        curves = [run["theory"].get(curve) for curve in _curves(record)]
        numbers += [curve[-1] if isinstance(curve, list) else curve for curve in curves]
        table.add_row(*shown, *("" if number is None else f"{number:.4g}" for number in numbers))
    _out().print(table)
    _out().print(f"written: {folder / name}.json", markup=False, highlight=False, soft_wrap=True)
    return 0


def _curves(record: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(curve for run in record["runs"] for curve in run["theory"]))


@app.command(name="audit")
def audit_command(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Claims to audit; all without any.")] = None,
    results: Results = Path("results"),
    seed: Seed = 0,
) -> int:
    """Verify the claims, running the experiments of the empirical ones; prints the table of verdicts.

    Writes results/verdicts.json when all claims were asked for (an audit of a few leaves that file alone), and the
    data of every experiment that ran to results/experiments/NAME.json.

    Exit code: 0 all as expected, 1 refuted or otherwise unexpected, 2 bad input, 3 inconclusive.

    \b
    Examples:
      python -m simulations audit
      python -m simulations audit nonconvex-bound quadratic-oracle
      python -m simulations audit --seed 7 --results /tmp/again
    """
    began = time.monotonic()
    claims = chosen(ids or [])
    folder = results / "experiments"
    with _written_to(results):
        check_writable(folder)
    with _progress("audit", len(tasks(claims))) as advance:
        found = audit(claims, root=seed, done=advance)
    complete = len(claims) == len(CLAIMS)
    with _written_to(results):
        for claim, measurement in found.measurements.items():
            experiment = EXPERIMENTS[claim]
            write_json(folder / f"{experiment.name}.json", experiment.record(measurement, seed))
        if complete:
            write_json(results / "verdicts.json", [verdict.as_json() for verdict in found.verdicts])
    _show(found.verdicts)
    as_expected = sum(verdict.as_expected for verdict in found.verdicts)
    target = results / "verdicts.json"
    note = f"written: {target}" if complete else f"a few of {len(CLAIMS)} claims: {target} is left as it is"
    line = f"{as_expected} of {len(claims)} claims as expected, {time.monotonic() - began:.0f} s; {note}"
    _out().print(line, markup=False, highlight=False, soft_wrap=True)
    return exit_code(found.verdicts)


@app.command(name="train")
def train_command(
    data: Annotated[str, typer.Argument(help="Data set.")] = "htad",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Paired seeds.")] = 5,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting over that of the data set.")
    ] = None,
    results: Results = Path("results"),
) -> int:
    """Train all methods on real data with paired seeds and write results/train/DATA.json.

    \b
    Examples:
      python -m simulations train htad --seeds 2
      python -m simulations train htad --set epochs=10
    """
    from simulations.multimodal.command import train_command as train

    return train(data, seeds, results, overrides or [])


@app.command(name="bench")
def bench_command(
    repeats: Annotated[
        int | None, typer.Option("--repeats", min=1, help="Timings: engine 5, step 20, designs 3.")
    ] = None,
    masked_step: Annotated[bool, typer.Option("--masked-step", help="Time the masked step instead.")] = False,
    designs: Annotated[bool, typer.Option("--designs", help="Time the sampling designs instead, by size.")] = False,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda, for the engine.")] = "cpu",
    replicates: Annotated[int, typer.Option("--replicates", min=1, help="Replicates, for the engine.")] = 1000,
    results: Results = Path("results"),
) -> int:
    """Time the simulation engine beside the limit of the normal generator, and write results/bench-engine.json.

    With --masked-step: the masked step of training beside the memory limit, and results/bench.json. With --designs: a
    draw of every sampling design for n = 100 to 1,000,000 units, and results/bench-designs.json.

    \b
    Examples:
      python -m simulations bench
      python -m simulations bench --device cuda --replicates 100000
      python -m simulations bench --masked-step
      python -m simulations bench --designs
    """
    if designs and masked_step:
        raise typer.BadParameter("--designs and --masked-step exclude each other")
    if designs:
        return _bench_designs(results, repeats or 3)
    if not masked_step:
        return _bench_engine(results, repeats or 5, device, replicates)
    from simulations.bench import bench_command as bench

    try:
        return bench(results, repeats or 20)
    except KeyboardInterrupt:
        raise _Interrupted("interrupted: nothing was written") from None


def _bench_engine(results: Path, repeats: int, device: str, replicates: int) -> int:
    from simulations import engine_bench

    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise typer.BadParameter(f"--device must be cpu, or cuda where there is a GPU, found {device!r}")
    with _written_to(results):
        check_writable(results)
    with _progress("engine", engine_bench.rounds(repeats, device)) as advance:
        bench = engine_bench.run_engine_bench(repeats, device=device, replicates=replicates, done=advance)
    for table in bench.tables():
        _out().print(table)
    target = results / ("bench-engine.json" if device == "cpu" else "bench-engine-cuda.json")
    with _written_to(results):
        write_json(target, bench.as_json())
    _out().print(f"written: {target}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _bench_designs(results: Path, repeats: int) -> int:
    from simulations import design_bench

    with _written_to(results):
        check_writable(results)
    with _progress("designs", design_bench.cells()) as advance:
        bench = design_bench.run_design_bench(repeats, done=advance)
    _out().print(bench.table())
    with _written_to(results):
        written = design_bench.write(results, bench)
    _out().print(f"written: {written}", markup=False, highlight=False, soft_wrap=True)
    return 0


@app.command(name="statistics")
def statistics_command(
    quick: Annotated[bool, typer.Option("--quick", help="A small version in seconds, written to results/.")] = False,
    folder: Annotated[Path | None, typer.Option("--docs", metavar="DIR", help="Folder to write to; docs/.")] = None,
    seed: Seed = 0,
) -> int:
    """Measure false alarms and power of the sequential tests and write docs/statistics.md and .json.

    \b
    Examples:
      python -m simulations statistics
      python -m simulations statistics --quick
    """
    from simulations.statistics import measuring, page, tables

    chosen_tables = tables.tables(quick=quick)
    folder = folder or Path("results" if quick else "docs")
    with _written_to(folder):
        check_writable(folder)
    with _progress("statistics", len(measuring.jobs(chosen_tables))) as advance:
        record = measuring.measure(chosen_tables, root=seed, done=advance)
    with _written_to(folder):
        write_json(folder / page.RECORD, record)
        write_text(folder / page.PAGE, page.page(record))
    _out().print(f"written: {folder / page.PAGE}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _show(verdicts: tuple[Verdict, ...]) -> None:
    table = Table(title="verdicts")
    for heading in ("claim", "status", "expected", "scope"):
        table.add_column(heading, no_wrap=heading != "scope")
    for verdict in verdicts:
        colour = _COLOURS[verdict.status] if verdict.as_expected else "bold red"
        status = f"[{colour}]{verdict.status.value}[/]"
        table.add_row(verdict.claim.id, status, verdict.claim.expected_status.value, verdict.scope.replace("[", r"\["))
    out = _out()
    out.print(table)
    for verdict in verdicts:
        for item in verdict.evidence if not verdict.as_expected else ():
            if item.status is not Status.CONSISTENT and item.status is not Status.HOLDS:
                line = f"{verdict.claim.id}: {item.status.value}: {item.what}: "
                line += f"expected {item.expected}, measured {item.measured}"
                out.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=total)
        try:
            yield lambda: progress.advance(bar)
        except KeyboardInterrupt:  # typer would end without a word
            raise _Interrupted("interrupted: nothing was written") from None


class _Interrupted(Exception):
    """Ctrl-C during the work."""


class _Unwritable(Exception):
    """Results cannot be written; the text says where and why."""


@contextmanager
def _written_to(results: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _Unwritable(f"cannot write to {results}/: {error.strerror or error}") from error


def _out() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDE)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; every refusal is one line on standard error and exit code 2."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return int(app(given or ["--help"], prog_name="python -m simulations", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _refused(" ".join(error.format_message().split()))
    except (UnknownName, _Unwritable) as error:
        return _refused(str(error))
    except BrokenProcessPool:
        _refused("a worker process ended before its work did: nothing was written; is there too little memory?")
        return 1
    except _Interrupted as error:
        _refused(str(error))
        return INTERRUPTED


def _refused(message: str) -> int:
    Console(stderr=True).print(message, markup=False, highlight=False, soft_wrap=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
