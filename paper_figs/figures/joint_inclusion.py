"""Joint inclusion probabilities by design: which pairs of units are drawn together, exactly."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic
from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.pivotal import Pivotal
from amss_min.designs.sampford import Sampford
from amss_min.weightings import Indicator
from paper_figs import style
from paper_figs.figure import Figure, Panels, axes
from paper_figs.reading import Data
from theory import moments
from theory.readings import readings

SIZES = (0.36, 0.28, 0.18, 0.12, 0.06)
"""q_j: k q_j stays below 1."""

COUNT = 2

DESIGNS: Mapping[str, Design] = MappingProxyType(
    {
        "simple random": SimpleRandom(),
        "successive (AMSS)": Successive(),
        "Poisson": Poisson(),
        "systematic, fixed": Systematic(random_order=False),
        "systematic (AMSS+)": Systematic(),
        "pivotal": Pivotal(order="random"),
        "conditional Poisson": ConditionalPoisson(),
        "Sampford": Sampford(),
    }
)


@lru_cache(1)
def tables() -> dict[str, NDArray[np.float64]]:
    """Design -> pi_ij (n, n), with pi_jj = pi_j, under the exact law of the production code, all orders averaged."""
    found = {}
    for name, design in DESIGNS.items():
        laws = [
            np.array(moments.joint_inclusion(reading.law), dtype=np.float64)
            for reading in readings(design, Indicator(), torch.tensor(SIZES, dtype=torch.float64), COUNT)
        ]
        found[name] = np.mean(laws, axis=0)
    return found


def _draw(panels: Panels, data: Data) -> None:
    places = np.arange(len(SIZES))
    mesh = None
    for panel, (name, table), letter in zip(axes(panels), tables().items(), "abcdefgh", strict=True):
        mesh = panel.pcolormesh(places, places, table, cmap="cividis", vmin=0, vmax=0.75)
        for i, j in np.ndindex(*table.shape):
            text = "0" if table[i, j] == 0 else f"{table[i, j]:.2f}".removeprefix("0")
            shade = "white" if table[i, j] < 0.4 else "black"
            panel.text(j, i, text, ha="center", va="center", fontsize=style.SMALLEST, color=shade)
        panel.set(aspect="equal", ylim=(len(SIZES) - 0.5, -0.5))
        panel.set_xticks(places, [f"{size:.2f}".removeprefix("0") for size in SIZES])
        panel.set_yticks(places, [f"{size:.2f}".removeprefix("0") for size in SIZES])
        panel.grid(False)
        panel.tick_params(length=0)
        panel.set_title(f"({letter}) {name}", loc="left", fontsize=style.SMALLEST)
    for panel in panels[-1]:
        panel.set_xlabel("size $q_j$")
    for panel in panels[:, 0]:
        panel.set_ylabel("size $q_i$")
    assert mesh is not None
    bar = panels[0, 0].figure.colorbar(mesh, ax=panels, shrink=0.8, aspect=30, pad=0.01)
    bar.set_label(r"joint inclusion probability $\pi_{ij}$")
    bar.outline.set_linewidth(0.5)


def _caption(data: Data) -> str:
    return (
        rf"Probability $\pi_{{ij}}$ that units $i$ and $j$ are drawn together (diagonal: $\pi_j$), $n = {len(SIZES)}$, "
        rf"$k = {COUNT}$, exact over all subsets and all orders. Designs (c) to (h) have the same $\pi_j = k q_j$ and "
        "differ in pairs only ((e) and (f) in random order); (b) has others, as successive sampling does not keep them "
        "in proportion. Systematic sampling in a fixed order never draws some pairs ($0$): no "
        "unbiased variance estimate exists there."
    )


def _alt(data: Data) -> str:
    parts = [
        f"{name}: from {table[~np.eye(len(SIZES), dtype=bool)].min():.3f} to "
        f"{table[~np.eye(len(SIZES), dtype=bool)].max():.3f}"
        for name, table in tables().items()
    ]
    return f"Heat maps of joint inclusion probabilities of pairs. {'; '.join(parts)}."


def _configuration(data: Data) -> dict[str, Any]:
    designs = {name: repr(design) for name, design in DESIGNS.items()}
    return {"sizes": list(SIZES), "k": COUNT, "designs": designs, "law": "exact, theory.readings", "seeds": None}


FIGURE = Figure(
    name="joint_inclusion",
    title="Joint inclusion by design",
    claims=("sen-yates-grundy", "successive-inclusion-not-kq", "second-moment-design-free"),
    draw=_draw,
    caption=_caption,
    alt=_alt,
    configuration=_configuration,
    size=(style.PAGE, 3.9),
    shape=(2, 4),
    grid={"sharex": True, "sharey": True},
)
