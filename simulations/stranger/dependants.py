r"""What follows from the constants of an objective, put to the test on it: bounds for AMSS+ and AMSS.

| claim | runs | needs |
|---|---|---|
| nonconvex-bound | AMSS+ and uniform masks, noise, three stepsizes, four horizons | L, f_star |
| full-gradient-bound | AMSS with exact gradients, two stepsizes, four horizons | L, f_star |
| pl-bound | AMSS+ and uniform masks, noise, F(w_T) - f_star | L, f_star, mu |
| full-gradient-pl-bound | AMSS with exact gradients, F(w_T) - f_star | L, f_star, mu |
| convex-bound | AMSS+ and uniform masks, noise, F(average iterate) - f_star | L, f_star, convexity with a minimiser |

Noise is Gaussian with sigma^2 = L (F(start) - f_star) / 4, of the order of the gradient at the start, whatever the
units of F.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from amss_min.testing import Evidence, Guarantee, Method, Status
from simulations.experiments.base import Cell
from simulations.methods import METHODS, counts
from simulations.noise import Gaussian
from simulations.objectives import Objective
from simulations.objectives.function import SAME
from theory.abc_bounds import masked, pl_bound
from theory.assumptions import BOUNDED_BELOW, SMOOTH, Assumption
from theory.biased_bounds import full_gradient_bound, full_gradient_pl_bound
from theory.bounds import largest_stepsize, run_factor, second_moment_factor
from theory.claims import nonconvex_bound
from theory.convex_bounds import convex_bound
from theory.curvature import CONVEX, GLOBAL, MINIMISED, POLYAK_LOJASIEWICZ
from theory.dominance import Dominance
from theory.measurement import Array, Measurement, Run
from theory.sources import Source
from theory.verdict import Claim, Kind, Verdict

NOT_RUN = "not run: "
"""How the scope of a claim begins that was left out; the reason follows."""

KEEP = 0.25
HORIZONS = (8, 32, 128, 512)
REPLICATES = 256
_SHARES = (1.0, 0.5, 0.25)


@dataclass(frozen=True)
class Dependant:
    """A claim, the constants that it rests on, its bound, and the runs that test it.

    needs: names of constants that were searched. assumptions: hypotheses without which the claim is not tested.
    """

    claim: Claim
    needs: tuple[str, ...]
    dominance: Dominance
    cells: Callable[[Objective, tuple[float, ...]], tuple[Cell, ...]]

    def refusal(self, objective: Objective) -> str:
        """Why the claim does not apply to this objective; empty where it does."""
        for assumption in self.dominance.assumptions:
            if assumption in _REASONS and not assumption.holds_on(objective):
                return _REASONS[assumption]
        return "no mu is stated (--mu)" if "mu" in self.needs and objective.mu is None else ""

    def left_out(self, reason: str, *, expected: Status) -> Verdict:
        """INCONCLUSIVE, for this reason; expected: CONSISTENT where it should have been run."""
        evidence = Evidence(
            what="not run",
            method=Method.MONTE_CARLO,
            guarantee=Guarantee.ASYMPTOTIC,
            status=Status.INCONCLUSIVE,
            expected="a run",
            measured=reason,
            tolerance=None,
            tolerance_source="",
            scope=f"{NOT_RUN}{reason}",
        )
        return Verdict(claim=replace(self.claim, expected_status=expected), evidence=(evidence,))

    def verdict(self, runs: list[Run]) -> Verdict:
        """Whether the runs dominate; a bound far above what was measured is not contradicted either, and says so."""
        return replace(self.claim, check=self._check, empirical=True).verify(Measurement(runs=runs))

    def _check(self, measurement: Measurement) -> list[Evidence]:
        for run in measurement.runs:
            lowest = float(np.nan_to_num(run.value, nan=math.inf).min())
            below = run.objective.f_star - lowest
            if below > SAME * (abs(lowest) + abs(run.objective.f_star)):
                raise ValueError(f"F must be at least f_star = {run.objective.f_star:.6g}, found {lowest:.9g} in a run")
        found = self.dominance.check(measurement, trusting=True)
        loose = all(item.status is Status.INCONCLUSIVE for item in found)
        return [_undecided_is_loose(item, "; loose: no run comes near its bound" if loose else "") for item in found]


def _undecided_is_loose(item: Evidence, note: str) -> Evidence:
    """The bound of a right but generous constant is loose: it is not contradicted, and the numbers show by how much."""
    if item.status is not Status.INCONCLUSIVE:
        return item
    return replace(item, status=Status.CONSISTENT, scope=item.scope + note)


_REASONS: dict[Assumption, str] = {
    GLOBAL: "L and f_star are stated on a ball only, and nothing keeps the iterates inside",
    CONVEX: "no convexity is stated (an Objective can state it), or it fails",
    MINIMISED: "no minimiser is stated (an Objective can state it), or F is not f_star there",
}


def _gap(objective: Objective, start: tuple[float, ...]) -> float:
    return float(objective.value(torch.tensor(start, dtype=torch.float64))) - objective.f_star


def noisy(objective: Objective, start: tuple[float, ...]) -> tuple[Cell, ...]:
    """AMSS+ and uniform masks at three stepsizes, up to the limit 1 / (L (1 + omega))."""
    noise, drawn = Gaussian(objective.d, total=objective.L * _gap(objective, start) / 4), counts(objective.units, KEEP)
    cells = []
    for name in ("amss+", "uniform-ht"):
        factor = max(second_moment_factor(METHODS[name], n, k) for n, k in zip(objective.units, drawn, strict=True))
        for share in _SHARES:
            cells.append(_cell(objective, start, name, noise, share * largest_stepsize(objective.L, factor)))
    return tuple(cells)


def exact(objective: Objective, start: tuple[float, ...]) -> tuple[Cell, ...]:
    """AMSS with exact gradients at the stepsizes 1 / L and 1 / (2 L)."""
    noise = Gaussian(objective.d, total=0.0)
    return tuple(_cell(objective, start, "amss", noise, share / objective.L) for share in (1.0, 0.5))


def _cell(objective: Objective, start: tuple[float, ...], name: str, noise: Gaussian, stepsize: float) -> Cell:
    return Cell(
        experiment="objective",
        objective=objective,
        noise=noise,
        method=METHODS[name],
        keep=KEEP,
        start=start,
        stepsize=stepsize,
        checkpoints=HORIZONS,
        replicates=REPLICATES,
    )


def _horizon(run: Run) -> Array:
    return np.array(run.checkpoints, dtype=np.float64)


def _share(run: Run) -> float:
    return min(k / n for n, k in zip(run.objective.units, run.drawn, strict=True))


def _mu(run: Run) -> float:
    mu: float = run.objective.mu  # type: ignore[attr-defined]  # POLYAK_LOJASIEWICZ saw to it
    return mu


def _average(run: Run) -> Array:
    return run.average


def _above(run: Run) -> Array:
    above: Array = np.maximum(run.value - run.objective.f_star, 0.0)
    return above


def _above_average(run: Run) -> Array:
    value = run.objective.value(torch.from_numpy(run.average_iterate)).numpy()
    above: Array = np.maximum(value - run.objective.f_star, 0.0)
    return above


def _rounding(run: Run) -> float:
    """What is granted to the rounding of F - f_star: half of float64's digits of F at the start and of f_star."""
    f_star = run.objective.f_star
    return SAME * (abs(run.gap + f_star) + abs(f_star))


