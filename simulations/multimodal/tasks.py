"""What a network is asked for: the loss of its logits against a target, and the number that selects."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import Tensor
from torch.nn import functional

CLASSIFICATION, MULTI_LABEL, REGRESSION = "classification", "multi-label", "regression"
PRIMARY = {CLASSIFICATION: "accuracy", MULTI_LABEL: "mean average precision", REGRESSION: "R2"}


@dataclass(frozen=True)
class Task:
    """A kind of target, and how many logits it needs.

    name: classification (target (B,) int64), multi-label (target (B, L) bool) or regression (target (B, K) float32).
    outputs: C classes, L labels or K quantities.

    >>> Task("classification", 3).loss(torch.zeros(2, 3), torch.tensor([0, 1]))
    tensor(1.0986)
    """

    name: str
    outputs: int

    @property
    def primary(self) -> str:
        """The metric that selects epochs and stepsizes; higher is better."""
        return PRIMARY[self.name]

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of every row, (B,), float32 or better.

        Classification: cross entropy, nats. Multi-label: binary cross entropy, summed over labels, nats.
        Regression: 1/2 |f - y|^2, summed over quantities.
        """
        values = logits.float() if logits.dtype != torch.float64 else logits
        if self.name == CLASSIFICATION:
            return functional.cross_entropy(values, target, reduction="none")
        if self.name == MULTI_LABEL:
            wanted = target.to(values.dtype)
            return functional.binary_cross_entropy_with_logits(values, wanted, reduction="none").sum(1)
        return 0.5 * (values - target).square().sum(1)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean of `losses`, ()."""
        return self.losses(logits, target).mean()

    def metric(self, logits: Tensor, target: Tensor) -> float:
        """The primary metric on these rows.

        accuracy: share of rows whose largest logit is the target. mean average precision: mean over the labels that
        occur. R2: mean over quantities of 1 - squared error / squared deviation from the mean of these rows; a constant
        quantity counts as 0.
        """
        if self.name == CLASSIFICATION:
            return int((logits.argmax(1) == target).sum()) / len(target)
        if self.name == MULTI_LABEL:
            return mean_average_precision(logits.double().cpu().numpy(), target.cpu().numpy())
        y, error = target.double(), (logits.double() - target.double()).square().sum(0)
        spread = (y - y.mean(0)).square().sum(0)
        return float(torch.where(spread > 0, 1 - error / spread, 0.0).mean())


def mean_average_precision(scores: NDArray[Any], target: NDArray[Any]) -> float:
    """Mean over the labels with at least one positive row of their average precision; scores, target (N, L).

    0 where no label has a positive row. Rows with a score that is not finite rank last.
    """
    present = target.any(axis=0)
    if not present.any():
        return 0.0
    finite = np.nan_to_num(scores, nan=-np.inf, posinf=np.finfo(float).max, neginf=np.finfo(float).min)
    finite = np.maximum(finite, np.finfo(float).min)
    return float(average_precision_score(target[:, present], finite[:, present], average="macro"))


def task_of(target: NDArray[Any], names: int) -> Task:
    """The task of a target: int64 (N,) classification, bool (N, L) multi-label, float32 (N,) or (N, K) regression.

    names: number of classes, labels or quantities. Raises ValueError for another array.
    """
    if target.dtype == np.int64 and target.ndim == 1:
        return Task(CLASSIFICATION, names)
    if target.dtype == np.bool_ and target.ndim == 2 and target.shape[1] == names:
        return Task(MULTI_LABEL, names)
    if target.dtype == np.float32 and (target.shape[1:] or (1,)) == (names,):
        return Task(REGRESSION, names)
    raise ValueError(
        f"a target is int64 (N,), bool (N, L) or float32 (N,) or (N, K) with a name for each class, label or quantity, "
        f"found {target.dtype} of shape {target.shape} and {names} names"
    )
