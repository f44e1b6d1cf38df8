"""Verdicts on the page: the table of all, and a section for each with its evidence."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from paper_figs.records import Evidence, Verdict
from paper_figs.report.markup import Html, join, places, table, tag
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

_ALONE = frozenset(claim.id for claim in CLAIMS if not claim.empirical)


@dataclass(frozen=True)
class Entry:
    """A verdict with its place on the first page and the command that repeats it."""

    verdict: Verdict
    place: str
    command: str

    @property
    def open(self) -> bool:
        """Whether theory is silent on it, so that no status was expected: its id begins with open-."""
        return self.verdict.id.startswith("open-")


def badge(status: str) -> Html:
    """A status: the word, with a sign, a border and a colour of its own."""
    sign = tag("span", SYMBOLS.get(status, ""), aria_hidden="true")
    return tag("span", sign, " ", status, class_=f"status {status.lower() if status in SYMBOLS else 'unknown'}")


def entries(audited: Iterable[Verdict], compared: Iterable[tuple[Verdict, str]]) -> tuple[Entry, ...]:
    """Verdicts of the audit, then those of comparisons, each with its own command; an id in both is shown once."""
    found = [(verdict, command(verdict.id)) for verdict in audited]
    ids = {verdict.id for verdict, _ in found}
    found += [(verdict, repeat) for verdict, repeat in compared if verdict.id not in ids]
    anchors = places("claim", (verdict.id for verdict, _ in found))
    return tuple(Entry(verdict, place, repeat) for (verdict, repeat), place in zip(found, anchors, strict=True))


def command(claim: str) -> str:
    """What repeats a verdict: theory alone where it needs no simulation, else the audit."""
    module = "theory verify" if claim in _ALONE else "simulations audit"
    return f"python3 bootstrap.py run {module} {shlex.quote(claim)}"


def overview_table(shown: Sequence[Entry]) -> Html:
    """One row a claim."""
    headings = ("claim", "statement", "kind", "status", "expected", "guarantee")
    rows = [
        (
            tag("a", entry.verdict.id, href=f"#{entry.place}"),
            mathematics(entry.verdict.statement),
            entry.verdict.kind,
            badge(entry.verdict.status),
            _expected(entry),
            entry.verdict.guarantee,
        )
        for entry in shown
    ]
    return table("Every claim with its verdict", headings, rows, "stack verdicts")


def section(entry: Entry, found: tuple[Picture, ...]) -> Html:
    """A claim: statement, where it comes from, evidence, figures, and how to repeat it."""
    verdict = entry.verdict
    assumptions = tag("ul", *(tag("li", mathematics(text)) for text in verdict.assumptions))
    facts = (
        ("Status", join((badge(verdict.status), " expected: ", _expected(entry)))),
        ("Kind", verdict.kind),
        ("Source", verdict.source),
        ("Assumptions", assumptions if verdict.assumptions else "none beyond the setting"),
        ("Scope", verdict.scope),
        ("Guarantee", verdict.guarantee),
        ("Repeat", tag("code", entry.command)),
    )
    return tag(
        "section",
        tag("h3", verdict.id, id=entry.place),
        tag("p", mathematics(verdict.statement), class_="statement"),
        tag("dl", *(join((tag("dt", name), tag("dd", value))) for name, value in facts), class_="facts"),
        thumbnails([picture for picture in found if verdict.id in picture.figure.claims]),
        _evidence(verdict),
        class_="claim",
        data_status=verdict.status,
        data_kind=verdict.kind,
    )


def _expected(entry: Entry) -> str:
    if entry.open:
        return "open"
    if entry.verdict.as_expected:
        return entry.verdict.expected_status
    return tag("strong", f"{entry.verdict.expected_status}, not as found")


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
