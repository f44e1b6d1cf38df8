"""What an adapter hands over and hands back, and where its random numbers come from."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from amss_min.designs import Poisson, SimpleRandom, Successive, Systematic
from amss_min.designs.base import WORD
from amss_min.importance import GradientNorm, SquaredGradient
from amss_min.testing.adapters import from_design, from_jax_style, from_numpy, key, several_tensors, stateful
from amss_min.testing.contract import PROBE, input_unchanged
from amss_min.testing.strategies import gradients
from amss_min.weightings import HorvitzThompson, Indicator, RankConditioned
from tests.amss_min.testing.estimators import ErrorFeedback, Estimate, bernoulli, jax_halves, numpy_halves


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def words(seed: int, count: int) -> list[int]:
    """The first words of a generator."""
    generator = seeded(seed)
    return [int(torch.randint(WORD, (), generator=generator)) for _ in range(count)]


def test_numpy_gets_a_fresh_generator_of_its_own_for_every_call() -> None:
    estimate, generator = from_numpy(numpy_halves), seeded(3)
    for word in words(3, 4):
        expected = numpy_halves(PROBE.numpy(), np.random.default_rng(word))
        assert torch.equal(estimate(PROBE, generator=generator), torch.from_numpy(expected))


def test_jax_gets_a_key_of_both_halves_of_a_word() -> None:
    estimate, generator = from_jax_style(jax_halves), seeded(3)
    for word in words(3, 4):
        assert key(word).tolist() == [word // 2**32, word % 2**32] and key(word).dtype == np.uint32
        expected = torch.tensor(np.array(jax_halves(key(word), PROBE.numpy())))
        assert torch.equal(estimate(PROBE, generator=generator), expected)


def test_the_maker_of_keys_gets_python_integers_of_62_bits() -> None:
    made: list[int] = []

    def make_key(seed: int) -> str:
        made.append(seed)
        return f"key {seed}"

    def function(key: str, gradient: np.ndarray) -> list[list[float]]:
        assert key == f"key {made[-1]}"
        return gradient.tolist()  # type: ignore[no-any-return]

    estimate, generator = from_jax_style(function, make_key), seeded(5)
    for _ in range(20):
        assert torch.equal(estimate(PROBE, generator=generator), PROBE)
    assert made == words(5, 20) and all(type(seed) is int for seed in made)
    assert max(made) > 2**57  # 20 uniform words of 62 bits all lie below with probability 2^-100


@pytest.mark.parametrize("adapter", [from_numpy, from_jax_style])
def test_arrays_keep_type_and_shape_and_declarations_are_taken_over(adapter: Callable[..., Estimate]) -> None:
    def single(a: Any, b: Any) -> Any:
        array = a if isinstance(a, np.ndarray) and a.dtype == np.float64 else b
        assert array.dtype == np.float64
        return array.astype(np.float32)

    single.bound, single.batched, single.other = 4.0, True, 1  # type: ignore[attr-defined]
    estimate = adapter(single)
    batch = PROBE.expand(3, -1, -1).clone()
    result = estimate(batch, generator=seeded(0))
    assert result.dtype == torch.float32 and result.shape == batch.shape
    assert (estimate.__name__, vars(estimate)["bound"], vars(estimate)["batched"]) == ("single", 4.0, True)
    assert "other" not in vars(estimate)


def test_a_change_in_place_is_not_hidden() -> None:
    def in_place(gradient: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        gradient *= 2
        return gradient

    def in_place_by_key(key: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        gradient *= 2
        return gradient

    def in_place_in_one(tensors: list[Tensor], *, generator: torch.Generator) -> list[Tensor]:
        tensors[1].mul_(2)
        return tensors

    for estimate in (from_numpy(in_place), from_jax_style(in_place_by_key)):
        assert len(input_unchanged(estimate, PROBE)) == 1
    assert len(input_unchanged(several_tensors(in_place_in_one, [(2,), (2, 2)]), torch.ones(6, 1))) == 1


def test_every_draw_of_a_stateful_estimator_starts_afresh() -> None:
    made: list[ErrorFeedback] = []

    def factory() -> ErrorFeedback:
        made.append(ErrorFeedback())
        return made[-1]

    for steps in (1, 2, 5):
        estimate, generator, same = stateful(factory, steps), seeded(1), seeded(1)
        for _ in range(3):
            by_hand = ErrorFeedback()
            outputs = [by_hand(PROBE, generator=same) for _ in range(steps)]
            assert torch.equal(estimate(PROBE, generator=generator), outputs[-1])
    assert len(made) == 9
    assert estimate.__name__ == "factory"


SHAPES = st.lists(st.lists(st.integers(0, 3), max_size=3).map(tuple), min_size=1, max_size=4).filter(
    lambda shapes: any(math.prod(shape) for shape in shapes)
)


@given(shapes=SHAPES, named=st.booleans())
def test_splitting_and_joining_are_inverse(shapes: list[tuple[int, ...]], named: bool) -> None:
    given_shapes = {f"tensor{i}": shape for i, shape in enumerate(shapes)} if named else shapes
    estimate = several_tensors(lambda tensors, *, generator: tensors, given_shapes)
    assert estimate.units == sum(math.prod(shape) for shape in shapes) == len(estimate.unit_names)
    gradient = torch.arange(estimate.units, dtype=torch.float64).unsqueeze(1)
    parts = estimate.split(gradient)
    tensors = dict(parts) if isinstance(parts, dict) else {str(i): part for i, part in enumerate(parts)}
    assert [tuple(tensor.shape) for tensor in tensors.values()] == shapes
    assert torch.equal(estimate.join(parts), gradient)
    assert torch.equal(estimate(gradient, generator=seeded(0)), gradient)
    for unit, name in enumerate(estimate.unit_names):
        tensor, _, index = name.partition("[")
        place = tuple(int(i) for i in index.rstrip("]").split(", ")) if index else ()
        assert tensors[tensor][place].item() == unit


def test_tensors_may_come_back_in_any_order() -> None:
    def reversed_order(tensors: dict[str, Tensor], *, generator: torch.Generator) -> dict[str, Tensor]:
        return {name: 2 * tensors[name] for name in reversed(tensors)}

    estimate = several_tensors(reversed_order, {"a": (2,), "b": (1, 2)})
    assert estimate(torch.arange(4.0).unsqueeze(1), generator=seeded(0)).flatten().tolist() == [0.0, 2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda tensors: [tensors["a"]], "the result must hold tensors ['a'], found ['0']"),
        (lambda tensors: {"b": tensors["a"]}, "the result must hold tensors ['a'], found ['b']"),
        (lambda tensors: {}, "the result must hold tensors ['a'], found []"),
        (lambda tensors: {"a": tensors["a"].T}, "tensor a of the result must be of shape (1, 2), found (2, 1)"),
    ],
)
def test_other_tensors_than_were_given_are_refused(function: Callable[..., Any], message: str) -> None:
    estimate = several_tensors(lambda tensors, *, generator: function(tensors), {"a": (1, 2)})
    with pytest.raises(ValueError, match=re.escape(message)):
        estimate(torch.ones(2, 1), generator=seeded(0))


def test_a_list_asks_for_a_list() -> None:
    estimate = several_tensors(lambda tensors, *, generator: {"0": tensors[0]}, [(2,)])
    with pytest.raises(ValueError, match="the result must hold tensors"):
        estimate(torch.ones(2, 1), generator=seeded(0))


@given(gradient=gradients(), keep=st.one_of(st.integers(1, 9), st.floats(0.01, 1.0)), seed=st.integers(0, 99))
def test_a_design_is_composed_as_by_hand(gradient: Tensor, keep: float, seed: int) -> None:
    for design in (Systematic(), Poisson(), SimpleRandom()):
        estimate = from_design(design, importance=GradientNorm(mix=0.1), keep=keep)
        units = len(gradient)
        k = min(keep, units) if isinstance(keep, int) else math.ceil(keep * units - 1e-6)
        draw = design.sample(estimate.sizes(gradient), k, generator=seeded(seed))
        expected = gradient * HorvitzThompson()(draw).unsqueeze(1)
        assert torch.equal(estimate(gradient, generator=seeded(seed)), expected)


def test_sizes_are_those_of_the_norms() -> None:
    norms = torch.tensor([10.0**0.5, 5.0**0.5, 5.0**0.5, 0.5, 0.0, 0.125 * 5.0**0.5], dtype=torch.float64)
    for importance in (SquaredGradient(mix=0.5), GradientNorm()):
        # With u = 2^-53: norms of both sides are within 5 u of each other, quotients of two of them within 12 u, their
        # squares within 26 u, sums of six within 36 u, the sizes within 66 u.
        expected = importance(norms)
        found = from_design(Systematic(), importance=importance).sizes(PROBE)
        assert ((found - expected).abs() <= 66 * 2.0**-53 * expected).all()


@given(
    gradient=gradients(families=["gaussian", "dominant", "ties", "zeros"]), power=st.sampled_from([-900, -40, 40, 900])
)
def test_sizes_do_not_depend_on_the_scale(gradient: Tensor, power: int) -> None:
    estimate = from_design(Systematic())
    assert torch.equal(estimate.sizes(gradient * 2.0**power), estimate.sizes(gradient))


def test_a_batch_is_one_draw_for_all_rows() -> None:
    design = Successive()
    estimate = from_design(design, RankConditioned(), keep=3)
    batch = torch.stack([PROBE, -2 * PROBE.flip(0), PROBE * 0])
    words = torch.randint(WORD, (3, design.slots(6)), generator=seeded(4))
    result = estimate(batch, generator=seeded(4))
    for row, gradient in enumerate(batch):
        alone = RankConditioned()(design.select(estimate.sizes(gradient), 3, words[row]))
        assert torch.equal(result[row], gradient * alone.unsqueeze(1))
    assert not torch.equal(result[0], PROBE) and not result[2].any()


def test_the_type_of_the_gradient_is_kept() -> None:
    for dtype in (torch.float32, torch.bfloat16):
        assert from_design(Poisson())(PROBE.to(dtype), generator=seeded(0)).dtype == dtype


def test_counts_and_names() -> None:
    assert from_design(Systematic(), keep=0.07).count(100) == 7
    assert from_design(Systematic(), keep=0.071).count(100) == 8
    assert from_design(Systematic(), keep=0.001).count(100) == 1
    assert from_design(Systematic(), keep=1.0).count(100) == 100
    assert from_design(Systematic(), keep=9).count(4) == 4
    assert from_design(Systematic(), Indicator()).__name__ == "Systematic() with Indicator"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stateful(lambda: bernoulli, steps=0), "steps must be at least 1, found steps=0"),
        (lambda: several_tensors(bernoulli, [(0, 3)]), "several tensors must have at least one entry, found shapes"),
        (lambda: from_design(Systematic(), keep=0), "a count to keep must be at least 1, found keep=0"),
        (lambda: from_design(Systematic(), keep=1.5), "a fraction to keep must be in (0, 1], found keep=1.5"),
        (
            lambda: several_tensors(bernoulli, [(3,)])(torch.ones(3), generator=seeded(0)),
            "a gradient must be of shape (3, 1), found (3,)",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
