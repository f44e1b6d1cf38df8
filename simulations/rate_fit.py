"""Rates from runs of independent horizons: dominance by a bound first, the slope last.

R_T is the mean over runs of an average of |grad F|^2 up to the horizon T. Its logarithm against log T has a slope, and
this slope is the weakest of the things that can be said about a theorem R_T <= bound(T): with a stepsize proportional
to T^(-1/2) a slope near -1/2 follows from the stepsize alone, and a transient of order 1/T makes the fitted slope
steeper than the exponent of the theorem while the theorem is right. So `fit` looks at more, and `RateFit.text` says it
in the order of what it is worth: dominance, plateau, local slopes, curvature, slope.

Why the input is a mapping from horizon to replicates: every interval here adds up the variances of the horizons, which
is right only if no run counts at two of them. Running averages of one run, read at several times, share their noise;
an interval from them may miss almost always. Nothing in the numbers proves independence, so it is asked for: one array
of replicates for every horizon, from runs made for that horizon alone. What does show is refused: a table of runs by
times, and arrays whose ranks agree position by position.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from scipy import stats

from theory.inference import FEWEST, t_interval
from theory.measurement import Array

GUARANTEE = "asymptotic"
FEWEST_HORIZONS = 3
PAIRED_ALPHA = 1e-9
"""Probability that independent horizons are refused as paired."""

_AT_ONCE = 2**22
_ROUNDING = 2.0**-40
"""Relative error granted to a mean beyond sampling: 2^12 values, each rounded by 2^-52."""

_MOST_UNEQUAL = 1e6
"""Weights differ by no more than this, so that the equations stay well conditioned; any weights give a valid interval.
"""


@dataclass(frozen=True)
class Estimate:
    """A value with its interval and standard error."""

    value: float
    low: float
    high: float
    standard_error: float

    @property
    def z(self) -> float:
        """Value over standard error; infinite for a value that is known exactly, 0 where that is 0."""
        if self.standard_error > 0:
            return self.value / self.standard_error
        return math.copysign(math.inf, self.value) if self.value else 0.0

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True, kw_only=True)
class RateFit:
    """What independent horizons say about a rate; each of its statements errs with probability alpha (asymptotic).

    horizons, replicates (H,); mean, and lower and upper its one-sided limits, joint over the horizons (H,).
    bound (H,): the bound at every horizon, or None where none was given.
    local: slope between each two neighbouring horizons, joint intervals. slope: weighted least squares of log mean on
    log T. delta_error: its standard error by the delta method, with the weights taken as given. theil_sen: median of
    the slopes of all pairs. curvature: coefficient of (log T)^2. plateau: a in mean = a + b T^(-1/2), by weighted least
    squares; its lower limit is one-sided and its upper limit too.
    """

    alpha: float
    horizons: tuple[int, ...]
    replicates: tuple[int, ...]
    mean: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    bound: tuple[float, ...] | None
    local: tuple[Estimate, ...]
    slope: Estimate
    delta_error: float
    theil_sen: float
    curvature: Estimate
    plateau: Estimate

    @property
    def ratios(self) -> tuple[float, ...]:
        """Upper limit over bound at every horizon; none without a bound."""
        return tuple(u / b for u, b in zip(self.upper, self.bound, strict=True)) if self.bound else ()

    @property
    def dominated(self) -> bool | None:
        """True: every upper limit is within the bound. False: a lower limit exceeds it. None: neither, or no bound."""
        if not self.bound:
            return None
        if any(low > bound for low, bound in zip(self.lower, self.bound, strict=True)):
            return False
        return True if max(self.ratios) <= 1 else None

    @property
    def has_plateau(self) -> bool:
        """Whether the lower limit of a is above 0."""
        return self.plateau.low > 0

    def decays_at_least(self, exponent: float, margin: float = 0.0) -> bool:
        """Whether the upper limit of the slope is at most -exponent + margin: one-sided, since faster is no breach."""
        return self.slope.high <= -exponent + margin

    def rises(self, exponent: float) -> tuple[int, ...]:
        """Horizons from which T^exponent R_T rises to the next one, beyond doubt at alpha over all of them."""
        found = zip(self.horizons[:-1], self.local, strict=True)
        return tuple(horizon for horizon, local in found if local.low > -exponent)

    @property
    def text(self) -> str:
        """The findings in words, the most telling first."""
        return "\n".join(
            [
                self._dominance(),
                f"plateau: a = {self.plateau} in a + b T^(-1/2); "
                + ("above 0" if self.has_plateau else "not shown to be above 0")
                + " (a 1/T transient lowers a; a decay slower than T^(-1/2) raises it)",
                f"local slopes: {', '.join(f'{local.value:.3f}' for local in self.local)}"
                f" (T = {', '.join(map(str, self.horizons))})",
                f"curvature: {self.curvature.value:.3g} (log T)^2, z = {self.curvature.z:.1f}",
                f"slope: {self.slope}, Theil-Sen {self.theil_sen:.4g}; {self._caveats()}",
            ]
        )

    def _dominance(self) -> str:
        if not self.bound:
            return "dominance: no bound was given"
        worst = int(np.argmax(self.ratios))
        at = f"largest ratio of an upper limit to the bound {self.ratios[worst]:.3g}, at T = {self.horizons[worst]}"
        told = {True: "the bound holds at every horizon", False: "the bound is exceeded", None: "undecided"}
        return f"dominance: {told[self.dominated]}; {at}"

    def _caveats(self) -> str:
        intervals = (
            f"intervals {GUARANTEE}, alpha = {self.alpha:g} each, over {min(self.replicates)} replicates or more"
        )
        curved = abs(self.curvature.z) > float(stats.norm.isf(self.alpha / 2))
        bend = "log R_T bends, so the slope is that of these horizons and not an exponent; " if curved else ""
        return f"{bend}a stepsize proportional to T^(-1/2) gives -1/2 by itself; {intervals}"


def fit(
    runs: Mapping[int, Array],
    *,
    alpha: float,
    rng: np.random.Generator,
    bound: Mapping[int, float] | None = None,
    resamples: int = 500,
) -> RateFit:
    """Fit a rate to replicates (R,) of R_T for every horizon T, each from runs made for this T alone.

    alpha: error probability of each statement: the limits of all means jointly, the local slopes jointly, the slope,
    the curvature, each side of the plateau. All are asymptotic in R. bound: what R_T is to stay below, by horizon.
    rng: draws the bootstrap resamples, within horizons, with the weights fitted anew in each. An interval is the value
    plus and minus a normal quantile times a standard error, the larger of two: the standard deviation over resamples,
    which sees that weights are estimated, and that of the delta method, which sees rounding where there is no noise.

    Raises TypeError for an array in place of the mapping. Raises ValueError for fewer than 3 horizons or 256
    replicates, for values that are negative or not finite, for means or resampled means of 0, for horizons that look
    paired, and for a bound that lacks a horizon or is not positive.
    Cost: resamples times the number of values.

    >>> rng = np.random.default_rng(0)
    >>> found = fit({t: rng.exponential(t**-0.5, 400) for t in (64, 256, 1024)}, alpha=0.01, rng=rng)
    >>> found.slope.low < -0.5 < found.slope.high
    True
    """
    if not 0 < alpha < 1 or resamples < 100:
        raise ValueError(f"alpha must be in (0, 1) and resamples at least 100, found {alpha} and {resamples}")
    horizons, values = _checked(runs)
    limits = [t_interval(one, 2 * alpha / len(values)) for one in values]
    means = np.array([one.mean() for one in values])
    variances = np.array([one.var(ddof=1) / len(one) for one in values]) + (_ROUNDING * means) ** 2
    x = np.log(np.asarray(horizons, dtype=np.float64))
    (fitted,), (delta,) = _coefficients(x, means[None], variances[None])
    drawn, _ = _coefficients(x, *_resampled(values, rng, resamples))
    errors = np.maximum(drawn.std(0, ddof=1), delta)
    logs = np.log(means)
    local = np.diff(logs) / np.diff(x)
    relative = variances / means**2
    local_error = np.sqrt(relative[1:] + relative[:-1]) / np.diff(x)
    one, two, joint = (float(stats.norm.isf(a)) for a in (alpha, alpha / 2, alpha / 2 / len(local)))
    pairs = combinations(range(len(x)), 2)
    return RateFit(
        alpha=alpha,
        horizons=horizons,
        replicates=tuple(len(one) for one in values),
        mean=tuple(means.tolist()),
        lower=tuple(limit.low for limit in limits),
        upper=tuple(limit.high for limit in limits),
        bound=None if bound is None else _checked_bound(bound, horizons),
        local=tuple(_estimate(v, joint, e) for v, e in zip(local, local_error, strict=True)),
        slope=_estimate(fitted[0], two, errors[0]),
        delta_error=float(delta[0]),
        theil_sen=float(np.median([(logs[j] - logs[i]) / (x[j] - x[i]) for i, j in pairs])),
        curvature=_estimate(fitted[1], two, errors[1]),
        plateau=_estimate(fitted[2], one, errors[2]),
    )


def _estimate(value: float, quantile: float, error: float) -> Estimate:
    return Estimate(float(value), float(value - quantile * error), float(value + quantile * error), float(error))


def _checked(runs: Mapping[int, Array]) -> tuple[tuple[int, ...], list[Array]]:
    if not isinstance(runs, Mapping):
        raise TypeError(
            "horizons must be independent: a mapping from each horizon to replicates of runs made for it alone, found "
            f"{type(runs).__name__}; running averages of one run share their noise"
        )
    horizons = tuple(sorted(runs))
    if len(horizons) < FEWEST_HORIZONS or horizons[0] < 1:
        raise ValueError(f"a rate needs at least {FEWEST_HORIZONS} horizons, each 1 or more, found {horizons}")
    values = [np.asarray(runs[horizon], dtype=np.float64) for horizon in horizons]
    for horizon, one in zip(horizons, values, strict=True):
        if one.ndim != 1 or len(one) < FEWEST:
            raise ValueError(
                f"every horizon needs at least {FEWEST} replicates (R,), found {one.shape} at T = {horizon}"
            )
        if not np.isfinite(one).all() or (one < 0).any() or not one.any():
            raise ValueError(f"squared gradients must be finite, >= 0 and not all 0, found otherwise at T = {horizon}")
    _refuse_paired(horizons, values)
    return horizons, values


def _refuse_paired(horizons: Sequence[int], values: Sequence[Array]) -> None:
    """Neighbouring horizons must not agree in ranks: Spearman's correlation, normal with variance 1 / (R - 1)."""
    limit = float(stats.norm.isf(PAIRED_ALPHA / (len(values) - 1)))
    for (first, one), (second, other) in pairwise(zip(horizons, values, strict=True)):
        size = min(len(one), len(other))
        ranks = [stats.rankdata(value[:size]) for value in (one, other)]
        if min(np.ptp(rank) for rank in ranks) == 0:
            continue
        correlation = float(np.corrcoef(ranks)[0, 1])
        if correlation * math.sqrt(size - 1) > limit:
            raise ValueError(
                f"horizons must be independent, found the replicates at T = {first} and T = {second} paired (rank "
                f"correlation {correlation:.2f}): they share runs or seeds"
            )


