"""Options by name, as a configuration gives them: checked once, refused in one line."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from simulations.multimodal.names import close_names


class Options(BaseModel):
    """Options of a model's part; unknown names are refused. A part with options subclasses this as its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_options(kind: type[BaseModel], given: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """All options of a kind by name, those given and the defaults of the others.

    owner: whose options they are, for messages. Raises ValueError, one line, for an unknown name or a refused value.

    >>> class Sizes(Options):
    ...     width: int = 8
    >>> read_options(Sizes, {}, "the encoder 'mlp'")
    {'width': 8}
    >>> read_options(Sizes, {"widht": 4}, "the encoder 'mlp'")
    Traceback (most recent call last):
    ValueError: no option 'widht' of the encoder 'mlp'; did you mean 'width'?
    """
    try:
        options = kind(**given)
    except ValidationError as error:
        raise ValueError(_one_line(kind, error, owner)) from None
    return {name: getattr(options, name) for name in kind.model_fields}


def _one_line(kind: type[BaseModel], error: ValidationError, owner: str) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = kind.model_fields
        return f"no option {name!r} of {owner}; " + (
            f"did you mean {close_names(name, known)}?" if known else "it has none"
        )
    reason = first["msg"].removeprefix("Value error, ")
    return f"{owner}: {reason}" if not name else f"option {name} of {owner}: {reason}, found {first['input']!r}"
