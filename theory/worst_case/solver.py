"""The worst-case problems in PEPit, for L = 1 and a gap of 1: a second formulation, solved numerically.

PEPit (Goujaud, Moucer, Glineur, Hendrickx, Taylor and Dieuleveut, arXiv 2201.04040) writes the conditions for smooth
interpolation itself; CLARABEL solves. What comes back is a number with the tolerances of a solver, not a proof. Both
belong to the extra `worst-case` and are imported when the first problem is solved.
"""

import importlib
import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EXTRA = "worst-case"

REDUCED_GAP = 5e-5
"""CLARABEL's reduced_tol_gap_abs and reduced_tol_gap_rel: the gap between primal and dual value up to which it still
accepts an answer ("almost solved"), absolute or relative to the value; a solved problem is within 1e-8."""

ACCEPTED = ("optimal", "optimal_inaccurate")


class MissingExtra(ModuleNotFoundError):
    """A package of the extra `worst-case` is not installed; the message says how to install it."""


@dataclass(frozen=True)
class Solved:
    """Value of the worst case (dual, hence from above), and the solver's own word on it."""

    value: float
    status: str

    @property
    def accepted(self) -> bool:
        """Whether the solver stands behind the value, to within `tolerance`."""
        return self.status in ACCEPTED

    @property
    def tolerance(self) -> float:
        """REDUCED_GAP times max(1, |value|)."""
        return REDUCED_GAP * max(1.0, abs(self.value))


def missing() -> str:
    """What the extra lacks, in words; empty where everything is there.

    Cost: imports PEPit, about 2 s the first time.
    """
    try:
        _pepit()
    except MissingExtra as error:
        return str(error)
    return ""


def _pepit() -> Any:
    try:
        importlib.import_module("clarabel")
        importlib.import_module("PEPit.functions")
        return importlib.import_module("PEPit")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"worst cases are solved with the extra {EXTRA!r}, found no package {error.name!r}: "
            f"pip install -c constraints.txt -e '.[{EXTRA}]'"
        ) from error


class _Trajectories:
    """A problem on a 1-smooth function that is bounded below by f_star, with the trajectories added so far."""

    def __init__(self, blocks: int = 0) -> None:
        pepit = _pepit()
        self.point = pepit.Point
        self.problem = pepit.PEP()
        self.function = self.problem.declare_function(pepit.functions.SmoothFunction, L=1.0)
        self.f_star = pepit.Expression()
        self.partition = self.problem.declare_block_partition(d=blocks) if blocks else None
        self.start = self.problem.set_initial_point()

    def visit(self, x: Any) -> tuple[Any, Any]:
        """Gradient and value at a point, with the lower bound that holds there."""
        gradient, value = self.function.oracle(x)
        self.problem.add_constraint(value - self.f_star >= gradient**2 / 2)
        return gradient, value

    def start_within(self, gap: Any) -> None:
        self.problem.set_initial_condition(gap <= 1)

    def block(self, gradient: Any, number: int) -> Any:
        assert self.partition is not None
        return self.partition.get_block(gradient, number)

    def solved(self) -> Solved:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cvxpy warns of reduced accuracy; the status says so too
            value = self.problem.solve(wrapper="cvxpy", solver="CLARABEL", verbose=0)
        return Solved(float(value), str(self.problem.wrapper.prob.status))


def gradient_descent_smallest(steps: int, *, drop: bool) -> Solved:
    """min_{t<=N} |grad F(w_t)|^2, eta = 1; drop: F(w_0) - F(w_N) <= 1, else F(w_0) - F* <= 1."""
    run = _Trajectories()
    x, values = run.start, []
    for _ in range(steps + 1):
        gradient, value = run.visit(x)
        values.append(value)
        run.problem.set_performance_metric(gradient**2)
        x = x - gradient
    run.start_within(values[0] - (values[-1] if drop else run.f_star))
    return run.solved()


def masked_average(steps: int, n: int, k: int) -> Solved:
    """(1/T) sum_{t<T} E |grad F(w_t)|^2 with uniform Horvitz-Thompson masks of k of n blocks and eta = k / n.

    A drawn block moves by eta n / k = 1 times its gradient. All courses of the subsets are branches of one tree, with
    binom(n, k)^(T-1) leaves. k = n is gradient descent.
    """
    run = _Trajectories(n if n > 1 else 0)
    subsets = list(itertools.combinations(range(n), k))
    level, energy = [run.start], 0
    for t in range(steps):
        following = []
        for x in level:
            gradient, value = run.visit(x)
            if t == 0:
                run.start_within(value - run.f_star)
            energy = gradient**2 / (steps * len(level)) + energy
            blocks = [run.block(gradient, j) for j in range(n)] if n > 1 else [gradient]
            for subset in subsets:
                moved = x
                for j in subset:
                    moved = moved - blocks[j]
                following.append(moved)
        level = following
    run.problem.set_performance_metric(energy)
    return run.solved()


def biased_average(steps: int, relative: float, absolute: float) -> Solved:
    """(1/T) sum_{t<T} |grad F(w_t)|^2 with w <- w - (grad F(w) + b), |b|^2 <= relative |grad F|^2 + absolute."""
    run = _Trajectories()
    x, energy = run.start, 0
    for t in range(steps):
        gradient, value = run.visit(x)
        if t == 0:
            run.start_within(value - run.f_star)
        energy = gradient**2 / steps + energy
        bias = run.point()
        run.problem.add_constraint(bias**2 <= relative * gradient**2 + absolute)
        x = x - gradient - bias
    run.problem.set_performance_metric(energy)
    return run.solved()


def top_one_average(steps: int, n: int, course: Sequence[int]) -> Solved:
    """(1/T) sum_{t<T} |grad F(w_t)|^2 where step t moves block course[t], the largest of n, with eta = 1.

    course: T - 1 blocks; the worst case of the method is the largest over courses (`problems.courses`).
    """
    run = _Trajectories(n)
    x, energy = run.start, 0
    for t in range(steps):
        gradient, value = run.visit(x)
        if t == 0:
            run.start_within(value - run.f_star)
        energy = gradient**2 / steps + energy
        if t < steps - 1:
            largest = run.block(gradient, course[t])
            for other in set(range(n)) - {course[t]}:
                run.problem.add_constraint(largest**2 >= run.block(gradient, other) ** 2)
            x = x - largest
    run.problem.set_performance_metric(energy)
    return run.solved()
