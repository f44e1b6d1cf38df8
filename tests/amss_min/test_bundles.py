"""Tensors of different numbers of units drawn together: padding changes neither draws nor reports."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from amss_min import AMSS, AMSSPlus, GradientNorm, HorvitzThompson, Indicator, SquaredGradient, Systematic
from amss_min.bundles import MOST_PADDING, bundled, may_be_padded
from amss_min.designs import Poisson, Successive
from amss_min.designs.base import WORD
from amss_min.plan import blocks_of
from amss_min.weightings import RankConditioned, ShiftedInverse


def rows_of(*sizes: int) -> dict[str, list[nn.Parameter]]:
    made = [nn.Parameter(torch.zeros(n, 2, dtype=torch.float64)) for n in sizes]
    for parameter in made:
        parameter.grad = torch.randn(parameter.shape, dtype=torch.float64) * torch.rand(len(parameter), 1) ** 3
    return {"a": made}


def shapes(sizes: list[int], *, padded: bool = True) -> list[tuple[int, int]]:
    return [(bundle.n, bundle.draws) for bundle in bundled(blocks_of(rows_of(*sizes)), padded=padded)]


def test_small_tensors_join_and_large_ones_do_not() -> None:
    room = MOST_PADDING
    assert shapes([5, 3, 5, 8]) == [(8, 4)]
    assert shapes([5, 3, 5, 8], padded=False) == [(3, 1), (5, 2), (8, 1)]
    assert shapes([1, 1 + room]) == [(1 + room, 2)]
    assert shapes([1, 2 + room]) == [(1, 1), (2 + room, 1)]
    # 3 and 4 units join; two such rows would need twice the room to join a third.
    assert shapes([3, 4, 5 + room // 2]) == [(4, 2), (5 + room // 2, 1)]
    assert shapes([3, 4, 4 + room // 2]) == [(4 + room // 2, 3)]


def test_only_what_is_known_to_bear_padding_is_padded() -> None:
    class Own(SquaredGradient):
        """Looks at the number of units."""

        def raw(self, scaled: torch.Tensor) -> torch.Tensor:
            return scaled + 1.0 / scaled.shape[-1]

    class Doubled(HorvitzThompson):
        """Does not say whether it looks at it."""

    assert not may_be_padded(SquaredGradient(), Systematic(), Doubled())
    assert not may_be_padded(SquaredGradient(), Successive(), HorvitzThompson())
    assert may_be_padded(GradientNorm(), Systematic(), HorvitzThompson())
    assert may_be_padded(SquaredGradient(mix=0.5), Successive(), RankConditioned())
    assert not may_be_padded(Own(), Systematic(), HorvitzThompson())
    assert not may_be_padded(SquaredGradient(), Successive(), ShiftedInverse())
    assert not may_be_padded(SquaredGradient(), Poisson(), HorvitzThompson())
    for amss in (AMSS(rows_of(3, 5), keep=0.5, importance=Own()), AMSSPlus(rows_of(3, 5), keep=0.5, released=True)):
        assert [bundle.n for bundle in amss.plans((0, 1))] == [3, 5]
    assert [bundle.n for bundle in AMSSPlus(rows_of(3, 5), keep=0.5).plans((0, 1))] == [5]


@given(st.data())
def test_units_of_size_zero_change_no_draw(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 8))
    padding = data.draw(st.integers(1, 5))
    # Sizes in multiples of 2^-8 that sum to 1, so that no sum is rounded, in whatever order.
    cuts = sorted(data.draw(st.lists(st.integers(0, 256), min_size=n - 1, max_size=n - 1)))
    p = torch.diff(torch.tensor([0, *cuts, 256])).to(torch.float64)[None] / 256
    longer = torch.cat([p, torch.zeros(1, padding, dtype=torch.float64)], -1)
    k = torch.tensor([data.draw(st.integers(1, n))])
    # Of a key the lowest 59 bits count with up to 16 units, fewer than with 8: below that, both orders are the same.
    drawn = data.draw(st.lists(st.integers(0, 2**59 - 1), min_size=n + padding, max_size=n + padding, unique=True))
    keys, start = torch.tensor(drawn), torch.tensor([data.draw(st.integers(0, WORD - 1))])
    short = Systematic().select_step(p, k, torch.cat([keys[:n], start]))
    long = Systematic().select_step(longer, k, torch.cat([keys, start]))
    assert torch.equal(short.drawn, long.drawn[:, :n]) and not long.drawn[:, n:].any()
    assert torch.equal(short.inclusion, long.inclusion[:, :n])
    short, long = Successive().select(p, k, keys[None, :n] << 3), Successive().select(longer, k, keys[None] << 3)
    assert torch.equal(short.drawn, long.drawn[:, :n]) and not long.drawn[:, n:].any()


def test_reports_leave_padding_out() -> None:
    torch.manual_seed(0)
    for kind, weighting in ((AMSS, Indicator()), (AMSSPlus, HorvitzThompson())):
        together = rows_of(3, 11, 6)
        found = kind(together, keep=0.5, weighting=weighting).mask_gradients().tensors
        assert [(entry.n, entry.drawn) for entry in found] == [(3, 2.0), (6, 3.0), (11, 6.0)]
        for entry, parameter in zip(found, sorted(together["a"], key=len), strict=True):
            assert parameter.grad is not None
            assert entry.drawn == int((parameter.grad != 0).any(-1).sum())


def test_second_moments_of_a_bundle_are_those_of_its_tensors() -> None:
    torch.manual_seed(1)
    together = rows_of(12, 3, 7)
    alone = [AMSSPlus({"a": [nn.Parameter(p.detach().clone())]}, keep=0.4) for p in sorted(together["a"], key=len)]
    for amss, parameter in zip(alone, sorted(together["a"], key=len), strict=True):
        assert parameter.grad is not None
        amss.blocks[0].units.parameter.grad = parameter.grad.clone()
    found = AMSSPlus(together, keep=0.4).mask_gradients().tensors
    for entry, amss in zip(found, alone, strict=True):
        moment, expected = entry.second_moment, amss.mask_gradients().tensors[0].second_moment
        assert moment is not None and expected is not None
        # Inclusion probabilities are rounded to 2^-40 after sums of at most 12 numbers in another order.
        assert abs(moment / expected - 1) < 2.0**-35
