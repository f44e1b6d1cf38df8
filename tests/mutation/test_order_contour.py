"""The parts of the contour integrals: products, tilts, angles and the centre."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from amss_min.designs import order_contour
from amss_min.designs.order_contour import Race, _angles, _centre, _product, _tilted
from amss_min.designs.order_ranks import ExponentialRanks, ParetoRanks, Ranks, UniformRanks

CHANCES = torch.tensor([[0.5, 0.25, 0.125, 0.75], [1e-9, 0.5, 2e-9, 0.999], [0.9, 0.99, 0.999, 0.9999]]).double()


def test_products_over_any_number_of_units() -> None:
    for n in range(1, 10):
        whole = torch.arange(1, n + 1).to(torch.complex128) * 1j
        expected = math.factorial(n) * 1j**n
        assert _product(torch.stack([whole, whole.conj()])).tolist() == [[expected], [expected.conjugate()]]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_tilts_bring_the_mean_to_about_k_less_a_half(k: int) -> None:
    tilt = _tilted(CHANCES, 1 - CHANCES, k)
    for row, chances in enumerate(CHANCES.tolist()):
        r = math.exp(float(tilt.log_radius[row]))
        tilted = [p * r / (1 - p + p * r) for p in chances]
        assert abs(sum(tilted) - (k - 0.5)) < 0.25
        # A radius of up to 2^30 and its logarithm: some 2^6 roundings.
        assert float(tilt.excess[row]) == pytest.approx(sum(tilted) - k, rel=2**-46, abs=0)
        assert float(tilt.variance[row]) == pytest.approx(sum(p * (1 - p) for p in tilted), rel=2**-44, abs=0)
        lifts = [r / (1 - p + p * r) for p in chances]
        assert tilt.lift[row].tolist() == pytest.approx(lifts, rel=2**-46, abs=0)
        bound = sum(math.log(1 - p + p * r) for p in chances) - k * math.log(r)
        assert float(tilt.bound[row]) == pytest.approx(bound, abs=2**-40)
    some = tilt.at(torch.tensor([False, True, True]))
    for part in ("log_radius", "lift", "bound", "excess", "variance"):
        assert torch.equal(getattr(some, part), getattr(tilt, part)[1:])


class Exponentials(TorchFunctionMode):
    """Counts how often exp is called: once in every step towards a tilt."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        self.count += func is torch.Tensor.exp
        return func(*args, **kwargs or {})


def test_newton_needs_few_of_the_steps_that_it_may_take() -> None:
    for k in (1, 2, 3):
        with Exponentials() as steps:
            _tilted(CHANCES, 1 - CHANCES, k)
        assert 1 < steps.count <= 64 // 4
    # N is nearly normal: the first step from a mean of 500 leads to one of 499.5, seen at the second look.
    halves = torch.full((1, 1000), 0.5, dtype=torch.float64)
    with Exponentials() as steps:
        _tilted(halves, halves, 500)
    assert steps.count == 2


def test_as_many_steps_are_taken_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_contour, "_MOST_STEPS", 2)
    with Exponentials() as steps:
        _tilted(CHANCES, 1 - CHANCES, 2)
    assert steps.count == 2


def test_bounds_do_not_cancel_where_ranks_surely_came() -> None:
    """At 1 - F = 1e-30 each and k = 4 = n: log G(r) - 4 log r = 4 log(1 + 1e-30 (1/r - 1)) is about 4e-30 (1/r - 1)."""
    late = torch.full((1, 4), 1e-30, dtype=torch.float64)
    tilt = _tilted(torch.ones(1, 4, dtype=torch.float64), late, 4)
    r = math.exp(float(tilt.log_radius[0]))
    assert float(tilt.bound[0]) == pytest.approx(4 * math.log1p(1e-30 * (1 / r - 1)), rel=2**-40, abs=0)
    assert abs(4 / (1 + 1e-30 / r) - 3.5) < 0.25


