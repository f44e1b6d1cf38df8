"""Every family occurs, keeps what it promises, shrinks to something small, and prints what reads back."""

import re
from collections.abc import Callable
from random import Random
from typing import TypeVar

import pytest
import torch
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from amss_min.testing.strategies import DTYPES, FAMILIES, USUAL, Rows, gradients, importances, keep_counts

T = TypeVar("T")
Promise = Callable[[Tensor], bool]
SEARCH = settings(max_examples=2000, database=None)
OCCURS = settings(SEARCH, phases=[Phase.generate])


def search(strategy: SearchStrategy[T], condition: Callable[[T], bool], search: settings = OCCURS) -> T:
    """What Hypothesis finds, the same in every run."""
    return find(strategy, condition, settings=search, random=Random(0))


def norms(gradient: Tensor) -> Tensor:
    """Largest absolute entry of every unit: a norm that neither under- nor overflows."""
    return gradient.double().abs().amax(1)


def within(gradient: Tensor, low: float, high: float) -> bool:
    """All entries in [low, high] in size, up to the rounding of the type."""
    slack = 1 + torch.finfo(gradient.dtype).eps
    sizes = gradient.double().abs()
    return bool(((sizes >= low / slack) & (sizes <= high * slack)).all())


def tied(gradient: Tensor) -> bool:
    rows = [tuple(row.tolist()) for row in gradient.double()]
    folded = [max(row, tuple(-x for x in row)) for row in rows]
    return len(set(folded)) < len(folded)


def dominated(gradient: Tensor) -> bool:
    first, *others = sorted(gradient.double().norm(dim=1).tolist(), reverse=True)
    return bool(others) and first > 1e4 * others[0]


def is_subnormal(gradient: Tensor) -> bool:
    sizes = gradient.double().abs()
    return bool(((sizes > 0) & (sizes < torch.finfo(gradient.dtype).tiny)).all())


PROMISES: dict[str, Promise] = {
    "gaussian": lambda g: within(g, 0.1, 9.9),
    "lognormal": lambda g: within(g, 1e-3, 9.9e3) and bool((norms(g) / g.double().abs().amin(1) <= 10).all()),
    "dominant": dominated,
    "ties": tied,
    "zeros": lambda g: bool((norms(g) == 0).any() and (norms(g) > 0).any()),
    "tiny": lambda g: bool((g.abs() >= torch.finfo(g.dtype).tiny).all() and (g.square() == 0).all()),
    "huge": lambda g: bool(g.square().isinf().all() and 1e7 * norms(g).max() <= torch.finfo(g.dtype).max),
    "single": lambda g: len(g) == 1 and within(g, 0.1, 9.9),
    "subnormal": is_subnormal,
    "all_zero": lambda g: not g.any(),
}


def test_every_family_has_a_promise() -> None:
    assert PROMISES.keys() == FAMILIES.keys()


@pytest.mark.parametrize("name", FAMILIES)
@given(data=st.data(), dtype=st.sampled_from(DTYPES))
def test_the_family_keeps_its_promise(name: str, data: st.DataObject, dtype: torch.dtype) -> None:
    gradient = data.draw(gradients(dtype=dtype, families=[name]))
    assert gradient.dtype == dtype
    assert gradient.ndim == 2 and FAMILIES[name].takes(len(gradient)) and 1 <= gradient.shape[1] <= 3
    assert gradient.isfinite().all()
    assert PROMISES[name](gradient)


OCCURRENCES: dict[str, Promise] = {
    **{name: PROMISES[name] for name in USUAL if name not in ("gaussian", "lognormal")},
    "lognormal": lambda g: bool(norms(g).max() > 1e5 * norms(g).min() > 0),
    "both signs": lambda g: bool((g > 0).any() and (g < 0).any()),
    "a zero entry in a unit that is not zero": lambda g: bool(((g == 0).any(1) & (norms(g) > 0)).any()),
    "eight units of three coordinates": lambda g: g.shape == (8, 3),
    "three units tied at the top": lambda g: len(g) > 4 and int((norms(g) == norms(g).max()).sum()) == 3,
    "the dominant unit last": lambda g: dominated(g) and int(norms(g).argmax()) == len(g) - 1,
}


@pytest.mark.parametrize("case", OCCURRENCES)
def test_the_case_occurs_among_gradients(case: str) -> None:
    search(gradients(), OCCURRENCES[case])


@pytest.mark.parametrize("name", ["subnormal", "all_zero"])
def test_the_family_occurs_only_on_request(name: str) -> None:
    search(gradients(subnormal=name == "subnormal", all_zero=name == "all_zero"), PROMISES[name])
    assert name not in USUAL


