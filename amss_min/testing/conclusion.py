"""From sums to what is said: results by family, the status of the whole, and its words."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from amss_min.importance import water_filling
from amss_min.testing import exact
from amss_min.testing.betting import log_mean
from amss_min.testing.evaluation import Finding
from amss_min.testing.evidence import Guarantee
from amss_min.testing.functionals import exponent
from amss_min.testing.ledger import Ledger
from amss_min.testing.result import FamilyResult
from amss_min.testing.settings import Settings
from amss_min.testing.status import Status


def families(ledgers: Mapping[str, Ledger], refuting: Finding | None, settings: Settings) -> list[FamilyResult]:
    """What every ledger says; refuting: the finding that refutes the whole, if one does."""
    return [_family(name, ledger, len(ledgers), refuting, settings) for name, ledger in ledgers.items()]


def _family(name: str, ledger: Ledger, count: int, refuting: Finding | None, settings: Settings) -> FamilyResult:
    alpha, place = settings.alpha, ledger.functionals.unit_slice
    sides = np.stack([log_mean(ledger.log_bets(upward=upward)) for upward in (True, False)])
    worst = int(np.argmax(sides[:, place].max(0)))
    if refuting is not None and refuting.unit is not None and refuting.example == name:
        worst = refuting.unit
    low, high = ledger.interval(worst, alpha / (count * ledger.functionals.units))
    factor, least, most = ledger.second_moment(alpha / count)
    at_most = ledger.largest_bias(alpha)
    status = Status.CONSISTENT if ledger.excludes(settings.detect, alpha) else Status.INCONCLUSIVE
    if refuting is not None and (refuting.family == name or float(log_mean(sides.ravel())) >= math.log(count / alpha)):
        status = Status.REFUTED
    return FamilyResult(
        family=name,
        status=status,
        guarantee=ledger.reach.guarantee,
        draws=ledger.n,
        worst_unit=worst,
        relative_bias=float(ledger.totals[place][worst]) / max(ledger.n, 1),
        interval=(low, high),
        bias_at_most=at_most,
        second_moment=factor,
        second_moment_interval=(least, most),
        optimum=optimum(ledger.gradient, ledger.expected_size),
        expected_size=ledger.expected_size,
        left_out=_left_out(ledger, alpha),
        beyond=ledger.beyond,
        log_e=float(sides.max()),
    )


def _left_out(ledger: Ledger, alpha: float) -> float:
    """The upper confidence bound on the probability of an event that n draws did not show: 1 - alpha^(1/n)."""
    if ledger.reach.guarantee is not Guarantee.TRUNCATED:
        return 0.0
    return -math.expm1((math.log(alpha) - ledger.reach.handicap) / ledger.n) if ledger.n else 1.0


def exact_family(name: str, law: exact.Law, draws: int) -> FamilyResult:
    """What an exact law says."""
    difference, allowed = law.bias()
    k, d = law.gradient.shape
    wrong = np.array([abs(found) > most for found, most in zip(difference, allowed, strict=True)]).reshape(k, d)
    e = exponent(torch.from_numpy(law.gradient))
    off = np.ldexp(np.array([float(value) for value in difference]).reshape(k, d), -e)
    gradient = np.ldexp(law.gradient, -e)
    energy = np.square(gradient).sum(1)
    relative = (off * gradient).sum(1) / np.where(energy > 0, energy, 1.0)
    worst = int(np.argmax((np.abs(off) * wrong).max(1) if wrong.any() else np.abs(relative)))
    sizes = law.outcomes.any(2).sum(1).tolist()
    size = float(sum((p * n for p, n in zip(law.probabilities, sizes, strict=True)), Fraction(0)))
    moment = law.second_moment()
    return FamilyResult(
        family=name,
        status=Status.REFUTED if wrong.any() else Status.HOLDS,
        guarantee=Guarantee.EXACT,
        draws=draws,
        worst_unit=worst,
        relative_bias=float(relative[worst]),
        interval=(float(relative[worst]), float(relative[worst])),
        bias_at_most=float(np.linalg.norm(off) / np.linalg.norm(gradient)),
        second_moment=moment,
        second_moment_interval=(moment, moment),
        optimum=optimum(torch.from_numpy(gradient), size),
        expected_size=size,
        left_out=0.0,
    )


def optimum(gradient: Tensor, size: float) -> float:
    """The least 1 + omega of an unbiased mask of this expected size: sum |g_j|^2 / pi_j over |g|^2.

    At pi_j = min(1, c |g_j|) with sum pi = size; 1 where every unit that is not zero can be taken.
    """
    norms = gradient.norm(dim=1)
    positive = norms[norms > 0]
    if size >= len(positive) or size <= 0:
        return 1.0
    pi = water_filling(positive / positive.sum(), torch.tensor(size, dtype=torch.float64))
    return float((positive.square() / pi).sum() / positive.square().sum())


def status(results: Sequence[FamilyResult], *, refuted: bool, violated: bool) -> Status:
    """REFUTED by bias or violation; CONSISTENT where every family is; else INCONCLUSIVE."""
    if refuted or violated:
        return Status.REFUTED
    consistent = all(result.status is Status.CONSISTENT for result in results)
    return Status.CONSISTENT if consistent else Status.INCONCLUSIVE


def text(status: Status, results: Sequence[FamilyResult], settings: Settings, *, violated: bool) -> str:
    """One sentence with the status, the error probability, and what stands behind it."""
    if violated:
        return "the contract of an estimator is broken"
    alpha, guarantee = settings.alpha, results[0].guarantee
    if guarantee is Guarantee.EXACT:
        means = "every outcome was summed with its probability"
        if status is Status.HOLDS:
            return f"the mean is the gradient, within eps = {exact.EPS:.2g} of E|C| + |g|; exact: {means}"
        return f"the mean differs from the gradient by more than rounding explains; exact: {means}"
    behind = {
        Guarantee.BOUNDED: "valid for every law within the declared bound",
        Guarantee.VARIANCE_BOUNDED: "valid for every law with the declared omega",
        Guarantee.TRUNCATED: (
            "caps were fixed on a burn-in, at three times the largest deviation seen (at 1000 times the gradient for "
            "what was never drawn in it); outcomes beyond them have "
            f"probability at most {max(result.left_out for result in results):.2g} and are assumed to carry no mean"
        ),
    }[guarantee]
    if status is Status.REFUTED:
        said = f"biased: an unbiased estimator is called so with probability at most {alpha:g}"
    elif status is Status.CONSISTENT:
        said = f"a bias of norm above {settings.detect:g} |g| is excluded at alpha = {alpha:g}"
    else:
        widest = max(result.bias_at_most for result in results)
        width = "no bias is" if math.isinf(widest) else f"only a bias of norm above {widest:.3g} |g| is"
        said = f"neither refuted nor consistent: {width} excluded at alpha = {alpha:g}; more draws may decide"
    return f"{said}; {guarantee.value}: {behind}"
