"""What an objective is: a smooth function with its constants, evaluated on a batch of points."""

import math
from abc import ABC, abstractmethod

from torch import Tensor


class Objective(ABC):
    """F on R^d, bounded below by f_star and with an L-Lipschitz gradient.

    L, f_star: constants that the docstring of each objective derives; bounds take them from here.
    d: number of coordinates; every coordinate is one unit.
    blocks: one slice of the coordinates for each modality, in order, covering all of them.
    mu, convexity, radius, certificate, minimiser: what else is known, with a default that claims nothing.

    value and gradient keep the dtype and the device of w. Row r of a batch gets the same value, bit for bit on a CPU,
    whatever rows stand beside it.
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
    def mu(self) -> float | None:
        """mu > 0 with |grad F|^2 / 2 >= mu (F - f_star) everywhere (Polyak-Lojasiewicz), or None: not known."""
        return self.convexity or None

    @property
    def convexity(self) -> float | None:
        """m >= 0 such that F is m-strongly convex, 0 for convex; None where F is not known to be convex.

        An m > 0 is a Polyak-Lojasiewicz constant where f_star is attained: minimising
        F(w) + <grad F(w), v - w> + (m / 2) |v - w|^2 <= F(v) over v gives F(w) - f_star <= |grad F(w)|^2 / (2 m).
        """
        return None

    @property
    def radius(self) -> float:
        """L and f_star hold on the ball |w| <= radius; outside it nothing is said."""
        return math.inf

    @property
    def certificate(self) -> str:
        """Where L and f_star are proved; empty where nothing proves them."""
        return "docstring"

    @property
    def minimiser(self) -> tuple[float, ...] | None:
        """A point where F = f_star, to the rounding of its coordinates; None where there is none or none is known."""
        return None

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


class FiniteSum(Objective):
    """F = (1 / N) sum_i F_i, whose components can be drawn.

    For a uniform index i and g = grad F_i(w), with A = component_L and G = component_gap,

        E |g|^2 <= 2 A (F(w) - f_star) + 2 A G,

    since |grad F_i|^2 <= 2 L_i (F_i - inf F_i) for an L_i-smooth F_i (a step of 1 / L_i lowers it by
    |grad F_i|^2 / (2 L_i)), averaged over i. Where L holds on a ball only, the file proves this inequality there.
    """

    @property
    @abstractmethod
    def samples(self) -> int:
        """Number of components N."""

    @abstractmethod
    def component_gradient(self, w: Tensor, index: Tensor) -> Tensor:
        """Row r is the gradient of component index[r] at w[r]: (R, d) and (R,) int64 to (R, d)."""

    @property
    @abstractmethod
    def component_L(self) -> float:
        """The largest Lipschitz constant of a component's gradient."""

    @property
    @abstractmethod
    def component_gap(self) -> float:
        """An upper bound, >= 0, of f_star - (1 / N) sum_i inf F_i; 0 where the components share a minimiser."""


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
