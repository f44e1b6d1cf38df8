"""The page on estimators that were checked: what `python -m amss_min check ... --json` wrote, one section each."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paper_figs.reading import Found
from paper_figs.report.claims import badge, number
from paper_figs.report.markup import Html, join, places, table, tag
from paper_figs.report.schemas import Checked, Family
from paper_figs.report.stored import origin, stored, when

FOLDER = "estimators"
"""Inside results: every NAME.json there is shown."""

_CHECK = "python -m amss_min check"


@dataclass(frozen=True)
class Check:
    """A stored check: the name of its file, its place on the page, what the file holds."""

    name: str
    place: str
    found: Found[Checked]


def checks(results: Path, copies: Path) -> tuple[Check, ...]:
    """What results/estimators and the committed copies hold, by file name. Raises BadData."""
    kept = stored(FOLDER, Checked, lambda name: f"{_CHECK} FILE.py:NAME --json {_out(name)}", results, copies)
    pairs = [(name, version) for name, versions in kept.items() for version in versions]
    anchors = places("estimator", (name for name, _ in pairs))
    return tuple(Check(name, place, version) for (name, version), place in zip(pairs, anchors, strict=True))


def sections(found: Sequence[Check]) -> tuple[Html, ...]:
    """One section an estimator, or how to get one."""
    told = tag(
        "section",
        tag(
            "p",
            "Every estimator of a gradient whose check was stored under results/estimators. HOLDS: the mean is exact. "
            "CONSISTENT: a bias above the stated size is excluded at the stated error probability. REFUTED: it is "
            "biased or breaks its contract, with a witness that replays. INCONCLUSIVE: neither.",
        ),
        *([] if found else [tag("p", "None yet.")]),
        tag("p", "To show your own estimate in mine.py:"),
        tag(
            "pre",
            f"mkdir -p results/{FOLDER}\n{_CHECK} mine.py:estimate --json {_out('mine')}\npython -m paper_figs report",
        ),
    )
    return (told, *map(_section, found))


def _section(check: Check) -> Html:
    value = check.found.value
    facts = (
        ("Status", badge(value.status)),
        ("Guarantee", value.guarantee),
        ("In words", value.text),
        ("Draws", f"{value.draws:,}, {number(1e6 * value.seconds_per_draw)} microseconds each"),
        ("Error probability", number(value.alpha)),
        ("Bias to be excluded", f"norms above {number(value.detect)} of the gradient's norm"),
        ("Seed", str(value.seed)),
        ("Repeat", tag("code", _repeat(check.name, value))),
    )
    parts: list[Html] = [
        tag("h2", value.estimator, id=check.place),
        tag("dl", *(join((tag("dt", fact), tag("dd", text))) for fact, text in facts), class_="facts"),
    ]
    if value.violations:
        lines = (tag("li", "; ".join(f"{key}: {text}" for key, text in item.items())) for item in value.violations)
        parts.append(tag("div", tag("p", "Breaks its contract:"), tag("ul", *lines), class_="notice"))
    if value.families:
        parts.append(_families(check.found))
    if value.witness is not None:
        text = json.dumps(value.witness, indent=1, ensure_ascii=False)
        parts.append(tag("details", tag("summary", f"Witness against {value.estimator}"), tag("pre", text)))
    return tag("section", *parts, origin(check.found))


def _repeat(name: str, value: Checked) -> str:
    witness = (value.witness or {}).get("file")
    if isinstance(witness, str):
        return f"{_CHECK} --replay {shlex.quote(witness)}"
    settings = f"--alpha {value.alpha:g} --detect {value.detect:g} --seed {value.seed} --draws {value.draws}"
    return f"{_CHECK} {shlex.quote(f'FILE.py:{value.estimator}')} {settings} --json {_out(name)}"


def _families(found: Found[Checked]) -> Html:
    headings = (
        "family",
        "status",
        "guarantee",
        "draws",
        "worst unit",
        "bias there",
        "bias at most",
        "1 + omega",
        "least",
    )
    rows = [
        (
            item.family,
            badge(item.status),
            item.guarantee,
            f"{item.draws:,}",
            str(item.worst_unit),
            _with_interval(item.relative_bias, item.interval),
            _number(item.bias_at_most),
            *_factor(item),
        )
        for item in found.value.families
    ]
    caption = (
        f"{found.value.estimator} by family of gradients, {when(found.recorded)}. Bias there: of the worst unit, "
        "relative to it. Bias at most: in norm, relative to the gradient. 1 + omega: second moment over squared norm; "
        "least: of a mask of the same expected size"
    )
    return table(caption, headings, rows, "stack numbers")


def _factor(item: Family) -> tuple[str, str]:
    return _with_interval(item.omega.factor, item.omega.interval), _number(item.omega.optimum)


def _with_interval(value: float | None, interval: Sequence[float | None]) -> str:
    return f"{_number(value)} [{', '.join(map(_number, interval))}]"


def _number(value: float | None) -> str:
    return "infinite" if value is None else f"{value:.4g}"


def _out(name: str) -> str:
    return shlex.quote(f"results/{FOLDER}/{name}.json")
