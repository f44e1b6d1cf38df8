"""Expected weights against laws worked out by hand."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from amss_min.designs import Successive, Systematic
from amss_min.weightings import HorvitzThompson, Indicator, ShiftedInverse
from paper_figs.figures import expected_weight


def test_released_means_are_those_of_the_subset_recursion() -> None:
    # q = (1/2, 1/3, 1/6), k = 2: pi_1 = 1/2 + 1/3 (1/2)/(2/3) + 1/6 (1/2)/(5/6) = 17/20, and so on; weight 1/(q + 1/3).
    pi = (Fraction(17, 20), Fraction(11, 15), Fraction(5, 12))
    q = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
    found = expected_weight.means(Successive(), ShiftedInverse(), [1 / 2, 1 / 3, 1 / 6], 2)
    expected = [float(p / (size + Fraction(1, 3))) for p, size in zip(pi, q, strict=True)]
    # The sizes carry one rounding each, their normalisation two, the weight three: 2^-49 relative covers them.
    assert np.allclose(found, expected, rtol=2.0**-49, atol=0)
    assert np.allclose(
        expected_weight.means(Successive(), Indicator(), [1 / 2, 1 / 3, 1 / 6], 2), [*map(float, pi)], 2.0**-49
    )


def test_exact_weights_have_mean_one() -> None:
    found = expected_weight.means(Systematic(random_order=False), HorvitzThompson(), [0.5, 0.3, 0.2], 2)
    assert np.allclose(found, 1, rtol=0, atol=2.0**-52)  # one rounding in 1/pi, one in the float of the sum


def test_equal_sizes_are_scaled_by_half_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected_weight, "lognormal", lambda n: torch.full((n,), 1 / n, dtype=torch.float64))
    low, mean, high = expected_weight.released.__wrapped__(64)
    # 1e-9 is the relative agreement that the quadrature demands of itself.
    assert np.allclose([low, mean, high], 16, rtol=1e-9, atol=0)
