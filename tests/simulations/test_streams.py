"""Blocks hold the replicates they should, and streams give the laws they state."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulations.streams import Blocks, Stream, box_muller

ALPHA = 1e-10
CPU = torch.device("cpu")


@given(st.integers(0, 500), st.integers(1, 300), st.integers(1, 64))
def test_blocks_hold_every_replicate_once(first: int, count: int, size: int) -> None:
    blocks = Blocks(range(first, first + count), size)
    rows = [block * size + i for block in blocks.numbers for i in range(size)]
    assert len(rows) == blocks.rows
    assert rows[blocks.wanted] == list(range(first, first + count))
    assert len(blocks.numbers) <= count // size + 2


def test_streams_differ_by_purpose_block_root_and_axes() -> None:
    first = set()
    for root in (0, 1):
        for purpose in ("noise", "mask"):
            for experiment in ("a", "b"):
                streams = Blocks(range(40), 8).streams(
                    root, {"experiment": experiment}, CPU, torch.float64, purpose=purpose
                )
                first |= {float(stream.uniform(1)) for stream in streams}
    assert len(first) == 2 * 2 * 2 * 5  # 53-bit numbers: a coincidence has probability below 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_laws_are_the_stated_ones(dtype: torch.dtype) -> None:
    stream = Stream(7, CPU, dtype)
    normal = stream.normal(100, 200, scale=2.0)
    assert normal.dtype == dtype and stats.kstest(normal.ravel().double(), stats.norm(0, 2).cdf).pvalue > ALPHA
    uniform = stream.uniform(100, 200)
    assert uniform.dtype == dtype and stats.kstest(uniform.ravel().double(), stats.uniform.cdf).pvalue > ALPHA
    assert float(uniform.min()) >= 0 and float(uniform.max()) < 1
    integers = stream.integers(6, 20000)
    assert stats.chisquare(integers.bincount(minlength=6)).pvalue > ALPHA
    assert stream.constant([0.5, 1.0]).dtype == dtype


def test_pairs_of_words_give_pairs_of_normal_numbers_by_the_formula() -> None:
    """The formula in float64, at the ends of the grid and at random words.

    Squared radii are smallest where |a| is largest. There log x is off by the rounding of x and of a, below 2^-22.
    """
    ends = np.array([0, 1, -1, 2**31 - 1, -(2**31), 2**30, -(2**30), 12345], dtype=np.int32)
    random = np.random.default_rng(0).integers(-(2**31), 2**31, size=4096, dtype=np.int32)
    a, b = (part.ravel() for part in np.meshgrid(ends, np.concatenate([ends, random])))
    found = box_muller(np.concatenate([a, b]).view(np.uint64), 2.0).to(torch.float64).numpy()
    square = np.maximum(-4 * np.log((a / 2**31) ** 2 + 2.0**-66), 0)
    cosines, sines = (wave(math.pi * (b / 2**31)) for wave in (np.cos, np.sin))
    # Angles are off by 2^-22 at most (pi, b and the product are rounded, each by pi 2^-24), and waves by as much.
    wrong = np.sqrt(square) * 2.0**-20 + np.sqrt(square + 4 * 2.0**-22) - np.sqrt(square)
    assert (np.abs(found[: len(a)] - np.sqrt(square) * cosines) <= wrong).all()
    assert (np.abs(found[len(a) :] - np.sqrt(square) * sines) <= wrong).all()


def test_the_logarithm_of_a_square_up_to_1_is_never_positive() -> None:
    """The square root of what is left is then a number: all float32 from 1 - 2^-8 to 1."""
    squares = np.arange(2**16 + 1, dtype=np.float32) * np.float32(2.0**-24) + np.float32(1 - 2.0**-8)
    assert squares[-1] == 1 and (np.log(squares) <= 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1,), (3,), (7, 5, 3), (0, 4)])
def test_normal_numbers_have_the_shape_asked_for(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    assert Stream(1, CPU, dtype).normal(*shape).shape == shape
    assert not Stream(1, CPU, dtype).normal(*shape, scale=0.0).any()


def test_words_have_62_bits() -> None:
    drawn = Stream(2, CPU, torch.float64).words(64, 64)
    assert drawn.dtype == torch.int64 and int(drawn.min()) >= 0 and int(drawn.max()) < 2**62
    # Each bit is 1 in about half of 4096: |count - 2048| <= 32 * 6.5 misses with probability below 2 exp(-42) a bit.
    for bit in range(62):
        assert abs(int(((drawn >> bit) & 1).sum()) - 2048) <= 208


@pytest.mark.parametrize("replicates", [range(0), range(3, 9, 2), range(-1, 4)])
def test_replicates_without_sense_are_refused(replicates: range) -> None:
    with pytest.raises(ValueError, match="without gaps"):
        Blocks(replicates, 8)
