import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from simulations.multimodal.checkpoint import Folder
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.methods import METHODS
from simulations.multimodal.model import FusionNet
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.replicate import Replicate
from simulations.multimodal.settings import Settings, settings_from
from simulations.multimodal.sources import load
from simulations.multimodal.splits import Part
from simulations.multimodal.training import Run, StoppedError, Watch, train

PAIRED = ("joint", "uniform", "amss", "amss+")


def settings(options: dict[str, Any] | None = None, **training: Any) -> Settings:
    """Three short epochs of a small network on HTAD."""
    encoder = {"default": {"kind": "mlp", "options": {"hidden": [12]}}}
    return settings_from(
        {
            "data": {"name": "htad"},
            "model": {"features": 8, "encoders": encoder},
            "training": {"epochs": 3, "batch": 128, **training},
            "options": {"modality-lr": {"factors": {"audio": 2.0}}, **(options or {})},
        }
    )


SETTINGS = settings(lr=0.03)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("htad")


@pytest.fixture(scope="module")
def runs(data: Dataset) -> dict[str, Run]:
    """Every method on seed 1."""
    return {method: finished(data, method, 1, SETTINGS) for method in METHODS}


def finished(data: Dataset, method: str, number: int, chosen: Settings, watch: Watch | None = None) -> Run:
    run = train(data, method, number, chosen, watch=watch)
    assert isinstance(run, Run)
    return run


def numbers(run: Run) -> dict[str, Any]:
    """Everything but what the clock tells."""
    found = run.as_json()
    return {
        **found,
        "cost": None,
        "history": {name: values for name, values in found["history"].items() if name != "seconds_per_step"},
    }


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_learns_something(runs: dict[str, Run], method: str) -> None:
    run = runs[method]
    # Above the share of the largest class, which a constant prediction reaches.
    assert run.test.metrics["accuracy"] > 282 / 1386
    assert run.history["train_loss"][-1] < run.history["train_loss"][0]
    assert 0 < run.test.metrics["macro_f1"] < 1
    assert list(run.test.modality) == ["audio", "accelerometer"]


def test_methods_of_a_seed_share_split_weights_and_batches(runs: dict[str, Run]) -> None:
    assert len({tuple(run.paired.items()) for run in runs.values()}) == 1
    assert set(runs["joint"].paired) == {"split", "weights", "batches"}
    assert len({run.history["train_loss"][-1] for name, run in runs.items() if name in PAIRED}) == len(PAIRED)


def test_another_seed_shares_nothing(data: Dataset, runs: dict[str, Run]) -> None:
    other = finished(data, "joint", 2, SETTINGS).paired
    assert all(other[use] != runs["joint"].paired[use] for use in other)


@pytest.mark.parametrize("method", list(METHODS))
def test_the_same_seed_gives_the_same_numbers(data: Dataset, runs: dict[str, Run], method: str) -> None:
    torch.manual_seed(torch.initial_seed() + 1)  # the global generator takes no part
    before = torch.get_rng_state()
    assert numbers(finished(data, method, 1, SETTINGS)) == numbers(runs[method])
    assert torch.equal(torch.get_rng_state(), before)


def test_histories_have_one_entry_per_epoch(runs: dict[str, Run]) -> None:
    for run in runs.values():
        for value in run.history.values():
            for values in value.values() if isinstance(value, dict) else [value]:
                assert len(values) == SETTINGS.training.epochs


def test_keep_fractions_over_time(runs: dict[str, Run]) -> None:
    for name in ("audio", "accelerometer"):
        assert runs["joint"].history["keep"][name] == [1.0] * 3
        assert runs["uniform"].history["keep"][name] == [0.5] * 3
        for method in ("amss", "amss+"):
            kept = runs[method].history["keep"][name]
            assert all(0.1 <= value <= 0.9 for value in kept)
            assert len(set(kept)) == 3


def test_the_best_epoch_is_that_of_the_validation_rows(runs: dict[str, Run]) -> None:
    for run in runs.values():
        rows = zip(run.history["validation_metric"], run.history["validation_loss"], strict=True)
        rank = [(accuracy, -loss) for accuracy, loss in rows]
        assert run.best_epoch == 1 + rank.index(max(rank))
        assert (run.validation.metrics["accuracy"], -run.validation.loss) == max(rank)


