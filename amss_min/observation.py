"""What a batch tells about the target, as sums that can be pooled: one class for each kind of target.

The kind follows from the target's dtype and shape:

| target | kind | information I_m of modality m, nats |
|---|---|---|
| integers (B,) (or bool (B,): two classes) | `Classes` | H(Y) - CE(f_m, Y), H the entropy of the class shares |
| bool (B, L) | `Labels` | sum_l (H_l - BCE_{m,l}), H_l the entropy of the share of label l |
| floating (B,) or (B, K) | `Quantities` | sum_k max(0, 1/2 ln(Var y_k / MSE_{m,k})) |

The first two are variational lower bounds and may be negative. The third is one where the quantities are independent
and Gaussian; correlated quantities count what they share once each. Each quantity is clamped on its own: a prediction
worse than the mean of y_k tells nothing of y_k, and must not hide what the modality tells of the others. I_m does not
change when a quantity is shifted or scaled together with its predictions.

Pooling observations of micro-batches gives what one large batch gives, up to rounding.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

_LEAST_ERROR = torch.finfo(torch.float32).eps ** 2
"""Least MSE / Var: smaller errors are below the resolution of float32 predictions, and a perfect fit has none."""


@dataclass(frozen=True, eq=False)
class Observation(ABC):
    """Sums over the observed samples, float64.

    samples (): how many. feature_entropy (M,): summed entropy of softmax(z_m), nats.
    """

    samples: Tensor
    feature_entropy: Tensor

    def __add__(self, other: "Observation") -> Self:
        """What both batches tell; TypeError for another kind of target, ValueError for another number of outputs."""
        if not isinstance(other, type(self)):
            raise TypeError(
                "targets observed before one step must be of one kind, found "
                f"{type(self).__name__} and {type(other).__name__}"
            )
        for name, value in vars(self).items():
            shapes = tuple(value.shape), tuple(vars(other)[name].shape)
            if shapes[0] != shapes[1]:
                raise ValueError(
                    f"batches observed before one step must have the same outputs, found {name} of shapes {shapes}"
                )
        return self._pooled(other)

    def _pooled(self, other: Self) -> Self:
        return type(self)(**{name: value + vars(other)[name] for name, value in vars(self).items()})

    @abstractmethod
    def information(self, entropy: Callable[[Tensor], Tensor]) -> Tensor:
        """I_m (M,), nats, of no meaning without samples; entropy: of class counts, for targets that are classes."""


@dataclass(frozen=True, eq=False)
class Classes(Observation):
    """labels (C,): class counts. cross_entropy (M,): summed cross entropy of each modality's own logits, nats."""

    labels: Tensor
    cross_entropy: Tensor

    def information(self, entropy: Callable[[Tensor], Tensor]) -> Tensor:
        """H(Y) - CE(f_m, Y)."""
        return entropy(self.labels) - self.cross_entropy / self.samples


@dataclass(frozen=True, eq=False)
class Labels(Observation):
    """positives (L,): how often each label is set. cross_entropy (M,): binary cross entropy summed over labels."""

    positives: Tensor
    cross_entropy: Tensor

    def information(self, entropy: Callable[[Tensor], Tensor]) -> Tensor:
        """sum_l H_l - sum_l BCE_{m,l}."""
        share = self.positives / self.samples
        most: Tensor = (torch.special.entr(share) + torch.special.entr(1 - share)).sum()
        return most - self.cross_entropy / self.samples


@dataclass(frozen=True, eq=False)
class Quantities(Observation):
    """mean (K,) of the targets, scatter (K,): sum of squared deviations from it; squared_error (M, K): summed.

    Two batches of n and n' samples, d the difference of their means, pool to the scatter s + s' + d^2 n n' / (n + n')
    and the mean + d n' / (n + n'): no large squares are subtracted, whatever the offset of the target.
    Source: Chan, Golub and LeVeque, The American Statistician 37, 1983.
    """

    mean: Tensor
    scatter: Tensor
    squared_error: Tensor

    def _pooled(self, other: Self) -> Self:
        samples = self.samples + other.samples
        difference = other.mean - self.mean
        share = other.samples / samples.clamp_min(1)
        return type(self)(
            samples,
            self.feature_entropy + other.feature_entropy,
            self.mean + difference * share,
            self.scatter + other.scatter + difference.square() * (self.samples * share),
            self.squared_error + other.squared_error,
        )

    def information(self, entropy: Callable[[Tensor], Tensor]) -> Tensor:
        """sum_k max(0, 1/2 ln(Var y_k / MSE_{m,k})), both over n, of which each quantity gives at most ln 2^23 = 15.9.

        A quantity that is constant over the samples gives 0, whatever its predictions.
        """
        varies = self.scatter > 0
        ratio = torch.where(varies, self.squared_error / torch.where(varies, self.scatter, 1.0), 1.0)
        return ratio.clamp(_LEAST_ERROR, 1.0).reciprocal().log().sum(-1) / 2


