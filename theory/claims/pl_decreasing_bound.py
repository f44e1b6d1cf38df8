r"""On Polyak-Lojasiewicz functions masked descent with steps of order 1 / t has a gap of order 1 / T, without a floor.

Setting
-------
As for a constant step: F is L-smooth, |grad F|^2 / 2 >= mu (F - F*), 0 < mu <= L; an unbiased gradient with E|g|^2 <=
2 A (F - F*) + B |grad F|^2 + C, an unbiased fresh mask with factor f = 1 + omega; here with
eta_t = 2 / (mu (gamma + t)).

Claim
-----
With B' = f (B + A / mu), C' = f C and gamma >= max{2, 2 L B' / mu}, for every T >= 0

    E F(w_T) - F* <= max{2 L C' / mu^2, gamma Delta} / (gamma + T).

Proof. eta_t <= 2 / (mu gamma) <= 1 / (L B'), so smoothness, E |M * g|^2 <= B' |grad F|^2 + C' and the
Polyak-Lojasiewicz inequality give delta_{t+1} <= (1 - mu eta_t) delta_t + L C' eta_t^2 / 2. Let v be the numerator,
s = gamma + t >= 2, and delta_t <= v / s, which holds for t = 0. Then mu eta_t = 2 / s <= 1, and 2 L C' / mu^2 <= v, so

    delta_{t+1} <= (1 - 2 / s) v / s + v / s^2 = v (s - 1) / s^2 <= v / (s + 1),

because (s - 1) (s + 1) <= s^2. QED. The steps depend on mu: with an overstated mu the claim is void.

Assumptions
-----------
Smoothness, boundedness, the Polyak-Lojasiewicz inequality, expected smoothness, fresh masks, positive inclusion.

How it is checked
-----------------
F(w_T) - F* in every replicate, against the bound by theory.dominance, on the objectives of the constant step. Runs
with other steps are refused: gamma is read from the first step, and every step is compared.

What would refute it
--------------------
An overstated mu, understated L or noise, wrong weights of the mask.

Source
------
Derived above; Karimi, Nutini and Schmidt 2016 (arXiv 1608.04636), Theorem 4, has a case of it with other steps.
"""

import numpy as np

from amss_min.testing import Status
from theory.abc_bounds import masked, pl_decreasing_bound
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, POSITIVE_INCLUSION, SMOOTH
from theory.bounds import run_factor
from theory.curvature import EXPECTED_SMOOTHNESS, GLOBAL, POLYAK_LOJASIEWICZ, stated_mu
from theory.dominance import Dominance, refuse_other_descent
from theory.measurement import Array, Run
from theory.sources import Source
from theory.verdict import Claim, Kind

ASSUMPTIONS = (
    SMOOTH,
    BOUNDED_BELOW,
    GLOBAL,
    POLYAK_LOJASIEWICZ,
    EXPECTED_SMOOTHNESS,
    POSITIVE_INCLUSION,
    FRESH_RANDOMNESS,
)

_ROUNDING = 2.0**-50
"""A step is a quotient of two products: four roundings of 2^-53 each."""


def predicted(run: Run) -> Array:
    """The bound at every checkpoint of a run, from the constants of its own objective, noise and method."""
    refuse_other_descent(run, constant=False)
    mu, t = stated_mu(run.objective), np.arange(run.checkpoints[-1], dtype=np.float64)
    shift = 2 / (mu * run.stepsize)
    steps = None if run.schedule is None else run.schedule.values(len(t)).numpy()
    if steps is None or (np.abs(steps * (mu * (shift + t)) / 2 - 1) > _ROUNDING).any():
        raise ValueError("the bound is one of the steps 2 / (mu (gamma + t)), found others")
    return pl_decreasing_bound(
        np.array(run.checkpoints, dtype=np.float64),
        L=run.objective.L,
        mu=mu,
        gap=run.gap,
        shift=shift,
        abc=masked(run.noise.abc(run.objective), run_factor(run)),
    )


DOMINANCE = Dominance(
    quantity="F(w_{T}) - F*",
    values=lambda run: run.value - run.objective.f_star,
    bound=predicted,
    assumptions=ASSUMPTIONS,
)

CLAIM = Claim(
    id="pl-decreasing-bound",
    statement=r"If $\frac{1}{2} \|\nabla F\|^2 \geq \mu (F - F^*)$ and $E[\|g\|^2 \mid w] \leq 2 A (F(w) - F^*) + "
    r"B \|\nabla F(w)\|^2 + C$, then with $f = 1 + \omega$, $B' = f (B + A / \mu)$, $\eta_t = 2 / (\mu (\gamma + t))$ "
    r"and $\gamma \geq \max\{2, 2 L B' / \mu\}$: $E F(w_T) - F^* \leq "
    r"\frac{\max\{2 L f C / \mu^2, \gamma \Delta\}}{\gamma + T}$ for every $T$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="Karimi, Nutini and Schmidt, arXiv 1608.04636", place="proof in this file"),
    assumptions=ASSUMPTIONS,
    expected_status=Status.CONSISTENT,
    check=DOMINANCE.check,
    empirical=True,
)
