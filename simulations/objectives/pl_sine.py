"""Non-convex, and yet every stationary point is a global minimum: w^2 + 3 sin^2 w in each coordinate."""

from dataclasses import dataclass

from torch import Tensor

from simulations.objectives.base import Objective, ordered_sum
from simulations.objectives.tiles import repeated

POLYAK_LOJASIEWICZ = 7 / 40
"""mu of f(x) = x^2 + 3 sin^2 x, proved in `PLSine`; the best constant lies between .175 and .1756."""


@dataclass(frozen=True)
class PLSine(Objective):
    r"""F(w) = sum_m scale_m sum_{j in m} f(w_j), f(x) = x^2 + 3 sin^2 x.

    n: coordinates of each modality. scales: weight of each modality, > 0; their quotient dials the imbalance.

    Gradient. scale_m f'(w_j), f'(x) = 2 x + 3 sin 2x.
    L. f''(x) = 2 + 6 cos 2x in [-4, 8], so L = 8 max_m scale_m, attained at 0.
    f_star = 0, at the origin only.

    mu. f'^2 / 2 >= mu_1 f with mu_1 = 7/40 gives |grad F|^2 / 2 = sum scale_m^2 f'^2 / 2 >= min_m scale_m mu_1 F. f is
    even; for x >= 0:
    - x <= 1/2: sin 2x >= 2x sin 1 (concavity), so f' >= (2 + 6 sin 1) x > 7x, while f <= 4 x^2: the quotient
      f'^2 / (2 f) is above 6.
    - x >= 4: f' >= 2x - 3 and f <= x^2 + 3; (2x - 3)^2 / (x^2 + 3) increases for x > 3/2 (its logarithmic derivative
      has the sign of 2 (x^2 + 3) - x (2x - 3) = 6 + 3x) and is 25/19 at 4: the quotient is above 0.65.
    - 1/2 <= x <= 4: phi = f'^2 - 2 mu_1 f has |phi'| = |f'| |2 f'' - 2 mu_1| <= 11 (16 + 0.35) < 180, so phi > 0
      follows from phi > 90 h + rounding on a grid of spacing h. The tests evaluate that grid (h = 2^-15).
    Hence f' = 0 only at 0: non-convex, without another stationary point.

    Raises ValueError for no coordinates or a scale that is not positive.
    Source: the function is that of Karimi, Nutini and Schmidt 2016 (arXiv 1608.04636), who state mu = 1/32.

    >>> F = PLSine(n=1)
    >>> F.L, F.f_star, F.d
    (8.0, 0.0, 2)
    """

    n: int = 8
    scales: tuple[float, float] = (1.0, 0.5)

    def __post_init__(self) -> None:
        if self.n < 1 or not min(self.scales) > 0:
            raise ValueError(f"there must be a coordinate and scales must be positive, found {self}")

    @property
    def name(self) -> str:
        """Square plus sine, with its parameters."""
        first, second = self.scales
        return f"square plus sine, scales=({first:g}, {second:g}), L={self.L:g}, d={self.d}"

    @property
    def L(self) -> float:
        """8 times the largest scale."""
        return 8 * max(self.scales)

    @property
    def f_star(self) -> float:
        """0, at the origin."""
        return 0.0

    @property
    def mu(self) -> float:
        """7/40 times the smallest scale."""
        return POLYAK_LOJASIEWICZ * min(self.scales)

    @property
    def minimiser(self) -> tuple[float, ...]:
        """The origin."""
        return (0.0,) * self.d

    @property
    def blocks(self) -> tuple[slice, ...]:
        """Two blocks of n coordinates."""
        return (slice(0, self.n), slice(self.n, 2 * self.n))

    def value(self, w: Tensor) -> Tensor:
        """F(w)."""
        each = w.square() + 3 * w.sin().square()
        first, second = (ordered_sum(each[..., block]) for block in self.blocks)
        return self.scales[0] * first + self.scales[1] * second

    def gradient(self, w: Tensor) -> Tensor:
        """scale_m (2 w_j + 3 sin 2 w_j)."""
        return (2 * w + 3 * (2 * w).sin()) * repeated(self.scales, self.n).like(w)
