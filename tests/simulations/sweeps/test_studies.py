"""Studies: cells, blocks, ids, and every way to mistype a file."""

from pathlib import Path
from typing import Any

import pytest

from amss_min.testing.loading import BadInput
from simulations.audit import UnknownName
from simulations.sweeps import studies
from simulations.sweeps.outcome import task_id
from simulations.sweeps.studies import SHIPPED, overridden, plan_of, read_plan
from tests.simulations.sweeps.numbers import SIMULATE, SLEEP


def changed(**settings: Any) -> dict[str, Any]:
    return {**SIMULATE, **settings}


def in_cell(**settings: Any) -> dict[str, Any]:
    return changed(cell={**SIMULATE["cell"], **settings})


def test_cells_are_the_grid_with_defaults_and_blocks_have_content_ids() -> None:
    plan = plan_of("x", SIMULATE)
    assert [(cell["method"], cell["stepsize"]) for cell in plan.cells] == [
        ("amss", 0.1),
        ("amss", 0.05),
        ("amss+", 0.1),
        ("amss+", 0.05),
    ]
    assert {cell["seed"] for cell in plan.cells} == {0}
    blocks = list(plan.blocks())
    assert len({block.id for block in blocks}) == len(blocks) == 8
    for block in blocks:
        assert block.id == task_id("simulate", block.cell, block.number)


def test_an_id_depends_on_the_content_alone() -> None:
    reordered = changed(
        axes=list(reversed(SIMULATE["axes"])), cell=dict(reversed(SIMULATE["cell"].items())), replicates=12
    )
    fewer = changed(axes=[{"method": ["amss+"]}, {"stepsize": [0.05]}])
    whole = {block.id for block in plan_of("x", SIMULATE).blocks()}
    assert whole < {block.id for block in plan_of("other", reordered).blocks()}
    assert {block.id for block in plan_of("x", fewer).blocks()} < whole
    explicit = in_cell(seed=0, optimiser="descent", start=1.0)
    assert {block.id for block in plan_of("x", explicit).blocks()} == whole
    assert not whole & {block.id for block in plan_of("x", in_cell(seed=1)).blocks()}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (in_cell(stepsize=-1) | {"axes": []}, "cell 1 of 1: setting stepsize: .* found -1"),
        (changed(axes=[{"stepsize": [0.1, -0.5]}]), r"cell 2 of 2 \(stepsize=-0.5\): setting stepsize: .* found -0.5"),
        (changed(axes=[{"stepsize": []}]), "axis 1, stepsize: at least one value is needed"),
        (changed(axes=[{"stepsize": [0.1], "keep": [0.5, 1]}]), "need as many values each"),
        (changed(axes=[{"stepsize": [0.1, 0.1]}]), "cell 2 of 2 .*: every cell must be there once, found it as cell 1"),
        (changed(axes=[{"stepsize": [1, 1.0]}]), "every cell must be there once"),
        (changed(axes=[{"stepsize": [0.1]}, {"stepsize": [0.2]}]), "a path belongs to one axis, found stepsize in two"),
        (changed(axes=[{"seed": list(range(1000))}] * 1 + [{"start": [1.0 + i for i in range(101)]}]), "1000 x 101"),
        (changed(replicates=6), "replicates must be a multiple of block, found 6 and block = 4"),
        (changed(replicates=0), "setting replicates: .* found 0"),
        (in_cell(horizon=3), "either horizon or checkpoints must be given, found both"),
        (in_cell(checkpoints=[2, 1]), "checkpoints must increase"),
        (in_cell(keep=[0.5, 2.0]), "setting keep"),
        ({**SLEEP, "cell": {"seconds": -1}}, "setting seconds"),
    ],
)
def test_an_impossible_study_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        plan_of("x", values)


def test_too_many_blocks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "MOST_BLOCKS", 7)
    with pytest.raises(BadInput, match="at most 7 blocks, found 8: split it"):
        plan_of("x", SIMULATE)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (changed(replicate=8), "did you mean 'replicates'"),
        (changed(kind="simulat"), "did you mean 'simulate'"),
        (in_cell(stepsiz=0.1), "did you mean 'stepsize'"),
        (changed(axes=[{"stepsizes": [0.1]}]), "did you mean 'stepsize'"),
        (changed(axes=[{"method": ["ams"]}]), "did you mean 'amss'"),
        (in_cell(noise={"name": "skewed", "totl": 1}), "did you mean 'total'"),
    ],
)
def test_a_mistyped_name_is_refused_with_the_close_ones(values: dict[str, Any], told: str) -> None:
    with pytest.raises(UnknownName, match=told):
        plan_of("x", values)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "there.toml").write_text("kind = ")
    with pytest.raises(BadInput, match=r"no study .*; there is there.toml"):
        read_plan(str(tmp_path / "their.toml"))
    with pytest.raises(BadInput, match="cannot read the study"):
        read_plan(str(tmp_path / "there.toml"))
    with pytest.raises(UnknownName, match="no study 'phase-diagramm'; did you mean 'phase-diagram'"):
        read_plan("phase-diagramm")


def test_overrides_reach_everything() -> None:
    values = overridden(SIMULATE, ["cell.objective.spectrum.0=9", "replicates=4", "axes.0.method=['sgd']"])
    assert values["cell"]["objective"]["spectrum"] == [9, 4, 1, 1]
    assert [cell["method"] for cell in plan_of("x", values).cells] == ["sgd", "sgd"]
    with pytest.raises(BadInput, match="--set must be PATH=VALUE"):
        overridden(SIMULATE, ["replicates"])


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.toml")))
def test_shipped_studies_can_be_planned(name: str) -> None:
    plan = read_plan(name)
    assert plan.study.about
    assert sum(plan.counts) >= len(plan.cells) > 1
