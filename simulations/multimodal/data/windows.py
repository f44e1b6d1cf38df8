"""Windows of fixed width cut from recordings of unequal length."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH, STRIDE = 100, 50


@dataclass(frozen=True)
class Recordings:
    """Signals of several recordings, one after the other.

    signals: modality -> (samples, channels) float32. offsets: (recordings + 1,) int64, rising from 0 to samples;
    recording r has the samples offsets[r] to offsets[r + 1]. labels, subjects: (recordings,) int64.
    Raises ValueError where these do not fit together.
    """

    signals: Mapping[str, NDArray[np.float32]]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int64]
    subjects: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(self.offsets) - 1
        if count < 1 or self.offsets[0] != 0 or (np.diff(self.offsets) < 0).any():
            raise ValueError(f"offsets rise from 0, one more than there are recordings, found {self.offsets}")
        if len(self.labels) != count or len(self.subjects) != count:
            raise ValueError(
                f"each of {count} recordings has a label and a subject, "
                f"found {len(self.labels)} labels and {len(self.subjects)} subjects"
            )
        if not self.signals:
            raise ValueError("recordings hold at least one modality, found none")
        for modality, signal in self.signals.items():
            if signal.ndim != 2 or len(signal) != self.offsets[-1]:
                raise ValueError(
                    f"a signal has {self.offsets[-1]} samples in rows and its channels in columns, "
                    f"found shape {signal.shape} in modality {modality!r}"
                )


@dataclass(frozen=True)
class Windows:
    """Windows in the order of the recordings, and of time within each.

    features: modality -> (windows, channels, width) float32. labels, subjects, recordings: (windows,) int64, of the
    recording that the window was cut from. starts: (windows,) int64, first sample, counted over all recordings.
    """

    features: Mapping[str, NDArray[np.float32]]
    labels: NDArray[np.int64]
    subjects: NDArray[np.int64]
    recordings: NDArray[np.int64]
    starts: NDArray[np.int64]


def windows(recordings: Recordings, width: int = WIDTH, stride: int = STRIDE) -> Windows:
    """All whole windows of `width` samples, one every `stride` samples from the start of each recording.

    No window reaches from one recording into the next; the samples after the last whole window of a recording are left
    out, and a recording shorter than a window gives none: n >= width samples give floor((n - width) / stride) + 1.
    Windows share samples where stride < width, so parts for training and testing must be told apart by recording or
    by subject: every sample belongs to one recording, and every recording to one subject.
    The defaults, 100 samples and half of them shared, are those of the package seglearn (its class Segment: width=100,
    overlap=0.5); at 50 samples a second a window lasts 2 s.

    Raises ValueError for a width or stride below 1, and where no recording is as long as a window.

    >>> signal = np.arange(10, dtype=np.float32).reshape(10, 1)
    >>> two = Recordings({"x": signal}, np.array([0, 7, 10]), labels=np.array([3, 4]), subjects=np.array([1, 2]))
    >>> cut = windows(two, width=3, stride=2)
    >>> cut.features["x"][:, 0].tolist()
    [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
    >>> cut.labels.tolist(), cut.recordings.tolist()
    ([3, 3, 3, 4], [0, 0, 0, 1])
    """
    if width < 1 or stride < 1:
        raise ValueError(f"width and stride must be at least 1, found width={width} and stride={stride}")
    lengths = np.diff(recordings.offsets)
    counts = np.maximum((lengths - width) // stride + 1, 0)
    if not counts.any():
        raise ValueError(f"a recording must be as long as a window of {width}, found at most {lengths.max()} samples")
    origin = np.repeat(np.arange(len(lengths)), counts)
    order = np.arange(len(origin)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = recordings.offsets[origin] + order * stride
    samples = starts[:, None] + np.arange(width)
    return Windows(
        features={
            modality: np.ascontiguousarray(signal[samples].transpose(0, 2, 1), dtype=np.float32)
            for modality, signal in recordings.signals.items()
        },
        labels=recordings.labels[origin],
        subjects=recordings.subjects[origin],
        recordings=origin.astype(np.int64),
        starts=starts.astype(np.int64),
    )
