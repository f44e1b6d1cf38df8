"""The estimate in few passes is the production one: same units, same weights, and exact by the same argument."""

import pytest
import torch
from torch import Tensor

from amss_min.designs import Successive, Systematic
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from amss_min.weightings import HorvitzThompson
from simulations.fixed_order import FixedOrder, applies
from simulations.methods import METHODS, Method

CPU = torch.device("cpu")
UNITS, DRAWN = (7, 100), (2, 25)
IMPORTANCES = (None, GradientNorm(), GradientNorm(0.1), SquaredGradient(), SquaredGradient(0.5))


def method(importance: Importance | None) -> Method:
    return Method("ordered", importance, Systematic(random_order=False), HorvitzThompson())


def gradients(rows: int, seed: int = 0) -> Tensor:
    """Rows of every kind: normal, lognormal, one dominant entry, ties, a zero."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, sum(UNITS), dtype=torch.float64, generator=generator)
    x[1::5] = (2 * x[1::5]).exp()
    x[2::5, 0] = x[2::5, 20] = 1e6
    x[3::5] = x[3::5].sign()
    x[4::5, 3] = x[4::5, 50] = 0.0
    return x


def starts(rows: int) -> Tensor:
    return torch.randint(2**62, (rows, len(UNITS)), generator=torch.Generator().manual_seed(1))


def production(importance: Importance | None, x: Tensor, words: Tensor) -> Tensor:
    """The estimate of amss_min at the same starts; keys of a fixed order are not read."""
    keys = torch.zeros(len(x), 1, dtype=torch.int64)
    bits = [torch.cat([keys.expand(-1, n), words[:, m : m + 1]], 1) for m, n in enumerate(UNITS)]
    return method(importance).estimate(x, UNITS, DRAWN, torch.cat(bits, 1))


@pytest.mark.parametrize("importance", IMPORTANCES, ids=repr)
def test_it_draws_what_production_draws(importance: Importance | None) -> None:
    x, words = gradients(500), starts(500)
    found = FixedOrder(method(importance), UNITS, DRAWN, torch.float64)(x, words)
    wanted = production(importance, x, words)
    # Every boundary lies within n 2^-40 of production's, so a start separates them with probability below 2 n 2^-40 a
    # boundary: 500 rows of 107 boundaries disagree anywhere with probability below 1e-5 (the seeds are fixed).
    assert torch.equal(found != 0, wanted != 0)
    # A probability is off by at most n 2^-40; the weight 1 / pi by that over pi.
    shares = torch.where(wanted != 0, wanted / x, 1.0)
    allowed = max(UNITS) * 2.0**-39 * shares * wanted.abs()
    assert bool(((found - wanted).abs() <= allowed + 2.0**-50 * wanted.abs()).all())


def test_equal_sizes_are_production_bit_for_bit_but_for_the_quotient() -> None:
    x, words = gradients(500, seed=3), starts(500)
    found = FixedOrder(method(None), UNITS, DRAWN, torch.float64)(x, words)
    wanted = production(None, x, words)
    assert torch.equal(found != 0, wanted != 0)
    # The inverse of the same probability, times x: two roundings in either.
    assert bool(((found - wanted).abs() <= 2.0**-51 * wanted.abs()).all())


@pytest.mark.parametrize("importance", [None, GradientNorm(0.1)], ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_mean_over_all_starts_is_the_gradient(importance: Importance | None, dtype: torch.dtype) -> None:
    """The estimate changes only where a start passes a boundary: its mean is a finite sum, taken in float64."""
    n, k = 12, 5
    x = gradients(5, seed=4)[:, 7 : 7 + n].to(dtype)
    estimate = FixedOrder(method(importance), (n,), (k,), dtype)
    bits = estimate._parts[0].bits
    grid = min(bits, 16)  # boundaries are multiples of 2^-bits: here they are rounded to 2^-16 to be summed over
    coarse = FixedOrder(method(importance), (n,), (k,), dtype)
    part = coarse._parts[0]
    part.bits, part.unit = grid, 2.0**-grid
    if importance is None:
        part.ends = part._ends(part.ends[1:])
        part.inverse = torch.cat([1 / part.ends.diff(), part.ends[:1]])
    words = (torch.arange(2**grid) << (62 - grid)).unsqueeze(-1)
    for row in x:
        mean = coarse(row.expand(len(words), -1), words).to(torch.float64).mean(0)
        # Each value carries three roundings of the type, and the mean of 2^16 of them float64's.
        exact, error = row.to(torch.float64), 4 * torch.finfo(dtype).eps + 20 * 2.0**-53
        assert bool(((mean - exact).abs() <= error * exact.abs()).all())


def test_it_applies_where_it_should() -> None:
    assert applies(method(GradientNorm(0.1)), torch.float32, CPU)
    assert not applies(method(GradientNorm(0.1)), torch.bfloat16, CPU)
    assert not applies(METHODS["amss+"], torch.float64, CPU)
    assert not applies(Method("x", None, Successive(), HorvitzThompson()), torch.float64, CPU)
    assert not applies(method(None), torch.float64, torch.device("cuda"))


def test_a_replicate_that_overflowed_harms_no_other() -> None:
    x = gradients(6)
    broken = x.clone()
    broken[2], broken[3, 5] = torch.nan, torch.inf
    estimate, words = FixedOrder(method(GradientNorm(0.1)), UNITS, DRAWN, torch.float64), starts(6)
    others = [0, 1, 4, 5]
    assert torch.equal(estimate(broken, words)[others], estimate(x, words)[others])
