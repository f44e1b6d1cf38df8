r"""Dominance: the mean over replicates of a nonnegative quantity is below its bound at every checkpoint of every run.

The check that claims of the form E X_T <= bound(T) share. For X >= 0 the betting martingale of theory.inference tests
it with exact error control at every sample size: over all runs and checkpoints an alarm has probability at most ALPHA
if the bounds are true. Where there is none, a run still decides something only if its data could have contradicted a
part of its bound that matters: the evidence shows the tightness (mean over bound), the upper confidence limit of the
mean over the bound, and the largest part of the bound that the same data would have refuted.

A bound is a theorem under hypotheses. Those that concern the objective are looked into on the objective of every run;
where one fails, nothing is tested. Where no certificate stands behind an objective's L and f_star, a longer search
looks for points that contradict them, and the scope says that the outcome is conditional on them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.assumptions import Assumption
from theory.falsification import refute_lower_bound, refute_smoothness
from theory.inference import FEWEST, log_evidence, refuted_below, t_interval
from theory.measurement import Array, Measurement, Objective, Run

ALPHA = 1e-9
"""Probability of any alarm, over all runs and checkpoints, if the bounds are true."""

UPPER_ALPHA = 1e-6
"""Probability that any upper limit is too low, over all runs and checkpoints, for many replicates."""

LEAST_REFUTED = 0.25
"""A run whose data would not have refuted even this part of its bound decides nothing: INCONCLUSIVE."""


@dataclass(frozen=True, kw_only=True)
class Dominance:
    """A quantity with its bound: E values(run)[:, i] <= bound(run)[i] at checkpoint i.

    quantity: what is measured, with {T} for the checkpoint. values: (R, C), nonnegative. bound: (C,), positive, from
    the constants of the run's own objective, noise and method; it raises ValueError where it is no theorem.
    assumptions: what the bound rests on.
    """

    quantity: str
    values: Callable[[Run], Array]
    bound: Callable[[Run], Array]
    assumptions: tuple[Assumption, ...]

    def check(self, measurement: Measurement, *, trusting: bool = False) -> list[Evidence]:
        """One piece of evidence a run, REFUTED, CONSISTENT or INCONCLUSIVE.

        trusting: take the objectives' constants as they are stated, without looking for points that contradict them.
        A search would often find a wrong constant first; this way the measurement itself is put to the test.
        Raises ValueError for a run on which a hypothesis fails. Cost: 2 R C floating-point steps of betting for each of
        ten stakes a run, some twenty times; about a second for each objective without a certificate.
        """
        runs = measurement.runs
        tests = sum(len(run.checkpoints) for run in runs)
        notes = {
            _key(run.objective): "" if trusting else standing(run.objective, self.assumptions)
            for run in {_key(run.objective): run for run in runs}.values()
        }
        found = [_Compared(run, self, tests) for run in runs]
        scopes = {
            key: _scope([one for one in found if _key(one.run.objective) == key], note) for key, note in notes.items()
        }
        return [one.evidence(scopes[_key(one.run.objective)]) for one in found]


def standing(objective: Objective, assumptions: tuple[Assumption, ...]) -> str:
    """What a verdict on this objective is conditional on; empty where a certificate proves its constants.

    Raises ValueError where a hypothesis fails, or where a point contradicts L or f_star.
    """
    certified = bool(getattr(objective, "certificate", ""))
    findings = [] if certified else [search(objective) for search in (refute_smoothness, refute_lower_bound)]
    for finding in findings:
        if finding.refuted:
            raise ValueError(f"{finding.sentence()}, on {objective.name}: the claim does not apply")
    for assumption in assumptions:
        if not assumption.holds_on(objective):
            raise ValueError(f"{assumption.statement} fails on {objective.name}: the claim does not apply")
    if certified:
        return ""
    return "conditional on " + " and ".join(
        f"{finding.constant} = {finding.stated:.6g}: not contradicted by {finding.points} points"
        for finding in findings
    )


def refuse_other_descent(run: Run, *, constant: bool = True) -> None:
    """Raise ValueError unless the run is plain masked descent, sized by its own gradient, and of constant step."""
    if run.optimiser is not None:
        raise ValueError(f"the bound is one of plain descent, found optimiser {run.optimiser.name}")
    if constant and run.schedule is not None:
        raise ValueError(f"the bound is one of a constant stepsize, found {run.schedule.name}")
    if getattr(run.method, "lagged", False):  # theory.bounds.second_moment_factor sizes units by the vector it masks
        raise ValueError(f"the factor is known for importance from the masked gradient, found method {run.method.name}")


class _Compared:
    """One run against its bound."""

    def __init__(self, run: Run, dominance: Dominance, tests: int) -> None:
        self.run, self.quantity, self.tests = run, dominance.quantity, tests
        self.values, self.bound = dominance.values(run), dominance.bound(run)
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # runs that blow up are to be refuted, not to break the check
            self._compare(tests)

    def _compare(self, tests: int) -> None:
        columns = list(zip(self.values.T, self.bound.tolist(), strict=True))
        self.log_e = [log_evidence(column, limit) for column, limit in columns]
        self.refuted = [refuted_below(column, ALPHA / tests) / limit for column, limit in columns]
        self.mean: Array = self.values.mean(0)
        self.tightness: Array = self.mean / self.bound
        self.upper: Array | None = None
        if len(self.values) >= FEWEST:
            limits = [t_interval(column, 2 * UPPER_ALPHA / tests).high for column, _ in columns]
            self.upper = np.array(limits) / self.bound

    @property
    def status(self) -> Status:
        if max(self.log_e) >= self.threshold:
            return Status.REFUTED
        return Status.CONSISTENT if max(self.refuted) >= LEAST_REFUTED else Status.INCONCLUSIVE

    @property
    def threshold(self) -> float:
        return -math.log(ALPHA / self.tests)

    def evidence(self, scope: str) -> Evidence:
        run, alarm = self.run, self.status is Status.REFUTED
        alarms = [i for i, value in enumerate(self.log_e) if value >= self.threshold]
        shown = alarms[0] if alarms else int(self.tightness.argmax())
        horizon = run.checkpoints[shown]
        upper = (
            ""
            if self.upper is None
            else (f"; upper limit {self.upper.max():.3g} of the bound (Student, error {UPPER_ALPHA:g} over all)")
        )
        return Evidence(
            what=f"{self.quantity.format(T=horizon)}: {run.label()}",
            method=Method.MONTE_CARLO,
            guarantee=Guarantee.BOUNDED,
            status=self.status,
            expected=float(self.bound[shown]),
            measured=float(self.mean[shown]),
            tolerance=None,
            tolerance_source=f"alarm at log e-value {self.threshold:.1f} (error {ALPHA:g} over {self.tests} tests), "
            f"found {max(self.log_e):.3g}; this data would have refuted a bound {max(self.refuted):.3g} times this one"
            + upper,
            scope=scope,
            witness={**run.replay, "horizon": horizon, "log_e_value": self.log_e[shown]} if alarm else None,
            details={
                "horizons": list(run.checkpoints),
                "measured": self.mean.tolist(),
                "bound": self.bound.tolist(),
                "tightness": self.tightness.tolist(),
                "upper limit over bound": None if self.upper is None else self.upper.tolist(),
                "refuted part of the bound": self.refuted,
                "log e-values": self.log_e,
            },
        )


def _scope(found: list[_Compared], note: str) -> str:
    """How far the runs on one objective reach, and how close they come to their bounds."""
    runs = [one.run for one in found]
    sizes = sorted({run.replicates for run in runs})
    replicates = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    plural = "run" if len(runs) == 1 else "runs"
    text = f"{runs[0].objective.name}: {len(runs)} {plural} of {replicates} replicates, T up to "
    text += f"{max(run.checkpoints[-1] for run in runs)}, mean at most {max(one.tightness.max() for one in found):.2f}"
    uppers = [one.upper.max() for one in found if one.upper is not None]
    if len(uppers) == len(found):
        text += f" and upper limit {max(uppers):.2f}"
    return f"{text} of the bound" + (f"; {note}" if note else "")


def _key(objective: Objective) -> tuple[str, float, float | None]:
    return objective.name, objective.L, objective.f_star
