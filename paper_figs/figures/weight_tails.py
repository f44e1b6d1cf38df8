"""Tails and second moments of weights by design: rank-conditioned weights against inverse inclusion probabilities."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special

from amss_min.designs import Systematic
from amss_min.importance import SquaredGradient
from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.figures.second_moment import IMPORTANCES, LAW, K, N, gradients
from paper_figs.reading import Data

UNITS = 20
"""Units of equal size in the panels on rank-conditioned weights."""

COUNTS = (1, 2, 5, 10)
_RANKED = ("#551033", "#882255", "#bb6690", "#ddaac4")
_MARKERS = "^sDv"


def ranked_tail(x: NDArray[np.float64], n: int, k: int) -> NDArray[np.float64]:
    """P(M_j > x) of rank-conditioned weights for n equal sizes, x >= 1: (k / n) I_{1/x}(k + 1, n - k).

    Given the k-th smallest clock tau of the other units, unit j is drawn with probability U = 1 - exp(-tau) and weighs
    1 / U. U is Beta(k, n - k), so P(M > x) = E[U 1{U < 1/x}], which is the formula, I the regularised beta function.

    >>> ranked_tail(np.array([1.0]), 20, 5).tolist()
    [0.25]
    """
    tail: NDArray[np.float64] = k / n * special.betainc(k + 1, n - k, 1 / x)
    return tail


def ranked_second_moment(n: int, k: int) -> float:
    """E M_j^2 = E[1 / U] = (n - 1) / (k - 1) for n equal sizes; inf for k = 1.

    >>> ranked_second_moment(20, 5)
    4.75
    """
    return (n - 1) / (k - 1) if k > 1 else np.inf


def inverse_tail(norms: torch.Tensor, name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over units of P(M_j > x) = pi_j 1{1 / pi_j > x}, of weights 1 / pi_j; name: of the importance."""
    pi = Systematic().inclusion(IMPORTANCES[name][1](norms), K).numpy()
    return np.array([pi[1 / pi > level].sum() / len(pi) for level in x])


def _draw(panels: Panels, data: Data) -> None:
    left, middle, right = axes(panels)
    x = np.geomspace(1, 1e4, 300)
    for k, colour, marker in zip(COUNTS, _RANKED, _MARKERS, strict=True):
        left.plot(x, ranked_tail(x, UNITS, k), color=colour, marker=marker, markevery=(20, 60), label=f"$k = {k}$")
        left.plot(
            [1, UNITS / k, UNITS / k], [k / UNITS, k / UNITS, 1e-9], color=style.look("amss+").colour, linewidth=0.7
        )
    left.plot([], [], color=style.look("amss+").colour, linewidth=0.7, label="all weights $n/k$")
    left.set(xscale="log", yscale="log", ylim=(1e-8, 30), xlabel="weight $x$", ylabel="$P(M_j > x)$")
    left.set_yticks([1e-8, 1e-6, 1e-4, 1e-2, 1])
    left.legend(loc="upper right", handlelength=1.4)
    style.panel(left, "a", "rank-conditioned")
    counts = np.arange(2, UNITS + 1)
    released, plus = _RANKED[1], style.look("amss+")
    middle.plot(
        counts,
        [ranked_second_moment(UNITS, int(k)) for k in counts],
        color=released,
        marker="^",
        markevery=3,
        label="rank-conditioned",
    )
    middle.plot(
        np.arange(1, UNITS + 1),
        UNITS / np.arange(1, UNITS + 1),
        color=plus.colour,
        marker=plus.marker,
        markevery=3,
        label=r"inverse $\pi_j$",
    )
    middle.annotate("infinite at $k = 1$", (1, 22), (6, 0), textcoords="offset points", fontsize=7, va="center")
    middle.plot([1], [22], color=released, marker="^", linestyle="", markerfacecolor="none")
    middle.set(yscale="log", ylim=(0.8, 40), xlabel="units drawn $k$", ylabel=r"second moment $E\,M_j^2$")
    middle.set_xticks([1, 5, 10, 15, 20])
    middle.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    middle.set_yticks([], minor=True)
    middle.legend(loc="upper right", bbox_to_anchor=(1, 0.85))
    style.panel(middle, "b", "second moments")
    x = np.geomspace(1, 1e4, 400)
    for name, (label, _) in IMPORTANCES.items():
        look = style.look(name)
        right.plot(
            x,
            inverse_tail(gradients()[LAW], name, x),
            color=look.colour,
            marker=look.marker,
            markevery=(30, 80),
            label=label,
        )
    right.axvline(2 * N / K, ymax=0.62, color=style.GREY, linestyle="--", linewidth=0.8)
    right.annotate("$2n/k$", (2 * N / K, 2e-6), (2, 0), textcoords="offset points", fontsize=7, color=style.GREY)
    right.set(xscale="log", yscale="log", ylim=(1e-6, 3e3), xlabel="weight $x$", ylabel="mean of $P(M_j > x)$")
    right.set_yticks([1e-6, 1e-4, 1e-2, 1])
    right.legend(loc="upper right", handlelength=1.4)
    style.panel(right, "c", "by importance")


def _caption(data: Data) -> str:
    return (
        rf"How large weights get, exactly. (a) {UNITS} units of equal size under successive sampling: rank-conditioned "
        r"weights have tails of order $x^{-(k+1)}$, weights $1/\pi_j$ are all $n/k$ (steps). (b) Second moments, "
        r"$(n-1)/(k-1)$ against $n/k$: for $k = 1$ infinite. (c) Weights $1/\pi_j$ for a lognormal gradient, "
        rf"$n = {N}$, $k = {K}$, by what units are drawn with: by $g^2$ alone the tail goes on, mixed half with "
        r"uniform it ends at $2n/k$."
    )


def _alt(data: Data) -> str:
    level = np.array([100.0])
    parts = [f"k = {k}: {ranked_tail(level, UNITS, k)[0]:.1e}" for k in COUNTS]
    return f"Tails of weights. Probability of a rank-conditioned weight above 100, n = {UNITS}: {'; '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    law = LAW.replace("\n", " ")
    return {
        "n": [UNITS, N],
        "k": [list(COUNTS), K],
        "gradient": law,
        "importance": repr(SquaredGradient(mix=0.5)),
        "seeds": None,
    }


FIGURE = Figure(
    name="weight_tails",
    title="Tails of weights",
    claims=("rank-conditioned-infinite-variance-k1", "rank-conditioned-unbiased", "mixture-weight-bound"),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 2.6),
    shape=(1, 3),
)
