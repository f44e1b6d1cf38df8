"""Masks of units, and what they do to a batch of gradients (R, K, d): the pieces of estimators under test."""

import torch
from torch import Generator, Tensor

from amss_min.designs import SimpleRandom


def norms(gradient: Tensor) -> Tensor:
    """|g_j|, (R, K)."""
    sizes: Tensor = gradient.norm(dim=-1)
    return sizes


def largest_entry(gradient: Tensor) -> Tensor:
    """max |g_i|, (R, 1, 1)."""
    return gradient.abs().amax((1, 2), keepdim=True)


def row_norm(gradient: Tensor) -> Tensor:
    """|g|, (R, 1, 1)."""
    sizes: Tensor = gradient.flatten(1).norm(dim=1)
    return sizes.reshape(-1, 1, 1)


def bernoulli(gradient: Tensor, pi: float | Tensor, generator: Generator) -> Tensor:
    """A mask (R, K), float64: each unit on its own with probability pi."""
    return (torch.rand(gradient.shape[:-1], dtype=torch.float64, generator=generator) < pi).double()


def uniform(gradient: Tensor, k: int, generator: Generator) -> Tensor:
    """A mask (R, K), float64, of k units, each set as likely."""
    return SimpleRandom().sample(torch.ones_like(norms(gradient)), k, generator=generator).drawn.double()


def times(gradient: Tensor, multipliers: Tensor) -> Tensor:
    """Multipliers (R, K) on units."""
    return gradient * multipliers.unsqueeze(-1)