def _checked_bound(bound: Mapping[int, float], horizons: Sequence[int]) -> tuple[float, ...]:
    lacking = [horizon for horizon in horizons if not bound.get(horizon, 0.0) > 0]
    if lacking:
        raise ValueError(f"a bound must be positive at every horizon, found none at T = {lacking[0]}")
    return tuple(float(bound[horizon]) for horizon in horizons)


def _resampled(values: Sequence[Array], rng: np.random.Generator, resamples: int) -> tuple[Array, Array]:
    """Mean and variance of the mean (resamples, H), of each horizon's replicates drawn with replacement."""
    means, variances = np.empty((resamples, len(values))), np.empty((resamples, len(values)))
    for h, one in enumerate(values):
        rows = max(1, _AT_ONCE // len(one))
        for begin in range(0, resamples, rows):
            part = slice(begin, min(begin + rows, resamples))
            drawn = one[rng.integers(len(one), size=(part.stop - begin, len(one)))]
            means[part, h], variances[part, h] = drawn.mean(1), drawn.var(1, ddof=1) / len(one)
        variances[:, h] += (_ROUNDING * means[:, h]) ** 2
    if (means <= 0).any():
        raise ValueError("a resampled mean must be positive, found 0: too few replicates are not 0")
    return means, variances


def _coefficients(x: Array, means: Array, variances: Array) -> tuple[Array, Array]:
    """Slope, curvature and plateau (B, 3) of means and their variances (B, H), and their delta-method errors (B, 3).

    x (H,): log T.
    """
    logs, relative = np.log(means), variances / means**2
    ones, centred, root = np.ones_like(x), x - x.mean(), np.exp(-x / 2)
    slope = _hat(np.stack([ones, centred], 1), relative)[:, 1]
    curvature = _hat(np.stack([ones, centred, centred**2], 1), relative)[:, 2]
    plateau = _hat(np.stack([ones, root], 1), variances)[:, 0]
    sources = ((slope, logs, relative), (curvature, logs, relative), (plateau, means, variances))
    values: Array = np.stack([(hat * y).sum(-1) for hat, y, _ in sources], 1)
    errors: Array = np.stack([np.sqrt((hat**2 * variance).sum(-1)) for hat, _, variance in sources], 1)
    return values, errors


def _hat(design: Array, variances: Array) -> Array:
    """What maps values (B, H) to coefficients (B, p) of weighted least squares on design (H, p): (B, p, H)."""
    floor = variances.max(-1, keepdims=True) / _MOST_UNEQUAL
    weighted = design.T[None] / np.maximum(variances, floor)[:, None, :]
    solution: Array = np.linalg.solve(weighted @ design, weighted)
    return solution
