"""The theory measured on a network in training: second moments, what is left out, bias, floors, and allowed steps."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Train, TrainRun

RUN = Source(
    "diagnosed/train/htad.json",
    Train,
    "python -m simulations train diagnosed --diagnose --results results/diagnosed",
)
Entry = Mapping[str, Any]
Estimate = tuple[float, float]

QUANTITIES: Mapping[str, tuple[str, Callable[[Entry, float], Estimate]]] = {
    "second moment": (r"$E\|m \odot g\|^2 / \|g\|^2$", lambda entry, lr: _of(entry["omega"]["mean"], add=1.0)),
    "left out": (r"share of $\|g\|$ left out", lambda entry, lr: _of(entry["left_out"]["share"])),
    "bias against its limit": (
        r"$4\,\|c\|^2 / E\|\xi\|^2$",
        lambda entry, lr: _of(entry["bias"]["squared"], scale=1 / entry["bias"]["limit"]),
    ),
    "allowed step": ("allowed step / lr", lambda entry, lr: _of(entry["step"]["value"], scale=1 / lr)),
}
"""Title of a panel -> its axis, and the estimate of an entry (value, standard error)."""


def _of(found: Any, *, scale: float = 1.0, add: float = 0.0) -> Estimate:
    if found is None:
        return np.nan, 0.0
    if isinstance(found, Mapping):
        return add + scale * found["value"], scale * found["standard_error"]
    return add + scale * float(found), 0.0


def series(run: TrainRun, tensor: str | None, what: Callable[[Entry, float], Estimate]) -> list[tuple[int, Estimate]]:
    """(epoch, estimate) of a tensor, or of the network for None, where there is one."""
    found = []
    for epoch, record in run.diagnosis.items():
        entry = record["network"] if tensor is None else record["tensors"].get(tensor, {})
        if "units" in entry:
            found.append((int(epoch), what(entry, record["lr"])))
    return found


def _runs(data: Data) -> list[TrainRun]:
    runs = [run for run in data[RUN].value.runs if run.diagnosis]
    if not runs:
        raise ValueError("the figure needs runs with a diagnosis, found none: train with --diagnose")
    return list({run.method: run for run in reversed(runs)}.values())[::-1]


def _draw(panels: Panels, data: Data) -> None:
    runs = _runs(data)
    looks = style.looks(run.method for run in runs)
    *shown, floors, notes = axes(panels)
    for panel, (title, (label, what)), letter in zip(shown, QUANTITIES.items(), "abcd", strict=True):
        for run in runs:
            _lines(panel, run, looks[run.method], what)
        panel.set_ylabel(label)
        panel.set_yscale("log" if title in ("bias against its limit", "allowed step") else "linear")
        if panel.get_yscale() == "log":
            style.decades(panel.yaxis)
        style.panel(panel, letter, title)
    shown[0].axhline(1, color=style.GREY, linewidth=0.8)
    shown[3].set_ylim(min(shown[3].get_ylim()[0], 0.01), 1)
    shown[2].axhline(1, color=style.GREY, linewidth=0.8, linestyle="--")
    for run in runs:
        _floor(floors, run, looks[run.method])
    floors.set(yscale="log", ylabel=r"$\|\nabla F\|^2$ and its floor")
    style.panel(floors, "e", "gradient and floor, network")
    epochs = sorted({int(epoch) for run in runs for epoch in run.diagnosis})
    for panel in (*shown, floors):
        panel.set_xscale("log", base=2)
        panel.set_xticks(epochs, [str(epoch) for epoch in epochs])
        panel.set_xlabel("epoch")
    entries: dict[str, Any] = {}
    for panel in (shown[0], floors):
        entries |= {text: handle for handle, text in zip(*panel.get_legend_handles_labels(), strict=True)}
    notes.axis("off")
    notes.legend(list(entries.values()), list(entries), loc="center left")


def _lines(panel: Axes, run: TrainRun, look: style.Look, what: Callable[[Entry, float], Estimate]) -> None:
    names = dict.fromkeys(name for record in run.diagnosis.values() for name in record["tensors"])
    for number, name in enumerate(names):
        points = series(run, name, what)
        values = [value if value > 0 else np.nan for _, (value, _) in points]
        label = f"{look.label}, each tensor" if number == 0 else None
        panel.plot([epoch for epoch, _ in points], values, color=look.colour, linewidth=0.6, alpha=0.5, label=label)
    points = series(run, None, what)
    panel.errorbar(
        [epoch for epoch, _ in points],
        [value for _, (value, _) in points],
        [error for _, (_, error) in points],
        color=look.colour,
        marker=look.marker,
        label=f"{look.label}, network",
    )


def _floor(panel: Axes, run: TrainRun, look: style.Look) -> None:
    points = series(run, None, lambda entry, lr: _of(entry["gradient_squared"]))
    panel.plot(
        [epoch for epoch, _ in points],
        [value for _, (value, _) in points],
        color=look.colour,
        marker=look.marker,
        label=rf"{look.label}, $\|\nabla F\|^2$",
    )
    for name, line, what in (("bound", "--", "floor: bound"), ("mean_field", ":", "floor: mean field")):
        points = series(run, None, lambda entry, lr, name=name: _of(entry["floor"][name]))  # type: ignore[misc]
        values = [value if value > 0 else np.nan for _, (value, _) in points]
        if np.isfinite(values).any():
            panel.plot(
                [epoch for epoch, _ in points],
                values,
                color=look.colour,
                linestyle=line,
                label=f"{look.label}, {what}",
            )


def _caption(data: Data) -> str:
    first = next(iter(_runs(data)[0].diagnosis.values()))
    return (
        f"Masks on the gradients of the network during training on HTAD, one seed; {first['minibatches']} minibatches "
        f"of {first['batch']} of {first['rows']} rows, standard errors as of independent minibatches. Thick: all "
        "masked tensors together (for the second moment and the step the worst of them); thin: each tensor. (a) Second "
        r"moment of the mask, $1 + \omega$, exact for each minibatch. (b) Share of the gradient's norm that is not "
        r"kept on average. (c) $\|c\|^2$, $c_u = \mathrm{Cov}(E[m_u \mid g], g_u)$, against the most that it can be; "
        "for AMSS+ that of the 0/1 mask of its design; estimates below 0 are left out. (d) The step that the theory "
        r"allows where lr is that of the unmasked gradient: $\mathrm{lr} / (1 + \omega)$ for AMSS+, $\mathrm{lr}\, "
        r"d_{\min} / 2$ for AMSS. (e) $\|\nabla F\|^2$, and for AMSS the floor $2 \|c\|^2_{1/D} / d_{\min}$ of the "
        r"bound and $\|D^{-1} c\|^2$ of the mean field."
    )


def _alt(data: Data) -> str:
    parts = []
    for run in _runs(data):
        label = style.looks([run.method])[run.method].label
        for title, (_, what) in QUANTITIES.items():
            points = series(run, None, what)
            parts.append(f"{label}, {title}: {points[0][1][0]:.3g} to {points[-1][1][0]:.3g}")
    return f"From the first to the last diagnosed epoch, all tensors together. {'; '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    train = data[RUN].value
    runs = [{"method": run.method, "seed": run.seed, "epochs": list(run.diagnosis)} for run in _runs(data)]
    return {"data": train.data.name, "settings": train.settings, "runs": runs}


FIGURE = Figure(
    name="diagnosis",
    title="The theory on a network",
    claims=("amss-decomposition", "self-importance-descent", "covariance-universal-bound", "ht-second-moment"),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 3.9),
    shape=(2, 3),
    sources=(RUN,),
)
