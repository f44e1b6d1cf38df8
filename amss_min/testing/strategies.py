"""Hypothesis strategies for what an estimator or a design is given: gradients, sizes of units, counts.

Everything is built from integers, so that failing cases shrink: to few units, to the family gaussian, to entries of 1.
Every entry is a decimal number of two digits, rounded to its type, so that the repr of a failing tensor reads back as
the same tensor.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from torch import Tensor

DTYPES = (torch.float64, torch.float32, torch.bfloat16)
"""Types that gradients come in."""

Rows = list[list[float]]

_SIZE_DIGITS = st.integers(10, 99)
# One choice an entry, and a unit's choices side by side: so do units and entries go one by one when a case shrinks.
_ORDINARY = st.integers(-99, 98).map(lambda i: _ordinary_digits(i) if i >= 0 else -_ordinary_digits(-1 - i))
_ORDINARY_OR_ZERO = st.integers(-99, 99).map(lambda i: int(math.copysign(_ordinary_digits(abs(i) - 1), i)) if i else 0)
_DIGITS = st.integers(-90, 89).map(lambda i: i + 10 if i >= 0 else i - 9)  # 10 to 99, both signs


def _ordinary_digits(i: int) -> int:
    """10 to 99, then 1 to 9."""
    return 10 + i if i < 90 else i - 89


def _decimal(digits: int, exponent: int) -> float:
    """digits / 10 times 10^exponent, rounded once: 12 and -300 give the number nearest to 1.2e-300."""
    return float(f"{digits}e{exponent - 1}")


def _row(draw: DrawFn, exponent: int, dim: int) -> list[float]:
    return [_decimal(draw(_DIGITS), exponent) for _ in range(dim)]


def _ordinary_row(draw: DrawFn, dim: int) -> list[float]:
    return [_decimal(draw(_ORDINARY), 0) for _ in range(dim)]


def _gaussian(draw: DrawFn, units: int, dim: int, dtype: torch.dtype) -> Rows:
    return [_ordinary_row(draw, dim) for _ in range(units)]


def _lognormal(draw: DrawFn, units: int, dim: int, dtype: torch.dtype) -> Rows:
    return [_row(draw, draw(st.integers(-3, 3)), dim) for _ in range(units)]


def _dominant(draw: DrawFn, units: int, dim: int, dtype: torch.dtype) -> Rows:
    rows, left = [], True
    for unit in range(units):
        largest = left and (unit == units - 1 or draw(st.booleans()))
        rows.append(_row(draw, 2 if largest else -3, dim))
        left = left and not largest
    return rows


def _ties(draw: DrawFn, units: int, dim: int, dtype: torch.dtype) -> Rows:
    rows, copies = [_ordinary_row(draw, dim)], 0
    for unit in range(1, units):
        must = unit == units - 1 and not copies
        if not must and draw(st.booleans()):
            rows.append(_ordinary_row(draw, dim))
            continue
        sign = draw(st.sampled_from((1.0, -1.0)))
        rows.append([sign * entry for entry in rows[draw(st.integers(0, unit - 1))]])
        copies += 1
    return rows


def _zeros(draw: DrawFn, units: int, dim: int, dtype: torch.dtype) -> Rows:
    rows, zeros = [], 0
    for unit in range(units):
        decided = unit == units - 1 and zeros in (0, unit)  # the last unit is what is still missing
        row = [0.0] * dim
        if zeros == unit if decided else draw(st.booleans()):
            nonzero = draw(st.integers(0, dim - 1))
            row = [_decimal(draw(_ORDINARY if i == nonzero else _ORDINARY_OR_ZERO), 0) for i in range(dim)]
        else:
            zeros += 1
        rows.append(row)
    return rows


def _tiny(draw: DrawFn, units: int, dim: int, dtype: torch.dtype) -> Rows:
    exponent = draw(st.integers(*_tiny_exponents(dtype)))
    return [_row(draw, exponent, dim) for _ in range(units)]


def _huge(draw: DrawFn, units: int, dim: int, dtype: torch.dtype) -> Rows:
    exponent = draw(st.integers(*_huge_exponents(dtype)))
    return [_row(draw, exponent, dim) for _ in range(units)]


def _subnormal(draw: DrawFn, units: int, dim: int, dtype: torch.dtype) -> Rows:
    exponent = draw(st.integers(*_subnormal_exponents(dtype)))
    return [_row(draw, exponent, dim) for _ in range(units)]


def _all_zero(draw: DrawFn, units: int, dim: int, dtype: torch.dtype) -> Rows:
    return [[0.0] * dim for _ in range(units)]


def _tiny_exponents(dtype: torch.dtype) -> tuple[int, int]:
    """Normal numbers x < 10^(last + 1) whose squares are below a quarter of the least positive number: they are 0."""
    found = torch.finfo(dtype)
    least = math.log10(found.tiny * found.eps)
    return math.ceil(math.log10(found.tiny)) + 1, math.floor(least / 2) - 1


def _huge_exponents(dtype: torch.dtype) -> tuple[int, int]:
    """Numbers x >= 10^first whose squares are infinite; 10^7 of them still have a finite sum."""
    largest = math.log10(torch.finfo(dtype).max)
    return math.ceil(largest / 2), math.floor(largest) - 8


def _subnormal_exponents(dtype: torch.dtype) -> tuple[int, int]:
    found = torch.finfo(dtype)
    return math.ceil(math.log10(found.tiny * found.eps)), math.floor(math.log10(found.tiny)) - 1


@dataclass(frozen=True)
class Family:
    """A kind of gradient: how it is drawn, and the fewest and most units that it can have."""

    draw: Callable[[DrawFn, int, int, torch.dtype], Rows]
    least: int = 1
    most: int | None = None

    def takes(self, units: int) -> bool:
        """Whether a gradient of this many units can be of this family."""
        return self.least <= units and (self.most is None or units <= self.most)


FAMILIES: dict[str, Family] = {
    "gaussian": Family(_gaussian),
    "lognormal": Family(_lognormal),
    "dominant": Family(_dominant, least=2),
    "ties": Family(_ties, least=2),
    "zeros": Family(_zeros, least=2),
    "tiny": Family(_tiny),
    "huge": Family(_huge),
    "single": Family(_gaussian, most=1),
    "subnormal": Family(_subnormal),
    "all_zero": Family(_all_zero),
}
"""Families of gradients, simplest first.

