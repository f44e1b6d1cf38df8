"""A stranger's objective: its constants as stated, and every call of its code guarded."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from amss_min.testing.python_file import BadInput, one_line
from simulations.objectives import FunctionObjective, Objective
from simulations.objectives.function import SAME

LARGEST = 1000
"""Coordinates that are taken: the searches visit tens of thousands of points."""


class Stated(Objective):
    """An objective with the constants that its author states, on the ball |w| <= radius.

    inner: the objective; its own points are w / scale, scale a power of two (so that nothing is rounded). label: as
    given on the command line. An exception in the author's code becomes BadInput, with the cause behind it. Gradients
    may use automatic differentiation, also inside of the engine's inference mode.
    """

    def __init__(
        self,
        inner: Objective,
        label: str,
        *,
        L: float,
        f_star: float,
        mu: float | None = None,
        radius: float = math.inf,
        scale: float = 1.0,
    ) -> None:
        """The objective by its parts; constants without sense are refused in `stated`."""
        self._inner, self._label, self._scale = inner, label, scale
        self._L, self._f_star, self._mu, self._radius = L, f_star, mu, radius

    @property
    def name(self) -> str:
        """The name in the file, with the stated L."""
        return f"{self._label}, L={self.L:g} as stated, d={self.d}"

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
    def radius(self) -> float:
        """As stated."""
        return self._radius

    @property
    def convexity(self) -> float | None:
        """As the author's class states it."""
        return self._inner.convexity

    @property
    def minimiser(self) -> tuple[float, ...] | None:
        """As the author's class states it."""
        return self._inner.minimiser

    @property
    def certificate(self) -> str:
        """That of an objective of `simulations.objectives`; empty for everything else."""
        ours = type(self._inner).__module__.startswith("simulations.objectives.")
        return self._inner.certificate if ours else ""

    @property
    def blocks(self) -> tuple[slice, ...]:
        """The modalities of the author's objective."""
        return self._inner.blocks

    def value(self, w: Tensor) -> Tensor:
        """F(w)."""
        return self._guarded(self._inner.value, w, w.shape[:-1])

    def gradient(self, w: Tensor) -> Tensor:
        """The gradient."""
        return self._guarded(self._inner.gradient, w, w.shape) / self._scale

    def _guarded(self, call: Callable[[Tensor], Tensor], w: Tensor, shape: torch.Size) -> Tensor:
        with torch.inference_mode(False):
            at = (w / self._scale).clone()
            try:
                found = call(at)
            except BadInput:
                raise
            except Exception as error:
                raise _raised(self._label, error, w) from error
            if not isinstance(found, Tensor) or found.shape != shape or found.dtype != w.dtype:
                raise BadInput(
                    f"{self._label} must map {tuple(w.shape)} {w.dtype} to {tuple(shape)} of the same dtype, "
                    f"found {_described(found)}: one value a row, and a gradient of the shape of w"
                )
            return found.detach()


def stated(
    given: Any,
    label: str,
    *,
    d: int | None,
    L: float | None,
    f_star: float | None,
    mu: float | None = None,
    radius: float | None = None,
) -> Stated:
    """The objective behind a torch function or an `Objective`; raises BadInput where it cannot be audited.

    d, L, f_star: needed for a function; an `Objective` brings its own, and what is given must agree with it.
    """
    if inspect.isclass(given):
        raise BadInput(f"{label} is a class; name an instance, or a torch function from (R, d) to (R,)")
    if isinstance(given, Objective):
        return _of_instance(given, label, d=d, L=L, f_star=f_star, mu=mu, radius=radius)
    if not callable(given):
        raise BadInput(f"{label} must be a torch function or an Objective, found {type(given).__name__}")
    for option, value in (("--dim", d), ("--L", L), ("--f-star", f_star)):
        if value is None:
            raise BadInput(f"{option} must be given for a function: its code does not tell, found none")
    assert d is not None and L is not None and f_star is not None
    ball = math.inf if radius is None else radius
    _refuse_constants(d, L, f_star, mu, ball)
    try:
        inspect.signature(given).bind(None)
    except TypeError as error:
        raise BadInput(f"{label} must take one tensor w (R, d), found {label}{inspect.signature(given)}") from error
    except ValueError:
        pass  # a builtin shows its signature when it is called
    # The points that a function is tried on have size 1 and are scaled into the ball.
    scale = 1.0 if math.isinf(ball) else min(1.0, 2.0 ** math.floor(math.log2(ball / (4 * math.sqrt(d)))))
    function = given if scale == 1 else (lambda v: given(scale * v))
    try:
        inner = FunctionObjective(function, d, L=L * scale**2, f_star=f_star, name=label)
    except ValueError as error:
        raise BadInput(one_line(error)) from error
    except Exception as error:
        raise _raised(label, error, torch.empty(4, d)) from error
    return Stated(inner, label, L=L, f_star=f_star, mu=mu, radius=ball, scale=scale)


