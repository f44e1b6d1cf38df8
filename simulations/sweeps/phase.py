r"""The phase diagram of AMSS and AMSS+: where the 0/1 mask settles closer than the unbiased one, and where not.

Setting. F = sum_m (kappa_m / 2) |w_m|^2 over two modalities of n units; noise with two values, independent in every
coordinate: xi = sqrt((1 - p) / p) with probability p, else -sqrt(p / (1 - p)). Modality m keeps k_m of n units. Masks
are drawn in each modality apart and F couples nothing, so both modalities settle by themselves and energies
|grad F|^2 add up. In g = kappa w (the gradient of a modality) the step is g <- g - x M (g + xi), x = eta kappa.

AMSS descends along h(g) = E[M (g + xi)], which vanishes at some g* (1, ..., 1), not at 0 where p is not 1/2: a floor
n g*^2 that no stepsize removes (theory.mean_field has n = 2). Around g* the step is linearised: h has slope a_1 along
(1, ..., 1) and a_2 across it, the masked gradient has the variances q_1 and q_2 there, so

    E |g|^2 ~ n g*^2 + v_1 + (n - 1) v_2,    v_i = x^2 q_i / (1 - (1 - x a_i)^2).

All of it is summed exactly over the laws of the noise and of the mask (successive sampling; units with equal sizes are
counted together). AMSS+ is unbiased: no floor, and theory.oracles.settled with 1 + omega = E |M xi|^2 / E |xi|^2. Both
are first order in x; where x (1 + omega) >= 2, AMSS+ is said not to settle.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch

from amss_min.testing.loading import BadInput
from simulations.methods import METHODS
from simulations.sweeps.store import Store
from theory import oracles

STUDY = "phase-diagram"
"""The shipped study that `record` reads."""

_STEP = 1e-4  # of central differences: their error is of the order of its square


def drawn_of(counts: Sequence[int], sizes: Sequence[float], k: int) -> dict[tuple[int, ...], float]:
    """The law of how many units of each class successive sampling draws, k in all (fewer where sizes vanish).

    counts: units of each class; sizes: that of each of its units.

    >>> drawn_of((1, 1), (3.0, 1.0), 1)
    {(1, 0): 0.75, (0, 1): 0.25}
    """
    law: dict[tuple[int, ...], float] = {(0,) * len(counts): 1.0}
    positive = sum(count for count, size in zip(counts, sizes, strict=True) if size > 0)
    for _ in range(min(k, positive)):
        following: dict[tuple[int, ...], float] = defaultdict(float)
        for drawn, probability in law.items():
            rest = [(count - done) * size for count, done, size in zip(counts, drawn, sizes, strict=True)]
            total = math.fsum(rest)
            for at, weight in enumerate(rest):
                if weight > 0:
                    more = (*drawn[:at], drawn[at] + 1, *drawn[at + 1 :])
                    following[more] += probability * weight / total
        law = dict(following)
    return law


@cache
def floor(n: int, k: int, p: float) -> tuple[float, float, float, float, float]:
    """(g*, a_1, a_2, q_1, q_2) of AMSS with k of n units under two-point noise; see the module.

    >>> g, *_ = floor(2, 1, 0.5)
    >>> abs(g) < 1e-9
    True
    """
    up, down = math.sqrt((1 - p) / p), -math.sqrt(p / (1 - p))
    low, high = -up, -down  # at its ends one of the two values is 0 and the other has the right sign
    while high - low > 1e-12 * (1 + up):
        middle = (low + high) / 2
        low, high = (middle, high) if _masked(n, k, p, middle)[0] < 0 else (low, middle)
    root = (low + high) / 2
    mean, squares, variance = _masked(n, k, p, root)
    along = (_masked(n, k, p, root + _STEP)[0] - _masked(n, k, p, root - _STEP)[0]) / (2 * _STEP)
    if n == 1:
        return root, along, along, variance, variance
    own = (_first(n, k, p, root, _STEP) - _first(n, k, p, root, -_STEP)) / (2 * _STEP)
    across = own - (along - own) / (n - 1)
    q_1 = variance / n
    return root, along, across, q_1, (squares - n * mean * mean - q_1) / (n - 1)


def amss_energy(n: int, k: int, p: float, x: float) -> float:
    """The predicted E |g|^2 of AMSS in one modality; x: stepsize times curvature.

    Raises ValueError where the linearised step does not contract.
    """
    root, *rest = floor(n, k, p)
    a_1, a_2, q_1, q_2 = rest
    energies = []
    for slope, variance, times in ((a_1, q_1, 1), (a_2, q_2, n - 1)):
        contraction = 1 - (1 - x * slope) ** 2
        if not contraction > 0:
            raise ValueError(f"the linearised step must contract, found x = {x:g} and a slope of {slope:g}")
        energies.append(times * x * x * variance / contraction)
    return n * root * root + math.fsum(energies)


@cache
def plus_factor(n: int, k: int, p: float) -> float:
    """1 + omega of AMSS+ at g = 0: E |M xi|^2 / E |xi|^2, with the inclusion probabilities of the design itself."""
    method = METHODS["amss+"]
    assert method.design is not None and method.importance is not None
    up, down = math.sqrt((1 - p) / p), -math.sqrt(p / (1 - p))
    total = 0.0
    for ups in range(n + 1):
        values = torch.tensor([up] * ups + [down] * (n - ups), dtype=torch.float64)
        pi = method.design.inclusion(method.importance(values.abs()), k)
        total += math.comb(n, ups) * p**ups * (1 - p) ** (n - ups) * float((values.square() / pi).sum())
    return total / n


def plus_energy(n: int, k: int, p: float, x: float) -> float:
    """The predicted E |g|^2 of AMSS+ in one modality; inf where x (1 + omega) >= 2, with omega at g = 0.

    Away from 0 the factor can reach n / k: from x n / k >= 2 on, runs may diverge where a number is predicted.
    """
    factor = plus_factor(n, k, p)
    if x * factor >= 2:
        return math.inf
    return oracles.settled(L=1.0, stepsize=x, factor=factor, sigma2=float(n))


def predicted(method: str, kappa: Sequence[float], drawn: Sequence[int], n: int, p: float, stepsize: float) -> float:
    """The predicted energy of "amss" or "amss+": the sum over modalities."""
    energy = {"amss": amss_energy, "amss+": plus_energy}[method]
    return math.fsum(energy(n, k, p, stepsize * curvature) for curvature, k in zip(kappa, drawn, strict=True))


def record(store: Store) -> dict[str, Any]:
    """What a figure of the phase diagram reads, in JSON types: one point for each pair of cells, AMSS and AMSS+.

    {study, points: [{kappa, imbalance, keep, drawn, p, stepsize, replicates, amss, amss_error, amss_plus,
    amss_plus_error, log_ratio, log_ratio_error, predicted_amss, predicted_amss_plus, predicted_log_ratio}]}. amss and
    amss_plus are means over replicates of the energy between the last two checkpoints, with standard errors.
    log_ratio = ln(amss / amss_plus): below 0, AMSS settles closer. Its error is by the delta method. A number that is
    not finite is null. Raises BadInput for a store without such cells.
    """
    found: dict[str, dict[str, Any]] = {}
    for stored in store.cells():
        cell = stored.cell
        if stored.kind != "simulate" or cell["method"] not in ("amss", "amss+") or not _is_phase(cell):
            continue
        window = store.mean_curve(stored, "window")
        if window is None:
            continue
        key = str([cell[name] for name in ("objective", "noise", "keep", "stepsize")])
        point = found.setdefault(key, {"cell": cell})
        point[cell["method"]] = (float(window.mean[0]), float(window.standard_error[0]), int(window.n[0]))
    points = [_point(each) for each in found.values() if "amss" in each and "amss+" in each]
    if not points:
        raise BadInput(f"a phase diagram needs done cells of the study {STUDY!r}, found none in {store.path}")
    return {"study": STUDY, "points": points}


def _is_phase(cell: Mapping[str, Any]) -> bool:
    objective, noise = cell["objective"], cell["noise"]
    return (
        isinstance(objective, dict)
        and objective["name"] == "block-cosine"
        and objective.get("amplitude") == objective.get("coupling") == 0
        and isinstance(noise, dict)
        and noise["name"] == "skewed"
    )


def _point(pair: Mapping[str, Any]) -> dict[str, Any]:
    cell = pair["cell"]
    kappa, n, p = cell["objective"]["kappa"], cell["objective"]["n"], cell["noise"]["p"]
    drawn = [max(1, math.ceil(rho * n - 1e-6)) for rho in cell["keep"]]
    (amss, amss_error, replicates), (plus, plus_error, _) = pair["amss"], pair["amss+"]
    said = {name: predicted(name, kappa, drawn, n, p, cell["stepsize"]) for name in ("amss", "amss+")}
    with np.errstate(all="ignore"):
        ratio = float(np.log(np.float64(amss) / plus))
        error = float(np.hypot(np.float64(amss_error) / amss, np.float64(plus_error) / plus))
        predicted_ratio = float(np.log(said["amss"] / np.float64(said["amss+"])))
    numbers = {
        "amss": amss,
        "amss_error": amss_error,
        "amss_plus": plus,
        "amss_plus_error": plus_error,
        "log_ratio": ratio,
        "log_ratio_error": error,
        "predicted_amss": said["amss"],
        "predicted_amss_plus": said["amss+"],
        "predicted_log_ratio": predicted_ratio,
    }
    return {
        "kappa": kappa,
        "imbalance": kappa[0] / kappa[1],
        "keep": cell["keep"],
        "drawn": drawn,
        "p": p,
        "stepsize": cell["stepsize"],
        "replicates": replicates,
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
    }


def _masked(n: int, k: int, p: float, g: float) -> tuple[float, float, float]:
    """At g (1, ..., 1): h in one coordinate, E |M (g + xi)|^2, and the variance of the sum of M (g + xi)."""
    up, down = g + math.sqrt((1 - p) / p), g - math.sqrt(p / (1 - p))
    first = second = squares = 0.0
    for ups in range(n + 1):
        weight = math.comb(n, ups) * p**ups * (1 - p) ** (n - ups)
        for (a, b), probability in drawn_of((ups, n - ups), (up * up, down * down), k).items():
            total = a * up + b * down
            first += weight * probability * total
            second += weight * probability * total * total
            squares += weight * probability * (a * up * up + b * down * down)
    return first / n, squares, second - first * first


def _first(n: int, k: int, p: float, g: float, more: float) -> float:
    """h in the first coordinate, at g (1, ..., 1) with `more` added in that coordinate alone."""
    values = (math.sqrt((1 - p) / p), -math.sqrt(p / (1 - p)))
    up, down = g + values[0], g + values[1]
    total = 0.0
    for value, chance in zip(values, (p, 1 - p), strict=True):
        own = g + more + value
        for ups in range(n):
            weight = chance * math.comb(n - 1, ups) * p**ups * (1 - p) ** (n - 1 - ups)
            law = drawn_of((1, ups, n - 1 - ups), (own * own, up * up, down * down), k)
            total += weight * own * math.fsum(probability for drawn, probability in law.items() if drawn[0])
    return total
