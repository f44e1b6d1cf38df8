"""From many comparisons to one piece of evidence: the worst case speaks for all of them."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.moments import Number


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Expected against measured on one instance; the witness names the inputs in JSON types.

    Either may be a float that is not finite: it then agrees with nothing.
    """

    expected: Number
    measured: Number
    tolerance: Fraction = Fraction(0)
    witness: Mapping[str, Any]

    @property
    def finite(self) -> bool:
        """Whether both values are numbers."""
        return all(isinstance(value, Fraction) or math.isfinite(value) for value in (self.expected, self.measured))

    @property
    def excess(self) -> Fraction:
        """measured - expected; raises OverflowError or ValueError where a value is not finite."""
        return Fraction(self.measured) - Fraction(self.expected)


def relative(error: Fraction, value: Number) -> Fraction:
    """The tolerance error * |value|; none where the value is not finite."""
    return error * abs(Fraction(value)) if isinstance(value, Fraction) or math.isfinite(value) else Fraction(0)


def equality(
    comparisons: Iterable[Comparison],
    *,
    what: str,
    scope: str,
    tolerance_source: str = "",
    details: Mapping[str, Any] | None = None,
) -> Evidence:
    """Evidence that every comparison is equal within its tolerance."""

    def contradicts(case: Comparison) -> bool:
        return not case.finite or abs(case.excess) > case.tolerance

    return _judged(list(comparisons), contradicts, _nearness, what, scope, tolerance_source, details or {})


def dominance(
    comparisons: Iterable[Comparison],
    *,
    what: str,
    scope: str,
    tolerance_source: str = "",
    details: Mapping[str, Any] | None = None,
) -> Evidence:
    """Evidence that no measured value exceeds the expected bound by more than its tolerance.

    The details give the tightness: the largest ratio of a measured value to its bound.
    """

    def contradicts(case: Comparison) -> bool:
        return not case.finite or case.excess > case.tolerance

    cases = list(comparisons)
    tightness = {"largest ratio to the bound": max(map(_tightness, cases), default=0.0), **(details or {})}
    return _judged(cases, contradicts, _tightness, what, scope, tolerance_source, tightness)


def departure(
    comparisons: Iterable[Comparison],
    *,
    what: str,
    scope: str,
    tolerance_source: str = "",
    details: Mapping[str, Any] | None = None,
) -> Evidence:
    """Evidence that every measured value differs from the expected one by more than its tolerance."""

    def contradicts(case: Comparison) -> bool:
        return not case.finite or abs(case.excess) <= case.tolerance

    return _judged(list(comparisons), contradicts, _smallness, what, scope, tolerance_source, details or {})


def _judged(
    cases: list[Comparison],
    contradicts: Callable[[Comparison], bool],
    closeness: Callable[[Comparison], float],
    what: str,
    scope: str,
    tolerance_source: str,
    details: Mapping[str, Any],
) -> Evidence:
    """The evidence of these cases; HOLDS at most, REFUTED with the first contradiction as its witness.

    The method is exact rational arithmetic where no tolerance was granted, else floating point. What is shown is the
    first contradiction, or else the case of greatest closeness. The scope says within which error it holds.
    """
    if not cases:
        raise ValueError(f"nothing was compared for {what!r}: no evidence")
    wrong = next((case for case in cases if contradicts(case)), None)
    case = wrong if wrong is not None else max(cases, key=closeness)
    exact = all(case.tolerance == 0 for case in cases)
    return Evidence(
        what=what,
        method=Method.EXACT if exact else Method.FLOAT,
        guarantee=Guarantee.EXACT,
        status=Status.HOLDS if wrong is None else Status.REFUTED,
        expected=float(case.expected),
        measured=float(case.measured),
        tolerance=None if exact else float(case.tolerance),
        tolerance_source="exact: no tolerance" if exact else tolerance_source,
        scope=scope + _within(cases),
        witness=None if wrong is None else _replayable(wrong),
        details={"comparisons": len(cases), **details},
    )


def _nearness(case: Comparison) -> float:
    """How much of its tolerance a case uses up: the case shown is the one nearest to contradiction."""
    return float(abs(case.excess) / case.tolerance) if case.tolerance and case.finite else 0.0


def _smallness(case: Comparison) -> float:
    """How little a departure departs: the case shown is again the one nearest to contradiction."""
    return float(case.tolerance - abs(case.excess)) if case.finite else 0.0


def _within(cases: list[Comparison]) -> str:
    """The largest tolerance, relative to the expected value where that is not 0, as printed in a scope."""
    largest = max(float(case.tolerance) / (abs(float(case.expected)) or 1.0) for case in cases)
    return f"; within {largest:.1e}" if largest else ""


def _tightness(case: Comparison) -> float:
    return float(case.measured / case.expected) if case.finite and case.expected > 0 else 0.0


def _replayable(case: Comparison) -> dict[str, Any]:
    return {**case.witness, "expected": str(case.expected), "measured": str(case.measured)}
