"""The source of a vendored array file: found, checked against its SHA-256, turned into arrays, written as npz."""

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from simulations.console import complain

Arrays = dict[str, NDArray[np.generic]]
Contents = Mapping[str, bytes]


def contents(path: Path, members: Mapping[str, str]) -> dict[str, bytes]:
    """Member -> its bytes, for a map of members to the SHA-256 that each must have.

    path: a wheel (suffix .whl) that holds the members, a folder that holds files with the last names of the members,
    or, where there is one member, that file itself.
    Raises OSError (unreadable), KeyError (a wheel without a member), zipfile.BadZipFile, ValueError (other bytes than
    those that were vendored, or one file where several are needed).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_bytes(b"1")
    ...     contents(Path(folder), {"package/a.csv": hashlib.sha256(b"1").hexdigest()})
    {'package/a.csv': b'1'}
    """
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            found = {member: wheel.read(member) for member in members}
    elif path.is_dir():
        found = {member: (path / PurePosixPath(member).name).read_bytes() for member in members}
    elif len(members) == 1:
        found = {member: path.read_bytes() for member in members}
    else:
        raise ValueError(f"the source is a wheel or a folder with {len(members)} files, found neither")
    for member, content in found.items():
        digest = hashlib.sha256(content).hexdigest()
        if digest != members[member]:
            raise ValueError(f"{PurePosixPath(member).name} must have SHA-256 {members[member]}, found {digest}")
    return found


def prepare(
    arguments: list[str],
    *,
    module: str,
    members: Mapping[str, str],
    arrays: Callable[[Contents], Arrays],
    check: Callable[[Arrays], None],
    target: Path,
) -> int:
    """Write the arrays of the source arguments[0] to arguments[1], or to target; return the exit code, 0 or 2.

    The arrays are checked before they are written. The file is the same bytes for the same arrays, the same numpy and
    the same zlib: its entries carry a fixed date.
    """
    if len(arguments) not in (1, 2):
        complain(f"usage: python -m simulations.multimodal.data.{module} SOURCE [NPZ]")
        return 2
    written = Path(arguments[1]) if len(arguments) == 2 else target
    try:
        made = arrays(contents(Path(arguments[0]), members))
        check(made)
        np.savez_compressed(written, allow_pickle=False, **made)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        complain(f"cannot make {written.name} from {arguments[0]}: {error}")
        return 2
    return 0
