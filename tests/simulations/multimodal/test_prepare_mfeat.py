import hashlib
from pathlib import Path

import numpy as np
import pytest

from simulations.multimodal.data.prepare_mfeat import FOLDER, MEMBERS, SHA256, TARGET, arrays, check, main


def cell(value: np.generic) -> str:
    return str(value).removesuffix(".0").upper()


def source_of_the_vendored_file() -> dict[str, bytes]:
    files = {}
    with np.load(TARGET, allow_pickle=False) as vendored:
        for view in SHA256:
            lines = [[*map(str, range(vendored[view].shape[1])), "0"]]
            lines += [
                [*map(cell, row), str(label)] for row, label in zip(vendored[view], vendored["labels"], strict=True)
            ]
            files[f"{FOLDER}{view}.csv"] = "".join(",".join(line) + "\r\n" for line in lines).encode("ascii")
    return files


def small(**changed: str) -> dict[str, bytes]:
    views = {view: "0,1,0\n1,2,3\n4,5,6\n" for view in SHA256} | {"kar": "0,0\n-1.5,3\n6e-1,6\n"}
    return {f"{FOLDER}{view}.csv": text.encode("ascii") for view, text in {**views, **changed}.items()}


def test_small_files_by_hand() -> None:
    made = arrays(small())
    np.testing.assert_array_equal(made["kar"], np.array([[-1.5], [0.6]], dtype=np.float32))
    np.testing.assert_array_equal(made["pix"], [[1, 2], [4, 5]])
    assert made["labels"].tolist() == [3, 6]
    assert made["class_names"].tolist() == list("0123456789")
    assert {name: str(array.dtype) for name, array in made.items()} == {
        "fac": "int16",
        "fou": "float32",
        "kar": "float32",
        "mor": "float32",
        "pix": "int8",
        "zer": "float32",
        "labels": "int64",
        "class_names": "<U1",
    }


def test_the_vendored_file_tells_every_byte_of_its_source() -> None:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in source_of_the_vendored_file().items()}
    assert digests == MEMBERS


def test_the_script_makes_the_vendored_arrays_again(tmp_path: Path) -> None:
    for name, content in source_of_the_vendored_file().items():
        (tmp_path / Path(name).name).write_bytes(content)
    assert main([str(tmp_path), str(tmp_path / "made.npz")]) == 0
    with np.load(tmp_path / "made.npz", allow_pickle=False) as made, np.load(TARGET, allow_pickle=False) as vendored:
        assert set(made) == set(vendored)
        for name in vendored:
            assert made[name].dtype == vendored[name].dtype
            np.testing.assert_array_equal(made[name], vendored[name])


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"fou": ""}, "fou: the header is"),
        ({"fou": "0,1,0\n"}, "fou: the header is"),
        ({"fou": "1,0,0\n1,2,3\n4,5,6\n"}, "fou: the header is"),
        ({"fou": "0,1,0\n1,2,3\n4,6\n"}, "found 2 in line 3"),
        ({"fou": "0,1,0\n1,nan,3\n4,5,6\n"}, "fou: every cell must be finite"),
        ({"fou": "0,1,0\n1,x,3\n4,5,6\n"}, "could not convert"),
        ({"zer": "0,1,0\n1,2,6\n4,5,3\n"}, "found otherwise in zer"),
        ({"pix": "0,1,0\n1,2.5,3\n4,5,6\n"}, "pix holds whole numbers of int8"),
    ],
)
def test_a_broken_table_is_refused(changed: dict[str, str], finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        arrays(small(**changed))


def test_counts_other_than_those_of_the_digits_are_refused() -> None:
    with pytest.raises(ValueError, match="fac must have 216 columns, found 2"):
        check(arrays(small()))
    with np.load(TARGET, allow_pickle=False) as vendored:
        whole = dict(vendored)
    check(whole)
    with pytest.raises(ValueError, match="200 of each digit, ordered by digit"):
        check({**whole, "labels": np.roll(whole["labels"], 1)})
