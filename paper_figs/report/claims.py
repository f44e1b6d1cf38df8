"""Verdicts on the page: the table of all, and a section for each with its evidence."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence

from paper_figs.records import Evidence, Verdict
from paper_figs.report.markup import Html, join, table, tag
from paper_figs.report.mathematics import mathematics
from paper_figs.report.pictures import Picture, thumbnails
from theory.claims import CLAIMS

SYMBOLS: Mapping[str, Html] = {
    "HOLDS": Html("&#10003;"),
    "CONSISTENT": Html("&#8776;"),
    "INCONCLUSIVE": Html("?"),
    "REFUTED": Html("&#10007;"),
}
"""A sign beside the word, for the eye that skims."""

_MEASURED = frozenset(claim.id for claim in CLAIMS if claim.empirical)
_ALONE = frozenset(claim.id for claim in CLAIMS if not claim.empirical)


def badge(status: str) -> Html:
    """A status: the word, with a sign, a border and a colour of its own."""
    sign = tag("span", SYMBOLS.get(status, ""), aria_hidden="true")
    return tag("span", sign, " ", status, class_=f"status {status.lower() if status in SYMBOLS else 'unknown'}")


def anchors(verdicts: Sequence[Verdict]) -> list[str]:
    """Places on the page, one a verdict, each different: claim-ID, with what an address cannot hold left out."""
    found: list[str] = []
    for number, verdict in enumerate(verdicts, start=1):
        name = "claim-" + re.sub(r"[^A-Za-z0-9_-]+", "-", verdict.id)
        found.append(name if name not in found else f"{name}-{number}")
    return found


def command(claim: str) -> str:
    """What repeats a verdict: theory alone where it needs no simulation, else the audit."""
    module = "theory verify" if claim in _ALONE else "simulations audit"
    return f"python3 bootstrap.py run {module} {shlex.quote(claim)}"


def overview_table(verdicts: Sequence[Verdict], places: Sequence[str]) -> Html:
    """One row a claim."""
    headings = ("claim", "statement", "kind", "status", "expected", "scope", "guarantee")
    rows = [
        (
            tag("a", verdict.id, href=f"#{place}"),
            mathematics(verdict.statement),
            verdict.kind,
            badge(verdict.status),
            _expected(verdict),
            verdict.scope,
            verdict.guarantee,
        )
        for verdict, place in zip(verdicts, places, strict=True)
    ]
    return table("Every claim with its verdict", headings, rows, "stack verdicts")


def section(verdict: Verdict, place: str, found: tuple[Picture, ...]) -> Html:
    """A claim: statement, where it comes from, evidence, figures, and how to repeat it."""
    assumptions = tag("ul", *(tag("li", mathematics(text)) for text in verdict.assumptions))
    facts = (
        ("Status", join((badge(verdict.status), " expected: ", _expected(verdict)))),
        ("Kind", verdict.kind),
        ("Source", verdict.source),
        ("Assumptions", assumptions if verdict.assumptions else "none beyond the setting"),
        ("Scope", verdict.scope),
        ("Guarantee", verdict.guarantee),
        ("Repeat", tag("code", command(verdict.id))),
    )
    return tag(
        "section",
        tag("h3", verdict.id, id=place),
        tag("p", mathematics(verdict.statement), class_="statement"),
        tag("dl", *(join((tag("dt", name), tag("dd", value))) for name, value in facts), class_="facts"),
        thumbnails(found, verdict.id),
        _evidence(verdict),
    )


def _expected(verdict: Verdict) -> str:
    if verdict.as_expected:
        return verdict.expected_status
    return tag("strong", f"{verdict.expected_status}, not as found")


def _evidence(verdict: Verdict) -> Html:
    headings = ("what", "status", "expected", "measured", "tolerance", "method", "guarantee", "scope")
    rows = [
        (
            item.what,
            badge(item.status),
            number(item.expected),
            number(item.measured),
            _tolerance(item),
            item.method,
            item.guarantee,
            item.scope,
        )
        for item in verdict.evidence
    ]
    shown = table(f"Evidence for {verdict.id}", headings, rows, "stack numbers")
    return join((shown, *(_witness(item) for item in verdict.evidence if item.witness is not None)))


def _tolerance(item: Evidence) -> str:
    if item.tolerance is None:
        return item.tolerance_source or "none: equality"
    source = tag("small", item.tolerance_source) if item.tolerance_source else ""
    return join((number(item.tolerance), source))


def _witness(item: Evidence) -> Html:
    text = json.dumps(item.witness, indent=1, ensure_ascii=False)
    return join((tag("p", f"What replays the contradiction ({item.what}):"), tag("pre", text)))


def number(value: float | str) -> str:
    """A number to six digits; text as it is.

    >>> number(1 / 3), number("1/3")
    ('0.333333', '1/3')
    """
    return value if isinstance(value, str) else f"{value:.6g}"
