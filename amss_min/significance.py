"""How much a modality already tells about the target, and the keep fraction that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from amss_min.observation import Classes, Observation, observation

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


@dataclass(frozen=True)
class MutualInformationRate:
    """Keep fractions from the mutual information rate of each modality with the target.

    Information I_m, nats, by the kind of target: H(Y) - CE(f_m, Y) of classes, a sum over labels, or a sum over
    regressed quantities (amss_min.observation). Rate u_m = I_m / H(Z_m), with H(Z_m) the mean entropy of
    softmax(z_m); rho_m = 1 - softmax(u / temperature)_m, clamped to [floor, ceiling]. The modality that tells
    more keeps less. M = 1 keeps everything.

    mean: where given, the fractions are rescaled to this mean before clamping (without it the mean is
    (M - 1) / M, which grows with M).
    smoothing: in [0, 1), the weight of the past: a step keeps smoothing * (what the step before kept) +
    (1 - smoothing) * rho_m. AMSS carries the past, in its state_dict too; the first step keeps rho_m.
    swapped, released_entropy: the released code's departures, off by default: the ratios of a pair
    exchanged, and H(Y) computed by `released_label_entropy` (class targets only).

    Source: described in arXiv 2404.08347, formulas reconstructed from its released code; the information of
    labels and quantities, and smoothing, are extensions of this package.
    """

    temperature: float = 0.2
    floor: float = 0.1
    ceiling: float = 0.9
    mean: float | None = None
    smoothing: float = 0.0
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
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing must be in [0, 1), found smoothing={self.smoothing}")

    def observation(self, logits: list[Tensor], features: list[Tensor], target: Tensor) -> Observation:
        """Sums over one batch: logits (B, outputs) and features (B, D_m) of each modality, and the target.

        target: (B,) int64 classes with logits (B, C); (B, L) bool labels with logits (B, L); or floating (B,) or
        (B, K) quantities, predicted by logits (B, K). A batch with anything that is not finite counts for nothing.
        Raises ValueError for another target, logits that do not fit it, features of one coordinate (their softmax
        has no entropy), or released_entropy with a target that is not classes.
        """
        seen = observation(logits, features, target)
        if self.released_entropy and not isinstance(seen, Classes):
            raise ValueError(
                "released_entropy is the entropy of classes, the only targets of the released code, found "
                f"{target.dtype} of shape {tuple(target.shape)}: use Released(released_entropy=False)"
            )
        return seen

    def rates(self, observed: Observation) -> Tensor:
        """Mutual information rates u_m (M,), float64."""
        entropy = released_label_entropy if self.released_entropy else label_entropy
        information = observed.information(entropy)
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

    def smoothed(self, past: Tensor | None, observed: Observation) -> Tensor:
        """Keep fractions after those of the past, (M,) float64; the past itself where nothing finite was observed."""
        rho = self.fractions(observed)
        if past is None or not self.smoothing:
            return rho
        return torch.where(observed.samples > 0, self.smoothing * past + (1 - self.smoothing) * rho, past)
