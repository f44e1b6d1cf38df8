"""The commands of the simulations: `python -m simulations --help`."""

import sys
import traceback
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Annotated, Any

try:
    import typer

    from amss_min.testing.loading import BadInput
    from simulations import audit_command, bench_command, list_command, run_command, sweep_commands, training_commands
    from simulations.audit import MissingExtra, UnknownName
    from simulations.console import Interrupted, Unwritable, complain, progress, say, written_to
    from simulations.experiments import Level
    from simulations.results import check_writable, write_json, write_text
    from simulations.stranger import claim as stranger_claim
    from simulations.stranger import command as stranger
except ModuleNotFoundError as error:
    sys.stderr.write(f"python -m simulations needs the extra 'study': found no package {error.name!r}\n")
    sys.exit(2)
except KeyboardInterrupt:
    sys.exit(130)

INTERRUPTED = 130
HELP = """Experiments that try to make the claims false: audits, runs, studies, training on
real data, benchmarks.

Exit codes: 0 as expected; 1 refuted or failed; 2 bad input; 3 inconclusive;
130 interrupted.

\b
Examples:
  python -m simulations list
  python -m simulations audit quadratic-oracle
  python -m simulations train htad --seeds 2
"""

Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder that results are written to.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Root seed of all random streams.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the verdicts to this file; -: standard output.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an exception inside the file.")]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer runs: all claims in a minute and a half.")]
Deep = Annotated[bool, typer.Option("--deep", help="More runs and more replicates.")]
Target = Annotated[
    str | None, typer.Option("--objective", metavar="FILE.py:NAME", help="Audit this objective: (R, d) to (R,).")
]
Stated = Annotated[str | None, typer.Option("--claim", metavar="FILE.py:CLAIM", help="Audit this claim.")]
Witness = Annotated[
    Path | None, typer.Option("--witness", metavar="OUT", help="Points that refute [default: NAME.witness.json].")
]
Replay = Annotated[Path | None, typer.Option("--replay", metavar="WITNESS", help="Take these points again.")]

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=HELP)


@app.command(name="list", short_help="List experiments, and what studies are made of.")
def list_parts(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="One of the tables, as objectives; all without one.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rows to this file; -: standard output.")
    ] = None,
) -> int:
    """List the experiments with their claims, and what studies are made of, by name.

    Reads no file; writes --json alone: an object, KIND -> list of rows, whose keys are the headings of the table (with
    "_" for spaces).

    Exit code: 0; 2 bad input; 130 interrupted.

    \b
    Examples:
      python -m simulations list
      python -m simulations list objectives
      python -m simulations list designs --json -
    """
    return list_command.show_parts(kind, json_file)


