"""The command `list`: the experiments, and the parts that studies are made of, by name."""

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
}
"""The tables by name."""
