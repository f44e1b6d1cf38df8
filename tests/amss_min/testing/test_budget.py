import itertools
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amss_min.testing.budget import Budget, TestBudget


def test_every_test_id_gets_the_same_share_whatever_ran_before() -> None:
    full, partial = Budget(alpha=1e-6, tests=10, seed=1), Budget(alpha=1e-6, tests=10, seed=1)
    for other in range(9):
        for _ in range(other):
            full.test(f"other {other}").spend()
    assert [full.test("x").spend() for _ in range(4)] == [partial.test("x").spend() for _ in range(4)]


@given(alpha=st.floats(1e-300, 0.999), tests=st.integers(1, 10**6), calls=st.integers(1, 60))
def test_spending_follows_the_inverse_squares(alpha: float, tests: int, calls: int) -> None:
    share = Budget(alpha=alpha, tests=tests, seed=0).test("x")
    spent = [share.spend() for _ in range(calls)]
    for call, part in enumerate(spent, start=1):
        # Four roundings, and three more in pi, its square and the quotient: 8 units of 2^-53 cover them.
        assert part == pytest.approx(alpha / tests * 6 / (math.pi**2 * call**2), rel=2.0**-50, abs=5e-324)
    assert share.calls == calls
    assert share.spent == math.fsum(spent)


def test_a_test_id_never_spends_more_than_its_share() -> None:
    budget = Budget(alpha=0.5, tests=1, seed=0)
    total = sum(Fraction(budget.part(call)) for call in range(1, 2001))
    # What 2000 calls leave is 6 / pi^2 times the sum of 1 / i^2 over i > 2000, between 1 / 2001 and 1 / 2000: 3.04e-4.
    assert Fraction(1, 2) * (1 - Fraction(305, 10**6)) < total < Fraction(1, 2) * (1 - Fraction(303, 10**6))


def test_asking_twice_for_a_test_id_does_not_double_its_share() -> None:
    budget = Budget(seed=0)
    budget.test("x").spend()
    assert budget.test("x").spend() == budget.part(2)


def test_one_test_id_too_many_is_refused_and_the_others_go_on() -> None:
    budget = Budget(tests=2, seed=0)
    for test_id in ("a", "b", "a", "b"):
        budget.test(test_id).spend()
    with pytest.raises(ValueError, match=r"at most tests=2 test ids can share the budget, found one more, 'c'"):
        budget.test("c").spend()
    assert budget.test("a").spend() == budget.part(3)
    assert dict(budget.calls) == {"a": 3, "b": 2}
    assert budget.spent == pytest.approx(budget.share * 6 / math.pi**2 * (49 / 36 + 5 / 4), rel=2.0**-49)


def test_seeds_differ_by_run_test_example_and_call() -> None:
    points = list(itertools.product((0, 1), "ab", (0, "0", 1), (1, 2)))
    seeds = [Budget(seed=run).test(name).seed(example, call) for run, name, example, call in points]
    assert len(set(seeds)) == len(points)
    assert all(0 <= seed < 2**63 for seed in seeds)
    # 24 uniform seeds all lie below 2^58 with probability 2^-120: small seeds are what is to be avoided.
    assert max(seeds) > 2**58


def test_a_seed_is_the_same_in_every_process() -> None:
    assert Budget(seed=7).test("tests/test_a.py::test_b").seed("ties", 3) == 3830595343906854125


def test_every_spend_brings_a_fresh_seed() -> None:
    share = Budget(seed=0).test("x")
    seeds = []
    for _ in range(5):
        share.spend()
        seeds.append(share.seed())
    assert len(set(seeds)) == 5
    assert seeds == [share.seed(0, call) for call in range(1, 6)]


def test_the_run_seed_is_fresh_by_default() -> None:
    assert Budget().seed != Budget().seed  # two words of 62 bits


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"alpha": 0.0}, ValueError, r"alpha must be in \(0, 1\), found alpha=0.0"),
        ({"alpha": 1.0}, ValueError, r"alpha must be in \(0, 1\), found alpha=1.0"),
        ({"alpha": math.nan}, ValueError, r"alpha must be in \(0, 1\), found alpha=nan"),
        ({"tests": 0}, ValueError, "tests must be at least 1, found tests=0"),
        ({"tests": 1.5}, TypeError, "tests must be an integer, found tests=1.5"),
        ({"tests": True}, TypeError, "tests must be an integer, found tests=True"),
        ({"seed": -1}, ValueError, "seed must be at least 0, found seed=-1"),
        ({"seed": "1"}, TypeError, "seed must be an integer, found seed='1'"),
    ],
)
def test_wrong_numbers_are_refused(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Budget(**given)


def test_calls_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="calls are counted from 1, found call=0"):
        Budget().part(0)


def test_an_example_is_an_integer_or_text() -> None:
    with pytest.raises(TypeError, match=r"an example must be an integer or text, found 0\.5"):
        Budget().test("x").seed(0.5)


def test_pytest_does_not_take_the_share_for_a_test_class() -> None:
    assert TestBudget.__test__ is False