gaussian: entries of ordinary size, 0.1 to 9.9, both signs, none zero. lognormal: every unit on its own power of ten,
10^-3 to 10^3. dominant: one unit more than 10^4 times as large as any other. ties: at least two units equal or each
other's negative. zeros: at least one unit zero and one not; single entries may be zero too. tiny: every square
underflows to zero. huge: every square overflows. single: one unit. subnormal: every entry is a subnormal number.
all_zero: nothing but zeros.
"""

USUAL = tuple(name for name in FAMILIES if name not in ("subnormal", "all_zero"))
"""The families that `gradients` draws from unless told otherwise: finite relative biases exist for them."""


def gradients(
    units: int | SearchStrategy[int] | None = None,
    dim: int | SearchStrategy[int] | None = None,
    dtype: torch.dtype = torch.float64,
    *,
    families: Sequence[str] = USUAL,
    subnormal: bool = False,
    all_zero: bool = False,
) -> SearchStrategy[Tensor]:
    """Gradients: tensors (K, d) of one of the families.

    units: K, or a strategy for it; by default 1 to 8, as the families allow. dim: d, or a strategy for it; by default
    1 to 3. dtype: float64, float32 or bfloat16. families: names in `FAMILIES`; one name is a strategy of its own.
    subnormal, all_zero: add these families.

    >>> from hypothesis import find
    >>> find(gradients(dim=1, families=["ties"]), lambda gradient: bool((gradient < 0).any()))
    tensor([[ 1.],
            [-1.]], dtype=torch.float64)

    Raises KeyError for an unknown family, ValueError for another dtype, for no families, and for units or dim below 1.
    """
    names = [*families, *(["subnormal"] * subnormal), *(["all_zero"] * all_zero)]
    for name in names:
        if name not in FAMILIES:
            raise KeyError(f"no family {name!r}; there are {', '.join(FAMILIES)}")
    if not names:
        raise ValueError("gradients need at least one family, found none")
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(map(str, DTYPES))}, found {dtype}")
    for axis, value in (("units", units), ("dim", dim)):
        if isinstance(value, int) and value < 1:
            raise ValueError(f"{axis} must be at least 1, found {axis}={value}")
    if units is None:
        single = all(FAMILIES[name].most == 1 for name in names)
        units = 1 if single else st.integers(min(FAMILIES[name].least for name in names), 8)
    return _gradients(
        st.just(units) if isinstance(units, int) else units,
        st.integers(1, 3) if dim is None else st.just(dim) if isinstance(dim, int) else dim,
        dtype,
        list(dict.fromkeys(names)),
    )


@st.composite
def _gradients(
    draw: DrawFn, units: SearchStrategy[int], dim: SearchStrategy[int], dtype: torch.dtype, names: Sequence[str]
) -> Tensor:
    k, d = draw(units), draw(dim)
    possible = [name for name in names if FAMILIES[name].takes(k)]
    assume(possible)
    rows = FAMILIES[draw(st.sampled_from(possible))].draw(draw, k, d, dtype)
    return torch.tensor(rows, dtype=dtype).reshape(k, d)


@st.composite
def importances(draw: DrawFn, n: int) -> Tensor:
    """Sizes of n units for a design: (n,) float64, all >= 0 and finite, at least one positive.

    Ordinary sizes, 0.1 to 9.9; all equal; some equal; some zero; some 1e-300 beside the others; one that dwarfs the
    others by 10^10 or more; powers of ten from 1e-300 to 1e300. Raises ValueError for n below 1.

    >>> from hypothesis import find
    >>> find(importances(2), lambda sizes: bool((sizes == 0).any()))
    tensor([1., 0.], dtype=torch.float64)
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, found n={n}")
    sizes = [_decimal(draw(_SIZE_DIGITS), draw(st.integers(-1, 0))) for _ in range(n)]
    kept = draw(st.integers(0, n - 1))
    edge = draw(st.sampled_from(("ordinary", "equal", "ties", "zeros", "tiny", "dominant", "wide")))
    if edge == "equal":
        sizes = [sizes[0]] * n
    elif edge == "ties":
        sizes = [sizes[draw(st.integers(0, unit))] for unit in range(n)]
    elif edge in ("zeros", "tiny"):
        small = 0.0 if edge == "zeros" else 1e-300
        sizes = [small if unit != kept and draw(st.booleans()) else size for unit, size in enumerate(sizes)]
    elif edge == "dominant":
        sizes[kept] = _decimal(draw(_SIZE_DIGITS), draw(st.integers(12, 300)))
    elif edge == "wide":
        sizes = [_decimal(10, draw(st.integers(-300, 300))) for _ in range(n)]
    return torch.tensor(sizes, dtype=torch.float64)


def keep_counts(n: int) -> SearchStrategy[int]:
    """Counts k from 1 to n, of n units; both ends are drawn often. Raises ValueError for n below 1.

    >>> from hypothesis import find
    >>> find(keep_counts(5), lambda k: k > 1)
    2
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, found n={n}")
    return st.integers(1, 2 * n).map(lambda k: k if k <= n else 1 if k % 2 else n)
