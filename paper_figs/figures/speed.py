"""What the engine and the masked step cost, beside the least that any such code must do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import EngineBench, StepBench

ENGINE = Source("bench-engine.json", EngineBench, "python -m simulations bench")
STEP = Source("bench.json", StepBench, "python -m simulations bench --masked-step")
LIMIT = "normal numbers: the limit"
TWO_PASSES = "two-pass limit"
_TYPES = {"float32": ("#222222", "o", "#222222"), "float64": ("#777777", "s", "white")}
"""Colour, marker and face: no method has them."""


def relative(bench: EngineBench, kind: str) -> dict[str, float]:
    """Time of a way over that of drawing the noise alone. Raises ValueError where that was not timed."""
    times = bench.seconds.get(kind, {})
    if LIMIT not in times:
        raise ValueError(f"the benchmark must hold the way {LIMIT!r} in {kind}, has none")
    return {way: seconds / times[LIMIT] for way, seconds in times.items() if way != LIMIT}


def ratios(bench: StepBench) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Time of a way over the two passes of the same repeat. Raises ValueError where these were not timed."""
    if TWO_PASSES not in bench.seconds:
        raise ValueError(f"the benchmark must hold the way {TWO_PASSES!r}, has none")
    limit = np.array(bench.seconds[TWO_PASSES])
    return {way: np.array(times) / limit for way, times in bench.seconds.items() if way != TWO_PASSES}


def _draw(panels: Panels, data: Data) -> None:
    left, right = axes(panels)
    engine, step = data.get(ENGINE), data.get(STEP)
    if engine is None:
        _absent(left, ENGINE)
    else:
        _engine(left, engine.value, [one.value for run in data.runs if (one := run.get(ENGINE))])
    if step is None:
        _absent(right, STEP)
    else:
        _step(right, step.value, [two.value for run in data.runs if (two := run.get(STEP))])
    style.panel(left, "a", "simulation engine")
    style.panel(right, "b", "masked step of training")


def _absent(panel: Axes, source: Source[Any]) -> None:
    panel.set_axis_off()
    panel.text(0.5, 0.5, f"no data yet:\n{source.command}", ha="center", va="center", transform=panel.transAxes)


def _engine(panel: Axes, bench: EngineBench, all_runs: Sequence[EngineBench]) -> None:
    named = (way for one in all_runs for kind in _TYPES for way in one.seconds.get(kind, {}) if way != LIMIT)
    ways = list(dict.fromkeys(named))
    rows = {way: len(ways) - 1 - i for i, way in enumerate(ways)}
    for (kind, (colour, marker, face)), shift in zip(_TYPES.items(), (0.2, -0.2), strict=True):
        found = relative(bench, kind)
        panel.plot(
            list(found.values()),
            [rows[way] + shift for way in found],
            color=colour,
            marker=marker,
            markerfacecolor=face,
            linestyle="",
            label=kind,
        )
        _texts(panel, [(value, rows[way] + shift) for way, value in found.items()])
    panel.axvline(1, color=style.GREY, linewidth=0.8, zorder=1)
    panel.set_yticks(list(rows.values()), [way.replace(", ", ",\n", 1) for way in rows])
    panel.set(xscale="log", ylim=(-0.6, len(ways) - 0.4), xlabel="time / drawing the noise alone")
    panel.margins(x=0.2)
    panel.grid(False, axis="y")
    panel.legend(loc="lower left")


def _step(panel: Axes, bench: StepBench, all_runs: Sequence[StepBench]) -> None:
    ways = list(dict.fromkeys(way for one in all_runs for way in ratios(one)))
    look = style.look("amss+")
    for way, values in ratios(bench).items():
        row = len(ways) - 1 - ways.index(way)
        middle = float(np.median(values))
        panel.errorbar(
            [middle],
            [row],
            xerr=[[middle - values.min()], [values.max() - middle]],
            color=look.colour,
            marker=look.marker,
        )
        _texts(panel, [(middle, row)], above=True)
    panel.axvline(1, color=style.GREY, linewidth=0.8, zorder=1)
    panel.set_yticks(range(len(ways)), [way.replace(" without ", "\nwithout ", 1) for way in ways[::-1]])
    panel.set(xscale="log", ylim=(-0.6, len(ways) - 0.4), xlabel="time / two passes")
    panel.margins(x=0.2)
    panel.grid(False, axis="y")


def _texts(panel: Axes, places: list[tuple[float, float]], *, above: bool = False) -> None:
    for value, y in places:
        panel.annotate(
            f"{value:.2g}" if value < 100 else f"{value:.0f}",
            (value, y),
            (0, 4) if above else (5, 0),
            textcoords="offset points",
            va="bottom" if above else "center",
            ha="center" if above else "left",
            fontsize=style.SMALLEST,
            zorder=1.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        )


def _caption(data: Data) -> str:
    engine, step = data.get(ENGINE), data.get(STEP)
    parts = []
    if engine is not None:
        one = engine.value
        parts.append(
            f"(a) Time of one coordinate update in the engine, $d = {one.d}$, {one.replicates} replicates, over the "
            f"time of torch's normal generator for its noise alone ($1$), shortest of {one.repeats} repeats; "
            f"{one.device}, torch {one.torch}, {one.threads} thread."
        )
    if step is not None:
        two = step.value
        parts.append(
            f"(b) Time of the masked step on gradients of {two.parameters / 1e6:.1f} million parameters (two "
            "ResNet-18) over that of reading all rows for their norms and scaling them in place ($1$): median over "
            f"{len(two.seconds[TWO_PASSES])} repeats, bars: their range; {two.cpu}, torch {two.torch}, {two.threads} "
            "thread. A way below $1$ touches each tensor twice while it is in the cache."
        )
    return " ".join(parts)


def _alt(data: Data) -> str:
    engine, step = data.get(ENGINE), data.get(STEP)
    parts = []
    if engine is not None:
        rows = relative(engine.value, "float64")
        parts.append("Engine, float64: " + ", ".join(f"{way} {value:.2f}" for way, value in rows.items()))
    if step is not None:
        parts.append("Masked step: " + ", ".join(f"{way} {np.median(v):.2f}" for way, v in ratios(step.value).items()))
    return f"Times relative to the limit. {'. '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    found = (data.get(ENGINE), data.get(STEP))
    return {one.source.file: one.value.model_dump(exclude={"seconds", "recorded"}) for one in found if one is not None}


FIGURE = Figure(
    name="speed",
    title="Overhead and engine speed",
    claims=(),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 4.0),
    shape=(1, 2),
    sources=(ENGINE, STEP),
    least=1,
)
