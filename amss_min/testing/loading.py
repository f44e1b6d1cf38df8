"""An estimator from FILE.py:NAME, with every way to mistype it answered in one line."""

import difflib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amss_min.testing.unbiased import matrix


class BadInput(Exception):
    """What the user gave cannot be used; the message says what and why. The cause, if any, is the exception behind."""


def load(target: str) -> Callable[..., Tensor]:
    """The function NAME of FILE.py; raises BadInput for a file, a name or a signature that cannot be used.

    The file is run as a module of its own, with its folder on the path, as `python FILE.py` has it.
    """
    file, _, name = target.rpartition(":")
    if not file or not name:
        raise BadInput(f"an estimator must be given as FILE.py:NAME, found {target!r}")
    module = _module(Path(file))
    if not hasattr(module, name):
        raise BadInput(f"no {name!r} in {file}; {_close(name, _functions(module))}")
    function = getattr(module, name)
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
        raise BadInput(f"no file {str(path)!r}; {_close(path.name, _beside(path, '.npy'))}") from error
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{path} must be a .npy file of numbers: {_line(error)}") from error
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


def _module(path: Path) -> Any:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else f"does not exist; {_close(path.name, _beside(path, '.py'))}"
        raise BadInput(f"{str(path)!r} {what}")
    if path.suffix != ".py":
        raise BadInput(f"an estimator must be in a Python file, found {str(path)!r}")
    spec = importlib.util.spec_from_file_location(f"amss_min_checked_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{str(path)!r} cannot be loaded as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise BadInput(f"{path} raised {type(error).__name__} while it was imported: {_line(error)}") from error
    finally:
        sys.path.pop(0)
    return module


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


def _functions(module: Any) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def _beside(path: Path, suffix: str) -> list[str]:
    folder = path.parent
    return [found.name for found in sorted(folder.glob(f"*{suffix}"))] if folder.is_dir() else []


def _close(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"there {'are' if len(known) > 1 else 'is'} {', '.join(known[:8])}" if known else "there is nothing like it"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or "no message"
