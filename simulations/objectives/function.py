"""An objective made of a plain torch function and the constants that its author states."""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from simulations.objectives.base import Objective

SAME = 2.0**-26
"""How far a row's value may move with the rows beside it, relative to the values around: half of float64's digits.
Rounding in another order moves it by far less, another formula by far more."""


class FunctionObjective(Objective):
    """F from `function`, (R, d) to (R,), row by row; gradients by automatic differentiation.

    d: number of coordinates. L, f_star, mu: as stated; nothing here proves them, so `certificate` is empty.
    units: coordinates of each modality, adding up to d (None: one modality). name: as shown (None: the function's own).

    On construction the function is called on a few points of size 1 with a fixed seed. Raises ValueError, with the
    rule, what was found and why it is a rule, for constants without sense, a result of another shape or dtype, values
    or gradients that are not finite, a result that cannot be differentiated, or a row that depends on other rows.
    An error raised by the function itself is passed on.
    Cost of a gradient: one forward and one backward pass.

    >>> F = FunctionObjective(lambda w: w.cosh().log().sum(-1), d=3, L=1.0, f_star=0.0)
    >>> F.gradient(torch.zeros(2, 3, dtype=torch.float64)).shape, F.certificate
    (torch.Size([2, 3]), '')
    """

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        d: int,
        *,
        L: float,
        f_star: float,
        mu: float | None = None,
        units: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        sizes = (d,) if units is None else tuple(units)
        if d < 1 or min(sizes, default=0) < 1 or sum(sizes) != d:
            raise ValueError(f"units must be positive and add up to d, found d={d}, units={sizes}")
        if not 0 < L < math.inf or not math.isfinite(f_star):
            raise ValueError(f"L must be positive and finite and f_star finite, found L={L}, f_star={f_star}")
        if mu is not None and not 0 < mu <= L:
            raise ValueError(f"mu must lie in (0, L]: |grad F|^2 / 2 <= L (F - f_star), found mu={mu}, L={L}")
        self._function, self._sizes = function, sizes
        self._L, self._f_star, self._mu = float(L), float(f_star), mu
        self._name = name or getattr(function, "__name__", type(function).__name__)
        self._refuse_what_is_no_objective()

    @property
    def name(self) -> str:
        """The function's name with the stated L."""
        return f"{self._name}, L={self.L:g} as stated, d={self.d}"

    @property
    def L(self) -> float:
        """As stated."""
        return self._L

    @property
    def f_star(self) -> float:
        """As stated."""
        return self._f_star

    @property
    def mu(self) -> float | None:
        """As stated."""
        return self._mu

    @property
    def certificate(self) -> str:
        """Empty: nothing proves the constants."""
        return ""

    @property
    def blocks(self) -> tuple[slice, ...]:
        """One slice for each modality."""
        ends = [0]
        for size in self._sizes:
            ends.append(ends[-1] + size)
        return tuple(slice(a, b) for a, b in itertools.pairwise(ends))

    def value(self, w: Tensor) -> Tensor:
        """F(w)."""
        return self._function(w.reshape(-1, self.d)).reshape(w.shape[:-1])

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient, by automatic differentiation, also inside of the engine's inference mode."""
        with torch.inference_mode(False), torch.enable_grad():
            leaf = w.clone().detach().reshape(-1, self.d).requires_grad_()
            (found,) = torch.autograd.grad(self._function(leaf).sum(), leaf)
        return found.reshape(w.shape)

    def _refuse_what_is_no_objective(self) -> None:
        points = torch.randn(4, self.d, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        leaf = points.clone().requires_grad_()
        with torch.enable_grad():
            values = self._function(leaf)
        if not isinstance(values, Tensor) or values.shape != (4,):
            found = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise ValueError(f"{self._name} must map (R, {self.d}) to (R,), found {found} for R = 4: one value a row")
        if values.dtype != torch.float64:
            raise ValueError(
                f"{self._name} must keep the dtype of its argument, found {values.dtype} for float64: "
                "float32 inside hides differences that the bounds are about"
            )
        if not bool(values.isfinite().all()):
            raise ValueError(f"{self._name} must be finite, found {values.tolist()} at points of size 1")
        if not bool((leaf == points).all()):
            raise ValueError(f"{self._name} must leave its argument as it is, found it changed in place")
        if not values.requires_grad:
            raise ValueError(
                f"{self._name} must be differentiable by torch, found a result without a graph: "
                "use torch operations only, no numpy, .item() or .detach()"
            )
        for row in range(4):
            (slope,) = torch.autograd.grad(values[row], leaf, retain_graph=True, materialize_grads=True)
            if not bool(slope.isfinite().all()):
                raise ValueError(f"{self._name} must have finite gradients, found {slope[row].tolist()}")
            others = [i for i in range(4) if i != row]
            if bool((slope[others] != 0).any()):
                raise ValueError(self._mixed(row, "its gradient reaches other rows"))
        values = values.detach()
        with torch.no_grad():
            alone = torch.cat([self._function(points[row : row + 1]).reshape(-1) for row in range(4)])
        wrong = (alone - values).abs() > SAME * (1 + values.abs().amax())
        if bool(wrong.any()):
            row = int(wrong.nonzero()[0])
            raise ValueError(self._mixed(row, f"{float(values[row])!r} among others, {float(alone[row])!r} alone"))

    def _mixed(self, row: int, found: str) -> str:
        rule = f"{self._name} must treat rows, which are replicates, one by one"
        return f"{rule}, found row {row} to depend on others: {found}"
