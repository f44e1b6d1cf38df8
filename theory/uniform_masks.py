"""Uniform masks read off production code: every subset of k of n units, with its multipliers as fractions."""

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations, product

import torch

from amss_min.designs import SimpleRandom
from amss_min.weightings import Weighting
from theory.moments import Number, Outcome
from theory.readings import exact


def uniform_masks(n: int, k: int, weighting: Weighting) -> list[Outcome]:
    """The law of production multipliers when SimpleRandom draws k of n units: probabilities and multipliers.

    Production `select` is called with words in every one of n! orders, each equally likely; n at most 5 is sensible.
    Multipliers are what the weighting returns, so Horvitz-Thompson weights n / k are exact where n / k is.

    >>> from amss_min.weightings import HorvitzThompson
    >>> [[str(m) for m in mask] for _, mask in uniform_masks(2, 1, HorvitzThompson())]
    [['2', '0'], ['0', '2']]
    """
    words = torch.tensor(list(permutations(range(n))), dtype=torch.int64) << 40
    draw = SimpleRandom().select(torch.ones(len(words), n, dtype=torch.float64), k, words)
    found = Counter(tuple(exact(row)) for row in weighting(draw))
    return [(Fraction(times, len(words)), mask) for mask, times in found.items()]


def sequences(law: Sequence[Outcome], steps: int) -> Iterator[tuple[Fraction, tuple[Sequence[Number], ...]]]:
    """All sequences of independent masks of this law, with their probabilities."""
    for path in product(law, repeat=steps):
        probability = Fraction(1)
        for p, _ in path:
            probability *= p
        yield probability, tuple(mask for _, mask in path)