def test_the_test_rows_change_nothing_but_the_test_scores(
    data: Dataset, runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = Replicate.parts

    def with_other_test_rows(self: Replicate) -> tuple[dict[str, Part], str]:
        found, digest = parts(self)
        return {**found, "test": replace(found["test"], target=(found["test"].target + 1) % 7)}, digest

    monkeypatch.setattr(Replicate, "parts", with_other_test_rows)
    changed = finished(data, "amss+", 1, SETTINGS)
    assert changed.test != runs["amss+"].test
    assert numbers(replace(changed, test=runs["amss+"].test)) == numbers(runs["amss+"])


def test_keeping_everything_is_joint_training(data: Dataset, runs: dict[str, Run]) -> None:
    whole = finished(data, "uniform", 1, settings({"uniform": {"keep": 1.0}}, lr=0.03))
    assert numbers(replace(whole, method="joint")) == numbers(runs["joint"])


def test_the_stepsize_falls_after_lr_step_epochs(data: Dataset, runs: dict[str, Run]) -> None:
    later = finished(data, "joint", 1, settings(lr=0.03, lr_step=2))
    losses, plain = later.history["train_loss"], runs["joint"].history["train_loss"]
    assert losses[:2] == plain[:2] and losses[2] != plain[2]


@pytest.mark.parametrize("method", list(METHODS))
def test_a_stepsize_beyond_all_bounds_ends_in_a_finding(data: Dataset, method: str) -> None:
    found = train(data, method, 1, settings(lr=1e30))
    assert isinstance(found, Finding)
    assert (found.method, found.seed, found.what) == (method, 1, "loss")
    assert found.modality in ("audio", "accelerometer")
    # One step is still finite: weights of 1e30 give NaN or inf only once they meet.
    assert 2 <= found.step <= 5
    assert "\n" not in str(found) and found.tensor in str(found) and f"step {found.step}" in str(found)


@pytest.mark.parametrize(
    ("tensor", "columns", "modality"),
    [
        ("encoders.accelerometer.2.weight", slice(None), "accelerometer"),
        ("encoders.audio.0.bias", ..., "audio"),
        ("fusion.head.weight", slice(8, None), "accelerometer"),
        ("fusion.head.weight", slice(None), "audio, accelerometer"),
        ("fusion.head.bias", ..., "audio, accelerometer"),
    ],
)
def test_a_gradient_that_is_not_finite_is_named(
    data: Dataset, monkeypatch: pytest.MonkeyPatch, tensor: str, columns: slice, modality: str
) -> None:
    network = Replicate.network

    def with_a_broken_gradient(self: Replicate) -> tuple[FusionNet, str]:
        net, weights = network(self)
        dict(net.named_parameters())[tensor].register_hook(broken)
        return net, weights

    def broken(gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.clone()
        gradient[(..., columns)] = torch.nan
        return gradient

    monkeypatch.setattr(Replicate, "network", with_a_broken_gradient)
    found = train(data, "amss+", 1, SETTINGS)
    assert found == Finding("amss+", 1, 1, "gradient", tensor, modality)


def test_a_weight_that_overflows_in_the_last_step_is_found(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Replicate.network

    def with_a_large_gradient(self: Replicate) -> tuple[FusionNet, str]:
        net, weights = network(self)
        net.get_parameter("fusion.head.bias").register_hook(lambda gradient: gradient * 1e6)
        return net, weights

    monkeypatch.setattr(Replicate, "network", with_a_large_gradient)
    found = train(data, "joint", 1, settings(epochs=1, batch=1000, lr=3e38))
    assert found == Finding("joint", 1, 1, "weight", "fusion.head.bias", "audio, accelerometer")


def test_a_caller_can_end_a_run_between_epochs(data: Dataset) -> None:
    answers = iter([False, True])
    with pytest.raises(StoppedError, match="stopped after 1 epochs"):
        train(data, "joint", 0, SETTINGS, watch=Watch(stop=lambda: next(answers)))


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_stopped_and_resumed_is_the_uninterrupted_run_bit_for_bit(
    data: Dataset, tmp_path: Path, method: str, optimizer: str
) -> None:
    chosen = settings(optimizer=optimizer, epochs=4, lr=0.003)
    whole = finished(data, method, 2, chosen)
    folder = Folder(tmp_path / "run", "identity")
    answers = iter([False, False, True])
    with pytest.raises(StoppedError):
        train(data, method, 2, chosen, watch=Watch(folder, stop=lambda: next(answers)))
    torch.manual_seed(torch.initial_seed() + 1)
    resumed = finished(data, method, 2, chosen, Watch(folder, resume=True))
    assert numbers(resumed) == numbers(whole)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert [line["validation_loss"] for line in lines] == whole.history["validation_loss"]


def test_a_checkpoint_of_another_run_and_a_broken_one_are_left_aside(data: Dataset, tmp_path: Path) -> None:
    answers = iter([False, True])
    with pytest.raises(StoppedError):
        train(data, "joint", 0, SETTINGS, watch=Watch(Folder(tmp_path, "one"), stop=lambda: next(answers)))
    assert Folder(tmp_path, "one").state() is not None
    assert Folder(tmp_path, "other").state() is None
    (tmp_path / "checkpoint.pt").write_bytes(b"half")
    assert Folder(tmp_path, "one").state() is None
    plain = finished(data, "joint", 0, SETTINGS)
    assert numbers(finished(data, "joint", 0, SETTINGS, Watch(Folder(tmp_path, "one"), resume=True))) == numbers(plain)


def test_patience_ends_a_run_early(data: Dataset) -> None:
    run = finished(data, "joint", 1, settings(epochs=60, patience=2, lr=0.05))
    assert run.epochs == run.best_epoch + 2 < 60


def test_bfloat16_trains(data: Dataset) -> None:
    run = finished(data, "amss+", 1, settings(lr=0.03, precision="bfloat16"))
    assert run.test.metrics["accuracy"] > 282 / 1386
    assert run.history["train_loss"] != finished(data, "amss+", 1, SETTINGS).history["train_loss"]
