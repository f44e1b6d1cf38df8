r"""Descent with a biased gradient under expected smoothness: an average with weights that forget late steps.

Setting
-------
F is L-smooth and bounded below. w_{t+1} = w_t - eta G_t with <grad F, E G> >= b |grad F|^2 - c, b > 0, and
E |G|^2 <= 2 A (F - F*) + B |grad F|^2 + C. Here G = B * g, a 0/1 mask of a stochastic gradient g with constants
(A_g, B_g, C_g) of its own.

Claim
-----
For eta < 2 b / (L B), with p_t = (1 + L A eta^2)^-(t+1) and P_T = sum_{t<T} p_t,

    (1/P_T) sum_{t<T} p_t E |grad F(w_t)|^2 <= (2 Delta / (eta P_T) + L eta C + 2 c) / (2 b - L B eta)

for every T >= 1.
Proof: theory.biased_bounds.biased_abc_bound. The constants:

- Equal sizes, rho = k / n of a modality: E G = rho grad F, E |G|^2 = rho E |g|^2, so b is the least rho, c = 0, and
  (A, B, C) the largest rho times those of g. It holds without a uniform bound of the variance, as for a finite sum.
- Importance from the same gradient, d <= pi_j, additive noise: E |G|^2 <= E |g|^2, and
  <grad F, D grad F + c'> >= |grad F|_D^2 / 2 - kappa / 2, so b = d / 2 and c = kappa / 2,
  kappa <= (1 - d)^2 sigma^2 / (4 d).

Assumptions
-----------
Smoothness, boundedness, expected smoothness of the stochastic gradient, fresh random masks, inclusion bounded below.

How it is checked
-----------------
Runs of production designs with Indicator: uniform masks of single terms of a finite sum, with and without a common
minimiser, and AMSS with mixed sizes under skewed noise. The weighted average of each replicate is nonnegative: the
betting test of theory.dominance, in which an alarm has probability at most 1e-9 over all runs and horizons.

What would refute it
--------------------
Masks that scale what they keep, understated constants of expected smoothness.

Source
------
The setting: Demidovich et al. 2023 (arXiv 2305.16296); bound and constants derived in theory.biased_bounds and above.
"""

import numpy as np

from amss_min.testing import Evidence, Status
from theory.abc_bounds import abc_weights
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, SMOOTH
from theory.biased_bounds import biased_abc_bound
from theory.dominance import Dominance, refuse_other_descent
from theory.least_inclusion import INCLUSION, covariance_bound, run_least_inclusion
from theory.measurement import Array, Measurement, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (SMOOTH, BOUNDED_BELOW, INCLUSION, FRESH_RANDOMNESS)

ABC = tuple[float, float, float]


def constants(run: Run) -> tuple[ABC, float, float]:
    """(A, B, C), b and c of the masked gradient of a run.

    Raises ValueError for a mask that is not 0/1, whose inclusion probabilities have no lower bound, or that takes its
    importance from noise without a uniform bound of its variance.
    """
    least = run_least_inclusion(run)
    A, B, C = run.noise.abc(run.objective)
    if run.method.importance is None:
        largest = max(k / n for n, k in zip(run.objective.units, run.drawn, strict=True))
        return (largest * A, largest * B, largest * C), least, 0.0
    return (A, B, C), least / 2, covariance_bound(run.sigma2, least) / (2 * least)


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method.

    Raises ValueError as `constants`, for too large a step, and where the run's weights are not those of the bound.
    """
    refuse_other_descent(run)
    abc, alignment, misalignment = constants(run)
    last = run.checkpoints[-1]
    wanted = abc_weights(np.arange(last, dtype=np.float64), L=run.objective.L, A=abc[0], stepsize=run.stepsize)
    weights = np.ones(last) if run.weights is None else run.weights
    # The power p_t, a product of up to t factors, is computed in one rounded exponential: relative error (t + 4) 2^-52.
    if not (np.abs(weights / wanted - 1) <= (last + 4) * 2.0**-52).all():
        raise ValueError("the average must be weighted by (1 + L A eta^2)^-(t+1), found other weights")
    return biased_abc_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        gap=run.gap,
        stepsize=run.stepsize,
        abc=abc,
        alignment=alignment,
        misalignment=misalignment,
    )


DOMINANCE = Dominance(
    quantity="weighted average of |grad F|^2 over {T} steps",
    values=lambda run: run.weighted,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)


def check(measurement: Measurement) -> list[Evidence]:
    """One piece of evidence a run; refuses runs on which a hypothesis fails."""
    return DOMINANCE.check(measurement)


CLAIM = Claim(
    id="biased-abc-bound",
    statement=r"If $\langle \nabla F, E G \rangle \geq b \|\nabla F\|^2 - c$, "
    r"$E\|G\|^2 \leq 2 A (F - F^*) + B \|\nabla F\|^2 + C$ and $\eta < 2 b / (L B)$, then with "
    r"$p_t = (1 + L A \eta^2)^{-(t+1)}$ and $P_T = \sum_{t<T} p_t$: $\frac{1}{P_T} \sum_{t<T} p_t E\|\nabla F(w_t)\|^2 "
    r"\leq \frac{2 \Delta / (\eta P_T) + L \eta C + 2 c}{2 b - L B \eta}$ for every $T \geq 1$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Demidovich et al. 2023 (arXiv 2305.16296)", place="setting"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
