"""The command of the estimator lab: `python -m amss_min check --help`."""

import json
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

try:
    import torch
    import typer
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Table
    from torch import Tensor

    from amss_min.testing.check import check
    from amss_min.testing.console import COLOURS, complain, out, plain, say, show
    from amss_min.testing.estimator import Estimator, EstimatorError
    from amss_min.testing.families import gradients as of_families
    from amss_min.testing.files import Unwritable, as_text, check_file, json_to, write_text
    from amss_min.testing.loading import BadInput, load, load_gradient
    from amss_min.testing.result import CheckResult, FamilyResult
    from amss_min.testing.settings import Settings
    from amss_min.testing.status import Status
    from amss_min.testing.witness import recorded, witness
except ModuleNotFoundError as error:
    sys.stderr.write(f"python -m amss_min needs the extra 'testing': found no package {error.name!r}\n")
    sys.exit(2)
except KeyboardInterrupt:
    sys.exit(130)

INTERRUPTED = 130
EXIT = {Status.HOLDS: 0, Status.CONSISTENT: 0, Status.REFUTED: 1, Status.INCONCLUSIVE: 3}

HELP = """Masked gradients, and a lab for their estimators.

The library is used from Python: python -c "import amss_min; help(amss_min)".
The lab checks gradient estimators, yours too, and needs the extra `testing`.

Exit codes: 0 as expected; 1 refuted; 2 bad input; 3 inconclusive; 130
interrupted.

\b
Examples:
  python -m amss_min check --help
  python -m amss_min check mine.py:estimate
"""

Target = Annotated[
    str | None, typer.Argument(metavar="FILE.py:NAME", help="The estimator: estimate(gradient, *, generator).")
]
Batched = Annotated[bool, typer.Option("--batched", help="It takes (R, K, d) and returns one draw a row.")]
Units = Annotated[int, typer.Option(help="Units K of the gradients tried.")]
Dim = Annotated[int, typer.Option(help="Coordinates d of a unit.")]
Draws = Annotated[
    int | None, typer.Option(help="Draws in all [default: 800000, batched 4000000, or what --seconds allows].")
]
Seconds = Annotated[float, typer.Option(help="Without --draws: about how long the draws may take.")]
Alpha = Annotated[float, typer.Option(help="Error probability, of REFUTED and of CONSISTENT.")]
Detect = Annotated[float, typer.Option(help="CONSISTENT excludes a bias of norm above this times the gradient's norm.")]
Bound = Annotated[float | None, typer.Option(help="Declare |C(g)| <= BOUND |g|, in norm, for every draw.")]
Omega = Annotated[float | None, typer.Option(help="Declare E|C(g) - g|^2 <= OMEGA |g|^2.")]
Seed = Annotated[int, typer.Option(help="Seed of gradients and draws.")]
Given = Annotated[
    Path | None, typer.Option("--gradient", metavar="FILE.npy", help="Try this gradient, (K, d) or (K,), alone.")
]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result to this file; -: standard output.")
]
WitnessFile = Annotated[
    Path | None, typer.Option("--witness", metavar="OUT", help="Write the witness here [default: NAME.witness.json].")
]
Replay = Annotated[Path | None, typer.Option("--replay", metavar="WITNESS", help="Run a witness again.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an exception inside the estimator.")]

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=HELP)


@app.callback()
def _commands() -> None:
    pass


