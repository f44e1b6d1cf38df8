"""A design whose random words are written down instead of drawn.

With it a whole step of AMSSPlus becomes a deterministic function of words, which can be summed over exactly.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from amss_min.designs import Design, Draw


class Scripted(Design):
    """A design that draws as `inner` does, with the words of `script`: number of units -> one row of words a draw.

    requests: number of units -> the sizes and counts that the last draw was asked for.
    Raises KeyError where a draw among n units is asked for and none is written down.
    """

    def __init__(self, inner: Design, script: Mapping[int, Sequence[Sequence[int]]] | None = None) -> None:
        self.inner = inner
        self.script: Mapping[int, Sequence[Sequence[int]]] = script or {}
        self.requests: dict[int, tuple[Tensor, Tensor]] = {}

    @property
    def fixed_size(self) -> bool:  # type: ignore[override]
        """As the inner design."""
        return self.inner.fixed_size

    @property
    def positive(self) -> bool:  # type: ignore[override]
        """As the inner design."""
        return self.inner.positive

    def slots(self, n: int) -> int:
        """As the inner design."""
        return self.inner.slots(n)

    def inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        """As the inner design."""
        return self.inner.inclusion(p, k)

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        """As the inner design."""
        return self.inner.select(p, k, bits)

    def sample(self, p: Tensor, k: int | Tensor, *, generator: torch.Generator) -> Draw:
        """The draw that the script gives for this number of units; the generator is left alone."""
        n = p.shape[-1]
        self.requests[n] = p.clone(), torch.as_tensor(k)
        return self.inner.select(p, k, torch.tensor(self.script[n], dtype=torch.int64))
