import hashlib
from pathlib import Path

import numpy as np
import pytest

from simulations.multimodal.data.prepare_bikeshare import (
    DTYPES,
    MEMBER,
    MEMBERS,
    MONTHS,
    TARGET,
    WEATHER,
    arrays,
    check,
    main,
)

HEADER = ",".join(f'"{column}"' for column in DTYPES)
ROW = '1,"Jan",1,"0",0,6,0,"clear",0.24,0.2879,0.81,0,3,13,16'
SECOND = '4,"Dec",365,"23",1,0,1,"heavy rain/snow",0.5,0.4,0,0.0896,0,2,2'


def source_of_the_vendored_file() -> bytes:
    with np.load(TARGET, allow_pickle=False) as vendored:
        cells = {column: [str(value).removesuffix(".0") for value in vendored[column]] for column in DTYPES}
        cells["mnth"] = [f'"{MONTHS[month - 1]}"' for month in vendored["mnth"]]
        cells["weathersit"] = [f'"{WEATHER[code]}"' for code in vendored["weathersit"]]
    cells["hr"] = [f'"{hour}"' for hour in cells["hr"]]
    lines = [HEADER, *(",".join(row) for row in zip(*cells.values(), strict=True))]
    return ("\n".join(lines) + "\n").encode("ascii")


def table(*lines: str) -> dict[str, bytes]:
    return {MEMBER: "\n".join(lines).encode("ascii")}


def test_a_small_table_by_hand() -> None:
    made = arrays(table(HEADER, ROW, SECOND))
    found = {name: array.tolist() for name, array in made.items() if name not in ("temp", "atemp", "hum", "windspeed")}
    assert found == {
        "season": [1, 4],
        "mnth": [1, 12],
        "day": [1, 365],
        "hr": [0, 23],
        "holiday": [0, 1],
        "weekday": [6, 0],
        "workingday": [0, 1],
        "weathersit": [0, 3],
        "casual": [3, 0],
        "registered": [13, 2],
        "bikers": [16, 2],
        "month_names": list(MONTHS),
        "weather_names": list(WEATHER),
    }
    np.testing.assert_array_equal(made["windspeed"], np.array([0, 0.0896], dtype=np.float32))
    np.testing.assert_array_equal(made["hum"], np.array([0.81, 0], dtype=np.float32))
    assert {name: made[name].dtype for name in DTYPES} == {name: np.dtype(dtype) for name, dtype in DTYPES.items()}


def test_the_vendored_file_tells_every_byte_of_its_source() -> None:
    assert hashlib.sha256(source_of_the_vendored_file()).hexdigest() == MEMBERS[MEMBER]


def test_the_script_makes_the_vendored_arrays_again(tmp_path: Path) -> None:
    source, target = tmp_path / "Bikeshare.csv", tmp_path / "made.npz"
    source.write_bytes(source_of_the_vendored_file())
    assert main([str(source), str(target)]) == 0
    with np.load(target, allow_pickle=False) as made, np.load(TARGET, allow_pickle=False) as vendored:
        assert set(made) == set(vendored)
        for name in vendored:
            assert made[name].dtype == vendored[name].dtype
            np.testing.assert_array_equal(made[name], vendored[name])


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ([], "the columns must be"),
        ([HEADER], "0 rows"),
        ([HEADER.replace("temp", "temperature"), ROW], "the columns must be"),
        ([HEADER, ROW, ROW + ",1"], "found 16 in line 3"),
        ([HEADER, ROW.replace("Jan", "Januar")], "mnth is one of .*, found 'Januar'"),
        ([HEADER, ROW.replace("clear", "fine")], "weathersit is one of .*, found 'fine'"),
        ([HEADER, ROW.replace("0.81", "nan")], "found otherwise in hum"),
        ([HEADER, ROW.replace("13,16", "13,16.5")], "bikers holds whole numbers of int16"),
        ([HEADER, ROW.replace("0.81", "wet")], "could not convert"),
    ],
)
def test_a_broken_table_is_refused(lines: list[str], finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        arrays(table(*lines))


def test_a_table_other_than_that_of_the_year_is_refused() -> None:
    with pytest.raises(ValueError, match="there must be 8645 hours, found 2"):
        check(arrays(table(HEADER, ROW, SECOND)))
    with np.load(TARGET, allow_pickle=False) as vendored:
        whole = dict(vendored)
    check(whole)
    with pytest.raises(ValueError, match=r"weekday lies in \[0, 6\], found 1 to 7"):
        check({**whole, "weekday": whole["weekday"] + 1})
    with pytest.raises(ValueError, match="the hours follow each other over 365 days"):
        check({**whole, "hr": whole["hr"][::-1]})
    with pytest.raises(ValueError, match="casual and registered add up to bikers"):
        check({**whole, "casual": whole["casual"] + 1})
