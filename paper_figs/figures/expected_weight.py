"""E[M_j] unit by unit, and how far the released weight scales the gradient as a layer grows."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from amss_min.designs import Design, Successive, Systematic
from amss_min.importance import SquaredGradient
from amss_min.weightings import HorvitzThompson, Indicator, ShiftedInverse, Weighting
from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data
from theory import moments
from theory.readings import readings

SIZES = (0.50, 0.20, 0.12, 0.09, 0.06, 0.03)
"""q_j of the example."""

COUNT = 3
"""Units drawn in the example."""

LAYERS = (64, 128, 256, 512)
"""Units of a layer, half of them drawn."""


def means(design: Design, weighting: Weighting, sizes: Sequence[float], k: int) -> list[float]:
    """E[M_j] of production multipliers under the exact law, as floats.

    >>> means(Successive(), ShiftedInverse(), [0.5, 0.5], 1)
    [0.5, 0.5]
    """
    (reading,) = readings(design, weighting, torch.tensor(sizes, dtype=torch.float64), k)
    return [float(mean) for mean in moments.mean_multipliers(reading.outcomes)]


def lognormal(n: int) -> torch.Tensor:
    """Sizes exp(z_j) at the mid-quantiles z_j = Phi^-1((j - 1/2) / n) of the normal law, normalised to sum 1."""
    sizes: torch.Tensor = torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n).exp()
    return sizes / sizes.sum()


@lru_cache
def released(n: int) -> tuple[float, float, float]:
    """Smallest, mean and largest E[M_j] = pi_j / (q_j + 1/n) for lognormal sizes, k = n/2, pi by quadrature."""
    q, k = lognormal(n), n // 2
    draw = Successive().select(q, k, torch.zeros(n, dtype=torch.int64))
    everything = replace(draw, drawn=torch.ones_like(draw.drawn))
    mean = draw.inclusion * ShiftedInverse()(everything)
    return float(mean.min()), float(mean.mean()), float(mean.max())


def _draw(panels: Panels, data: Data) -> None:
    left, right = axes(panels)
    place, n = np.arange(1, len(SIZES) + 1), len(SIZES)
    mixed = SquaredGradient(mix=0.5)(torch.tensor(SIZES, dtype=torch.float64).sqrt()).tolist()
    series = (
        ("released", f"released, all {n} drawn", means(Successive(), ShiftedInverse(), SIZES, n), "white"),
        ("released", f"released, $k = {COUNT}$", means(Successive(), ShiftedInverse(), SIZES, COUNT), None),
        ("amss+", f"AMSS+, $k = {COUNT}$", means(Systematic(False), HorvitzThompson(), mixed, COUNT), None),
        ("amss", f"AMSS, $k = {COUNT}$", means(Successive(), Indicator(), SIZES, COUNT), None),
    )
    left.axhline(1, color=style.GREY, linewidth=0.8)
    ranked = style.look("rank-conditioned")
    left.plot(
        place,
        np.ones(n),
        marker=ranked.marker,
        markersize=9,
        color=ranked.colour,
        linestyle="",
        label=f"{ranked.label}, $k = {COUNT}$",
    )
    for method, label, values, face in series:
        look = style.look(method)
        left.plot(
            place, values, marker=look.marker, color=look.colour, markerfacecolor=face, label=label, linestyle=":"
        )
    left.set_xticks(place, [f"{size:.2f}".removeprefix("0") for size in SIZES])
    left.set(xlabel="size $q_j$ of the unit", ylabel="expected weight $E[M_j]$", ylim=(0, 7.6))
    left.legend(ncols=2, loc="upper left", columnspacing=1.0, handlelength=1.5)
    style.panel(left, "a", "six units")

    layers = np.array(LAYERS)
    low, mean, high = np.array([released(n) for n in LAYERS]).T
    look = style.look("released")
    right.plot(layers, layers / 4, color=look.colour, linestyle="--", label="released, equal sizes: $k/2$")
    right.plot(layers, mean, color=look.colour, marker=look.marker, linestyle="", label="released, lognormal: mean")
    right.fill_between(layers, low, high, color=look.colour, alpha=0.25, linewidth=0, label="from unit to unit")
    exact = style.look("amss+")
    right.plot(layers, np.ones(len(layers)), color=exact.colour, marker=exact.marker, label="AMSS+")
    right.set_xscale("log", base=2)
    right.set_yscale("log")
    right.set_xticks([64, 128, 256, 512], ["64", "128", "256", "512"])
    right.set_xticks([], minor=True)
    right.set(xlabel="units $n$ of the layer, $k = n/2$ drawn", ylabel="expected weight $E[M_j]$", ylim=(0.6, 1500))
    right.legend(loc="upper left", ncols=2, columnspacing=1.0, handlelength=1.5)
    style.panel(right, "b", "growth with the layer")


def _caption(data: Data) -> str:
    return (
        r"Expected weight $E[M_j]$ of a unit; an unbiased mask has $1$ everywhere. (a) Exact, over all subsets, for "
        r"$q = (.50, .20, .12, .09, .06, .03)$: the released AMSS+ weight $1/(q_j + 1/n)$ under successive sampling, "
        r"AMSS+ with its inverse inclusion probabilities, rank-conditioned weights $1/(1 - e^{-q_j \tau})$ ($1$ "
        r"by proof), and the $0/1$ mask of AMSS, whose mean is $\pi_j$. "
        r"(b) The scale of the released weight when half of $n$ units are drawn: exactly $k/2$ for equal sizes; for "
        r"lognormal sizes (at the quantiles of the law, inclusion probabilities by quadrature) its mean over units, "
        r"and the range between units as a band."
    )


def _alt(data: Data) -> str:
    example = ", ".join(f"{mean:.2f}" for mean in means(Successive(), ShiftedInverse(), SIZES, COUNT))
    return (
        f"Left: expected weights of six units; the released weight has {example} at k = 3, AMSS+ has 1 for every unit. "
        f"Right: the released weight grows in proportion to the layer, from {released(LAYERS[0])[1]:.0f} at n = 64 to "
        f"{released(LAYERS[-1])[1]:.0f} at n = 512, while that of AMSS+ stays at 1."
    )


def _configuration(data: Data) -> dict[str, Any]:
    return {
        "example": {"sizes": list(SIZES), "k": [COUNT, len(SIZES)], "law": "exact, theory.readings"},
        "layers": {"n": list(LAYERS), "keep": 0.5, "sizes": "equal; exp of normal mid-quantiles", "seeds": None},
    }


FIGURE = Figure(
    name="expected_weight",
    title="Expected weights",
    claims=(
        "ht-unbiased",
        "indicator-bias",
        "released-weight-biased",
        "released-weight-scale",
        "rank-conditioned-unbiased",
    ),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 2.6),
    shape=(1, 2),
)
