"""The first page: counts by status, the filter, every claim in a table, and a section for each."""

from collections import Counter
from collections.abc import Sequence

from paper_figs.report import claims
from paper_figs.report.claims import Entry
from paper_figs.report.markup import Html, join, tag
from paper_figs.report.pictures import Picture

CONTENTS = (
    ("overview", "Overview"),
    ("verdicts", "Verdicts"),
    ("claims", "Claims"),
    ("reading", "How to read a verdict"),
    ("made", "What this report was made from"),
)
_MEANINGS = {
    "HOLDS": "proved, exact in rationals, or equal within an error bound that was derived",
    "CONSISTENT": "tested with controlled error, and not contradicted",
    "INCONCLUSIVE": "the evidence decides neither way",
    "REFUTED": "contradicted, with a witness that replays",
}


def sections(
    entries: Sequence[Entry], found: tuple[Picture, ...], facts: Sequence[tuple[str, str]]
) -> tuple[Html, ...]:
    """The parts of the page. facts: what the report was made from, as (name, value)."""
    return (
        _counts(entries),
        tag(
            "section",
            tag("h2", "Verdicts", id="verdicts"),
            _filter(entries),
            claims.overview_table(entries),
        ),
        tag("section", tag("h2", "Claims", id="claims"), *(claims.section(entry, found) for entry in entries)),
        _reading(),
        _made(found, facts),
    )


def _counts(entries: Sequence[Entry]) -> Html:
    counted = Counter[str](entry.verdict.status for entry in entries)
    cards = (tag("li", tag("b", str(counted[status])), claims.badge(status)) for status in _MEANINGS)
    fixed = [entry for entry in entries if not entry.open]
    agreeing = sum(entry.verdict.as_expected for entry in fixed)
    surprises = [
        tag(
            "li",
            tag("a", entry.verdict.id, href=f"#{entry.place}"),
            f": {entry.verdict.status}, expected {entry.verdict.expected_status}",
        )
        for entry in fixed
        if not entry.verdict.as_expected
    ]
    texts = [f"{agreeing} of {len(fixed)} claims have the status that was written down before the run."]
    if len(fixed) < len(entries):
        texts.append(f"Open questions beside them, put to comparisons on data sets: {len(entries) - len(fixed)}.")
    notice = tag("div", tag("p", "Not as expected:"), tag("ul", *surprises), class_="notice") if surprises else ""
    title = tag("h2", "Overview", id="overview")
    return tag("section", title, tag("p", " ".join(texts)), notice, tag("ul", *cards, class_="counts"))


def _filter(entries: Sequence[Entry]) -> Html:
    """Search, statuses and kind: shown by the script, without which every claim is shown."""
    boxes = (
        tag("label", tag("input", type="checkbox", value=status, checked=""), " ", claims.badge(status))
        for status in _MEANINGS
    )
    kinds = sorted({entry.verdict.kind for entry in entries})
    options = (tag("option", "all", value=""), *(tag("option", kind, value=kind) for kind in kinds))
    return tag(
        "form",
        tag("p", tag("label", "Search ", tag("input", type="search", id="search", autocomplete="off"))),
        tag("fieldset", tag("legend", "Status"), *boxes),
        tag("p", tag("label", "Kind ", tag("select", *options, id="kind"))),
        tag("p", tag("button", "Show all", type="reset")),
        tag("p", id="told", role="status"),
        id="filter",
        role="search",
        aria_label="Claims",
        hidden="",
    )


def _reading() -> Html:
    meanings = (join((tag("dt", claims.badge(name)), tag("dd", text))) for name, text in _MEANINGS.items())
    return tag(
        "section",
        tag("h2", "How to read a verdict", id="reading"),
        tag("dl", *meanings, class_="facts"),
        tag(
            "p",
            "The method caps the status: only proofs, exact arithmetic and floating point with a derived error can end "
            "in HOLDS; quadrature, solvers and simulation are CONSISTENT at best. A claim of kind COUNTEREXAMPLE says "
            "that something fails: HOLDS then means that it does fail. The guarantee says what stands behind the "
            "stated error: exact, bounded, variance-bounded, truncated or asymptotic.",
        ),
    )


def _made(found: tuple[Picture, ...], facts: Sequence[tuple[str, str]]) -> Html:
    missing = [picture.figure.name for picture in found if picture.provenance is None]
    rows = [*facts, *([("Figures not built", ", ".join(missing))] if missing else [])]
    return tag(
        "section",
        tag("h2", "What this report was made from", id="made"),
        tag("dl", *(join((tag("dt", name), tag("dd", value))) for name, value in rows), class_="facts"),
    )
