"""Assertions about laws, evidence and verdicts."""

import json
from fractions import Fraction

from amss_min.testing import Status
from theory.enumeration import Law
from theory.verdict import Verdict


def assert_is_law(law: Law, n: int) -> None:
    """Positive probabilities of masks of n units, summing to exactly 1."""
    assert all(len(mask) == n for mask in law)
    assert all(probability > 0 for probability in law.values())
    assert sum(law.values()) == Fraction(1)


def assert_holds(verdict: Verdict) -> None:
    """The verdict is the expected one, every evidence states scope and tolerance, and JSON holds it."""
    assert verdict.status is Status.HOLDS, [item.witness for item in verdict.evidence]
    assert verdict.as_expected
    for item in verdict.evidence:
        assert item.scope
        assert item.tolerance is None or item.tolerance_source
    assert json.loads(json.dumps(verdict.as_json(), allow_nan=False))["status"] == "HOLDS"


def assert_refuted(verdict: Verdict) -> None:
    """The verdict is REFUTED, not broken, with a witness of JSON types that names expected and measured."""
    assert verdict.status is Status.REFUTED, [(item.status, item.measured) for item in verdict.evidence]
    witness = verdict.witness
    assert witness is not None
    assert {"expected", "measured"} <= set(witness)
    assert json.loads(json.dumps(verdict.as_json(), allow_nan=False))["status"] == "REFUTED"
