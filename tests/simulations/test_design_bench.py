"""The benchmark of designs: every design, its growth, and the command."""

import json
from pathlib import Path

import pytest

from amss_min import designs
from amss_min.designs import Poisson, Systematic, TopK
from simulations import design_bench
from simulations.__main__ import main

LIMITS = ((TopK(), 40), (Systematic(), 20), (Poisson(), 40))


def test_every_design_is_timed() -> None:
    timed = {type(design).__name__ for design, _ in design_bench.LIMITS}
    assert timed == {name for name in designs.__all__ if name[0].isupper()} - {"Design", "Draw"}


def test_a_design_stops_at_its_limit_and_growth_is_a_ratio_of_neighbours() -> None:
    calls = []
    bench = design_bench.run_design_bench(2, sizes=(10, 20, 40), limits=LIMITS, done=lambda: calls.append(1))
    assert {name: len(times) for name, times in bench.seconds.items()} == {
        "TopK()": 3,
        "Systematic()": 2,
        "Poisson()": 3,
    }
    assert len(calls) == design_bench.cells((10, 20, 40), LIMITS) == 8
    assert all(seconds > 0 for times in bench.seconds.values() for seconds in times)
    first, second, third = bench.seconds["TopK()"]
    assert bench.growth("TopK()") == [second / first, third / second]
    assert len(bench.growth("Systematic()")) == 1
    assert bench.table().row_count == 3


def test_repeats_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="repeats must be at least 1, found repeats=0"):
        design_bench.run_design_bench(0)


def test_the_command_prints_a_row_a_design_and_writes_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = design_bench.run_design_bench(1, sizes=(10, 20), limits=LIMITS)
    monkeypatch.setattr(design_bench, "run_design_bench", lambda repeats, done: quick)
    assert main(["bench", "--designs", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "Systematic()" in out and "n = 20" in out and "written:" in out
    record = json.loads((tmp_path / design_bench.FILE).read_text(encoding="utf-8"))
    assert record["sizes"] == [10, 20] and len(record["growth"]["Poisson()"]) == 1
