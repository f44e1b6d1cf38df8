"""Rates: coverage at the stated alpha, other code for every estimate, and what must be refused or not be believed."""

import math

import numpy as np
import pytest
from scipy import stats

from simulations.rate_fit import RateFit, fit
from theory.measurement import Array

HORIZONS = tuple(2**i for i in range(6, 14))
FALSE_ALARM = 1e-6


def power_law(t: float) -> float:
    return 2 / math.sqrt(t)


def transient(t: float) -> float:
    """What a tuned stepsize gives: 1/T until the noise takes over, T^(-1/2) from then on."""
    return 4 / t + 0.5 / math.sqrt(t)


def runs(mean: object, rng: np.random.Generator, replicates: int = 256, shape: float = 4.0) -> dict[int, Array]:
    """Gamma replicates, mean(T) with relative variance 1 / shape, anew at every horizon."""
    return {t: rng.gamma(shape, mean(t) / shape, replicates) for t in HORIZONS}


def fitted(mean: object, seed: int, **given: object) -> RateFit:
    rng = np.random.default_rng(seed)
    return fit(runs(mean, rng, **given), alpha=0.001, rng=rng)


def misses(kind: str, alpha: float, tries: int) -> int:
    """How often the interval misses, where log mean is a straight line and there is no plateau."""
    found = 0
    for seed in range(tries):
        rng = np.random.default_rng([20261123, seed])
        result = fit(runs(power_law, rng), alpha=alpha, rng=rng, resamples=200)
        if kind == "slope":
            found += not result.slope.low <= -0.5 <= result.slope.high
        elif kind == "curvature":
            found += not result.curvature.low <= 0 <= result.curvature.high
        elif kind == "plateau":
            found += result.has_plateau
        elif kind == "local":
            found += any(not local.low <= -0.5 <= local.high for local in result.local)
        else:
            found += any(upper < power_law(t) for upper, t in zip(result.upper, HORIZONS, strict=True))
    return found


@pytest.mark.parametrize("kind", ["slope", "curvature", "plateau", "local", "upper"])
def test_an_interval_misses_as_often_as_its_alpha_says(kind: str) -> None:
    """Misses are binomial: outside these limits with probability 1e-6 each way, at the stated alpha.

    Joint statements (local slopes, upper limits) are Bonferroni's, so only too many misses count against them.
    """
    alpha, tries = 0.1, 150
    found = misses(kind, alpha, tries)
    assert found <= stats.binom.isf(FALSE_ALARM, tries, alpha)
    if kind in ("slope", "curvature", "plateau"):
        assert found >= stats.binom.ppf(FALSE_ALARM, tries, alpha)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["slope", "curvature", "plateau", "local", "upper"])
def test_an_interval_misses_as_often_as_its_alpha_says_over_many_tries(kind: str) -> None:
    alpha, tries = 0.05, 1500
    found = misses(kind, alpha, tries)
    assert found <= stats.binom.isf(FALSE_ALARM, tries, alpha)
    if kind in ("slope", "curvature", "plateau"):
        assert found >= stats.binom.ppf(FALSE_ALARM, tries, alpha)


def test_the_estimates_are_those_of_other_code() -> None:
    rng = np.random.default_rng(3)
    data = runs(transient, rng)
    result = fit(data, alpha=0.01, rng=rng)
    mean = np.array([data[t].mean() for t in HORIZONS])
    error = np.array([stats.sem(data[t]) for t in HORIZONS])
    x, y = np.log(HORIZONS), np.log(mean)
    close = {"rel": 1e-9, "abs": 1e-9}  # normal equations in float64 against QR, with condition numbers below 1e3
    assert result.slope.value == pytest.approx(np.polyfit(x, y, 1, w=mean / error)[0], **close)
    assert result.curvature.value == pytest.approx(np.polyfit(x, y, 2, w=mean / error)[0], **close)
    root = np.array(HORIZONS) ** -0.5
    assert result.plateau.value == pytest.approx(np.polyfit(root, mean, 1, w=1 / error)[1], **close)
    assert result.theil_sen == pytest.approx(stats.theilslopes(y, x).slope, **close)
    _, covariance = np.polyfit(x, y, 1, w=mean / error, cov="unscaled")
    assert result.delta_error == pytest.approx(math.sqrt(covariance[0, 0]), **close)
    assert [local.value for local in result.local] == pytest.approx(list(np.diff(y) / np.diff(x)), **close)
    one_sided = [mean[0] + sign * stats.t.isf(0.01 / 8, 255) * error[0] for sign in (-1, 1)]
    assert [result.lower[0], result.upper[0]] == pytest.approx(one_sided, **close)


