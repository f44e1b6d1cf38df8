"""The simulation as one would first write it: one replicate after another, one step after another, in NumPy.

It stands in the benchmark beside the batched engine, and does the same: stochastic gradient, systematic mask in a fixed
order with inverse inclusion weights, one step, running averages of squared gradients and of iterates.
"""

import numpy as np

from theory.measurement import Array


def plain_run(steps: int, d: int, k: int, *, by_norm: bool, seed: int, stepsize: float = 0.01) -> tuple[float, Array]:
    """One replicate on F = |w|^2 / 2 from (1, ..., 1) with standard normal noise; its two averages.

    by_norm: importance by gradient norm mixed with a tenth of uniform, water-filled; otherwise every unit the same.

    >>> energy, mean = plain_run(10, 4, 2, by_norm=True, seed=0)
    >>> energy > 0 and mean.shape == (4,)
    True
    """
    rng = np.random.default_rng(seed)
    w, energy, total = np.ones(d), 0.0, np.zeros(d)
    for _ in range(steps):
        exact = w.copy()
        energy += float(exact @ exact)
        total += w
        gradient = exact + rng.standard_normal(d)
        if by_norm:
            norms = np.abs(gradient)
            pi = water_filled(0.9 * norms / norms.sum() + 0.1 / d, k)
        else:
            pi = np.full(d, k / d)
        crossed = np.floor(np.cumsum(pi) + rng.random())
        drawn = np.diff(crossed, prepend=0.0)
        w = w - stepsize * drawn / pi * gradient
    return energy / steps, total / steps


def water_filled(sizes: Array, k: int) -> Array:
    """min(1, c size) with sum k: units are capped from the largest on while they would exceed 1.

    >>> water_filled(np.array([6.0, 1.0, 1.0]), 2)
    array([1. , 0.5, 0.5])
    """
    falling = np.sort(sizes)[::-1]
    rest = np.cumsum(falling[::-1])[::-1]
    capped = 0
    while (k - capped) * falling[capped] > rest[capped]:
        capped += 1
    pi: Array = np.minimum(1.0, sizes * ((k - capped) / rest[capped]))
    return pi
