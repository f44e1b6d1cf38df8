"""Random numbers of a run: replicates come in blocks of fixed size, and every block has a stream of its own.

Numbers are made for a whole block and for a fixed number of steps at a time, whichever of its replicates are wanted:
so replicate r sees the same numbers in whatever company it runs, and nothing is asked of a generator about how its
output changes with the shape of the request.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.seeding import seed

WORD_BITS = 62
_LEAST = torch.tensor(2.0**-66)


class Stream:
    """The numbers of one block of replicates, for one purpose.

    On a CPU normals and all words come from numpy (SFC64, keyed by the whole seed): float64 normals by its ziggurat,
    which takes half the time of torch's float64 normals, float32 normals by Box and Muller's method from its words, in
    two thirds of the time of torch's with AVX-512 and about the same time without. Uniform float32 numbers come from
    torch, whose generator keeps 32 bits of the seed. On another device everything comes from torch's generator there:
    other numbers, the same laws.

    memory: what a noise keeps from one call to the next (the rest of a permutation, say).
    """

    def __init__(self, key: int, device: torch.device, dtype: torch.dtype) -> None:
        """A stream by its seed (see `simulations.seeding.seed`), on this device and in this floating-point type."""
        self.device, self.dtype = device, dtype
        self.memory: dict[str, Tensor] = {}
        self._numpy = np.random.Generator(np.random.SFC64(key)) if device.type == "cpu" else None
        self._torch = torch.Generator(device).manual_seed(key)

    def normal(self, *shape: int, scale: float = 1.0) -> Tensor:
        """Normal numbers of mean 0 and this standard deviation."""
        if self._numpy is not None and self.dtype == torch.float64:
            normal = torch.from_numpy(self._numpy.standard_normal(shape))
            return normal if scale == 1 else normal.mul_(scale)
        if self._numpy is not None and self.dtype == torch.float32:
            count = math.prod(shape)
            return box_muller(self._numpy.bit_generator.random_raw((count + 1) // 2), scale)[:count].view(shape)
        return torch.empty(shape, dtype=self.dtype, device=self.device).normal_(std=scale, generator=self._torch)

    def constant(self, values: Sequence[float]) -> Tensor:
        """These values, on the device and in the type of the stream."""
        return torch.tensor(values, dtype=self.dtype, device=self.device)

    def uniform(self, *shape: int) -> Tensor:
        """Numbers uniform on [0, 1)."""
        if self._numpy is not None and self.dtype == torch.float64:
            return torch.from_numpy(self._numpy.random(shape))
        return torch.rand(shape, dtype=self.dtype, device=self.device, generator=self._torch)

    def words(self, *shape: int) -> Tensor:
        """Words for `Design.select`: int64, uniform on [0, 2^62)."""
        if self._numpy is not None:
            raw = self._numpy.bit_generator.random_raw(math.prod(shape))
            return torch.from_numpy((raw >> np.uint64(64 - WORD_BITS)).astype(np.int64).reshape(shape))
        return torch.randint(2**WORD_BITS, shape, device=self.device, generator=self._torch)

    def integers(self, high: int, *shape: int) -> Tensor:
        """Integers uniform on [0, high), int64."""
        if self._numpy is not None:
            return torch.from_numpy(self._numpy.integers(high, size=shape))
        return torch.randint(high, shape, device=self.device, generator=self._torch)


def box_muller(words: NDArray[np.uint64], scale: float) -> Tensor:
    """Two normal numbers of mean 0 and standard deviation `scale` from each uniform word: float32 (2 words,).

    The words give 32-bit integers; those of the first half, a, give the radius and those of the second, b, the angle:

        r = scale sqrt(-log x), x = (a / 2^31)^2 + 2^-66,  angle = pi b / 2^31,  numbers r cos(angle), r sin(angle).

    |a| / 2^31 is uniform on a grid of step 2^-31, and so r / scale has the law of Rayleigh up to the largest value,
    sqrt(66 log 2) = 6.76, which it takes for a = 0.

    Cost: nine passes, most of them over half of the numbers; numpy's logarithm and cosine are faster than torch's.
    Source: Box and Muller 1958.

    >>> box_muller(np.array([0, 2**31], dtype=np.uint64), 1.0).shape
    torch.Size([4])
    """
    pairs = torch.from_numpy(words.view(np.int32)).to(torch.float32).view(2, -1)
    squares = torch.addcmul(_LEAST, pairs[0], pairs[0], value=2.0**-62, out=pairs[0]).numpy()
    angles = pairs[1].mul_(math.pi * 2.0**-31).numpy()
    np.log(squares, out=squares)
    squares *= np.float32(-(scale**2))
    radii, cosines = np.sqrt(squares, out=squares), np.cos(angles)
    np.sin(angles, out=angles)
    angles *= radii
    radii *= cosines
    return pairs.view(-1)


class Blocks:
    """The blocks that hold a range of replicates; block b holds replicates b size, ..., (b + 1) size - 1.

    rows: rows simulated, a multiple of `size`. wanted: which of them were asked for.

    Raises ValueError for no replicates, a negative one, or a range with gaps.

    >>> blocks = Blocks(range(70, 80), size=64)
    >>> list(blocks.numbers), blocks.rows, blocks.wanted
    ([1], 64, slice(6, 16, None))
    """

    def __init__(self, replicates: range, size: int) -> None:
        """The blocks of `size` replicates that cover this range."""
        if replicates.step != 1 or not len(replicates) or replicates.start < 0:
            raise ValueError(f"replicates must be a range of numbers from 0 on without gaps, found {replicates}")
        first, last = replicates.start // size, (replicates.stop - 1) // size
        self.size, self.numbers = size, range(first, last + 1)
        self.rows = size * len(self.numbers)
        self.wanted = slice(replicates.start - first * size, replicates.stop - first * size)

    def streams(
        self, root: int, axes: Mapping[str, int | str], device: torch.device, dtype: torch.dtype, *, purpose: str
    ) -> list[Stream]:
        """One stream a block, seeded by root, purpose, the number of the block and the axes."""
        return [
            Stream(seed(root, **{**axes, "purpose": purpose, "block": block}), device, dtype) for block in self.numbers
        ]
