import numpy as np
import torch

from amss_min import unimodal_logits
from simulations.multimodal.evaluation import glance, scores
from simulations.multimodal.history import information_rates
from simulations.multimodal.model import FusionNet
from simulations.multimodal.splits import Part

CLASSES = 4


def network() -> FusionNet:
    generator = torch.Generator().manual_seed(0)
    return FusionNet({"audio": 3, "video": 2}, hidden=(6,), features=5, classes=CLASSES, generator=generator)


def part(rows: int = 60) -> Part:
    generator = torch.Generator().manual_seed(1)
    features = {name: 3 * torch.randn(rows, size, generator=generator) for name, size in (("audio", 3), ("video", 2))}
    # Class 3 is never a label: if it is not predicted either, its F1 counts 0.
    return Part(features, torch.randint(CLASSES - 1, (rows,), generator=generator))


def test_accuracies_are_shares_of_rows_whose_largest_logit_is_the_label() -> None:
    net, rows = network(), part()
    output = net(rows.features)
    found = scores(net, rows)
    labels: list[int] = rows.labels.tolist()

    def share(logits: torch.Tensor) -> float:
        rows_of_logits: list[list[float]] = logits.tolist()
        hits = sum(row.index(max(row)) == label for row, label in zip(rows_of_logits, labels, strict=True))
        return hits / 60

    assert found.accuracy == share(output.logits)
    single = unimodal_logits(net.head, output.features)
    assert found.modality_accuracy == {name: share(logits) for name, logits in single.items()}
    assert len({found.accuracy, *found.modality_accuracy.values()}) > 1


def test_macro_f1_is_the_plain_mean_over_all_classes() -> None:
    net, rows = network(), part()
    predicted = net(rows.features).logits.argmax(1).tolist()
    labels = rows.labels.tolist()
    f1 = []
    for label in range(CLASSES):
        hits = sum(a == b == label for a, b in zip(labels, predicted, strict=True))
        either = labels.count(label) + predicted.count(label)
        f1.append(2 * hits / either if either else 0.0)
    # Both sides are a mean of four quotients in [0, 1]: at most eight roundings of 2^-53 each.
    assert abs(scores(net, rows).macro_f1 - sum(f1) / CLASSES) <= 8 * 2.0**-53


def test_information_rates_by_hand() -> None:
    net, rows = network(), part()
    with torch.no_grad():
        features = net(rows.features).features
        logits = unimodal_logits(net.head, features)
    labels = rows.labels.numpy()
    shares = np.bincount(labels) / len(labels)
    label_entropy = -float(np.sum(shares * np.log(shares)))
    found = information_rates(net, rows)
    for name in ("audio", "video"):
        f = logits[name].numpy().astype(np.float64)
        z = features[name].numpy().astype(np.float64)
        cross = np.mean(np.log(np.exp(f).sum(1)) - f[np.arange(len(labels)), labels])
        share = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        entropy = -np.mean((share * np.log(share)).sum(1))
        # Sums of at most 60 * 5 float64 terms of order 1 on both sides: 2^-40 is 2^13 roundings, a dozen per term.
        assert abs(found[name] - (label_entropy - cross) / entropy) <= 2.0**-40


def test_a_glance_is_a_part_of_the_scores() -> None:
    full, cheap = scores(network(), part()), glance(network(), part())
    assert vars(cheap) == {name: value for name, value in vars(full).items() if name != "macro_f1"}


def test_scoring_leaves_no_gradient() -> None:
    net = network()
    scores(net, part())
    assert all(parameter.grad is None for parameter in net.parameters())
