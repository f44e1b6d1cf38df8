"""Estimators that keep the contract, for the tests of what surrounds the statistical core."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from amss_min.designs import Poisson, SimpleRandom, Successive, Systematic, TopK
from amss_min.importance import GradientNorm, SquaredGradient
from amss_min.testing.adapters import from_design, from_jax_style, from_numpy, several_tensors, stateful
from amss_min.weightings import HorvitzThompson, Indicator, RankConditioned

Estimate = Callable[..., Tensor]


def bernoulli(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """Every unit kept with probability 1/2."""
    return gradient * (torch.rand(len(gradient), 1, generator=generator) < 0.5) / 0.5


def dithered(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """Normal noise: torch keeps the second of two normal numbers inside the generator."""
    size: Tensor = torch.linalg.vector_norm(gradient)
    return gradient + size * torch.randn(gradient.shape, generator=generator)


def identity(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
    """Nothing random, and the gradient itself."""
    return gradient


def numpy_halves(gradient: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return gradient * rng.integers(0, 2, len(gradient))[:, None] * 2.0


def jax_halves(key: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    result = gradient * np.random.default_rng(key).integers(0, 2, len(gradient))[:, None] * 2.0
    result.setflags(write=False)  # as arrays of JAX are
    return result


class ErrorFeedback:
    """Half of the units at a time; what was not sent is added to the next gradient."""

    def __init__(self) -> None:
        self.left: Tensor | float = 0.0

    def __call__(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        whole = gradient + self.left
        sent = whole * (torch.rand(len(gradient), 1, generator=generator) < 0.5)
        self.left = whole - sent
        return sent


def each_tensor(tensors: dict[str, Tensor], *, generator: torch.Generator) -> dict[str, Tensor]:
    """Whole tensors kept with probability 1/2, returned in another order."""
    kept = {name: x * (torch.rand((), generator=generator) < 0.5) * 2 for name, x in tensors.items()}
    return dict(reversed(kept.items()))


class Remembering:
    """A cache that changes nothing but the time: sizes by gradient."""

    def __init__(self) -> None:
        self.sizes: dict[tuple[float, ...], Tensor] = {}

    def __call__(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        sizes = self.sizes.setdefault(tuple(gradient.flatten().tolist()), gradient.norm(dim=1))
        return gradient * (torch.rand(len(gradient), generator=generator) < sizes / (1 + sizes)).unsqueeze(1)


DESIGNS: dict[str, Estimate] = {
    "systematic": from_design(Systematic(), keep=3),
    "ordered systematic": from_design(Systematic(random_order=False), importance=SquaredGradient(mix=0.5)),
    "poisson": from_design(Poisson(), importance=GradientNorm(mix=0.1)),
    "simple random": from_design(SimpleRandom()),
    "rank-conditioned": from_design(Successive(), RankConditioned(), keep=3),
    "top": from_design(TopK(), Indicator(), keep=2),
    "everything": from_design(Systematic(), HorvitzThompson(), keep=1.0),
}
"""Our designs: batched."""

PLAIN: dict[str, Estimate] = {
    "bernoulli": bernoulli,
    "dithered": dithered,
    "identity": identity,
    "numpy": from_numpy(numpy_halves),
    "jax": from_jax_style(jax_halves),
    "stateful": stateful(ErrorFeedback, steps=2),
    "remembering": Remembering(),
}
"""Estimators of one gradient at a time, for every shape."""

SEVERAL = several_tensors(each_tensor, {"weight": (2, 2), "bias": (), "scale": (3,)})
"""An estimator of gradients (8, 1)."""
