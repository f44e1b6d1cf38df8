"""The report: pages with every verdict, its evidence and its figures, data sets, estimators and benchmarks."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from paper_figs.files import write_bytes
from paper_figs.reading import COPIES, BadData, MissingData, digest, parse
from paper_figs.records import Verdict
from paper_figs.report import benchmarks, claims, datasets, estimators, overview, pictures
from paper_figs.report.markup import tag
from paper_figs.report.page import page
from simulations.results import check_writable

AUDIT = "python -m simulations audit"


@dataclass(frozen=True)
class Written:
    """What was written: a summary of verdicts.json in one line, and what the reader should know besides."""

    summary: str
    notes: tuple[str, ...]


def write_report(results: Path, out: Path, commit: str | None, copies: Path = COPIES) -> Written:
    """Write the pages out/*.html (first index.html), out/verdicts.json and out/figures/.

    Reads in results: verdicts.json, figures/, train/, compare/, estimators/ and bench*.json; what is missing there and
    was recorded comes from copies. Raises MissingData without results/verdicts.json, BadData for a file that cannot be
    used, OSError where `out` cannot be written.
    """
    content, verdicts = read_verdicts(results)
    found = pictures.pictures(results, copies)
    sets, checked = datasets.studied(results, copies), estimators.checks(results, copies)
    entries = claims.entries(verdicts, [one.verdict for one in sets if one.verdict])
    places = {entry.verdict.id: entry.place for entry in entries}
    facts = (
        ("Verdicts", tag("a", "verdicts.json", href="verdicts.json")),
        ("SHA-256", tag("code", digest(content))),
        ("Made by", tag("code", AUDIT)),
        ("Commit of the report", tag("code", commit or "unknown")),
    )
    drawn = [(picture.anchor, picture.figure.title) for picture in found]
    benches = benchmarks.sections(results, copies, found)
    texts = {
        "index.html": page(
            "index.html",
            "AMSS and AMSS+: claims and verdicts",
            overview.sections(entries, found, facts),
            overview.CONTENTS,
        ),
        "figures.html": page("figures.html", "Figures", [pictures.section(found, places)], drawn),
        "data.html": page(
            "data.html",
            "Training on data sets",
            datasets.sections(sets, found, entries),
            [(one.place, one.name) for one in sets],
        ),
        "estimators.html": page(
            "estimators.html",
            "Estimators that were checked",
            estimators.sections(checked),
            [(check.place, check.found.value.estimator) for check in checked],
        ),
        "benchmarks.html": page("benchmarks.html", "Benchmarks", benches, benchmarks.CONTENTS),
    }
    check_writable(out)
    check_writable(out / pictures.FOLDER)
    for picture in found:
        pictures.copy(picture, results, out)
    write_bytes(out / "verdicts.json", content)
    for file, text in texts.items():
        write_bytes(out / file, text.encode())
    counts = Counter(verdict.status for verdict in verdicts)
    notes = [f"figure {item.figure.name} is not built: {item.command}" for item in found if item.provenance is None]
    notes += [f"figure {item.figure.name} was drawn from other data: {item.command}" for item in found if item.stale]
    return Written(", ".join(f"{number} {status}" for status, number in sorted(counts.items())), tuple(notes))


def read_verdicts(results: Path) -> tuple[bytes, list[Verdict]]:
    """results/verdicts.json as it is, and as types. Raises MissingData without it, BadData where it cannot be used."""
    try:
        content = (results / "verdicts.json").read_bytes()
    except FileNotFoundError:
        raise MissingData(f"there is no {results / 'verdicts.json'}; it is made by: {AUDIT}") from None
    except OSError as error:
        raise BadData(f"results/verdicts.json cannot be read: {error.strerror or error}") from error
    verdicts: list[Verdict] = parse(list[Verdict], content, "results/verdicts.json")
    return content, verdicts
