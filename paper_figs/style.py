"""One look for all figures: sizes, fonts, and for every method one colour, marker and name.

The colours are those of Okabe and Ito (2008), which stay apart under the common forms of colour blindness; no series
is told from another by colour alone. Text is set by matplotlib itself (mathtext), so that no TeX is needed.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import NullFormatter
from scipy import stats

COLUMN = 3.4
"""Width of one column of text, inches."""

PAGE = 7.0
"""Width of the whole page of text, inches."""

DPI = 200
"""Pixels per inch of the PNG files."""

CONFIDENCE = 0.95
"""Level of the intervals around means over replicates."""

SMALLEST = 7.0
"""Size of the smallest text, points: pictures are made as wide as they are printed."""

GREY = "#666666"
"""Predictions and bounds that belong to no single method, and marginal notes."""


@dataclass(frozen=True)
class Look:
    """How a method is drawn."""

    label: str
    colour: str
    marker: str | tuple[int, int, int]


OVERLAY_LINES = ("--", ":", "-.")
"""Lines of further runs over the first, whose lines are drawn as the figure has them."""

OVERLAY_NAMES = ("dashed", "dotted", "dash-dotted")

LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "joint": Look("joint", "#000000", "o"),
        "sgd": Look("SGD", "#000000", "o"),
        "uniform": Look("uniform", "#56b4e9", "s"),
        "uniform-ht": Look("uniform", "#56b4e9", "s"),
        "amss": Look("AMSS", "#d55e00", "^"),
        "amss+": Look("AMSS+", "#0072b2", "D"),
        "released": Look("AMSS+ as released", "#cc79a7", "v"),
        "squared": Look(r"$\pi \propto g^2$", "#e69f00", "X"),
        "optimum": Look(r"optimum, $\pi \propto |g|$", "#009e73", "P"),
        "unimodal": Look("each modality alone", "#999999", "p"),
        "uniform+": Look("uniform, unbiased", "#1f5a78", "d"),
        "amss+rebalanced": Look("AMSS+ rebalanced", "#004c7a", "*"),
        "amss-scaled": Look("AMSS, scaled", "#8f3f00", "<"),
        "released-scaled": Look("released, scaled", "#8c5374", ">"),
        "ogm": Look("OGM", "#b8a900", "h"),
        "ogm-ge": Look("OGM-GE", "#857a00", "H"),
        "agm": Look("AGM", "#00634a", "8"),
        "modality-lr": Look("lr by modality", "#5b4b8a", (4, 1, 0)),
        "gradient-blending": Look("gradient blending", "#a3541f", (3, 1, 0)),
        "uniform-0/1": Look("uniform 0/1", "#2b86b3", (4, 0, 20)),
        "amss-systematic": Look("AMSS, systematic", "#b37400", (3, 0, 45)),
        "amss-mixed": Look("AMSS, half uniform", "#e0925f", (3, 0, -45)),
        "amss-mixed-systematic": Look("AMSS, half uniform, systematic", "#a84a1c", (3, 0, 135)),
        "amss-mixed-lagged": Look("AMSS, half uniform, past sizes", "#6b3a2a", (3, 0, 225)),
        "mmpareto": Look("MMPareto", "#7a9e3f", (6, 1, 0)),
        "rank-conditioned": Look("rank-conditioned", "#882255", (8, 1, 0)),
        "top-one": Look("largest unit (top-1)", "#117733", (5, 0, 180)),
    }
)
"""By the name of the method, as it stands in results; a uniform mask looks the same with any weight."""

_SPARE = ("x", "|", "_", (5, 1, 0), (5, 2, 0), (7, 2, 0))

_SETTINGS: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "errorbar.capsize": 2,
    "figure.dpi": DPI,
    "pdf.fonttype": 42,
    "svg.hashsalt": "paper_figs",
    "text.usetex": False,
}


@contextmanager
def applied() -> Iterator[None]:
    """The look, whatever the settings of the machine; the settings before come back afterwards."""
    with matplotlib.style.context(["default", _SETTINGS]):
        yield


def look(method: str) -> Look:
    """The look of a method; raises KeyError, with the close names, for one that has none."""
    if method not in LOOKS:
        close = difflib.get_close_matches(method, LOOKS) or sorted(LOOKS)
        raise KeyError(f"no look for method {method!r}; did you mean {' or '.join(map(repr, close))}?")
    return LOOKS[method]


def looks(methods: Iterable[str]) -> dict[str, Look]:
    """The looks of the methods of a training run; one without a look of its own gets its name, grey, and a marker.

    >>> looks(["amss", "mine"])["mine"].label
    'mine'
    """
    names = list(methods)
    unknown = [name for name in dict.fromkeys(names) if name not in LOOKS]
    spare = {method: Look(method, GREY, _SPARE[i % len(_SPARE)]) for i, method in enumerate(unknown)}
    return {name: LOOKS.get(name) or spare[name] for name in names}


def decades(axis: Axis) -> None:
    """Label whole powers on a logarithmic axis, and nothing between them."""
    axis.set_minor_formatter(NullFormatter())


def panel(axes: Axes, letter: str, title: str) -> None:
    """Head a panel with its letter and what it shows."""
    axes.set_title(f"({letter}) {title}", loc="left")


def half_width(error: float, replicates: int) -> float:
    """Half a Student interval of level CONFIDENCE around a mean over replicates with this standard error.

    >>> round(half_width(1.0, 2), 3)
    12.706
    """
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, replicates - 1)) * error
