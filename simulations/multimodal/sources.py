"""Data sets by reference: a name, a prepared folder, or a stranger's FILE.py:FUNCTION."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from amss_min.testing.python_file import BadInput, object_of, one_line
from simulations.multimodal.data.shipped import SHIPPED
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.names import close_names


def load(reference: str, options: Mapping[str, Any] | None = None) -> Dataset:
    """The data set that a reference names.

    reference: a name in SHIPPED; a folder written by `python -m simulations prepare`; or FILE.py:FUNCTION, a function
    that returns a Dataset. options: keyword arguments of the function or of the shipped set.
    Raises BadInput, in one line, for a name that is not known (with the close ones), a folder or file that cannot be
    used, an option that is not one, or a function that raises or returns something else.
    """
    given = dict(options or {})
    if reference in SHIPPED:
        return _called(SHIPPED[reference], reference, given)
    if ".py:" in reference:
        function, _, _ = object_of(reference, "data")
        if not callable(function):
            raise BadInput(f"data: {reference} must be a function, found {type(function).__name__}")
        return _called(function, reference, given)
    if Path(reference).is_dir():
        from simulations.multimodal.data.prepared import PreparedError, read_prepared

        if given:
            raise BadInput(f"a prepared folder takes no options, found {', '.join(given)}")
        try:
            return read_prepared(Path(reference))
        except PreparedError as error:
            raise BadInput(str(error)) from error
    raise BadInput(f"no data set {reference!r}; did you mean {close_names(reference, SHIPPED)}, or a folder?")


def _called(function: Callable[..., Any], reference: str, options: dict[str, Any]) -> Dataset:
    try:
        inspect.signature(function).bind(**options)
    except TypeError as error:
        known = ", ".join(inspect.signature(function).parameters) or "none"
        raise BadInput(f"data {reference}: {error}; its options are: {known}") from error
    try:
        found = function(**options)
    except Exception as error:
        raise BadInput(f"data {reference}: {type(error).__name__}: {one_line(error)}") from error
    if not isinstance(found, Dataset):
        raise BadInput(f"data {reference} must return a Dataset, found {type(found).__name__}")
    return found
