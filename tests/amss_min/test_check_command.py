"""`python -m amss_min check`: exit codes, what is printed and stored, and every way to mistype it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amss_min.__main__ import main
from amss_min.testing.families import FAMILIES

MINE = """
import sys

import torch


def halves(gradient, *, generator):
    return gradient * (torch.rand(len(gradient), 1, generator=generator) < 0.5) * 2


def many(gradient, *, generator):
    return gradient * (torch.rand(*gradient.shape[:2], 1, generator=generator) < 0.5) * 2


def low(gradient, *, generator):
    return gradient / 2


def whole(gradient, *, generator):
    return gradient * float(torch.rand((), generator=generator) < 0.5) * 2


whole.support = lambda gradient: [(0.5, 2 * gradient), (0.5, 0 * gradient)]


def in_place(gradient, *, generator):
    return gradient.mul_(2)


def undefined(gradient, *, generator):
    return gradient * float("nan")


def raises(gradient, *, generator):
    raise RuntimeError("no [such] thing")


def raises_later(gradient, *, generator):
    raises_later.calls += 1
    if raises_later.calls > 500:
        raise RuntimeError("too often")
    return gradient


raises_later.calls = 0


def exits(gradient, *, generator):
    sys.exit(7)


def interrupted(gradient, *, generator):
    raise KeyboardInterrupt


def array(gradient, *, generator):
    return gradient.numpy()


def row(gradient, *, generator):
    return gradient[0]


def without_generator(gradient):
    return gradient


class Kept:
    def __call__(self, gradient, *, generator):
        return gradient
