"""The start of a stranger's run, with every way to mistype it answered in one line."""

from pathlib import Path

import numpy as np

from amss_min.testing.python_file import BadInput, beside, nearest, one_line


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


def _array(path: Path, d: int) -> list[float]:
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise BadInput(f"--start: no file {str(path)!r}; {nearest(path.name, beside(path, '.npy'))}") from error
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"--start: {path} must be a .npy file of numbers: {one_line(error)}") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu" or found.shape != (d,):
        what = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else "an archive"
        raise BadInput(f"--start: {path} must hold d = {d} real numbers, shape ({d},), found {what}")
    return [float(value) for value in found]
