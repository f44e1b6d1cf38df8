"""What the figures of stored results are drawn from, and what they refuse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paper_figs.audited import AUDIT, DRAWN, SOLVED, abridged
from paper_figs.figures import comparison, diagnosis, divergence, momentum, phase_diagram, rate_bounds, speed
from paper_figs.figures import training_curves as curves
from paper_figs.figures import worst_case as worst
from paper_figs.reading import gather
from paper_figs.records import Audit, EngineBench, Experiment, Phase, StepBench, Train
from tests.paper_figs import drawn_samples as samples
from tests.paper_figs.samples import plant, train
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


def test_a_diagnosis_is_a_series_of_what_could_be_told() -> None:
    run = Train.model_validate(samples.diagnosed()).runs[0]
    what = diagnosis.QUANTITIES["allowed step"][1]
    assert diagnosis.series(run, None, what) == [(1, (0.5, 0.0)), (2, (0.5, 0.0))]
    assert diagnosis.series(run, "frozen", what) == []


def test_compared_methods_have_one_order_and_strangers_come_last(tmp_path: Path) -> None:
    plant(tmp_path, {"compare/mfeat.json": samples.compared("mfeat")})
    data = gather(comparison.COMPARED, tmp_path, tmp_path / "none", least=1)
    assert comparison.methods(data) == ["uniform", "amss", "amss+", "my own.py:Method"]


def test_histories_without_a_quantity_are_refused() -> None:
    values: dict[str, Any] = train()
    assert curves.curves(Train.model_validate(values), "amss", "information_rate", "audio").shape == (3, 4)
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
