"""What happens over the epochs of the HTAD run: keep fractions, information rates, each modality's own accuracy."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from paper_figs import style
from paper_figs.figure import Figure, Panels
from paper_figs.figures.htad import RUN, methods
from paper_figs.reading import Data
from paper_figs.records import Train

QUANTITIES = {
    "keep": "keep fraction\nof units",
    "information_rate": "mutual information\nrate (no unit)",
    "validation_modality": "validation accuracy\nof the modality",
}
"""Key of the history -> label of its row."""


def curves(train: Train, method: str, quantity: str, modality: str) -> NDArray[np.float64]:
    """A quantity (seeds, epochs). Raises ValueError where it was not written down, or seeds differ in epochs."""
    histories = [getattr(run.history, quantity) for run in train.runs if run.method == method]
    if any(modality not in history for history in histories):
        raise ValueError(f"the histories of {method} must hold {quantity!r} of {modality}, found none")
    rows = [history[modality] for history in histories]
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"all seeds of {method} must have the same number of epochs, found different ones")
    return np.array(rows, dtype=np.float64)


def _draw(panels: Panels, data: Data) -> None:
    train, looks = data[RUN].value, methods(data)
    modalities = list(train.data.features)
    if len(modalities) != panels.shape[1]:
        raise ValueError(f"the figure shows {panels.shape[1]} modalities, found {', '.join(modalities)}")
    letters = iter("abcdef")
    for row, quantity in zip(panels, QUANTITIES, strict=True):
        for panel, modality in zip(row, modalities, strict=True):
            _curves(panel, train, quantity, modality, looks)
            style.panel(panel, next(letters), modality)
        row[0].set_ylabel(QUANTITIES[quantity])
    panels[0, 0].set_ylim(0, 1.05)
    for panel in panels[-1]:
        panel.set_xlabel("epoch")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    panels[0, 0].figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))


def _curves(panel: Axes, train: Train, quantity: str, modality: str, looks: dict[str, style.Look]) -> None:
    for number, (method, look) in enumerate(looks.items()):
        rows = curves(train, method, quantity, modality)
        if rows.size:
            epochs = np.arange(1, rows.shape[1] + 1)
            every = max(1, len(epochs) // 8)
            panel.plot(
                epochs,
                rows.mean(0),
                color=look.colour,
                marker=look.marker,
                markevery=(number * every // 4, every),
                label=look.label,
            )
            panel.fill_between(epochs, rows.min(0), rows.max(0), color=look.colour, alpha=0.15, linewidth=0)
        else:
            panel.plot([], [], color=look.colour, marker=look.marker, label=look.label)  # for the legend


def _caption(data: Data) -> str:
    train = data[RUN].value
    return (
        f"Training on HTAD, {train.seeds} paired seeds; line: mean over seeds, band: their range. (a, b) Keep fraction "
        "of each modality, mean over the steps of an epoch ($1$ where gradients are left whole). (c, d) Mutual "
        "information rate of the modality's own logits with the label on all validation rows, the same measure for "
        "every method, whether its keep fraction follows it or not. (e, f) Validation accuracy of the modality's own "
        "logits; validation also selects the epoch, so these are no test scores."
    )


def _alt(data: Data) -> str:
    train = data[RUN].value
    parts = []
    for quantity, label in QUANTITIES.items():
        ends = []
        for method, look in style.looks(train.methods).items():
            for modality in train.data.features:
                rows = curves(train, method, quantity, modality)
                if rows.size:
                    ends.append(f"{look.label} {modality} {rows[:, -1].mean():.2f}")
        parts.append(f"{label}: {', '.join(ends)}")
    return f"Means in the last epoch. {'; '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    train = data[RUN].value
    return {"data": train.data.name, "settings": train.settings, "seeds": sorted({run.seed for run in train.runs})}


FIGURE = Figure(
    name="training_curves",
    title="Over the epochs of training",
    claims=(),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 5.4),
    shape=(3, 2),
    sources=(RUN,),
    grid={"sharex": True, "sharey": "row"},
)
