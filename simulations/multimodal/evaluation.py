"""What a network scores on a part of the data."""

from dataclasses import dataclass

import torch
from sklearn.metrics import f1_score
from torch import Tensor
from torch.nn import functional

from amss_min import unimodal_logits
from simulations.multimodal.model import FusionNet, Output
from simulations.multimodal.splits import Part


@dataclass(frozen=True)
class Glance:
    """The scores of one part that are cheap enough for every epoch.

    accuracy: share of rows whose largest joint logit is the label. modality_accuracy: the same share for the
    uni-modal logits f_m = W_m z_m + b / M, which sum to the joint logits. loss: mean cross entropy, nats.
    """

    accuracy: float
    modality_accuracy: dict[str, float]
    loss: float


@dataclass(frozen=True)
class Scores(Glance):
    """All scores of one part.

    macro_f1: F1 averaged over all classes with equal weight, 0 for a class that is neither present nor predicted.
    """

    macro_f1: float


def glance(net: FusionNet, part: Part) -> Glance:
    """The cheap scores on every row of the part, without gradient."""
    return _glance(net, _output(net, part), part.labels)


def scores(net: FusionNet, part: Part) -> Scores:
    """All scores on every row of the part, without gradient."""
    output = _output(net, part)
    classes = list(range(output.logits.shape[1]))
    predicted = output.logits.argmax(dim=1).numpy()
    f1 = f1_score(part.labels.numpy(), predicted, labels=classes, average="macro", zero_division=0.0)
    return Scores(**vars(_glance(net, output, part.labels)), macro_f1=float(f1))


def _output(net: FusionNet, part: Part) -> Output:
    with torch.no_grad():
        output: Output = net(part.features)
    return output


def _glance(net: FusionNet, output: Output, labels: Tensor) -> Glance:
    with torch.no_grad():
        single = unimodal_logits(net.head, output.features)
        loss = float(functional.cross_entropy(output.logits, labels))
    return Glance(
        accuracy=_accuracy(output.logits, labels),
        modality_accuracy={name: _accuracy(logits, labels) for name, logits in single.items()},
        loss=loss,
    )


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return int((logits.argmax(dim=1) == labels).sum()) / len(labels)
