"""What the figures of stored results are drawn from, and what they refuse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paper_figs import style
from paper_figs.audited import AUDIT, DRAWN, SOLVED, abridged
from paper_figs.figures import comparison, diagnosis, divergence, momentum, phase_diagram, rate_bounds, speed
from paper_figs.figures import training_curves as curves
from paper_figs.figures import worst_case as worst
from paper_figs.reading import gather
from paper_figs.records import Audit, EngineBench, Experiment, Phase, StepBench, Train
from paper_figs.rendering import drawn
from tests.paper_figs import drawn_samples as samples
from tests.paper_figs.samples import RECORDED, plant, train
from theory.divergence import STEEP


def test_a_copy_of_verdicts_keeps_what_is_drawn_and_nothing_else(tmp_path: Path) -> None:
    kept = Audit.model_validate(abridged(samples.audit()))
    assert {verdict.id for verdict in kept.verdicts} == set(DRAWN)
    assert AUDIT.length(kept) == len(DRAWN)
    plant(tmp_path, {AUDIT.file: samples.audit()})
    data = gather([AUDIT], tmp_path, tmp_path / "none")
    assert len(worst.pairs(data)) == 2 * len(SOLVED)
    rows = kept.evidence(SOLVED[0])[0].details["rows"]
    assert rows["n = 2, T = 1"]["solver"] - 2 == pytest.approx(2e-9, rel=1e-6)  # not rounded away
    assert [rate_bounds.method(item) for item in rate_bounds.curves(kept, "pl-linear-bound")] == ["amss+", "uniform-ht"]


def test_an_audit_without_a_solver_is_drawn_beside_recorded_worst_cases(tmp_path: Path) -> None:
    fresh = [verdict for verdict in samples.audit() if verdict["id"] not in SOLVED]
    plant(tmp_path / "results", {AUDIT.file: fresh})
    plant(tmp_path / "copies", {AUDIT.file: {"recorded": RECORDED, **abridged(samples.audit())}})
    places = {
        figure.name: next(item["from"] for item in figure.read(tmp_path / "results", tmp_path / "copies").as_json())
        for figure in (rate_bounds.FIGURE, worst.FIGURE)
    }
    assert places == {"rate_bounds": "results", "worst_case": "paper_figs/data"}


def test_the_place_of_a_mask_is_read_off_its_recursion() -> None:
    runs = Experiment.model_validate(samples.averaged()).runs
    assert [momentum.place(run) for run in runs] == ["no mask", "before", "after"]
    other = runs[1].model_copy(update={"theory": {"energy": [1.0, 2.0]}})
    with pytest.raises(ValueError, match="must follow the recursion"):
        momentum.place(other)


def test_runs_with_unbounded_noise_are_read() -> None:
    run = Experiment.model_validate(samples.diverging()).runs[0]
    assert np.isnan(run.sigma2)
    assert divergence.exponent(run) == 2.0
    assert divergence.start(STEEP) == pytest.approx(3 * (11 / 3) ** 2, rel=2.0**-50)


def test_phase_points_stand_in_their_cells() -> None:
    phase = Phase.model_validate(samples.phase())
    groups = phase_diagram.by_imbalance(phase)
    assert list(groups) == [1.0, 16.0]
    skews, keeps, table = phase_diagram.grid(groups[16.0], "log_ratio")
    assert (skews, keeps) == ([0.02, 0.1, 0.5], [0.25, 0.5, 0.75])
    assert np.isnan(table[0, 2])
    assert table[1, 2] == -1.0
    close = phase.points[0].model_copy(update={"imbalance": 1 + 1e-12})
    assert len(phase_diagram.by_imbalance(phase.model_copy(update={"points": [*phase.points, close]}))) == 2


def test_diverging_points_have_no_colour_and_are_counted(tmp_path: Path) -> None:
    values = samples.phase()
    found = {(p["imbalance"], p["keep"][0], p["p"]): p for p in values["points"]}
    found[1.0, 0.5, 0.02]["log_ratio"] = -90.0
    found[1.0, 0.25, 0.02].update(log_ratio=-30.0, predicted_log_ratio=None)
    plant(tmp_path, {phase_diagram.POINTS.file: values})
    data = phase_diagram.FIGURE.read(tmp_path, tmp_path / "none")
    caption = phase_diagram.FIGURE.caption(data)
    # of 18 points, 3 have no colour; 1 - 4 p is below 0 at p = 0.5, in 6 points of which one has no finite ratio
    assert "18 points, each with a cell of AMSS and one of AMSS+ (36 cells, 64 replicates a cell" in caption
    assert "closer at 5 of the 15 coloured points" in caption
    assert "Grey: 2 points, AMSS+ diverges" in caption
    assert "1 points, no finite ratio" in caption
    assert "measured side of 1 at 15 of" in caption
    with style.applied():
        canvas = drawn(phase_diagram.FIGURE, data)
    (mesh,) = canvas.axes[0].collections[:1]
    assert np.ma.getmaskarray(mesh.get_array()).reshape(3, 3).tolist() == [[True, False, False]] * 2 + [[False] * 3]


def test_a_diagnosis_is_a_series_of_what_could_be_told() -> None:
    run = Train.model_validate(samples.diagnosed()).runs[0]
    what = diagnosis.QUANTITIES["allowed step"][1]
    assert diagnosis.series(run, None, what) == [(1, (0.5, 0.0)), (2, (0.5, 0.0))]
    assert diagnosis.series(run, "frozen", what) == []


def test_compared_methods_have_one_order_and_strangers_come_last(tmp_path: Path) -> None:
    plant(tmp_path, {"compare/mfeat.json": samples.compared("mfeat")})
    data = gather(comparison.COMPARED, tmp_path, tmp_path / "none", least=1)
    assert comparison.methods(data) == ["uniform", "amss", "amss+", "my own.py:Method"]


def test_histories_without_a_quantity_or_of_uneven_length_are_refused() -> None:
    values: dict[str, Any] = train()
    assert curves.curves(Train.model_validate(values), "amss", "information_rate", "audio").shape == (3, 4)
    uneven = train()
    uneven["runs"][0]["history"] = {"keep": {name: [0.5] for name in ("audio", "accelerometer")}}
    with pytest.raises(ValueError, match="the same number of epochs"):
        curves.curves(Train.model_validate(uneven), "joint", "keep", "audio")
    for run in values["runs"]:
        del run["history"]["information_rate"]
    with pytest.raises(ValueError, match="must hold 'information_rate' of audio"):
        curves.curves(Train.model_validate(values), "amss", "information_rate", "audio")


def test_speeds_are_relative_to_the_limit_of_the_same_repeat() -> None:
    engine = EngineBench.model_validate(samples.engine_bench())
    assert speed.relative(engine, "float64")["engine, SGD"] == 2.0
    step = StepBench.model_validate(samples.step_bench())
    assert speed.ratios(step)["fast path"].tolist() == [2.0, 3.0]
    with pytest.raises(ValueError, match="must hold the way"):
        speed.relative(engine.model_copy(update={"seconds": {}}), "float64")
