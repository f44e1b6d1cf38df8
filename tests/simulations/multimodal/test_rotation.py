import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from simulations.multimodal.checkpoint import Folder
from simulations.multimodal.command import Request, train_command
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.rotation import Rotation, rotations, turned_modalities
from simulations.multimodal.settings import Settings, SettingsError, settings_from
from simulations.multimodal.splits import Batch, Part, standardised
from simulations.multimodal.training import Run, StoppedError, Watch, train

ROUNDING = 2.0**-24
"""Half a unit in the last place of float32, relative."""


def generator(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def moving(rows: int = 60) -> Dataset:
    """Two sensors of one device, a vector, and a signal of two channels; the class is told by the sensors."""
    rng = np.random.default_rng(0)
    target = np.arange(rows) % 2
    signal = rng.normal(0.5, 1.0, (rows, 3, 8)) + 2 * target[:, None, None]
    features = {
        "accelerometer": signal,
        "gyroscope": 40 * signal[:, ::-1] + 3,
        "vector": rng.normal(size=(rows, 3)),
        "pair": rng.normal(size=(rows, 2, 8)),
    }
    return Dataset("moving", {k: v.astype(np.float32) for k, v in features.items()}, target, ("still", "moving"))


def settings(**training: Any) -> Settings:
    plan = {"epochs": 4, "batch": 16, "lr": 0.05, "rotation": 30.0, **training}
    model = {"features": 4, "encoders": {"default": {"kind": "mlp", "options": {"hidden": [6]}}}}
    return settings_from({"data": {"name": "moving"}, "model": model, "training": plan})


def parts(data: Dataset) -> dict[str, Part]:
    rows = np.arange(len(data))
    return standardised(data, {"train": rows[:40], "validation": rows[40:50], "test": rows[50:]})


def raw(part: Part, batch: Batch, name: str) -> torch.Tensor:
    """The signal before standardisation, float64."""
    shift, factor = part.standard[name]
    return batch.features[name].double() / torch.from_numpy(factor) + torch.from_numpy(shift)


def numbers(run: Run) -> dict[str, Any]:
    found = run.as_json()
    clockless = {name: values for name, values in found["history"].items() if name != "seconds_per_step"}
    return {**found, "cost": None, "history": clockless}


def finished(data: Dataset, chosen: Settings, method: str = "joint", watch: Watch | None = None) -> Run:
    run = train(data, method, 1, chosen, watch=watch)
    assert isinstance(run, Run)
    return run


def test_rotations_are_orthogonal_and_keep_the_orientation() -> None:
    turns = rotations(200, 90.0, generator()).double()
    # Each entry is a sum of a few float32 products of numbers of at most 2 in size; 64 roundings bound them all.
    assert float((turns @ turns.mT - torch.eye(3)).abs().max()) <= 64 * ROUNDING
    assert float((torch.linalg.det(turns) - 1).abs().max()) <= 3 * 64 * ROUNDING


def test_the_angle_is_the_normal_number_and_the_axis_stays() -> None:
    drawn = generator()
    axis = torch.nn.functional.normalize(torch.randn(50, 3, generator=drawn)).double()
    angle = math.radians(20.0) * torch.randn(50, generator=drawn).double()
    turns = rotations(50, 20.0, generator()).double()
    assert float((torch.einsum("nij,nj->ni", turns, axis) - axis).abs().max()) <= 64 * ROUNDING
    trace = turns.diagonal(dim1=1, dim2=2).sum(1)
    assert float((trace - (1 + 2 * angle.cos())).abs().max()) <= 3 * 64 * ROUNDING
    # The sense: the part of R that changes sign is sin(angle) times the cross product with the axis.
    skew = (turns - turns.mT) / 2
    vector = torch.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], 1)
    assert float((vector - angle.sin()[:, None] * axis).abs().max()) <= 64 * ROUNDING


def test_no_angle_is_the_identity() -> None:
    assert torch.equal(rotations(3, 0.0, generator()), torch.eye(3).expand(3, 3, 3))


def test_the_signals_of_a_row_turn_together_before_standardisation_and_nothing_else_does() -> None:
    data = moving()
    part = parts(data)["train"]
    turn = Rotation(part, turned_modalities(data), 30.0, generator(3))
    batch = part.rows(torch.tensor([4, 0, 9]))
    kept = {name: values.clone() for name, values in batch.features.items()}
    found = turn(batch)
    turns = rotations(3, 30.0, generator(3)).double()
    for name in ("accelerometer", "gyroscope"):
        before = raw(part, batch, name)
        size = float(before.norm(dim=1).max()) + float(np.linalg.norm(part.standard[name][0]))
        # At most 12 roundings to float32 (shift and factor, to the signal and back, three products and their sums), of
        # numbers no longer than signal and shift together, each doubled by the sum over three axes.
        assert float((raw(part, found, name) - turns @ before).abs().max()) <= 12 * 2 * size * ROUNDING
        assert not torch.equal(found.features[name], batch.features[name])
    for name in ("vector", "pair"):
        assert torch.equal(found.features[name], batch.features[name])
    assert torch.equal(found.target, batch.target) and list(found.features) == list(batch.features)
    assert all(torch.equal(batch.features[name], values) for name, values in kept.items())


