from typing import Any

import numpy as np
import pytest
import torch

from simulations.multimodal.encoders.mlp import mlp
from simulations.multimodal.evaluation import Seen, metrics, scores, seen
from simulations.multimodal.fusions.concatenation import Concatenation
from simulations.multimodal.history import information_rates
from simulations.multimodal.methods.base import Method, Options, Setup
from simulations.multimodal.model import FusionNet
from simulations.multimodal.splits import Part
from simulations.multimodal.tasks import Task, task_of

CLASSES = 4
TASK = Task("classification", CLASSES)
SIZES = {"audio": 3, "video": 2}
CPU = torch.device("cpu")


def network() -> FusionNet:
    generator = torch.Generator().manual_seed(0)
    encoders = {name: mlp((size,), 5, generator=generator, hidden=(6,)) for name, size in SIZES.items()}
    net = FusionNet(encoders, Concatenation(dict.fromkeys(SIZES, 5), CLASSES, generator=generator))
    with torch.no_grad():
        net(part().features)  # running means of the features, for the Shapley values
    return net


def part(rows: int = 60) -> Part:
    generator = torch.Generator().manual_seed(1)
    arrays = {name: 3 * torch.randn(rows, size, generator=generator).numpy() for name, size in SIZES.items()}
    # Class 3 is never a label: if it is not predicted either, its F1 counts 0.
    return Part(arrays, np.arange(rows), torch.randint(CLASSES - 1, (rows,), generator=generator), {})


def plain(net: FusionNet) -> Method:
    return Method(net, Setup(TASK, torch.Generator(), Options(), 60, 10, 1, CPU))


def test_accuracies_are_shares_of_rows_whose_largest_logit_is_the_label() -> None:
    net, rows = network(), part()
    output = net.eval()(rows.features)
    found = scores(net, plain(net), rows, TASK, CPU)
    labels: list[int] = rows.target.tolist()

    def share(logits: torch.Tensor) -> float:
        rows_of_logits: list[list[float]] = logits.tolist()
        hits = sum(row.index(max(row)) == label for row, label in zip(rows_of_logits, labels, strict=True))
        return hits / 60

    assert found.metrics["accuracy"] == share(output.logits)
    single = net.unimodal(output.features)
    assert found.modality == {name: share(logits) for name, logits in single.items()}
    assert len({found.metrics["accuracy"], *found.modality.values()}) > 1


def test_macro_f1_is_the_plain_mean_over_all_classes() -> None:
    net, rows = network(), part()
    predicted = net.eval()(rows.features).logits.argmax(1).tolist()
    labels = rows.target.tolist()
    f1 = []
    for label in range(CLASSES):
        hits = sum(a == b == label for a, b in zip(labels, predicted, strict=True))
        either = labels.count(label) + predicted.count(label)
        f1.append(2 * hits / either if either else 0.0)
    found = scores(net, plain(net), rows, TASK, CPU)
    # Both sides are a mean of four quotients in [0, 1]: at most eight roundings of 2^-53 each.
    assert abs(found.metrics["macro_f1"] - sum(f1) / CLASSES) <= 8 * 2.0**-53


def test_shapley_values_by_the_two_orders_of_two_modalities() -> None:
    net, rows = network(), part()
    found = scores(net, plain(net), rows, TASK, CPU)
    features = net.eval()(rows.features).features

    def worth(*names: str) -> float:
        return TASK.metric(net.subset(features, names), rows.target)

    audio = (worth("audio") - worth() + worth("audio", "video") - worth("video")) / 2
    # Four shares in [0, 1], added in another order: at most eight roundings.
    assert abs(found.shapley["audio"] - audio) <= 8 * 2.0**-53
    assert abs(sum(found.shapley.values()) - (worth("audio", "video") - worth())) <= 8 * 2.0**-53


