"""Figures: drawn from small data, the same bytes every time, legible, and with their provenance."""

import csv
import hashlib
import io
import json
import os
import re
import struct
import subprocess
import sys
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from paper_figs import style
from paper_figs.building import build
from paper_figs.figure import Figure
from paper_figs.figures import (
    AMSS_FLOOR,
    BOUND_VS_MEASUREMENT,
    COMPARISON,
    FIGURES,
    HTAD,
)
from paper_figs.reading import BadData, gather
from paper_figs.rendering import SUFFIXES, drawn, lay_out
from tests.paper_figs.drawn_samples import complete
from tests.paper_figs.samples import RECORDED, bound, everything, oracle, plant, skewed, train
from theory.claims import CLAIMS


@dataclass(frozen=True)
class Shown:
    """A text as it was drawn: its place and the size of its canvas, in dots."""

    text: str
    box: Bbox
    canvas: tuple[float, float]
    points: float


@dataclass(frozen=True)
class Twice:
    """A figure built twice from the same results: suffix -> content."""

    figure: Figure
    results: Path
    first: dict[str, bytes]
    second: dict[str, bytes]

    @property
    def note(self) -> dict[str, Any]:
        """The sidecar."""
        note: dict[str, Any] = json.loads(self.first["json"])
        return note


