"""From comparisons to evidence: what holds, what is refuted, and with which witness."""

import math
from fractions import Fraction

import pytest

from amss_min.testing import Evidence, Method, Status
from theory.comparison import Comparison, departure, dominance, equality
from theory.moments import Number

HALF = Fraction(1, 2)


def case(expected: Fraction, measured: Number, tolerance: Fraction = Fraction(0), name: str = "") -> Comparison:
    return Comparison(expected=expected, measured=measured, tolerance=tolerance, witness={"name": name})


def judged(judge: object, *cases: Comparison) -> Evidence:
    assert callable(judge)
    evidence = judge(cases, what="a quantity", scope="here", tolerance_source="derived")
    assert isinstance(evidence, Evidence)
    return evidence


def test_equality_without_tolerance_is_exact() -> None:
    evidence = judged(equality, case(HALF, HALF), case(HALF, 0.5))
    assert (evidence.status, evidence.method, evidence.tolerance) == (Status.HOLDS, Method.EXACT, None)
    assert evidence.details["comparisons"] == 2


def test_equality_within_a_tolerance_is_floating_point() -> None:
    evidence = judged(equality, case(HALF, HALF + Fraction(1, 8), Fraction(1, 8)), case(HALF, HALF))
    assert (evidence.status, evidence.method, evidence.tolerance) == (Status.HOLDS, Method.FLOAT, 0.125)
    assert evidence.measured == 0.625  # the case nearest to its tolerance is the one shown


def test_equality_is_refuted_by_the_first_contradiction() -> None:
    evidence = judged(equality, case(HALF, HALF), case(HALF, HALF + Fraction(1, 2**60), name="wrong"), case(HALF, 7.0))
    assert evidence.status is Status.REFUTED
    assert evidence.witness is not None
    assert evidence.witness["name"] == "wrong"
    assert Fraction(evidence.witness["measured"]) - Fraction(evidence.witness["expected"]) == Fraction(1, 2**60)


def test_dominance_is_one_sided_and_shows_tightness() -> None:
    evidence = judged(dominance, case(Fraction(4), Fraction(1)), case(Fraction(4), Fraction(3)))
    assert evidence.status is Status.HOLDS
    assert (evidence.measured, evidence.details["largest ratio to the bound"]) == (3.0, 0.75)
    assert judged(dominance, case(Fraction(4), Fraction(5))).status is Status.REFUTED
    assert judged(dominance, case(Fraction(4), Fraction(5), Fraction(1))).status is Status.HOLDS


def test_departure_wants_a_difference_beyond_the_tolerance() -> None:
    assert judged(departure, case(HALF, Fraction(1))).status is Status.HOLDS
    assert judged(departure, case(HALF, Fraction(1)), case(HALF, HALF)).status is Status.REFUTED
    assert judged(departure, case(HALF, Fraction(1), HALF)).status is Status.REFUTED


@pytest.mark.parametrize("judge", [equality, dominance, departure])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_contradicts_every_statement(judge: object, value: float) -> None:
    assert judged(judge, case(HALF, value, Fraction(10))).status is Status.REFUTED


@pytest.mark.parametrize("judge", [equality, dominance, departure])
def test_nothing_compared_is_no_evidence(judge: object) -> None:
    with pytest.raises(ValueError, match="nothing was compared for 'a quantity'"):
        judged(judge)