@app.command(name="check", short_help="Check a gradient estimator: bias, noise, contract.")
def check_command(
    target: Target = None,
    batched: Batched = False,
    units: Units = 12,
    dim: Dim = 3,
    draws: Draws = None,
    seconds: Seconds = 45.0,
    alpha: Alpha = 1e-6,
    detect: Detect = 0.05,
    bound: Bound = None,
    omega: Omega = None,
    seed: Seed = 0,
    gradient: Given = None,
    json_file: Json = None,
    witness_file: WitnessFile = None,
    replay: Replay = None,
    debug: Debug = False,
) -> int:
    """Check a gradient estimator: is it unbiased, how noisy is it, does it keep its contract?

    NAME in FILE.py is estimate(gradient, *, generator): gradient a float64 tensor (K, d) of K units, generator a
    torch.Generator that all randomness must come from, and the result a tensor of the same shape. It is tried on
    gradients of several families, until the draws are spent or it is refuted.

    HOLDS: the mean is exact (the estimator gives its support, or its cuts). CONSISTENT: a bias above --detect is
    excluded at --alpha. REFUTED: it is biased or breaks its contract; a witness is written that --replay runs again.
    INCONCLUSIVE: neither; take more draws, or declare --bound or --omega.

    Reads FILE.py and the files of --gradient and --replay. Writes --json, and where REFUTED the witness.

    \b
    --json: an object with estimator, status, guarantee, text, draws, the
    settings, worst_family, worst_unit, relative_bias, interval, strongest,
    omega, log_e, witness, and two lists:
      families    a row each of the table: family, status, draws, worst_unit,
                  relative_bias, interval, bias_at_most, omega, optimum ...
      violations  of the contract: family, rule, finding, reason

    Exit code: 0 HOLDS or CONSISTENT; 1 REFUTED; 2 bad input (file, name, signature, shape, exception inside);
    3 INCONCLUSIVE; 130 interrupted.

    \b
    Examples:
      python -m amss_min check mine.py:estimate
      python -m amss_min check mine.py:estimate --batched --detect 0.01
      python -m amss_min check mine.py:estimate --omega 9 --json result.json
      python -m amss_min check mine.py:estimate --draws 100000 --json -
      python -m amss_min check mine.py:estimate --gradient saved.npy
      python -m amss_min check --replay estimate.witness.json
    """
    torch.set_num_threads(1)
    if replay is not None:
        return _replayed(replay, target, json_file)
    if target is None:
        raise BadInput("an estimator must be given as FILE.py:NAME, found none")
    try:
        settings = Settings(alpha=alpha, detect=detect, draws=draws, seconds=seconds, seed=seed)
        gradients = of_families(units, dim, seed=seed) if gradient is None else {"given": load_gradient(gradient)}
        estimator = Estimator.of(load(target), **_declared(batched, bound, omega))
    except (ValueError, TypeError) as error:
        raise BadInput(str(error)) from error
    name = target.rpartition(":")[2]
    place = witness_file or Path(f"{name}.witness.json")
    check_file(place)
    with json_to(json_file) as write:
        result = _run(estimator, gradients, settings)
        record = None
        if result.status is Status.REFUTED:
            with Console(stderr=True).status("looking for the smallest failing case"):
                found = witness(estimator, gradients, result)
            record = {"estimator": target, "batched": batched, "bound": bound, "omega": omega, **found}
        _show(result, settings, draws)
        write({**result.as_json(), "witness": None if record is None else {"file": str(place), **record}})
        if record is not None:
            _show_witness(record, place)
            _write(place, record)
    return EXIT[result.status]


def _replayed(path: Path, target: str | None, json_file: Path | None) -> int:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        gradients, settings = recorded(record)
        named = target or str(record["estimator"])
        estimator = Estimator.of(load(named), **_declared(bool(record["batched"]), record["bound"], record["omega"]))
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} is not a witness: {' '.join(str(error).split())}") from error
    with json_to(json_file) as write:
        result = _run(estimator, gradients, settings)
        _show(result, settings, settings.draws)
        refuted = result.status is Status.REFUTED
        say("the witness refutes again" if refuted else "the witness does not refute any more")
        write({**result.as_json(), "witness": {"file": str(path), **record}})
    return EXIT[result.status]


def _declared(batched: bool, bound: float | None, omega: float | None) -> dict[str, Any]:
    return {"batched": batched or None, "bound": bound, "omega": omega}


def _run(estimator: Estimator, gradients: Mapping[str, Tensor], settings: Settings) -> CheckResult:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"draws of {estimator.name}", total=None)
        try:
            return check(
                estimator, gradients, settings, lambda done, total: progress.update(bar, completed=done, total=total)
            )
        except ValueError as error:
            raise BadInput(str(error)) from error