@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_angles_take_coefficients_out_exactly(n: int) -> None:
    """With at least n angles [z^s] of a polynomial of degree below n is exact: here z^s for every s, at r = 1."""
    chances = torch.full((1, n), 0.5, dtype=torch.float64)
    node, angle, share = _angles(_tilted(chances, chances, (n + 1) // 2), n)
    assert not node.any() and float(share.sum()) == pytest.approx(1, rel=2**-50, abs=0)
    for wanted in range(n):
        for held in range(n):
            found = float((share * ((held - wanted) * angle).cos()).sum())
            assert found == pytest.approx(float(held == wanted), abs=2**-48)
    # As few as that takes: an odd number, counted once for each pair of conjugates.
    assert len(angle) == n // 2 + 1


def bernstein(variance: float) -> float:
    """The deviation t with t^2 / (2 variance + 2 t / 3) = 40, by bisection: beyond it lies a share below exp(-40)."""
    low, high = 0.0, 1e6
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if middle**2 / (2 * variance + 2 * middle / 3) < 40 else (low, middle)
    return high


def test_angles_are_as_many_as_bernstein_asks_for_and_few_at_large_n() -> None:
    for n, p in ((200, 0.3), (300, 0.1), (400, 0.5), (350, 0.01), (10_000, 0.5), (10_000, 0.01)):
        chances = torch.full((1, n), p, dtype=torch.float64)
        tilt = _tilted(chances, 1 - chances, round(n * p))
        _, angle, share = _angles(tilt, n)
        assert len(angle) < 20 or n < 400
        # Rules of M angles, of which the first are kept: multiples of 2 pi / M, weighing 1 / M once and 2 / M.
        count = round(1 / float(share[0]))
        assert share.tolist() == [1 / count, *[2 / count] * (len(angle) - 1)]
        multiples = [2 * math.pi * place / count for place in range(len(angle))]
        assert angle.tolist() == pytest.approx(multiples, rel=2**-50, abs=0)
        variance, excess = float(tilt.variance[0]), float(tilt.excess[0])
        # The mean is off by the excess, and up to three units are taken out: the next odd number, but n is enough.
        needed = min(math.ceil(bernstein(variance) + abs(excess) + 4), n)
        assert count == needed + 1 - needed % 2
        # |G| is at most exp(-variance (1 - cos angle)); three units of at most 1/4 each may be missing.
        damped = [(variance - 0.75) * (1 - math.cos(2 * math.pi * place / count)) for place in range(len(angle) + 1)]
        assert damped[-2] <= 40 and (damped[-1] > 40 or len(angle) == (count + 1) // 2)


@pytest.mark.parametrize("units", [1, 2])
def test_what_is_left_out_is_below_exp_minus_fifty(units: int) -> None:
    """By F_j lift_j G(r) r^-k, relative to the middle, for the units of the largest ones, or by G(r) r^-k alone."""
    race = Race(ParetoRanks(torch.logspace(-2, 1, 12, dtype=torch.float64)), 3, units)
    x = torch.linspace(-30, 30, 600, dtype=torch.float64)
    early, late, _ = race.ranks.at(x)
    tilt = _tilted(early, late, 3)
    found = race._negligible(early, tilt).tolist()
    assert 0 < sum(found) < len(found)
    for row, negligible in enumerate(found):
        lifted = sorted(
            math.log(float(f) / float(m) * float(lift))
            for f, m, lift in zip(early[row], race.middle, tilt.lift[row], strict=True)
        )
        assert negligible == (float(tilt.bound[row]) + max(sum(lifted[-units:]), 0.0) < -50)
    for end in race.window:
        # The first one at 4 widths, 8 widths, ...
        assert math.frexp(abs(end) / (4 * race.width))[0] == 0.5
        near, far = (race.ranks.at(torch.tensor([at], dtype=torch.float64)) for at in (end / 2, end))
        assert not race._negligible(near[0], _tilted(near[0], near[1], 3))
        assert race._negligible(far[0], _tilted(far[0], far[1], 3))


@pytest.mark.parametrize("units", [1, 2])
def test_what_the_units_gain_is_added_to_the_bound(units: int) -> None:
    """A unit's gain is log(F_j lift_j) relative to the middle. Just exp(-50) is kept."""
    race = Race(ParetoRanks(torch.ones(12, dtype=torch.float64)), 3, units)
    assert not race.likely.any() and race.middle.max() < 0.25
    gains = [5.0, 5.0, 5.0, -700.0]
    bounds = [-51.0 - 5 * units, -49.0 - 5 * units, -51.0, -50.0]
    early, late, _ = race.ranks.at(torch.zeros(4, dtype=torch.float64))
    lift = (race.middle / early) * torch.tensor(gains, dtype=torch.float64).exp().unsqueeze(-1)
    tilt = dataclasses.replace(_tilted(early, late, 3), lift=lift, bound=torch.tensor(bounds, dtype=torch.float64))
    assert race._negligible(early, tilt).tolist() == [True, False, False, False]


@pytest.mark.parametrize("family", [ExponentialRanks, ParetoRanks, UniformRanks])
def test_windows_end_where_ranks_do(family: type[Ranks]) -> None:
    for rates, k in ((torch.ones(5), 1), (torch.tensor([1e30, 1.0, 1.0]), 2)):
        race = Race(family(rates.double()), k, 1)
        left, right = race.window
        assert race.ranks.low <= left < 0 < right <= race.ranks.high
        assert left == race.ranks.low or right == race.ranks.high


class Watched(ParetoRanks):
    """Notes how many times it is asked for at once."""

    asked: ClassVar[set[int]] = set()

    def at(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.asked.add(len(x))
        return super().at(x)


def test_no_more_is_worked_on_at_once_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One time and one point, where not even one row of units is within the limits; five times for the centre."""
    rates = torch.logspace(-1, 1, 6, dtype=torch.float64)
    whole = Race(Watched(rates), 2, 1)
    assert len(list(whole.terms(*whole.mesh(0)[:2]))) == 1
    Watched.asked.clear()
    monkeypatch.setattr(order_contour, "_BLOCK", 1)
    monkeypatch.setattr(order_contour, "_CHUNK", 1)
    race = Race(Watched(rates), 2, 1)
    assert race.window == whole.window
    assert {len(points.lifted) for points in race.terms(*race.mesh(0)[:2])} == {1}
    assert Watched.asked == {1, 5}


@pytest.mark.parametrize("scale", [-3, -200, 200])
@pytest.mark.parametrize("family", [ExponentialRanks, ParetoRanks, UniformRanks])
def test_the_centre_is_where_about_k_less_a_half_ranks_came(family: type[Ranks], scale: int) -> None:
    ranks = family(torch.logspace(scale, scale + 5, 30, dtype=torch.float64))
    for k in (1, 2, 15, 29):
        centre = _centre(ranks, k)
        # Each of twelve rounds leaves a quarter of the interval at most.
        slack = (ranks.high - ranks.low) / 2**23
        below, above = ranks.at(torch.tensor([centre - slack, centre + slack], dtype=torch.float64))[0].sum(-1).tolist()
        assert below <= k - 0.5 <= above


def test_a_race_says_what_it_is() -> None:
    race = Race(ParetoRanks(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)), 2, 1)
    assert repr(race) == "3 units at k=2"
    # In the units of time of the race, 1.5 ranks came by now, those of more than 1/2 are likely.
    early = race.ranks.at(torch.zeros(1, dtype=torch.float64))[0][0]
    assert float(early.sum()) == pytest.approx(1.5, abs=1e-4)
    assert race.likely.tolist() == (early > 0.5).tolist() == [False, True, True]
    assert race.middle.tolist() == [float(early[0]), 1.0, 1.0]
    both = Race(ParetoRanks(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)), 2, 2)
    assert not both.likely.any() and both.middle.tolist() == early.tolist()
    ones = torch.ones(3, dtype=torch.float64)
    assert race.restored(ones).tolist() == race.middle.tolist()
    product = [[a * b for b in early.tolist()] for a in early.tolist()]
    assert both.restored(torch.ones(3, 3, dtype=torch.float64)).tolist() == product