@app.command(name="run", short_help="Run an experiment, a study or one configuration.")
def run(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="An experiment (see list), or a study FILE.toml.")
    ] = None,
    objective: Annotated[str | None, typer.Option(help="Name of an objective; see list.")] = None,
    noise: Annotated[str | None, typer.Option(help="Name of a noise.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="Name of a method; may be repeated.")] = None,
    optimiser: Annotated[str | None, typer.Option(help="Name of an optimiser [default: descent].")] = None,
    stepsize: Annotated[list[float] | None, typer.Option(help="A constant stepsize; may be repeated.")] = None,
    keep: Annotated[list[float] | None, typer.Option(help="Fraction that is kept [default: 0.25]; repeatable.")] = None,
    steps: Annotated[int | None, typer.Option(help="Number of steps.")] = None,
    replicates: Annotated[int | None, typer.Option(help="Replicates [default: 256].")] = None,
    start: Annotated[float | None, typer.Option(help="Start of every coordinate [default: 1].")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="PART.PARAMETER=VALUE", help="A parameter; may be repeated.")
    ] = None,
    results: Results = Path("results"),
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Root seed [default: 0, or the study's].")] = None,
) -> int:
    """Run an experiment, a study, or one configuration, and show it beside its bound; decides nothing.

    Reads a study FILE.toml. Always writes what the table shows, with whole curves, as JSON:
    results/experiments/NAME.json, results/studies/NAME.json or results/studies/one-off.json. What a study holds and
    how its file is written: docs/audit.md.

    Exit code: 0; 2 bad input; 130 interrupted (nothing was written).

    \b
    Examples:
      python -m simulations run quadratic-oracle
      python -m simulations run STUDY.toml
      python -m simulations run STUDY.toml --set stepsizes=[0.1,0.05]
      python -m simulations run --objective block-cosine --set objective.n=8 \\
        --noise gaussian --method amss+ --stepsize 0.05 --steps 512
    """
    given: Mapping[str, Any] = {
        "objective": objective,
        "noise": noise,
        "methods": method,
        "optimiser": optimiser,
        "stepsizes": stepsize,
        "keep": keep,
        "horizon": steps,
        "replicates": replicates,
        "start": start,
    }
    if name is None:
        return run_command.run_options({**given, "seed": seed}, overrides or [], results=results)
    alone = next((key for key, value in given.items() if value), None)
    if alone is not None:
        raise BadInput(
            f"options for one configuration exclude a name, found {name!r} and {alone}: use --set in a study"
        )
    if name.endswith(".toml"):
        return run_command.run_study(Path(name), overrides or [], results=results, seed=seed)
    if overrides:
        raise BadInput(f"--set belongs to a study or to options, found it with the experiment {name!r}")
    return run_command.run_named(name, results=results, seed=seed or 0)


@app.command(name="audit", short_help="Verify the claims, with the runs of the empirical ones.")
def audit(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Claims to audit; all without any.")] = None,
    quick: Quick = False,
    deep: Deep = False,
    objective: Target = None,
    dim: Annotated[int | None, typer.Option("--dim", help="Of the objective: number of coordinates d.")] = None,
    smoothness: Annotated[float | None, typer.Option("--L", help="Of the objective: smoothness constant.")] = None,
    f_star: Annotated[float | None, typer.Option("--f-star", help="Of the objective: a lower bound.")] = None,
    mu: Annotated[float | None, typer.Option("--mu", help="Of the objective: Polyak-Lojasiewicz constant.")] = None,
    radius: Annotated[float | None, typer.Option("--radius", help="L and f_star hold where |w| <= RADIUS.")] = None,
    start: Annotated[
        str | None, typer.Option("--start", metavar="X or FILE.npy", help="Of the objective: start [default: 1].")
    ] = None,
    witness: Witness = None,
    replay: Replay = None,
    claim: Stated = None,
    json_file: Json = None,
    results: Results = Path("results"),
    seed: Seed = 0,
    debug: Debug = False,
) -> int:
    """Verify the claims, running the experiments of the empirical ones; prints the table of verdicts.

    Writes results/verdicts.json when all claims were asked for (an audit of a few leaves that file alone), and the
    data of every experiment that ran to results/experiments/NAME.json.

    With --objective: search for points that contradict the constants stated for a torch function (or an Objective),
    then run the bounds that rest on them; nothing is written but --json and, where refuted, --witness. With --claim:
    verify a claim of yours, with the EXPERIMENT beside it. Both with examples: docs/audit.md.

    verdicts.json and --json: a list of {id, statement, kind, source, assumptions, status, expected_status, scope,
    guarantee, evidence}, of claims also level, of an objective also condition.

    Exit code: 0 all as expected; 1 refuted or otherwise unexpected; 2 bad input; 3 inconclusive; 130 interrupted.

    \b
    Examples:
      python -m simulations audit
      python -m simulations audit --quick
      python -m simulations audit nonconvex-bound --json one.json
      python -m simulations audit quadratic-oracle --json -
      python -m simulations audit --seed 7 --results /tmp/again
      python -m simulations audit --objective mine.py:F --dim 20 --L 2 --f-star 0
      python -m simulations audit --replay F.witness.json
      python -m simulations audit --claim mine.py:CLAIM
    """
    of_objective = {
        "--dim": dim,
        "--L": smoothness,
        "--f-star": f_star,
        "--mu": mu,
        "--radius": radius,
        "--start": start,
        "--witness": witness,
    }
    asked = [("an ID", ids), ("--objective", objective), ("--replay", replay), ("--claim", claim)]
    modes = [option for option, value in asked if value]
    if len(modes) > 1:
        raise BadInput(f"one thing can be audited at a time, found {' and '.join(modes)}")
    stray = next((option for option, value in of_objective.items() if value is not None), None)
    if objective is None and stray is not None:
        raise BadInput(f"{stray} belongs to --objective FILE.py:NAME, found no --objective")
    if quick and deep:
        raise BadInput("an audit has one level, found --quick and --deep")
    if (objective or replay) and (quick or deep):
        raise BadInput("--quick and --deep are levels of claims, found one of them for an objective")
    level = Level.QUICK if quick else Level.DEEP if deep else Level.USUAL
    if replay is not None:
        if json_file is not None:
            raise BadInput("--json belongs to an audit that gives verdicts, found it with --replay")
        return stranger.replayed(replay)
    if objective is not None:
        request = stranger.Request(
            target=objective, d=dim, L=smoothness, f_star=f_star, mu=mu, radius=radius, start=start, seed=seed
        )
        return stranger.audit_objective(request, json_file, witness)
    if claim is not None:
        return stranger_claim.audit_claim(claim, seed=seed, level=level, json_file=json_file)
    return audit_command.audit_claims(ids or [], results=results, seed=seed, level=level, json_file=json_file)


training_commands.add_to(app)
sweep_commands.add_to(app)


@app.command(name="bench", short_help="Time the engine, the masked step, designs or sweeps.")
def bench(
    repeats: Annotated[
        int | None, typer.Option("--repeats", min=1, help="Timings: engine 5, step 20, others 3.")
    ] = None,
    masked_step: Annotated[bool, typer.Option("--masked-step", help="Time the masked step instead.")] = False,
    designs: Annotated[bool, typer.Option("--designs", help="Time the sampling designs instead, by size.")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Time the machinery of sweeps instead.")] = False,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda, for the engine and the step.")] = "cpu",
    large: Annotated[bool, typer.Option("--large", help="Step: two transformers, 350 M parameters, 6 GB.")] = False,
    replicates: Annotated[int, typer.Option("--replicates", min=1, help="Replicates, for the engine.")] = 1000,
    results: Results = Path("results"),
) -> int:
    """Time the simulation engine beside the limit of the normal generator, and write results/bench-engine.json.

    With --masked-step: the masked step of training beside the memory limit, on several pairs of models, and
    results/bench-step-cpu.json (-cuda.json), and results/bench.json. With --designs: a draw of every sampling
    design for n = 100 to 1,000,000 units, and results/bench-designs.json. With --sweep: what
    handing out and storing the blocks of a study costs, and results/bench-sweep.json; some minutes on quiet cores.

    Reads nothing. The JSON is always written, and holds every row of the tables with all timings.

    Exit code: 0; 2 bad input; 130 interrupted (nothing was written).

    \b
    Examples:
      python -m simulations bench
      python -m simulations bench --device cuda --replicates 100000
      python -m simulations bench --masked-step
      python -m simulations bench --masked-step --device cuda --large
      python -m simulations bench --designs
      python -m simulations bench --sweep
    """
    if designs + masked_step + sweep > 1:
        raise typer.BadParameter("--designs, --masked-step and --sweep exclude each other")
    if large and not masked_step:
        raise typer.BadParameter("--large belongs to --masked-step, found it without")
    if sweep:
        return bench_command.bench_sweep(results, repeats or 3)
    if designs:
        return bench_command.bench_designs(results, repeats or 3)
    if not bench_command.is_device(device):
        raise typer.BadParameter(f"--device must be cpu, or cuda where there is a GPU, found {device!r}")
    if masked_step:
        return bench_command.bench_masked_step(results, repeats or 20, device, large=large)
    return bench_command.bench_engine(results, repeats or 5, device, replicates)


