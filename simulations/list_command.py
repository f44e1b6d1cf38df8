"""The command `list`: the experiments, and the parts that studies are made of, by name."""

import inspect
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from amss_min.testing.files import json_to
from simulations import experiments, registry
from simulations.audit import UnknownName
from simulations.console import plain, show
from simulations.methods import METHODS
from simulations.registry import Part


@dataclass(frozen=True)
class Listing:
    """One table: rows with the same keys, which are its headings with "_" for spaces.

    A value is text, a number, or a list of texts, which stands in a cell with commas between.
    """

    title: str
    rows: list[dict[str, Any]]
    caption: str = ""

    def table(self) -> Table:
        """For people."""
        made = Table(title=self.title, caption=self.caption or None)
        for key in self.rows[0]:
            made.add_column(key.replace("_", " "), no_wrap=key == "name")
        for row in self.rows:
            made.add_row(*(plain(_cell(value)) for value in row.values()))
        return made


def show_parts(kind: str | None, json_file: Path | None = None) -> int:
    """Print the table of one kind, or all without one, and write the rows to `json_file`; returns the exit code 0.

    The JSON is an object: name in LISTINGS -> list of rows. Raises UnknownName and Unwritable.
    """
    if kind is not None and kind not in LISTINGS:
        raise UnknownName("list", kind, LISTINGS)
    with json_to(json_file) as write:
        found = {name: LISTINGS[name]() for name in (LISTINGS if kind is None else (kind,))}
        for listing in found.values():
            show(listing.table())
        write({name: listing.rows for name, listing in found.items()})
    return 0


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _experiments() -> Listing:
    rows = [
        {"name": one.name, "claim": one.claim, "runs": len(one.cells), "what_it_does": one.summary}
        for one in experiments.ALL
    ]
    return Listing("experiments", rows)


def _methods() -> Listing:
    rows = []
    for name, one in METHODS.items():
        design = "" if one.design is None else repr(one.design)
        weighting = "" if one.weighting is None else repr(one.weighting)
        importance = "" if one.design is None else registry.UNIFORM if one.importance is None else repr(one.importance)
        rows.append({"name": name, "importance": importance, "design": design, "weighting": weighting})
    other = 'other parts: {name = "amss+", design = "pivotal"}, also importance, weighting, lagged'
    return Listing("methods", rows, other)


def _parts(title: str, parts: Mapping[str, Part], hidden: Container[str] = ()) -> Callable[[], Listing]:
    def made() -> Listing:
        rows = [
            {"name": name, "parameters": part.described(hidden), "what_it_is": part.summary}
            for name, part in parts.items()
        ]
        return Listing(title, rows)

    return made


def _training() -> Listing:
    from simulations.multimodal.methods import METHODS as trained

    rows = [
        {"name": name, "options": list(kind.Options.model_fields), "what_it_does": kind.summary, "source": kind.source}
        for name, kind in trained.items()
    ]
    return Listing("training methods", rows, "a method of your own: FILE.py:CLASS")


def _data() -> Listing:
    from simulations.multimodal.data.shipped import SHIPPED

    rows = [
        {
            "name": name,
            "options": list(inspect.signature(load).parameters),
            "what_it_is": (load.__doc__ or "").partition("\n")[0],
        }
        for name, load in SHIPPED.items()
    ]
    return Listing("data sets", rows, "data of your own: a folder of `prepare`, or FILE.py:FUNCTION")


def _encoders() -> Listing:
    from simulations.multimodal.encoders import ENCODERS

    rows = [
        {
            "name": name,
            "rows": "any" if one.axes is None else f"({', '.join(one.axes)})",
            "options": list(one.Options.model_fields),
            "what_it_is": one.summary,
            "source": one.source,
        }
        for name, one in ENCODERS.items()
    ]
    return Listing("encoders", rows)


def _fusions() -> Listing:
    from simulations.multimodal.fusions import FUSIONS

    return Listing("fusions", [{"name": name, "what_it_is": kind.summary} for name, kind in FUSIONS.items()])


def _formats() -> Listing:
    from simulations.multimodal.data.formats import FORMATS

    rows = [
        {
            "name": name,
            "files": f"{one.summary}\n{one.layout}",
            "options": [f"{key}={field.default!r}" for key, field in one.Options.model_fields.items()],
        }
        for name, one in FORMATS.items()
    ]
    return Listing("formats of raw data, for prepare", rows)


LISTINGS: Mapping[str, Callable[[], Listing]] = {
    "experiments": _experiments,
    "objectives": _parts("objectives", registry.OBJECTIVES),
    "noises": _parts("noises", registry.NOISES, hidden=registry.FILLED),
    "methods": _methods,
    "importances": _parts("importances, and uniform", registry.IMPORTANCES),
    "designs": _parts("designs", registry.DESIGNS),
    "weightings": _parts("weightings", registry.WEIGHTINGS),
    "optimisers": _parts("optimisers", registry.OPTIMISERS),
    "stepsizes": _parts("stepsizes", registry.STEPSIZES),
    "training": _training,
    "data": _data,
    "encoders": _encoders,
    "fusions": _fusions,
    "formats": _formats,
}
"""The tables by name."""