def observation(logits: Sequence[Tensor], features: Sequence[Tensor], target: Tensor) -> Observation:
    """Sums over one batch: logits (B, outputs) and features (B, D_m) of each modality, and the target.

    A batch in which anything is not finite (logits, features or target) counts for nothing: all sums are 0.
    Raises ValueError for a target that is none of the kinds, logits that do not fit it, features of one coordinate
    (their softmax has no entropy), or rows that are missing.
    """
    kind = _kind(target)
    if any(z.ndim != 2 or z.shape[1] < 2 for z in features):
        raise ValueError(f"features must be (B, D) with D >= 2, found {[tuple(z.shape) for z in features]}")
    if any(len(given) != len(target) for given in [*logits, *features]):
        raise ValueError(f"logits and features must have a row for each of the {len(target)} targets, found others")
    own = _SUMS[kind]([f.double() for f in logits], target)
    feature_entropy = torch.stack([torch.special.entr(z.double().softmax(-1)).sum() for z in features])
    # A forward pass that overflowed tells nothing, and NaN would stay in every sum that it entered.
    finite = torch.stack([value.sum() for value in (*own[1:], feature_entropy)]).sum().isfinite()
    samples = torch.as_tensor(len(target), dtype=torch.float64, device=target.device)
    return kind(*(torch.where(finite, value, 0.0) for value in (samples, feature_entropy, *own)))


def observation_from(values: Mapping[str, Tensor]) -> Observation:
    """The observation with these fields, by name; ValueError where they are those of no kind."""
    for kind in _SUMS:
        if {field.name for field in fields(kind)} == set(values):
            return kind(**values)
    raise ValueError(f"an observation must have the fields of one kind of target, found {sorted(values)}")


def _kind(target: Tensor) -> type[Observation]:
    if len(target.shape) in (1, 2) and target.numel() and not target.is_complex():
        if target.is_floating_point():
            return Quantities
        if target.ndim == 1:
            return Classes
        if target.dtype is torch.bool:
            return Labels
    raise ValueError(
        "target must be (B,) class indices, (B, L) bool labels, or floating (B,) or (B, K), "
        f"found {target.dtype} of shape {tuple(target.shape)}"
    )


def _classes(logits: list[Tensor], target: Tensor) -> list[Tensor]:
    classes = functional.one_hot(target.long(), logits[0].shape[-1]).to(torch.float64)
    cross_entropy = torch.stack([functional.cross_entropy(f, classes, reduction="sum") for f in logits])
    return [classes.sum(0), cross_entropy]


def _labels(logits: list[Tensor], target: Tensor) -> list[Tensor]:
    _require_shape(logits, target, "labels")
    positive = target.to(torch.float64)
    losses = [functional.binary_cross_entropy_with_logits(f, positive, reduction="sum") for f in logits]
    return [positive.sum(0), torch.stack(losses)]


def _quantities(logits: list[Tensor], target: Tensor) -> list[Tensor]:
    y = target.to(torch.float64).reshape(len(target), -1)
    _require_shape(logits, y, "quantities")
    # Deviations from the first row: those of a constant are 0 exactly.
    deviation = y - y[0]
    mean = deviation.mean(0)
    squared_error = torch.stack([(f - y).square().sum(0) for f in logits])
    return [y[0] + mean, (deviation - mean).square().sum(0), squared_error]


def _require_shape(logits: list[Tensor], target: Tensor, what: str) -> None:
    if any(f.shape != target.shape for f in logits):
        raise ValueError(
            f"uni-modal logits must have a column for each of the {target.shape[1]} {what} of the target, "
            f"found {[tuple(f.shape) for f in logits]} for a target of shape {tuple(target.shape)}"
        )


_SUMS: dict[type[Observation], Callable[[list[Tensor], Tensor], list[Tensor]]] = {
    Classes: _classes,
    Labels: _labels,
    Quantities: _quantities,
}
