"""The page on data sets: what each is, what training on it gave, and how methods compare there."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from paper_figs.reading import Found
from paper_figs.records import Interval, Verdict
from paper_figs.report.claims import Entry, badge
from paper_figs.report.markup import Html, join, places, table, tag
from paper_figs.report.mathematics import mathematics
from paper_figs.report.pictures import Picture, thumbnails
from paper_figs.report.schemas import Comparison, Run
from paper_figs.report.stored import origin, stored, when

_TRAIN = "python -m simulations train"
_COMPARE = "python -m simulations compare"

R = TypeVar("R", bound=Run)


@dataclass(frozen=True)
class Studied:
    """What was found on one data set: versions of its training run and of its comparison, either may be empty.

    place: its place on the page.
    """

    name: str
    place: str
    trained: Sequence[Found[Run]]
    compared: Sequence[Found[Comparison]]

    @property
    def verdict(self) -> tuple[Verdict, str] | None:
        """The verdict of its comparison with the command that repeats it."""
        claims = [(found.value.claim, found.source.command) for found in self.compared]
        return next(((claim, command) for claim, command in claims if claim), None)


def studied(results: Path, copies: Path) -> tuple[Studied, ...]:
    """Everything in results/train, results/compare and their committed copies, by name. Raises BadData."""
    trained = stored("train", Run, lambda name: f"{_TRAIN} {shlex.quote(name)}", results, copies, lambda run: run.seeds)
    compared = stored(
        "compare",
        Comparison,
        lambda name: f"{_COMPARE} {shlex.quote(name)}",
        results,
        copies,
        lambda comparison: len(comparison.paired.seeds),
    )
    names = sorted({*trained, *compared})
    return tuple(
        Studied(name, place, trained.get(name, ()), compared.get(name, ()))
        for name, place in zip(names, places("data", names), strict=True)
    )


def sections(sets: Sequence[Studied], found: Sequence[Picture], entries: Sequence[Entry]) -> tuple[Html, ...]:
    """One section a data set. entries: the claims of the first page."""
    if not sets:
        told = ("No data set was trained on. To train on one: ", tag("code", f"{_TRAIN} htad"), ".")
        return (tag("section", tag("p", *told)),)
    claims = {entry.verdict.id: entry for entry in entries}
    return tuple(_section(one, found, claims) for one in sets)


def _section(one: Studied, found: Sequence[Picture], claims: Mapping[str, Entry]) -> Html:
    latest: Run = (one.compared or one.trained)[0].value
    files = {f"{folder}/{one.name}.json" for folder in ("train", "diagnosed/train", "compare")}
    shown = [
        picture
        for picture in found
        if picture.provenance and any(source.file in files for source in picture.provenance.sources)
    ]
    parts = [tag("h2", one.name, id=one.place), _about(latest), thumbnails(shown)]
    for comparison in one.compared:
        parts += [tag("h3", f"Comparison, {when(comparison.recorded)}"), *_comparison(comparison, claims)]
    for run in one.trained:
        parts += [tag("h3", f"Training with one stepsize, {when(run.recorded)}"), *_run(run)]
    return tag("section", *parts)


def _about(run: Run) -> Html:
    data = run.data
    shapes = ", ".join(f"{name} ({' x '.join(map(str, shape))})" for name, shape in data.features.items())
    facts = [
        ("Task", data.task),
        ("Rows", str(data.rows) + (f": {data.note}" if data.note else "")),
        ("Groups, never divided", "none known" if data.groups is None else str(data.groups)),
        ("Modalities (shape of a row)", shapes),
        ("Targets", f"{len(data.targets)}: {', '.join(data.targets)}"),
        ("Split", str(run.split.get("note", "see the file"))),
        ("SHA-256", tag("code", data.sha256 or "made in memory")),
    ]
    if data.attribution:
        facts.append(("Source and licence", tag("code", data.attribution)))
    return tag("dl", *(join((tag("dt", name), tag("dd", value))) for name, value in facts), class_="facts")


def _run(found: Found[Run]) -> list[Html]:
    run = found.value
    texts = (
        f"Intervals: {run.summary.assumption}",
        f"Selection: {run.selection}.",
        f"Scale: {run.scale}.",
    )
    return [*_scores(found), *_findings(run), *(tag("p", text, class_="note") for text in texts), origin(found)]


def _findings(run: Run) -> list[Html]:
    if not run.findings:
        return []
    lines = (tag("li", finding.line) for finding in run.findings)
    return [tag("div", tag("p", "Runs that were stopped:"), tag("ul", *lines), class_="notice")]


def _scores(found: Found[R]) -> list[Html]:
    """Test scores of each method, then those of each modality."""
    summary, told = found.value.summary, found.value.methods
    metrics = [metric for metric in next(iter(summary.methods.values()), {}) if metric != "validation"]
    single = [metric for metric in metrics if metric.startswith(("alone_", "shapley_"))]
    joint = [metric for metric in metrics if metric not in single]
    primary = summary.primary or next(iter(joint), "")
    how = f"mean over {_seeds(found.value.seeds)} with {summary.confidence:.0%} t-intervals"
    rows, lone = [], []
    for method, values in summary.methods.items():
        difference = summary.difference_to_joint.get(method, {}).get(primary)
        name = join((method, tag("small", told.get(method, ""))))
        cells = [_interval(values.get(metric)) for metric in joint]
        rows.append((name, *cells, signed(difference) if difference else "reference"))
        lone.append((method, *(_interval(values.get(metric)) for metric in single)))
    headings = ("method", *(_words(metric) for metric in joint), f"{_words(primary)}, less baseline")
    when_made = when(found.recorded)
    parts = [table(f"Test scores, {when_made}: {how}; differences are paired by seed", headings, rows, "stack numbers")]
    if single:
        caption = f"Modalities, {when_made}: {_words(primary)} of each one's own logits, and its Shapley value; {how}"
        parts.append(table(caption, ("method", *map(_words, single)), lone, "stack numbers"))
    return parts


def _comparison(found: Found[Comparison], claims: Mapping[str, Entry]) -> list[Html]:
    value = found.value
    parts = [_verdict(value.claim, claims)] if value.claim else []
    parts.append(_differences(found))
    if value.paired.left_out:
        seeds = ", ".join(map(str, value.paired.left_out))
        parts.append(tag("p", f"Left out, since a run diverged: seeds {seeds}."))
    parts += _scores(found) + _findings(value)
    parts += [_tuning(found)] if value.tuning else []
    if value.logistic:
        known = (value.logistic.difference, value.logistic.lower_bound)
        gap, bound = ("none" if number is None else f"{number:+.4f}" for number in known)
        text = f"Logistic regression on all features: accuracy {value.logistic.accuracy}; {value.logistic.meaning}: "
        parts.append(tag("p", f"{text}difference {gap}, bound {bound}."))
    return [*parts, tag("p", f"Selection: {value.selection}.", class_="note"), origin(found)]


def _verdict(verdict: Verdict, claims: Mapping[str, Entry]) -> Html:
    entry = claims.get(verdict.id)
    name = tag("a", verdict.id, href=f"index.html#{entry.place}") if entry else verdict.id
    return tag("p", badge(verdict.status), " ", name, ": ", mathematics(verdict.statement))


def _differences(found: Found[Comparison]) -> Html:
    value, paired = found.value, found.value.paired
    rows = [
        (
            method,
            f"{value.tuning[method].lr:g}" if method in value.tuning else "unknown",
            f"{gap.mean:+.4f}",
            "none" if gap.low is None or gap.high is None else f"[{gap.low:+.4f}, {gap.high:+.4f}]",
            gap.finding,
        )
        for method, gap in paired.differences.items()
    ]
    caption = (
        f"{_words(value.summary.primary or 'primary metric')} on test less that of {paired.baseline}, "
        f"{when(found.recorded)}: {paired.confidence:.0%} intervals that hold for all {len(rows)} comparisons at once, "
        f"{_seeds(len(paired.seeds))}"
    )
    shown = table(caption, ("method", "stepsize", "difference", "interval", "finding"), rows, "stack numbers")
    return join((shown, tag("p", f"Intervals: {paired.guarantee}.", class_="note")))


def _tuning(found: Found[Comparison]) -> Html:
    tuning = found.value.tuning
    steps = list(dict.fromkeys(step for item in tuning.values() for step in item.scores))
    rows = []
    for method, item in tuning.items():
        cells = []
        for step in steps:
            score = item.scores.get(step)
            text = "diverged" if score is None else f"{score:.4f}"
            cells.append(tag("strong", text) if step == f"{item.lr:g}" else text)
        rows.append((method, *cells, f"{item.lr:g}" + (" (at an end)" if item.edge else "")))
    caption = f"Tuning, {when(found.recorded)}: mean validation score by stepsize, on seeds that are not compared"
    return table(caption, ("method", *steps, "chosen"), rows, "stack numbers")


def _interval(value: Interval | None) -> str:
    return "no run" if value is None else str(value)


def signed(value: Interval) -> str:
    """A difference with its interval, with signs.

    >>> signed(Interval(mean=0.01, low=-0.02, high=0.04, n=3))
    '+0.010 [-0.020, +0.040]'
    """
    if value.mean is None:
        return "no run"
    if value.low is None or value.high is None:
        return f"{value.mean:+.3f} (one seed)"
    return f"{value.mean:+.3f} [{value.low:+.3f}, {value.high:+.3f}]"


def _seeds(number: int) -> str:
    return "one seed" if number == 1 else f"{number} paired seeds"


def _words(metric: str) -> str:
    for prefix, shown in (("alone_", "alone"), ("shapley_", "Shapley")):
        if metric.startswith(prefix):
            return f"{metric.removeprefix(prefix)}, {shown}"
    return {"macro_f1": "macro-F1", "auroc": "AUROC", "map": "mAP", "r2": "R2"}.get(metric, metric.replace("_", " "))
