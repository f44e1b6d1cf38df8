"""A quadratic with a strong cosine: many local minima, the global one at the origin."""

from dataclasses import dataclass

from torch import Tensor

from simulations.objectives.base import Objective, ordered_sum
from simulations.objectives.tiles import repeated


@dataclass(frozen=True)
class SmoothRastrigin(Objective):
    r"""F(w) = sum_m sum_{j in m} (a_m / 2) w_j^2 + A (1 - cos(omega w_j)).

    n: coordinates of each modality. curvature: a_m > 0, one for each; their quotient dials the imbalance.
    amplitude A >= 0, frequency omega > 0: the cosine.

    Gradient. a_m w_j + A omega sin(omega w_j).
    L. The second derivative a_m + A omega^2 cos(omega w_j) lies in [a_m - A omega^2, a_m + A omega^2], so
    L = max_m a_m + A omega^2, attained at 0.
    f_star = 0, at the origin only: both terms are >= 0 and the first is 0 there alone.
    Convex with constant min_m a_m - A omega^2 where that is >= 0; in general only weakly convex, with that modulus.
    Stationary points satisfy |w_j| <= A omega / a_m. With v = omega w_j they solve sin(v) / v = -a_m / (A omega^2);
    since min sin(v) / v = -0.2172..., there are others than 0 iff a_m is below 0.2172... A omega^2, and then F is not
    Polyak-Lojasiewicz for any mu: F > f_star where the gradient vanishes. The defaults are such in both modalities.

    Raises ValueError for no coordinates, curvature or frequency that is not positive, or a negative amplitude.

    >>> SmoothRastrigin(n=1).L
    4.4
    """

    n: int = 8
    curvature: tuple[float, float] = (0.4, 0.2)
    amplitude: float = 1.0
    frequency: float = 2.0

    def __post_init__(self) -> None:
        if self.n < 1 or not min(*self.curvature, self.frequency) > 0 or not self.amplitude >= 0:
            raise ValueError(f"curvature and frequency must be > 0, amplitude >= 0 and n >= 1, found {self}")

    @property
    def name(self) -> str:
        """Smooth Rastrigin, with its parameters."""
        first, second = self.curvature
        return f"smooth Rastrigin, a=({first:g}, {second:g}), L={self.L:g}, d={self.d}"

    @property
    def L(self) -> float:
        """The largest a_m plus A omega^2."""
        return max(self.curvature) + self.amplitude * self.frequency**2

    @property
    def f_star(self) -> float:
        """0, at the origin."""
        return 0.0

    @property
    def convexity(self) -> float | None:
        """min_m a_m - A omega^2 where that is not negative."""
        lowest = min(self.curvature) - self.amplitude * self.frequency**2
        return lowest if lowest >= 0 else None

    @property
    def minimiser(self) -> tuple[float, ...]:
        """The origin."""
        return (0.0,) * self.d

    @property
    def blocks(self) -> tuple[slice, ...]:
        """Two blocks of n coordinates."""
        return (slice(0, self.n), slice(self.n, 2 * self.n))

    def value(self, w: Tensor) -> Tensor:
        """F(w); 1 - cos(v) is computed as 2 sin^2(v / 2)."""
        first, second = (ordered_sum(w[..., block].square()) for block in self.blocks)
        bowl = 0.5 * self.curvature[0] * first + 0.5 * self.curvature[1] * second
        return bowl + 2 * self.amplitude * ordered_sum((0.5 * self.frequency * w).sin().square())

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient, coordinate by coordinate."""
        pull = w * repeated(self.curvature, self.n).like(w)
        return pull + (self.amplitude * self.frequency) * (self.frequency * w).sin()
