"""Seeds and random streams by named axes.

A seed is a hash of what it is for, not of when it was asked for: a run gets the same random numbers whatever
the order, the number of processes or the size of the batch in which it is executed.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray


def seed(root: int, /, **axes: int | str) -> int:
    """The seed of one point of the named axes, uniform on [0, 2^63) for practical purposes.

    The value is blake2b over `root` and the sorted `name=value` pairs; names and values are quoted, so two
    different points never spell the same text. Integers and text are different values: `1` is not `"1"`.

    >>> seed(0, method="amss", replicate=3) == seed(0, replicate=3, method="amss")
    True
    >>> seed(0, replicate=3) == seed(0, replicate="3")
    False

    Raises TypeError for a value that is neither an integer nor text (a float has no single spelling).
    """
    for name, value in axes.items():
        if not isinstance(value, int | str):
            raise TypeError(f"an axis of a seed is an integer or text, found {name}={value!r}")
    pairs = [repr((name, axes[name])) for name in sorted(axes)]
    text = "\n".join([repr(int(root)), *pairs])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def stream(root: int, /, **axes: int | str) -> np.random.Generator:
    """The random stream of one point of the named axes: a counter-based generator (Philox) under its own key.

    Streams with different keys are independent for practical purposes; two of N streams share a key with
    probability below N^2 / 2^64. Raises TypeError as `seed` does.

    >>> a, b = (stream(0, purpose="noise", replicate=3) for _ in range(2))
    >>> bool(a.random() == b.random())
    True
    """
    return np.random.Generator(np.random.Philox(key=seed(root, **axes)))


def words(generator: np.random.Generator, *shape: int) -> NDArray[np.int64]:
    """Random words for `Design.select`: int64, uniform on [0, 2^62).

    Each takes exactly one 64-bit output of the generator, so that a stream cut into chunks gives the same words.

    >>> whole = words(stream(0, purpose="mask"), 4)
    >>> cut = stream(0, purpose="mask")
    >>> bool((whole == np.concatenate([words(cut, 1), words(cut, 3)])).all())
    True
    """
    raw = generator.bit_generator.random_raw(int(np.prod(shape)))
    return (raw >> np.uint64(2)).astype(np.int64).reshape(shape)
