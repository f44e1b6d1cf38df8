"""The numbers that the claims about sampling, weights and bias are known by."""

from functools import cache

from amss_min.testing import Evidence
from theory.claims import CLAIMS
from theory.verdict import Verdict

BY_ID = {claim.id: claim for claim in CLAIMS}


@cache
def verdict(claim: str) -> Verdict:
    return BY_ID[claim].verify()


def evidence(claim: str, what: str) -> Evidence:
    (found,) = [item for item in verdict(claim).evidence if what in item.what]
    return found


def test_where_jointly_symmetric_noise_takes_amss() -> None:
    details = evidence("joint-symmetry-wrong-point", "at most the drift").details
    assert (f"{details['t*']:.4f}", f"{details['|grad F|^2']:.2f}") == ("0.1755", "3.11")
    details = evidence("joint-symmetry-wrong-point", "eigenvalues of the Jacobian").details
    assert f"{details['along at 0.0000']:.2f}" == "-3.05"
    assert details["along at 0.1755"] > 0 < details["across at 0.1755"]


def test_where_the_released_weights_settle() -> None:
    assert f"{evidence('released-weights-wrong-point', 'at most the drift').details['root']:.4f}" == "-0.2482"


def test_how_far_the_mean_inclusion_falls() -> None:
    details = evidence("d-min-vanishes", "four decimals").details
    assert (f"{details['w_1 = 10']:.3f}", f"{details['w_1 = 100']:.4f}") == ("0.010", "0.0001")


def test_how_wrong_a_float32_sum_is() -> None:
    factors = evidence("float32-cumsum-breaks-systematic", "worst units").details["realised over pi_j"]
    assert len(factors) == 8 and min(factors.values()) > 100
    assert evidence("float32-cumsum-breaks-systematic", "never draws").expected > 1 / 3  # type: ignore[operator]


def test_which_inequalities_are_attained() -> None:
    tight = {
        "finite-sum-abc": ("quadratics with equal L_i", None),
        "masked-abc": ("uniform masks on finite sums", 1.0),
        "full-gradient-no-floor": ("(k/n) |g|^2, at most", 1.0),
        "top-k-contraction": ("|top_k(g) - g|^2, at most", 1.0),
        "modality-second-moment": ("at a gradient in the modality", None),
    }
    for claim, (what, ratio) in tight.items():
        assert evidence(claim, what).details.get("largest ratio to the bound") == ratio
