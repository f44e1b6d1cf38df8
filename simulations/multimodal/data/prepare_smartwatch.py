"""Make smartwatch.npz from the package that carries the recordings.

Run as `python -m simulations.multimodal.data.prepare_smartwatch WHEEL_OR_NPY`.
The source is `seglearn/data/watch_dataset.npy`, or the wheel that holds it (see ATTRIBUTION). That file is a pickle in
an npy frame, and a pickle is a program: a plain unpickler calls whatever function the file names. Here the bytes must
first have the SHA-256 below, and the unpickler then knows four names, enough to build arrays and nothing else; any
other name ends the run. The npz needs no pickle, so nobody who uses it runs one.
"""

import io
import pickle
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.multimodal.data.source import Arrays, Contents, prepare

MEMBER = "seglearn/data/watch_dataset.npy"
MEMBERS = {MEMBER: "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"}
TARGET = Path(__file__).with_name("smartwatch.npz")
CHANNELS = ["ax", "ay", "az", "wx", "wy", "wz"]
CLASS_NAMES = ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"]
SUBJECTS, SAMPLES, DECIMALS = 10, 244102, 6


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes are written in latin1, found {encoding!r}")
    return text.encode(encoding)


def _dtype(name: str, align: int, copy: int) -> np.dtype[Any]:
    return np.dtype(name, align=bool(align), copy=bool(copy))


# The function that an array names in its pickle, under either of its two addresses.
_RECONSTRUCT: Any = np.empty(0).__reduce__()[0]
ALLOWED: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _latin1,
}


class ArrayUnpickler(pickle.Unpickler):
    """Builds numpy arrays and the plain containers of Python; every other name is refused before it is imported."""

    def find_class(self, module_name: str, global_name: str, /) -> Callable[..., Any]:
        """The allowed callable of this name. Raises pickle.UnpicklingError for any other name."""
        if (module_name, global_name) not in ALLOWED:
            raise pickle.UnpicklingError(f"a pickle of arrays names no {module_name}.{global_name}")
        return ALLOWED[module_name, global_name]


def unpickled(content: bytes) -> dict[str, Any]:
    """The dictionary in an npy file that holds one pickled object.

    Raises ValueError for another kind of npy file, a pickle that names anything but arrays, or a broken one.
    """
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("the npy frame has version 1.0, found another")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if shape != () or dtype != np.dtype(object):
        raise ValueError(f"the npy file holds one object, found shape {shape} of {dtype}")
    try:
        held = ArrayUnpickler(stream).load()
    except (pickle.UnpicklingError, EOFError) as error:
        raise ValueError(f"the pickle must hold arrays alone: {error}") from error
    value = held.item() if isinstance(held, np.ndarray) else held
    if not isinstance(value, dict):
        raise ValueError(f"the object is a dictionary, found {type(value).__name__}")
    return value


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The nearest float32, where it still tells the first six decimals, which are all that the source holds."""
    single = values.astype(np.float32)
    if not np.array_equal(np.round(single.astype(np.float64), DECIMALS), np.round(values, DECIMALS)):
        raise ValueError(f"float32 must tell {DECIMALS} decimals of every sample, found one where it does not")
    return single


def arrays(found: Contents) -> Arrays:
    """The arrays of the source, recordings in their order, one after the other.

    accelerometer, gyroscope: (samples, 3) float32, axes x, y, z, 50 samples a second. offsets: (recordings + 1,) int64,
    recording r has the samples offsets[r] to offsets[r + 1]. labels, subjects: (recordings,) int64. right_side:
    (recordings,) bool, the side of the body that moved. class_names: (classes,) text in the order of the source.
    Raises ValueError for missing entries, other channels, or lists of unequal length.
    """
    held = unpickled(found[MEMBER])
    missing = [name for name in ("X", "y", "side", "subject", "X_labels", "y_labels") if name not in held]
    if missing:
        raise ValueError(f"the dictionary holds {missing[0]!r}, found {sorted(held)}")
    if list(held["X_labels"]) != CHANNELS:
        raise ValueError(f"the channels must be {CHANNELS}, found {list(held['X_labels'])}")
    recordings = [np.asarray(recording, dtype=np.float64) for recording in held["X"]]
    lengths = {name: len(held[name]) for name in ("X", "y", "side", "subject")}
    if len(set(lengths.values())) != 1 or not recordings:
        raise ValueError(f"each recording has a label, a side and a subject, found lengths {lengths}")
    for index, recording in enumerate(recordings):
        if recording.ndim != 2 or recording.shape[1] != len(CHANNELS) or not np.isfinite(recording).all():
            raise ValueError(f"a recording is a finite matrix of {len(CHANNELS)} columns, found otherwise at {index}")
    samples = _single(np.concatenate(recordings))
    return {
        "accelerometer": np.ascontiguousarray(samples[:, :3]),
        "gyroscope": np.ascontiguousarray(samples[:, 3:]),
        "offsets": np.cumsum([0, *map(len, recordings)], dtype=np.int64),
        "labels": np.asarray(held["y"], dtype=np.int64),
        "subjects": np.asarray(held["subject"], dtype=np.int64),
        "right_side": np.asarray(held["side"]) == 1,
        "class_names": np.array(list(held["y_labels"]), dtype=np.str_),
    }


def check(made: Arrays) -> None:
    """Raise ValueError unless each of ten subjects does each of seven exercises once with each arm."""
    if made["class_names"].tolist() != CLASS_NAMES:
        raise ValueError(f"the classes must be {CLASS_NAMES}, found {made['class_names'].tolist()}")
    if len(made["accelerometer"]) != SAMPLES:
        raise ValueError(f"there must be {SAMPLES} samples, found {len(made['accelerometer'])}")
    seen = sorted(zip(*(made[name].tolist() for name in ("subjects", "right_side", "labels")), strict=True))
    expected = [
        (subject, side, label)
        for subject in range(1, SUBJECTS + 1)
        for side in (False, True)
        for label in range(len(CLASS_NAMES))
    ]
    if seen != expected:
        raise ValueError(f"{SUBJECTS} subjects do {len(CLASS_NAMES)} exercises once a side, found {len(seen)} others")


def main(arguments: list[str]) -> int:
    """Write the arrays of the source to the second argument, or to smartwatch.npz beside this file."""
    return prepare(arguments, module="prepare_smartwatch", members=MEMBERS, arrays=arrays, check=check, target=TARGET)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
