"""Several runs in one figure: the further ones over the first, each under its own name."""

import csv
import io
import json
from pathlib import Path

import pytest

from paper_figs import style
from paper_figs.building import build
from paper_figs.figure import Figure
from paper_figs.figures import BOUND_VS_MEASUREMENT, COMPARISON, FIGURES, TRAINING_CURVES
from paper_figs.reading import Data, gather
from paper_figs.rendering import drawn
from tests.paper_figs.drawn_samples import compared, complete
from tests.paper_figs.samples import everything, oracle, plant, train


def test_a_second_run_is_drawn_over_the_first(tmp_path: Path) -> None:
    plant(tmp_path / "one", {"train/htad.json": train(3)})
    plant(tmp_path / "two", {"train/htad.json": train(2, epochs=6)})
    folders = [tmp_path / "one", tmp_path / "two"]
    data = gather(TRAINING_CURVES.sources, folders, tmp_path / "none")
    with style.applied():
        canvas = drawn(TRAINING_CURVES, data)
        alone = drawn(TRAINING_CURVES, gather(TRAINING_CURVES.sources, folders[:1]))
    curves = {line.get_linestyle() for line in canvas.axes[0].lines}
    assert curves == {"-", style.OVERLAY_LINES[0]}
    assert len(canvas.axes[0].lines) == 2 * len(alone.axes[0].lines)
    assert canvas.axes[0].get_xlim()[1] > alone.axes[0].get_xlim()[1]
    assert [text.get_text() for text in canvas.texts] == [f"filled: {folders[0]}; hollow, dashed: {folders[1]}"]
    build(TRAINING_CURVES, folders, tmp_path, None, copies=tmp_path / "none")
    rows = csv.DictReader(io.StringIO((tmp_path / "training_curves.csv").read_text()))
    assert {row["run"] for row in rows} == {str(folder) for folder in folders}


@pytest.mark.slow
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_every_figure_overlays_runs(figure: Figure, tmp_path: Path) -> None:
    plant(tmp_path, complete())
    data = figure.read(tmp_path)
    twofold = Data({source.file: [data[source]] for source in figure.sources}, overlays=[data])
    with style.applied():
        canvas = drawn(figure, twofold)
        alone = drawn(figure, data)
    assert len(canvas.axes) == len(alone.axes)
    assert sum(len(panel.texts) for panel in canvas.axes) == sum(len(panel.texts) for panel in alone.axes)
    assert [panel.get_legend() is None for panel in canvas.axes] == [panel.get_legend() is None for panel in alone.axes]


def test_a_comparison_takes_any_data_set_and_draws_once_what_a_second_run_lacks(tmp_path: Path) -> None:
    names = ("htad", "mine", *(f"set {number}" for number in range(4)))
    plant(tmp_path / "one", {f"compare/{name}.json": compared(name) for name in names})
    other = compared("htad")
    other["paired"]["differences"]["theirs.py:Method"] = other["paired"]["differences"].pop("uniform")
    plant(tmp_path / "two", {"compare/htad.json": other})
    folders = [tmp_path / "one", tmp_path / "two"]
    data = COMPARISON.read(folders, tmp_path / "none")
    with style.applied():
        canvas = drawn(COMPARISON, data)
    assert [panel.get_title("left") for panel in canvas.axes if panel.axison] == [
        f"({letter}) {name}" for letter, name in zip("abcdef", names, strict=True)
    ]
    assert [len(panel.containers) for panel in canvas.axes] == [8, 4, 4, 4, 4, 4, 0, 0]
    ticks = [tick.get_text() for tick in canvas.axes[0].get_yticklabels()]
    assert ticks == ["uniform", "AMSS", "AMSS+", "my own.py:Method", "theirs.py:Method"]
    build(COMPARISON, folders, tmp_path, None, copies=tmp_path / "none")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "comparison.csv").read_text())))
    second = [row for row in rows if row["run"] == str(folders[1])]
    assert {row["panel"] for row in second} == {"(a) htad"}
    assert {row["y_tick"] for row in second if row["kind"] == "interval"} == {*ticks[1:]}
    note = json.loads((tmp_path / "comparison.json").read_text())
    assert f"Runs: filled: {folders[0]}; hollow, dashed: {folders[1]}." in note["caption"]


def test_a_second_run_without_a_file_does_not_show_that_of_the_first_as_its_own(tmp_path: Path) -> None:
    plant(tmp_path / "one", everything())
    plant(tmp_path / "two", {"experiments/quadratic-oracle.json": oracle(averages=0.9)})
    data = BOUND_VS_MEASUREMENT.read([tmp_path / "one", tmp_path / "two"], tmp_path / "none")
    with style.applied():
        canvas = drawn(BOUND_VS_MEASUREMENT, data)
        alone = drawn(BOUND_VS_MEASUREMENT, BOUND_VS_MEASUREMENT.read(tmp_path / "one", tmp_path / "none"))
    counts = [
        (len(panel.containers), len(first.containers)) for panel, first in zip(canvas.axes, alone.axes, strict=True)
    ]
    assert counts[:3] == [(2, 2)] * 3  # the bound, which the second run lacks
    assert counts[8:] == [(2, 1)] * 4  # the oracle
