"""Sound: wav files checked against their own headers, and log-mel spectrograms in numpy.

The mel scale is m(f) = 2595 log10(1 + f / 700) (O'Shaughnessy, Speech Communication, 1987), its filters triangles with
corners equally far apart on it, of height 1 (Davis and Mermelstein, IEEE Trans. ASSP 28, 1980).
"""

import struct
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_FLOOR = 1e-6
_HEADER = 12
_CHUNK = 8


@dataclass(frozen=True)
class LogMel:
    """How sound becomes a spectrogram (1, mel_bins, frames).

    rate: samples a second after resampling. seconds: length; a longer clip is cut, a shorter one repeated from its
    start. window, hop: of the short-time Fourier transform, samples. The frames lie inside the clip (no padding).
    """

    mel_bins: int = 128
    rate: int = 16000
    seconds: float = 3.0
    window: int = 400
    hop: int = 160

    @property
    def samples(self) -> int:
        """Samples of a clip, at least one window."""
        return max(round(self.rate * self.seconds), self.window)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a spectrogram: (1, mel_bins, frames)."""
        return (1, self.mel_bins, 1 + (self.samples - self.window) // self.hop)

    def described(self) -> Mapping[str, Any]:
        """The parameters, for a manifest."""
        return {**asdict(self), "scale": f"log(energy + {_FLOOR:g}), Hann window, triangular mel filters to rate / 2"}


def mel_filters(spec: LogMel) -> NDArray[np.float64]:
    """The filter bank (mel_bins, window // 2 + 1), between 0 Hz and half the rate."""
    frequencies = np.fft.rfftfreq(spec.window, 1 / spec.rate)
    highest = 2595 * np.log10(1 + spec.rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, highest, spec.mel_bins + 2) / 2595) - 1)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    filters: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling))
    return filters


def log_mel(wave: NDArray[np.float64], rate: int, spec: LogMel) -> NDArray[np.float32]:
    """The log-mel spectrogram (1, mel_bins, frames) of a wave (T,) of any rate, values in [-1, 1].

    A filter narrower than the distance of two frequencies may hold none of them; its bin is then log(1e-6) throughout.
    """
    from scipy.signal import resample_poly

    if rate != spec.rate:
        ratio = Fraction(spec.rate, rate)
        wave = resample_poly(wave, ratio.numerator, ratio.denominator)
    pieces = sliding_window_view(np.resize(wave, spec.samples), spec.window)[:: spec.hop]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(spec.window) / spec.window)
    energy = np.abs(np.fft.rfft(pieces * hann)) ** 2
    return np.log(energy @ mel_filters(spec).T + _FLOOR).T[None].astype(np.float32)


def broken_wav(path: Path) -> str | None:
    """Why a wav file cannot be read in full, None where it can.

    The lengths that its chunks state are held against the bytes that are there, and its samples are read once.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return f"{path}: no such file"
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    if len(content) < _HEADER or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return f"{path}: not a wav file: it does not begin with RIFF and WAVE"
    place, names = _HEADER, []
    while place + _CHUNK <= len(content):
        name, length = struct.unpack("<4sI", content[place : place + _CHUNK])
        names.append(name)
        there = len(content) - place - _CHUNK
        if length > there:
            return f"{path}: truncated: its chunk {name.decode('latin-1')!r} states {length} bytes, found {there}"
        if name == b"data":
            break
        place += _CHUNK + length + length % 2
    if b"data" not in names:
        return f"{path}: truncated: it has no chunk of samples"
    try:
        wave, _ = read_wav(path)
    except Exception as error:  # scipy raises errors of every kind on broken headers
        return f"{path}: cannot be read: {error or type(error).__name__}"
    if not len(wave):
        return f"{path}: it has no samples"
    return None if np.isfinite(wave).all() else f"{path}: a sample is not finite"


def read_wav(path: Path) -> tuple[NDArray[np.float64], int]:
    """The samples (T,) in [-1, 1], channels averaged, and the rate. Raises ValueError or OSError."""
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks of no interest; lengths are checked apart
        rate, values = wavfile.read(path)
    wave = values.astype(np.float64)
    if values.dtype == np.uint8:
        wave = (wave - 128) / 128
    elif np.issubdtype(values.dtype, np.integer):
        wave /= -float(np.iinfo(values.dtype).min)
    return (wave if wave.ndim == 1 else wave.mean(axis=1)), int(rate)