def _show(result: CheckResult, settings: Settings, asked: int | None) -> None:
    out().print(f"{plain(result.estimator)}: [bold {COLOURS[result.status]}]{result.status.value}[/]")
    say(result.text)
    if result.violations:
        table = Table(title="violations of the contract")
        for heading in ("family", "rule", "finding", "reason"):
            table.add_column(heading)
        for violations in _by_rule(result.violations):
            more = f" and {len(violations) - 1} more" if len(violations) > 1 else ""
            first = {**violations[0], "family": violations[0]["family"] + more}
            table.add_row(*(plain(first[key]) for key in ("family", "rule", "finding", "reason")))
        show(table)
    if result.families:
        show(_table(result.families))
    if result.finding is not None and result.bias is not None:
        bias, (low, high) = result.bias
        family = "all families" if result.finding.family == "all" else result.finding.family
        size = f"relative bias {bias:+.4f} [{low:+.4f}, {high:+.4f}]"
        say(f"strongest evidence: {result.finding.where}, {family}: {size}, log e {result.log_e:.1f}")
    spent = f"{result.draws:,} draws"
    if result.seconds_per_draw:
        spent += f" at {_duration(result.seconds_per_draw)} each"
    if asked is None and result.status is Status.INCONCLUSIVE:
        spent += f", as many as fit into --seconds {settings.seconds:g}; --draws sets another number"
    say(spent)


def _by_rule(violations: Iterable[Mapping[str, str]]) -> list[list[Mapping[str, str]]]:
    grouped: dict[str, list[Mapping[str, str]]] = {}
    for violation in violations:
        grouped.setdefault(violation["rule"], []).append(violation)
    return list(grouped.values())


def _table(families: Any) -> Table:
    table = Table(
        title="by family of gradients",
        caption=(
            "relative bias of the worst unit, with simultaneous intervals; norm of the bias excluded, over |g|; "
            "second moment E|C|^2 / |g|^2, and its least value for a mask of the same expected size"
        ),
    )
    for heading in ("family", "status", "draws", "worst unit", "relative bias", "bias below", "1 + omega", "optimum"):
        table.add_column(heading, justify="left" if heading in ("family", "status") else "right", no_wrap=True)
    for family in families:
        table.add_row(*_row(family))
    return table


def _row(family: FamilyResult) -> tuple[str, ...]:
    low, high = family.interval
    least, most = family.second_moment_interval
    return (
        plain(family.family),
        f"[{COLOURS[family.status]}]{family.status.value}[/]",
        f"{family.draws:,}",
        str(family.worst_unit),
        f"{family.relative_bias:+.4f} \\[{low:+.3f}, {high:+.3f}]",
        f"{family.bias_at_most:.4f}",
        f"{family.second_moment:.3f} \\[{least:.3f}, {most:.3f}]",
        f"{family.optimum:.3f}",
    )


def _show_witness(record: Mapping[str, Any], place: Path) -> None:
    gradients = record["gradients"]
    sizes = ", ".join(f"{name}: {len(rows)} x {len(rows[0])}" for name, rows in gradients.items())
    say(f"witness: {record['settings']['draws']:,} draws on {sizes}")
    if len(gradients) == 1:
        ((_, rows),) = gradients.items()
        if len(rows) <= 4:
            say(f"  gradient {json.dumps(rows)}")
    say(f"  replay: python -m amss_min check --replay {place}")


def _duration(seconds: float) -> str:
    return f"{seconds * 1e6:.3g} us" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def _write(path: Path, record: Mapping[str, Any]) -> None:
    try:
        write_text(path, as_text(record))
    except OSError as error:
        raise Unwritable(f"cannot write to {path}: {error.strerror or error}") from error


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; every refusal is one line on standard error and exit code 2."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = int(app(given or ["--help"], prog_name="python -m amss_min", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _refused(" ".join(error.format_message().split()))
    except (BadInput, EstimatorError, Unwritable) as error:
        if "--debug" in given:
            traceback.print_exception(error)
        return _refused(str(error))
    if code == INTERRUPTED:  # typer answers an interrupt with this code and no word
        _refused("interrupted: nothing was written")
    return code


def _refused(message: str) -> int:
    complain(message)
    return 2


if __name__ == "__main__":
    sys.exit(main())
