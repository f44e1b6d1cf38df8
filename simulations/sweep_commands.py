"""The commands of studies at scale: `sweep`, and what reads its stores."""

from pathlib import Path
from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="A setting over those of the file.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(name="sweep", short_help="Do a study block by block, or go on with it.")(sweep)
    app.command(name="status", short_help="Show how far a sweep is.")(status)
    app.command(name="query", short_help="Print cells of a store, or mean curves.")(query)
    app.command(name="export", short_help="Write a store as Parquet files.")(export)


def sweep(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="STUDY.toml, or the name of a shipped study.")],
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="FILE", help="Where it is kept [default: results/sweeps/NAME.sqlite]."),
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="pool, inline or dask.")] = "pool",
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, as tcp://host:8786.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes [default: one a core].")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and do nothing.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do failed blocks again.")] = False,
    overrides: Overrides = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write what --dry-run says to this file; -: standard output."),
    ] = None,
) -> int:
    """Do a study block by block, or go on with it: what the store holds is not done again.

    A study may be stopped and killed at any moment. Its numbers do not depend on the engine, the number of workers or
    how often it was stopped.

    Reads STUDY.toml; writes the store, and of phase-diagram also a summary beside it, NAME.json. A dry run does some
    steps to measure them, and writes --json alone: {study, cells, replicates, blocks, block_seconds (least, most),
    core_seconds, workers, seconds, store, bytes}.

    Exit code: 0 every block is done; 1 some failed (the store has their tracebacks); 2 bad input; 130 interrupted.

    \b
    Examples:
      python -m simulations sweep phase-diagram --dry-run
      python -m simulations sweep rates --dry-run --json -
      python -m simulations sweep my-study.toml --workers 8
      python -m simulations sweep my-study.toml --set replicates=1024
      python -m simulations sweep my-study.toml --engine dask \\
        --scheduler tcp://host:8786
    """
    from simulations.sweeps.sweep_command import Request, sweep_command

    return sweep_command(
        Request(study, store, engine, scheduler, workers, dry_run, retry_failed, tuple(overrides or ()), json_file)
    )


Stored = Annotated[Path, typer.Argument(metavar="STORE", help="The store of a sweep, as results/sweeps/NAME.sqlite.")]


def status(
    store: Stored,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write it to this file; -: standard output.")
    ] = None,
) -> int:
    """Show how far a sweep is, from any terminal, while it runs or afterwards.

    Reads the store; writes --json alone: {store, studies: a row each of {study, blocks, done, failed, waiting,
    seconds}, writer, rate, failures: the last few of {cell, block, reason}}; writer and rate are null where nobody
    is writing.

    Exit code: 0; 2 bad input; 130 interrupted.

    \b
    Examples:
      python -m simulations status results/sweeps/phase-diagram.sqlite
      python -m simulations status results/sweeps/rates.sqlite --json -
    """
    from simulations.sweeps.status_command import status_command

    return status_command(store, json_file)


def query(
    store: Stored,
    where: Annotated[
        list[str] | None, typer.Option("--where", metavar="KEY=VALUE", help="Cells with this setting; may be repeated.")
    ] = None,
    quantity: Annotated[
        list[str] | None, typer.Option("--quantity", metavar="NAME", help="Mean curve of this; may be repeated.")
    ] = None,
    quantiles: Annotated[str, typer.Option("--quantiles", metavar="Q,Q", help="Quantiles beside the mean.")] = "",
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows to this file.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rows to this file; -: standard output.")
    ] = None,
) -> int:
    """Print the cells of a store, or mean curves with standard errors, for all cells or for some.

    Conditions on one key are alternatives, conditions on several must all be met. Nested settings have dotted keys.

    Reads the store; writes --csv and --json alone. --json: a list of rows as printed, with all settings. Keys of a
    cell: cell, kind, its settings, done, failed, waiting, seconds; of a curve: cell, its settings, quantity, step,
    n, mean, standard_error, quantiles.

    Exit code: 0; 2 bad input; 130 interrupted.

    \b
    Examples:
      python -m simulations query results/sweeps/phase-diagram.sqlite
      python -m simulations query study.sqlite --json -
      python -m simulations query study.sqlite --quantity energy \\
        --where keep=0.25 --where method=amss
      python -m simulations query study.sqlite --quantity energy \\
        --quantiles 0.05,0.5,0.95 --csv energy.csv
    """
    from simulations.sweeps.query_command import query_command

    return query_command(store, where or [], quantity or [], quantiles, csv_file, json_file)


def export(
    store: Stored,
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the Parquet files.")],
    quantiles: Annotated[
        str, typer.Option("--quantiles", metavar="Q,Q", help="Those of curves.parquet.")
    ] = "0.05,0.5,0.95",
) -> int:
    """Write cells.parquet, curves.parquet and blocks.parquet; needs the extra `analysis`.

    Reads the store; writes to the folder of --out, where files of an earlier export are replaced.

    Exit code: 0; 2 bad input; 130 interrupted.

    \b
    Examples:
      python -m simulations export results/sweeps/rates.sqlite --out tables
    """
    from simulations.sweeps.export_command import export_command

    return export_command(store, folder, quantiles)
