"""Worst cases over all smooth functions: closed forms, what a solver found, and the simpler bounds above them."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from amss_min.weightings import HorvitzThompson
from paper_figs import style
from paper_figs.audited import AUDIT, SOLVED
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data
from theory.uniform_masks import uniform_masks
from theory.worst_case import attained, closed_forms

HORIZON = 64
LEAST = 1e-12
"""Smaller differences are drawn here: a logarithmic axis has no 0."""
_SHADES = ("#0b3c5d", "#2b7bb0", "#56b4e9", "#a3cfe8")
_PLAIN = ("#000000", "#777777")
_OWN = ("#332288", "#44aa99", "#cc6677", "#999933", "#aa4499")
_MARKERS = "osD^"


class Curve(NamedTuple):
    """A worst case by T: its closed form, and the value that a function attains."""

    form: Callable[[int], Fraction]
    attains: Callable[[int], Fraction]


DESCENT: Mapping[str, Curve] = MappingProxyType(
    {
        r"$\min \|\nabla F\|^2$, gap to $F^*$": Curve(
            closed_forms.smallest_from_gap, lambda n: attained.smallest_on_sawtooth(n, drop=False)
        ),
        r"$\min \|\nabla F\|^2$, drop": Curve(
            closed_forms.smallest_from_drop, lambda n: attained.smallest_on_sawtooth(n, drop=True)
        ),
    }
)
"""Of whole gradients, by the number of steps."""

MASKS = ((1, 1), (2, 1), (4, 1), (8, 1))
"""(n, k) of uniform masks."""


def solver_rows(data: Data, claim: str) -> dict[str, dict[str, float]]:
    """Name of a problem -> its values by "solver" and "closed form"; nothing where no solver ran."""
    found = data.get(AUDIT)
    items = [] if found is None else found.value.evidence(claim)
    return {name: row for item in items for name, row in item.details.get("rows", {}).items()}


def pairs(data: Data) -> list[tuple[str, str, float, float]]:
    """(claim, problem, closed form, solver) of everything solved."""
    return [
        (claim, name, row["closed form"], row["solver"])
        for claim in SOLVED
        for name, row in solver_rows(data, claim).items()
    ]


def _draw(panels: Panels, data: Data) -> None:
    left, middle, right = axes(panels)
    steps = np.unique(np.geomspace(1, HORIZON, 20).astype(int))
    for (label, curve), colour, marker in zip(DESCENT.items(), _PLAIN, _MARKERS, strict=False):
        left.plot(steps, [float(curve.form(int(t))) for t in steps], color=colour, linewidth=0.9)
        left.plot(
            steps[::3],
            [float(curve.attains(int(t))) for t in steps[::3]],
            color=colour,
            marker=marker,
            linestyle="",
            markerfacecolor="none",
            label=label,
        )
    left.plot(steps, 2 / steps, color=style.GREY, linestyle="--", label="usual bound $2 / T$")
    style.panel(left, "a", "whole gradients")
    for (n, k), colour, marker in zip(MASKS, _SHADES, _MARKERS, strict=True):
        middle.plot(
            steps, [float(closed_forms.masked_average(int(t), n, k)) for t in steps], color=colour, linewidth=0.9
        )
        law = list(uniform_masks(n, k, HorvitzThompson()))
        middle.plot(
            steps[::3],
            [float(attained.masked_on_half_square(int(t), law, Fraction(k, n))) for t in steps[::3]],
            color=colour,
            marker=marker,
            linestyle="",
            markerfacecolor="none",
            label=f"$n/k = {n // k}$",
        )
        middle.plot(steps, 2 * n / (k * steps), color=colour, linestyle="--", linewidth=0.7)
    style.panel(middle, "b", r"masks: average $E\,\|\nabla F\|^2$")
    for panel in (left, middle):
        panel.set(xscale="log", yscale="log", xlabel="steps $T$")
        panel.legend(loc="lower left")
    left.set_ylim(6e-3, 3)
    middle.set_ylim(0.02, 3)
    left.set_ylabel(r"worst case, $L = \Delta = 1$")
    _solved(right, data)
    style.panel(right, "c", "a solver against closed forms")


def _solved(panel: Axes, data: Data) -> None:
    found = pairs(data)
    names = list(dict.fromkeys(claim for claim, *_ in found))
    for claim, colour, marker in zip(names, _OWN, (*_MARKERS, "v"), strict=False):
        rows = [(form, value) for name, _, form, value in found if name == claim]
        panel.plot(
            [form for form, _ in rows],
            [max(abs(value / form - 1), LEAST) for form, value in rows],
            color=colour,
            marker=marker,
            linestyle="",
            markerfacecolor="none",
            label=claim.removeprefix("worst-case-solved-").replace("-", " "),
        )
    if not found:
        panel.text(0.5, 0.5, f"no solver has run:\n{AUDIT.command}", ha="center", transform=panel.transAxes)
        return
    panel.axhline(5e-5, color=style.GREY, linestyle="--", label="accepted gap")
    panel.set(
        yscale="log", xlabel="worst case, closed form", ylabel="relative difference of the solver", ylim=(LEAST / 3, 10)
    )
    panel.legend(loc="upper left", ncols=2, columnspacing=0.8, handletextpad=0.3, handlelength=1.2)


def _caption(data: Data) -> str:
    return (
        r"The largest gradients that any 1-smooth function with $F(w_0) - F^* = 1$ can force. (a) The smallest squared "
        r"gradient of $T$ steps of descent with $\eta = 1/L$: $4/(3T + 2)$, and $4/(3T)$ against the drop (lines); "
        r"markers: attained, in rationals, by a function built for it; dashed: the usual bound. (b) The average under "
        r"uniform masks with $\eta = k/(nL)$, $\frac{2n}{kT}(1 - (1 - k/n)^T)$, attained by $\frac{1}{2}\|w\|^2$; "
        r"dashed: $2n/(kT)$. (c) PEPit's numerical worst cases against the closed forms, as the last audit with the "
        "solver found them."
    )


def _alt(data: Data) -> str:
    found = pairs(data)
    largest = max((abs(value / form - 1) for _, _, form, value in found), default=0.0)
    return (
        f"Worst cases against the number of steps up to {HORIZON}; lines and attained values agree. "
        f"{len(found)} values of a solver, the largest relative difference to a closed form {largest:.1g}."
    )


def _configuration(data: Data) -> dict[str, Any]:
    return {"horizon": HORIZON, "masks": [list(pair) for pair in MASKS], "solved": len(pairs(data)), "seeds": None}


FIGURE = Figure(
    name="worst_case",
    title="Worst cases are attained",
    claims=("worst-case-gradient-descent", "worst-case-masked-descent", *SOLVED),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 2.7),
    shape=(1, 3),
    sources=(AUDIT,),
    least=0,
)
