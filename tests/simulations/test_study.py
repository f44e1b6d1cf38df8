"""Studies: the grid that a file describes, what is refused, and what a run of it writes."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from amss_min.testing.loading import BadInput
from simulations.__main__ import main
from simulations.audit import UnknownName
from simulations.objectives import BlockCosine
from simulations.optimisers import Momentum
from simulations.study import overridden, read_study, study_of
from theory.bounds import sharp_bound

SMALL: dict[str, Any] = {
    "objective": {"name": "isotropic-quadratic", "n": 4},
    "noise": "gaussian",
    "methods": ["amss+", "amss"],
    "stepsizes": [0.1, 0.2],
    "keep": 0.5,
    "horizon": 8,
    "replicates": 3,
}
ONE = ["--objective", "isotropic-quadratic", "--noise", "gaussian", "--method", "amss+", "--stepsize", "0.1"]
DOCS = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()


def changed(**settings: Any) -> dict[str, Any]:
    return {key: value for key, value in {**SMALL, **settings}.items() if value is not None}


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "Traceback" not in err
    return err.strip()


def test_the_grid_is_the_product_in_order() -> None:
    study = study_of(changed(optimiser=["descent", {"name": "momentum", "beta": 0.5}], keep=[0.5, 1.0]))
    cells = study.cells("name")
    assert len(cells) == 2 * 2 * 2 * 2
    assert [cell.method.name for cell in cells] == ["amss+"] * 8 + ["amss"] * 8
    assert [cell.keep for cell in cells[:4]] == [0.5, 1.0, 0.5, 1.0]
    assert [cell.optimiser for cell in cells[:8]] == [None] * 4 + [Momentum(0.5)] * 4
    assert {cell.experiment for cell in cells} == {"name"}


@pytest.mark.parametrize(("horizon", "steps"), [(512, (8, 32, 128, 512)), (8, (1, 2, 8)), (1, (1,))])
def test_a_horizon_has_its_checkpoints(horizon: int, steps: tuple[int, ...]) -> None:
    assert study_of(changed(horizon=horizon)).steps == steps


def test_keep_takes_fractions_by_modality() -> None:
    objective = {"name": "block-cosine", "n": 4}
    cells = study_of(changed(objective=objective, keep=[[0.25, 1.0], 0.5])).cells("x")
    assert [cell.keep for cell in cells[:2]] == [(0.25, 1.0), 0.5]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"horizon": None}, "either horizon or checkpoints must be given, found none"),
        ({"checkpoints": [1, 2]}, "found both"),
        ({"horizon": None, "checkpoints": [2, 1]}, "checkpoints must increase"),
        ({"methods": []}, "at least one is needed"),
        ({"stepsizes": -1}, "setting stepsizes.0: .* found -1"),
        ({"keep": 3}, "setting keep.0: .* found 3"),
        ({"start": [1.0, 2.0]}, "run 1 of 4, .*: the start must have the objective's d = 4"),
        ({"keep": [[0.5, 0.5]]}, "keep must give a fraction"),
        ({"stepsizes": [0.001 * k for k in range(1, 152)]}, "at most 200 runs, found 1 x 1 x 2 x 1 x 151 x 1 = 302"),
        ({"replicates": 10**6, "horizon": 512, "objective": {"name": "isotropic-quadratic", "n": 64}}, "at most"),
        ({"seed": -1}, "setting seed"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told) as caught:
        study_of(changed(**settings)).cells("x")
    assert "\n" not in str(caught.value)


def test_an_unknown_setting_is_answered_with_the_close_ones() -> None:
    with pytest.raises(UnknownName, match="no setting 'nois'; did you mean 'noise'"):
        study_of(changed(nois="gaussian"))


def test_overrides_reach_settings_and_parameters() -> None:
    found = overridden(SMALL, ["objective.n=6", "method=amss", "replicates=9", "optimiser.beta=0.5"])
    assert found["objective"] == {"name": "isotropic-quadratic", "n": 6}
    assert (found["methods"], found["replicates"]) == ("amss", 9)
    assert found["optimiser"] == {"name": "descent", "beta": 0.5}


@pytest.mark.parametrize("override", ["keep", "=3", "method.design=pivotal", "horizon.x=3", "objective.=3"])
def test_an_override_of_another_form_is_refused(override: str) -> None:
    with pytest.raises(BadInput, match=r"--set"):
        overridden(SMALL, [override])


@pytest.mark.parametrize(
    ("text", "told"), [("objective = ", "cannot read"), ("\x00", "cannot read"), (None, "no study")]
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, text: str | None, told: str) -> None:
    (tmp_path / "other.toml").write_text("")
    if text is not None:
        (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(BadInput, match=told):
        read_study(tmp_path / "mine.toml")


def test_the_study_in_the_docs_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    (tmp_path / "STUDY.toml").write_text(text)
    small = ["--set", "replicates=4", "--set", "horizon=8"]
    assert main(["run", str(tmp_path / "STUDY.toml"), "--results", str(tmp_path), *small]) == 0
    record = json.loads((tmp_path / "studies" / "STUDY.json").read_text())
    assert len(record["runs"]) == 2 * 3 * 2
    assert record["study"]["replicates"] == 4
    out = capsys.readouterr().out
    assert "no bound where: 0/1 masks" in out
    first = record["runs"][0]
    expected = sharp_bound(
        np.array(first["checkpoints"]),
        L=first["L"],
        gap=gap_of_docs(),
        stepsize=first["stepsize"],
        factor=2.0,
        sigma2=first["sigma2"],
    )
    assert first["bound"]["curve"] == pytest.approx(expected.tolist(), rel=1e-9)
    assert record["runs"][1]["bound"]["curve"] is None


def gap_of_docs() -> float:
    """F - F* of the study in the docs at its start, 2 in every coordinate, F* = 0."""
    return float(BlockCosine(n=4).value(torch.full((8,), 2.0, dtype=torch.float64)))


def test_the_options_give_what_the_study_gives(tmp_path: Path) -> None:
    rest = ["--steps", "8", "--replicates", "3", "--keep", "0.5", "--results", str(tmp_path)]
    assert main(["run", *ONE, "--set", "objective.n=4", *rest]) == 0
    found = json.loads((tmp_path / "studies" / "one-off.json").read_text())
    (tmp_path / "one-off.toml").write_text(
        'objective = {name = "isotropic-quadratic", n = 4}\nnoise = "gaussian"\nmethods = "amss+"\nstepsizes = 0.1\n'
        "horizon = 8\nkeep = 0.5\nreplicates = 3\n"
    )
    assert main(["run", str(tmp_path / "one-off.toml"), "--results", str(tmp_path)]) == 0
    again = json.loads((tmp_path / "studies" / "one-off.json").read_text())
    assert found["runs"] == again["runs"]


def test_a_run_that_overflows_is_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wild = [*ONE[:-1], "100", "--steps", "400", "--replicates", "2", "--results", str(tmp_path)]
    assert main(["run", *wild]) == 0
    assert "not finite" in capsys.readouterr().out
    (run,) = json.loads((tmp_path / "studies" / "one-off.json").read_text())["runs"]
    assert run["average"][-1] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run"], "a run needs --objective"),
        (["run", *ONE], "a run needs --steps"),
        (["run", *ONE[2:], "--steps", "3"], "found no --objective"),
        (["run", "quadratic-oracle", *ONE], "exclude a name"),
        (["run", "quadratic-oracle", "--set", "keep=1"], "--set belongs to"),
        (["run", *ONE, "--steps", "3", "--optimiser", "adm"], "no optimiser 'adm'; did you mean 'adam'?"),
        (["run", *ONE, "--steps", "3", "--set", "noise.totl=1"], "did you mean 'total'?"),
        (["list", "objectivs"], "no list 'objectivs'; did you mean 'objectives'?"),
    ],
)
def test_a_bad_call_is_one_line(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert told in one_line(capsys)


def test_list_shows_every_name_that_a_study_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for name in ("block-cosine", "skewed", "released", "gradient-norm", "pivotal", "momentum", "inverse-time"):
        assert name in out
    assert main(["list", "noises"]) == 0
    out = capsys.readouterr().out
    assert "gaussian" in out
    assert "block-cosine" not in out
    assert "dimension" not in out  # follows from the objective