def _full(run: Run) -> Array:
    return full_gradient_bound(_horizon(run), L=run.objective.L, gap=run.gap, stepsize=run.stepsize, share=_share(run))


def _full_pl(run: Run) -> Array:
    L, share = run.objective.L, _share(run)
    found = full_gradient_pl_bound(_horizon(run), L=L, mu=_mu(run), gap=run.gap, stepsize=run.stepsize, share=share)
    return found + _rounding(run)


def _pl(run: Run) -> Array:
    abc = masked((0.0, 1.0, run.sigma2), run_factor(run))
    found = pl_bound(_horizon(run), L=run.objective.L, mu=_mu(run), gap=run.gap, stepsize=run.stepsize, abc=abc)
    return found + _rounding(run)


def _convex(run: Run) -> Array:
    minimiser = np.array(run.objective.minimiser)  # type: ignore[attr-defined]  # MINIMISED saw to it
    found = convex_bound(
        _horizon(run),
        L=run.objective.L,
        distance2=float(((run.start - minimiser) ** 2).sum()),
        stepsize=run.stepsize,
        factor=run_factor(run),
        sigma2=run.sigma2,
    )
    return found + _rounding(run)


def _dependant(
    id: str,
    statement: str,
    place: str,
    needs: tuple[str, ...],
    dominance: Dominance,
    cells: Callable[[Objective, tuple[float, ...]], tuple[Cell, ...]],
) -> Dependant:
    claim = Claim(
        id=id,
        statement=statement,
        kind=Kind.INEQUALITY,
        source=Source(kind="derived", reference="proof in the docstring", place=place),
        assumptions=dominance.assumptions,
        expected_status=Status.CONSISTENT,
        check=dominance.check,
        empirical=True,
    )
    return Dependant(claim, needs, dominance, cells)


