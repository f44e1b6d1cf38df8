"""An estimator from FILE.py:NAME, with every way to mistype it answered in one line."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amss_min.testing.python_file import BadInput, beside, nearest, object_of, one_line
from amss_min.testing.unbiased import matrix

__all__ = ["BadInput", "load", "load_gradient"]


def load(target: str) -> Callable[..., Tensor]:
    """The function NAME of FILE.py; raises BadInput for a file, a name or a signature that cannot be used.

    The file is run as a module of its own, with its folder on the path, as `python FILE.py` has it.
    """
    function, name, _ = object_of(target, "an estimator")
    file = target.rpartition(":")[0]
    if inspect.isclass(function):
        raise BadInput(f"{name} in {file} is a class; name an instance, or a function estimate(gradient, *, generator)")
    if not callable(function):
        raise BadInput(f"{name} in {file} must be a function, found {type(function).__name__}")
    _check_signature(function, name)
    found: Callable[..., Tensor] = function
    return found


def load_gradient(path: Path) -> Tensor:
    """A gradient (K, d) float64 from a .npy file of shape (K, d) or (K,); raises BadInput, also for one all zero."""
    try:
        values = np.load(path, allow_pickle=False)
        if isinstance(values, np.lib.npyio.NpzFile):
            values.close()
            raise ValueError("it is an archive of several arrays")
    except FileNotFoundError as error:
        raise BadInput(f"no file {str(path)!r}; {nearest(path.name, beside(path, '.npy'))}") from error
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{path} must be a .npy file of numbers: {one_line(error)}") from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise BadInput(f"{path} must hold real numbers, found {getattr(values, 'dtype', type(values).__name__)}")
    try:
        with np.errstate(over="ignore"):  # what overflows is refused below
            gradient = matrix(torch.from_numpy(values.astype(np.float64)))
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from error
    if not bool(gradient.isfinite().all()) or not bool(gradient.any()):
        raise BadInput(f"{path} must hold finite numbers that are not all zero, found otherwise")
    return gradient


def _check_signature(function: Callable[..., Any], name: str) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # a builtin shows its signature when it is called
    try:
        signature.bind(None, generator=None)
    except TypeError as error:
        wanted = f"{name}(gradient, *, generator)"
        raise BadInput(f"an estimator must be callable as {wanted}, found {name}{signature}: {error}") from error