def test_the_bootstrap_error_is_that_of_the_delta_method_on_a_straight_line() -> None:
    rng = np.random.default_rng(4)
    result = fit(runs(power_law, rng, replicates=2000), alpha=0.01, rng=rng, resamples=2000)
    # The standard deviation of 2000 nearly normal values has a relative error of 1 / sqrt(4000): five of them, and
    # 1 / sqrt(2000) for what refitted weights and skewness add, which is of relative order 1 / sqrt(replicates).
    assert result.slope.standard_error == pytest.approx(result.delta_error, rel=5 / math.sqrt(4000) + 2000**-0.5)


def test_a_transient_makes_the_slope_steeper_than_the_theorem_and_breaks_no_promise() -> None:
    result = fitted(transient, 5, replicates=2000)
    local = [one.value for one in result.local]
    exact = np.diff([math.log(transient(t)) for t in HORIZONS]) / math.log(2)
    assert all(one.low <= e <= one.high for one, e in zip(result.local, exact, strict=True))
    assert local[0] < local[-1] < -0.5 + 0.05 and np.all(np.diff(exact) > 0)
    assert result.slope.high < -0.5  # "the slope is -1/2" is rejected
    assert result.curvature.z > 5  # and this says why
    assert result.decays_at_least(0.5) and not result.decays_at_least(1.0)
    assert result.rises(0.5) == () and result.rises(1.0) != ()
    assert not result.has_plateau
    assert "log R_T bends" in result.text


def test_late_horizons_alone_come_nearer_to_the_exponent() -> None:
    rng = np.random.default_rng(6)
    data = runs(transient, rng, replicates=2000)
    late = fit({t: data[t] for t in HORIZONS[-3:]}, alpha=0.001, rng=rng)
    whole = fit(data, alpha=0.001, rng=rng)
    assert abs(late.slope.value + 0.5) < abs(whole.slope.value + 0.5)


def test_a_plateau_is_found() -> None:
    result = fitted(lambda t: 0.2 + t**-0.5, 7, replicates=1000)
    assert result.has_plateau and result.plateau.low <= 0.2 <= result.plateau.high
    assert result.rises(0.5) and not result.decays_at_least(0.5, margin=0.05)
    assert "above 0 (" in result.text and "not shown" not in result.text


@pytest.mark.parametrize(("scale", "dominated"), [(2.0, True), (1.0, None), (0.5, False)])
def test_dominance_needs_the_upper_limits_and_its_breach_a_lower_limit(scale: float, dominated: bool | None) -> None:
    rng = np.random.default_rng(8)
    bound = {t: scale * transient(t) for t in HORIZONS}
    result = fit(runs(transient, rng), alpha=0.01, rng=rng, bound=bound)
    assert result.dominated is dominated
    assert result.ratios == tuple(u / (scale * transient(t)) for u, t in zip(result.upper, HORIZONS, strict=True))
    told = {True: "the bound holds at every horizon", None: "undecided", False: "the bound is exceeded"}[dominated]
    assert result.text.startswith(f"dominance: {told}; largest ratio")


def test_the_text_begins_with_dominance_and_ends_with_the_slope_and_its_caveats() -> None:
    result = fitted(power_law, 9)
    lines = result.text.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["dominance", "plateau", "local slopes", "curvature", "slope"]
    assert lines[0] == "dominance: no bound was given" and result.dominated is None and result.ratios == ()
    assert "gives -1/2 by itself; intervals asymptotic, alpha = 0.001 each, over 256 replicates" in lines[-1]
    assert "bends" not in lines[-1]


