"""The first page: counts by status, the filter, every claim in a table, and a section for each."""

from collections import Counter
from collections.abc import Iterable, Sequence

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


_GUARANTEES = {
    "exact": "no sampling error",
    "bounded": "the stated error probability holds for every law on the declared support",
    "variance-bounded": "it holds if the declared second moment does",
    "truncated": "it holds for the part of the law below a cap",
    "asymptotic": "it holds for many replicates: Student and bootstrap intervals",
}
_KINDS = {
    "IDENTITY": "two sides are equal",
    "INEQUALITY": "one side is at most the other",
    "RATE": "a bound by the number of steps, with its exponent",
    "COUNTEREXAMPLE": "something fails: HOLDS means that it does fail",
}
_INTRODUCTION = (
    "AMSS masks the gradient of each modality of a network: it draws some of the units at random, by the size of their "
    "gradients, and leaves out the others; AMSS+ weighs those drawn so that the mean shall be that of the whole "
    "gradient. Every claim here, published or derived, was put to a test that could have refuted it. Beside each stand "
    "its assumptions, where it comes from, the evidence with its tolerance and scope, figures that show it, and "
    "the command that repeats it. A claim may say that something fails: what counts is whether the claim is true."
)


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
    cards = (
        tag("li", tag("b", str(counted[status])), claims.badge(status), tag("small", meaning))
        for status, meaning in _MEANINGS.items()
    )
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
    unsettled = [
        tag("li", claims.badge(entry.verdict.status), " ", tag("a", entry.verdict.id, href=f"#{entry.place}"), asked)
        for entry in entries
        if entry.verdict.status in ("REFUTED", "INCONCLUSIVE")
        for asked in [" (an open question)" if entry.open else ""]
    ]
    told = [tag("p", "Refuted or undecided:"), tag("ul", *unsettled)] if unsettled else []
    return tag(
        "section",
        tag("h2", "Overview", id="overview"),
        tag("p", _INTRODUCTION),
        tag("p", " ".join(texts)),
        notice,
        tag("ul", *cards, class_="counts"),
        *told,
    )


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
    return tag(
        "section",
        tag("h2", "How to read a verdict", id="reading"),
        _terms((claims.badge(name), text) for name, text in _MEANINGS.items()),
        tag(
            "p",
            "The method caps the status: only proofs, exact arithmetic and floating point with a derived error can end "
            "in HOLDS; quadrature, solvers and simulation are CONSISTENT at best. CONSISTENT is no proof: it says that "
            "the stated violation would have been seen, but for the stated error probability. Scope says on what it "
            "was tried; a claim may still fail elsewhere. Expected is the status that was written down before the run.",
        ),
        tag("p", "The kind says what a claim asserts:"),
        _terms(_KINDS.items()),
        tag("p", "The guarantee says what stands behind the stated error, strongest first:"),
        _terms(_GUARANTEES.items()),
    )


def _terms(pairs: Iterable[tuple[str, str]]) -> Html:
    return tag("dl", *(join((tag("dt", name), tag("dd", text))) for name, text in pairs), class_="facts")


def _made(found: tuple[Picture, ...], facts: Sequence[tuple[str, str]]) -> Html:
    missing = [picture.figure.name for picture in found if picture.provenance is None]
    rows = [*facts, *([("Figures not built", ", ".join(missing))] if missing else [])]
    return tag(
        "section",
        tag("h2", "What this report was made from", id="made"),
        _terms(rows),
    )
