"""The second moment of an unbiased mask, by the sizes that units are drawn with."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic
from amss_min.designs.pivotal import Pivotal
from amss_min.designs.sampford import Sampford
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data

N, K = 1000, 100
"""Units, and how many are drawn."""

IMPORTANCES: Mapping[str, tuple[str, Importance]] = MappingProxyType(
    {
        "uniform": ("uniform", SquaredGradient(mix=1.0)),
        "squared": (r"$\pi \propto g^2$", SquaredGradient()),
        "amss+": (r"half $g^2$, half uniform (AMSS+)", SquaredGradient(mix=0.5)),
        "optimum": (r"optimum, $\pi \propto |g|$", GradientNorm()),
    }
)
"""The sizes by the name of their look, with their label; all capped at 1 by water-filling."""


DESIGNS: Mapping[str, Design] = MappingProxyType(
    {
        "simple random": SimpleRandom(),
        "successive": Successive(),
        "Poisson": Poisson(),
        "systematic": Systematic(),
        "pivotal": Pivotal(order="random"),
        "Sampford": Sampford(),
    }
)

LAW = "lognormal\n$s = 1$"
"""The gradient of the panel on designs."""


class Outcome(NamedTuple):
    """second_moment: E|C|^2 / |g|^2 = 1 + omega. largest: the largest weight 1 / pi_j."""

    second_moment: float
    largest: float


@lru_cache(1)
def gradients() -> dict[str, Tensor]:
    """|g_j| at the mid-quantiles u_j = (j - 1/2) / N of three laws, and a power law, float64 (N,)."""
    u = (torch.arange(N, dtype=torch.float64) + 0.5) / N
    normal = torch.special.ndtri(u)
    return {
        "Gaussian": torch.special.ndtri((1 + u) / 2),
        "lognormal\n$s = 1$": normal.exp(),
        "lognormal\n$s = 2$": (2 * normal).exp(),
        "power law\n$1/j$": 1 / torch.arange(1, N + 1, dtype=torch.float64),
    }


def outcome(norms: Tensor, importance: Importance, k: int) -> Outcome:
    """Horvitz-Thompson weights with the realised inclusion probabilities: sum_j g_j^2 / pi_j over |g|^2.

    >>> outcome(torch.ones(10), SquaredGradient(), 5)
    Outcome(second_moment=2.0, largest=2.0)
    """
    pi = Systematic().inclusion(importance(norms), k)
    energy = norms.to(torch.float64).square()
    return Outcome(float((energy / pi).sum() / energy.sum()), float((1 / pi).max()))


@lru_cache(1)
def table() -> dict[str, dict[str, Outcome]]:
    """Gradient law -> importance -> outcome."""
    return {
        law: {name: outcome(norms, importance, K) for name, (_, importance) in IMPORTANCES.items()}
        for law, norms in gradients().items()
    }


@lru_cache(1)
def designs() -> dict[str, dict[str, float]]:
    """Design -> importance -> second moment of its Horvitz-Thompson weights, for the gradient LAW.

    >>> designs()["systematic"] == designs()["Poisson"] == designs()["pivotal"]
    True
    """
    energy = gradients()[LAW].square()
    sizes = {name: IMPORTANCES[name][1](gradients()[LAW]) for name in ("squared", "amss+")}
    return {
        label: {name: float((energy / design.inclusion(size, K)).sum() / energy.sum()) for name, size in sizes.items()}
        for label, design in DESIGNS.items()
    }


def _draw(panels: Panels, data: Data) -> None:
    left, right, by_design = axes(panels)
    rows = np.arange(len(table()))[::-1]
    shifts = np.linspace(0.27, -0.27, len(IMPORTANCES))
    for shift, (name, (label, _)) in zip(shifts, IMPORTANCES.items(), strict=True):
        look = style.look(name)
        for panel, values in (
            (left, [row[name].second_moment for row in table().values()]),
            (right, [row[name].largest for row in table().values()]),
        ):
            y = rows + shift
            panel.hlines(y, 0.5, values, color=look.colour, linewidth=0.8)
            panel.plot(values, y, color=look.colour, marker=look.marker, linestyle="", label=label)
            for value, height in zip(values, y, strict=True):
                text = f"{value:.2f}" if panel is left else _short(value)
                panel.annotate(
                    text,
                    (value, height),
                    (5, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=style.SMALLEST,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                )
    left.axvline(1, color=style.GREY, linewidth=0.8)
    right.axvline(2 * N / K, color=style.GREY, linewidth=0.8, linestyle="--")
    right.annotate(
        "$2n/k$", (2 * N / K, rows[0] + 0.5), (2, 0), textcoords="offset points", fontsize=7, color=style.GREY
    )
    for panel, limit in ((left, 17), (right, 1e10)):
        panel.set_xscale("log")
        panel.set_xlim(0.9, limit)
        panel.set_ylim(-0.5, len(rows) - 0.35)
        panel.grid(False, axis="y")
    left.set_xticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    left.set_xticks([], minor=True)
    left.set_yticks(rows, list(table()))
    right.set_yticks(rows, [])
    left.set_xlabel(r"second moment $E\,\|C\|^2 / \|g\|^2$")
    right.set_xlabel(r"largest weight $\max_j\, 1/\pi_j$")
    style.panel(left, "a", "second moment")
    style.panel(right, "b", "largest weight")
    _by_design(by_design)
    handles, labels = left.get_legend_handles_labels()
    left.figure.legend(handles, labels, loc="outside upper center", ncols=4)


def _by_design(panel: Axes) -> None:
    places = np.arange(len(DESIGNS))[::-1]
    for name, shift in (("squared", 0.16), ("amss+", -0.16)):
        look, values = style.look(name), [row[name] for row in designs().values()]
        panel.hlines(places + shift, 0, values, color=look.colour, linewidth=0.8)
        panel.plot(values, places + shift, color=look.colour, marker=look.marker, linestyle="")
    panel.axvline(1, color=style.GREY, linewidth=0.8)
    panel.set(xlim=(0, 11), ylim=(-0.5, len(places) - 0.35), xlabel=r"$E\,\|C\|^2 / \|g\|^2$")
    panel.set_yticks(places, list(designs()))
    panel.grid(False, axis="y")
    style.panel(panel, "c", "by design")


def _short(value: float) -> str:
    """Three digits, or one digit and a power of ten.

    >>> _short(20.0), _short(908233.2)
    ('20', '$9 \\\\cdot 10^{5}$')
    """
    if value < 1e3:
        return f"{value:.3g}"
    digit, exponent = f"{value:.0e}".split("e")
    return rf"${digit} \cdot 10^{{{int(exponent)}}}$"


def _caption(data: Data) -> str:
    return (
        rf"Unbiased masks with Horvitz-Thompson weights, $n = {N}$ units, $k = {K}$ drawn: (a) the second moment "
        r"$E\|C\|^2 / \|g\|^2 = \sum_j g_j^2 / \pi_j / \|g\|^2$, which depends on inclusion probabilities alone, and "
        r"(b) the largest weight, for gradients of four laws (taken at their quantiles). Sampling by $g^2$ gains "
        r"nothing over uniform until units are capped at $\pi_j = 1$, and its weights are unbounded; mixed half with "
        r"uniform, as AMSS+ does, weights are at most $2n/k$ and most of the gain of the optimum remains. (c) The same "
        r"for the lognormal gradient with $s = 1$, by design: simple random sampling takes no sizes, successive "
        r"sampling does not keep $\pi_j$ in proportion to them, and all others share $\pi_j$ and the second moment."
    )


def _alt(data: Data) -> str:
    rows = "; ".join(
        f"{law}: " + ", ".join(f"{name} {entry.second_moment:.2f}" for name, entry in row.items())
        for law, row in table().items()
    )
    by_design = ", ".join(f"{label} {row['amss+']:.2f}" for label, row in designs().items())
    return f"Second moments by law of the gradient. {rows}. With the sizes of AMSS+, by design: {by_design}.".replace(
        "\n", " "
    ).replace("$", "")


def _configuration(data: Data) -> dict[str, Any]:
    return {
        "n": N,
        "k": K,
        "gradients": [law.replace("\n", " ") for law in table()],
        "importances": {name: repr(importance) for name, (_, importance) in IMPORTANCES.items()},
        "design": "Systematic",
        "designs": {name: repr(design) for name, design in DESIGNS.items()},
        "seeds": None,
    }


FIGURE = Figure(
    name="second_moment",
    title="Second moments and largest weights",
    claims=(
        "ht-second-moment",
        "second-moment-design-free",
        "square-importance-equals-uniform",
        "optimal-inclusion",
        "mixture-weight-bound",
    ),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 3.6),
    shape=(1, 3),
    grid={"width_ratios": (1.15, 1.15, 0.75)},
)
