"""Somebody's estimator, called for draws: what it may declare, and what it must not do."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

CHUNK = 2**20
"""Most entries asked for in one batched call."""


class EstimatorError(Exception):
    """The estimator cannot be called as agreed: it raised, or its result is no tensor of the gradient's shape.

    reason: one line. The original exception, where there is one, is the cause.
    """


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """A gradient estimator under test.

    function: estimate(gradient, *, generator) -> Tensor, gradient float64 (K, d) and the result of the same shape; with
    batched=True gradient and result are (R, K, d), one draw a row.
    name: for messages.
    bound: a number B with |C(g)| <= B |g|, or a callable: bound(gradient) -> the largest |C(g)| (a number), or the
    largest absolute value of every entry (a tensor).
    omega: a number with E|C(g) - g|^2 <= omega |g|^2, or a callable of the gradient.
    support: a callable of the gradient: all outcomes, as pairs (probability, tensor).
    cuts, at: the injected uniform. cuts(gradient) -> the numbers in (0, 1) between which at(gradient, uniform=u) is
    constant; estimate() is at() for a uniform u.
    Declarations that are not given are taken from attributes of the function, by these names.
    """

    function: Callable[..., Tensor]
    batched: bool = False
    name: str = "estimate"
    bound: float | Callable[[Tensor], Any] | None = None
    omega: float | Callable[[Tensor], float] | None = None
    support: Callable[[Tensor], Any] | None = None
    cuts: Callable[[Tensor], Any] | None = None
    at: Callable[..., Tensor] | None = None

    @classmethod
    def of(cls, function: "Callable[..., Tensor] | Estimator", **given: Any) -> "Estimator":
        """An estimator from a function and its attributes; what is given goes before the attributes.

        Raises TypeError where the function cannot be called, ValueError where a declared number is not positive.
        """
        if isinstance(function, Estimator):
            changed = {name: value for name, value in given.items() if value is not None}
            return replace(function, **changed) if changed else function
        if not callable(function):
            raise TypeError(f"an estimator must be a function, found {type(function).__name__}")
        declared = {name: getattr(function, name, None) for name in ("bound", "omega", "support", "cuts", "at")}
        chosen = {**declared, **{name: value for name, value in given.items() if value is not None}}
        chosen.setdefault("batched", bool(getattr(function, "batched", False)))
        chosen.setdefault("name", str(getattr(function, "__name__", type(function).__name__)))
        for name in ("bound", "omega"):
            value = chosen[name]
            if value is not None and not callable(value) and not (float(value) >= 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be a number of at least 0, found {name}={value}")
        return cls(function=function, **chosen)

    def call(self, gradient: Tensor, generator: torch.Generator) -> Tensor:
        """One call on this tensor itself, checked; raises EstimatorError."""
        try:
            result = self.function(gradient, generator=generator)
        except (Exception, SystemExit) as error:
            said = " ".join(str(error).split())
            raise EstimatorError(f"{self.name} raised {type(error).__name__}: {said}") from error
        if not isinstance(result, Tensor):
            raise EstimatorError(f"{self.name} must return a torch.Tensor, found {type(result).__name__}")
        if result.shape != gradient.shape:
            expected, found = tuple(gradient.shape), tuple(result.shape)
            hint = self._hint(found, expected)
            raise EstimatorError(f"{self.name} must return the shape of its gradient {expected}, found {found}{hint}")
        return result

    def draws(self, gradient: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """count draws of C(g), (count, K, d) float64 on the CPU, from a gradient (K, d); raises EstimatorError."""
        if self.batched:
            rows = max(1, CHUNK // max(gradient.numel(), 1))
            sizes = [rows] * (count // rows) + [count % rows] * bool(count % rows)
            chunks = [self.call(gradient.repeat(size, 1, 1), generator) for size in sizes]
            return torch.cat([chunk.detach().to("cpu", torch.float64) for chunk in chunks])
        found = torch.empty(count, *gradient.shape, dtype=torch.float64)
        given = gradient.clone()
        for row in found:
            row.copy_(self.call(given, generator).detach())
        return found

    def precision(self, gradient: Tensor, generator: torch.Generator) -> torch.dtype:
        """The floating type of a result."""
        given = gradient.repeat(1, 1, 1) if self.batched else gradient.clone()
        return self.call(given, generator).dtype

    def _hint(self, found: tuple[int, ...], expected: tuple[int, ...]) -> str:
        if not self.batched and len(found) == len(expected) + 1:
            return "; a function that returns a batch of draws needs --batched"
        return ""
