"""The HTAD run: test accuracy by method, each modality alone, and keep fractions over the epochs."""

from typing import Any

from matplotlib.axes import Axes

from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data, Source
from paper_figs.records import Train

RUN = Source("train/htad.json", Train, "python -m simulations train htad", length=lambda train: train.seeds)
REFERENCE = "Garcia-Ceja et al., HTAD, MultiMedia Modeling 2021, doi:10.1007/978-3-030-67835-7_17"
"""The data's own readme asks for this reference wherever results on it are reported."""


def methods(data: Data) -> dict[str, style.Look]:
    """Every method of any run, as they come."""
    return style.looks(method for run in data.runs for method in run[RUN].value.methods)


def _draw(panels: Panels, data: Data) -> None:
    train, other = data[RUN].value, data.other(RUN)
    modalities = list(train.data.features)
    if len(modalities) != 2:
        raise ValueError(f"the figure shows two modalities, found {', '.join(modalities)}")
    joint, single = axes(panels)
    looks = methods(data)
    _accuracies(joint, train, {"accuracy": ""}, looks, fresh=other.value if other else None)
    _accuracies(single, train, {f"alone_{name}": name for name in modalities}, looks, fresh=None)
    joint.set_ylabel("test accuracy")
    joint.set_xlabel("method")
    single.set_xlabel("modality")
    style.panel(joint, "a", "both modalities")
    style.panel(single, "b", "each modality alone")
    names = [look.label for look in looks.values()]
    handles = [joint.plot([], [], color=look.colour, marker=look.marker, linestyle="")[0] for look in looks.values()]
    joint.figure.legend(handles, names, loc="outside upper center", ncols=min(len(names), 5))


def _accuracies(
    panel: Axes, train: Train, metrics: dict[str, str], looks: dict[str, style.Look], fresh: Train | None
) -> None:
    """Intervals by method, beside them the seeds; a group a metric."""
    places, labels = [], []
    for group, (metric, name) in enumerate(metrics.items()):
        for i, (method, look) in enumerate(looks.items()):
            place = group * (len(looks) + 1.0) + i
            interval = train.summary.methods.get(method, {}).get(metric)
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
        places.append(group * (len(looks) + 1.0) + (len(looks) - 1) / 2)
        labels.append(name)
    if len(metrics) == 1:
        panel.set_xticks(range(len(looks)), [look.label for look in looks.values()])
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
        f"{train.summary.confidence:.0%} t-intervals, beside them the seeds.{beside} All methods share one stepsize, "
        "so 0/1 masks also take shorter steps; the axes do not begin at 0. What happens over the epochs stands in the "
        "figure on training_curves."
    )


def _alt(data: Data) -> str:
    train = data[RUN].value
    looks = style.looks(train.methods)
    parts = [
        f"{looks[method].label} {metrics['accuracy']}"
        for method, metrics in train.summary.methods.items()
        if method in looks and "accuracy" in metrics
    ]
    return f"Test accuracy: {'; '.join(parts)}."


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
    size=(style.PAGE, 2.8),
    shape=(1, 2),
    sources=(RUN,),
)
