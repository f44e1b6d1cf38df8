"""The estimate in few passes is the production one: same units, same weights, and exact by the same argument."""

import numpy as np
import pytest
import torch
from torch import Tensor

from amss_min.designs import Successive, Systematic
from amss_min.importance import GradientNorm, Importance, SquaredGradient, water_filling
from amss_min.weightings import HorvitzThompson
from simulations.fixed_order import FixedOrder, Reals, _capped, _Equal, _Sized, applies
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


def estimated(importance: Importance | None, x: Tensor, words: Tensor) -> Tensor:
    estimate = FixedOrder(method(importance), UNITS, DRAWN, x.dtype)
    return estimate(x, estimate.starts(words))


@pytest.mark.parametrize("importance", IMPORTANCES, ids=repr)
def test_it_draws_what_production_draws(importance: Importance | None) -> None:
    x, words = gradients(500), starts(500)
    found = estimated(importance, x, words)
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
    found = estimated(None, x, words)
    wanted = production(None, x, words)
    assert torch.equal(found != 0, wanted != 0)
    # The inverse of the same probability, times x: two roundings in either.
    assert bool(((found - wanted).abs() <= 2.0**-51 * wanted.abs()).all())


@pytest.mark.parametrize(("k", "crossings"), [(25, {3}), (30, {9, 99}), (100, {0})])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_are_the_same_from_a_table_and_by_arithmetic(k: int, crossings: set[int], dtype: torch.dtype) -> None:
    """At the starts where they change, one step of the grid before those, and in between.

    Cumulative sums of 3 / 10 are rounded to a fine grid, and then those that should differ by a whole number may not.
    """
    part = _Equal(100, k, dtype, 40)
    assert part.table is not None and len(part.crossed) in crossings
    even = torch.arange(2**8, dtype=dtype) / 2**8
    start = torch.cat([part.crossed, part.crossed - 2.0**-part.bits, even]).unsqueeze(-1)
    x = torch.empty(len(start), 100, dtype=dtype)
    tabled, part.table = part.multipliers(x, start), None
    assert torch.equal(part.multipliers(x, start), tabled)


@pytest.mark.parametrize("importance", IMPORTANCES, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_mean_over_all_starts_is_the_gradient(importance: Importance | None, dtype: torch.dtype) -> None:
    """Boundaries and starts are multiples of 2^-16 here: the mean is a sum of 2^16 terms, taken in float64."""
    n, k, bits = 12, 5, 16
    x = gradients(5, seed=4)[:, 7 : 7 + n].to(dtype)
    estimate = FixedOrder(method(importance), (n,), (k,), dtype, most_bits=bits)
    starts_of_all = estimate.starts((torch.arange(2**bits) << (62 - bits)).unsqueeze(-1))
    for row in x:
        mean = estimate(row.expand(len(starts_of_all), -1), starts_of_all).to(torch.float64).mean(0)
        # Each value carries three roundings of the type, and the mean of 2^16 of them float64's. A unit whose
        # probability rounds to 0 is left out: less than a step of the grid, by the docstring.
        exact, error = row.to(torch.float64), 4 * torch.finfo(dtype).eps + 20 * 2.0**-53
        left_out = mean == 0
        assert bool(((mean - exact).abs() <= error * exact.abs())[~left_out].all())
        if importance is None or importance.mix:
            assert bool((exact[left_out] == 0).all())
        else:
            sizes = exact.abs() if isinstance(importance, GradientNorm) else exact.square()
            assert float(sizes[left_out].sum() / sizes.sum()) <= n * 2.0**-bits / k


@pytest.mark.parametrize("importance", IMPORTANCES[1:], ids=repr)
def test_few_units_whose_size_is_not_zero_are_all_drawn(importance: Importance) -> None:
    """Both modalities have fewer of them than they draw, or as many."""
    x = torch.zeros(3, sum(UNITS), dtype=torch.float64)
    x[1, 2], x[1, 7:30] = -3.0, 0.5
    x[2, 0], x[2, 5], x[2, 7:32] = 1e-9, 1.0, torch.linspace(1e-3, 1e3, 25, dtype=torch.float64)
    # Both are certain up to a step of the grid.
    assert torch.allclose(estimated(importance, x, starts(3)), x, rtol=2.0**-39, atol=0.0)


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
    words, others = starts(6), [0, 1, 4, 5]
    whole = estimated(GradientNorm(0.1), x, words)
    assert torch.equal(estimated(GradientNorm(0.1), broken, words)[others], whole[others])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("importance", [GradientNorm(0.1), SquaredGradient(0.5)], ids=repr)
@pytest.mark.parametrize(("n", "k"), [(100, 25), (800, 200), (1000, 10)])
def test_every_unit_keeps_a_step_of_the_grid(n: int, k: int, importance: Importance, dtype: torch.dtype) -> None:
    """Ends are on the grid, A + C_n is A + k, and neighbours differ, where many units are capped and where none is."""
    part = _Sized(importance, n, k, dtype, 40)
    assert part.least >= (n / 2 + 10) * part.unit
    x = torch.randn(60, n, dtype=dtype, generator=torch.Generator().manual_seed(5))
    spread = torch.linspace(0, 4, 60, dtype=dtype).unsqueeze(-1)
    drawn = part.multipliers((spread * x).exp(), torch.zeros(60, 1, dtype=dtype))
    assert bool(drawn.isfinite().all())
    steps = part.room.ends.to(torch.float64).sub(part.anchor).div(part.unit)
    assert torch.equal(steps, steps.round()) and bool((steps.diff(dim=-1) >= 1).all())
    assert bool((steps[:, 0] == 0).all() and (steps[:, -1] * part.unit == k).all())


def rows_to_cap(kind: type[np.float32] | type[np.float64], n: int = 60) -> Reals:
    """Rows of sum 20 of which from 1 to 15 units are capped, in from 1 to many rounds."""
    rng = np.random.default_rng(2)
    sizes = np.exp(np.linspace(0.5, 6, 40)[:, None] * rng.standard_normal((40, n)))
    rows: Reals = (20 * sizes / sizes.sum(1, keepdims=True)).astype(kind)
    return rows


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_capped_row_does_not_depend_on_the_rows_beside_it(kind: type[np.float32] | type[np.float64]) -> None:
    rows = rows_to_cap(kind)
    together = _capped(rows.copy(), 20)
    assert len({int((row == 1).sum()) for row in together}) > 5
    for i, row in enumerate(rows):
        assert np.array_equal(_capped(row[None].copy(), 20)[0], together[i])
        assert np.array_equal(_capped(rows[i : i + 3].copy(), 20)[0], together[i])


def test_capped_rows_are_those_of_water_filling() -> None:
    rows = rows_to_cap(np.float64)
    wanted = water_filling(torch.from_numpy(rows), torch.full((len(rows),), 20)).numpy()
    # Both find c by one quotient, of a sum of 60 terms at most: 61 roundings, and one more of the product.
    assert np.allclose(_capped(rows.copy(), 20), wanted, rtol=2 * 62 * 2.0**-53, atol=0)
