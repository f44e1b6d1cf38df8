"""The record as docs/statistics.md: what was counted, in words, and the tables."""

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

COMMAND = "python3 bootstrap.py run simulations statistics"
"""What writes the page and the record beside it."""

RECORD, PAGE = "statistics.json", "statistics.md"

_WIDTH = 120

Made = Mapping[str, Any]
Rows = Sequence[Made]


def page(record: Made) -> str:
    """The page, in Markdown, from a record of `measuring.measure`."""
    made = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    head = _text(_HEAD, record=RECORD, command=COMMAND, seed=record["seed"], date=record["date"], versions=made)
    return "\n".join([head, *(section(record["tables"][name]) for name, section in _SECTIONS.items())])


def _frequencies(rows: Rows) -> str:
    lines = [[f"{row['pi']:g}", *_exact(found)] for row in rows for found in row["crossings"]]
    text = _text(_FREQUENCIES, horizon=rows[0]["horizon"])
    return text + _table(["pi", "E reaches", "nominal", "exact", "measured", "99 %", "runs"], lines)


def _weights(rows: Rows) -> str:
    lines = [
        [f"{row['pi']:g}", row["process"].split()[1], *_exact(found)] for row in rows for found in row["crossings"]
    ]
    text = _text(_WEIGHTS, horizon=rows[0]["horizon"])
    return text + _table(["pi", "bet", "E reaches", "nominal", "exact", "measured", "99 %", "runs"], lines)


def _skewed(rows: Rows) -> str:
    lines = [
        [row["law"], test["test"], str(found["threshold"]), f"{found['nominal']:g}", *_measured(found)]
        for row in rows
        for test in row["tests"]
        for found in test["crossings"]
    ]
    text = _text(_SKEWED, horizon=rows[0]["horizon"], looks=rows[0]["looks"])
    return text + _table(["weights", "bet", "E reaches", "nominal", "measured", "99 %", "runs"], lines)


def _unbiased(rows: Rows) -> str:
    runs = sum(row["refuted"]["runs"] for row in rows)
    return _text(_UNBIASED, alpha=rows[0]["alpha"], draws=rows[0]["draws"], runs=runs) + _alarms(rows)


def _outside(rows: Rows) -> str:
    return _text(_OUTSIDE, alpha=rows[0]["alpha"]) + _alarms(rows)


def _alarms(rows: Rows) -> str:
    levels = [f"E >= {1 / found['level']:g}" for found in rows[0]["levels"]]
    lines = [
        [
            *_what(row),
            str(row["refuted"]["runs"]),
            str(row["restarted"]),
            *(str(found["count"]) for found in row["levels"]),
            *_measured(row["refuted"])[:2],
            str(row["missed"]["count"]),
        ]
        for row in rows
    ]
    return _table([*_WHAT, "runs", "restarted", *levels, "REFUTED", "99 %", "0 left out"], lines)


def _biased(rows: Rows) -> str:
    lines = [
        [*_what(row), *(str(row["counts"][status]) for status in _STATUSES), *_measured(row["consistent"])]
        for row in rows
    ]
    text = _text(_BIASED, **{name: rows[0][name] for name in ("alpha", "detect", "bias", "draws")})
    return text + _table([*_WHAT, *_STATUSES, "CONSISTENT, share", "99 %", "runs"], lines)


def _power(rows: Rows) -> str:
    lines = [
        [
            f"{row['pi']:g}",
            f"{100 * row['bias']:g} %",
            _count(row["rule"]),
            *_median(row["frequency"]),
            *_median(row["weight"]),
        ]
        for row in rows
    ]
    text = _text(_POWER, alpha=rows[0]["alpha"], runs=rows[0]["frequency"]["runs"])
    return text + _table(["pi", "bias", "rule", "frequencies", "99 %", "weighted draws", "99 %"], lines)


def _consistency(rows: Rows) -> str:
    families = list(dict.fromkeys(row["family"] for row in rows))
    found = {(row["omega"], row["declares"], row["family"]): row for row in rows}
    kinds = list(dict.fromkeys((row["omega"], row["declares"]) for row in rows))
    lines = [
        [f"{omega:g}", said, *(_count(found[omega, said, family]["median"]) for family in families)]
        for omega, said in kinds
    ]
    text = _text(_CONSISTENCY, **{name: rows[0][name] for name in ("alpha", "detect", "runs", "limit")})
    return text + _table(["omega", "declares", *families], lines)


_SECTIONS: Mapping[str, Callable[[Rows], str]] = {
    "frequencies": _frequencies,
    "weights": _weights,
    "skewed": _skewed,
    "unbiased": _unbiased,
    "outside": _outside,
    "biased": _biased,
    "power": _power,
    "consistency": _consistency,
}

_WHAT = ("estimator", "guarantee", "families", "units")
_STATUSES = ("CONSISTENT", "INCONCLUSIVE", "REFUTED")


def _what(row: Made) -> list[str]:
    return [row["name"], row["guarantee"], str(row["families"]), str(row["units"])]


def _exact(found: Made) -> list[str]:
    return [str(found["threshold"]), f"{found['nominal']:g}", f"{found['exact']:.3g}", *_measured(found)]


