"""What a network scores on a part of the data."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import torch
from sklearn.metrics import f1_score, roc_auc_score
from torch import Tensor

from simulations.multimodal.fusions.base import at_means
from simulations.multimodal.methods.base import Look, Method
from simulations.multimodal.model import FusionNet, Output
from simulations.multimodal.splits import Part
from simulations.multimodal.tasks import CLASSIFICATION, REGRESSION, Task, mean_average_precision

_ROWS_AT_A_TIME = 256


@dataclass(frozen=True)
class Scores:
    """The scores of one part.

    loss: mean loss of the method's prediction. metrics: see `metrics`; the task's primary one is the first.
    modality: the primary metric of each modality's uni-modal logits. shapley: see `shapley`.
    """

    loss: float
    metrics: dict[str, float]
    modality: dict[str, float]
    shapley: dict[str, float]


@dataclass(frozen=True)
class Seen:
    """What a forward pass over a part gave, on the CPU: logits (N, outputs) by prediction and by modality, features."""

    prediction: Tensor
    unimodal: Mapping[str, Tensor]
    features: Mapping[str, Tensor]
    target: Tensor

    def look(self, task: Task) -> Look:
        """Losses and primary metrics."""
        return Look(
            loss=float(task.loss(self.prediction, self.target)),
            metric=task.metric(self.prediction, self.target),
            modality_loss={name: float(task.loss(logits, self.target)) for name, logits in self.unimodal.items()},
            modality_metric={name: task.metric(logits, self.target) for name, logits in self.unimodal.items()},
        )


@torch.no_grad()
def seen(net: FusionNet, method: Method, part: Part, device: torch.device) -> Seen:
    """A forward pass over all rows in evaluation mode; the network is left in training mode if it was."""
    training = net.training
    net.eval()
    try:
        rows = []
        for chunk in part.chunks(_ROWS_AT_A_TIME):
            output = net(chunk.to(device).features)
            rows.append((method.predict(output), method.unimodal(output), output.features))
    finally:
        net.train(training)
    predictions, single, features = zip(*rows, strict=True)
    return Seen(_joined(predictions), _by_name(single), _by_name(features), part.target)


def scores(net: FusionNet, method: Method, part: Part, task: Task, device: torch.device) -> Scores:
    """All scores on every row of the part, without gradient."""
    found = seen(net, method, part, device)
    look = found.look(task)
    shares = shapley(net, method, found.features, found.target, task, device)
    return Scores(look.loss, metrics(found.prediction, found.target, task), dict(look.modality_metric), shares)


def metrics(logits: Tensor, target: Tensor, task: Task) -> dict[str, float]:
    """The field's metrics of a task, by name.

    Classification: accuracy; macro_f1 (F1 averaged over all classes with equal weight, 0 for a class neither present
    nor predicted); auroc and map (mean over the classes that occur, one class against the rest, by softmax).
    Multi-label: map, auroc (mean over the labels with positive and negative rows), macro_f1 (logit above 0).
    Regression, of the scaled target: r2, rmse, mae.
    """
    primary = task.metric(logits, target)
    if task.name == REGRESSION:
        error = logits.double() - target.double()
        return {"r2": primary, "rmse": math.sqrt(float(error.square().mean())), "mae": float(error.abs().mean())}
    if task.name == CLASSIFICATION:
        wanted = torch.nn.functional.one_hot(target, task.outputs).bool().numpy()
        probability = logits.double().softmax(1)
        predicted, labels = logits.argmax(1).numpy(), list(range(task.outputs))
        f1 = f1_score(target.numpy(), predicted, labels=labels, average="macro", zero_division=0.0)
        mean = mean_average_precision(probability.numpy(), wanted)
        return {"accuracy": primary, "macro_f1": float(f1), "auroc": _auroc(probability, wanted), "map": mean}
    f1 = f1_score(target.numpy(), (logits > 0).numpy(), average="macro", zero_division=0.0)
    return {"map": primary, "macro_f1": float(f1), "auroc": _auroc(logits.double(), target.numpy())}


def shapley(
    net: FusionNet,
    method: Method,
    features: Mapping[str, Tensor],
    target: Tensor,
    task: Task,
    device: torch.device,
) -> dict[str, float]:
    """Shapley value of each modality in the primary metric of the method's prediction.

    v(S): the metric with the features of modalities outside S at their running means. phi_m = sum over S without m of
    |S|! (M - |S| - 1)! / M! (v(S + m) - v(S)); the values add up to v(all) - v(none). Cost: 2^M passes of the fusion.
    """
    names = list(features)
    held = {name: z.to(device) for name, z in features.items()}
    subsets = [frozenset(chosen) for size in range(len(names) + 1) for chosen in combinations(names, size)]
    training = net.training
    net.eval()
    with torch.no_grad():
        worth = {}
        for chosen in subsets:
            seen_ones = at_means(held, net.means(), list(chosen))
            logits = method.predict(Output(net.subset(held, chosen), seen_ones))
            worth[chosen] = task.metric(logits.float().cpu(), target)
    net.train(training)
    total = math.factorial(len(names))
    return {
        name: sum(
            math.factorial(len(s)) * math.factorial(len(names) - len(s) - 1) / total * (worth[s | {name}] - worth[s])
            for s in subsets
            if name not in s
        )
        for name in names
    }


def _auroc(scores: Tensor, wanted: object) -> float:
    """Mean over the columns with positive and negative rows of the area under the ROC curve; .5 where there is none."""
    targets = torch.as_tensor(wanted).double()
    both = (targets.amax(0) > targets.amin(0)).numpy()
    if not both.any():
        return 0.5
    finite = scores.nan_to_num(0.0).numpy()
    return float(roc_auc_score(targets.numpy()[:, both], finite[:, both], average="macro"))


def _joined(pieces: Iterable[Tensor]) -> Tensor:
    return torch.cat([piece.float().cpu() for piece in pieces])


def _by_name(pieces: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    listed = list(pieces)
    return {name: _joined([piece[name] for piece in listed]) for name in listed[0]}
