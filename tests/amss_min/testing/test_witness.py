"""Witnesses: small, of plain data, and refuting again."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from amss_min.testing import witness as module
from amss_min.testing.check import check
from amss_min.testing.estimator import Estimator
from amss_min.testing.families import gradients
from amss_min.testing.result import CheckResult
from amss_min.testing.settings import Settings
from amss_min.testing.status import Status
from amss_min.testing.witness import recorded, witness
from tests.masks import bernoulli, norms, times

ALPHA = 1e-12
TRIED = gradients(12, 3, seed=0)
SETTINGS = Settings(alpha=ALPHA, draws=30_000)


def unweighted(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Every unit is biased by -1/2: one entry is enough to show it."""
    return times(gradient, bernoulli(gradient, 0.5, generator))


def only_with_ties(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Halved where two units are equally large: it takes two."""
    size = norms(gradient)
    tied = (size.unsqueeze(-1) == size.unsqueeze(-2)).sum(-1) > 1
    return times(gradient, bernoulli(gradient, 0.5, generator) * torch.where(tied, 1.0, 2.0))


def of_twelve(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Halved, and only for 12 units."""
    if gradient.shape[1] != 12:
        raise ValueError("made for twelve units")
    return gradient / 2


def by_second_coordinate(gradient: Tensor, *, generator: Generator) -> Tensor:
    """The second coordinate is halved: there is nothing wrong with one coordinate."""
    return torch.cat([gradient[..., :1], gradient[..., 1:2] / 2, gradient[..., 2:]], -1)


def undefined_at_zero(gradient: Tensor, *, generator: Generator) -> Tensor:
    size = norms(gradient).unsqueeze(-1)
    return gradient / size * size


def slightly_low(gradient: Tensor, *, generator: Generator) -> Tensor:
    """Off by 2 %: what few draws do not show."""
    return 0.98 * times(gradient, bernoulli(gradient, 0.5, generator) * 2)


def refuted(function: Any, tried: Mapping[str, Tensor] = TRIED, settings: Settings = SETTINGS) -> CheckResult:
    result = check(Estimator.of(function, batched=True), tried, settings)
    assert result.status is Status.REFUTED, result.text
    return result


def found(function: Any, tried: Mapping[str, Tensor] = TRIED, settings: Settings = SETTINGS) -> dict[str, Any]:
    """The witness of a function, after a journey through JSON, once it has refuted again."""
    estimator = Estimator.of(function, batched=True)
    record = witness(estimator, tried, refuted(function, tried, settings))
    stored: dict[str, Any] = json.loads(json.dumps(record, allow_nan=False))
    again = check(estimator, *recorded(stored))
    assert again.status is Status.REFUTED
    assert again.draws <= stored["settings"]["draws"]
    return stored


def shapes(record: Mapping[str, Any]) -> list[tuple[int, int]]:
    return [(len(rows), len(rows[0])) for rows in record["gradients"].values()]


@pytest.mark.parametrize(
    ("function", "shape"),
    [(unweighted, (1, 1)), (only_with_ties, (2, 1)), (of_twelve, (12, 1)), (by_second_coordinate, (1, 3))],
)
def test_a_witness_is_as_small_as_the_fault_allows(function: Any, shape: tuple[int, int]) -> None:
    assert shapes(found(function)) == [shape]


def test_a_witness_says_what_was_found() -> None:
    record = found(unweighted)
    assert record["said"]["status"] == "REFUTED" and record["said"]["text"].startswith("biased")
    assert record["said"]["worst_unit"] == 0 and record["said"]["violations"] == []
    again = check(Estimator.of(unweighted, batched=True), *recorded(record))
    assert again.bias is not None
    assert again.bias[1][0] <= -0.5 <= again.bias[1][1]


def test_the_witness_of_a_broken_contract_breaks_it() -> None:
    record = found(undefined_at_zero)
    (rows,) = record["gradients"].values()
    assert [0.0] * len(rows[0]) in rows and len(rows) == 2
    assert record["said"]["violations"][0]["rule"] == "a finite gradient must give a finite result"


def test_a_small_bias_keeps_its_draws() -> None:
    record = found(slightly_low, settings=Settings(alpha=ALPHA, draws=600_000))
    assert shapes(record) == [(1, 1)]
    assert 10_000 < record["settings"]["draws"] <= 2 * 600_000


def test_where_nothing_smaller_refutes_in_time_the_whole_run_is_the_witness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.0)
    assert shapes(found(unweighted)) == [(12, 3)] * len(TRIED)


def test_the_given_gradient_is_cut_too() -> None:
    assert shapes(found(unweighted, {"given": torch.arange(1.0, 41.0, dtype=torch.float64).reshape(20, 2)})) == [(1, 1)]


def test_only_a_refutation_has_a_witness() -> None:
    estimator = Estimator.of(lambda gradient, *, generator: gradient, batched=True, name="identity")
    result = check(estimator, TRIED, SETTINGS)
    with pytest.raises(ValueError, match="only REFUTED has a witness, found CONSISTENT"):
        witness(estimator, TRIED, result)


GOOD: dict[str, Any] = {
    "format": 1,
    "gradients": {"witness": [[1.0, 2.0]]},
    "settings": {"alpha": 1e-6, "detect": 0.05, "draws": 100, "burn_in": 10, "seed": 0},
}


def test_a_record_gives_gradients_and_settings() -> None:
    tried, settings = recorded(GOOD)
    assert torch.equal(tried["witness"], torch.tensor([[1.0, 2.0]], dtype=torch.float64))
    assert settings == Settings(alpha=1e-6, detect=0.05, draws=100, burn_in=10, seed=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "a witness must have format 1, found 2"),
        ({"gradients": {}}, "must be lists of rows"),
        ({"gradients": {"witness": [1.0, 2.0]}}, "must be lists of rows"),
        ({"gradients": {"witness": [[1.0], [2.0, 3.0]]}}, "expected sequence of length 1"),
        ({"gradients": {"witness": [["a"]]}}, "'str'"),
        ({"gradients": 3}, "must hold format, gradients and settings"),
        ({"settings": {"alpha": 2.0}}, "alpha must be above 0 and below 1"),
        ({"settings": {"draws": 0}}, "draws must be at least 1"),
        ({"settings": {"speed": 1}}, "must hold format, gradients and settings"),
        ({"settings": 3}, "must hold format, gradients and settings"),
    ],
)
def test_a_record_that_is_no_witness_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recorded({**GOOD, **change})


@pytest.mark.parametrize("missing", GOOD)
def test_a_record_with_a_part_missing_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match=f"found a problem with '{missing}'"):
        recorded({key: value for key, value in GOOD.items() if key != missing})
