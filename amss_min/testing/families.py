"""Gradients to try an estimator on, by family: what is ordinary, and what breaks estimators.

Tiny and huge scales are powers of two, 2^-40 and 2^40 (about 1e-12 and 1e12), so that squares stay normal numbers in
single precision: what goes wrong there is an absolute constant in the estimator, not the range of a float.
"""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

TINY, HUGE = 2.0**-40, 2.0**40
MOST_ENTRIES = 2**21


def _gaussian(normal: Tensor) -> Tensor:
    return normal


def _lognormal(normal: Tensor) -> Tensor:
    sign = torch.where(normal >= 0, 1.0, -1.0)
    size = normal[:, :1].abs().argsort(dim=0).argsort(dim=0).to(normal.dtype)  # one size a unit, spread evenly
    return sign * (2.0 * (size + 0.5) / len(normal) - 1.0).erfinv().mul(2**0.5).exp()


def _dominant(normal: Tensor) -> Tensor:
    scaled = normal.clone()
    scaled[len(normal) // 2] *= 30.0
    return scaled


def _ties(normal: Tensor) -> Tensor:
    return torch.where(normal >= 0, 1.0, -1.0).to(normal.dtype)


def _zeros(normal: Tensor) -> Tensor:
    scaled = normal.clone()
    scaled[::3] = 0.0
    if scaled[1:2].shape[-1] > 1:
        scaled[1:2, 0] = 0.0
    return scaled if len(normal) > 1 else normal


def _tiny(normal: Tensor) -> Tensor:
    return normal * TINY


def _huge(normal: Tensor) -> Tensor:
    return normal * HUGE


FAMILIES: dict[str, Callable[[Tensor], Tensor]] = {
    "gaussian": _gaussian,
    "lognormal": _lognormal,
    "dominant": _dominant,
    "ties": _ties,
    "zeros": _zeros,
    "tiny": _tiny,
    "huge": _huge,
}
"""From standard normal numbers (K, d) to a gradient of the family.

gaussian: as they are. lognormal: units spread over the quantiles of a lognormal law (s = 1), with random signs.
dominant: one unit 30 times as large. ties: every entry 1 or -1. zeros: every third unit zero, and one entry of
another. tiny, huge: gaussian at 2^-40 and 2^40.
"""


def gradients(units: int, dim: int, *, seed: int, names: Sequence[str] | None = None) -> dict[str, Tensor]:
    """One gradient (units, dim) of every family, float64, from a seed.

    Raises ValueError for units or dim below 1, KeyError for a family that does not exist.

    >>> gradients(3, 1, seed=0, names=["ties"])["ties"].abs().tolist()
    [[1.0], [1.0], [1.0]]
    """
    for name, value in (("units", units), ("dim", dim)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, found {name}={value}")
    if units * dim > MOST_ENTRIES:
        raise ValueError(f"a gradient has at most {MOST_ENTRIES:,} entries here, found {units:,} x {dim:,}")
    made = {}
    for name, family in FAMILIES.items():
        if names is None or name in names:
            key = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=7).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(key, "big"))
            made[name] = family(torch.randn(units, dim, dtype=torch.float64, generator=generator))
    for name in names or ():
        if name not in FAMILIES:
            raise KeyError(f"no family {name!r}; families are {', '.join(FAMILIES)}")
    return made
