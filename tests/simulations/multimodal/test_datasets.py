from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amss_min.testing.loading import BadInput
from simulations.multimodal.data.prepare_htad import CLASS_COUNTS
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.sources import load

SHA256 = "fbeb76c2e8e042b20eb3b81302ef2b63e5f97670ec8a102deed88c380b3420e5"


def test_htad_is_the_file_that_was_vendored() -> None:
    data = load("htad")
    assert data.sha256 == SHA256
    assert {name: matrix.shape for name, matrix in data.features.items()} == {
        "audio": (1386, 36),
        "accelerometer": (1386, 16),
    }
    assert Counter(data.target_names[label] for label in data.target) == CLASS_COUNTS
    assert list(data.target_names) == sorted(CLASS_COUNTS)


def test_htad_has_no_identical_rows() -> None:
    assert len(set(load("htad").identical_rows().tolist())) == 1386


def test_identical_rows_share_a_group_whatever_their_labels() -> None:
    a = np.array([[1, 2], [1, 2], [1, 3], [1, 2]], dtype=np.float32)
    b = np.array([[5], [5], [5], [6]], dtype=np.float32)
    groups = Dataset("d", {"a": a, "b": b}, np.array([0, 1, 0, 0]), ("x", "y")).identical_rows().tolist()
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


def test_a_mistyped_name_is_answered_with_the_close_one() -> None:
    with pytest.raises(BadInput, match="no data set 'htda'; did you mean 'htad'"):
        load("htda")


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"features": {}}, "at least one modality"),
        ({"features": {"a": np.zeros((2, 1), np.float32)}}, "'a' of shape"),
        ({"features": {"a": np.full((3, 1), np.nan, np.float32)}}, "finite, found otherwise in modality 'a'"),
        ({"target": np.array([0, 1, 2])}, "classes lie in"),
        ({"target": np.array([0, -1, 1])}, "classes lie in"),
        ({"target": np.array([0, 1])}, "a row of features for each target"),
        ({"target": np.array([0, 1, 0], np.int32)}, "a target is int64"),
        ({"target": np.array([0, np.inf, 0], np.float32), "target_names": ("y",)}, "every target must be finite"),
        ({"features": {"a": np.array([[-1], [0], [1]])}}, "token ids are at least 0"),
        ({"features": {"a": np.zeros((3, 1))}}, "float32 or int64"),
        ({"groups": np.array([0, 1])}, "groups are one a row"),
        ({"parts": {"train": np.array([0])}}, "official parts are train, validation, test"),
        ({"parts": {name: np.array([0]) for name in ("train", "validation", "test")}}, "each row at most once"),
    ],
)
def test_a_data_set_that_contradicts_itself_is_refused(change: dict[str, Any], finding: str) -> None:
    good: dict[str, Any] = {
        "name": "d",
        "features": {"a": np.zeros((3, 1), np.float32)},
        "target": np.array([0, 1, 0]),
        "target_names": ("x", "y"),
    }
    Dataset(**good)
    with pytest.raises(ValueError, match=finding):
        Dataset(**{**good, **change}).task  # noqa: B018


@pytest.mark.parametrize(
    ("name", "task", "shapes"),
    [
        ("smartwatch", "classification", {"accelerometer": (3, 100), "gyroscope": (3, 100)}),
        ("mfeat", "classification", {"kar": (64,), "fou": (76,), "zer": (47,), "mor": (6,)}),
        ("yeast", "multi-label", {"expression": (79,), "profile": (24,)}),
        ("bikeshare", "regression", {"calendar": (49,), "weather": (7,)}),
    ],
)
def test_shipped_sets(name: str, task: str, shapes: dict[str, tuple[int, ...]]) -> None:
    data = load(name)
    assert data.task.name == task
    assert {modality: data.shape(modality) for modality in data.modalities} == shapes
    assert len(data.sha256) == 64


STRANGER = """
import numpy as np
from simulations.multimodal.datasets import Dataset

def mine(rows=20):
    x = np.arange(rows, dtype=np.float32)[:, None]
    return Dataset("mine", {"left": x, "right": -x}, np.arange(rows) % 2, ("even", "odd"))

def broken():
    return 1 / 0

number = 3
"""


def test_a_stranger_adds_a_data_set_in_one_file(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(STRANGER, encoding="utf-8")
    assert len(load(f"{file}:mine")) == 20
    assert len(load(f"{file}:mine", {"rows": 30})) == 30
    for name, options, finding in (
        ("mein", {}, "no 'mein' in .*did you mean 'mine'"),
        ("mine", {"row": 3}, "its options are: rows"),
        ("broken", {}, "ZeroDivisionError: division by zero"),
        ("number", {}, "must be a function, found int"),
    ):
        with pytest.raises(BadInput, match=finding):
            load(f"{file}:{name}", options)
    with pytest.raises(BadInput, match="does not exist"):
        load(f"{tmp_path}/none.py:mine")
