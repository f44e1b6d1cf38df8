"""The HTAD run: test accuracy by method, each modality alone, and keep fractions over the epochs."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Train

RUN = Source("train/htad.json", Train, "python -m simulations train htad", length=lambda train: train.seeds)
REFERENCE = "Garcia-Ceja et al., HTAD, MultiMedia Modeling 2021, doi:10.1007/978-3-030-67835-7_17"
"""The data's own readme asks for this reference wherever results on it are reported."""


def keeps(train: Train, method: str, modality: str) -> NDArray[np.float64]:
    """Keep fractions (seeds, epochs) of a method. Raises ValueError where seeds ran for different numbers of epochs."""
    rows = [run.history.keep[modality] for run in train.runs if run.method == method]
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"all seeds of {method} must have the same number of epochs, found different ones")
    return np.array(rows)


def _draw(panels: Panels, data: Data) -> None:
    train, other = data[RUN].value, data.other(RUN)
    modalities = list(train.data.features)
    if len(modalities) != 2:
        raise ValueError(f"the figure shows two modalities, found {', '.join(modalities)}")
    joint, single, *over_epochs = axes(panels)
    _accuracies(joint, train, {"accuracy": ""}, fresh=other.value if other else None)
    _accuracies(single, train, {f"alone_{name}": name for name in modalities}, fresh=None)
    joint.set_ylabel("test accuracy")
    style.panel(joint, "a", "both modalities")
    style.panel(single, "b", "each modality alone")
    for panel, modality, letter in zip(over_epochs, modalities, "cd", strict=True):
        for method in train.methods:
            look, rows = style.look(method), keeps(train, method, modality)
            if rows.size:
                epochs = np.arange(1, rows.shape[1] + 1)
                panel.plot(
                    epochs, rows.mean(0), color=look.colour, marker=look.marker, markevery=(0, 10), label=look.label
                )
                panel.fill_between(epochs, rows.min(0), rows.max(0), color=look.colour, alpha=0.2, linewidth=0)
        panel.set(xlabel="epoch", ylim=(0, 1.05))
        style.panel(panel, letter, modality)
    over_epochs[0].set_ylabel("keep fraction of units")
    handles, labels = over_epochs[0].get_legend_handles_labels()
    panels.flat[0].figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))


def _accuracies(panel: Axes, train: Train, metrics: dict[str, str], fresh: Train | None) -> None:
    """Intervals by method, beside them the seeds; a group a metric."""
    methods = list(train.methods)
    places, labels = [], []
    for group, (metric, name) in enumerate(metrics.items()):
        for i, method in enumerate(methods):
            look, place = style.look(method), group * (len(methods) + 1.0) + i
            interval = train.summary.methods[method].get(metric)
            if interval is None or interval.mean is None:
                continue
            low, high = (interval.mean if end is None else end for end in (interval.low, interval.high))
            half = [[interval.mean - max(low, 0)], [min(high, 1) - interval.mean]]
            panel.errorbar([place - 0.12], [interval.mean], half, color=look.colour, marker=look.marker, markersize=5)
            for run, face in [(train, look.colour), *([(fresh, "none")] if fresh else [])]:
                seeds = _scores(run, method, metric)
                panel.scatter(
                    [place + (0.15 if run is train else 0.38)] * len(seeds),
                    seeds,
                    s=7,
                    facecolors=face,
                    edgecolors=look.colour,
                    linewidths=0.6,
                    alpha=0.7,
                )
        places.append(group * (len(methods) + 1.0) + (len(methods) - 1) / 2)
        labels.append(name)
    if len(metrics) == 1:
        panel.set_xticks(range(len(methods)), [style.look(method).label for method in methods])
    else:
        panel.set_xticks(places, labels)
    panel.grid(False, axis="x")


def _scores(train: Train, method: str, metric: str) -> list[float]:
    modality = metric.removeprefix("alone_")
    return [
        run.test.metrics["accuracy"] if metric == "accuracy" else run.test.modality[modality]
        for run in train.runs
        if run.method == method
    ]


def _caption(data: Data) -> str:
    train, other = data[RUN].value, data.other(RUN)
    beside = f" Open points: the {other.value.seeds} seeds of the run in results." if other else ""
    return (
        f"HTAD ({train.data.rows} rows, {len(train.data.targets)} classes; {REFERENCE}), {train.seeds} paired seeds. "
        f"Test accuracy (a) of the joint prediction and (b) of each modality's own logits: mean over seeds with "
        f"{train.summary.confidence:.0%} t-intervals, beside them the seeds.{beside} (c, d) Keep fraction of each "
        "modality, mean over the steps of an epoch; line: mean over seeds, band: their range. All methods share one "
        "stepsize, so 0/1 masks also take shorter steps."
    )


def _alt(data: Data) -> str:
    train = data[RUN].value
    parts = [
        f"{style.look(method).label} {metrics['accuracy']}"
        for method, metrics in train.summary.methods.items()
        if "accuracy" in metrics
    ]
    ends = [
        f"{style.look(method).label} {modality} {keeps(train, method, modality)[:, -1].mean():.2f}"
        for method in train.methods
        for modality in train.data.features
        if keeps(train, method, modality).size
    ]
    return f"Test accuracy: {'; '.join(parts)}. Keep fractions in the last epoch: {'; '.join(ends)}."


def _configuration(data: Data) -> dict[str, Any]:
    train, other = data[RUN].value, data.other(RUN)
    return {
        "data": train.data.model_dump(),
        "settings": train.settings,
        "seeds": sorted({run.seed for run in train.runs}),
        "seeds_beside": sorted({run.seed for run in other.value.runs}) if other else [],
    }


FIGURE = Figure(
    name="htad",
    title="Training on HTAD",
    claims=(),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 4.6),
    shape=(2, 2),
    sources=(RUN,),
)
