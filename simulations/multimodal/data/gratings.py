"""Pictures of a class that can be read back exactly: a grating in one of C directions, amid clutter.

The picture of class k holds a grating of RADIUS cycles over each extent, in the direction
theta_k = pi (k + 1/4) / C, seen through a Gaussian window:

    s(u, v) = a cos(2 pi RADIUS (cos(theta_k) u + sin(theta_k) v) + phi) exp(-|(u, v) - centre|^2 / (2 WINDOW^2)),

u, v in [0, 1) along the last and the last but one axis. Phase phi, centre and amplitude a are nuisance. Beside it lie a
grating of half the frequency, whose direction says nothing of the class, and white noise. On a time axis and a
frequency axis such a grating is a moving ripple, a stimulus of hearing research (Chi, Gao, Guyton, Ru and Shamma,
J. Acoust. Soc. Am. 106, 1999).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

RADIUS = 6.0
WINDOW = 0.22
SMALLEST = 16
MOST_CLASSES = 12
_DISC = 0.75


@dataclass(frozen=True)
class Clutter:
    """How strongly a class shows: amplitude of its grating, of the other grating, and deviation of the white noise."""

    signal: float
    other: float
    noise: float


def directions(classes: int) -> NDArray[np.float64]:
    """The direction of each class, (C,) radians in (0, pi).

    The quarter keeps every direction off both axes, where the steady lines of a spectrogram lie.
    """
    return np.pi * (np.arange(classes) + 0.25) / classes


def drawn(
    shown: NDArray[np.int64], classes: int, extents: tuple[int, int], clutter: Clutter, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Pictures (N, H, W) of the shown classes (N,), with fresh nuisance and clutter, of mean about 0."""
    n, turn = len(shown), 2 * np.pi
    window = _window(0.5 + 0.2 * (rng.random((n, 2)) - 0.5), extents)
    amplitude = clutter.signal * rng.uniform(0.8, 1.2, n)
    picture = window * _grating(directions(classes)[shown], RADIUS, amplitude, turn * rng.random(n), extents)
    amplitude = clutter.other * rng.uniform(0.8, 1.2, n)
    picture += _grating(turn * rng.random(n), RADIUS / 2, amplitude, turn * rng.random(n), extents)
    # the same energy at each frequency whatever the number of pixels: a class is as hard to see at every size
    deviation = np.float32(clutter.noise * np.sqrt(extents[0] * extents[1]) / 32)
    picture += deviation * rng.standard_normal(picture.shape, dtype=np.float32)
    return picture


def read_back(pictures: NDArray[np.float32], classes: int) -> NDArray[np.int64]:
    """The class (N,) that each picture (N, channels, H, W) shows.

    The energy of the discrete Fourier transform (under a Hann taper), summed over channels, is weighted by a Gaussian
    disc around the place of each class's grating; the largest sum wins.
    """
    height, width = pictures.shape[-2:]
    taper = np.outer(np.hanning(height + 1)[:-1], np.hanning(width + 1)[:-1]).astype(np.float32)
    energy = (np.abs(fft.rfft2(pictures * taper)) ** 2).sum(axis=1)
    vertical, horizontal = fft.fftfreq(height, 1 / height), fft.rfftfreq(width, 1 / width)
    angles = directions(classes)[:, None, None]
    weights = np.zeros((classes, height, width // 2 + 1))
    for sign in (1, -1):
        across = horizontal - sign * RADIUS * np.cos(angles)
        along = vertical[:, None] - sign * RADIUS * np.sin(angles)
        weights += np.exp(-(across**2 + along**2) / (2 * _DISC**2))
    scores = np.tensordot(energy, weights.astype(energy.dtype), axes=((1, 2), (1, 2)))
    best: NDArray[np.int64] = scores.argmax(axis=1).astype(np.int64)
    return best


def _grating(
    angles: NDArray[np.float64],
    radius: float,
    amplitudes: NDArray[np.float64],
    phases: NDArray[np.float64],
    extents: tuple[int, int],
) -> NDArray[np.float32]:
    # cos(a + b) from the cosines and sines of rows and columns: H + W evaluations a picture in place of H W.
    v, u = (np.arange(extent) / extent for extent in extents)
    rows = 2 * np.pi * radius * np.sin(angles)[:, None] * v + phases[:, None]
    columns = 2 * np.pi * radius * np.cos(angles)[:, None] * u
    left = (amplitudes[:, None, None] * np.stack([np.cos(rows), -np.sin(rows)], axis=-1)).astype(np.float32)
    right = np.stack([np.cos(columns), np.sin(columns)], axis=-2).astype(np.float32)
    waves: NDArray[np.float32] = np.matmul(left, right)
    return waves


def _window(centres: NDArray[np.float64], extents: tuple[int, int]) -> NDArray[np.float32]:
    v, u = (np.arange(extent) / extent for extent in extents)
    rows, columns = (
        np.exp(-((axis - centres[:, [side]]) ** 2) / (2 * WINDOW**2)).astype(np.float32)
        for side, axis in enumerate((v, u))
    )
    window: NDArray[np.float32] = rows[:, :, None] * columns[:, None, :]
    return window
