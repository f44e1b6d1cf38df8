"""Methods are the production modules, modality by modality."""

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from amss_min.designs import Systematic
from amss_min.importance import SquaredGradient
from amss_min.weightings import HorvitzThompson
from simulations.methods import METHODS, Method, counts
from simulations.seeding import stream, words

UNITS, DRAWN = (5, 3), (2, 1)


def inputs(method: Method, replicates: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = stream(5, purpose="test")
    gradient = torch.from_numpy(generator.standard_normal((replicates, sum(UNITS))))
    return gradient, torch.from_numpy(words(generator, replicates, method.slots(UNITS)))


def test_the_five_methods_are_there() -> None:
    assert list(METHODS) == ["sgd", "uniform-ht", "amss", "amss+", "released"]


def test_sgd_leaves_the_gradient_as_it_is() -> None:
    gradient, bits = inputs(METHODS["sgd"])
    assert METHODS["sgd"].slots(UNITS) == 0
    assert METHODS["sgd"].estimate(gradient, UNITS, DRAWN, bits) is gradient


@pytest.mark.parametrize("name", ["uniform-ht", "amss", "amss+", "released"])
def test_a_replicate_is_masked_as_if_alone(name: str) -> None:
    method = METHODS[name]
    assert method.design is not None
    assert method.weighting is not None
    gradient, bits = inputs(method)
    found = method.estimate(gradient, UNITS, DRAWN, bits)
    for row, word, masked in zip(gradient, bits, found, strict=True):
        start = slot = 0
        for n, k in zip(UNITS, DRAWN, strict=True):
            part, own = row[start : start + n], word[slot : slot + method.design.slots(n)]
            sizes = torch.ones(n, dtype=torch.float64) if method.importance is None else method.importance(part.abs())
            draw = method.design.select(sizes, k, own)
            assert torch.equal(masked[start : start + n], method.weighting(draw) * part)
            assert int(draw.drawn.sum()) == k
            start, slot = start + n, slot + method.design.slots(n)


def test_a_uniform_mask_draws_units_without_gradient_too() -> None:
    method = METHODS["uniform-ht"]
    gradient, bits = inputs(method, 200)
    gradient[:, 0] = 0
    found = method.estimate(gradient, UNITS, DRAWN, bits)
    assert set((found != 0).sum(-1).tolist()) == {2, 3}


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=3), st.integers(1, 100))
def test_counts_are_the_ceiling_and_at_least_one(units: Sequence[int], percent: int) -> None:
    exact = [max(1, -(-percent * n // 100)) for n in units]
    assert list(counts(units, percent / 100)) == exact


@pytest.mark.parametrize("keep", [0.0, 1.1, math.nan, (0.5,), (0.5, 0.0)])
def test_a_keep_without_sense_is_refused(keep: float) -> None:
    with pytest.raises(ValueError, match="keep must give a fraction"):
        counts(UNITS, keep)


def test_a_design_needs_a_weighting() -> None:
    with pytest.raises(ValueError, match="go together"):
        Method("half", SquaredGradient(), Systematic(), None)
    with pytest.raises(ValueError, match="go together"):
        Method("half", None, None, HorvitzThompson())