@app.command(name="statistics", short_help="Measure false alarms and power of the sequential tests.")
def statistics_command(
    quick: Annotated[bool, typer.Option("--quick", help="A small version in seconds, written to results/.")] = False,
    folder: Annotated[Path | None, typer.Option("--docs", metavar="DIR", help="Folder to write to; docs/.")] = None,
    seed: Seed = 0,
) -> int:
    """Measure false alarms and power of the sequential tests and write docs/statistics.md and .json.

    Reads nothing. The JSON is always written, and holds every row of the page.

    Exit code: 0; 2 bad input; 130 interrupted (nothing was written).

    \b
    Examples:
      python -m simulations statistics
      python -m simulations statistics --quick
    """
    from simulations.statistics import measuring, page, tables

    chosen_tables = tables.tables(quick=quick)
    folder = folder or Path("results" if quick else "docs")
    with written_to(folder):
        check_writable(folder)
    with progress("statistics", len(measuring.jobs(chosen_tables))) as advance:
        record = measuring.measure(chosen_tables, root=seed, done=advance)
    with written_to(folder):
        write_json(folder / page.RECORD, record)
        write_text(folder / page.PAGE, page.page(record))
    say(f"written: {folder / page.PAGE}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; every refusal is one line on standard error and exit code 2."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = int(app(given or ["--help"], prog_name="python -m simulations", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _refused(" ".join(error.format_message().split()))
    except (BadInput, UnknownName, MissingExtra, Unwritable) as error:
        if "--debug" in given:
            traceback.print_exception(error)
        return _refused(" ".join(str(error).split()))
    except BrokenProcessPool:
        _refused("a worker process ended before its work did: nothing was written; is there too little memory?")
        return 1
    except Interrupted as error:
        _refused(str(error))
        return INTERRUPTED
    # typer answers an interrupt with this code and no word; these two say more themselves
    if code == INTERRUPTED and given[:1] not in (["train"], ["compare"]):
        _refused("interrupted: nothing was written")
    return code


def _refused(message: str) -> int:
    complain(message)
    return 2


if __name__ == "__main__":
    sys.exit(main())
