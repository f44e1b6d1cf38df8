"""What FILE.py:NAME holds, with every way to mistype it answered in one line."""

import difflib
import importlib.util
import sys
from pathlib import Path
from typing import Any


class BadInput(Exception):
    """What the user gave cannot be used; the message says what and why. The cause, if any, is the exception behind."""


def object_of(target: str, what: str) -> tuple[Any, str, Any]:
    """What FILE.py:NAME holds: (the object, NAME, the module).

    The file is run as a module of its own, with its folder on the path, as `python FILE.py` has it.
    what: what was to be named ("an estimator", "--objective"), for the message of BadInput.
    """
    file, _, name = target.rpartition(":")
    if not file or not name:
        raise BadInput(f"{what} must be given as FILE.py:NAME, found {target!r}")
    module = _module(Path(file), what)
    if not hasattr(module, name):
        own = [key for key, value in vars(module).items() if not key.startswith("_") and _is_own(value, module)]
        raise BadInput(f"{what}: no {name!r} in {file}; {nearest(name, own)}")
    return getattr(module, name), name, module


def nearest(name: str, known: list[str]) -> str:
    """The known names closest to a mistyped one, else the first eight, as the end of a message.

    >>> nearest("amms", ["joint", "amss"])
    "did you mean 'amss'?"
    >>> nearest("xyz", ["joint", "amss"])
    'there are joint, amss'
    """
    close = difflib.get_close_matches(name, known)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"there {'are' if len(known) > 1 else 'is'} {', '.join(known[:8])}" if known else "there is nothing like it"


def beside(path: Path, suffix: str) -> list[str]:
    """Names of the files with this suffix in the folder of a path; none where there is no such folder."""
    folder = path.parent
    return [found.name for found in sorted(folder.glob(f"*{suffix}"))] if folder.is_dir() else []


def one_line(error: BaseException) -> str:
    """The message of an exception in one line."""
    return " ".join(str(error).split()) or "no message"


def _module(path: Path, what: str) -> Any:
    if not path.is_file():
        found = "is a folder" if path.is_dir() else f"does not exist; {nearest(path.name, beside(path, '.py'))}"
        raise BadInput(f"{what}: {str(path)!r} {found}")
    if path.suffix != ".py":
        raise BadInput(f"{what} must be in a Python file, found {str(path)!r}")
    spec = importlib.util.spec_from_file_location(f"amss_min_checked_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{what}: {str(path)!r} cannot be loaded as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise BadInput(f"{path} raised {type(error).__name__} while it was imported: {one_line(error)}") from error
    finally:
        sys.path.pop(0)
    return module


def _is_own(value: Any, module: Any) -> bool:
    """Made in this module, or not by any (a number, a tuple), as far as its type tells."""
    home = getattr(value, "__module__", None) if callable(value) else module.__name__
    return home == module.__name__ and not hasattr(value, "__path__") and type(value).__name__ != "module"