def test_a_set_that_is_not_standardised_is_turned_as_it_is() -> None:
    data = replace(moving(), standardise=False)
    part = parts(data)["train"]
    batch = part.rows(torch.arange(5))
    found = Rotation(part, ("accelerometer",), 30.0, generator(1))(batch)
    wanted = rotations(5, 30.0, generator(1)) @ batch.features["accelerometer"]
    assert torch.equal(found.features["accelerometer"], wanted)


def test_a_large_set_that_is_scaled_batch_by_batch_is_turned_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    data, index = moving(), torch.tensor([7, 1])
    whole = parts(data)["train"]
    monkeypatch.setattr("simulations.multimodal.splits._HELD", 0)
    lazy = parts(data)["train"]
    first, second = (Rotation(p, ("gyroscope",), 9.0, generator())(p.rows(index)) for p in (whole, lazy))
    assert torch.equal(first.features["gyroscope"], second.features["gyroscope"])


def test_only_float_signals_of_three_channels_turn() -> None:
    assert turned_modalities(moving()) == ("accelerometer", "gyroscope")


def test_turns_change_the_training_and_nothing_that_methods_share() -> None:
    plain, turned = finished(moving(), settings(rotation=0.0)), finished(moving(), settings())
    assert turned.paired == plain.paired
    assert all(a != b for a, b in zip(turned.history["train_loss"], plain.history["train_loss"], strict=True))


def test_train_batches_alone_turn_and_all_methods_of_a_seed_see_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[torch.Tensor]] = {}
    held = Rotation.__call__

    def watched(self: Rotation, batch: Batch) -> Batch:
        found = held(self, batch)
        seen.setdefault(method, []).append(found.features["gyroscope"])
        return found

    monkeypatch.setattr(Rotation, "__call__", watched)
    for method in ("joint", "amss"):
        finished(moving(), settings(), method)
    assert [len(batch) for batch in seen["joint"]] == [16, 16, 4] * 4
    assert len(seen["amss"]) == len(seen["joint"])
    assert all(torch.equal(a, b) for a, b in zip(seen["joint"], seen["amss"], strict=True))
    assert not torch.equal(seen["joint"][0], seen["joint"][3])


@pytest.mark.parametrize("select", ["best", "last"])
def test_stopped_and_resumed_is_the_uninterrupted_run_bit_for_bit(tmp_path: Path, select: str) -> None:
    chosen, data = settings(select=select), moving()
    whole = finished(data, chosen, "amss+")
    folder, answers = Folder(tmp_path, "identity"), iter([False, False, True])
    with pytest.raises(StoppedError):
        train(data, "amss+", 1, chosen, watch=Watch(folder, stop=lambda: next(answers)))
    resumed = finished(data, chosen, "amss+", Watch(folder, resume=True))
    assert numbers(resumed) == numbers(whole)


def test_the_last_epoch_is_scored_where_that_is_asked_for() -> None:
    # Labels that nothing tells: the longer the training, the worse the validation rows are met.
    data = moving()
    data = replace(data, target=np.random.default_rng(5).permutation(data.target))
    best, last = (finished(data, settings(select=select, epochs=12)) for select in ("best", "last"))
    assert best.history["validation_loss"] == last.history["validation_loss"]
    assert best.best_epoch < last.best_epoch == 12
    # Both losses are means over the same rows in evaluation mode, by the same sums.
    assert last.validation.loss == last.history["validation_loss"][-1]
    assert best.validation.loss == best.history["validation_loss"][best.best_epoch - 1] != last.validation.loss


def test_patience_has_no_place_beside_the_last_epoch() -> None:
    with pytest.raises(SettingsError, match=r"training\.patience must be 0, found 3"):
        settings(select="last", patience=3)


@pytest.mark.parametrize("degrees", [-1.0, 181.0, float("nan")])
def test_an_angle_that_is_none_is_refused(degrees: float) -> None:
    with pytest.raises(SettingsError, match=r"setting training\.rotation: "):
        settings(rotation=degrees)


def test_data_without_signals_is_refused_before_any_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_command(Request("htad", ["training.rotation=5"], 1, False, results=tmp_path)) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "training.rotation turns signals of three channels" in told and "audio (36,)" in told
    assert not list(tmp_path.iterdir())


def test_a_record_says_how_the_weights_were_chosen(tmp_path: Path) -> None:
    quick = ["training.epochs=1", "training.select=last", "methods=joint", "workers=1", "training.batch=512"]
    assert train_command(Request("htad", quick, 1, False, results=tmp_path)) == 0
    record = json.loads((tmp_path / "train" / "htad.json").read_text(encoding="utf-8"))
    assert record["selection"].startswith("none: the weights after the last epoch")
    assert record["runs"][0]["best_epoch"] == 1
