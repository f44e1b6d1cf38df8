"""Statuses combine to the weakest, and a method caps what its evidence may say."""

import itertools
from typing import Any

import pytest

from amss_min.testing import Evidence, Guarantee, Method, Status, weakest


def evidence(**changes: Any) -> Evidence:
    settings: dict[str, Any] = {
        "what": "E[M]",
        "method": Method.EXACT,
        "guarantee": Guarantee.EXACT,
        "status": Status.HOLDS,
        "expected": 1.0,
        "measured": 1.0,
        "tolerance": None,
        "tolerance_source": "",
        "scope": "1 instance",
    }
    return Evidence(**(settings | changes))


def test_one_refuted_part_refutes_and_else_the_weakest_decides() -> None:
    order = [Status.REFUTED, Status.INCONCLUSIVE, Status.CONSISTENT, Status.HOLDS]
    for one, other in itertools.product(order, repeat=2):
        assert weakest([one, other]) is order[min(order.index(one), order.index(other))]
    with pytest.raises(ValueError, match="at least one piece of evidence, found none"):
        weakest([])


@pytest.mark.parametrize("method", Method)
def test_only_proof_and_exact_or_derived_arithmetic_may_hold(method: Method) -> None:
    evidence(method=method, status=Status.CONSISTENT)
    if method in (Method.PROOF, Method.EXACT, Method.FLOAT):
        evidence(method=method)
    else:
        with pytest.raises(ValueError, match="at most CONSISTENT, found HOLDS for"):
            evidence(method=method)


def test_refuted_needs_a_witness() -> None:
    with pytest.raises(ValueError, match="REFUTED needs a witness that replays"):
        evidence(status=Status.REFUTED)
    assert evidence(status=Status.REFUTED, witness={"n": 3}).as_json()["witness"] == {"n": 3}


def test_four_outcomes_have_no_truth_value() -> None:
    with pytest.raises(TypeError, match="four outcomes"):
        bool(Status.HOLDS)
