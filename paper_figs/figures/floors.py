"""Floors of AMSS under skewed noise by stepsize, skew and keep fraction; no data, formulas alone."""

from functools import lru_cache
from typing import Any

import numpy as np

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data
from simulations.sweeps import phase

N = 8
"""Units."""

SKEWS = (0.05, 0.1, 0.25)
"""Probabilities p of the rare value; 1/2 is symmetric."""

COUNTS = (1, 2, 4, 6)
_SKEW_COLOURS = ("#7a2e00", "#d55e00", "#f0a878")
_COUNT_COLOURS = ("#7a2e00", "#b04a00", "#e8833a", "#f2b78f")
_MARKERS = "sD^v"


@lru_cache
def floor(k: int, p: float) -> float:
    """Limit of E |grad F|^2 / sigma^2 of AMSS for small steps, k of N units: g*^2, as sigma^2 = N.

    >>> floor(N, 0.1) < 1e-20
    True
    """
    return float(phase.floor(N, k, p)[0]) ** 2


def _draw(panels: Panels, data: Data) -> None:
    left, middle, right = axes(panels)
    steps = np.geomspace(1e-3, 0.1, 25)
    for p, colour, marker in zip(SKEWS, _SKEW_COLOURS, _MARKERS, strict=False):
        values = [phase.amss_energy(N, 4, p, step) / N for step in steps]
        line: dict[str, Any] = {"color": colour, "marker": marker, "markevery": 6}
        left.plot(steps, values, label=f"AMSS, $p = {p:g}$", **line)
        left.axhline(floor(4, p), color=colour, linestyle=":", linewidth=0.8)
        keeps = np.arange(1, N + 1)
        right.plot(
            keeps / N, [floor(int(k), p) for k in keeps[:-1]] + [0.0], label=f"$p = {p:g}$", **{**line, "markevery": 1}
        )
    plus = style.look("amss+")
    values = [phase.plus_energy(N, 4, SKEWS[1], step) / N for step in steps]
    left.plot(steps, values, color=plus.colour, marker=plus.marker, markevery=6, label=f"AMSS+, $p = {SKEWS[1]:g}$")
    left.set(xscale="log", yscale="log", xlabel=r"stepsize $\eta$", ylabel=r"$E\,\|\nabla F\|^2 / \sigma^2$")
    left.set_ylim(1e-4, 0.4)
    left.legend(loc="lower right", handlelength=1.2)
    style.panel(left, "a", f"stepsize, $k/n = {4 / N:g}$")
    ps = np.linspace(0.02, 0.5, 33)
    for k, colour, marker in zip(COUNTS, _COUNT_COLOURS, _MARKERS, strict=True):
        values = [floor(k, float(p)) for p in ps]
        middle.plot(ps, values, color=colour, marker=marker, markevery=6, label=f"$k/n = {k / N:g}$")
    middle.set(xlabel="probability $p$ of the rare value", ylabel=r"floor $\|\nabla F\|^2 / \sigma^2$", ylim=(0, None))
    middle.legend(loc="upper right")
    style.panel(middle, "b", "skew of the noise")
    right.set(xlabel="keep fraction $k/n$", ylabel=r"floor $\|\nabla F\|^2 / \sigma^2$", ylim=(0, None))
    right.legend(loc="upper right")
    style.panel(right, "c", "keep fraction")


def _caption(data: Data) -> str:
    return (
        rf"The floor of AMSS on the isotropic quadratic with $n = {N}$ units under independent noise that takes a rare "
        r"value with probability $p$ (mean zero, variance one; symmetric for $p = 1/2$), successive sampling by $g^2$; "
        r"summed exactly over noise and masks, then linearised around the fixed point, to first order in the stepsize. "
        r"(a) For small steps AMSS settles at its floor (dotted) while AMSS+ goes to 0. (b, c) The floor grows with "
        r"the skew and vanishes with symmetric noise and where all units are kept."
    )


def _alt(data: Data) -> str:
    rows = "; ".join(f"k/n = {k / N:g}: " + ", ".join(f"{floor(k, p):.3f} at p = {p:g}" for p in SKEWS) for k in COUNTS)
    return f"Floors of AMSS as a share of the noise. {rows}."


def _configuration(data: Data) -> dict[str, Any]:
    return {
        "n": N,
        "skews": list(SKEWS),
        "counts": list(COUNTS),
        "law": "exact, simulations.sweeps.phase",
        "seeds": None,
    }


FIGURE = Figure(
    name="floors",
    title="Floors by stepsize, skew and keep fraction",
    claims=("skewed-noise-wrong-point",),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 2.6),
    shape=(1, 3),
)
