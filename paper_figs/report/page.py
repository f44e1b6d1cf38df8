"""The page as a whole."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from paper_figs.records import Verdict
from paper_figs.report import claims, pictures
from paper_figs.report.markup import Html, join, tag
from paper_figs.report.pictures import Picture

_STYLE = Path(__file__).with_name("style.css")
_POLICY = "default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'"
_MEANINGS = {
    "HOLDS": "proved, exact in rationals, or equal within an error bound that was derived",
    "CONSISTENT": "tested with controlled error, and not contradicted",
    "INCONCLUSIVE": "the evidence decides neither way",
    "REFUTED": "contradicted, with a witness that replays",
}
_PARTS = (("verdicts", "Verdicts"), ("training", "Training"), ("figures", "Figures"), ("claims", "Claims"))


def page(
    verdicts: Sequence[Verdict], training: Html, found: tuple[Picture, ...], facts: Sequence[tuple[str, str]]
) -> str:
    """The text of index.html. facts: what the page was made from, as (name, value)."""
    places = claims.anchors(verdicts)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", "amss-min: claims and verdicts"),
        tag("style", Html(_STYLE.read_text(encoding="utf-8"))),
    )
    links = (tag("li", tag("a", text, href=f"#{place}")) for place, text in _PARTS)
    body = tag(
        "body",
        tag("a", "Skip to the verdicts", href="#verdicts", class_="skip"),
        tag(
            "header",
            tag("h1", "AMSS and AMSS+: claims and verdicts"),
            tag("nav", tag("ul", *links), aria_label="Parts"),
        ),
        tag(
            "main",
            _overview(verdicts, places, found, facts),
            tag("section", tag("h2", "Verdicts", id="verdicts"), claims.overview_table(verdicts, places)),
            training,
            pictures.section(found, {verdict.id: place for verdict, place in zip(verdicts, places, strict=True)}),
            tag(
                "section",
                tag("h2", "Claims", id="claims"),
                *(claims.section(verdict, place, found) for verdict, place in zip(verdicts, places, strict=True)),
            ),
        ),
        tag("footer", tag("p", "This page needs no network and no script; its folder can be moved.")),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _overview(
    verdicts: Sequence[Verdict], places: Sequence[str], found: tuple[Picture, ...], facts: Sequence[tuple[str, str]]
) -> Html:
    counted = Counter[str](verdict.status for verdict in verdicts)
    counts = (tag("li", tag("b", str(counted[status])), claims.badge(status)) for status in _MEANINGS)
    expected = sum(verdict.as_expected for verdict in verdicts)
    surprises = [
        tag("li", tag("a", verdict.id, href=f"#{place}"), f": {verdict.status}, expected {verdict.expected_status}")
        for verdict, place in zip(verdicts, places, strict=True)
        if not verdict.as_expected
    ]
    notice = tag("div", tag("p", "Not as expected:"), tag("ul", *surprises), class_="notice") if surprises else ""
    meanings = (join((tag("dt", claims.badge(name)), tag("dd", text))) for name, text in _MEANINGS.items())
    missing = [picture.figure.name for picture in found if picture.provenance is None]
    rows = [*facts, *([("Figures not built", ", ".join(missing))] if missing else [])]
    return tag(
        "section",
        tag("p", f"{expected} of {len(verdicts)} claims have the status that was written down before the run."),
        notice,
        tag("ul", *counts, class_="counts"),
        tag("h2", "How to read a verdict"),
        tag("dl", *meanings, class_="facts"),
        tag(
            "p",
            "The method caps the status: only proofs, exact arithmetic and floating point with a derived error can end "
            "in HOLDS; quadrature, solvers and simulation are CONSISTENT at best. A claim of kind COUNTEREXAMPLE says "
            "that something fails: HOLDS then means that it does fail. The guarantee says what stands behind the "
            "stated error: exact, bounded, variance-bounded, truncated or asymptotic.",
        ),
        tag("h2", "What this page was made from"),
        tag("dl", *(join((tag("dt", name), tag("dd", value))) for name, value in rows), class_="facts"),
    )
