"""Inclusion probabilities proportional to size and capped at 1, in rationals: the theory's own implementation."""

from collections.abc import Sequence
from fractions import Fraction


def water_filled(sizes: Sequence[Fraction], k: int) -> list[Fraction]:
    """pi_j = min(1, c a_j) with sum k, for sizes a_j >= 0 of which at least one is positive.

    Found by capping: every unit whose share k a_j / sum(a) exceeds 1 gets 1 and leaves, and the others share
    what is left, until nobody exceeds. k is cut to the number of positive sizes. Cost: O(n^2) at most.
    Source: Hajek 1964; Tille, Sampling Algorithms, 2006, section 2.10.

    >>> water_filled([Fraction(6), Fraction(1), Fraction(1)], 2)
    [Fraction(1, 1), Fraction(1, 2), Fraction(1, 2)]
    """
    sharing = {unit for unit, size in enumerate(sizes) if size > 0}
    left = min(k, len(sharing))
    pi = [Fraction(0)] * len(sizes)
    while sharing:
        scale = left / sum((sizes[unit] for unit in sharing), Fraction(0))
        capped = {unit for unit in sharing if scale * sizes[unit] >= 1}
        for unit in capped or sharing:
            pi[unit] = min(Fraction(1), scale * sizes[unit])
        if not capped:
            break
        sharing -= capped
        left -= len(capped)
    return pi


def square_sizes(gradient: Sequence[Fraction]) -> list[Fraction]:
    """Sizes by energy, g_j^2 / |g|^2."""
    return _shares([value * value for value in gradient])


def norm_sizes(gradient: Sequence[Fraction]) -> list[Fraction]:
    """Sizes by norm, |g_j| / sum |g_i|."""
    return _shares([abs(value) for value in gradient])


def mixed_sizes(sizes: Sequence[Fraction], mix: Fraction) -> list[Fraction]:
    """(1 - mix) q_j + mix / n_plus on the positive sizes, zero elsewhere."""
    positive = sum(size > 0 for size in sizes)
    return [(1 - mix) * size + mix / positive if size > 0 else Fraction(0) for size in sizes]


def _shares(sizes: Sequence[Fraction]) -> list[Fraction]:
    total = sum(sizes, Fraction(0))
    return [size / total for size in sizes]
