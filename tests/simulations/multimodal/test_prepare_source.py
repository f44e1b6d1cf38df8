import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from simulations.multimodal.data.source import Arrays, Contents, contents, prepare

FILES = {"package/a.csv": b"one", "package/b.csv": b"two"}
MEMBERS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
ONE = {"package/a.csv": MEMBERS["package/a.csv"]}


def wheel(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def folder(path: Path, files: dict[str, bytes]) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / Path(name).name).write_bytes(content)
    return path


def doubled(found: Contents) -> Arrays:
    return {"letters": np.array([2 * len(content) for content in found.values()])}


def fine(made: Arrays) -> None:
    assert made


def wrong(made: Arrays) -> None:
    raise ValueError("these are other arrays")


def test_a_wheel_a_folder_and_a_file_are_the_same_source(tmp_path: Path) -> None:
    assert contents(wheel(tmp_path / "a.whl", FILES), MEMBERS) == FILES
    assert contents(folder(tmp_path / "files", FILES), MEMBERS) == FILES
    assert contents(tmp_path / "files" / "a.csv", ONE) == {"package/a.csv": b"one"}


def test_one_changed_byte_is_refused_by_name(tmp_path: Path) -> None:
    changed = {**FILES, "package/b.csv": b"twO"}
    for path in (wheel(tmp_path / "a.whl", changed), folder(tmp_path / "files", changed)):
        with pytest.raises(ValueError, match=rf"b\.csv must have SHA-256 {MEMBERS['package/b.csv']}, found "):
            contents(path, MEMBERS)


def test_one_file_cannot_stand_for_two(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"one")
    with pytest.raises(ValueError, match="a wheel or a folder with 2 files"):
        contents(tmp_path / "a.csv", MEMBERS)


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    source = wheel(tmp_path / "a.whl", FILES)
    targets = [tmp_path / "first.npz", tmp_path / "second.npz"]
    for target in targets:
        arguments = [str(source), str(target)]
        assert prepare(arguments, module="m", members=MEMBERS, arrays=doubled, check=fine, target=target) == 0
    assert targets[0].read_bytes() == targets[1].read_bytes()
    with np.load(targets[0], allow_pickle=False) as made:
        assert made["letters"].tolist() == [6, 6]


def test_without_a_second_argument_the_target_is_written(tmp_path: Path) -> None:
    source, target = wheel(tmp_path / "a.whl", FILES), tmp_path / "made.npz"
    assert prepare([str(source)], module="m", members=MEMBERS, arrays=doubled, check=fine, target=target) == 0
    assert target.exists()


@pytest.mark.parametrize("name", ["missing.whl", "missing.csv", "text.whl", "short.whl", "changed.whl"])
def test_a_source_that_cannot_be_used_ends_with_one_line_and_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.whl").write_text("no archive", encoding="utf-8")
    wheel(tmp_path / "short.whl", {"package/a.csv": b"one"})
    wheel(tmp_path / "changed.whl", {**FILES, "package/b.csv": b"twO"})
    target = tmp_path / "made.npz"
    code = prepare([str(tmp_path / name)], module="m", members=MEMBERS, arrays=doubled, check=fine, target=target)
    error = capsys.readouterr().err
    assert (code, error.count("\n"), target.exists()) == (2, 1, False)
    assert error.startswith(f"cannot make made.npz from {tmp_path / name}: ")


def test_arrays_that_fail_their_check_are_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = wheel(tmp_path / "a.whl", FILES), tmp_path / "made.npz"
    assert prepare([str(source)], module="m", members=MEMBERS, arrays=doubled, check=wrong, target=target) == 2
    assert "these are other arrays" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize("arguments", [[], ["a", "b", "c"]])
def test_with_no_source_or_too_many_names_the_usage_is_shown(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "made.npz"
    assert prepare(arguments, module="prepare_m", members=MEMBERS, arrays=doubled, check=fine, target=target) == 2
    assert capsys.readouterr().err.startswith("usage: python -m simulations.multimodal.data.prepare_m ")
