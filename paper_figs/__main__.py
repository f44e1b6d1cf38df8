"""The commands of the figures: `python -m paper_figs --help`."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

try:
    import typer
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Table

    from amss_min.testing.console import complain, plain, say, show
    from amss_min.testing.files import Unwritable, json_to
    from paper_figs.building import UnknownFigure, build, chosen
    from paper_figs.claims_table import update
    from paper_figs.figure import Figure
    from paper_figs.figures import FIGURES
    from paper_figs.reading import BadData, Data, MissingData
    from paper_figs.report import read_verdicts, write_report
    from simulations.multimodal.record import ROOT, commit_of
    from simulations.results import check_writable
except ModuleNotFoundError as error:
    sys.stderr.write(f"python -m paper_figs needs the extra 'study': found no package {error.name!r}\n")
    sys.exit(2)
except KeyboardInterrupt:
    sys.exit(130)

INTERRUPTED = 130
HELP = """Figures and report, from stored results; never runs an experiment.

Exit codes: 0 as expected; 2 bad input; 3 the data of some figures is
missing; 130 interrupted.

\b
Examples:
  python -m paper_figs list
  python -m paper_figs build second_moment --out /tmp/figures
  python -m paper_figs report
"""

Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder that results are read from.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the rows to this file; -: standard output.")
]

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=HELP)


@app.command(name="list", short_help="List the figures, their claims and their data.")
def list_command(results: Results = Path("results"), json_file: Json = None) -> int:
    """List the figures, the claims they illustrate, and the data that each would be drawn from now.

    Reads the files in --results and what is recorded in the checkout; writes --json alone: a list of {name, title,
    claims, data: texts as printed}.

    Exit code: 0; 2 bad input; 130 interrupted.

    \b
    Examples:
      python -m paper_figs list
      python -m paper_figs list --results results --json figures.json
    """
    _check_results(results)
    rows: list[dict[str, Any]] = []
    table = Table(title="figures")
    for heading in ("name", "what it shows", "claims", "data"):
        table.add_column(heading, no_wrap=heading in ("name", "claims"))
    for figure in FIGURES:
        try:
            state = _state(figure.read(results))
        except (MissingData, BadData) as error:
            state = str(error)
        table.add_row(figure.name, plain(figure.title), "\n".join(figure.claims), plain(state))
        rows.append(
            {"name": figure.name, "title": figure.title, "claims": list(figure.claims), "data": state.split("\n")}
        )
    with json_to(json_file) as write:
        show(table)
        write(rows)
    return 0


@app.command(name="build", short_help="Draw figures, with numbers, captions and provenance.")
def build_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Figures; all without any.")] = None,
    folders: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="DIR", help="Draw the results of this folder; again: over those of the first."),
    ] = None,
    results: Results = Path("results"),
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Default: figures in results.")] = None,
    json_file: Json = None,
) -> int:
    """Draw figures: NAME.pdf, .png and .svg, the drawn numbers NAME.csv, captions NAME.tex and NAME.md, and the
    provenance NAME.json, in results/figures.

    Without --from, a longer run that is recorded in the checkout takes the place of a shorter one in results.

    --json: a list of {name, data, seconds, problem}, a figure each; problem is null where it was drawn.

    Exit code: 0 all drawn; 3 all figures were asked for and the data of some is missing (the others are drawn, and
    the commands that make the data are named); 2 bad input: a mistyped name, a file that cannot be used, a folder
    that cannot be written, or missing data of a figure that was named; 130 interrupted (figures drawn so far are kept).

    \b
    Examples:
      python -m paper_figs build
      python -m paper_figs build second_moment --out /tmp/figures
      python -m paper_figs build htad --from results --from /tmp/mine
    """
    _check_results(results)
    figures, target = chosen(names or []), out or results / "figures"
    _check(folders or [])
    commit = commit_of(ROOT)
    problems: list[tuple[Figure, Exception]] = []
    table = Table(title="figures")
    for heading in ("name", "data", "seconds"):
        table.add_column(heading, justify="right" if heading == "seconds" else "left")
    rows: list[dict[str, Any]] = []
    with json_to(json_file) as write:
        with _written_to(target):
            check_writable(target)
        with _progress(figures) as steps:
            for figure in steps:
                began = time.monotonic()
                try:
                    with _written_to(target):
                        data = build(figure, folders or results, target, commit)
                except (MissingData, BadData) as error:
                    problems.append((figure, error))
                    rows.append({"name": figure.name, "data": None, "seconds": None, "problem": str(error)})
                else:
                    state, seconds = _state(data), round(time.monotonic() - began, 1)
                    table.add_row(figure.name, plain(state), f"{seconds:.1f}")
                    rows.append({"name": figure.name, "data": state.split("\n"), "seconds": seconds, "problem": None})
        write(rows)
        if table.row_count:
            show(table)
            say(f"written: {target}")
    for figure, problem in problems:
        _refused(f"figure {figure.name}: {problem}")
    if any(isinstance(problem, BadData) for _, problem in problems) or (names and problems):
        return 2
    return 3 if problems else 0


@app.command(name="report", short_help="Write the report, a folder of web pages.")
def report_command(
    results: Results = Path("results"),
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Default: report in results.")] = None,
) -> int:
    """Write index.html and the pages on figures, data sets, estimators and benchmarks.

    Reads verdicts.json, figures/, train/, compare/, estimators/ and bench*.json in results, or what is recorded. What
    is missing is named on the page, with the command that makes it. Writes the pages to results/report, or to --out.

    Exit code: 0; 2 bad input, as no verdicts.json; 130 interrupted.

    \b
    Examples:
      python -m paper_figs report
      python -m paper_figs report --results results --out /tmp/report
    """
    _check_results(results)
    target = out or results / "report"
    with _written_to(target):
        written = write_report(results, target, commit_of(ROOT))
    for line in written.notes:
        complain(line)
    say(f"written: {target / 'index.html'} ({written.summary})")
    return 0


@app.command(name="readme", short_help="Write the tables of claims in README.md and docs.")
def readme_command(results: Results = Path("results")) -> int:
    """Write the tables of claims in README.md and docs/claims.md anew, from verdicts.json in results.

    Exit code: 0, also where they were current; 2 bad input, as no verdicts.json; 130 interrupted.

    \b
    Examples:
      python -m paper_figs readme
      python -m paper_figs readme --results results
    """
    _check_results(results)
    _, verdicts = read_verdicts(results)
    with _written_to(ROOT):
        try:
            changed = update(ROOT, [verdict.model_dump() for verdict in verdicts])
        except ValueError as error:
            raise BadData(str(error)) from error
    say(f"written: {', '.join(map(str, changed))}" if changed else f"current already: {ROOT / 'README.md'}")
    return 0


def _state(data: Data) -> str:
    rows = [
        f"{item['from']}/{item['file']}" + (f", recorded {item['recorded']['date']}" if item["recorded"] else "")
        for item in data.as_json()
    ]
    rows += [f"missing: {source.file}, made by {source.command}" for source in data.missing]
    return "\n".join(rows) or "formulas"


class _NoFolder(Exception):
    """A folder that was asked for is none; the text says which."""


def _check_results(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise _NoFolder(f"--results must name a folder, found {str(folder)!r}, which is a file")


def _check(folders: list[Path]) -> None:
    for folder in folders:
        if not folder.is_dir():
            raise _NoFolder(f"--from must name folders of results, found {str(folder)!r}, which is none")


@contextmanager
def _written_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritable(f"cannot write to {folder}/: {error.strerror or error}") from error


@contextmanager
def _progress(figures: tuple[Figure, ...]) -> Iterator[Iterator[Figure]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("build", total=len(figures))

        def steps() -> Iterator[Figure]:
            for figure in figures:
                progress.update(bar, description=f"build {figure.name}")
                yield figure
                progress.advance(bar)

        yield steps()


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; every refusal is one line on standard error and exit code 2."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = int(app(given or ["--help"], prog_name="python -m paper_figs", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _refused(" ".join(error.format_message().split()))
    except (UnknownFigure, _NoFolder, MissingData, BadData, Unwritable) as error:
        return _refused(str(error))
    if code == INTERRUPTED:  # typer turns Ctrl-C into this code, without a word
        _refused("interrupted: figures drawn so far were kept")
    return code


def _refused(message: str) -> int:
    complain(message)
    return 2


if __name__ == "__main__":
    sys.exit(main())
