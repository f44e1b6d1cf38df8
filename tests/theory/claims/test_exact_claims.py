"""Every claim that needs no simulation ends as expected, and shows the numbers that it is known by."""

from functools import cache

import pytest

from amss_min.testing import Evidence, Method, Status
from tests.assertions import assert_holds
from theory.claims import CLAIMS
from theory.verdict import Claim, Verdict

DIRECT = [claim for claim in CLAIMS if not claim.empirical]
EXACT = [claim for claim in DIRECT if claim.expected_status is Status.HOLDS]
OTHERS = [claim for claim in DIRECT if claim.expected_status is not Status.HOLDS]
BY_ID = {claim.id: claim for claim in CLAIMS}


@pytest.mark.parametrize("claim", EXACT, ids=[claim.id for claim in EXACT])
def test_the_claim_holds(claim: Claim) -> None:
    found = verdict(claim.id)
    assert_holds(found)
    assert all(item.method in (Method.EXACT, Method.FLOAT) for item in found.evidence)


@pytest.mark.parametrize("claim", OTHERS, ids=[claim.id for claim in OTHERS])
def test_what_a_solver_found_is_consistent_at_most(claim: Claim) -> None:
    if claim.missing:
        pytest.skip(f"needs the extra {claim.extra}")
    found = verdict(claim.id)
    assert found.status is claim.expected_status is Status.CONSISTENT
    assert all(item.method is Method.SOLVER for item in found.evidence)


@pytest.mark.slow
@pytest.mark.parametrize("claim", EXACT, ids=[claim.id for claim in EXACT])
def test_nothing_is_left_to_chance(claim: Claim) -> None:
    assert verdict(claim.id).as_json() == claim.verify().as_json()


@cache
def verdict(claim: str) -> Verdict:
    return BY_ID[claim].verify()


def evidence(claim: str, what: str) -> Evidence:
    (found,) = [item for item in verdict(claim).evidence if what in item.what]
    return found


def test_the_known_means_of_the_released_weight() -> None:
    details = evidence("released-weight-biased", "against 1").details
    assert details["E[M] at k = 3"] == [1.3969, 1.9388, 1.8050, 1.5911, 1.2546, 0.7507]
    assert details["E[M] at k = 6"] == [1.5, 2.7273, 3.4884, 3.8961, 4.4118, 5.0847]


def test_the_known_variances_of_one_instance() -> None:
    found = evidence("second-moment-design-free", "against Poisson")
    assert (f"{found.expected:.2f}", f"{found.measured:.2f}") == ("10.03", "20.71")
    assert f"{found.details['total variance, all designs']:.4f}" == "10.0267"


def test_the_known_entropy_of_a_one_hot_batch() -> None:
    found = evidence("released-entropy", "one class out of six")
    assert f"{found.details['released']:.2f}" == "1.04"
    assert found.details["true"] == 0


def test_the_known_index_weights() -> None:
    details = evidence("released-index-weight", "all columns").details
    assert details["first"] == 512
    assert f"{details['last']:.3f}" == "0.002"


def test_the_second_moment_grows_without_end_at_one_unit() -> None:
    details = evidence("rank-conditioned-infinite-variance-k1", "c = ").details
    for ten, hundred, nine_hundred in details["partial second moments after 10, 100 and 900 shells"].values():
        assert hundred > 5 * ten and nine_hundred > 8 * hundred


def test_the_expected_iterates_move_with_keep_on_the_quartic() -> None:
    details = evidence("keep-returns-through-variance", "against the formula").details
    last = [details[f"E[w_2] at k = {k}"][3] for k in (1, 2, 4)]
    assert last[0] < last[1] < last[2]
