"""`status`, `query` and `export`: what they print and write, and what they refuse."""

import csv
import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import typer

from amss_min.testing.loading import BadInput
from simulations import sweep_commands
from simulations.audit import MissingExtra, UnknownName
from simulations.sweeps.moments import Moments, merged
from simulations.sweeps.outcome import Block, Outcome, task_id
from simulations.sweeps.query_command import query_command
from simulations.sweeps.reading import Pace
from simulations.sweeps.status_command import rate
from simulations.sweeps.store import Store
from simulations.sweeps.store_error import StoreError
from simulations.sweeps.tables import flat
from tests.simulations.sweeps.samples import CONFIGURATION, block, blocks, done, failed, values

KEEPS = (0.25, 0.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two cells of four blocks: 3 done and 1 waiting, 3 done and 1 failed."""
    path = tmp_path / "sample.sqlite"
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, [b for keep in KEEPS for b in blocks(4, keep)])
        store.add([done(b) for keep in KEEPS for b in blocks(3, keep)])
        store.add([failed(block(3, 0.5), "Traceback\nValueError: no [such] noise")])
    return path


def run(*arguments: object) -> int:
    """The exit code of a command line, without the refusals that `python -m simulations` turns into one line."""
    app = typer.Typer()
    sweep_commands.add_to(app)
    return int(app([str(item) for item in arguments], standalone_mode=False) or 0)


def test_status_counts_and_names_failures(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status", path) == 0
    out = capsys.readouterr().out
    (row,) = (line for line in out.splitlines() if "sample " in line and "sqlite" not in line)
    assert [part.strip() for part in row.strip("│ ").split("│")][:5] == ["sample", "8", "6", "1", "1"]
    assert "nobody is writing" in out
    assert "failed: block 3 of cell 2: ValueError: no [such] noise" in out


def test_status_sees_a_driver_at_work(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(path, write=True) as store:
        assert run("status", path) == 0
        first = capsys.readouterr().out
        store.add([done(block(3))])
        assert run("status", path) == 0
        second = capsys.readouterr().out
    assert "is writing" in first
    assert "blocks a second over the last" in first
    assert "left" in first
    assert "nothing is left" in second


def test_the_time_left_is_that_of_the_work_left() -> None:
    # ten blocks of 2 s in 20 s, and 120 s of work in longer ones are left
    pace = Pace(blocks=10, first=1000.0, done_s=20.0, waiting_s=120.0)
    assert rate(pace, 1020.0) == "0.5 blocks a second over the last 20 s; about 2.0 min left"
    assert rate(Pace(blocks=0, first=float("nan"), done_s=0.0, waiting_s=60.0), 1020.0).startswith("no block came in")


def test_query_lists_cells(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ("--csv", tmp_path / "a" / "x.csv", "--json", tmp_path / "x.json")
    assert run("query", path, *files) == 0
    out = capsys.readouterr().out
    assert "cells: 2, all with noise.name = skewed, noise.skew = 2" in out
    assert "quantities: energy" in out
    rows = json.loads((tmp_path / "x.json").read_text())
    assert [(r["keep"], r["done"], r["failed"], r["waiting"]) for r in rows] == [(0.25, 3, 0, 1), (0.5, 3, 1, 0)]
    with (tmp_path / "a" / "x.csv").open() as file:
        assert [(r["keep"], r["noise.name"], r["done"]) for r in csv.DictReader(file)] == [
            ("0.25", "skewed", "3"),
            ("0.5", "skewed", "3"),
        ]


def test_query_answers_with_mean_curves(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "x.csv"
    where = ("--where", "keep=0.5", "--where", "noise.name=skewed")
    asked = ("--quantity", "energy", "--quantiles", "0.5", "--csv", target)
    assert run("query", path, *where, *asked) == 0
    assert "standard_error" in capsys.readouterr().out
    with target.open() as file:
        rows = list(csv.DictReader(file))
    expected = merged([Moments.of(values(n, 0.5)) for n in range(3)])
    together = np.sort(np.concatenate([values(n, 0.5) for n in range(3)]), axis=0)
    assert [row["step"] for row in rows] == ["1", "10", "100"]
    assert [float(row["mean"]) for row in rows] == expected.mean.tolist()  # repr gives every bit
    assert [float(row["standard_error"]) for row in rows] == expected.standard_error.tolist()
    assert {row["n"] for row in rows} == {"12"}
    assert {(row["nan"], row["infinite"]) for row in rows} == {("0", "0")}
    for row, true in zip(rows, together[5], strict=True):
        assert abs(float(row["quantile 0.5"]) - true) <= true / 128


def test_numbers_that_json_lacks_become_null(path: Path, tmp_path: Path) -> None:
    cell = {"keep": 1.0}
    b = Block(id=task_id("sleep", cell, 0), kind="sleep", cell=cell, number=0)
    with Store.open(path, write=True) as store:
        store.register("diverged", {}, [b])
        store.add([Outcome(id=b.id, status="done", moments={"energy": Moments.of([np.inf])})])
    assert run("query", path, "--where", "keep=1", "--quantity", "energy", "--json", tmp_path / "x.json") == 0
    (row,) = json.loads((tmp_path / "x.json").read_text())
    assert (row["mean"], row["standard_error"], row["n"]) == (None, None, 1)
    with pytest.raises(BadInput, match="no cell with keep = true"):  # true is not 1
        query_command(path, ["keep=true"])


def test_alternatives_and_conjunctions(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for where, count in ((["keep=0.25", "keep=0.5"], 2), (["keep=0.25", "noise.skew=2"], 1), ([], 2)):
        query_command(path, where)
        assert f"cells: {count}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("where", "error", "said"),
    [
        ("kep=0.5", UnknownName, "no key 'kep'; did you mean 'keep'"),
        ("keep=0.3", BadInput, "no cell with keep = 0.3; there are 0.25, 0.5"),
        ("keep", BadInput, "must be KEY=VALUE, found 'keep'"),
        ("=1", BadInput, "must be KEY=VALUE"),
    ],
)
def test_conditions_that_make_no_sense(path: Path, where: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        query_command(path, [where])


def test_other_refusals(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="no quantity 'engery'; did you mean 'energy'"):
        query_command(path, quantities=["engery"])
    for text in ("0.5,x", "1.5", "nan"):
        with pytest.raises(BadInput, match="--quantiles must be numbers from 0 to 1"):
            query_command(path, quantities=["energy"], quantiles=text)
    with pytest.raises(StoreError, match="no store"):
        run("status", tmp_path / "none.sqlite")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match="needs the extra 'analysis', found no package 'pyarrow"):
        run("export", path, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_export_writes_what_query_says(path: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out"
    for _ in range(2):  # a second export replaces the first
        assert run("export", path, "--out", out, "--quantiles", "0.5") == 0
    assert sorted(p.name for p in out.iterdir()) == ["blocks.parquet", "cells.parquet", "curves.parquet"]
    cells, curves, ended = (parquet.read_table(out / f"{n}.parquet").to_pylist() for n in ("cells", "curves", "blocks"))
    assert [(r["keep"], r["noise.name"], r["noise.skew"], r["done"]) for r in cells] == [
        (0.25, "skewed", 2.0, 3),
        (0.5, "skewed", 2.0, 3),
    ]
    target = tmp_path / "x.json"
    assert run("query", path, "--quantity", "energy", "--quantiles", "0.5", "--json", target) == 0
    assert curves == json.loads(target.read_text())
    assert [r["status"] for r in ended].count("failed") == 1
    assert json.loads(ended[0]["summary"]) == {"replicates": 4, "worst": None}
    assert ended[-1]["error"] == "Traceback\nValueError: no [such] noise"


def test_export_takes_settings_of_several_types(path: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    settings = {"keep": [0.5, 0.25], "kind": "x", "big": 2**70, "many": 3, "on": True}
    with Store.open(path, write=True) as store:
        store.register("odd", {}, [Block(id=task_id("sleep", settings, 0), kind="sleep", cell=settings, number=0)])
    assert run("export", path, "--out", tmp_path) == 0
    rows = parquet.read_table(tmp_path / "cells.parquet").to_pylist()
    assert [row["keep"] for row in rows] == ["0.25", "0.5", "[0.5,0.25]"]
    found = {name: rows[2][name] for name in ("kind", "cell.kind", "big", "many", "on", "noise.name")}
    assert found == {"kind": "sleep", "cell.kind": "x", "big": str(2**70), "many": 3, "on": True, "noise.name": None}


def test_configurations_are_flat() -> None:
    assert flat({"a": {"b": {"c": 1}}, "d": {}, "e": [{"f": 2}]}) == {"a.b.c": 1, "d": {}, "e": [{"f": 2}]}


@pytest.mark.slow
def test_ten_thousand_blocks_answer_a_mean_curve_query_in_a_second(tmp_path: Path) -> None:
    path, columns, count = tmp_path / "large.sqlite", 32, 10_000
    rows = np.random.default_rng(1).lognormal(size=(64, columns))
    moments, cell = Moments.of(rows), {"keep": 0.25}
    asked = [Block(id=task_id("sleep", cell, n), kind="sleep", cell=cell, number=n) for n in range(count)]
    with Store.open(path, write=True) as store:
        store.register("large", {}, asked)
        for first in range(0, count, 250):
            some = asked[first : first + 250]
            store.add(
                [Outcome(id=b.id, status="done", moments={q: moments for q in ("energy", "average")}) for b in some]
            )
    took = []
    for _ in range(3):
        began = time.perf_counter()
        with Store.open(path) as store, store.snapshot():
            found = store.mean_curve(store.cell("sleep", cell), "energy")
        took.append(time.perf_counter() - began)
        assert found is not None
        assert found.n.tolist() == [64 * count] * columns
    assert min(took) < 1.0
