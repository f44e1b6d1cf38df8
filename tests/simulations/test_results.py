"""Files appear whole or not at all."""

import json
from pathlib import Path

import pytest

from simulations.results import check_writable, write_json


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    check_writable(folder)
    write_json(folder / "x.json", [{"a": 1.5}])
    write_json(folder / "x.json", [{"a": 2.5}])
    assert json.loads((folder / "x.json").read_text()) == [{"a": 2.5}]
    assert [path.name for path in folder.iterdir()] == ["x.json"]


def test_a_number_that_json_lacks_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", 1)
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", float("nan"))
    assert (tmp_path / "x.json").read_text() == "1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(OSError, match="results"):
        check_writable(tmp_path / "results" / "experiments")
