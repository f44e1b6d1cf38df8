from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulations.multimodal.datasets import PARTS, Dataset
from simulations.multimodal.sources import load
from simulations.multimodal.splits import PERCENT, split, standardised


def dataset(labels: list[int], values: list[int]) -> Dataset:
    """One feature a row; equal values make identical rows."""
    matrix = np.array(values, dtype=np.float32)[:, None]
    classes = tuple(f"class {label}" for label in range(max(labels) + 1))
    return Dataset("d", {"a": matrix, "b": 2 * matrix}, np.array(labels, dtype=np.int64), classes)


@given(
    sizes=st.lists(st.integers(5, 40), min_size=1, max_size=4),
    number=st.integers(0, 2**32),
)
def test_distinct_rows_are_divided_within_one_row_of_their_share(sizes: list[int], number: int) -> None:
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    data = dataset(labels, list(range(len(labels))))
    parts = split(data, rng=np.random.default_rng(number))
    assert sorted(row for rows in parts.values() for row in rows.tolist()) == list(range(len(labels)))
    for part, percent in PERCENT.items():
        found = np.bincount(data.target[parts[part]], minlength=len(sizes))
        for label, size in enumerate(sizes):
            assert abs(100 * int(found[label]) - percent * size) < 100


@given(data=st.data(), number=st.integers(0, 2**32))
def test_identical_rows_are_never_divided(data: st.DataObject, number: int) -> None:
    values = data.draw(st.lists(st.integers(0, 30), min_size=30, max_size=80))
    labels = [value % 2 for value in values]
    rows = dataset([*labels, 0, 1], [*values, 98, 99])
    try:
        parts = split(rows, rng=np.random.default_rng(number))
    except ValueError as error:
        assert "each part needs a row of each class" in str(error)
        return
    seen = [set(rows.features["a"][index, 0].tolist()) for index in parts.values()]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    assert sorted(row for index in parts.values() for row in index.tolist()) == list(range(len(rows.target)))


def test_a_class_too_small_for_three_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="found no validation row for 'class 1': it has 2 rows"):
        split(dataset([0] * 10 + [1, 1], [*range(10), 50, 50]), rng=np.random.default_rng(0))


def test_the_parts_of_htad() -> None:
    data = load("htad")
    parts = split(data, rng=np.random.default_rng(0))
    assert {part: len(rows) for part, rows in parts.items()} == {"train": 834, "validation": 277, "test": 275}
    other = split(data, rng=np.random.default_rng(1))
    assert parts["train"].tolist() != other["train"].tolist()


def test_train_features_have_mean_zero_and_deviation_one() -> None:
    data = load("htad")
    parts = standardised(data, split(data, rng=np.random.default_rng(0)))
    for matrix in parts["train"].features.values():
        # Each z is rounded to float32, a relative error of at most u = 2^-24, and mean|z| <= sqrt(mean z^2) = 1:
        # the mean moves by at most u and the deviation by at most a factor 1 + u. Doubled for float64 rounding.
        unit = 2.0**-24
        z = matrix.double()
        assert float(z.mean(0).abs().max()) <= 2 * unit
        assert float((z.square().mean(0).sqrt() - 1).abs().max()) <= 2 * unit


def test_validation_and_test_rows_take_no_part_in_the_scale() -> None:
    data = load("htad")
    index = split(data, rng=np.random.default_rng(0))
    changed = {name: matrix.copy() for name, matrix in data.features.items()}
    for matrix in changed.values():
        matrix[index["validation"]] *= 1000
        matrix[index["test"]] += 1000
    before = standardised(data, index)
    after = standardised(Dataset("changed", changed, data.target, data.target_names), index)
    for name in data.modalities:
        assert torch.equal(before["train"].features[name], after["train"].features[name])
        assert not torch.equal(before["test"].features[name], after["test"].features[name])


