"""Make htad.npz from the package that carries the data.

Run as `python -m simulations.multimodal.data.prepare_htad WHEEL_OR_CSV`.
The source is the CSV file `multiviewstacking/data/htad.csv`, or the wheel that holds it (see ATTRIBUTION). Only the
standard library and numpy are used. The arrays are checked before they are written, and the file is the same bytes
for the same arrays and the same version of zlib.
"""

import csv
import io
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MEMBER = "multiviewstacking/data/htad.csv"
TARGET = Path(__file__).with_name("htad.npz")
PREFIXES = {"audio": "v1_", "accelerometer": "v2_"}
COLUMNS = {"audio": 36, "accelerometer": 16}
CLASS_COUNTS = {
    "brush_teeth": 180,
    "eat_chips": 282,
    "mop_floor": 181,
    "sweep": 178,
    "type_on_keyboard": 179,
    "wash_hands": 180,
    "watch_tv": 206,
}

Arrays = dict[str, NDArray[np.generic]]


def source_text(path: Path) -> str:
    """The CSV text, read from the file itself or from the wheel that holds it.

    Raises OSError (unreadable), KeyError (a wheel without the file).
    """
    if path.suffix != ".whl":
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as wheel:
        return wheel.read(MEMBER).decode("utf-8")


def arrays(text: str) -> Arrays:
    """The four arrays of the CSV text, rows in their order.

    audio and accelerometer: (rows, features) float32, columns in their order, told apart by the prefixes v1_ and v2_.
    labels: (rows,) int64, positions in class_names. class_names: (classes,) text in alphabetical order.
    Raises ValueError for a header without a column `class` first, an unknown column, or a row that is not all numbers.
    """
    header, *rows = list(csv.reader(io.StringIO(text))) or [[""]]
    if header[:1] != ["class"] or not rows:
        raise ValueError(f"the first column must be 'class', with rows below, found {header[:1]} and {len(rows)} rows")
    unknown = [name for name in header[1:] if not name.startswith(tuple(PREFIXES.values()))]
    if unknown:
        raise ValueError(f"a column starts with v1_ or v2_, found {unknown[0]!r}")
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(f"a row has {len(header)} cells, found {len(row)} in line {line}")
    values = np.array([[float(cell) for cell in row[1:]] for row in rows], dtype=np.float64)
    for line, row_values in enumerate(values, start=2):
        if not np.isfinite(row_values).all():
            raise ValueError(f"every feature must be finite, found otherwise in line {line}")
    names = sorted({row[0] for row in rows})
    made: Arrays = {}
    for modality, prefix in PREFIXES.items():
        columns = [index for index, name in enumerate(header[1:]) if name.startswith(prefix)]
        made[modality] = values[:, columns].astype(np.float32)
    made["labels"] = np.array([names.index(row[0]) for row in rows], dtype=np.int64)
    made["class_names"] = np.array(names, dtype=np.str_)
    return made


def check(made: Arrays) -> None:
    """Raise ValueError unless the arrays have the columns and the class counts of HTAD as published in the source."""
    for modality, columns in COLUMNS.items():
        if made[modality].shape[1] != columns:
            raise ValueError(f"{modality} must have {columns} columns, found {made[modality].shape[1]}")
    found = dict(Counter(str(made["class_names"][label]) for label in made["labels"]))
    if found != CLASS_COUNTS:
        raise ValueError(f"the rows of each class must be {CLASS_COUNTS}, found {found}")


def main(arguments: list[str]) -> int:
    """Write the arrays of the source to the second argument, or to htad.npz beside this file."""
    if len(arguments) not in (1, 2):
        sys.stderr.write("usage: python -m simulations.multimodal.data.prepare_htad WHEEL_OR_CSV [NPZ]\n")
        return 2
    target = Path(arguments[1]) if len(arguments) == 2 else TARGET
    try:
        made = arrays(source_text(Path(arguments[0])))
        check(made)
        np.savez_compressed(target, allow_pickle=False, **made)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        sys.stderr.write(f"cannot make {target.name} from {arguments[0]}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
