"""The constants that objectives state: gradient against autograd, L against Hessians, f_star against values."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective

POSITIVE = st.floats(0.1, 5.0)
COSINES = st.builds(
    BlockCosine,
    n=st.integers(1, 4),
    kappa=st.tuples(st.floats(0, 5), st.floats(0, 5)),
    amplitude=st.floats(0, 3),
    frequency=st.floats(0.1, 3),
    coupling=st.floats(0, 3),
    center=st.floats(-2, 2),
)
QUADRATICS = st.builds(IsotropicQuadratic, curvature=POSITIVE, n=st.integers(1, 5), modalities=st.integers(1, 3))
OBJECTIVES = COSINES | QUADRATICS


def points(objective: Objective, seed: int) -> Tensor:
    return 4 * torch.randn(3, objective.d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def hessian(objective: Objective, w: Tensor) -> Tensor:
    return torch.autograd.functional.jacobian(objective.gradient, w)  # type: ignore[no-any-return]


def understated(objective: Objective, at: Tensor, L: float) -> bool:
    """Whether a Hessian at one of these points has an eigenvalue outside [-L, L].

    A symmetric eigenvalue is computed to d 2^-50 of the norm (backward stability with room for the constant), and the
    entries carry a few roundings each: 2^-44 L covers both for d <= 16.
    """
    spectra = torch.stack([torch.linalg.eigvalsh(hessian(objective, w)) for w in at])
    return bool((spectra.abs() > L * (1 + 2.0**-44)).any())


@given(OBJECTIVES, st.integers(0, 2**20))
def test_the_gradient_is_that_of_the_value(objective: Objective, seed: int) -> None:
    w = points(objective, seed).requires_grad_()
    (automatic,) = torch.autograd.grad(objective.value(w).sum(), w)
    # Both sides are sums of at most 5 terms of size at most L (|w| + |center|) + A omega, each with few roundings.
    scale = objective.L * (w.detach().abs().amax() + 4) + 9
    assert float((automatic - objective.gradient(w.detach())).abs().max()) <= 64 * 2.0**-53 * float(scale)


@given(OBJECTIVES, st.integers(0, 2**20))
def test_hessians_at_random_points_stay_within_L(objective: Objective, seed: int) -> None:
    assert not understated(objective, points(objective, seed), objective.L)


@given(COSINES)
def test_hessians_at_the_worst_points_stay_within_L(objective: BlockCosine) -> None:
    u = (
        torch.tensor(list(itertools.product((0.0, 0.5, 1.0), repeat=2)), dtype=torch.float64)
        * math.pi
        / objective.frequency
    )
    at = u.repeat_interleave(objective.n, dim=-1) + objective.center
    assert not understated(objective, at, objective.L)


@given(POSITIVE, POSITIVE, POSITIVE)
def test_L_is_attained_for_equal_curvatures(kappa: float, amplitude: float, coupling: float) -> None:
    objective = BlockCosine(n=2, kappa=(kappa, kappa), amplitude=amplitude, coupling=coupling, center=1.0)
    assert understated(objective, torch.ones(1, 4, dtype=torch.float64), objective.L * (1 - 2.0**-40))


def test_the_search_catches_an_understated_constant() -> None:
    objective = BlockCosine(kappa=(1.5, 1.5))
    center = torch.zeros(1, objective.d, dtype=torch.float64)
    assert understated(objective, center, 0.99 * objective.L)
    assert understated(IsotropicQuadratic(2.0), center[:, :8], 1.99)


@given(OBJECTIVES, st.integers(0, 2**20))
def test_no_value_is_below_f_star_and_it_is_attained(objective: Objective, seed: int) -> None:
    assert bool((objective.value(points(objective, seed)) >= objective.f_star).all())
    center = objective.center if isinstance(objective, BlockCosine) else 0.0
    best = torch.full((objective.d,), center, dtype=torch.float64)
    assert float(objective.value(best)) == objective.f_star
    assert bool((objective.gradient(best) == 0).all())


def test_the_defaults_are_non_convex_in_one_modality_only() -> None:
    objective = BlockCosine(coupling=0.0)
    far = torch.full((objective.d,), math.pi, dtype=torch.float64)
    diagonal = hessian(objective, far).diagonal()
    assert bool((diagonal[: objective.n] > 0).all())
    assert bool((diagonal[objective.n :] < 0).all())


@given(OBJECTIVES)
def test_blocks_cover_the_coordinates_in_order(objective: Objective) -> None:
    assert [i for block in objective.blocks for i in range(block.start, block.stop)] == list(range(objective.d))
    assert sum(objective.units) == objective.d


@pytest.mark.parametrize(
    "make",
    [
        lambda: IsotropicQuadratic(curvature=0.0),
        lambda: IsotropicQuadratic(n=0),
        lambda: BlockCosine(n=0),
        lambda: BlockCosine(frequency=0.0),
        lambda: BlockCosine(coupling=-1.0),
    ],
)
def test_parameters_without_sense_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match="found"):
        make()  # type: ignore[operator]