SIMPLEST = {
    "gaussian": [[1.0]],
    "lognormal": [[1.0]],
    "dominant": [[0.001], [100.0]],
    "ties": [[1.0], [1.0]],
    "zeros": [[0.0], [1.0]],
    "tiny": [[1e-163]],
    "huge": [[1e155]],
    "single": [[1.0]],
    "subnormal": [[1e-309]],
    "all_zero": [[0.0]],
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_simplest_member_of_the_family_comes_first(name: str) -> None:
    assert search(gradients(families=[name]), lambda _: True).tolist() == SIMPLEST[name]


@pytest.mark.parametrize(
    ("families", "fails", "shrunk"),
    [
        (USUAL, lambda g: len(g) >= 3 and bool((g[1].abs() > 2).any()), [[1.0], [2.1], [1.0]]),
        (["ties"], lambda g: bool((g.abs() > 3).any()), [[3.1], [3.1]]),
        (["zeros"], lambda g: bool((g < -3).any()), [[0.0], [-3.1]]),
        (["dominant"], lambda g: bool((g < -300).any()), [[0.001], [-310.0]]),
    ],
)
def test_a_failing_gradient_shrinks_to_what_fails(families: list[str], fails: Promise, shrunk: Rows) -> None:
    found = search(gradients(families=families), fails, SEARCH)
    assert sorted(found.tolist()) == sorted(shrunk)  # which unit comes first is not what shrinking is about


@given(data=st.data(), dtype=st.sampled_from(DTYPES))
def test_a_printed_gradient_reads_back(data: st.DataObject, dtype: torch.dtype) -> None:
    gradient = data.draw(gradients(dtype=dtype, subnormal=True, all_zero=True))
    again = eval(repr(gradient), {"tensor": torch.tensor, "torch": torch})
    assert again.dtype == dtype and torch.equal(again, gradient)


@given(gradient=gradients(units=5, dim=2))
def test_units_and_dim_are_kept(gradient: Tensor) -> None:
    assert gradient.shape == (5, 2)


@given(gradient=gradients(units=st.integers(1, 3), dim=st.just(1), families=["ties", "dominant"]))
def test_units_that_a_family_cannot_have_are_left_out(gradient: Tensor) -> None:
    assert 2 <= len(gradient) <= 3


SIZES: dict[str, Promise] = {
    "a zero": lambda p: bool((p == 0).any()),
    "all but one zero": lambda p: int((p > 0).sum()) == 1,
    "1e-300 beside 1": lambda p: bool((p == 1e-300).any() and (p >= 1).any()),
    "all equal": lambda p: len(p.unique()) == 1,
    "some equal": lambda p: 1 < len(p.unique()) < len(p),
    "none equal": lambda p: len(p.unique()) == len(p),
    "one that dwarfs the others": lambda p: bool(p.sort().values[-1] > 1e10 * p.sort().values[-2] > 0),
    "far below 1 and far above": lambda p: bool((p > 1e200).any() and ((p > 0) & (p < 1e-200)).any()),
}


@pytest.mark.parametrize("case", SIZES)
def test_the_case_occurs_among_importances(case: str) -> None:
    search(importances(4), SIZES[case])


@given(data=st.data(), n=st.integers(1, 7))
def test_importances_are_sizes(data: st.DataObject, n: int) -> None:
    sizes = data.draw(importances(n))
    assert sizes.shape == (n,) and sizes.dtype == torch.float64
    assert (sizes >= 0).all() and sizes.sum().isfinite() and (sizes > 0).any()
    assert torch.equal(eval(repr(sizes), {"tensor": torch.tensor, "torch": torch}), sizes)


@given(data=st.data(), n=st.integers(1, 7))
def test_counts_are_between_one_and_all(data: st.DataObject, n: int) -> None:
    assert 1 <= data.draw(keep_counts(n)) <= n


@pytest.mark.parametrize("k", [1, 2, 99, 100])
def test_the_count_occurs(k: int) -> None:
    assert search(keep_counts(100), lambda found: found == k) == k


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gradients(families=["tie"]), KeyError, "no family 'tie'; there are gaussian, lognormal"),
        (lambda: gradients(families=[]), ValueError, "gradients need at least one family, found none"),
        (lambda: gradients(dtype=torch.float16), ValueError, "dtype must be one of torch.float64, torch.float32"),
        (lambda: gradients(units=0), ValueError, "units must be at least 1, found units=0"),
        (lambda: gradients(dim=0), ValueError, "dim must be at least 1, found dim=0"),
        (lambda: find(importances(0), lambda _: True), ValueError, "n must be at least 1, found n=0"),
        (lambda: keep_counts(0), ValueError, "n must be at least 1, found n=0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
