"""Calling somebody's estimator: what it may be, what it may declare, and how it is told what is wrong."""

from typing import Any

import pytest
import torch
from torch import Tensor

from amss_min.testing.estimator import CHUNK, Estimator, EstimatorError

G = torch.tensor([[3.0, 1.0], [-1.0, 0.0], [0.5, 2.0]], dtype=torch.float64)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def halves(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    kept = torch.rand(*gradient.shape[:-1], 1, dtype=gradient.dtype, generator=generator) < 0.5
    return gradient * kept * 2


class Sized:
    """A callable object that declares something about itself."""

    batched = True
    bound = 2.0
    omega = 1.0

    def __call__(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return halves(gradient, generator=generator)


def test_a_function_has_its_name_and_declares_nothing() -> None:
    estimator = Estimator.of(halves)
    assert (estimator.name, estimator.batched) == ("halves", False)
    assert estimator.bound is estimator.omega is estimator.support is estimator.cuts is estimator.at is None


def test_attributes_are_declarations_and_what_is_given_goes_first() -> None:
    estimator = Estimator.of(Sized(), omega=7.0, name="mine")
    assert (estimator.batched, estimator.bound, estimator.omega, estimator.name) == (True, 2.0, 7.0, "mine")
    assert Estimator.of(Sized(), batched=False).batched is False
    assert Estimator.of(Sized()).name == "Sized"


def test_an_estimator_is_itself() -> None:
    estimator = Estimator(function=halves)
    assert Estimator.of(estimator) is estimator


@pytest.mark.parametrize("thing", [3, "halves", G, None])
def test_what_cannot_be_called_is_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match=f"an estimator must be a function, found {type(thing).__name__}"):
        Estimator.of(thing)


@pytest.mark.parametrize("name", ["bound", "omega"])
@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_numbers_that_bound_nothing_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a number of at least 0, found {name}={value}"):
        Estimator.of(halves, **{name: value})


@pytest.mark.parametrize("batched", [False, True])
def test_draws_are_those_of_the_function_from_this_generator(batched: bool) -> None:
    estimator = Estimator(function=halves, batched=batched)
    found = estimator.draws(G, 7, generator(3))
    source = generator(3)
    if batched:
        expected = halves(G.expand(7, -1, -1), generator=source)
    else:
        expected = torch.stack([halves(G, generator=source) for _ in range(7)])
    assert found.dtype is torch.float64
    assert torch.equal(found, expected)


def test_batches_are_cut_to_what_fits() -> None:
    sizes = []

    def counting(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        sizes.append(len(gradient))
        return gradient

    wide = torch.ones(CHUNK // 4, 1, dtype=torch.float64)
    assert Estimator(function=counting, batched=True).draws(wide, 10, generator()).shape == (10, CHUNK // 4, 1)
    assert sizes == [4, 4, 2]


def test_results_of_single_precision_are_widened_and_known_as_such() -> None:
    def single(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return halves(gradient, generator=generator).float()

    for batched in (False, True):
        estimator = Estimator(function=single, batched=batched)
        assert estimator.draws(G, 2, generator()).dtype is torch.float64
        assert estimator.precision(G, generator()) is torch.float32


def test_a_result_that_remembers_how_it_was_made_is_counted() -> None:
    def tracked(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return gradient.clone().requires_grad_()

    for batched in (False, True):
        assert torch.equal(Estimator(function=tracked, batched=batched).draws(G, 2, generator()), G.expand(2, -1, -1))


def test_the_gradient_of_the_caller_is_not_handed_out() -> None:
    def greedy(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return gradient.mul_(2)

    for batched in (False, True):
        mine = G.clone()
        Estimator(function=greedy, batched=batched).draws(mine, 3, generator())
        assert torch.equal(mine, G)


def raising(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    raise KeyError("weights")


def leaving(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    raise SystemExit(3)


def listing(gradient: Tensor, *, generator: torch.Generator) -> Any:
    return gradient.tolist()


def flat(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient.flatten()


def several(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    return gradient.expand(5, -1, -1)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (raising, "raising raised KeyError: 'weights'"),
        (leaving, "leaving raised SystemExit: 3"),
        (lambda gradient: gradient, "raised TypeError: .*unexpected keyword argument 'generator'"),
        (listing, "listing must return a torch.Tensor, found list"),
        (flat, r"flat must return the shape of its gradient \(3, 2\), found \(6,\)$"),
        (several, r"found \(5, 3, 2\); a function that returns a batch of draws needs --batched"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(function: Any, message: str) -> None:
    with pytest.raises(EstimatorError, match=message) as caught:
        Estimator.of(function).draws(G, 2, generator())
    assert "\n" not in str(caught.value)


def test_the_original_exception_is_the_cause() -> None:
    with pytest.raises(EstimatorError) as caught:
        Estimator.of(raising).draws(G, 1, generator())
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_batched_estimator_that_answers_for_one_draw_is_refused() -> None:
    def one(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return gradient[0]

    with pytest.raises(EstimatorError, match=r"shape of its gradient \(4, 3, 2\), found \(3, 2\)$"):
        Estimator(function=one, batched=True, name="one").draws(G, 4, generator())
