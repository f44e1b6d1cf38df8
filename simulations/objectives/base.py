"""What an objective is: a smooth function with its constants, evaluated on a batch of points."""

from abc import ABC, abstractmethod

from torch import Tensor


class Objective(ABC):
    """F on R^d, bounded below by f_star and with an L-Lipschitz gradient.

    L, f_star: constants that the docstring of each objective derives; bounds take them from here.
    d: number of coordinates; every coordinate is one unit.
    blocks: one slice of the coordinates for each modality, in order, covering all of them.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The objective with its parameters, as shown in tables."""

    @property
    @abstractmethod
    def L(self) -> float:
        """A Lipschitz constant of the gradient."""

    @property
    @abstractmethod
    def f_star(self) -> float:
        """A lower bound of F, attained where the docstring says so."""

    @property
    @abstractmethod
    def blocks(self) -> tuple[slice, ...]:
        """The coordinates of each modality."""

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return int(self.blocks[-1].stop)

    @property
    def units(self) -> tuple[int, ...]:
        """Number of coordinates of each modality."""
        return tuple(block.stop - block.start for block in self.blocks)

    @abstractmethod
    def value(self, w: Tensor) -> Tensor:
        """F(w): (..., d) to (...), float64."""

    @abstractmethod
    def gradient(self, w: Tensor) -> Tensor:
        """The gradient of F at w: (..., d) to (..., d), float64."""


def ordered_sum(x: Tensor) -> Tensor:
    """The sum over the last axis, in an order that depends on its length alone.

    Halves are added entry by entry until one entry is left. A library reduction may choose its order by the
    shape of the whole batch, and a replicate would then change in its last bit with the company that it keeps.

    >>> import torch
    >>> ordered_sum(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    tensor([ 6., 15.])
    """
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        folded = x[..., :half] + x[..., half : 2 * half]
        if x.shape[-1] % 2:
            folded[..., 0] += x[..., -1]
        x = folded
    return x[..., 0]
