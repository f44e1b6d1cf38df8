"""What a sampling design is: a deterministic map from sizes, a count and random words to a draw."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

WORD = 2**62
"""Random words are int64, uniform on [0, WORD)."""

_TINY = torch.finfo(torch.float64).tiny
_SMALLEST = 2.0**-1000
"""The least positive size beside a sum of 1: its inverse, times any number of units, still is a float64."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Draw:
    """A drawn set of units, with what a weighting needs. All tensors have units on the last axis.

    drawn (..., n) bool: the units drawn.
    q (..., n) float64: sizes normalised to sum 1; zero exactly where the size was zero.
    k (...) int64: the count, cut to the number of units of positive size.
    design: the design that drew.
    pi (..., n) float64: realised inclusion probabilities, where the design knows them without extra work.
    log_threshold (...) float64: logarithm of the (k+1)-th smallest clock (successive sampling only).
    """

    drawn: Tensor
    q: Tensor
    k: Tensor
    design: "Design"
    pi: Tensor | None = None
    log_threshold: Tensor | None = None

    @property
    def inclusion(self) -> Tensor:
        """Realised inclusion probabilities (..., n), float64; computed on demand where they are expensive."""
        return self.design.inclusion(self.q, self.k) if self.pi is None else self.pi


class Design(ABC):
    """A law over subsets of n units with sizes p >= 0.

    Sizes must be finite and counts at least 1; they are checked where that needs no waiting for a device
    (shapes, and a count that is an int). Every design is a deterministic function of its random words
    (`select`): the training step, the batched simulations and the exact enumeration all run the same code.
    Units of size zero are never drawn, and the count k is cut to the number of units of positive size; a row of
    zeros draws nothing.
    """

    fixed_size: ClassVar[bool]
    """Whether every draw holds exactly k units."""

    positive: ClassVar[bool]
    """Whether inclusion probabilities are positive wherever sizes are."""

    approximate: ClassVar[bool] = False
    """Whether inclusion probabilities are meant to be proportional to size, and are so only approximately."""

    @abstractmethod
    def slots(self, n: int) -> int:
        """Random words needed for one draw among n units."""

    @abstractmethod
    def inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """Realised inclusion probabilities, float64, shape of p; k is an int or an int64 tensor (...)."""

    @abstractmethod
    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """The draw that these random words give: p (..., n), bits int64 (..., slots(n)) in [0, 2**62)."""

    def joint_inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """Joint inclusion probabilities pi_ij = P(i and j drawn), float64 (..., n, n), with pi_i on the diagonal.

        Raises NotImplementedError where no exact form of reasonable cost is known.
        """
        raise NotImplementedError(f"joint inclusion must have an exact form, found none for {self!r}")

    def sample(self, p: Tensor, k: int | Tensor, *, generator: torch.Generator) -> Draw:
        """Draw with fresh words from the generator (which may live on another device than p)."""
        return self.select(p, k, random_words((*p.shape[:-1], self.slots(p.shape[-1])), generator, p.device))

    def sample_step(self, p: Tensor, k: Tensor, *, generator: torch.Generator) -> Draw:
        """As `sample`, for the draws of one training step: sizes (draws, n) from an Importance, counts (draws,).

        Every draw has the law of `sample`, and units of two draws are uncorrelated: mean and covariance of a masked
        gradient are those of independent draws. Designs for which that saves work override it; here draws are
        independent.
        """
        return self.sample(p, k, generator=generator)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def random_words(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
    """Fresh words from the generator, which may live on another device than they go to."""
    return torch.randint(WORD, shape, generator=generator, device=generator.device).to(device)


def prepared(p: Tensor, k: int | Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised sizes q, which units are positive, and the effective count, for sizes p and count k.

    q is float64 (..., n); a positive size stays positive even where it underflows beside the sum. Every finite size is
    safe: before they are summed, sizes are scaled by the power of two that takes the largest below 1, without rounding.
    Raises ValueError for a 0-d p, no units, or an int k below 1.
    """
    if p.ndim == 0 or p.shape[-1] == 0:
        raise ValueError(f"sizes must have at least one unit on the last axis, found shape {tuple(p.shape)}")
    if isinstance(k, int) and k < 1:
        raise ValueError(f"the count k must be at least 1, found k={k}")
    positive = p > 0
    p = p.detach().to(torch.float64)
    largest = p.amax(-1, keepdim=True).clamp_min_(_TINY)
    q = p * largest.frexp().mantissa.div_(largest)
    q.div_(q.sum(-1, keepdim=True).clamp_min_(_TINY)).clamp_min_(_SMALLEST).mul_(positive)
    return q, positive, torch.minimum(torch.as_tensor(k, device=p.device), positive.sum(-1))


def smallest(keys: Tensor, k: Tensor) -> Tensor:
    """Which entries are among the k smallest of the last axis, ties to the lower index: bool (..., n)."""
    order = keys.argsort(dim=-1, stable=True)
    among = torch.arange(keys.shape[-1], device=keys.device) < k.unsqueeze(-1)
    return torch.zeros_like(among).scatter(-1, order, among)
