import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from simulations.multimodal.data import prepare_htad
from simulations.multimodal.data.prepare_htad import MEMBER, TARGET, arrays, check, main, source_text

SMALL = "class,v1_a,v2_a,v1_b\nwalk,1,2,3\nrest,4.5,-5,6e-1\nwalk,7,8,9\n"


def csv_of_the_vendored_file() -> str:
    with np.load(TARGET, allow_pickle=False) as vendored:
        names = vendored["class_names"]
        features = np.hstack([vendored["audio"], vendored["accelerometer"]]).astype(np.float64)
        labels = vendored["labels"]
    header = ["class", *(f"v1_{i}" for i in range(36)), *(f"v2_{i}" for i in range(16))]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([names[label], *map(repr, map(float, row))] for label, row in zip(labels, features, strict=True))
    return text.getvalue()


def test_a_small_csv_by_hand() -> None:
    made = arrays(SMALL)
    np.testing.assert_array_equal(made["audio"], np.array([[1, 3], [4.5, 0.6], [7, 9]], dtype=np.float32))
    np.testing.assert_array_equal(made["accelerometer"], np.array([[2], [-5], [8]], dtype=np.float32))
    assert made["labels"].tolist() == [1, 0, 1]
    assert made["class_names"].tolist() == ["rest", "walk"]
    assert {name: str(array.dtype) for name, array in made.items()} == {
        "audio": "float32",
        "accelerometer": "float32",
        "labels": "int64",
        "class_names": "<U4",
    }


def test_the_script_makes_the_vendored_arrays_again(tmp_path: Path) -> None:
    source, target = tmp_path / "htad.csv", tmp_path / "made.npz"
    source.write_text(csv_of_the_vendored_file(), encoding="utf-8")
    assert main([str(source), str(target)]) == 0
    with np.load(target, allow_pickle=False) as made, np.load(TARGET, allow_pickle=False) as vendored:
        assert set(made) == set(vendored)
        for name in vendored:
            assert made[name].dtype == vendored[name].dtype
            np.testing.assert_array_equal(made[name], vendored[name])


def test_a_wheel_and_its_file_are_the_same_source(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(SMALL, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr(MEMBER, SMALL)
    assert source_text(tmp_path / "a.whl") == source_text(tmp_path / "a.csv") == SMALL


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", "the first column must be 'class'"),
        ("class,v1_a\n", "0 rows"),
        ("label,v1_a\nwalk,1\n", "found .'label'."),
        ("class,v3_a\nwalk,1\n", "found 'v3_a'"),
        ("class,v1_a\nwalk,1\nrest\n", "found 1 in line 3"),
        ("class,v1_a\nwalk,nan\n", "every feature must be finite, found otherwise in line 2"),
        ("class,v1_a\nwalk,one\n", "could not convert"),
    ],
)
def test_a_broken_csv_is_refused(text: str, finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        arrays(text)


def test_counts_other_than_those_of_htad_are_refused() -> None:
    with pytest.raises(ValueError, match="audio must have 36 columns, found 2"):
        check(arrays(SMALL))
    one_row_less = "\n".join(csv_of_the_vendored_file().splitlines()[:-1])
    with pytest.raises(ValueError, match="'brush_teeth': 179"):
        check(arrays(one_row_less))


@pytest.mark.parametrize("name", ["missing.csv", "missing.whl", "small.csv", "text.whl"])
def test_a_source_that_cannot_be_used_ends_with_one_line_and_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.csv").write_text(SMALL, encoding="utf-8")
    (tmp_path / "text.whl").write_text(SMALL, encoding="utf-8")
    assert main([str(tmp_path / name), str(tmp_path / "made.npz")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "made.npz").exists()


def test_without_a_source_the_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare_htad.main([]) == 2
    assert capsys.readouterr().err.startswith("usage:")
