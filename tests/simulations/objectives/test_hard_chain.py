"""The chain: constants of its pieces, progress by one coordinate at a time, large gradients before the end."""

import math

import pytest
import torch

from simulations.objectives import HardChain
from simulations.objectives.hard_chain import GAP, SMOOTHNESS, STEEPEST, _phi, _psi
from theory.falsification import refute_smoothness


def test_the_constants_follow_from_those_of_the_pieces() -> None:
    top, s = math.sqrt(2 * math.pi * math.e), (9 + math.sqrt(33)) / 4
    bend = 8 * (2 * s**3 - 3 * s**2) * math.exp(1 - s)
    low = (9 - math.sqrt(33)) / 4
    assert bend > abs(8 * (2 * low**3 - 3 * low**2) * math.exp(1 - low))
    assert SMOOTHNESS - 1 < math.e + bend * top + 2 * math.sqrt(54) < SMOOTHNESS
    assert STEEPEST - 0.1 < math.sqrt(108 * math.pi) + math.exp(1.5) < STEEPEST
    assert math.e * top < GAP


def test_the_pieces_stay_within_their_bounds_and_come_near_them() -> None:
    x = torch.linspace(-6, 60, 2**17, dtype=torch.float64)
    psi, psi_slope = _psi(x)
    phi, phi_slope = _phi(x)
    bounds = (math.e, math.sqrt(54 / math.e), math.sqrt(2 * math.pi * math.e), math.sqrt(math.e))
    for piece, bound in zip((psi, psi_slope, phi, phi_slope), bounds, strict=True):
        assert float(piece.min()) >= 0
        assert 0.999 * bound <= float(piece.max()) <= bound * (1 + 2.0**-50)
    assert float(_psi(torch.ones(1, dtype=torch.float64))[0]) == 1
    assert bool((psi.diff() >= 0).all())


@pytest.mark.parametrize("known", range(5))
def test_a_gradient_discovers_one_coordinate(known: int) -> None:
    chain = HardChain(length=6)
    w = torch.zeros(20, 6, dtype=torch.float64)
    w[:, :known] = 3 * torch.randn(20, known, dtype=torch.float64, generator=torch.Generator().manual_seed(known))
    assert bool((chain.progress(w, 0.0) == known).all())
    assert bool((chain.gradient(w)[:, known + 1 :] == 0).all())


def test_progress_counts_up_to_the_last_large_coordinate() -> None:
    w = torch.tensor([[0.0, 0.0, 0.0], [0.6, 0.0, 0.0], [0.0, -0.6, 0.2], [0.0, 0.0, 0.50001]])
    assert HardChain(length=3, scale=2.0).progress(w).tolist() == [0, 1, 2, 3]


def test_gradients_are_large_until_the_last_coordinate_is_reached() -> None:
    chain = HardChain(length=6, smoothness=3.0, scale=0.5)
    w = 3 * chain.scale * torch.randn(4000, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    w[:2000] = w[:2000].abs()
    unreached = w[:, -1].abs() < chain.scale
    length = chain.gradient(w).norm(dim=-1)
    assert int(unreached.sum()) > 500
    assert bool((length[unreached] > chain.L * chain.scale / SMOOTHNESS).all())
    assert float(length.min()) < chain.L * chain.scale / SMOOTHNESS
    assert float(chain.gradient(w).abs().max()) <= chain.steepest


def test_the_gap_from_the_origin_is_below_twelve_a_link_and_the_infimum_is_approached() -> None:
    chain = HardChain(length=6, smoothness=3.0, scale=0.5)
    unit = chain.L * chain.scale**2 / SMOOTHNESS
    origin = float(chain.value(torch.zeros(6, dtype=torch.float64)))
    assert 11 * unit * 5 < origin - chain.f_star < GAP * unit * 6
    far = float(chain.value(torch.full((6,), 1e6, dtype=torch.float64)))
    assert 0 <= far - chain.f_star <= 1e-9 * unit


def test_L_is_within_a_seventh_of_the_least_constant() -> None:
    assert refute_smoothness(HardChain()).ratio > 0.85
