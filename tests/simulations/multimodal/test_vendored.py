import hashlib
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from simulations.multimodal.data.vendored import (
    FOLDER,
    Raw,
    bikeshare_arrays,
    mfeat_arrays,
    smartwatch_arrays,
    smartwatch_recordings,
    yeast_arrays,
)

SHA256 = {
    "smartwatch": "5e975168ca491082fa313b732068f38bd5d922e9daa30df54516dd9da923d5d7",
    "mfeat": "3091e9dbaae76fc714065ebb0e86d606f4c81fc16e41f8b68bb0b7be2420e1ad",
    "yeast": "af356bd2079fdb7b4ff2edabec4b39910ec052c4487e26b5a3900dc1fbe02f60",
    "bikeshare": "f583c8ae6186e5631bf418125cb3cf96a75c7c844c5d49ad897f987b5ffda5f6",
}
LOADERS: dict[str, Callable[[], Raw]] = {
    "smartwatch": smartwatch_arrays,
    "mfeat": mfeat_arrays,
    "yeast": yeast_arrays,
    "bikeshare": bikeshare_arrays,
}
SHAPES = {
    "smartwatch": {"accelerometer": (4677, 3, 100), "gyroscope": (4677, 3, 100)},
    "mfeat": {
        "fac": (2000, 216),
        "fou": (2000, 76),
        "kar": (2000, 64),
        "mor": (2000, 6),
        "pix": (2000, 240),
        "zer": (2000, 47),
    },
    "yeast": {"expression": (2417, 79), "profile": (2417, 24)},
    "bikeshare": {"calendar": (8645, 49), "weather": (8645, 7)},
}
TARGETS = {
    "smartwatch": ("int64", (4677,)),
    "mfeat": ("int64", (2000,)),
    "yeast": ("bool", (2417, 14)),
    "bikeshare": ("float32", (8645,)),
}


@pytest.mark.parametrize("name", LOADERS)
def test_shapes_dtypes_and_digest(name: str) -> None:
    raw = LOADERS[name]()
    assert {modality: matrix.shape for modality, matrix in raw.features.items()} == SHAPES[name]
    assert (str(raw.target.dtype), raw.target.shape) == TARGETS[name]
    for matrix in raw.features.values():
        assert matrix.dtype == np.float32
        assert np.isfinite(matrix).all()
    content = (FOLDER / f"{name}.npz").read_bytes()
    assert raw.sha256 == hashlib.sha256(content).hexdigest() == SHA256[name]


@pytest.mark.parametrize("name", LOADERS)
def test_the_attribution_names_the_file_and_its_source(name: str) -> None:
    assert f"{name}.npz: " in (FOLDER / "ATTRIBUTION").read_text(encoding="ascii")


def test_smartwatch_classes_and_subjects() -> None:
    raw = smartwatch_arrays()
    assert raw.names == ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
    assert np.bincount(raw.target).tolist() == [502, 770, 780, 718, 723, 583, 601]
    assert raw.groups is not None
    assert np.bincount(raw.groups).tolist() == [0, 561, 540, 305, 295, 490, 478, 524, 482, 483, 519]


def test_every_smartwatch_subject_does_every_exercise_with_both_arms() -> None:
    held = smartwatch_recordings()
    assert len(held.labels) == 140
    pairs, counts = np.unique(np.stack([held.subjects, held.labels]), axis=1, return_counts=True)
    assert pairs.shape == (2, 70) and set(counts.tolist()) == {2}
    assert np.diff(held.offsets).min() == 947


def test_no_smartwatch_window_is_seen_twice() -> None:
    for signal in smartwatch_arrays().features.values():
        assert len({window.tobytes() for window in signal}) == len(signal)


