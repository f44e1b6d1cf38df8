"""Functions on which descent is as slow as the closed forms say: trajectories in rationals, for L = 1."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.moments import Outcome


@dataclass(frozen=True)
class Profile:
    """A function of one variable by its derivative: linear between knots (x, F'(x)), x increasing, constant outside.

    >>> half_square = Profile(((Fraction(0), Fraction(0)), (Fraction(1), Fraction(1))))
    >>> half_square.smoothness, half_square.drop(Fraction(1), Fraction(0))
    (Fraction(1, 1), Fraction(1, 2))
    """

    knots: tuple[tuple[Fraction, Fraction], ...]

    @property
    def smoothness(self) -> Fraction:
        """The Lipschitz constant of F'."""
        pairs = itertools.pairwise(self.knots)
        return max(abs((v - u) / (y - x)) for (x, u), (y, v) in pairs)

    def derivative(self, x: Fraction) -> Fraction:
        """F'(x)."""
        if x <= self.knots[0][0]:
            return self.knots[0][1]
        for (left, u), (right, v) in itertools.pairwise(self.knots):
            if x <= right:
                return u + (v - u) * (x - left) / (right - left)
        return self.knots[-1][1]

    def drop(self, high: Fraction, low: Fraction) -> Fraction:
        """F(high) - F(low) for low <= high: the trapezoids below F'."""
        xs = [low, *(x for x, _ in self.knots if low < x < high), high]
        pairs = itertools.pairwise(xs)
        return sum(((y - x) * (self.derivative(x) + self.derivative(y)) / 2 for x, y in pairs), Fraction(0))


def sawtooth(steps: int) -> Profile:
    """F' = 1 at 0, -1, ..., -N, falling at slope 1 to 1/2 halfway between, and to 0 at -N - 1: F is least there.

    Gradient descent with eta = 1 from 0 visits 0, -1, ..., -N and never sees a derivative other than 1, while F falls
    by 3/4 a step only.
    """
    teeth = [(Fraction(-i, 2), Fraction(1, 1 + i % 2)) for i in reversed(range(2 * steps + 1))]
    return Profile(((Fraction(-steps - 1), Fraction(0)), *teeth))


def smallest_on_sawtooth(steps: int, *, drop: bool) -> Fraction:
    """min_{t<=N} |F'(w_t)|^2 over F(w_0) - F(w_N) (drop) or F(w_0) - F*, by running gradient descent with eta = 1."""
    profile = sawtooth(steps)
    places = [Fraction(0)]
    for _ in range(steps):
        places.append(places[-1] - profile.derivative(places[-1]))
    least = min(profile.derivative(x) ** 2 for x in places)
    return least / profile.drop(places[0], places[-1] if drop else profile.knots[0][0])


def masked_on_half_square(steps: int, law: Sequence[Outcome], stepsize: Fraction) -> Fraction:
    """The average of E |grad F(w_t)|^2, t < T, over F(w_0) - F*, for F = |w|^2 / 2 from w_0 = (1, ..., 1).

    E w_j^2 is multiplied by E (1 - eta M_j)^2 in every step.
    """
    units = len(law[0][1])
    shrink = [
        sum((Fraction(chance) * (1 - stepsize * Fraction(mask[j])) ** 2 for chance, mask in law), Fraction(0))
        for j in range(units)
    ]
    energies = [sum((one**t for one in shrink), Fraction(0)) for t in range(steps)]
    return sum(energies, Fraction(0)) / steps / Fraction(units, 2)


def biased_on_half_square(steps: int, relative: Fraction, absolute: Fraction) -> Fraction:
    """The average of |grad F(w_t)|^2, t < T, for F = |w|^2 / 2 with F(w_0) = 1 and biases of the largest size allowed.

    w - (grad F(w) + b) = -b, so |grad F(w_{t+1})|^2 = |b_t|^2 = relative |grad F(w_t)|^2 + absolute.
    """
    energies = [Fraction(2)]
    for _ in range(steps - 1):
        energies.append(relative * energies[-1] + absolute)
    return sum(energies, Fraction(0)) / steps


def top_one_on_half_square(steps: int, n: int) -> Fraction:
    """The average of |grad F(w_t)|^2, t < T, over F(w_0) - F*, for F = |w|^2 / 2 from (1, ..., 1): a block goes to 0
    in every step.
    """
    return Fraction(sum(max(n - t, 0) for t in range(steps)), steps) / Fraction(n, 2)
