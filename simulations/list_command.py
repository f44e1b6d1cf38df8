"""The command `list`: the experiments, and the parts that studies are made of, by name."""

import inspect
from collections.abc import Callable, Container, Mapping

from rich.table import Table

from simulations import experiments, registry
from simulations.audit import UnknownName
from simulations.console import out, plain
from simulations.methods import METHODS
from simulations.registry import Part


def show_parts(kind: str | None) -> int:
    """Print the table of one kind, or all tables without one; raises UnknownName; returns the exit code 0."""
    if kind is not None and kind not in TABLES:
        raise UnknownName("list", kind, TABLES)
    for name in TABLES if kind is None else (kind,):
        out().print(TABLES[name]())
    return 0


def _experiments() -> Table:
    table = _titled("experiments", "name", "claim", "runs", "what it does")
    for one in experiments.ALL:
        table.add_row(one.name, one.claim, str(len(one.cells)), plain(one.summary))
    return table


def _methods() -> Table:
    table = _titled("methods", "name", "importance", "design", "weighting")
    for name, one in METHODS.items():
        design = "" if one.design is None else repr(one.design)
        weighting = "" if one.weighting is None else repr(one.weighting)
        importance = "" if one.design is None else registry.UNIFORM if one.importance is None else repr(one.importance)
        table.add_row(name, plain(importance), plain(design), plain(weighting))
    table.caption = 'other parts: {name = "amss+", design = "pivotal"}, also importance, weighting, lagged'
    return table


def _parts(title: str, parts: Mapping[str, Part], hidden: Container[str] = ()) -> Callable[[], Table]:
    def made() -> Table:
        table = _titled(title, "name", "parameters", "what it is")
        for name, part in parts.items():
            table.add_row(name, plain(part.described(hidden)), plain(part.summary))
        return table

    return made


def _training() -> Table:
    from simulations.multimodal.methods import METHODS as trained

    table = _titled("training methods", "name", "options", "what it does", "source")
    for name, kind in trained.items():
        table.add_row(name, plain(", ".join(kind.Options.model_fields)), plain(kind.summary), plain(kind.source))
    table.caption = "a method of your own: FILE.py:CLASS"
    return table


def _data() -> Table:
    from simulations.multimodal.data.shipped import SHIPPED

    table = _titled("data sets", "name", "options", "what it is")
    for name, load in SHIPPED.items():
        told = (load.__doc__ or "").partition("\n")[0]
        table.add_row(name, plain(", ".join(inspect.signature(load).parameters)), plain(told))
    table.caption = "data of your own: a folder of `prepare`, or FILE.py:FUNCTION"
    return table


def _encoders() -> Table:
    from simulations.multimodal.encoders import ENCODERS

    table = _titled("encoders", "name", "rows", "options", "what it is", "source")
    for name, one in ENCODERS.items():
        axes = "any" if one.axes is None else f"({', '.join(one.axes)})"
        table.add_row(
            name, plain(axes), plain(", ".join(one.Options.model_fields)), plain(one.summary), plain(one.source)
        )
    return table


def _fusions() -> Table:
    from simulations.multimodal.fusions import FUSIONS

    table = _titled("fusions", "name", "what it is")
    for name, kind in FUSIONS.items():
        table.add_row(name, plain(kind.summary))
    return table


def _formats() -> Table:
    from simulations.multimodal.data.formats import FORMATS

    table = _titled("formats of raw data, for prepare", "name", "files", "options")
    for name, one in FORMATS.items():
        options = ", ".join(f"{key}={field.default!r}" for key, field in one.Options.model_fields.items())
        table.add_row(name, plain(f"{one.summary}\n{one.layout}"), plain(options))
    return table


def _titled(title: str, *headings: str) -> Table:
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, no_wrap=heading == "name")
    return table


TABLES: Mapping[str, Callable[[], Table]] = {
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