def test_information_rates_by_hand() -> None:
    net, rows = network(), part()
    found = information_rates(seen(net, plain(net), rows, CPU))
    with torch.no_grad():
        features = net.eval()(rows.features).features
        logits = net.unimodal(features)
    labels = rows.target.numpy()
    shares = np.bincount(labels) / len(labels)
    label_entropy = -float(np.sum(shares * np.log(shares)))
    for name in ("audio", "video"):
        f = logits[name].numpy().astype(np.float64)
        z = features[name].numpy().astype(np.float64)
        cross = np.mean(np.log(np.exp(f).sum(1)) - f[np.arange(len(labels)), labels])
        share = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        entropy = -np.mean((share * np.log(share)).sum(1))
        # Sums of at most 60 * 5 float64 terms of order 1 on both sides: 2^-40 is 2^13 roundings, a dozen per term.
        assert abs(found[name] - (label_entropy - cross) / entropy) <= 2.0**-40


def test_scoring_leaves_no_gradient_and_the_mode_and_the_means_as_they_were() -> None:
    net = network().train()
    before = {name: value.clone() for name, value in net.means().items()}
    scores(net, plain(net), part(), TASK, CPU)
    assert net.training and all(parameter.grad is None for parameter in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.means().items())


def test_perfect_predictions_score_one_and_reversed_ones_zero() -> None:
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    right = 5.0 * torch.nn.functional.one_hot(labels, 3).float()
    assert metrics(right, labels, Task("classification", 3)) == dict.fromkeys(
        ("accuracy", "macro_f1", "auroc", "map"), 1.0
    )
    several = torch.tensor([[True, False], [False, True], [True, True], [False, False]])
    logits = torch.where(several, 1.0, -1.0)
    assert metrics(logits, several, Task("multi-label", 2)) == dict.fromkeys(("map", "macro_f1", "auroc"), 1.0)
    assert metrics(-logits, several, Task("multi-label", 2))["auroc"] == 0.0
    y = torch.tensor([[1.0], [2.0], [4.0]])
    assert metrics(y, y, Task("regression", 1)) == {"r2": 1.0, "rmse": 0.0, "mae": 0.0}
    assert metrics(y.mean().expand(3, 1), y, Task("regression", 1))["r2"] <= 2.0**-20  # float32 rounding of the mean


def test_scores_that_are_not_finite_rank_last_and_never_raise() -> None:
    several = torch.tensor([[True, False], [False, True]])
    found = metrics(torch.full((2, 2), torch.nan), several, Task("multi-label", 2))
    assert 0 <= found["map"] <= 1


@pytest.mark.parametrize(
    ("target", "names", "task"),
    [
        (np.array([0, 1]), 2, "classification"),
        (np.array([[True, False]]), 2, "multi-label"),
        (np.array([0.5], np.float32), 1, "regression"),
        (np.array([[0.5, 1.0]], np.float32), 2, "regression"),
    ],
)
def test_the_array_tells_the_task(target: Any, names: int, task: str) -> None:
    assert task_of(target, names) == Task(task, names)


def test_losses_by_hand() -> None:
    logits = torch.tensor([[0.0, 0.0]], dtype=torch.float64)
    log2 = float(torch.tensor(2.0, dtype=torch.float64).log())
    assert float(Task("classification", 2).loss(logits, torch.tensor([1]))) == pytest.approx(log2, rel=2.0**-50, abs=0)
    several = torch.tensor([[True, False]])
    assert float(Task("multi-label", 2).loss(logits, several)) == pytest.approx(2 * log2, rel=2.0**-50, abs=0)
    assert float(Task("regression", 2).loss(logits, torch.tensor([[3.0, 4.0]], dtype=torch.float64))) == 12.5


def test_what_was_seen_gives_losses_by_modality() -> None:
    logits = torch.tensor([[9.0, 0.0], [0.0, 9.0]])
    found = Seen(logits, {"a": -logits}, {"a": logits}, torch.tensor([0, 1])).look(Task("classification", 2))
    assert (found.metric, found.modality_metric) == (1.0, {"a": 0.0})
    assert found.modality_loss["a"] > found.loss
