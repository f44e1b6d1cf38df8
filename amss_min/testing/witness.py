"""The smallest case that refutes an estimator, as data that a replay runs again."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from amss_min.testing.check import check
from amss_min.testing.estimator import Estimator, EstimatorError
from amss_min.testing.result import CheckResult
from amss_min.testing.settings import Settings
from amss_min.testing.status import Status

FORMAT = 1
_SECONDS = 8.0


def witness(estimator: Estimator, gradients: Mapping[str, Tensor], result: CheckResult) -> dict[str, Any]:
    """The witness of a refutation: gradients, seed and numbers of draws, on which a check refutes again.

    Tries one gradient of the family with the strongest evidence instead of all, with fewer units and one coordinate,
    smallest first, for about eight seconds; each is checked on draws of its own. Where none refutes, the whole run is
    the witness. Raises ValueError for a result that is not REFUTED.
    """
    if result.status is not Status.REFUTED:
        raise ValueError(f"only REFUTED has a witness, found {result.status.value}")
    began = time.perf_counter()
    for smaller in _smaller(gradients[_family(result)], _unit(result)):
        left = _SECONDS - (time.perf_counter() - began)
        if left <= 0:
            break
        try:
            found = check(estimator, {"witness": smaller}, _budget(result, left))
        except (EstimatorError, ValueError):
            continue  # an estimator may refuse fewer units than it was tried on
        if found.status is Status.REFUTED:
            return _record({"witness": smaller}, found)
    return _record(gradients, result)


def recorded(record: Mapping[str, Any]) -> tuple[dict[str, Tensor], Settings]:
    """Gradients and settings of a witness; raises ValueError for a record that is not one."""
    try:
        if record["format"] != FORMAT:
            raise ValueError(f"a witness must have format {FORMAT}, found {record['format']!r}")
        gradients = {
            str(name): torch.tensor(rows, dtype=torch.float64) for name, rows in dict(record["gradients"]).items()
        }
        if not gradients or any(gradient.ndim != 2 for gradient in gradients.values()):
            raise ValueError("the gradients of a witness must be lists of rows, found something else")
        return gradients, Settings(**record["settings"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"a witness must hold format, gradients and settings, found a problem with {error}") from error


def _record(gradients: Mapping[str, Tensor], result: CheckResult) -> dict[str, Any]:
    settings = result.settings
    return {
        "format": FORMAT,
        "gradients": {name: gradient.tolist() for name, gradient in gradients.items()},
        "settings": {
            "alpha": settings.alpha,
            "detect": settings.detect,
            "draws": max(result.draws, 1),
            "burn_in": max(result.burn_in, 1),
            "seed": settings.seed,
        },
        "said": {
            key: result.as_json()[key]
            for key in ("status", "text", "worst_unit", "worst_family", "relative_bias", "violations")
        },
    }


def _family(result: CheckResult) -> str:
    if result.violations:
        return str(result.violations[0]["family"])
    assert result.worst is not None
    return result.worst.family


def _unit(result: CheckResult) -> int:
    of = {family.family: family.worst_unit for family in result.families}
    return of.get(_family(result), 0)


def _smaller(gradient: Tensor, unit: int) -> Iterator[Tensor]:
    """Gradients with fewer units around this one, and one coordinate; then all units; none that is all zero."""
    k, d = gradient.shape
    sizes = [size for size in (1, 2, 3, 4, 6, 8, 16, 64, 256) if size < k]
    for size in [*sizes, k]:
        first = min(max(unit - size // 2, 0), k - size)
        rows = gradient[first : first + size]
        for smaller in [rows[:, :1], *([rows] if d > 1 else [])]:
            if smaller.any():
                yield smaller.clone()


def _budget(result: CheckResult, seconds: float) -> Settings:
    """As many draws as the run took, and no more than fit; a bias half as large as the one found ends a try."""
    relative = abs(result.bias[0]) / 2 if result.bias is not None else result.settings.detect
    affordable = int(seconds / 2 / max(result.seconds_per_draw, 1e-8))
    return replace(
        result.settings,
        draws=max(min(2 * result.draws, affordable), 1000),
        detect=max(min(result.settings.detect, relative), 1e-4),
        burn_in=None,
        patient=False,
    )
