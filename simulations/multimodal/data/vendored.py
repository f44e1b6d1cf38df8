"""The vendored data sets as plain arrays: modalities, target, and the groups that a split must keep together."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.multimodal.data.windows import STRIDE, WIDTH, Recordings, windows
from simulations.multimodal.names import close_names

FOLDER = Path(__file__).parent
MFEAT_VIEWS = ("fac", "fou", "kar", "mor", "pix", "zer")
_CALENDAR = (("season", 1, 4), ("mnth", 1, 12), ("hr", 0, 24), ("weekday", 0, 7))


@dataclass(frozen=True)
class Raw:
    """A data set as it was vendored, unscaled.

    features: modality -> (rows, ...) float32. target: (rows,) int64 class, (rows,) float32 number, or (rows, labels)
    bool. names: of the classes, of the labels, or the one name of the number with its unit. groups: (rows,) int64, rows
    of one group belong in one part of a split; None where rows stand alone. sha256: of the file that was read.
    """

    features: Mapping[str, NDArray[np.float32]]
    target: NDArray[np.int64] | NDArray[np.float32] | NDArray[np.bool_]
    names: tuple[str, ...]
    groups: NDArray[np.int64] | None
    sha256: str


def _read(name: str) -> tuple[dict[str, NDArray[Any]], str]:
    """The arrays of a vendored file, and its SHA-256, from one reading of it."""
    content = (FOLDER / f"{name}.npz").read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        return {key: held[key] for key in held.files}, hashlib.sha256(content).hexdigest()


def _texts(values: NDArray[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def smartwatch_recordings() -> Recordings:
    """140 recordings of shoulder exercises, whole: ten subjects, seven exercises, both arms, 50 samples a second.

    Signals accelerometer and gyroscope, (244102, 3) float32 each. The source states no units; the median length of the
    accelerometer's vector is 1.07, as for units of g with gravity left in.
    """
    held, _ = _read("smartwatch")
    return _recordings(held)


def _recordings(held: Mapping[str, NDArray[Any]]) -> Recordings:
    return Recordings(
        signals={modality: held[modality] for modality in ("accelerometer", "gyroscope")},
        offsets=held["offsets"],
        labels=held["labels"],
        subjects=held["subjects"],
    )


def smartwatch_arrays(width: int = WIDTH, stride: int = STRIDE) -> Raw:
    """Which of seven exercises a window of a smartwatch's signal shows; groups are the ten subjects, 1 to 10.

    accelerometer, gyroscope: (rows, 3, width) float32. Windows overlap where stride < width (see windows): split by
    groups. Raises ValueError as windows does.

    >>> raw = smartwatch_arrays()
    >>> {name: signal.shape for name, signal in raw.features.items()}
    {'accelerometer': (4677, 3, 100), 'gyroscope': (4677, 3, 100)}
    """
    held, digest = _read("smartwatch")
    cut = windows(_recordings(held), width, stride)
    return Raw(cut.features, cut.labels, _texts(held["class_names"]), cut.subjects, digest)


def mfeat_arrays(views: tuple[str, ...] = MFEAT_VIEWS) -> Raw:
    """Which digit, 0 to 9, a handwritten numeral shows, from up to six sets of features of the same image.

    (2000, columns) float32 with columns fac 216, fou 76, kar 64, mor 6, pix 240, zer 47, in the order asked for.
    The rows are ordered by class, 200 of each: shuffle before cutting. Raises ValueError for no view or one twice,
    KeyError, with the close names, for an unknown one.

    >>> mfeat_arrays(("kar", "mor")).features["mor"].shape
    (2000, 6)
    """
    if not views or len(set(views)) != len(views):
        raise ValueError(f"views are named at least once and no view twice, found {views}")
    for view in views:
        if view not in MFEAT_VIEWS:
            raise KeyError(f"no view {view!r}; did you mean {close_names(view, MFEAT_VIEWS)}?")
    held, digest = _read("mfeat")
    features = {view: held[view].astype(np.float32) for view in views}
    return Raw(features, held["labels"], _texts(held["class_names"]), None, digest)


def yeast_arrays() -> Raw:
    """Which of 14 functional classes a yeast gene has, one to eleven of them: a target of several labels.

    expression: (2417, 79) float32, micro-array experiments. profile: (2417, 24) float32, phylogenetic profile; the cut
    between the two is inferred, not stated by the source (see ATTRIBUTION).
    The source scaled each row of the 103 numbers to length one, so the length of either part tells that of the other.

    >>> yeast_arrays().target.shape
    (2417, 14)
    """
    held, digest = _read("yeast")
    features = {modality: held[modality] for modality in ("expression", "profile")}
    return Raw(features, held["labels"], _texts(held["label_names"]), None, digest)


def bikeshare_arrays() -> Raw:
    """How many bikes are rented in an hour, 1 to 651, from calendar and weather: a target that is a number.

    calendar: (8645, 49) float32, 0 or 1: season (4), month (12), hour (24), weekday from Sunday (7), holiday, working
    day. weather: (8645, 7) float32: clear, cloudy, rain or snow (0 or 1; the one hour of heavy rain or snow is counted
    with light), temperature, felt temperature, humidity, wind speed, each scaled to about [0, 1] by its authors.
    Groups are the 365 days of the year 2011: hours of one day share their weather.

    >>> raw = bikeshare_arrays()
    >>> raw.names, raw.target.shape
    (('bikes rented in the hour',), (8645,))
    """
    held, digest = _read("bikeshare")
    calendar = [np.eye(count, dtype=np.float32)[held[column] - first] for column, first, count in _CALENDAR]
    calendar += [held[column].astype(np.float32)[:, None] for column in ("holiday", "workingday")]
    weather = [np.eye(3, dtype=np.float32)[np.minimum(held["weathersit"], 2)]]
    weather += [held[column].astype(np.float32)[:, None] for column in ("temp", "atemp", "hum", "windspeed")]
    return Raw(
        features={"calendar": np.concatenate(calendar, axis=1), "weather": np.concatenate(weather, axis=1)},
        target=held["bikers"].astype(np.float32),
        names=("bikes rented in the hour",),
        groups=held["day"].astype(np.int64),
        sha256=digest,
    )
