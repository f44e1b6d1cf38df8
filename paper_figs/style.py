"""One look for all figures: sizes, fonts, and for every method one colour, marker and name.

The colours are those of Okabe and Ito (2008), which stay apart under the common forms of colour blindness; no series
is told from another by colour alone. Text is set by matplotlib itself (mathtext), so that no TeX is needed.
"""

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from scipy import stats

COLUMN = 3.4
"""Width of one column of text, inches."""

PAGE = 7.0
"""Width of the whole page of text, inches."""

DPI = 200
"""Pixels per inch of the PNG files."""

CONFIDENCE = 0.95
"""Level of the intervals around means over replicates."""

GREY = "#666666"
"""Predictions and bounds that belong to no single method, and marginal notes."""


@dataclass(frozen=True)
class Look:
    """How a method is drawn."""

    label: str
    colour: str
    marker: str


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
    }
)
"""By the name of the method, as it stands in results; a uniform mask looks the same with any weight."""

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


def panel(axes: Axes, letter: str, title: str) -> None:
    """Head a panel with its letter and what it shows."""
    axes.set_title(f"({letter}) {title}", loc="left")


def half_width(error: float, replicates: int) -> float:
    """Half a Student interval of level CONFIDENCE around a mean over replicates with this standard error.

    >>> round(half_width(1.0, 2), 3)
    12.706
    """
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, replicates - 1)) * error