def _measured(found: Made) -> list[str]:
    return [f"{found['measured']:.3g}", f"{found['low']:.3g} to {found['high']:.3g}", str(found["runs"])]


def _median(found: Made) -> list[str]:
    return [_count(found["median"]), f"{_count(found['low'])} to {_count(found['high'])}"]


def _count(value: float | None) -> str:
    """Three digits, or "more" for what did not end.

    >>> _count(545672.3), _count(87.0), _count(None)
    ('546,000', '87', 'more')
    """
    return "more" if value is None else f"{int(float(f'{value:.3g}')):,}"


def _text(template: str, **facts: object) -> str:
    paragraphs = template.format(**facts).strip().split("\n\n")
    return "\n\n".join(textwrap.fill(" ".join(text.split()), _WIDTH) for text in paragraphs) + "\n"


def _table(headings: Iterable[str], lines: Iterable[Sequence[str]]) -> str:
    named = list(headings)
    marks = [
        "---" if heading in ("estimator", "guarantee", "bet", "weights", "declares") else "---:" for heading in named
    ]
    return "\n".join(["", *("| " + " | ".join(line) + " |" for line in (named, marks, *lines)), ""])


_HEAD = """\
# False alarms and power of the sequential tests

This page and `{record}` beside it are written by `{command}`, and by nothing else.

Seed {seed}; {date}; {versions}.

Everything here counts draws or runs, not seconds: another machine finds the same numbers from the same seed and the
same versions, up to rounding. A measured probability stands with its exact binomial interval (Clopper-Pearson, 99 %)
beside the nominal one, which is an upper bound, proved for any number of looks at the data: an e-process ever reaches
1/alpha with probability at most alpha where its hypothesis is true. Rare looks, and whatever a bet gives away, make the
error smaller than that.
"""

_FREQUENCIES = """\
## Frequencies of drawn units

The Beta-Bernoulli e-process (`amss_min.testing.bernoulli`) on draws of just the probability pi that it supposes, looked
at after every one of {horizon:,} draws. "Exact" carries the distribution of all paths from draw to draw, without
simulation.
"""

_WEIGHTS = """\
## Weighted draws

The bets of `amss_min.testing.betting` on Horvitz-Thompson draws B/pi - 1, whose mean is 0, looked at after every one of
{horizon:,} draws: upward against a mean of at most 0, given the range below it (1); downward against a mean of at
least 0, given the range above it (1/pi - 1).
"""

_SKEWED = """\
## Skewed and unbounded draws

The same bets on draws of mean 0 with long tails: weights of mean 1, less 1, that are exponential, lognormal (variance
3) or Pareto (tail index 2.5). "Range" is given the smallest value, "variance" the variance and no range. {horizon:,}
draws, {looks} looks.
"""

_UNBIASED = """\
## The whole check of unbiased estimators

`amss_min.testing.check.check` from beginning to end, at alpha = {alpha:g} and with {draws:,} draws, on fresh gradients
and with a fresh seed in each of {runs:,} runs. "E >= 2": runs in which the evidence against unbiasedness reached 2
(since the last restart), of nominal probability 1/2 at most, and so on; E >= 10 is REFUTED. "0 left out": runs whose
simultaneous interval for the bias that stood out did not hold 0, the true value. "Restarted": runs in which a draw lay
beyond the caps of the burn-in, so that another attempt began with half the share of alpha.
"""

_OUTSIDE = """\
## Outside of the guarantee

An unbiased estimator, half of whose mean comes in one of 10,000 draws. A declaration covers it. Without one the caps
rest on what the burn-in showed, and the guarantee, "truncated", says that outcomes beyond them are assumed to carry no
mean. Here they carry half of it, and the nominal error, {alpha:g}, means nothing: no test of an estimator that declares
nothing can do better (Bahadur and Savage 1956).
"""

_BIASED = """\
## The whole check of biased estimators

A bias of norm {bias:.6g} |g|, just above `detect` = {detect:g}, at alpha = {alpha:g} with at most {draws:,} draws:
CONSISTENT would be wrong. A check ends at the first round after which every bias above `detect` is excluded. The last
row, without a bias, shows that the draws are enough to be CONSISTENT.
"""

_POWER = """\
## Draws to refute a bias

Draws of inclusion pi (1 + b), held against pi at alpha = {alpha:g}: the median of {runs} runs with its 99 % interval,
on looks 1 % apart. The rule is N = 2 (1 - pi) / (pi b^2) (log(1/alpha) + log(N)/2). Frequencies are tested in both
directions by the Beta-Bernoulli e-process, weighted draws B/pi - 1 upward by the bets, on the same draws.
"""

_CONSISTENCY = """\
## Draws to exclude a bias

Checks of unbiased masks of inclusion 1/(1 + omega) on 12 units of one entry, until they are CONSISTENT at `detect` =
{detect:g} and alpha = {alpha:g}: the median of {runs} runs, of at most {limit:,} draws on one gradient, burn-in
included. A check draws on all its gradients, so it takes the sum over its families.
"""
