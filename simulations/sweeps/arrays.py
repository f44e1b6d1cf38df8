"""Arrays as bytes with an explicit dtype, shape and checksum."""

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = ("<f8", "<f4", "<i8", "<i4", "<u4", "<u2", "|u1", "|b1")
"""What may be stored: little-endian floats and integers, and booleans."""

Stored = tuple[str, str, int, bytes]
"""dtype; shape, as "3,64"; CRC-32 of the bytes; the bytes, in C order."""


@dataclass(frozen=True)
class Damaged(Exception):
    """Bytes that are not what their dtype, shape and checksum say."""

    reason: str

    def __str__(self) -> str:
        """The reason."""
        return self.reason


def encoded(array: NDArray[Any]) -> Stored:
    """An array as it is stored; raises ValueError for a dtype that is not among DTYPES.

    >>> encoded(np.array([1.0, 2.0]))[:3]
    ('<f8', '2', 2074315103)
    """
    little = array.dtype.newbyteorder("<")
    if little.str not in DTYPES:
        raise ValueError(f"a stored array must be one of {', '.join(DTYPES)}, found {array.dtype}")
    data = np.ascontiguousarray(array, dtype=little).tobytes()
    return little.str, ",".join(map(str, array.shape)), zlib.crc32(data), data


def decoded(stored: Stored) -> NDArray[Any]:
    """The array, read-only; raises Damaged."""
    dtype, shape = checked(stored)
    return np.frombuffer(stored[3], dtype=dtype).reshape(shape)


def checked(stored: Stored) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Its dtype and shape, after a look at every byte; raises Damaged."""
    name, text, checksum, data = stored
    if name not in DTYPES:
        raise Damaged(f"a stored array must be one of {', '.join(DTYPES)}, found {name!r}")
    dtype = np.dtype(name)
    try:
        shape = tuple(int(size) for size in text.split(",")) if text else ()
    except ValueError:
        raise Damaged(f"a shape must be integers, found {text!r}") from None
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data):
        raise Damaged(f"an array of {name} and shape ({text}) has other than {len(data)} bytes")
    if zlib.crc32(data) != checksum:
        raise Damaged("the bytes of an array do not have their checksum")
    return dtype, shape
