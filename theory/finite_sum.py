r"""Finite sums in rationals: F = (1/N) sum_i F_i with known smoothness and infima, and their ABC constants.

Two sorts of components, both with F_i >= 0 and infimum 0:

- a quadratic (s/2) |w - c|^2, which is s-smooth;
- Geman-McClure, the sum over coordinates of (s/2) r^2 / (1 + r^2) with r = w_j - c_j. Its second derivative is
  s (1 - 3 r^2) / (1 + r^2)^3, in [-s/4, s]: s-smooth and not convex.

For any s-smooth F_i with infimum 0, |grad F_i|^2 <= 2 s F_i: a step of length 1/s along -grad F_i lowers F_i by
|grad F_i|^2 / (2 s) at least, and F_i stays at or above 0. For a quadratic it is an equality.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from theory.gradient_law import GradientLaw, Vector


def uniform_abc(smoothness: Fraction, gap: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    """(A, B, C) of one component drawn uniformly: smoothness max_i L_i, gap F* - (1/N) sum_i F_i*."""
    return smoothness, Fraction(0), 2 * smoothness * gap


@dataclass(frozen=True)
class Component:
    """One F_i: scale s (= its smoothness L_i), centre c, convex (a quadratic) or not (Geman-McClure)."""

    scale: Fraction
    centre: Vector
    convex: bool

    @property
    def smoothness(self) -> Fraction:
        """L_i."""
        return self.scale

    def value(self, w: Sequence[Fraction]) -> Fraction:
        """F_i(w)."""
        squares = [(x - c) ** 2 for x, c in zip(w, self.centre, strict=True)]
        parts = squares if self.convex else [square / (1 + square) for square in squares]
        return self.scale / 2 * sum(parts, Fraction(0))

    def gradient(self, w: Sequence[Fraction]) -> Vector:
        """grad F_i(w)."""
        away = [x - c for x, c in zip(w, self.centre, strict=True)]
        return tuple(self.scale * (r if self.convex else r / (1 + r * r) ** 2) for r in away)


@dataclass(frozen=True)
class RationalSum:
    """F = (1/N) sum_i F_i, sampled one component at a time, each with probability 1/N.

    >>> one, two = Fraction(1), Fraction(2)
    >>> F = RationalSum((Component(one, (two,), True), Component(one, (-two,), True)))
    >>> F.value((two,)), F.second_moment((two,)), F.abc
    (Fraction(4, 1), Fraction(8, 1), (Fraction(1, 1), Fraction(0, 1), Fraction(4, 1)))
    """

    components: tuple[Component, ...]

    @property
    def component_smoothness(self) -> Fraction:
        """max_i L_i."""
        return max(component.smoothness for component in self.components)

    @property
    def f_star(self) -> Fraction:
        """The infimum of F where all components are quadratics: at the mean of the centres, weighted by the scales.

        Raises ValueError otherwise.
        """
        if not all(component.convex for component in self.components):
            raise ValueError("the infimum is known where all components are quadratics, found another")
        total = sum((component.scale for component in self.components), Fraction(0))
        columns = zip(*(component.centre for component in self.components), strict=True)
        scales = [component.scale for component in self.components]
        mean = [sum((s * c for s, c in zip(scales, column, strict=True)), Fraction(0)) / total for column in columns]
        return self.value(mean)

    @property
    def abc(self) -> tuple[Fraction, Fraction, Fraction]:
        """The constants, with F_i* = 0."""
        return uniform_abc(self.component_smoothness, self.f_star)

    def value(self, w: Sequence[Fraction]) -> Fraction:
        """F(w)."""
        return sum((component.value(w) for component in self.components), Fraction(0)) / len(self.components)

    def second_moment(self, w: Sequence[Fraction]) -> Fraction:
        """E |g|^2 of the gradient of one component drawn uniformly."""
        squares = (value * value for component in self.components for value in component.gradient(w))
        return sum(squares, Fraction(0)) / len(self.components)

    def law(self, w: Sequence[Fraction]) -> GradientLaw:
        """The law of the gradient of one component drawn uniformly."""
        share = Fraction(1, len(self.components))
        return GradientLaw(
            f"finite sum at {[str(x) for x in w]}", tuple((share, c.gradient(w)) for c in self.components)
        )

    @property
    def inputs(self) -> dict[str, Any]:
        """The components in JSON types, for a witness."""
        return {
            "components": [
                {"scale": str(c.scale), "centre": [str(x) for x in c.centre], "convex": c.convex}
                for c in self.components
            ]
        }
