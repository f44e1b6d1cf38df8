"""Make yeast.npz, several labels per row, from the package that carries the data.

Run as `python -m simulations.multimodal.data.prepare_yeast WHEEL_OR_CSV_GZ`.
The source is `river/datasets/yeast.csv.gz`, or the wheel that holds it (see ATTRIBUTION): a header Att1 ... Att103,
Class1 ... Class14, then one row per gene. The source says that the columns are micro-array expression and phylogenetic
profiles, but not which are which: columns 1 to 79 are taken as expression and 80 to 103 as the profile, for the reasons
in ATTRIBUTION.
"""

import csv
import gzip
import io
import sys
import zlib
from pathlib import Path

import numpy as np

from simulations.multimodal.data.source import Arrays, Contents, prepare

MEMBER = "river/datasets/yeast.csv.gz"
MEMBERS = {MEMBER: "2969cb4bab877a27adcbe17871fa0b378a1e54b98816cd6106b542ee450a1c09"}
TARGET = Path(__file__).with_name("yeast.npz")
EXPRESSION, PROFILE = 79, 24
HEADER = [*(f"Att{i + 1}" for i in range(EXPRESSION + PROFILE)), *(f"Class{i + 1}" for i in range(14))]
GENES = 2417
LABEL_COUNTS = [762, 1038, 983, 862, 722, 597, 428, 480, 178, 253, 289, 1816, 1799, 34]


def text(content: bytes) -> str:
    """The text in a gzip file. Raises ValueError for broken compression."""
    try:
        return gzip.decompress(content).decode("ascii")
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"the table is gzip-compressed text, found otherwise: {error}") from error


def arrays(found: Contents) -> Arrays:
    """The arrays of the table, rows in their order.

    expression: (genes, 79) float32. profile: (genes, 24) float32. labels: (genes, 14) bool. label_names: (14,) text.
    Raises ValueError for another header, a row of another length, a feature that is not finite, a label not 0 or 1.
    """
    header, *rows = list(csv.reader(io.StringIO(text(found[MEMBER])))) or [[""]]
    if header != HEADER or not rows:
        raise ValueError(f"the header is Att1 ... Att103, Class1 ... Class14, found {header[:1]} and {len(rows)} rows")
    for line, row in enumerate(rows, start=2):
        if len(row) != len(HEADER):
            raise ValueError(f"a row has {len(HEADER)} cells, found {len(row)} in line {line}")
    values = np.array(rows, dtype=np.float64)
    features, labels = np.split(values, [EXPRESSION + PROFILE], axis=1)
    if not np.isfinite(features).all():
        raise ValueError("every feature must be finite, found otherwise")
    if not np.isin(labels, (0.0, 1.0)).all():
        raise ValueError("every label is 0 or 1, found otherwise")
    return {
        "expression": features[:, :EXPRESSION].astype(np.float32),
        "profile": features[:, EXPRESSION:].astype(np.float32),
        "labels": labels == 1.0,
        "label_names": np.array(HEADER[EXPRESSION + PROFILE :], dtype=np.str_),
    }


def check(made: Arrays) -> None:
    """Raise ValueError unless the rows and the genes of each label are as many as published."""
    if len(made["labels"]) != GENES:
        raise ValueError(f"there must be {GENES} genes, found {len(made['labels'])}")
    counts = np.sum(made["labels"], axis=0).tolist()
    if counts != LABEL_COUNTS:
        raise ValueError(f"the genes of each label must be {LABEL_COUNTS}, found {counts}")


def main(arguments: list[str]) -> int:
    """Write the arrays of the source to the second argument, or to yeast.npz beside this file."""
    return prepare(arguments, module="prepare_yeast", members=MEMBERS, arrays=arrays, check=check, target=TARGET)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
