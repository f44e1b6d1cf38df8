import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from simulations.multimodal.data import prepare_yeast
from simulations.multimodal.data.prepare_yeast import HEADER, MEMBER, TARGET, arrays, check, main

SHA256_OF_THE_TEXT = "fd17cb9b53acaaf5e82a9e0795e2667167775915c0e32c1f6fe0fadb0d3bd703"
ROW = [*(str(i / 8) for i in range(103)), *"01010101010101"]


def table(*rows: list[str]) -> dict[str, bytes]:
    return {MEMBER: gzip.compress("\n".join(",".join(row) for row in rows).encode("ascii"), mtime=0)}


def text_of_the_vendored_file() -> str:
    lines = [",".join(HEADER)]
    with np.load(TARGET, allow_pickle=False) as vendored:
        features = np.hstack([vendored["expression"], vendored["profile"]])
        for row, labels in zip(features, vendored["labels"], strict=True):
            cells = [np.format_float_positional(value, trim="-") for value in row]
            lines.append(",".join([*cells, *map(str, labels.astype(int))]))
    return "\n".join(lines) + "\n"


def test_a_small_table_by_hand() -> None:
    made = arrays(table(HEADER, ROW, ROW))
    np.testing.assert_array_equal(made["expression"], np.tile(np.arange(79, dtype=np.float32) / 8, (2, 1)))
    np.testing.assert_array_equal(made["profile"], np.tile(np.arange(79, 103, dtype=np.float32) / 8, (2, 1)))
    assert made["labels"].tolist() == [[False, True] * 7] * 2
    assert made["label_names"].tolist() == [f"Class{i}" for i in range(1, 15)]
    assert {name: str(array.dtype) for name, array in made.items()} == {
        "expression": "float32",
        "profile": "float32",
        "labels": "bool",
        "label_names": "<U7",
    }


def test_the_vendored_file_tells_every_byte_of_its_source() -> None:
    assert hashlib.sha256(text_of_the_vendored_file().encode("ascii")).hexdigest() == SHA256_OF_THE_TEXT


def test_the_script_makes_the_vendored_arrays_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "yeast.csv.gz", tmp_path / "made.npz"
    source.write_bytes(gzip.compress(text_of_the_vendored_file().encode("ascii"), mtime=0))
    monkeypatch.setattr(prepare_yeast, "MEMBERS", {MEMBER: hashlib.sha256(source.read_bytes()).hexdigest()})
    assert main([str(source), str(target)]) == 0
    with np.load(target, allow_pickle=False) as made, np.load(TARGET, allow_pickle=False) as vendored:
        assert set(made) == set(vendored)
        for name in vendored:
            assert made[name].dtype == vendored[name].dtype
            np.testing.assert_array_equal(made[name], vendored[name])


def sizes_of_correlations() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    with np.load(TARGET, allow_pickle=False) as vendored:
        features = np.hstack([vendored["expression"], vendored["profile"]]).astype(np.float64)
    return np.abs(np.corrcoef(features.T))


def test_every_column_is_correlated_most_with_its_own_part() -> None:
    size = sizes_of_correlations()
    np.fill_diagonal(size, np.nan)
    left, right = np.nanmean(size[:, :79], axis=1), np.nanmean(size[:, 79:], axis=1)
    assert (left[:79] > right[:79]).all()
    assert (right[79:] > left[79:]).all()


def test_of_all_cuts_the_normalised_cut_is_least_after_column_79() -> None:
    """The plain mean correlation across the cut does not decide: it is least after column 100, where one side is a
    sliver of three columns. The normalised cut divides by what each side is correlated with in all."""
    size = sizes_of_correlations()
    across = {cut: size[:cut, cut:].sum() for cut in range(1, 103)}
    normalised = {cut: total / size[:cut].sum() + total / size[cut:].sum() for cut, total in across.items()}
    assert min(normalised, key=normalised.__getitem__) == 79


@pytest.mark.parametrize(
    ("rows", "finding"),
    [
        ([], "the header is Att1"),
        ([HEADER], "0 rows"),
        ([HEADER[1:], ROW[1:]], "found .'Att2'."),
        ([HEADER, ROW, ROW[:-1]], "found 116 in line 3"),
        ([HEADER, ["inf", *ROW[1:]]], "every feature must be finite"),
        ([HEADER, ["x", *ROW[1:]]], "could not convert"),
        ([HEADER, [*ROW[:-1], "2"]], "every label is 0 or 1"),
    ],
)
def test_a_broken_table_is_refused(rows: list[list[str]], finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        arrays(table(*rows))


def test_broken_compression_is_refused() -> None:
    whole = table(HEADER, ROW)[MEMBER]
    for content in (b"Att1,Att2", whole[:-12], whole[:30] + bytes(40)):
        with pytest.raises(ValueError, match="gzip-compressed text, found otherwise"):
            arrays({MEMBER: content})


def test_counts_other_than_those_of_the_study_are_refused() -> None:
    with pytest.raises(ValueError, match="there must be 2417 genes, found 1"):
        check(arrays(table(HEADER, ROW)))
    with np.load(TARGET, allow_pickle=False) as vendored:
        whole = dict(vendored)
    check(whole)
    with pytest.raises(ValueError, match="the genes of each label must be"):
        check({**whole, "labels": whole["labels"][:, ::-1]})
