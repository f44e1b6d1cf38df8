"""Paths over the contours of a quadratic in two coordinates: where the mean steps of four methods lead."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.figures.amss_floor import RUNS
from paper_figs.reading import Data, Source
from paper_figs.records import Experiment, ExperimentRun
from theory import mean_field
from theory.claims import skewed_noise_wrong_point as claim

RELEASED = Source(
    "experiments/released-weights-settle.json", Experiment, "python -m simulations audit released-weights-settle"
)
Array = NDArray[np.float64]

METHODS: Mapping[str, str] = MappingProxyType(
    {"sgd": "SGD", "amss": "AMSS", "amss+": "AMSS+", "released": "AMSS+ as released"}
)
STARTS = tuple((1.6 * np.cos(angle), 1.6 * np.sin(angle)) for angle in np.pi * (np.arange(8) + 0.5) / 4)
_REACH = 2.1
_TIME, _STEPS = 30.0, 600


def mean_step(method: str, w: Array) -> Array:
    """E[M * g] at w (..., 2), over the four values of the noise: one unit of two, drawn with q = g^2 / |g|^2.

    >>> mean_step("amss", np.array([0.0, 0.0])).round(12).tolist()
    [0.24, 0.0]
    """
    total = np.zeros_like(w)
    for value, chance in mean_field.two_point(claim.P):
        for sign in (-1.0, 1.0):
            g = w + np.array([float(value), sign])
            square = g**2
            size = square.sum(-1, keepdims=True)
            if method == "amss":
                weighted = g * square / size
            elif method == "released":
                weighted = 2 * g * square / (2 * square + size)
            else:
                weighted = g
            total += float(chance) / 2 * weighted
    return total


@lru_cache
def paths(method: str) -> Array:
    """Solutions of dw/dt = -E[M * g] from STARTS, (times, starts, 2), by Runge-Kutta of order four."""
    w = np.array(STARTS)
    found, step = [w], _TIME / _STEPS
    for _ in range(_STEPS):
        one = -mean_step(method, w)
        two = -mean_step(method, w + step / 2 * one)
        three = -mean_step(method, w + step / 2 * two)
        four = -mean_step(method, w + step * three)
        w = w + step / 6 * (one + 2 * two + 2 * three + four)
        found.append(w)
    return np.array(found)


def _measured(data: Data, method: str) -> ExperimentRun | None:
    """The run of a method under skewed noise with the smallest stepsize, where there is one."""
    found = data.get(RELEASED if method == "released" else RUNS)
    runs = (
        [] if found is None else [r for r in found.value.runs if r.method == method and r.noise.startswith("two-point")]
    )
    return min(runs, key=lambda run: run.stepsize, default=None)


def _draw(panels: Panels, data: Data) -> None:
    for panel, (method, title), letter in zip(axes(panels), METHODS.items(), "abcd", strict=True):
        _contours(panel)
        look, flow = style.look(method), paths(method)
        panel.plot(flow[..., 0], flow[..., 1], color=look.colour, linewidth=0.9)
        panel.plot(*zip(*STARTS, strict=True), color=look.colour, marker=".", markersize=3, linestyle="")
        panel.plot(0, 0, marker="+", markersize=9, color=style.GREY, markeredgewidth=1.2, linestyle="")
        end = flow[-1].mean(0)
        panel.plot(*end, marker=look.marker, color=look.colour, markersize=8, linestyle="")
        panel.annotate(
            f"$w_1 = {end[0]:.3f}$".replace("-0.000", "0"),
            (0, -_REACH),
            (0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
        run = _measured(data, method)
        if run is not None:
            places = np.array([[0.0, 0.0], *run.iterate])
            panel.plot(
                places[:, 0],
                places[:, 1],
                color="white",
                marker="o",
                markersize=3.2,
                markeredgecolor="black",
                markeredgewidth=0.7,
                linestyle="",
                zorder=5,
            )
        panel.set(xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH), aspect="equal", xlabel="$w_1$")
        panel.grid(False)
        style.panel(panel, letter, title)
    axes(panels)[0].set_ylabel("$w_2$")


def _contours(panel: Axes) -> None:
    around = np.linspace(0, 2 * np.pi, 200)
    for radius in (0.4, 0.8, 1.2, 1.6, 2.0, 2.4):
        panel.plot(radius * np.cos(around), radius * np.sin(around), color="#d8d8d8", linewidth=0.6, zorder=0.5)


def _caption(data: Data) -> str:
    run = _measured(data, "amss")
    shown = (
        f" White points: the mean of measured runs from the minimiser, at {len(run.checkpoints)} times." if run else ""
    )
    return (
        r"Mean paths $\dot w = -E[M \odot g]$ on $F = \frac{1}{2} \|w\|^2$ (grey: contours; cross: minimiser) under "
        r"noise skewed in the first coordinate, one of two units drawn with $q_j \propto g_j^2$; solved numerically "
        r"from eight starts, exact over noise and masks. SGD and AMSS+ have the same mean step; AMSS and the released "
        rf"weight lead to other points (markers, with the place).{shown} Single runs scatter around these paths."
    )


def _alt(data: Data) -> str:
    ends = "; ".join(f"{title} ends at w_1 = {paths(name)[-1, :, 0].mean() + 0:.4f}" for name, title in METHODS.items())
    return f"Four panels of paths from a circle around the minimiser at 0. {ends}."


def _configuration(data: Data) -> dict[str, Any]:
    return {
        "noise": f"two-point, p={claim.P}",
        "time": _TIME,
        "steps": _STEPS,
        "starts": [list(map(float, s)) for s in STARTS],
    }


FIGURE = Figure(
    name="trajectories",
    title="Where the mean steps lead",
    claims=("skewed-noise-wrong-point", "released-weights-wrong-point", "released-weights-settle"),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 2.3),
    shape=(1, 4),
    sources=(RUNS, RELEASED),
    least=0,
    grid={"sharey": True},
)
