"""The four outcomes of a check, and how several combine into one."""

from collections.abc import Iterable
from enum import Enum


class Status(Enum):
    """What a check may conclude.

    HOLDS: proved, exact in rationals, or equal within an error bound that was derived.
    CONSISTENT: tested with controlled error, and not contradicted.
    INCONCLUSIVE: the evidence decides neither way.
    REFUTED: contradicted, with a witness that replays.

    Four outcomes do not fit in a bool, so a status has no truth value:

    >>> bool(Status.HOLDS)
    Traceback (most recent call last):
    ...
    TypeError: a status has four outcomes and no truth value; compare it: status is Status.HOLDS
    """

    HOLDS = "HOLDS"
    CONSISTENT = "CONSISTENT"
    INCONCLUSIVE = "INCONCLUSIVE"
    REFUTED = "REFUTED"

    def __bool__(self) -> bool:
        raise TypeError("a status has four outcomes and no truth value; compare it: status is Status.HOLDS")


_WEAKEST_FIRST = (Status.REFUTED, Status.INCONCLUSIVE, Status.CONSISTENT, Status.HOLDS)


def weakest(statuses: Iterable[Status]) -> Status:
    """The status of a conjunction: one refuted part refutes it, else the weakest part decides.

    >>> weakest([Status.HOLDS, Status.CONSISTENT])
    <Status.CONSISTENT: 'CONSISTENT'>

    Raises ValueError for no statuses at all: nothing checked is not a pass.
    """
    found = list(statuses)
    if not found:
        raise ValueError("a verdict must rest on at least one piece of evidence, found none")
    return min(found, key=_WEAKEST_FIRST.index)