"""

Run = Callable[..., tuple[int, str, str]]
FEW = ("--draws", "20000")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a file of estimators; modules from there are forgotten after a test."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("amss_min_checked_")]:
        del sys.modules[name]


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command: its exit code, its output, its messages."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def stored(path: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"JSON has no {constant}")

    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    return found


# Four outcomes


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("mine.py:halves", *FEW, "--detect", "0.2"), 0, "halves: CONSISTENT"),
        (("mine.py:many", "--batched", "--draws", "120000"), 0, "many: CONSISTENT"),
        (("mine.py:whole", *FEW), 0, "whole: HOLDS"),
        (("mine.py:low", *FEW), 1, "low: REFUTED"),
        (("mine.py:in_place", *FEW), 1, "in_place: REFUTED"),
        (("mine.py:halves", "--draws", "200"), 3, "halves: INCONCLUSIVE"),
    ],
)
def test_the_verdict_and_its_exit_code(run: Run, arguments: tuple[str, ...], code: int, status: str) -> None:
    found, out, _ = run("check", *arguments)
    assert (found, out.splitlines()[0]) == (code, status)


def test_the_table_shows_families_intervals_second_moments_and_cost(run: Run) -> None:
    _, out, _ = run("check", "mine.py:many", "--batched", *FEW, "--detect", "0.2")
    for heading in ("family", "status", "draws", "worst unit", "relative bias", "bias below", "1 + omega", "optimum"):
        assert heading in out
    for family in FAMILIES:
        assert family in out
    assert "20,000 draws at " in out and " each" in out
    assert "truncated: caps were fixed on a burn-in" in out


def test_a_violation_is_shown_with_rule_finding_and_reason(run: Run) -> None:
    code, out, _ = run("check", "mine.py:undefined", *FEW)
    assert code == 1
    assert "violations of the contract" in out
    for words in ("a finite gradient must give a finite result", "nan at entry (0, 0)", "0/0 or an overflow"):
        assert words in out


def test_a_declared_bound_changes_the_guarantee_and_a_wrong_one_is_a_violation(run: Run) -> None:
    _, out, _ = run("check", "mine.py:many", "--batched", *FEW, "--detect", "0.5", "--bound", "2")
    assert "bounded: valid for every law within the declared bound" in out
    code, out, _ = run("check", "mine.py:many", "--batched", *FEW, "--bound", "1.2")
    assert code == 1 and "no draw may lie beyond the declared bound" in out


def test_a_declared_omega_changes_the_guarantee_and_a_wrong_one_is_a_violation(run: Run) -> None:
    _, out, _ = run("check", "mine.py:many", "--batched", *FEW, "--detect", "0.5", "--omega", "1")
    assert "variance-bounded: valid for every law with the declared omega" in out
    code, out, _ = run("check", "mine.py:many", "--batched", *FEW, "--omega", "0.5")
    assert code == 1 and "must be at most the declared omega" in out


# What is stored


def test_json_holds_every_number(run: Run, folder: Path) -> None:
    assert run("check", "mine.py:many", "--batched", *FEW, "--detect", "0.2", "--json", "out.json")[0] == 0
    record = stored(folder / "out.json")
    assert (record["status"], record["guarantee"], record["witness"]) == ("CONSISTENT", "truncated", None)
    assert (record["draws"], record["alpha"], record["detect"], record["violations"]) == (20_000, 1e-6, 0.2, [])
    low, high = record["interval"]
    assert 0 <= record["worst_unit"] < 12 and low <= record["relative_bias"] <= high
    assert low <= 0 <= high
    least, most = record["omega"]["interval"]
    assert least <= 2 <= most and record["omega"]["optimum"] >= 1
    assert [family["family"] for family in record["families"]] == list(FAMILIES)
    assert sum(family["draws"] for family in record["families"]) < record["draws"]


def test_json_of_a_violation_names_it_and_holds_the_witness(run: Run, folder: Path) -> None:
    assert run("check", "mine.py:in_place", *FEW, "--json", "out.json", "--witness", "small.json")[0] == 1
    record = stored(folder / "out.json")
    assert record["status"] == "REFUTED" and record["draws"] == 0
    assert record["violations"][0]["rule"] == "the gradient must be left as it is"
    assert record["witness"] == {"file": "small.json", **stored(folder / "small.json")}
    assert not (folder / "in_place.witness.json").exists()


def test_a_witness_is_small_and_replays(run: Run, folder: Path) -> None:
    code, out, _ = run("check", "mine.py:low", *FEW)
    assert code == 1
    assert "replay: python -m amss_min check --replay low.witness.json" in out
    record = stored(folder / "low.witness.json")
    assert [(len(rows), len(rows[0])) for rows in record["gradients"].values()] == [(1, 1)]
    code, out, _ = run("check", "--replay", "low.witness.json", "--json", "again.json")
    assert code == 1 and "the witness refutes again" in out
    assert stored(folder / "again.json")["status"] == "REFUTED"


def test_a_mended_estimator_is_told_from_a_broken_one_by_its_witness(run: Run, folder: Path) -> None:
    run("check", "mine.py:low", *FEW)
    code, out, _ = run("check", "mine.py:halves", "--replay", "low.witness.json")
    assert code in (0, 3) and "the witness does not refute any more" in out


def test_only_a_refutation_leaves_a_witness(run: Run, folder: Path) -> None:
    run("check", "mine.py:halves", "--draws", "200")
    assert [path.name for path in folder.iterdir() if path.suffix == ".json"] == []


def test_the_seed_decides_everything(run: Run, folder: Path) -> None:
    records = []
    for seed in ("1", "1", "2"):
        run("check", "mine.py:many", "--batched", *FEW, "--seed", seed, "--json", "out.json")
        records.append({key: value for key, value in stored(folder / "out.json").items() if "seconds" not in key})
    assert records[0] == records[1] != records[2]


def test_one_gradient_from_a_file(run: Run, folder: Path) -> None:
    np.save(folder / "gradient.npy", np.array([[3.0, 1.0], [0.0, 2.0]]))
    arguments = ("--batched", *FEW, "--gradient", "gradient.npy", "--json", "out.json")
    assert run("check", "mine.py:many", *arguments)[0] == 0
    assert [family["family"] for family in stored(folder / "out.json")["families"]] == ["given"]


def test_units_and_coordinates_of_the_families(run: Run, folder: Path) -> None:
    run("check", "mine.py:low", *FEW, "--units", "1", "--dim", "1", "--json", "out.json")
    record = stored(folder / "out.json")
    assert record["worst_unit"] == 0 and record["relative_bias"] == pytest.approx(-0.5, rel=1e-12)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check",), "an estimator must be given as FILE.py:NAME, found none"),
        (("check", "mine.py"), "must be given as FILE.py:NAME, found 'mine.py'"),
        (("check", "mime.py:halves"), "'mime.py' does not exist; did you mean 'mine.py'?"),
        (("check", ".:halves"), "'.' is a folder"),
        (("check", "mine.py:halvs"), "no 'halvs' in mine.py; did you mean 'halves'?"),
        (("check", "mine.py:Kept"), "Kept in mine.py is a class; name an instance"),
        (("check", "mine.py:without_generator"), "must be callable as without_generator(gradient, *, generator)"),
        (("check", "mine.py:row", *FEW), "row must return the shape of its gradient (12, 3), found (3,)"),
        (("check", "mine.py:array", *FEW), "array must return a torch.Tensor, found ndarray"),
        (("check", "mine.py:raises", *FEW), "raises raised RuntimeError: no [such] thing"),
        (("check", "mine.py:raises_later", *FEW), "raises_later raised RuntimeError: too often"),
        (("check", "mine.py:exits", *FEW), "exits raised SystemExit: 7"),
        (("check", "broken.py:f"), "broken.py raised ModuleNotFoundError while it was imported: No module named"),
        (("check", "mine.py:halves", "--gradient", "pickled.npy"), "must be a .npy file of numbers: Object arrays"),
        (("check", "mine.py:halves", "--gradient", "zero.npy"), "zero.npy must hold finite numbers"),
        (("check", "mine.py:halves", "--gradient", "zeros.npy"), "no file 'zeros.npy'; did you mean 'zero.npy'"),
        (("check", "mine.py:halves", "--alpha", "2"), "alpha must be above 0 and below 1, found alpha=2.0"),
        (("check", "mine.py:halves", "--alpha", "much"), "Invalid value for '--alpha'"),
        (("check", "mine.py:halves", "--detect", "0"), "detect must be above 0"),
        (("check", "mine.py:halves", "--draws", "0"), "draws must be at least 1, found draws=0"),
        (("check", "mine.py:halves", "--draws", "1.5"), "Invalid value for '--draws'"),
        (("check", "mine.py:halves", "--seconds", "-1"), "seconds must be above 0"),
        (("check", "mine.py:halves", "--units", "0"), "units must be at least 1, found units=0"),
        (("check", "mine.py:halves", "--dim", "0"), "dim must be at least 1, found dim=0"),
        (("check", "mine.py:halves", "--seed", "-1"), "seed must be at least 0, found seed=-1"),
        (("check", "mine.py:halves", "--bound", "-1"), "bound must be a number of at least 0"),
        (("check", "mine.py:halves", "--omega", "nan"), "omega must be a number of at least 0"),
        (
            ("check", "mine.py:halves", "--json", "nowhere/out.json"),
            "cannot write to nowhere/out.json: there is no such folder",
        ),
        (("check", "mine.py:halves", "--json", "."), "cannot write to .: it is a folder"),
        (("check", "mine.py:halves", "--witness", "."), "cannot write to .: it is a folder"),
        (("check", "mine.py:halves", "--drws", "1"), "No such option: --drws"),
        (("chek", "mine.py:halves"), "No such command 'chek'. Did you mean 'check'?"),
        (("check", "--replay", "none.json"), "cannot read none.json: No such file"),
        (("check", "--replay", "mine.py"), "mine.py is not a witness: "),
        (("check", "--replay", "list.json"), "list.json is not a witness: "),
        (("check", "--replay", "empty.json"), "empty.json is not a witness: a witness must hold format"),
    ],
)
def test_bad_input_is_said_in_one_line_with_exit_code_2(
    run: Run, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    (folder / "broken.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    (folder / "list.json").write_text("[]", encoding="utf-8")
    (folder / "empty.json").write_text("{}", encoding="utf-8")
    np.save(folder / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(folder / "zero.npy", np.zeros(3))
    before = sorted(folder.iterdir())
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    (line,) = err.strip().splitlines()
    assert message in line
    assert sorted(path for path in folder.iterdir() if path.name != "__pycache__") == before


def test_debug_adds_the_traceback_and_nothing_else_does(run: Run) -> None:
    plain, debug = (run("check", "mine.py:raises", *FEW, *more) for more in ((), ("--debug",)))
    assert plain[0] == debug[0] == 2
    assert "Traceback" not in plain[2]
    assert "Traceback" in debug[2] and 'raise RuntimeError("no [such] thing")' in debug[2]
    assert debug[2].strip().splitlines()[-1] == plain[2].strip()


def test_ctrl_c_inside_an_estimator_ends_with_130_and_a_word(run: Run, folder: Path) -> None:
    code, out, err = run("check", "mine.py:interrupted", "--json", "out.json")
    assert (code, out, err.strip()) == (130, "", "interrupted: nothing was written")
    assert not (folder / "out.json").exists()


def test_without_a_command_there_is_help(run: Run) -> None:
    code, out, _ = run()
    assert code == 0 and "check" in out
    code, out, _ = run("check", "--help")
    assert code == 0 and "Exit code: 0 HOLDS or CONSISTENT; 1 REFUTED; 2 bad input" in out
