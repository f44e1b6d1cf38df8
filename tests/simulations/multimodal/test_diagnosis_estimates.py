"""Standard errors by leaving minibatches out literally, and moments by enumerating masks."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from amss_min import (
    AMSS,
    AMSSPlus,
    Poisson,
    Released,
    SimpleRandom,
    SquaredGradient,
    Successive,
    Systematic,
    TopK,
    columns,
)
from amss_min.designs import ConditionalPoisson, Design, Pareto, Pivotal, Sampford, SequentialPoisson
from simulations.multimodal.diagnosis import estimates
from simulations.multimodal.diagnosis.floor import SELF_IMPORTANCE, floor
from simulations.multimodal.diagnosis.measurement import Measured
from simulations.multimodal.diagnosis.moments import moments
from theory import enumeration
from theory.enumeration import Law

COUNT, UNITS, WIDTH, CORRECTION = 6, 4, 3, 1.25


def measured(noise: Tensor, gradient: Tensor, multiplier: Tensor) -> Measured:
    """noise (T, U, d), gradient (U, d), multiplier (T, U)."""
    y = (multiplier - multiplier.mean(0)).unsqueeze(-1) * noise
    total = y.sum(0)
    return Measured(
        gradient=gradient.square().sum(-1),
        multiplier=multiplier,
        inclusion=multiplier,
        energy=(gradient + noise).square().sum(-1),
        noise=noise.square().sum(-1),
        along=(noise * gradient).sum(-1),
        omega=None,
        total=total.square().sum(-1),
        cross=(y * total).sum(-1),
        resolution=2.0**-52,
        correction=CORRECTION,
    )


def sample(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(COUNT, UNITS, WIDTH, generator=generator, dtype=torch.float64)
    gradient = torch.randn(UNITS, WIDTH, generator=generator, dtype=torch.float64)
    return noise, gradient, torch.rand(COUNT, UNITS, generator=generator, dtype=torch.float64)


def products(noise: Tensor, multiplier: Tensor) -> Tensor:
    """The centred products y_b, corrected."""
    return CORRECTION * (multiplier - multiplier.mean(0)).unsqueeze(-1) * noise


def squared_bias(y: Tensor) -> list[float]:
    """The mean of <y_a, y_b> over pairs, unit by unit, in loops."""
    pairs = list(itertools.permutations(range(len(y)), 2))
    return [sum(float(y[a, u] @ y[b, u]) for a, b in pairs) / len(pairs) for u in range(y.shape[1])]


def statistics(noise: Tensor, gradient: Tensor, multiplier: Tensor, y: Tensor) -> dict[str, float]:
    squared, kept = squared_bias(y), multiplier.mean(0).tolist()
    s = (noise * gradient).sum(-1)
    s = s - s.mean(0)
    gamma = (s**3).mean(0) / (s**2).mean(0) ** 1.5
    return {
        "squared": sum(squared),
        "least": min(kept),
        "bound": 2 * sum(c / d for c, d in zip(squared, kept, strict=True)) / min(kept),
        "mean_field": sum(c / d**2 for c, d in zip(squared, kept, strict=True)),
        "signed": float(gamma.mean()),
        "absolute": float(gamma.abs().mean()),
    }


def test_estimates_and_jackknife_errors_are_those_of_literal_loops() -> None:
    values = sample()
    noise, gradient, multiplier = values
    units = measured(*values)
    c = estimates.covariance(units, exact=False)
    found = {
        "squared": estimates.jackknifed(c.squared.sum(-1), c.squared_without.sum(-1), exact=False),
        "least": estimates.jackknifed(c.kept.amin(-1), c.kept_without.amin(-1), exact=False),
        **floor(SELF_IMPORTANCE, c, exact=False),
        **estimates.skewness(units, exact=False),
    }
    y = products(noise, multiplier)
    whole = statistics(*values, y)
    rest = [[b for b in range(COUNT) if b != left] for left in range(COUNT)]
    without = [statistics(noise[kept], gradient, multiplier[kept], y[kept]) for kept in rest]
    for name, value in whole.items():
        replicas = [replica[name] for replica in without]
        centre = sum(replicas) / COUNT
        error = math.sqrt((COUNT - 1) / COUNT * sum((replica - centre) ** 2 for replica in replicas))
        assert found[name]["value"] == pytest.approx(value, rel=1e-10), name
        assert found[name]["standard_error"] == pytest.approx(error, rel=1e-9), name


def test_the_sample_splits_into_estimate_and_sampling_part() -> None:
    noise, gradient, multiplier = sample(1)
    c = estimates.covariance(measured(noise, gradient, multiplier), exact=False)
    x = products(noise, multiplier)
    sampling = x.var(0).sum() / COUNT  # the trace of the covariance of the mean
    assert float((c.sample - c.squared).sum()) == pytest.approx(float(sampling), rel=1e-12)
    assert float(c.sample.sum()) == pytest.approx(float(x.mean(0).square().sum()), rel=1e-12)


def test_a_mean_has_the_usual_standard_error_and_an_exact_one_has_none() -> None:
    values = torch.tensor([1.0, 2.0, 6.0])
    assert estimates.mean(values, exact=False) == {"value": 3.0, "standard_error": pytest.approx(math.sqrt(7 / 3))}
    assert estimates.mean(values, exact=True) == {"value": 3.0, "standard_error": 0.0}


def test_a_unit_that_is_never_kept_leaves_no_floor() -> None:
    noise, gradient, multiplier = sample()
    multiplier[:, 1] = 0
    c = estimates.covariance(measured(noise, gradient, multiplier), exact=False)
    found = floor(SELF_IMPORTANCE, c, exact=False)
    assert found["bound"] is None and found["reason"] == "some unit was never kept: d_min is 0"


def fractions(row: Tensor) -> list[Fraction]:
    return [Fraction(value) for value in row.tolist()]


LAWS: list[tuple[Design, Callable[[list[Fraction], int], Law]]] = [
    (Successive(), enumeration.successive_law),
    (SimpleRandom(), enumeration.simple_random_law),
    (TopK(), enumeration.top_k_law),
]


@pytest.mark.parametrize(("design", "law_of"), LAWS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("n", [2, 4, 6])
def test_moments_are_those_of_the_enumerated_masks(
    design: Design, law_of: Callable[[list[Fraction], int], Law], n: int
) -> None:
    gradient = torch.randn(n, 2, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    plus = [AMSSPlus] if design.positive else []
    for kind in (AMSS, *plus):
        weight = nn.Parameter(torch.zeros(n, 2, dtype=torch.float64))
        masks = kind({"a": weight}, keep=0.5, design=design, importance=SquaredGradient(mix=0.25))
        norms = gradient.norm(dim=1).unsqueeze(0)
        found = moments(masks, masks.blocks[0], norms, torch.tensor([0.5], dtype=torch.float64))
        k, sizes = math.ceil(n / 2), fractions(masks.importance(norms)[0])
        law = law_of(sizes, k)
        pi = [sum(p for mask, p in law.items() if mask[u]) for u in range(n)]
        # E|m g|^2 summed mask by mask.
        energy = fractions(norms[0].square())
        weights = [1 / p if kind is AMSSPlus else Fraction(1) for p in pi]
        second = sum(p * sum(weights[u] ** 2 * energy[u] for u in range(n) if m[u]) for m, p in law.items())
        assert found.inclusion[0].tolist() == pytest.approx([float(p) for p in pi], rel=1e-12)
        produced = float((found.square[0] * norms[0].square()).sum())
        assert produced == pytest.approx(float(second), rel=1e-12)
        mean = [1.0] * n if kind is AMSSPlus else [float(p) for p in pi]
        assert found.mean[0].tolist() == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize(
    "design",
    [Poisson(), Systematic(), Systematic(random_order=False), Pivotal(), Sampford(), ConditionalPoisson()],
    ids=repr,
)
def test_designs_of_given_inclusion_share_their_moments(design: Design) -> None:
    """pi = min(1, c q), water-filled here by hand: of sizes 9 : 3 : 2 : 1 : 1 and k = 3 the first is certain."""
    norms = torch.tensor([[3.0, 3**0.5, 2**0.5, 1.0, 1.0]], dtype=torch.float64)
    masks = AMSSPlus(
        {"a": nn.Parameter(torch.zeros(5, dtype=torch.float64))}, keep=0.6, design=design, importance=SquaredGradient()
    )
    found = moments(masks, masks.blocks[0], norms, torch.tensor([0.6], dtype=torch.float64))
    pi = [1.0, 6 / 7, 4 / 7, 2 / 7, 2 / 7]
    assert found.inclusion[0].tolist() == pytest.approx(pi, rel=1e-9)  # multiples of 2^-40
    assert found.square[0].tolist() == pytest.approx([1 / p for p in pi], rel=1e-9)


@pytest.mark.parametrize("design", [Pareto(), SequentialPoisson()], ids=repr)
def test_order_sampling_has_its_realised_moments(design: Design) -> None:
    norms = torch.tensor([[3.0, 2.0, 1.0, 1.0]], dtype=torch.float64)
    masks = AMSS({"a": nn.Parameter(torch.zeros(4, dtype=torch.float64))}, keep=0.5, design=design)
    found = moments(masks, masks.blocks[0], norms, torch.tensor([0.5], dtype=torch.float64))
    assert float(found.inclusion.sum()) == pytest.approx(2, rel=1e-9)  # fixed size
    assert torch.equal(found.mean, found.inclusion) and torch.equal(found.square, found.inclusion)


def test_units_without_a_gradient_are_left_whole() -> None:
    norms = torch.tensor([[0.0, 2.0, 1.0, 1.0]], dtype=torch.float64)
    masks = AMSS({"a": nn.Parameter(torch.zeros(4, dtype=torch.float64))}, keep=0.5)
    found = moments(masks, masks.blocks[0], norms, torch.tensor([0.5], dtype=torch.float64))
    assert float(found.inclusion[0, 0]) == float(found.mean[0, 0]) == float(found.square[0, 0]) == 1.0
    assert float(found.inclusion[0, 1:].sum()) == pytest.approx(2.0, rel=1e-12)


def test_released_weights_have_their_means() -> None:
    """Inclusion of successive sampling, times 1 / (q + 1/n) in an encoder, 1 / (index + 1/n) or 1 in a head."""
    norms = torch.tensor([[3.0, 2.0, 1.0, 1.0]], dtype=torch.float64)
    keep = torch.tensor([0.5, 0.5], dtype=torch.float64)
    head = nn.Linear(8, 1, dtype=torch.float64)
    q = norms[0].square() / norms.square().sum()
    pi = torch.tensor(
        [float(sum(p for mask, p in enumeration.successive_law(fractions(q), 2).items() if mask[u])) for u in range(4)],
        dtype=torch.float64,
    )
    indices = torch.arange(4, dtype=torch.float64)
    wanted = {"rows": 1 / (q + 0.25), "columns": 1 / (indices + 0.25)}
    for unmasked in (False, True):
        modalities = {
            name: [nn.Parameter(torch.zeros(4, dtype=torch.float64)), columns(head.weight, start, start + 4)]
            for name, start in (("a", 0), ("b", 4))
        }
        masks = AMSSPlus(modalities, keep=0.5, released=Released(head_unmasked=unmasked))
        for block in masks.blocks:
            found = moments(masks, block, norms, keep)
            weight = wanted[block.units.kind]
            if block.is_head and unmasked:
                assert found.mean.eq(1).all() and found.square.eq(1).all()
            else:
                torch.testing.assert_close(found.mean[0], pi * weight, rtol=1e-12, atol=0)
                torch.testing.assert_close(found.square[0], pi * weight**2, rtol=1e-12, atol=0)
