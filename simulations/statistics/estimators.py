"""Estimators whose bias, second moment and support are known, to try the machinery on.

Each multiplies units of the gradient by independent random numbers. They are batched: gradients (R, K, d), one draw a
row.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from amss_min.testing.estimator import Estimator


def masked(inclusion: float, *, bias: float = 0.0, declare: str = "") -> Estimator:
    """C_j = (1 + b) B_j / pi g_j, B_j Bernoulli(pi) for every unit: a relative bias b in all of them.

    declare: "bound", "omega" or nothing. E|C - g|^2 / |g|^2 = (1 + b)^2 / pi - 1 - 2 b.
    """
    weight = (1 + bias) / inclusion

    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return gradient * (weight * _happens(inclusion, gradient, generator))

    return _declared(estimate, declare, bound=weight, omega=weight**2 * inclusion - 1 - 2 * bias)


def alternating(inclusion: float, *, bias: float, declare: str = "") -> Estimator:
    """C_j = (B_j / pi + (-1)^j b) g_j: relative biases b and -b in turn, which sum to nothing over equal units.

    declare: "omega" or nothing. E|C - g|^2 / |g|^2 = 1 / pi - 1 + b^2.
    """

    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        signs = 1 - 2 * (torch.arange(gradient.shape[-2], dtype=torch.float64) % 2)
        kept = _happens(inclusion, gradient, generator) / inclusion
        return gradient * (kept + bias * signs[:, None])

    return _declared(estimate, declare, omega=1 / inclusion - 1 + bias**2)


def lognormal(omega: float, *, declare: str = "") -> Estimator:
    """C_j = exp(s z_j - s^2 / 2) g_j, z_j standard normal, s^2 = log(1 + omega): skewed, unbounded, E|C - g|^2 known.

    declare: "omega" or nothing.
    """
    s = math.sqrt(math.log1p(omega))

    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        z = torch.randn(*gradient.shape[:-1], 1, dtype=gradient.dtype, generator=generator)
        return gradient * (s * z - s**2 / 2).exp()

    return _declared(estimate, declare, omega=omega)


def outliers(rate: float) -> Estimator:
    """C_j = (1 + x_j) g_j, x_j = 1/2 or -1/2, or, at this rate, 20 or -20: caps of a burn-in are exceeded later."""

    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        size = 0.5 + 19.5 * _happens(rate, gradient, generator)
        return gradient * (1 + size * (2 * _happens(0.5, gradient, generator) - 1))

    return _declared(estimate, "")


def hidden(rate: float, *, declare: str = "") -> Estimator:
    """C_j = (1/2 + B_j / (2 q)) g_j, B_j Bernoulli(q) at this rate q: half of the mean comes in rare large outcomes.

    declare: "bound", "omega" or nothing. E|C - g|^2 / |g|^2 = (1 / q - 1) / 4.
    """

    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return gradient * (0.5 + _happens(rate, gradient, generator) / (2 * rate))

    return _declared(estimate, declare, bound=0.5 + 0.5 / rate, omega=(1 / rate - 1) / 4)


def _happens(chance: float, gradient: Tensor, generator: torch.Generator) -> Tensor:
    """1 with this probability, else 0, for every unit: (..., K, 1), float64."""
    uniform = torch.rand(*gradient.shape[:-1], 1, dtype=torch.float64, generator=generator)
    return (uniform < chance).to(torch.float64)


def _declared(
    function: Callable[..., Tensor], declare: str, *, bound: float = math.nan, omega: float = math.nan
) -> Estimator:
    """bound: the largest |C_c| / |g_c| of an entry c. What is declared must be known."""
    if declare not in ("", "bound", "omega") or (declare and math.isnan({"bound": bound, "omega": omega}[declare])):
        raise ValueError(f"declare must name a number that is known here, found {declare!r}")
    if declare == "bound":
        return Estimator(function=function, batched=True, bound=lambda gradient: bound * gradient.abs())
    return Estimator(function=function, batched=True, omega=omega if declare else None)
