"""How far a draw may lie from the gradient: declared, or fixed on a burn-in and then held against fresh draws."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from amss_min.testing.betting import Array
from amss_min.testing.estimator import Estimator, EstimatorError
from amss_min.testing.evidence import Guarantee
from amss_min.testing.functionals import Functionals, rescaled

MARGIN = 3.0
"""A cap is this many times the largest value of the burn-in."""

UNSEEN = 1000.0
"""An entry that was zero in the whole burn-in may yet be this many times its gradient: an inclusion of 1/1000."""

ROUNDING = 2.0**-20
"""Relative biases up to here count as rounding: sixteen roundings in single precision."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reach:
    """Ranges of what is summed, in the relative units of the functionals and of |g|.

    below, above (T,): every functional lies in [-below, above]. radius: |C - g| / |g| is at most this.
    energy: |C|^2 / |g|^2 is at most this. omega: the declared bound on E|C - g|^2 / |g|^2; the ranges are then
    infinite. attempt: how many ranges were fixed on draws, this one included; 0 for a declared reach.
    """

    guarantee: Guarantee
    below: Array
    above: Array
    radius: float
    energy: float
    omega: float | None = None
    attempt: int = 0

    @property
    def handicap(self) -> float:
        """What attempts cost: the i-th has the share 2^-i of alpha, so its log capital loses i log 2."""
        return self.attempt * math.log(2)

    def exceeded(self, values: Array, noises: Array, energies: Array) -> NDArray[np.bool_]:
        """Which draws (B,) lie outside.

        values (B, T): the functionals; noises, energies (B,): |C - g|^2 / |g|^2 and |C|^2 / |g|^2.
        """
        outside = ((values < -self.below) | (values > self.above)).any(1)
        beyond: NDArray[np.bool_] = outside | (noises > self.radius**2) | (energies > self.energy)
        return beyond

    def widened(self, functionals: Functionals, values: Array, noises: Array, energies: Array) -> "Reach":
        """The next attempt: all earlier ranges, and what these draws need, with the margin."""
        fresh = burned_in(functionals, values, noises, energies)
        return replace(
            fresh,
            below=np.maximum(self.below, fresh.below),
            above=np.maximum(self.above, fresh.above),
            radius=max(self.radius, fresh.radius),
            energy=max(self.energy, fresh.energy),
            attempt=self.attempt + 1,
        )


def burned_in(functionals: Functionals, values: Array, noises: Array, energies: Array) -> Reach:
    """Caps from a burn-in: three times the largest value seen on each side.

    values (B, T), noises and energies (B,): of its draws. Entries that were zero in all of them are allowed 1000 times
    their gradient: what is drawn rarely has not been seen to be missing.
    """
    g = functionals.gradient
    unseen = (values[:, : g.size].max(0) <= ROUNDING - 1).reshape(g.shape) & (g != 0)
    late = UNSEEN * g * unseen
    furthest = float(np.linalg.norm(late)) / functionals.norm
    return Reach(
        guarantee=Guarantee.TRUNCATED,
        below=MARGIN * np.maximum((-values).max(0), ROUNDING),
        above=np.maximum(MARGIN * np.maximum(values.max(0), ROUNDING), functionals.of_deviations(late[None])[0]),
        radius=MARGIN * max(math.sqrt(noises.max()), ROUNDING) + furthest,
        energy=(math.sqrt(MARGIN * max(float(energies.max()), 1.0)) + furthest) ** 2,
        attempt=1,
    )


def declared(estimator: Estimator, functionals: Functionals, e: int = 0) -> Reach | None:
    """The reach that the estimator declares for this gradient, a bound before omega; None where it declares neither.

    e: the functionals are those of the estimator's gradient times 2^-e.

    Raises EstimatorError for a declaration that is not a number (or, for a bound, a tensor of the gradient's shape).
    """
    if estimator.bound is not None:
        return _bounded(estimator.bound, functionals, e)
    if estimator.omega is None:
        return None
    omega = _number("omega", _value("omega", estimator.omega, functionals, e))
    endless = np.full(len(functionals.names), np.inf)
    return Reach(
        guarantee=Guarantee.VARIANCE_BOUNDED,
        below=endless,
        above=endless,
        radius=math.inf,
        energy=math.inf,
        omega=omega,
    )


def _bounded(bound: Any, functionals: Functionals, e: int) -> Reach:
    g, norm = functionals.gradient, functionals.norm
    value = _value("bound", bound, functionals, e) if callable(bound) else math.ldexp(float(bound) * norm, e)
    if isinstance(value, torch.Tensor) and value.ndim:
        if value.shape != g.shape:
            raise EstimatorError(
                f"bound must be a number or of the gradient's shape {g.shape}, found {tuple(value.shape)}"
            )
        entries = rescaled(value, -e).numpy()
        if not (np.isfinite(entries) & (entries >= 0)).all():
            raise EstimatorError("the declared bound must have entries of at least 0, found others")
        largest = float(np.linalg.norm(entries)) / norm
        radius = float(np.linalg.norm(entries + np.abs(g))) / norm
        # A functional is linear with the signs of g: it is largest where every entry is at the end of its range.
        corner = (entries + np.abs(g)) * np.where(g < 0, -1.0, 1.0)
        far = np.abs(functionals.of_deviations(corner[None])[0])
    else:
        largest = math.ldexp(_number("bound", value), -e) / norm
        radius = largest + 1
        far = functionals.norms() * radius
    slack = 1 + ROUNDING
    return Reach(
        guarantee=Guarantee.BOUNDED,
        below=far * slack,
        above=far * slack,
        radius=radius * slack,
        energy=largest**2 * slack,
    )


def _value(name: str, declaration: Any, functionals: Functionals, e: int) -> Any:
    if not callable(declaration):
        return declaration
    try:
        return declaration(rescaled(torch.from_numpy(functionals.gradient), e))
    except Exception as error:
        raise EstimatorError(f"the declared {name} raised {type(error).__name__}: {error}") from error


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise EstimatorError(f"the declared {name} must be a number, found {value!r}") from error
    if not number >= 0 or not math.isfinite(number):
        raise EstimatorError(f"the declared {name} must be a number of at least 0, found {number}")
    return number