def test_smartwatch_windows_follow_width_and_stride() -> None:
    raw = smartwatch_arrays(width=200, stride=200)
    lengths = np.diff(smartwatch_recordings().offsets)
    assert raw.features["gyroscope"].shape == ((lengths // 200).sum(), 3, 200)


def test_mfeat_rows_are_ordered_by_digit() -> None:
    raw = mfeat_arrays()
    assert raw.names == tuple("0123456789")
    np.testing.assert_array_equal(raw.target, np.repeat(np.arange(10), 200))
    assert raw.groups is None


def test_six_mfeat_rows_repeat_another_in_every_view_and_with_its_class() -> None:
    raw = mfeat_arrays()
    first: dict[bytes, int] = {}
    repeated = []
    for row in range(2000):
        content = b"".join(matrix[row].tobytes() for matrix in raw.features.values())
        if first.setdefault(content, row) != row:
            repeated.append((first[content], row))
    assert len(repeated) == 6
    assert all(raw.target[one] == raw.target[two] for one, two in repeated)


def test_mfeat_pixels_are_counts_up_to_six() -> None:
    pixels = mfeat_arrays(("pix",)).features["pix"]
    assert np.unique(pixels).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_mfeat_views_come_in_the_order_asked_for_and_are_the_same_arrays() -> None:
    four, six = mfeat_arrays(("kar", "fou", "zer", "mor")), mfeat_arrays()
    assert tuple(four.features) == ("kar", "fou", "zer", "mor")
    for view, matrix in four.features.items():
        np.testing.assert_array_equal(matrix, six.features[view])


@pytest.mark.parametrize("views", [(), ("kar", "kar")])
def test_mfeat_without_a_view_or_with_one_twice_is_refused(views: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no view twice"):
        mfeat_arrays(views)


def test_an_unknown_mfeat_view_is_answered_with_the_near_ones() -> None:
    with pytest.raises(KeyError, match="no view 'karl'; did you mean 'kar'"):
        mfeat_arrays(("fou", "karl"))


def test_yeast_labels() -> None:
    raw = yeast_arrays()
    assert raw.names == tuple(f"Class{i}" for i in range(1, 15))
    assert raw.target.sum(axis=0).tolist() == [762, 1038, 983, 862, 722, 597, 428, 480, 178, 253, 289, 1816, 1799, 34]
    per_gene = raw.target.sum(axis=1)
    assert (per_gene.min(), per_gene.max()) == (1, 11)
    assert raw.groups is None


def test_yeast_rows_have_length_one_to_the_six_decimals_of_the_source() -> None:
    """Numbers off by at most h, half a unit of the sixth decimal and of float32 below 1, change a sum of 103 squares by
    at most 2 h sum|x| + 103 h^2 <= 2 h sqrt(103) |x| + 103 h^2, with |x| = 1 before rounding."""
    joined = np.concatenate(list(yeast_arrays().features.values()), axis=1).astype(np.float64)
    h = 5e-7 + 2**-25
    assert np.abs((joined**2).sum(axis=1) - 1).max() <= 2 * h * np.sqrt(103) + 103 * h**2


def test_bikeshare_codes_are_one_of_each_kind() -> None:
    raw = bikeshare_arrays()
    calendar = raw.features["calendar"]
    assert set(np.unique(calendar).tolist()) == {0.0, 1.0}
    edges = [0, 4, 16, 40, 47]
    for first, last in pairwise(edges):
        np.testing.assert_array_equal(calendar[:, first:last].sum(axis=1), np.ones(8645))
    np.testing.assert_array_equal(raw.features["weather"][:, :3].sum(axis=1), np.ones(8645))
    assert raw.features["weather"][:, :3].sum(axis=0).tolist() == [5645, 2218, 782]


def test_bikeshare_against_the_file() -> None:
    raw = bikeshare_arrays()
    with np.load(FOLDER / "bikeshare.npz", allow_pickle=False) as held:
        np.testing.assert_array_equal(raw.features["calendar"][:, 16:40].argmax(axis=1), held["hr"])
        np.testing.assert_array_equal(raw.features["calendar"][:, 4:16].argmax(axis=1) + 1, held["mnth"])
        np.testing.assert_array_equal(raw.features["calendar"][:, 40:47].argmax(axis=1), held["weekday"])
        np.testing.assert_array_equal(raw.features["calendar"][:, 47], held["holiday"])
        np.testing.assert_array_equal(raw.features["calendar"][:, 48], held["workingday"])
        np.testing.assert_array_equal(raw.features["weather"][:, 3], held["temp"])
        np.testing.assert_array_equal(raw.features["weather"][:, 6], held["windspeed"])
    assert (raw.target.min(), raw.target.max()) == (1, 651)
    assert raw.groups is not None
    assert len(np.unique(raw.groups)) == 365
    assert np.bincount(raw.groups).max() == 24