def built(figure: Figure, results: Path, out: Path) -> dict[str, bytes]:
    out.mkdir()
    build(figure, results, out, "abc", copies=results / "none")
    assert all(path.stem == figure.name for path in out.iterdir())
    return {path.suffix[1:]: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("results")
    plant(results, complete())
    return results


EVERY_TIME = (AMSS_FLOOR, COMPARISON)
"""Built in the default tier, the others in the slow one: the code that writes files is the same for all."""

BUILT = [pytest.param(figure, marks=() if figure in EVERY_TIME else pytest.mark.slow) for figure in FIGURES]


@pytest.fixture(scope="module", params=BUILT, ids=lambda figure: figure.name)
def twice(request: pytest.FixtureRequest, planted: Path) -> Twice:
    figure = request.param
    first, second = (built(figure, planted, planted / f"{figure.name} {number}") for number in (1, 2))
    return Twice(figure, planted, first, second)


@pytest.fixture(scope="module", params=FIGURES, ids=lambda figure: figure.name)
def texts(request: pytest.FixtureRequest, planted: Path) -> list[Shown]:
    """The texts of a figure as they stand in its raster picture."""
    found: list[Shown] = []
    original = Text.draw

    def draw(self: Text, renderer: Any) -> None:
        if self.get_visible() and self.get_text():
            canvas = self.get_figure(root=True)
            assert canvas is not None
            width, height = canvas.get_size_inches() * canvas.dpi
            size = float(self.get_fontsize())
            found.append(Shown(self.get_text(), self.get_window_extent(renderer), (width, height), size))
        original(self, renderer)

    with pytest.MonkeyPatch.context() as patch, style.applied():
        patch.setattr(Text, "draw", draw)
        figure = request.param
        canvas = drawn(figure, figure.read(planted, planted / "none"))
        canvas.savefig(io.BytesIO(), format="png", dpi=style.DPI)
    return found


def test_a_second_build_gives_the_same_bytes(twice: Twice) -> None:
    assert set(twice.first) == {"json", *SUFFIXES}
    assert twice.first == twice.second


def test_places_do_not_hang_on_the_last_bits_of_the_layout(planted: Path) -> None:
    with style.applied():
        canvas = drawn(COMPARISON, COMPARISON.read(planted, planted / "none"))
        lay_out(canvas)
    bounds = [axes.get_position(original=True).bounds for axes in canvas.axes]
    lengths = [length for place in bounds for length in place]
    assert len({place[:2] for place in bounds}) == 4
    # a box holds its two corners, so a width is a difference of two rounded numbers
    assert all(abs(length - round(length, 6)) <= 2.0**-52 for length in lengths)


@pytest.mark.slow
def test_another_process_draws_the_same_bytes(planted: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "paper_figs", "build", "training_curves", "phase_diagram"]
        command += ["--results", str(planted), "--out", str(tmp_path / seed)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes(), path.name


def test_every_text_is_legible_and_inside(texts: list[Shown]) -> None:
    assert len(texts) > 20
    for shown in texts:
        assert shown.points >= style.SMALLEST
        assert shown.box.x0 >= -1 and shown.box.y0 >= -1, shown.text
        assert shown.box.x1 <= shown.canvas[0] + 1 and shown.box.y1 <= shown.canvas[1] + 1, shown.text


def test_no_text_lies_on_another(texts: list[Shown]) -> None:
    places = {(item.text, item.box.x0, item.box.y0): item for item in texts}
    for one, other in combinations(places.values(), 2):
        width = min(one.box.x1, other.box.x1) - max(one.box.x0, other.box.x0)
        height = min(one.box.y1, other.box.y1) - max(one.box.y0, other.box.y0)
        assert min(width, height) <= 2, (one.text, other.text)


def test_axes_name_what_they_show(planted: Path) -> None:
    for figure in EVERY_TIME:
        with style.applied():
            canvas = drawn(figure, figure.read(planted, planted / "none"))
        assert all(panel.get_xlabel() for panel in canvas.axes)
        assert any(panel.get_ylabel() or panel.get_yticklabels() for panel in canvas.axes)


def test_the_numbers_are_those_of_the_data(twice: Twice) -> None:
    rows = list(csv.DictReader(io.StringIO(twice.first["csv"].decode())))
    assert {row["run"] for row in rows} == {"results"}
    assert {row["kind"] for row in rows} <= {"line", "points", "interval", "band", "segment", "cell", "contour", "bar"}
    assert all(row["panel"] for row in rows)
    if twice.figure is COMPARISON:
        (row,) = [
            row
            for row in rows
            if (row["panel"], row["series"], row["kind"], row["y_tick"]) == ("(c) mfeat", "AMSS+", "interval", "AMSS+")
        ]
        assert [float(row[key]) for key in ("x", "low", "high")] == [0.03, 0.01, 0.05]


def test_captions_are_written_for_latex_and_markdown(twice: Twice) -> None:
    name, tex, markdown = twice.figure.name, twice.first["tex"].decode(), twice.first["md"].decode()
    assert rf"\includegraphics[width=\textwidth]{{{name}.pdf}}" in tex
    assert rf"\label{{fig:{name}}}" in tex
    for part in tex.split("$")[0::2]:
        assert not re.search(r"(?<!\\)[%&#_]", part.replace(f"{name}.pdf", "").replace(f"fig:{name}", "")), part
    assert markdown.startswith("![")
    assert f"]({name}.png)\n" in markdown
    assert tex.count("$") % 2 == markdown.count("$") % 2 == 0


def test_what_is_missing_is_named_with_its_command(tmp_path: Path) -> None:
    plant(tmp_path, {"compare/htad.json": complete()["compare/htad.json"]})
    build(COMPARISON, tmp_path, tmp_path, None, copies=tmp_path / "none")
    note = json.loads((tmp_path / "comparison.json").read_text())
    assert [item["file"] for item in note["missing"]] == [
        f"compare/{x}.json" for x in ("smartwatch", "mfeat", "imbalanced")
    ]
    assert "Not there: compare/mfeat.json, made by python -m simulations compare mfeat." in note["caption"]


def test_files_carry_no_date_and_no_program(twice: Twice) -> None:
    assert twice.first["pdf"].startswith(b"%PDF")
    assert b"Date" not in twice.first["pdf"]
    parts = chunks(twice.first["png"])
    assert {kind for kind, _ in parts} <= {b"IHDR", b"pHYs", b"IDAT", b"IEND"}
    size = struct.unpack(">II", dict(parts)[b"IHDR"][:8])
    _, inches = twice.figure.layout(twice.figure.read(twice.results, twice.results / "none"))
    assert size == tuple(round(200 * length) for length in inches)


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += length + 12
    return found


def test_the_sidecar_is_complete(twice: Twice) -> None:
    note, figure = twice.note, twice.figure
    assert (note["figure"], note["title"], note["claims"]) == (figure.name, figure.title, list(figure.claims))
    assert note["commit"] == "abc"
    assert note["recorded"] is False
    assert note["caption"]
    assert note["alt"]
    assert note["configuration"]
    assert {"python", "matplotlib", "numpy", "torch"} <= set(note["versions"])
    assert [source["file"] for source in note["sources"]] == [source.file for source in figure.sources]
    for source in note["sources"]:
        assert source["sha256"] == hashlib.sha256((twice.results / source["file"]).read_bytes()).hexdigest()
        assert source["from"] == "results"
        assert source["command"].startswith("python -m simulations ")


def test_provenance_says_which_runs_and_seeds(tmp_path: Path) -> None:
    plant(tmp_path, everything())
    bounds, trained = (
        figure.configuration(gather(figure.sources, tmp_path, tmp_path / "none"))
        for figure in (BOUND_VS_MEASUREMENT, HTAD)
    )
    assert bounds["nonconvex-bound"]["seed"] == 3
    assert len(bounds["nonconvex-bound"]["runs"]) == 13
    assert bounds["quadratic-oracle"]["runs"][0]["replicates"] == 64
    assert trained["seeds"] == [0, 1, 2]
    assert trained["settings"] == {"epochs": 4, "lr": 0.01}


def test_recorded_data_is_marked(tmp_path: Path) -> None:
    plant(tmp_path, {AMSS_FLOOR.sources[0].file: {"recorded": RECORDED, **skewed()}})
    build(AMSS_FLOOR, tmp_path / "none", tmp_path, None, copies=tmp_path)
    note = json.loads((tmp_path / "amss_floor.json").read_text())
    assert note["recorded"] is True
    assert note["sources"][0]["from"] == "paper_figs/data"
    assert note["sources"][0]["recorded"] == RECORDED
    assert note["caption"].endswith(f"Recorded: 2026-01-02, commit {RECORDED['commit']}.")
    with style.applied():
        canvas = drawn(AMSS_FLOOR, gather(AMSS_FLOOR.sources, tmp_path / "none", tmp_path))
    assert [text.get_text() for text in canvas.texts] == ["recorded 2026-01-02, commit 0123456789"]


def test_a_changed_checkout_stays_visible_in_the_short_mark(tmp_path: Path) -> None:
    note = {"commit": RECORDED["commit"] + "-dirty", "date": "2026-01-02"}
    plant(tmp_path, {AMSS_FLOOR.sources[0].file: {"recorded": note, **skewed()}})
    with style.applied():
        canvas = drawn(AMSS_FLOOR, gather(AMSS_FLOOR.sources, tmp_path / "none", tmp_path))
    assert [text.get_text() for text in canvas.texts] == ["recorded 2026-01-02, commit 0123456789-dirty"]


@pytest.mark.parametrize(
    ("figure", "files", "finding"),
    [
        (
            BOUND_VS_MEASUREMENT,
            {
                "experiments/nonconvex-bound.json": {
                    **bound(),
                    "runs": [run for run in bound()["runs"] if run["stepsize"] < 0.2],
                }
            },
            "3 stepsizes for Gaussian noise, found 2",
        ),
        (
            BOUND_VS_MEASUREMENT,
            {"experiments/quadratic-oracle.json": {**oracle(), "runs": oracle()["runs"][1:]}},
            "4 runs",
        ),
        (
            BOUND_VS_MEASUREMENT,
            {"experiments/nonconvex-bound.json": oracle()},
            "3 stepsizes for Gaussian noise, found 0",
        ),
        (AMSS_FLOOR, {"experiments/skewed-noise-wrong-point.json": skewed(["sgd"])}, "needs runs of amss"),
        (AMSS_FLOOR, {"experiments/skewed-noise-wrong-point.json": skewed(["amss", "x"])}, "no look for method 'x'"),
        (
            HTAD,
            {"train/htad.json": {**train(), "data": {**train()["data"], "features": {"audio": [1]}}}},
            "two modalities",
        ),
    ],
    ids=range(6),
)
def test_data_of_another_shape_is_refused(figure: Figure, files: dict[str, Any], finding: str, tmp_path: Path) -> None:
    plant(tmp_path, {**everything(), **files})
    with pytest.raises(BadData, match=f"^{figure.name} cannot be drawn from .*{finding}"):
        build(figure, tmp_path, tmp_path, None, copies=tmp_path / "none")


def test_claims_of_figures_exist() -> None:
    shown = {claim for figure in FIGURES for claim in figure.claims}
    assert shown <= {claim.id for claim in CLAIMS}
    assert {"nonconvex-bound", "quadratic-oracle", "skewed-noise-wrong-point"} <= shown
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)


def test_a_figure_that_raises_is_told_as_bad_data(tmp_path: Path) -> None:
    def broken(panels: Any, data: Any) -> None:
        raise ValueError("cannot be shown")

    with pytest.raises(BadData, match="cannot be shown"):
        build(replace(FIGURES[0], draw=broken), tmp_path, tmp_path, None)
    assert list(tmp_path.iterdir()) == []
