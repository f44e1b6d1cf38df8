"""Names and arrays from a stranger's files, with every way to mistype them answered in one line."""

import difflib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

from amss_min.testing.loading import BadInput


def load(target: str, option: str) -> tuple[Any, str, Any]:
    """What FILE.py:NAME holds: (the object, NAME, the module).

    The file is run as a module of its own, with its folder on the path, as `python FILE.py` has it.
    option: where the target was given, for the message of BadInput.
    """
    file, _, name = target.rpartition(":")
    if not file or not name:
        raise BadInput(f"{option} must be FILE.py:NAME, found {target!r}")
    module = _module(Path(file), option)
    if not hasattr(module, name):
        own = [key for key, value in vars(module).items() if not key.startswith("_") and _own(value, module)]
        raise BadInput(f"{option}: no {name!r} in {file}; {_close(name, own)}")
    return getattr(module, name), name, module


def load_start(text: str, d: int) -> list[float]:
    """The start, one number for all d coordinates or a .npy file of d numbers; raises BadInput for anything else."""
    try:
        values = [float(text)] * d
    except ValueError:
        path = Path(text)
        if path.suffix != ".npy":
            raise BadInput(f"--start must be a number or a FILE.npy, found {text!r}") from None
        values = _array(path, d)
    if not np.isfinite(values).all():
        raise BadInput(f"--start must be finite, found {text!r}")
    return values


def line(error: BaseException) -> str:
    """The message of an exception in one line."""
    return " ".join(str(error).split()) or "no message"


def _array(path: Path, d: int) -> list[float]:
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise BadInput(f"--start: no file {str(path)!r}; {_close(path.name, _beside(path, '.npy'))}") from error
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"--start: {path} must be a .npy file of numbers: {line(error)}") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu" or found.shape != (d,):
        what = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else "an archive"
        raise BadInput(f"--start: {path} must hold d = {d} real numbers, shape ({d},), found {what}")
    return [float(value) for value in found]


def _module(path: Path, option: str) -> Any:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else f"does not exist; {_close(path.name, _beside(path, '.py'))}"
        raise BadInput(f"{option}: {str(path)!r} {what}")
    if path.suffix != ".py":
        raise BadInput(f"{option} must name a Python file, found {str(path)!r}")
    spec = importlib.util.spec_from_file_location(f"simulations_audited_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{option}: {str(path)!r} cannot be loaded as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise BadInput(f"{option}: {path} raised {type(error).__name__} on import: {line(error)}") from error
    finally:
        sys.path.pop(0)
    return module


def _own(value: Any, module: Any) -> bool:
    """Made in this module, or not by any (a number, a tuple), as far as its type tells."""
    home = getattr(value, "__module__", None) if callable(value) else module.__name__
    return home == module.__name__ and not hasattr(value, "__path__") and type(value).__name__ != "module"


def _beside(path: Path, suffix: str) -> list[str]:
    folder = path.parent
    return [found.name for found in sorted(folder.glob(f"*{suffix}"))] if folder.is_dir() else []


def _close(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"there {'are' if len(known) > 1 else 'is'} {', '.join(known[:8])}" if known else "there is nothing like it"
