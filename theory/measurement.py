"""What an empirical claim takes: runs of an optimiser, replicate by replicate, with the objects that made them.

`theory` runs no optimiser. Whoever does hands over these arrays together with the objective, the noise and the
method, so that every constant of a prediction is read from the object it belongs to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from amss_min.designs import Design
from amss_min.importance import Importance
from amss_min.weightings import Weighting

Array = NDArray[np.float64]


class Objective(Protocol):
    """A smooth function with its constants; units holds the number of coordinates of each modality."""

    @property
    def name(self) -> str:
        """The objective with its parameters."""

    @property
    def L(self) -> float:
        """A Lipschitz constant of the gradient."""

    @property
    def f_star(self) -> float:
        """A lower bound of F."""

    @property
    def units(self) -> tuple[int, ...]:
        """The number of coordinates of each modality."""

    def value(self, w: Tensor) -> Tensor:
        """F at each row of w (R, d), as (R,)."""

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient of F at each row of w (R, d), as (R, d)."""


class Noise(Protocol):
    """A stochastic gradient with E[g | w] = grad F(w); sigma2 bounds E|g - grad F|^2 at every w, or is None."""

    @property
    def name(self) -> str:
        """The noise with its parameters."""

    @property
    def sigma2(self) -> float | None:
        """A bound on E|g - grad F|^2 at every w, or None where there is none."""

    def abc(self, objective: Any) -> tuple[float, float, float]:
        """A, B and C with E|g|^2 <= 2 A (F - F*) + B |grad F|^2 + C on this objective."""


class Stepsizes(Protocol):
    """A sequence eta_0, eta_1, ..."""

    @property
    def name(self) -> str:
        """The sequence with its parameters."""

    def values(self, steps: int) -> Tensor:
        """eta_0, ..., eta_{T-1} for T = steps, as (T,)."""


class Named(Protocol):
    """Whatever has a name."""

    @property
    def name(self) -> str:
        """The name, as shown in tables."""


class Estimator(Protocol):
    """A masked-gradient method; design and weighting are None for the plain gradient."""

    @property
    def name(self) -> str:
        """The method, as shown in tables."""

    @property
    def importance(self) -> Importance | None:
        """What makes sizes of units out of the gradient, or None."""

    @property
    def design(self) -> Design | None:
        """The law of the drawn units, or None for the plain gradient."""

    @property
    def weighting(self) -> Weighting | None:
        """What the drawn units are multiplied by, or None for the plain gradient."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """R replicates of w <- w - eta_t u_t from one start, seen at C checkpoints; u_t = M * g for plain descent.

    drawn: units drawn of each modality. start (d,). checkpoints: steps t >= 1, increasing. stepsize: eta_0, and eta_t
    for every t unless `schedule` says otherwise. optimiser: None for plain descent.
    squared_gradient (R, C): |grad F(w_t)|^2. average (R, C): its mean over the steps before t.
    weighted (R, C): its mean over the steps before t with weights a_s; weights (T,): a, None for 1 throughout.
    value (R, C): F(w_t).
    iterate (R, C, d): w_t. average_iterate (R, C, d): its mean over the steps before t.
    replay: what repeats this run (JSON types).
    """

    objective: Objective
    noise: Noise
    method: Estimator
    drawn: tuple[int, ...]
    stepsize: float
    start: Array
    checkpoints: tuple[int, ...]
    squared_gradient: Array
    average: Array
    iterate: Array
    average_iterate: Array
    weighted: Array
    value: Array
    replay: Mapping[str, Any]
    weights: Array | None = None
    schedule: Stepsizes | None = None
    optimiser: Named | None = None

    @property
    def replicates(self) -> int:
        """Number of replicates R."""
        return int(self.average.shape[0])

    @property
    def sigma2(self) -> float:
        """The noise's bound of E|g - grad F|^2; ValueError where it has none."""
        if self.noise.sigma2 is None:
            raise ValueError(f"the variance must be bounded uniformly, found none for {self.noise.name}")
        return self.noise.sigma2

    @property
    def gap(self) -> float:
        """F(w_0) - f_star."""
        return float(self.objective.value(torch.from_numpy(self.start))) - self.objective.f_star

    @property
    def start_energy(self) -> float:
        """|grad F(w_0)|^2."""
        return float(self.objective.gradient(torch.from_numpy(self.start)).square().sum())

    def label(self) -> str:
        """Method, noise and stepsize, as shown beside a piece of evidence."""
        step = f"{self.stepsize:.4g}" if self.schedule is None else self.schedule.name
        parts = [self.method.name, *([self.optimiser.name] if self.optimiser else []), self.noise.name]
        return ", ".join([*parts, f"stepsize {step}"])

    def window(self, values: Array, first: int, last: int) -> Array:
        """Running averages at checkpoints number `first` and `last`, as the average between the two.

        values: `average` or `average_iterate`; returns the mean over t_first <= t < t_last, without axis 1.
        """
        begin, end = self.checkpoints[first], self.checkpoints[last]
        mean: Array = (end * values[:, last] - begin * values[:, first]) / (end - begin)
        return mean


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The runs of one experiment."""

    runs: Sequence[Run]

    def of(self, method: str, noise: str = "") -> Iterator[Run]:
        """Runs of the method of this name whose noise's name starts as given, largest stepsize first."""
        found = [run for run in self.runs if run.method.name == method and run.noise.name.startswith(noise)]
        return iter(sorted(found, key=lambda run: -run.stepsize))
