"""Second moments against their definition and their order."""

import numpy as np
import pytest
import torch

from amss_min.importance import GradientNorm, SquaredGradient
from paper_figs.figures import second_moment


def test_second_moments_keep_their_order_and_the_mixture_its_ceiling() -> None:
    rounding = 1000 * 2.0**-40  # the most that fixed point moves a pi, which is 1/10, or at least 1/20 in the mixture
    for row in second_moment.table().values():
        assert row["uniform"].second_moment == pytest.approx(10, rel=10 * rounding)
        assert row["optimum"].second_moment <= min(entry.second_moment for entry in row.values())
        assert row["squared"].second_moment <= row["uniform"].second_moment * (1 + 10 * rounding)
        assert row["amss+"].largest <= 20 * (1 + 20 * rounding)


def test_the_second_moment_is_that_of_the_definition() -> None:
    # |g| = (3, 1), k = 1: pi = (9, 1)/10 by g^2, so (9/.9 + 1/.1)/10 = 2; pi = (3, 1)/4 by |g|, so (12 + 4)/10 = 1.6.
    norms = torch.tensor([3.0, 1.0])
    for importance, expected, largest in ((SquaredGradient(), 2.0, 10.0), (GradientNorm(), 1.6, 4.0)):
        found = second_moment.outcome(norms, importance, 1)
        assert np.allclose(found, (expected, largest), rtol=10 * 2.0**-40, atol=0)  # pi >= 1/10 is off by 2^-40 at most
