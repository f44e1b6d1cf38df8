"""The report: one page with every verdict, its evidence and its figures, and all that it shows beside it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from paper_figs.files import write_bytes
from paper_figs.reading import COPIES, BadData, MissingData, digest, parse
from paper_figs.records import Verdict
from paper_figs.report import pictures, training
from paper_figs.report.markup import tag
from paper_figs.report.page import page
from simulations.results import check_writable

AUDIT = "python -m simulations audit"


@dataclass(frozen=True)
class Written:
    """What was written: a summary in one line, and what the reader should know besides."""

    summary: str
    notes: tuple[str, ...]


def write_report(results: Path, out: Path, commit: str | None, copies: Path = COPIES) -> Written:
    """Write out/index.html, out/verdicts.json and out/figures/.

    Raises MissingData without results/verdicts.json, BadData for a file that cannot be used, OSError where `out`
    cannot be written.
    """
    content, verdicts = read_verdicts(results)
    check_writable(out)
    check_writable(out / pictures.FOLDER)
    found = pictures.pictures(results, copies)
    facts = (
        ("Verdicts", tag("a", "verdicts.json", href="verdicts.json")),
        ("SHA-256", tag("code", digest(content))),
        ("Made by", tag("code", AUDIT)),
        ("Commit of the page", tag("code", commit or "unknown")),
    )
    text = page(verdicts, training.section(results, copies), found, facts)
    for picture in found:
        pictures.copy(picture, results, out)
    write_bytes(out / "verdicts.json", content)
    write_bytes(out / "index.html", text.encode())
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
