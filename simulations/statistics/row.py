"""A row of a table: parts that can be worked out apart, and what they come to."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from scipy import stats

LEVEL = 0.99
"""Coverage of every interval of a measured probability or median."""

Part = Mapping[str, Any]


class Row(Protocol):
    """One row of a table.

    parts: how many. part(number, root) works one out; root is the row's own seed, and no two parts draw from the same
    stream under it. whole(parts) is the row in JSON types.
    """

    @property
    def parts(self) -> int:
        """How many parts there are."""
        ...

    def part(self, number: int, root: int) -> Part:
        """What part `number` found."""
        ...

    def whole(self, parts: Sequence[Part]) -> dict[str, Any]:
        """The row, from all parts in order."""
        ...


def shares(total: int, size: int) -> list[range]:
    """The numbers 0, 1, ..., total - 1 in ranges of at most this size.

    >>> shares(5, 2)
    [range(0, 2), range(2, 4), range(4, 5)]
    """
    return [range(first, min(first + size, total)) for first in range(0, total, size)]


def measured(count: int, runs: int) -> dict[str, Any]:
    """A probability measured as count of runs, with its exact binomial interval (Clopper and Pearson 1934).

    >>> found = measured(0, 1000)
    >>> found["low"], round(found["high"], 6)  # 1 - 0.005^(1/1000)
    (0.0, 0.005284)
    """
    tail = (1 - LEVEL) / 2
    low = float(stats.beta.ppf(tail, count, runs - count + 1)) if count else 0.0
    high = float(stats.beta.ppf(1 - tail, count + 1, runs - count)) if count < runs else 1.0
    return {"count": count, "runs": runs, "measured": count / runs, "low": low, "high": high}


def median(values: Sequence[float]) -> dict[str, Any]:
    """The median of runs, with the interval between two of them that covers the true one by the binomial law.

    Infinite values (runs that did not end) may be among them; an end of the interval is None where it is infinite.

    >>> median([3.0, 1.0, 2.0])["median"]
    2.0
    """
    ordered, runs = sorted(values), len(values)
    rank = int(stats.binom.ppf((1 - LEVEL) / 2, runs, 0.5))  # P(Bin(runs, 1/2) < rank) is at most (1 - LEVEL) / 2
    low, high = (ordered[rank - 1], ordered[runs - rank]) if rank else (0.0, float("inf"))
    middle = (ordered[(runs - 1) // 2] + ordered[runs // 2]) / 2
    finite = [value if value < float("inf") else None for value in (middle, low, high)]
    return {"runs": runs, "median": finite[0], "low": finite[1], "high": finite[2]}
