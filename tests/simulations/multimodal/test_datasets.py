from collections import Counter
from typing import Any

import numpy as np
import pytest

from simulations.multimodal.data.prepare_htad import CLASS_COUNTS
from simulations.multimodal.datasets import Dataset, load

SHA256 = "fbeb76c2e8e042b20eb3b81302ef2b63e5f97670ec8a102deed88c380b3420e5"


def test_htad_is_the_file_that_was_vendored() -> None:
    data = load("htad")
    assert data.sha256 == SHA256
    assert {name: matrix.shape for name, matrix in data.features.items()} == {
        "audio": (1386, 36),
        "accelerometer": (1386, 16),
    }
    assert Counter(data.class_names[label] for label in data.labels) == CLASS_COUNTS
    assert list(data.class_names) == sorted(CLASS_COUNTS)


def test_htad_has_no_identical_rows() -> None:
    assert len(set(load("htad").identical_rows().tolist())) == 1386


def test_identical_rows_share_a_group_whatever_their_labels() -> None:
    a = np.array([[1, 2], [1, 2], [1, 3], [1, 2]], dtype=np.float32)
    b = np.array([[5], [5], [5], [6]], dtype=np.float32)
    groups = Dataset("d", {"a": a, "b": b}, np.array([0, 1, 0, 0]), ("x", "y")).identical_rows().tolist()
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


def test_a_mistyped_name_is_answered_with_the_close_one() -> None:
    with pytest.raises(KeyError, match="no data set 'htda'; did you mean 'htad'"):
        load("htda")


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"features": {}}, "at least one modality"),
        ({"features": {"a": np.zeros((2, 1), np.float32)}}, "'a' of shape"),
        ({"features": {"a": np.full((3, 1), np.nan, np.float32)}}, "finite, found otherwise in modality 'a'"),
        ({"labels": np.array([0, 1, 2])}, "labels lie in"),
        ({"labels": np.array([0, -1, 1])}, "labels lie in"),
    ],
)
def test_a_data_set_that_contradicts_itself_is_refused(change: dict[str, Any], finding: str) -> None:
    good: dict[str, Any] = {
        "name": "d",
        "features": {"a": np.zeros((3, 1), np.float32)},
        "labels": np.array([0, 1, 0]),
        "class_names": ("x", "y"),
    }
    Dataset(**good)
    with pytest.raises(ValueError, match=finding):
        Dataset(**{**good, **change})
