"""`--json -` beside every table: standard output holds JSON alone, with every row that the table shows."""

import json
from pathlib import Path
from typing import Any

import pytest

from paper_figs import __main__ as figures
from paper_figs.figures import FIGURES
from paper_figs.reading import Data, MissingData
from simulations.sweeps.store import Store
from tests.commands.every import COMMANDS, commands, main
from tests.simulations.sweeps.samples import CONFIGURATION, blocks, done, failed
from theory.claims import CLAIMS

WITHOUT = {
    ("theory", "show"),  # text, not a table
    ("simulations", "run"),  # these write results/ always
    ("simulations", "train"),
    ("simulations", "compare"),
    ("simulations", "bench"),
    ("simulations", "statistics"),
    ("simulations", "prepare"),  # these print no table
    ("simulations", "export"),
    ("paper_figs", "report"),
    ("paper_figs", "readme"),
}


def told(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> tuple[Any, list[list[str]]]:
    """The JSON on standard output, and the rows of the tables on standard error that begin with a name."""
    program, *arguments = line.split()
    assert main(program)([*arguments, "--json", "-"]) == code
    out, err = capsys.readouterr()
    rows = [[cell.strip() for cell in line.strip("\u2502").split("\u2502")] for line in err.splitlines()]
    return json.loads(out), [row for row in rows if len(row) > 1 and row[0]]


def first(rows: list[list[str]]) -> list[str]:
    """The first cells."""
    return [row[0] for row in rows]


def test_every_command_with_a_table_has_json() -> None:
    having = {one for one in COMMANDS if any("--json" in each.opts for each in commands(one[0])[one[1]].params)}
    assert having == set(COMMANDS) - WITHOUT


def test_claims_are_listed_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    records, rows = told(capsys, "theory list")
    assert [record["id"] for record in records] == first(rows) == [claim.id for claim in CLAIMS]
    for record, row in zip(records, rows, strict=True):
        assert [record["kind"], record["expected_status"], record["decided_by"].split()[-1]] == row[1:]


def test_verdicts_and_what_waits_for_the_audit_are_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    records, rows = told(capsys, "theory verify released-entropy quadratic-oracle")
    assert [record["id"] for record in records] == first(rows)
    assert {record["id"]: record["status"] for record in records} == {"released-entropy": "HOLDS"} | {
        "quadratic-oracle": None
    }
    assert [record.get("waits") for record in records if record["status"] is None] == ["needs audit"]


def test_an_audit_gives_its_verdicts_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record,), (row,) = told(capsys, f"simulations audit released-entropy --results {tmp_path}")
    assert [record["id"], record["status"], record["expected_status"]] == row[:3]


def test_lists_are_in_json_with_their_headings(capsys: pytest.CaptureFixture[str]) -> None:
    record, rows = told(capsys, "simulations list")
    assert [row["name"] for listing in record.values() for row in listing] == first(rows)
    (run, *_), (row, *_) = record["experiments"], rows
    assert [run["name"], run["claim"], str(run["runs"])] == row[:3]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two cells of two blocks; one block failed and one waits."""
    path = tmp_path / "sample.sqlite"
    with Store.open(path, write=True) as store:
        one, other = blocks(2, 0.25), blocks(2, 0.5)
        store.register("sample", CONFIGURATION, [*one, *other])
        store.add([*map(done, one), failed(other[0], "Traceback\nValueError: no luck")])
    return path


def test_the_status_of_a_store_is_in_json(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, (row,) = told(capsys, f"simulations status {store}")
    (study,) = record["studies"]
    assert [str(study[key]) for key in ("study", "blocks", "done", "failed", "waiting")] == row[:5]
    assert (study["blocks"], study["done"], study["failed"], study["waiting"]) == (4, 2, 1, 1)
    assert (record["store"], record["writer"], record["rate"]) == (str(store), None, None)
    assert [failure["reason"] for failure in record["failures"]] == ["ValueError: no luck"]


def test_cells_and_curves_are_in_json(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells, rows = told(capsys, f"simulations query {store}")
    assert [str(cell["cell"]) for cell in cells] == first(rows) and len(cells) == 2
    curves, rows = told(capsys, f"simulations query {store} --quantity energy")
    assert [str(point["cell"]) for point in curves] == first(rows) and curves


def test_a_dry_run_is_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    record, rows = told(capsys, "simulations sweep rates --dry-run --workers 3")
    shown = dict(rows)
    for key, heading in {"cells": "cells", "replicates": "replicates of each", "blocks": "blocks"}.items():
        assert str(record[key]) == shown[heading]
    assert len(rows) == 7 and record["workers"] == 3 and record["store"] in shown["store"]
    low, high = record["block_seconds"]
    assert 0 < low <= high <= record["seconds"] <= record["core_seconds"] and record["bytes"] > 0


def test_figures_are_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records, rows = told(capsys, f"paper_figs list --results {tmp_path}")
    assert [record["name"] for record in records] == first(rows) == [figure.name for figure in FIGURES]
    assert all(record["data"][0].startswith(row[3]) and row[3] for record, row in zip(records, rows, strict=True))


def test_figures_that_were_drawn_are_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(figure: Any, *_: Any) -> Data:
        if figure.name == "htad":
            raise MissingData("no data")
        return Data({})

    monkeypatch.setattr(figures, "build", build)
    records, rows = told(capsys, f"paper_figs build --results {tmp_path}", code=3)
    assert [record["name"] for record in records if record["problem"] is None] == first(rows)
    assert [record for record in records if record["problem"]] == [
        {"name": "htad", "data": None, "seconds": None, "problem": "no data"}
    ]


def test_a_check_gives_its_families_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("def estimate(gradient, *, generator):\n    return gradient.clone()\n")
    monkeypatch.chdir(tmp_path)
    record, rows = told(capsys, "amss_min check mine.py:estimate --draws 20000 --detect 0.5")
    assert [[one["family"], one["status"], f"{one['draws']:,}"] for one in record["families"]] == [
        row[:3] for row in rows
    ]
    assert record["families"] and record["status"] == "CONSISTENT"
