"""What every objective states about itself, at random points and at points chosen against it."""

import math
import pickle
from functools import lru_cache

import pytest
import torch
from torch import Tensor

from simulations.objectives import (
    FiniteSum,
    GemanMcClure,
    HardChain,
    InterpolatingLeastSquares,
    IsotropicQuadratic,
    LogisticNonconvex,
    MatrixFactorisation,
    Objective,
    PLSine,
    Quadratic,
    SmoothRastrigin,
    Welsch,
)
from tests.simulations.objectives.instances import DEFAULTS, OBJECTIVES, SUMS, label
from theory.falsification import refute_smoothness

every = pytest.mark.parametrize("objective", OBJECTIVES, ids=label)
each_sum = pytest.mark.parametrize("objective", SUMS, ids=label)

SLACK = 2.0**-40
"""Relative rounding of a computed eigenvalue (d 2^-50 of the norm, for d <= 16) and of fewer than 2^10 operations."""


@lru_cache(maxsize=64)
def points(objective: Objective) -> Tensor:
    """Random points of many sizes, the origin, minimisers, corners, what the search found; all in the ball."""
    generator = torch.Generator().manual_seed(objective.d)
    reach = min(objective.radius, 30.0)
    rows = [reach * 4.0**-k * torch.randn(3, objective.d, dtype=torch.float64, generator=generator) for k in range(4)]
    rows.append(torch.zeros(1, objective.d, dtype=torch.float64))
    rows.append(torch.ones(2, objective.d, dtype=torch.float64) * torch.tensor([[0.76], [-1.3]]))
    rows.append((2.0 * (torch.arange(objective.d) % 2) - 1).unsqueeze(0).double())
    if objective.minimiser is not None:
        best = torch.tensor([objective.minimiser], dtype=torch.float64)
        rows.extend([best, -best, 1.01 * best])
    if objective in DEFAULTS:
        rows.append(torch.tensor(refute_smoothness(objective).at, dtype=torch.float64))
    w = torch.cat(rows)
    limit = objective.radius * (1 - SLACK)
    return w if math.isinf(limit) else w * (limit / w.norm(dim=-1, keepdim=True).clamp_min(limit))


def hessians(objective: Objective, w: Tensor) -> Tensor:
    return torch.stack([torch.autograd.functional.jacobian(objective.gradient, row, vectorize=True) for row in w])


def term(objective: Objective, w: Tensor) -> Tensor:
    """A bound of the intermediate results of the gradient at w: terms of the sum over samples, products, differences.

    Each is at most component_L (L where there are no components) times the distance to a point where it is 0, and such
    a point lies within |w| + |w*| + |center| + 1 of w.
    """
    least = objective.component_L if isinstance(objective, FiniteSum) else objective.L
    known = math.hypot(*objective.minimiser) if objective.minimiser is not None else 0.0
    sizes: Tensor = w.norm(dim=-1)
    return least * (sizes + known + 1) * math.sqrt(objective.d)


@every
def test_the_gradient_is_that_of_the_value(objective: Objective) -> None:
    w = points(objective).clone().requires_grad_()
    (automatic,) = torch.autograd.grad(objective.value(w).sum(), w)
    found = objective.gradient(w.detach())
    assert found.dtype == torch.float64
    # Fewer than 2^9 operations in a row on either side, each rounding to 2^-53 of an intermediate result.
    assert bool(((automatic - found).norm(dim=-1) <= 2.0**-43 * term(objective, w.detach())).all())


@every
def test_hessians_stay_within_L_and_above_the_convexity(objective: Objective) -> None:
    spectra = torch.linalg.eigvalsh(hessians(objective, points(objective)))
    assert float(spectra.abs().max()) <= objective.L * (1 + SLACK)
    if objective.convexity is not None:
        assert float(spectra.min()) >= objective.convexity - SLACK * objective.L


SHARP = (GemanMcClure, InterpolatingLeastSquares, IsotropicQuadratic, PLSine, Quadratic, SmoothRastrigin, Welsch)


@pytest.mark.parametrize("objective", [F for F in OBJECTIVES if isinstance(F, SHARP)], ids=label)
def test_L_is_attained_at_the_minimiser_where_the_docstring_says_so(objective: Objective) -> None:
    (spectrum,) = torch.linalg.eigvalsh(hessians(objective, torch.tensor([objective.minimiser], dtype=torch.float64)))
    assert float(spectrum.abs().max()) >= objective.L * (1 - 2 * SLACK)


def test_logistic_L_is_attained_at_the_origin() -> None:
    for objective in (F for F in OBJECTIVES if isinstance(F, LogisticNonconvex)):
        (spectrum,) = torch.linalg.eigvalsh(hessians(objective, torch.zeros(1, objective.d, dtype=torch.float64)))
        assert float(spectrum.abs().max()) >= objective.L * (1 - 2 * SLACK)


@every
def test_no_value_is_below_f_star_and_minimisers_attain_it(objective: Objective) -> None:
    assert bool((objective.value(points(objective)) >= objective.f_star).all())
    if objective.minimiser is None:
        return
    best = torch.tensor(objective.minimiser, dtype=torch.float64)
    # The planted factors are rounded: every entry of U V^T - Y errs by fewer than 16 roundings of |U| |V| <= radius^2.
    allowed = (16 * 2.0**-53 * objective.radius**2) ** 2 * objective.d if math.isfinite(objective.radius) else 0.0
    gap = float(objective.value(best)) - objective.f_star
    assert gap <= (allowed if isinstance(objective, MatrixFactorisation) else 0.0)