_ENERGY, _GAP = "average of |grad F|^2 over {T} steps", "F(w_T) - f_star at T = {T}"
_ALWAYS = (SMOOTH, BOUNDED_BELOW, GLOBAL)

DEPENDANTS = (
    Dependant(nonconvex_bound.CLAIM, ("L", "f_star"), nonconvex_bound.DOMINANCE, noisy),
    _dependant(
        "full-gradient-bound",
        r"With exact gradients AMSS keeps its bound: $\frac1T \sum_{t<T} E\|\nabla F(w_t)\|^2 \leq \frac{2 \Delta}{pT} "
        r"(1 - (1 - pL)^T)$, $p = \eta (2 - L \eta) k/n$.",
        "theory.biased_bounds.full_gradient_bound",
        ("L", "f_star"),
        Dominance(quantity=_ENERGY, values=_average, bound=_full, assumptions=_ALWAYS),
        exact,
    ),
    _dependant(
        "pl-bound",
        r"Under a Polyak-Lojasiewicz constant AMSS+ converges at a linear rate to a floor: $E F(w_T) - F^* \leq r^T "
        r"\Delta + s (1 - r^T) / (1 - r)$.",
        "theory.abc_bounds.pl_bound",
        ("L", "f_star", "mu"),
        Dominance(quantity=_GAP, values=_above, bound=_pl, assumptions=(*_ALWAYS, POLYAK_LOJASIEWICZ)),
        noisy,
    ),
    _dependant(
        "full-gradient-pl-bound",
        r"With exact gradients and a Polyak-Lojasiewicz constant AMSS converges at a linear rate to $F^*$: "
        r"$E F(w_T) - F^* \leq (1 - \mu \eta (2 - L \eta) k/n)^T \Delta$.",
        "theory.biased_bounds.full_gradient_pl_bound",
        ("L", "f_star", "mu"),
        Dominance(quantity=_GAP, values=_above, bound=_full_pl, assumptions=(*_ALWAYS, POLYAK_LOJASIEWICZ)),
        exact,
    ),
    _dependant(
        "convex-bound",
        r"On a convex objective the averaged iterate of AMSS+ has $E F(\bar w_T) - F^* \leq \frac{\|w_0 - w^*\|^2}"
        r"{2 \eta T} + \frac{\eta}{2} (1 + \omega) \sigma^2$.",
        "theory.convex_bounds.convex_bound",
        ("L", "f_star"),
        Dominance(
            quantity="F(average iterate) - f_star at T = {T}",
            values=_above_average,
            bound=_convex,
            assumptions=(*_ALWAYS, CONVEX, MINIMISED),
        ),
        noisy,
    ),
)
"""The claims about an objective that rest on its constants."""
