"""The parts of a simulation by name, as a study and the command `run` call them, and how a name becomes an object.

Names come from the classes: that of the file where there is one class a file (block_cosine.py holds block-cosine), that
of the class elsewhere (InverseSquareRoot is inverse-square-root). Parameters are those of the class; what follows from
the objective (a dimension, the units of the modalities, the number of terms) is filled in.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from amss_min import designs, importance, weightings
from amss_min.designs import Design
from amss_min.importance import Importance
from amss_min.testing.loading import BadInput
from amss_min.weightings import Weighting
from simulations import noise, objectives, optimisers, stepsizes
from simulations.audit import UnknownName
from simulations.methods import METHODS, Method
from simulations.noise import Noise
from simulations.objectives import FiniteSum, FunctionObjective, Objective
from simulations.optimisers import Optimiser
from simulations.stepsizes import Stepsize

FILLED: Mapping[str, Callable[[Any], Any]] = {
    "dimension": lambda objective: objective.d,
    "d": lambda objective: objective.d,
    "units": lambda objective: objective.units,
    "terms": lambda objective: objective.samples,
}
"""Parameters of a noise that its objective determines."""

UNIFORM = "uniform"
"""The importance that gives every unit the same size."""


@dataclass(frozen=True)
class Part:
    """A class or function with its parameters: name to (type, default), inspect.Parameter.empty for none."""

    name: str
    make: Callable[..., Any]
    parameters: Mapping[str, tuple[Any, Any]]

    def described(self, hidden: typing.Container[str] = ()) -> str:
        """The parameters with their defaults, as they are written in a study."""
        shown = {key: default for key, (_, default) in self.parameters.items() if key not in hidden}
        return ", ".join(
            key if default is inspect.Parameter.empty else f"{key}={_toml(default)}" for key, default in shown.items()
        )

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]


def _part(name: str, make: Callable[..., Any]) -> Part:
    hints = typing.get_type_hints(make.__init__ if inspect.isclass(make) else make)
    found = inspect.signature(make).parameters
    return Part(name, make, {key: (hints.get(key, Any), value.default) for key, value in found.items()})


def _parts(
    package: types.ModuleType, base: type, *, by_file: bool, without: tuple[type, ...] = ()
) -> Mapping[str, Part]:
    found = {}
    for value in vars(package).values():
        if (
            inspect.isclass(value)
            and issubclass(value, base)
            and not inspect.isabstract(value)
            and value not in without
        ):
            stem = value.__module__.rpartition(".")[2].replace("_", "-")
            name = stem if by_file else re.sub(r"(?<=[a-z])(?=[A-Z])", "-", value.__name__).lower()
            found[name] = _part(name, value)
    return MappingProxyType(dict(sorted(found.items())))


OBJECTIVES = _parts(objectives, Objective, by_file=True, without=(FunctionObjective,))
NOISES = MappingProxyType({**_parts(noise, Noise, by_file=True), "skewed": _part("skewed", noise.skewed)})
OPTIMISERS = _parts(optimisers, Optimiser, by_file=False)
STEPSIZES = _parts(stepsizes, Stepsize, by_file=False)
DESIGNS = _parts(designs, Design, by_file=True)
WEIGHTINGS = _parts(weightings, Weighting, by_file=False)
IMPORTANCES = _parts(importance, Importance, by_file=False, without=(Importance,))

Spec = str | Mapping[str, Any]
"""A name, or a mapping with `name` and parameters."""


def objective(spec: Spec) -> Objective:
    """The objective of this name; raises BadInput or UnknownName.

    >>> objective({"name": "block-cosine", "n": 4}).d
    8
    """
    found: Objective = _made("objective", spec, OBJECTIVES)
    return found


def noise_on(spec: Spec, on: Objective) -> Noise:
    """The noise of this name for an objective; raises BadInput or UnknownName.

    >>> noise_on({"name": "gaussian", "total": 2.0}, objective("pl-sine")).name
    'Gaussian, sigma2=2'
    """
    name, given = _split("noise", spec)
    part = _known("noise", name, NOISES)
    for key in given:
        if key in part.parameters and key in FILLED:
            raise BadInput(f"noise {name!r}: {key} follows from the objective, found it given as {given[key]!r}")
    if "terms" in part.parameters and not isinstance(on, FiniteSum):
        raise BadInput(f"noise {name!r} needs a finite sum, found {on.name}")
    filled = {key: fill(on) for key, fill in FILLED.items() if key in part.parameters}
    found: Noise = _made("noise", {"name": name, **given}, NOISES, filled)
    return found


def optimiser(spec: Spec) -> Optimiser:
    """The optimiser of this name; raises BadInput or UnknownName.

    >>> optimiser({"name": "momentum", "beta": 0.5}).name
    'averaged momentum, beta=0.5, mask before'
    """
    found: Optimiser = _made("optimiser", spec, OPTIMISERS)
    return found


def stepsize(spec: Spec | float) -> Stepsize:
    """A constant step, or the sequence of this name; raises BadInput or UnknownName.

    >>> stepsize(0.1).name, stepsize({"name": "inverse-time", "scale": 2.0, "shift": 4.0}).name
    ('0.1', '2/(4+t)')
    """
    given: Spec = {"name": "constant", "eta": spec} if isinstance(spec, int | float) else spec
    found: Stepsize = _made("stepsize", given, STEPSIZES)
    return found


def method(spec: Spec) -> Method:
    """A method by name, or one with other parts: importance, design, weighting, lagged; raises BadInput, UnknownName.

    >>> method({"name": "amss+", "design": "pivotal"}).name
    'amss+, design=pivotal'
    """
    name, given = _split("method", spec)
    if name not in METHODS:
        raise UnknownName("method", name, METHODS)
    base = METHODS[name]
    for key in given:
        if key not in ("importance", "design", "weighting", "lagged"):
            raise _no_parameter("method", name, key, ("importance", "design", "weighting", "lagged"))
    if "lagged" in given and not isinstance(given["lagged"], bool):
        raise BadInput(f"method {name!r}: lagged must be true or false, found {given['lagged']!r}")
    parts: dict[str, Any] = {}
    if "design" in given:
        parts["design"] = _made("design", given["design"], DESIGNS)
    if "weighting" in given:
        parts["weighting"] = _made("weighting", given["weighting"], WEIGHTINGS)
    if "importance" in given:
        plain = given["importance"] == UNIFORM
        parts["importance"] = None if plain else _made("importance", given["importance"], IMPORTANCES)
    shown = ", ".join(f"{key}={_shown(value)}" for key, value in given.items())
    try:
        return replace(
            base, **parts, lagged=given.get("lagged", base.lagged), name=f"{name}, {shown}" if given else name
        )
    except ValueError as error:
        raise BadInput(f"method {name!r}: a design and a weighting go together, found {shown}") from error


def _made(what: str, spec: Any, known: Mapping[str, Part], filled: Mapping[str, Any] = MappingProxyType({})) -> Any:
    name, given = _split(what, spec)
    part = _known(what, name, known)
    arguments = dict(filled)
    for key, value in given.items():
        if key not in part.parameters:
            raise _no_parameter(what, name, key, part.parameters)
        try:
            arguments[key] = TypeAdapter(part.parameters[key][0]).validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise BadInput(f"{what} {name!r}: {key}: {first['msg']}, found {value!r}") from error
    missing = [
        key
        for key, (_, default) in part.parameters.items()
        if default is inspect.Parameter.empty and key not in arguments
    ]
    if missing:
        raise BadInput(f"{what} {name!r} needs {', '.join(missing)}, found none")
    try:
        return part.make(**arguments)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadInput(f"{what} {name!r}: {' '.join(str(error).split())}") from error


def _split(what: str, spec: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(spec, str):
        return spec, {}
    if not isinstance(spec, Mapping) or not isinstance(spec.get("name"), str):
        raise BadInput(f"{what} must be a name or a table with a name, found {spec!r}")
    return str(spec["name"]), {key: value for key, value in spec.items() if key != "name"}


def _known(what: str, name: str, known: Mapping[str, Part]) -> Part:
    if name not in known:
        raise UnknownName(what, name, known)
    return known[name]


def _no_parameter(what: str, name: str, key: str, known: typing.Iterable[str]) -> UnknownName:
    return UnknownName(f"parameter of {what} {name!r} called", key, known)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        rest = ", ".join(f"{key}={item}" for key, item in value.items() if key != "name")
        return f"{value.get('name')}({rest})" if rest else str(value.get("name"))
    return str(value)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value) if isinstance(value, str) else "none" if value is None else str(value)