@pytest.mark.parametrize("objective", [F for F in OBJECTIVES if F.mu is not None], ids=label)
def test_mu_is_not_contradicted(objective: Objective) -> None:
    assert objective.mu is not None
    w = points(objective)
    half = 0.5 * objective.gradient(w).square().sum(-1)
    assert bool((half >= objective.mu * (objective.value(w) - objective.f_star) * (1 - SLACK)).all())
    assert objective.mu <= objective.L


@every
def test_small_gradients_bound_the_gap_from_below(objective: Objective) -> None:
    """|grad F|^2 <= 2 L (F - f_star), which every bound here uses, on balls too."""
    w = points(objective)
    gap = objective.value(w) - objective.f_star
    slack = SLACK * (gap.abs() + abs(objective.f_star))
    assert bool((objective.gradient(w).square().sum(-1) <= 2 * objective.L * (gap + slack)).all())


@every
def test_a_row_does_not_depend_on_the_rows_beside_it(objective: Objective) -> None:
    w = 2 * torch.randn(100, objective.d, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for function in (objective.value, objective.gradient):
        whole = function(w)
        for size in (1, 3, 64, 100):
            assert torch.equal(torch.cat([function(part) for part in w.split(size)]), whole)
        assert torch.equal(function(w.flip(0)).flip(0), whole)


@every
def test_float32_and_further_axes_are_kept(objective: Objective) -> None:
    w = torch.randn(2, 3, objective.d, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert torch.equal(objective.gradient(w).flatten(0, 1), objective.gradient(w.flatten(0, 1)))
    assert objective.value(w).shape == (2, 3)
    single = objective.gradient(w.float())
    assert single.dtype == torch.float32 == objective.value(w.float()).dtype
    # Beside fewer than 2^9 roundings of 2^-24, the argument itself is rounded; term bounds what both can do.
    allowed = 2.0**-14 * term(objective, w.flatten(0, 1)).max()
    assert float((single.double() - objective.gradient(w)).abs().max()) <= float(allowed)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every
def test_a_cuda_device_gives_the_same_to_rounding(objective: Objective) -> None:
    w = points(objective)
    found = objective.gradient(w.cuda())
    assert found.is_cuda
    assert bool(((found.cpu() - objective.gradient(w)).norm(dim=-1) <= 2.0**-43 * term(objective, w)).all())
    if isinstance(objective, FiniteSum):
        index = torch.zeros(len(w), dtype=torch.int64, device="cuda")
        parts = objective.component_gradient(w.cuda(), index).cpu() - objective.component_gradient(w, index.cpu())
        assert bool((parts.norm(dim=-1) <= 2.0**-43 * term(objective, w)).all())


@every
def test_objectives_travel_between_processes(objective: Objective) -> None:
    w = points(objective)
    again = pickle.loads(pickle.dumps(objective))
    assert again == objective
    assert torch.equal(again.gradient(w), objective.gradient(w))
    assert again.certificate == "docstring"


@every
def test_blocks_cover_the_coordinates_in_order(objective: Objective) -> None:
    assert [i for block in objective.blocks for i in range(block.start, block.stop)] == list(range(objective.d))
    assert objective.minimiser is None or len(objective.minimiser) == objective.d


@each_sum
def test_component_gradients_average_to_the_gradient(objective: FiniteSum) -> None:
    w = points(objective)
    index = torch.arange(objective.samples).repeat(len(w))
    parts = objective.component_gradient(w.repeat_interleave(objective.samples, 0), index)
    average = parts.unflatten(0, (len(w), -1)).mean(1)
    assert bool(((average - objective.gradient(w)).norm(dim=-1) <= 2.0**-43 * term(objective, w)).all())


@each_sum
def test_a_component_does_not_depend_on_the_rows_beside_it(objective: FiniteSum) -> None:
    w = 2 * torch.randn(100, objective.d, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    index = torch.arange(100) % objective.samples
    whole = objective.component_gradient(w, index)
    for size in (1, 3, 64):
        rows = zip(w.split(size), index.split(size), strict=True)
        assert torch.equal(torch.cat([objective.component_gradient(*part) for part in rows]), whole)


@each_sum
def test_components_are_as_smooth_as_stated(objective: FiniteSum) -> None:
    index = torch.arange(objective.samples)
    for w in points(objective)[::2]:

        def gradients(at: Tensor) -> Tensor:
            return objective.component_gradient(at.expand(objective.samples, -1), index)

        spectra = torch.linalg.eigvalsh(torch.autograd.functional.jacobian(gradients, w, vectorize=True))
        assert float(spectra.abs().max()) <= objective.component_L * (1 + SLACK)


@each_sum
def test_the_second_moment_of_a_component_is_bounded_by_the_gap(objective: FiniteSum) -> None:
    w = points(objective)
    index = torch.arange(objective.samples).repeat(len(w))
    parts = objective.component_gradient(w.repeat_interleave(objective.samples, 0), index)
    second = parts.square().sum(-1).unflatten(0, (len(w), -1)).mean(1)
    gap = objective.value(w) - objective.f_star
    assert bool((second <= 2 * objective.component_L * (gap + objective.component_gap) * (1 + SLACK)).all())
    assert objective.component_gap >= 0
    assert objective.component_L >= objective.L


def test_the_defaults_have_two_modalities_or_say_why_not() -> None:
    single = {type(F).__name__ for F in DEFAULTS if len(F.blocks) == 1}
    assert single == {"IsotropicQuadratic", "InterpolatingLeastSquares"}
    assert {type(F) for F in DEFAULTS if F.minimiser is None} == {LogisticNonconvex, HardChain}