def test_a_feature_that_is_constant_on_the_train_rows_is_only_shifted() -> None:
    rows = {"train": np.array([0, 1]), "validation": np.array([2]), "test": np.array([3])}
    parts = standardised(dataset([0, 0, 0, 0], [3, 3, 5, 3]), rows)
    assert parts["train"].features["a"].flatten().tolist() == [0, 0]
    assert parts["validation"].features["a"].flatten().tolist() == [2]
    assert parts["test"].features["b"].flatten().tolist() == [0]


def test_rows_keep_their_labels() -> None:
    data = load("htad")
    index = split(data, rng=np.random.default_rng(3))
    part = standardised(data, index)["test"]
    assert part.target.tolist() == data.target[index["test"]].tolist()
    few = part.rows(torch.tensor([4, 2]))
    assert few.target.tolist() == part.target[[4, 2]].tolist()
    assert torch.equal(few.features["audio"], part.features["audio"][[4, 2]])


def grouped(groups: list[int], **fields: Any) -> Dataset:
    n = len(groups)
    matrix = np.arange(n, dtype=np.float32)[:, None]
    target = np.zeros(n, dtype=np.int64)
    return Dataset("g", {"a": matrix}, target, ("only",), groups=np.array(groups), **fields)


@given(groups=st.lists(st.integers(0, 12), min_size=40, max_size=90), number=st.integers(0, 2**32))
def test_groups_are_never_divided(groups: list[int], number: int) -> None:
    data = grouped(groups)
    assert data.groups is not None
    try:
        parts = split(data, rng=np.random.default_rng(number))
    except ValueError as error:
        assert "each part needs a row" in str(error)
        return
    seen = [set(data.groups[rows].tolist()) for rows in parts.values()]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    assert sorted(row for rows in parts.values() for row in rows.tolist()) == list(range(len(groups)))


def test_official_parts_are_kept_whatever_the_seed() -> None:
    parts = {"train": np.array([3, 1]), "validation": np.array([0]), "test": np.array([2])}
    for number in range(2):
        found = split(grouped([0, 0, 0, 0], parts=parts), rng=np.random.default_rng(number))
        assert {part: rows.tolist() for part, rows in found.items()} == {
            "train": [1, 3],
            "validation": [0],
            "test": [2],
        }
    assert tuple(found) == PARTS


def test_every_subject_of_the_smartwatch_is_in_one_part() -> None:
    data = load("smartwatch")
    assert data.groups is not None
    parts = split(data, rng=np.random.default_rng(0))
    subjects = [set(data.groups[rows].tolist()) for rows in parts.values()]
    assert sum(map(len, subjects)) == len(set.union(*subjects)) == 10


def test_signals_are_scaled_by_channel_and_regression_targets_too() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(3.0, 2.0, (30, 2, 50)).astype(np.float32)
    tokens = rng.integers(0, 9, (30, 4))
    target = rng.normal(100, 10, 30).astype(np.float32)
    data = Dataset("r", {"signal": signal, "text": tokens}, target, ("price in crowns",))
    parts = standardised(data, split(data, rng=rng))
    z = parts["train"].features["signal"].double()
    # As above: each z is rounded to float32, which moves mean and deviation by at most 2^-24; doubled.
    assert float(z.mean((0, 2)).abs().max()) <= 2.0**-23
    assert float((z.square().mean((0, 2)).sqrt() - 1).abs().max()) <= 2.0**-23
    y = parts["train"].target.double()
    assert y.shape == (18, 1) and abs(float(y.mean())) <= 2.0**-23
    assert parts["train"].features["text"].dtype == torch.int64


def test_a_large_set_is_scaled_batch_by_batch_to_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    data = load("htad")
    index = split(data, rng=np.random.default_rng(0))
    held = standardised(data, index)
    monkeypatch.setattr("simulations.multimodal.splits._HELD", 0)
    lazy = standardised(data, index)
    assert lazy["test"].scales and not held["test"].scales
    chosen = torch.tensor([5, 0, 7])
    for name in data.modalities:
        assert torch.equal(lazy["test"].rows(chosen).features[name], held["test"].rows(chosen).features[name])
