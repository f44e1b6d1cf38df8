"""How much a modality already tells about the target, and the keep fraction that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_LEAST_ENTROPY = torch.finfo(torch.float32).eps
"""Feature entropies below the resolution of float32 features count as this, so that the rate stays finite."""


def unimodal_logits(head: nn.Linear, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Uni-modal logits of a linear head on concatenated features: f_m = W_m z_m + b / M.

    features: name -> z_m (B, D_m), in the order of concatenation; returns name -> (B, C). Their sum is the
    joint logits. Raises ValueError unless the widths D_m add up to head.in_features.

    >>> head = nn.Linear(3, 2)
    >>> parts = unimodal_logits(head, {"a": torch.ones(1, 1), "b": torch.ones(1, 2)})
    >>> torch.allclose(parts["a"] + parts["b"], head(torch.ones(1, 3)))
    True
    """
    widths = {name: z.shape[-1] for name, z in features.items()}
    if sum(widths.values()) != head.in_features:
        raise ValueError(f"feature widths must add up to in_features={head.in_features}, found {widths}")
    bias = None if head.bias is None else head.bias / len(features)
    blocks = head.weight.split(list(widths.values()), dim=1)
    return {name: functional.linear(z, block, bias) for (name, z), block in zip(features.items(), blocks, strict=True)}


def label_entropy(counts: Tensor) -> Tensor:
    """Entropy in nats of the distribution with these counts (C,): H(Y) = -sum p log p.

    >>> round(float(label_entropy(torch.tensor([1.0, 1.0]))), 4)
    0.6931
    """
    p: Tensor = counts.to(torch.float64) / counts.sum()
    entropy: Tensor = torch.special.entr(p).sum()
    return entropy


def released_label_entropy(counts: Tensor) -> Tensor:
    """What the released code computes for H(Y): CrossEntropy(p, p), which takes the softmax of p first.

    A batch of a single class out of six gives 1.04 nats instead of 0.
    Source: released code of AMSS at commit 3161ecc, AMSS/train_test.py line 70.
    """
    p = counts.to(torch.float64) / counts.sum()
    return functional.cross_entropy(p, p)


@dataclass(frozen=True, eq=False)
class Observation:
    """Sums over the observed samples: pooling them over micro-batches equals one large batch.

    samples (): how many. labels (C,): label counts. cross_entropy (M,): summed cross entropy of each
    modality's own logits, nats. feature_entropy (M,): summed entropy of softmax(z_m), nats.
    """

    samples: Tensor
    labels: Tensor
    cross_entropy: Tensor
    feature_entropy: Tensor

    def __add__(self, other: "Observation") -> "Observation":
        return Observation(
            self.samples + other.samples,
            self.labels + other.labels,
            self.cross_entropy + other.cross_entropy,
            self.feature_entropy + other.feature_entropy,
        )


@dataclass(frozen=True)
class MutualInformationRate:
    """Keep fractions from the mutual information rate of each modality with the target.

    Information I_m = H(Y) - CE(f_m, Y), a variational lower bound, nats; rate u_m = I_m / H(Z_m), with
    H(Z_m) the mean entropy of softmax(z_m); rho_m = 1 - softmax(u / temperature)_m, clamped to
    [floor, ceiling]. The modality that tells more keeps less. M = 1 keeps everything.

    mean: where given, the fractions are rescaled to this mean before clamping (without it the mean is
    (M - 1) / M, which grows with M).
    swapped, released_entropy: the released code's departures, off by default: the ratios of a pair
    exchanged, and H(Y) computed by `released_label_entropy`.

    Source: described in arXiv 2404.08347, formulas reconstructed from its released code.
    """

    temperature: float = 0.2
    floor: float = 0.1
    ceiling: float = 0.9
    mean: float | None = None
    swapped: bool = False
    released_entropy: bool = False

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"temperature must be positive, found temperature={self.temperature}")
        if not 0 < self.floor <= self.ceiling <= 1:
            raise ValueError(
                f"keep bounds must satisfy 0 < floor <= ceiling <= 1, found floor={self.floor}, ceiling={self.ceiling}"
            )
        if self.mean is not None and not self.floor <= self.mean <= self.ceiling:
            raise ValueError(f"mean must lie between floor and ceiling, found mean={self.mean}")

    def observation(self, logits: list[Tensor], features: list[Tensor], target: Tensor) -> Observation:
        """Sums over one batch: logits (B, C) and features (B, D_m) of each modality, target (B,) int64 classes.

        Raises ValueError for a target that is not a vector of class indices, or features of one coordinate
        (their softmax has no entropy).
        """
        if target.ndim != 1 or target.is_floating_point() or not len(target):
            raise ValueError(f"target must be (B,) class indices, found {target.dtype} of shape {tuple(target.shape)}")
        if any(z.ndim != 2 or z.shape[1] < 2 for z in features):
            raise ValueError(f"features must be (B, D) with D >= 2, found {[tuple(z.shape) for z in features]}")
        if any(len(given) != len(target) for given in [*logits, *features]):
            raise ValueError(f"logits and features must have a row for each of the {len(target)} targets, found others")
        classes = functional.one_hot(target.long(), logits[0].shape[-1]).to(torch.float64)
        cross_entropy = torch.stack([functional.cross_entropy(f.double(), classes, reduction="sum") for f in logits])
        feature_entropy = torch.stack([torch.special.entr(z.double().softmax(-1)).sum() for z in features])
        # A forward pass that overflowed tells nothing, and NaN would stay in every sum that it entered.
        finite = (cross_entropy.sum() + feature_entropy.sum()).isfinite()
        samples = torch.as_tensor(len(target), dtype=torch.float64, device=target.device)
        sums = (samples, classes.sum(0), cross_entropy, feature_entropy)
        return Observation(*(torch.where(finite, value, 0.0) for value in sums))

    def rates(self, observed: Observation) -> Tensor:
        """Mutual information rates u_m (M,), float64."""
        entropy = released_label_entropy if self.released_entropy else label_entropy
        information = entropy(observed.labels) - observed.cross_entropy / observed.samples
        return information / (observed.feature_entropy / observed.samples).clamp_min(_LEAST_ENTROPY)

    def fractions(self, observed: Observation) -> Tensor:
        """Keep fractions rho_m (M,), float64; the ceiling where nothing finite was observed."""
        rates = self.rates(observed)
        if len(rates) == 1:
            return torch.ones_like(rates)
        rho = 1 - (rates / self.temperature).softmax(0)
        if self.mean is not None:
            rho = rho * (self.mean / rho.mean())
        rho = torch.where(observed.samples > 0, rho.clamp(self.floor, self.ceiling), self.ceiling)
        return rho.flip(0) if self.swapped else rho
