"""Make bikeshare.npz, a regression target, from the package that carries the data.

Run as `python -m simulations.multimodal.data.prepare_bikeshare WHEEL_OR_CSV`.
The source is `ISLP/data/Bikeshare.csv`, or the wheel that holds it (see ATTRIBUTION): one row per hour of the year 2011
with rented bikes. Text columns (month, weather) become whole numbers; every other column keeps its values.
"""

import csv
import io
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from simulations.multimodal.data.source import Arrays, Contents, prepare

MEMBER = "ISLP/data/Bikeshare.csv"
MEMBERS = {MEMBER: "ac6950ae6f11efcc69c29d6bb13e8881c001e27d36434660d59444a1414f712c"}
TARGET = Path(__file__).with_name("bikeshare.npz")
MONTHS = ("Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec")
WEATHER = ("clear", "cloudy/misty", "light rain/snow", "heavy rain/snow")
CODES = {
    "mnth": {name: code for code, name in enumerate(MONTHS, start=1)},
    "weathersit": {name: code for code, name in enumerate(WEATHER)},
}
DTYPES: Mapping[str, type[np.generic]] = {
    "season": np.int8,
    "mnth": np.int8,
    "day": np.int16,
    "hr": np.int8,
    "holiday": np.int8,
    "weekday": np.int8,
    "workingday": np.int8,
    "weathersit": np.int8,
    "temp": np.float32,
    "atemp": np.float32,
    "hum": np.float32,
    "windspeed": np.float32,
    "casual": np.int16,
    "registered": np.int16,
    "bikers": np.int16,
}
HOURS, DAYS = 8645, 365
RANGES = {
    "season": (1, 4),
    "mnth": (1, 12),
    "day": (1, DAYS),
    "hr": (0, 23),
    "holiday": (0, 1),
    "weekday": (0, 6),
    "workingday": (0, 1),
}


def _number(column: str, cell: str) -> float:
    codes = CODES.get(column)
    if codes is None:
        return float(cell)
    if cell not in codes:
        raise ValueError(f"{column} is one of {list(codes)}, found {cell!r}")
    return float(codes[cell])


def arrays(found: Contents) -> Arrays:
    """The columns of the table by their names in the source, each (hours,), rows in their order, and the two codes.

    mnth: 1 to 12 for January to December. weathersit: position in weather_names, from clear to heavy rain or snow.
    temp, atemp, hum, windspeed: float32, scaled by the authors of the data. casual, registered, bikers: int16, bikes
    rented in the hour. weather_names: (4,) text, month_names: (12,) text.
    Raises ValueError for other columns, a row of another length, or a cell that its column cannot hold.
    """
    header, *rows = list(csv.reader(io.StringIO(found[MEMBER].decode("ascii")))) or [[""]]
    if header != list(DTYPES) or not rows:
        raise ValueError(f"the columns must be {list(DTYPES)}, found {header} and {len(rows)} rows")
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(f"a row has {len(header)} cells, found {len(row)} in line {line}")
    made: Arrays = {}
    for index, (column, dtype) in enumerate(DTYPES.items()):
        values = np.array([_number(column, row[index]) for row in rows], dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError(f"every cell must be finite, found otherwise in {column}")
        made[column] = values.astype(dtype)
        if issubclass(dtype, np.integer) and not np.array_equal(made[column], values):
            raise ValueError(f"{column} holds whole numbers of {dtype.__name__}, found otherwise")
    made["month_names"] = np.array(MONTHS, dtype=np.str_)
    made["weather_names"] = np.array(WEATHER, dtype=np.str_)
    return made


def check(made: Arrays) -> None:
    """Raise ValueError unless each hour of each day is there at most once, and the counts add up."""
    if len(made["bikers"]) != HOURS:
        raise ValueError(f"there must be {HOURS} hours, found {len(made['bikers'])}")
    for column, (least, most) in RANGES.items():
        values = made[column].astype(np.int64)
        if values.min() < least or values.max() > most:
            raise ValueError(f"{column} lies in [{least}, {most}], found {values.min()} to {values.max()}")
    hours = made["day"].astype(np.int64) * 24 + made["hr"].astype(np.int64)
    if not (np.diff(hours) > 0).all() or len(np.unique(made["day"])) != DAYS:
        raise ValueError(f"the hours follow each other over {DAYS} days, found otherwise")
    total = made["casual"].astype(np.int64) + made["registered"].astype(np.int64)
    if not np.array_equal(total, made["bikers"]):
        raise ValueError("casual and registered add up to bikers, found otherwise")


def main(arguments: list[str]) -> int:
    """Write the arrays of the source to the second argument, or to bikeshare.npz beside this file."""
    return prepare(arguments, module="prepare_bikeshare", members=MEMBERS, arrays=arrays, check=check, target=TARGET)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