def test_the_same_generator_gives_the_same_fit() -> None:
    assert fitted(transient, 10) == fitted(transient, 10)
    data = runs(transient, np.random.default_rng(10))
    backwards = {t: data[t] for t in reversed(HORIZONS)}
    assert fit(data, alpha=0.01, rng=np.random.default_rng(0)) == fit(
        backwards, alpha=0.01, rng=np.random.default_rng(0)
    )


def test_runs_without_noise_are_known_exactly() -> None:
    data = {t: np.full(256, power_law(t)) for t in HORIZONS}
    result = fit(data, alpha=0.01, rng=np.random.default_rng(0))
    assert result.slope.low <= -0.5 <= result.slope.high
    assert 0 < result.slope.standard_error == result.delta_error < 2.0**-40  # rounding alone, over a range of 4.9
    assert not result.has_plateau and abs(result.curvature.z) < 5


def test_a_horizon_without_noise_among_noisy_ones_does_not_break_the_fit() -> None:
    rng = np.random.default_rng(15)
    data = runs(power_law, rng) | {64: np.full(256, power_law(64)), 128: np.full(256, power_law(128))}
    result = fit(data, alpha=0.001, rng=rng)
    assert result.slope.low <= -0.5 <= result.slope.high


def running_averages(rng: np.random.Generator) -> Array:
    """One run a row: averages of T^(-1/4) times noise up to every horizon."""
    steps = rng.exponential(1.0, (256, HORIZONS[-1])) * np.arange(1, HORIZONS[-1] + 1) ** -0.5
    averages: Array = steps.cumsum(1)[:, np.array(HORIZONS) - 1] / np.array(HORIZONS)
    return averages


def test_running_averages_of_the_same_runs_are_refused() -> None:
    rng = np.random.default_rng(11)
    table = running_averages(rng)
    with pytest.raises(TypeError, match="running averages of one run share their noise"):
        fit(table, alpha=0.01, rng=rng)
    with pytest.raises(ValueError, match="at T = 64 and T = 128 paired"):
        fit({t: table[:, h] for h, t in enumerate(HORIZONS)}, alpha=0.01, rng=rng)
    apart = {t: running_averages(rng)[:, h] for h, t in enumerate(HORIZONS)}
    assert fit(apart, alpha=0.01, rng=rng).horizons == HORIZONS


def changed(horizon: int, values: Array) -> dict[int, Array]:
    return {**runs(power_law, np.random.default_rng(12)), horizon: values}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (changed(64, np.ones(255)), r"at least 256 replicates \(R,\), found \(255,\) at T = 64"),
        (changed(64, np.ones((256, 2))), "at least 256 replicates"),
        (changed(128, np.full(256, np.nan)), "finite, >= 0 and not all 0, found otherwise at T = 128"),
        (changed(128, np.full(256, -1.0)), "finite, >= 0"),
        (changed(128, np.zeros(256)), "not all 0"),
        (changed(0, np.ones(256)), "each 1 or more"),
        ({64: np.ones(256), 128: np.ones(256)}, "at least 3 horizons"),
        (changed(64, np.eye(1, 256)[0]), "too few replicates are not 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused(data: dict[int, Array], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fit(data, alpha=0.01, rng=np.random.default_rng(0))


@pytest.mark.parametrize("bound", [{64: 1.0}, {t: 0.0 for t in HORIZONS}])
def test_a_bound_must_be_positive_at_every_horizon(bound: dict[int, float]) -> None:
    data = runs(power_law, np.random.default_rng(13))
    with pytest.raises(ValueError, match="a bound must be positive at every horizon"):
        fit(data, alpha=0.01, rng=np.random.default_rng(0), bound=bound)


@pytest.mark.parametrize("given", [{"alpha": 0.0}, {"alpha": 1.0}, {"alpha": 0.1, "resamples": 99}])
def test_alpha_and_resamples_are_checked(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="alpha must be in"):
        fit(runs(power_law, np.random.default_rng(14)), rng=np.random.default_rng(0), **given)
