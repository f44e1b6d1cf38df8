"""Files of commands: refused before the work, written in one move, and never in place of a device."""

import json
import os
from pathlib import Path

import pytest

from amss_min.testing.files import STDOUT, Unwritable, check_file, json_to, write_text


def test_json_is_written_in_one_move_and_without_a_file_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("old")
    with json_to(target) as write:
        assert target.read_text() == "old"
        write([{"a": 1.5}])
    assert json.loads(target.read_text()) == [{"a": 1.5}]
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    with json_to(None) as write:
        write([1])
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_standard_output_holds_the_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with json_to(STDOUT) as write:
        print("a table")
        write({"rows": [1, 2]})
        print("and a word")
    print("after it")
    out, err = capsys.readouterr()
    assert json.loads(out.removesuffix("after it\n")) == {"rows": [1, 2]}
    assert err == "a table\nand a word\n"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "it is a folder"), ("no/out.json", "there is no such folder"), ("file/x", "there is no such folder")],
)
def test_what_cannot_be_written_is_refused_before_the_block(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / name
    with pytest.raises(Unwritable, match=f"^cannot write to {path}: {reason}$"), json_to(path):
        pytest.fail("the block was entered")


@pytest.mark.parametrize("closed", ["folder", "file"])
def test_permissions_are_looked_at(closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.json"
    target.write_text("")
    place = tmp_path if closed == "folder" else target
    monkeypatch.setattr(os, "access", lambda path, mode: path != place)
    with pytest.raises(Unwritable, match="permission denied"):
        check_file(target)


def test_a_number_that_json_lacks_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("old")
    with pytest.raises(ValueError, match="not JSON compliant"), json_to(target) as write:
        write(float("nan"))
    assert target.read_text() == "old"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        check_file(pipe)
        write_text(pipe, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