def _of_instance(
    given: Objective,
    label: str,
    *,
    d: int | None,
    L: float | None,
    f_star: float | None,
    mu: float | None,
    radius: float | None,
) -> Stated:
    try:
        own = {"--dim": given.d, "--L": given.L, "--f-star": given.f_star, "--mu": given.mu, "--radius": given.radius}
    except Exception as error:
        raise BadInput(f"{label} raised {type(error).__name__} for its constants: {one_line(error)}") from error
    for (option, value), wanted in zip(own.items(), (d, L, f_star, mu, radius), strict=True):
        if wanted is not None and wanted != value:
            raise BadInput(
                f"{option} is {value} in the class of {label}, found {wanted}: leave it out, or change it there"
            )
    _refuse_constants(given.d, given.L, given.f_star, given.mu, given.radius)
    found = Stated(given, label, L=float(given.L), f_star=float(given.f_star), mu=given.mu, radius=float(given.radius))
    points = torch.randn(4, given.d, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    points *= min(1.0, given.radius / (4 * math.sqrt(given.d)))
    values, slopes = found.value(points), found.gradient(points)
    if not bool(values.isfinite().all() and slopes.isfinite().all()):
        raise BadInput(f"{label} must be finite with a finite gradient, found otherwise at points of size 1")
    leaf = points.clone().requires_grad_()
    with torch.enable_grad():
        total = given.value(leaf).sum()
    if total.requires_grad:
        (slope,) = torch.autograd.grad(total, leaf, materialize_grads=True)
        if bool(((slope - slopes).abs() > SAME * (1 + slope.abs().amax())).any()):
            raise BadInput(f"the gradient of {label} must be that of its value, found another by differentiation")
    return found


def _refuse_constants(d: int, L: float, f_star: float, mu: float | None, radius: float) -> None:
    if not 1 <= d <= LARGEST:
        raise BadInput(f"--dim must be in [1, {LARGEST}], found {d}: the searches visit tens of thousands of points")
    if not 0 < L < math.inf:
        raise BadInput(f"--L must be positive and finite, found {L}: it bounds how fast the gradient changes")
    if not math.isfinite(f_star):
        raise BadInput(f"--f-star must be finite, found {f_star}: the bounds take F(start) - f_star")
    if mu is not None and not 0 < mu <= L:
        raise BadInput(f"--mu must be in (0, L] = (0, {L:g}], found {mu}: mu (F - f_star) <= |grad F|^2 / 2")
    if not radius > 0:
        raise BadInput(f"--radius must be positive, found {radius}: L and f_star hold where |w| <= radius")


def _raised(label: str, error: Exception, w: Tensor) -> BadInput:
    return BadInput(f"{label} raised {type(error).__name__} at {tuple(w.shape)} points: {one_line(error)}")


def _described(found: Any) -> str:
    return f"{tuple(found.shape)} {found.dtype}" if isinstance(found, Tensor) else type(found).__name__
