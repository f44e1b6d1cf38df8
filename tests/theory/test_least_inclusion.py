"""Inclusion probabilities of production designs stay above the stated bound, and it is refused where there is none."""

from dataclasses import dataclass

import pytest
import torch

from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from amss_min.weightings import HorvitzThompson, Indicator, Weighting
from theory.least_inclusion import covariance_bound, least_inclusion


@dataclass(frozen=True)
class Method:
    name: str
    importance: Importance | None
    design: Design | None
    weighting: Weighting | None


@pytest.mark.parametrize("design", [Systematic(), Poisson(), Successive()])
@pytest.mark.parametrize("mix", [0.1, 0.5, 1.0])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (6, 2), (6, 5), (7, 7)])
def test_no_inclusion_probability_is_below_it(design: Design, mix: float, n: int, k: int) -> None:
    importance = SquaredGradient(mix=mix)
    generator = torch.Generator().manual_seed(n + k)
    norms = torch.randn(32, n, dtype=torch.float64, generator=generator).abs() ** 4 + 1e-9
    norms[0], norms[1, 1:] = 1.0, 1e-9
    least = least_inclusion(Method("mixed", importance, design, Indicator()), n, k)
    found = float(design.inclusion(importance(norms), k).min())
    assert 0 < least <= found


def test_it_is_nearly_attained_where_one_unit_has_all_the_energy() -> None:
    importance = SquaredGradient(mix=0.5)
    norms = torch.tensor([1.0, 1e-12, 1e-12, 1e-12], dtype=torch.float64)
    for design in (Systematic(), Successive()):
        least = least_inclusion(Method("mixed", importance, design, Indicator()), 4, 1)
        assert float(design.inclusion(importance(norms), 1).min()) == pytest.approx(least, rel=1e-9)


def test_uniform_masks_have_the_share() -> None:
    assert least_inclusion(Method("uniform", None, SimpleRandom(), Indicator()), 8, 2) == 0.25


@pytest.mark.parametrize(
    ("method", "finding"),
    [
        (Method("pure", SquaredGradient(), Successive(), Indicator()), "d_min > 0 fails"),
        (Method("norms", GradientNorm(), Systematic(), Indicator()), "d_min > 0 fails"),
        (Method("weighted", SquaredGradient(mix=0.5), Systematic(), HorvitzThompson()), "0/1 masks"),
        (Method("plain", None, None, None), "0/1 masks"),
        (Method("other", SquaredGradient(mix=0.5), SimpleRandom(), Indicator()), "no lower bound"),
    ],
)
def test_it_is_refused_elsewhere(method: Method, finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        least_inclusion(method, 4, 2)


def test_the_covariance_vanishes_where_all_units_are_certain() -> None:
    assert covariance_bound(2.0, 1.0) == 0
    assert covariance_bound(2.0, 0.0) == 0.5
