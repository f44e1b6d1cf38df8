import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulations.multimodal.data.prepared import Column, PreparedError, Table, read_prepared, write_prepared

SOUND = np.random.default_rng(0).random((7, 1, 3, 4), dtype=np.float32)
TEXT = np.arange(35).reshape(7, 5)


def table(**change: Any) -> Table:
    given: dict[str, Any] = {
        "name": "made",
        "columns": {
            "audio": Column((1, 3, 4), "float32", lambda row: SOUND[row]),
            "text": Column((5,), "int64", lambda row: TEXT[row]),
        },
        "target": np.array([0, 1, 0, 1, 0, 1, 0]),
        "target_names": ("no", "yes"),
        "groups": np.array([0, 0, 1, 1, 2, 2, 3]),
        "parts": {"train": np.array([0, 1, 4]), "validation": np.array([2, 3]), "test": np.array([6])},
        "note": "a note",
        "source": {"rate": 16000},
        "texts": {"vocabulary.txt": "a\nb\n"},
    }
    return Table(**{**given, **change})


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    seen: list[int] = []
    write_prepared(tmp_path / "out", table(), lambda: seen.append(1))
    data = read_prepared(tmp_path / "out")
    assert len(seen) == 7
    assert data.name == "made" and data.note == "a note" and data.target_names == ("no", "yes")
    assert data.facts == {"source": {"rate": 16000}}
    assert np.array_equal(data.features["audio"], SOUND) and np.array_equal(data.features["text"], TEXT)
    assert isinstance(data.features["audio"], np.memmap) and not data.features["audio"].flags.writeable
    assert data.target.tolist() == [0, 1, 0, 1, 0, 1, 0] and data.groups.tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert {part: rows.tolist() for part, rows in data.parts.items()} == {
        "train": [0, 1, 4],
        "validation": [2, 3],
        "test": [6],
    }
    assert (tmp_path / "out" / "vocabulary.txt").read_text() == "a\nb\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_groups_and_parts_may_be_absent_and_targets_of_every_kind(tmp_path: Path) -> None:
    for number, target in enumerate((np.ones((7, 2), dtype=bool), np.ones((7, 2), dtype=np.float32))):
        write_prepared(tmp_path / str(number), table(target=target, groups=None, parts=None, source=None))
        data = read_prepared(tmp_path / str(number))
        assert data.groups is None and data.parts is None
        assert np.array_equal(data.target, target) and data.target.dtype == target.dtype


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    for name, note in (("a", "x"), ("b", "x"), ("c", "y")):
        write_prepared(tmp_path / name, table(note=note))
    one, same, other = (read_prepared(tmp_path / name).sha256 for name in "abc")
    assert one == same != other


def interrupted(row: int) -> Any:
    if row == 3:
        raise KeyboardInterrupt
    return SOUND[row]


@pytest.mark.parametrize(
    ("read", "raised"),
    [
        (interrupted, KeyboardInterrupt),
        (lambda row: SOUND[row][0], PreparedError),
        (lambda row: 1 / 0, ArithmeticError),
    ],
)
def test_nothing_half_written_is_left(tmp_path: Path, read: Callable[[int], Any], raised: type[BaseException]) -> None:
    with pytest.raises(raised):
        write_prepared(tmp_path / "out", table(columns={"audio": Column((1, 3, 4), "float32", read)}))
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_and_a_bad_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("")
    with pytest.raises(PreparedError, match="new or empty"):
        write_prepared(tmp_path, table())
    column = Column((5,), "int64", lambda row: TEXT[row])
    for name in ("../up", "target", ""):
        with pytest.raises(PreparedError, match="becomes a file name"):
            write_prepared(tmp_path / "new", table(columns={name: column}))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def changed(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")


def reshaped(path: Path) -> None:
    np.save(path, np.zeros((7, 2)))


def pickled(path: Path) -> None:
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (Path.unlink, "No such file"),
        (cut, "cut or not an array"),
        (changed, "was changed after it was written"),
        (reshaped, r"found float64 of shape \(7, 2\)"),
        (pickled, "cut or not an array"),
        (lambda path: path.write_bytes(b""), "cut or not an array"),
    ],
)
@pytest.mark.parametrize("name", ["audio", "text", "target", "groups", "parts"])
def test_a_damaged_file_is_named_with_its_reason(
    tmp_path: Path, damage: Callable[[Path], None], reason: str, name: str
) -> None:
    write_prepared(tmp_path / "out", table())
    damage(tmp_path / "out" / f"{name}.npy")
    with pytest.raises(PreparedError, match=f"{name}.npy: .*{reason}"):
        read_prepared(tmp_path / "out")


def test_every_damaged_file_is_named_at_once(tmp_path: Path) -> None:
    write_prepared(tmp_path / "out", table())
    (tmp_path / "out" / "audio.npy").unlink()
    cut(tmp_path / "out" / "text.npy")
    with pytest.raises(PreparedError) as caught:
        read_prepared(tmp_path / "out")
    assert "audio.npy: No such file" in str(caught.value) and "text.npy: cut" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("version", 2, "version"),
        ("target_names", None, "target_names"),
        ("extra", 1, "extra"),
        ("target", {"file": "../target.npy", "shape": [7], "dtype": "int64", "sha256": ""}, "found a path"),
        ("target_names", ["no"], "cannot be used"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(tmp_path: Path, key: str, value: Any, reason: str) -> None:
    write_prepared(tmp_path / "out", table())
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), key: value}))
    with pytest.raises(PreparedError, match=reason):
        read_prepared(tmp_path / "out")


def test_no_manifest_and_no_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PreparedError, match=r"manifest\.json: No such file"):
        read_prepared(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(PreparedError, match=r"manifest\.json: content: Invalid JSON"):
        read_prepared(tmp_path)
