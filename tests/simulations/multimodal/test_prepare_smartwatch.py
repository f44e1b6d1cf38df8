import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulations.multimodal.data import prepare_smartwatch
from simulations.multimodal.data.prepare_smartwatch import (
    CHANNELS,
    CLASS_NAMES,
    MEMBER,
    TARGET,
    arrays,
    check,
    main,
    unpickled,
)


def npy(held: object, protocol: int = 2, name: str = "|O", shape: tuple[int, ...] = ()) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": name, "fortran_order": False, "shape": shape})
    return stream.getvalue() + pickle.dumps(held, protocol=protocol)


def in_an_array(held: object) -> np.ndarray[Any, Any]:
    array = np.empty((), dtype=object)
    array[()] = held
    return array


def small() -> dict[str, Any]:
    first = np.arange(18, dtype=np.float64).reshape(3, 6) / 8
    return {
        "X": [np.asfortranarray(first), first[:2] + 0.1],
        "y": np.array([1, 0]),
        "side": np.array([0.0, 1.0]),
        "subject": np.array([4, 9]),
        "X_labels": list(CHANNELS),
        "y_labels": ["PEN", "ABD"],
    }


def source_of_the_vendored_file() -> bytes:
    with np.load(TARGET, allow_pickle=False) as vendored:
        samples = np.hstack([vendored["accelerometer"], vendored["gyroscope"]]).astype(np.float64)
        held = {
            "X": np.split(samples, vendored["offsets"][1:-1]),
            "y": vendored["labels"],
            "side": vendored["right_side"].astype(np.float64),
            "subject": vendored["subjects"],
            "X_labels": list(CHANNELS),
            "y_labels": vendored["class_names"].tolist(),
        }
    return npy(in_an_array(held))


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_small_source_by_hand(protocol: int) -> None:
    made = arrays({MEMBER: npy(in_an_array(small()), protocol)})
    np.testing.assert_array_equal(
        made["accelerometer"],
        np.array([[0, 1, 2], [6, 7, 8], [12, 13, 14], [0.8, 1.8, 2.8], [6.8, 7.8, 8.8]], dtype=np.float32) / 8,
    )
    np.testing.assert_array_equal(made["gyroscope"][:3], np.array([[3, 4, 5], [9, 10, 11], [15, 16, 17]]) / 8)
    assert made["offsets"].tolist() == [0, 3, 5]
    assert made["labels"].tolist() == [1, 0]
    assert made["subjects"].tolist() == [4, 9]
    assert made["right_side"].tolist() == [False, True]
    assert made["class_names"].tolist() == ["PEN", "ABD"]
    assert {name: str(array.dtype) for name, array in made.items()} == {
        "accelerometer": "float32",
        "gyroscope": "float32",
        "offsets": "int64",
        "labels": "int64",
        "subjects": "int64",
        "right_side": "bool",
        "class_names": "<U3",
    }


class Calls:
    """Pickled as a call of a function, as a hostile file would be."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def test_a_pickle_that_names_anything_but_arrays_is_refused_before_it_runs(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    for call in (Calls(Path.touch, touched), Calls(eval, f"open({str(touched)!r}, 'w')"), Calls(np.save, touched, 1)):
        with pytest.raises(ValueError, match="a pickle of arrays names no "):
            unpickled(npy(in_an_array({"X": call})))
    assert not touched.exists()


def test_a_codec_other_than_latin1_is_refused() -> None:
    hostile = pickle.dumps(in_an_array({}), protocol=2).replace(b"latin1", b"rot_13")
    with pytest.raises(ValueError, match="bytes are written in latin1, found 'rot_13'"):
        unpickled(npy(0)[: npy(0).index(b"\n") + 1] + hostile)


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (npy(in_an_array(small()), shape=(1,)), r"one object, found shape \(1,\)"),
        (npy(in_an_array(small()), name="<f8"), "of float64"),
        (npy(in_an_array([1])), "found list"),
        (npy(in_an_array(small()))[:300], "must hold arrays alone"),
        (b"CSV,1,2,3", "magic string"),
    ],
)
def test_a_broken_frame_is_refused(content: bytes, finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        unpickled(content)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"X_labels": CHANNELS[::-1]}, "the channels must be"),
        ({"y": np.array([1])}, "'y': 1"),
        ({"X": [np.zeros((3, 6)), np.zeros((2, 5))]}, "found otherwise at 1"),
        ({"X": [np.full((3, 6), np.nan), np.zeros((2, 6))]}, "found otherwise at 0"),
        ({"X": [np.full((3, 6), 1234.567891), np.zeros((2, 6))]}, "float32 must tell 6 decimals"),
    ],
)
def test_other_contents_are_refused(change: dict[str, Any], finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        arrays({MEMBER: npy(in_an_array({**small(), **change}))})


def test_a_missing_entry_is_named() -> None:
    held = small()
    del held["subject"]
    with pytest.raises(ValueError, match="the dictionary holds 'subject', found"):
        arrays({MEMBER: npy(in_an_array(held))})


def test_the_script_makes_the_vendored_arrays_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "watch_dataset.npy", tmp_path / "made.npz"
    source.write_bytes(source_of_the_vendored_file())
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    monkeypatch.setattr(prepare_smartwatch, "MEMBERS", {MEMBER: digest})
    assert main([str(source), str(target)]) == 0
    with np.load(target, allow_pickle=False) as made, np.load(TARGET, allow_pickle=False) as vendored:
        assert set(made) == set(vendored)
        for name in vendored:
            assert made[name].dtype == vendored[name].dtype
            np.testing.assert_array_equal(made[name], vendored[name])


def test_a_file_with_another_digest_is_not_unpickled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, touched = tmp_path / "watch_dataset.npy", tmp_path / "touched"
    source.write_bytes(npy(in_an_array({"X": Calls(Path.touch, touched)})))
    assert main([str(source), str(tmp_path / "made.npz")]) == 2
    assert "watch_dataset.npy must have SHA-256" in capsys.readouterr().err
    assert not touched.exists()


def test_arrays_other_than_those_of_the_study_are_refused() -> None:
    with np.load(TARGET, allow_pickle=False) as vendored:
        whole = dict(vendored)
    check(whole)
    with pytest.raises(ValueError, match="the classes must be"):
        check({**whole, "class_names": np.array(CLASS_NAMES[::-1])})
    with pytest.raises(ValueError, match="found 244101"):
        check({**whole, "accelerometer": whole["accelerometer"][1:]})
    for name in ("labels", "subjects", "right_side"):
        with pytest.raises(ValueError, match="10 subjects do 7 exercises once a side"):
            check({**whole, name: np.roll(whole[name], 1)})
