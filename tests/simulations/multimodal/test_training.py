from dataclasses import replace

import pytest
import torch

from simulations.multimodal.datasets import Dataset, load
from simulations.multimodal.methods import METHODS
from simulations.multimodal.model import FusionNet
from simulations.multimodal.nonfinite import Finding
from simulations.multimodal.settings import Settings
from simulations.multimodal.splits import Part
from simulations.multimodal.training import Replicate, Run, StoppedError, train

SETTINGS = Settings(epochs=3, hidden=(12,), features=8, batch=128)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("htad")


@pytest.fixture(scope="module")
def runs(data: Dataset) -> dict[str, Run]:
    """Every method on seed 1."""
    return {method: finished(data, method, 1, SETTINGS) for method in METHODS}


def finished(data: Dataset, method: str, number: int, settings: Settings) -> Run:
    run = train(data, method, number, settings)
    assert isinstance(run, Run)
    return run


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_learns_something(runs: dict[str, Run], method: str) -> None:
    run = runs[method]
    # Above the share of the largest class, which a constant prediction reaches.
    assert run.test.accuracy > 282 / 1386
    assert run.history["train_loss"][-1] < run.history["train_loss"][0]
    assert 0 < run.test.macro_f1 < 1
    assert list(run.test.modality_accuracy) == ["audio", "accelerometer"]


def test_methods_of_a_seed_share_split_weights_and_batches(runs: dict[str, Run]) -> None:
    assert len({tuple(run.paired.items()) for run in runs.values()}) == 1
    assert set(runs["joint"].paired) == {"split", "weights", "batches"}
    assert len({run.history["train_loss"][-1] for run in runs.values()}) == len(METHODS)


def test_another_seed_shares_nothing(data: Dataset, runs: dict[str, Run]) -> None:
    other = finished(data, "joint", 2, SETTINGS).paired
    assert all(other[use] != runs["joint"].paired[use] for use in other)


@pytest.mark.parametrize("method", list(METHODS))
def test_the_same_seed_gives_the_same_numbers(data: Dataset, runs: dict[str, Run], method: str) -> None:
    torch.manual_seed(torch.initial_seed() + 1)  # the global generator takes no part
    assert train(data, method, 1, SETTINGS) == runs[method]


def test_histories_have_one_entry_per_epoch(runs: dict[str, Run]) -> None:
    for run in runs.values():
        for value in run.history.values():
            for values in value.values() if isinstance(value, dict) else [value]:
                assert len(values) == SETTINGS.epochs


def test_keep_fractions_over_time(runs: dict[str, Run]) -> None:
    for name in ("audio", "accelerometer"):
        assert runs["joint"].history["keep"][name] == [1.0] * 3
        assert runs["uniform"].history["keep"][name] == [SETTINGS.uniform_keep] * 3
        for method in ("amss", "amss+"):
            kept = runs[method].history["keep"][name]
            assert all(SETTINGS.floor <= value <= SETTINGS.ceiling for value in kept)
            assert len(set(kept)) == 3


def test_the_best_epoch_is_that_of_the_validation_rows(runs: dict[str, Run]) -> None:
    for run in runs.values():
        rows = zip(run.history["validation_accuracy"], run.history["validation_loss"], strict=True)
        rank = [(accuracy, -loss) for accuracy, loss in rows]
        assert run.best_epoch == 1 + rank.index(max(rank))
        assert (run.validation.accuracy, -run.validation.loss) == max(rank)


def test_the_test_rows_change_nothing_but_the_test_scores(
    data: Dataset, runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = Replicate.parts

    def with_other_test_rows(self: Replicate) -> tuple[dict[str, Part], str]:
        found, digest = parts(self)
        labels = (found["test"].labels + 1) % 7
        return {**found, "test": Part(found["test"].features, labels)}, digest

    monkeypatch.setattr(Replicate, "parts", with_other_test_rows)
    changed = finished(data, "amss+", 1, SETTINGS)
    assert changed.test != runs["amss+"].test
    assert replace(changed, test=runs["amss+"].test) == runs["amss+"]


def test_keeping_everything_is_joint_training(data: Dataset, runs: dict[str, Run]) -> None:
    whole = finished(data, "uniform", 1, SETTINGS.model_copy(update={"uniform_keep": 1.0}))
    assert replace(whole, method="joint") == runs["joint"]


def test_the_stepsize_falls_after_lr_step_epochs(data: Dataset, runs: dict[str, Run]) -> None:
    later = finished(data, "joint", 1, SETTINGS.model_copy(update={"lr_step": 2}))
    losses, plain = later.history["train_loss"], runs["joint"].history["train_loss"]
    assert losses[:2] == plain[:2] and losses[2] != plain[2]


@pytest.mark.parametrize("method", list(METHODS))
def test_a_stepsize_beyond_all_bounds_ends_in_a_finding(data: Dataset, method: str) -> None:
    found = train(data, method, 1, SETTINGS.model_copy(update={"lr": 1e30}))
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
        ("head.weight", slice(8, None), "accelerometer"),
        ("head.weight", slice(None), "audio, accelerometer"),
        ("head.bias", ..., "audio, accelerometer"),
    ],
)
def test_a_gradient_that_is_not_finite_is_named(
    data: Dataset, monkeypatch: pytest.MonkeyPatch, tensor: str, columns: slice, modality: str
) -> None:
    network = Replicate.network

    def with_a_broken_gradient(self: Replicate) -> FusionNet:
        net = network(self)
        dict(net.named_parameters())[tensor].register_hook(broken)
        return net

    def broken(gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.clone()
        gradient[(..., columns)] = torch.nan
        return gradient

    monkeypatch.setattr(Replicate, "network", with_a_broken_gradient)
    found = train(data, "amss+", 1, SETTINGS)
    assert found == Finding("amss+", 1, 1, "gradient", tensor, modality)


def test_a_weight_that_overflows_in_the_last_step_is_found(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 1, "batch": 1000, "lr": 3e38})
    network = Replicate.network

    def with_a_large_gradient(self: Replicate) -> FusionNet:
        net = network(self)
        net.head.bias.register_hook(lambda gradient: gradient * 1e6)
        return net

    monkeypatch.setattr(Replicate, "network", with_a_large_gradient)
    assert train(data, "joint", 1, settings) == Finding("joint", 1, 1, "weight", "head.bias", "audio, accelerometer")


def test_a_caller_can_end_a_run_between_epochs(data: Dataset) -> None:
    answers = iter([False, True])
    with pytest.raises(StoppedError, match="stopped after 1 epochs"):
        train(data, "joint", 0, SETTINGS, stop=lambda: next(answers))
