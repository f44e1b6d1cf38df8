"""The commands: exit codes, one line for a refusal, and what is written where."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from paper_figs import __main__ as program
from paper_figs import recording
from paper_figs.__main__ import main
from paper_figs.audited import abridged
from paper_figs.claims_table import BEGIN, END
from paper_figs.figures import FIGURES
from paper_figs.reading import BadData, Data, MissingData
from paper_figs.rendering import SUFFIXES
from tests.paper_figs.drawn_samples import complete
from tests.paper_figs.samples import everything, plant, verdict

FORMULAS = "second_moment"


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on standard error of a command that ends with 2."""
    assert main([*arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err.strip()


def test_a_mistyped_figure_is_answered_with_the_close_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "build", "amss_flor") == "no figure 'amss_flor'; did you mean 'amss_floor'?"
    assert refusal(capsys, "build", "htad", "q") == f"no figure 'q'; there are {', '.join(f.name for f in FIGURES)}"


def test_bad_input_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such option" in refusal(capsys, "build", "--nonsense")
    assert "No such command" in refusal(capsys, "draw")


@pytest.mark.parametrize("command", ["build", "report"])
def test_a_folder_that_cannot_be_written_ends_with_two(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, {"verdicts.json": [verdict()], "closed": b""})
    out = tmp_path / "closed" / "out"
    line = refusal(capsys, command, "--results", str(tmp_path), "--out", str(out))
    assert line == f"cannot write to {out}/: Not a directory"


def test_a_named_figure_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", FORMULAS, "--results", str(tmp_path)]) == 0
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == [f"{FORMULAS}.{suffix}" for suffix in sorted(("json", *SUFFIXES))]
    assert f"written: {tmp_path / 'figures'}" in capsys.readouterr().out
    assert json.loads((tmp_path / "figures" / f"{FORMULAS}.json").read_text())["sources"] == []


def built(monkeypatch: pytest.MonkeyPatch, problems: dict[str, Exception]) -> list[str]:
    """Stand in for drawing: the figures named in `problems` raise, the names of the others are collected."""
    done: list[str] = []

    def build(figure: Any, *arguments: Any) -> Any:
        if figure.name in problems:
            raise problems[figure.name]
        done.append(figure.name)
        return Data({})

    monkeypatch.setattr(program, "build", build)
    return done


def test_missing_data_ends_with_three_when_all_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = built(monkeypatch, {"htad": MissingData("train/htad.json is missing; it is made by: train")})
    assert main(["build", "--results", str(tmp_path)]) == 3
    assert done == [figure.name for figure in FIGURES if figure.name != "htad"]
    assert capsys.readouterr().err == "figure htad: train/htad.json is missing; it is made by: train\n"


def test_missing_data_ends_with_two_when_the_figure_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built(monkeypatch, {"htad": MissingData("gone")})
    assert refusal(capsys, "build", "htad", "--results", str(tmp_path)) == "figure htad: gone"


def test_a_bad_file_ends_with_two_and_the_other_figures_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = built(monkeypatch, {"htad": BadData("bad"), "amss_floor": MissingData("gone")})
    assert main(["build", "--results", str(tmp_path)]) == 2
    assert len(done) == len(FIGURES) - 2
    assert capsys.readouterr().err == "figure amss_floor: gone\nfigure htad: bad\n"


def test_a_file_that_is_no_json_is_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path, {"train/htad.json": b"nonsense"})
    line = refusal(capsys, "build", "htad", "--results", str(tmp_path))
    assert line.startswith("figure htad: results/train/htad.json does not hold what it should: the file: Invalid JSON")


def test_the_list_names_every_figure_its_claims_and_its_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, {**everything(), "train/htad.json": b"{"})
    assert main(["list", "--results", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for figure in FIGURES:
        assert figure.name in shown
        for claim in figure.claims:
            assert claim in shown
    assert "formulas" in shown
    assert "Invalid JSON" in shown


def test_the_report_needs_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(capsys, "report", "--results", str(tmp_path))
    assert line == f"there is no {tmp_path / 'verdicts.json'}; it is made by: python -m simulations audit"


def test_the_report_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path, {"verdicts.json": [verdict(), verdict(id="other", status="CONSISTENT")]})
    assert main(["report", "--results", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"written: {tmp_path / 'report' / 'index.html'} (1 CONSISTENT, 1 HOLDS)\n"
    assert printed.err.count("is not built: python3 bootstrap.py run paper_figs build ") == len(FIGURES)
    assert (tmp_path / "report" / "index.html").is_file()


def test_the_tables_of_claims_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "ROOT", tmp_path)
    page = f"a\n{BEGIN}\n{END}\nb\n".encode()
    plant(tmp_path, {"verdicts.json": [verdict()], "README.md": page, "docs/claims.md": page})
    assert main(["readme", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("written: ")
    assert "| `ht-unbiased` | identity | HOLDS |" in (tmp_path / "README.md").read_text()
    assert "| `ht-unbiased` | " in (tmp_path / "docs" / "claims.md").read_text()
    assert main(["readme", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("current already: ")
    (tmp_path / "docs" / "claims.md").write_text("no markers")
    assert "must hold the markers" in refusal(capsys, "readme", "--results", str(tmp_path))


def test_experiments_are_recorded_with_a_note(tmp_path: Path) -> None:
    plant(tmp_path / "results", complete())
    written = recording.record(tmp_path / "results", tmp_path / "data", "abc", datetime.date(2026, 1, 2))
    names = [path.relative_to(tmp_path / "data").as_posix() for path in written]
    experiments = {name for name in complete() if name.startswith("experiments/")}
    assert names == sorted({*experiments, "verdicts.json"})
    for name, path in zip(names, written, strict=True):
        kept = json.loads(path.read_text())
        assert kept.pop("recorded") == {"commit": "abc", "date": "2026-01-02"}
        assert kept == (abridged(complete()[name]) if name == "verdicts.json" else complete()[name])


def test_named_files_are_recorded_and_others_refused(tmp_path: Path) -> None:
    plant(tmp_path / "results", complete())
    (written,) = recording.record(tmp_path / "results", tmp_path, None, datetime.date(2026, 1, 2), ["bench.json"])
    assert written == tmp_path / "bench.json"
    with pytest.raises(BadData, match=r"x\.json must be one that figures read, there are bench-engine\.json"):
        recording.record(tmp_path / "results", tmp_path, None, datetime.date(2026, 1, 2), ["x.json"])


def test_nothing_is_recorded_when_one_experiment_is_missing(tmp_path: Path) -> None:
    files = complete()
    del files["experiments/quadratic-oracle.json"]
    plant(tmp_path / "results", files)
    (tmp_path / "data").mkdir()
    with pytest.raises(FileNotFoundError):
        recording.record(tmp_path / "results", tmp_path / "data", None, datetime.date(2026, 1, 2))
    assert list((tmp_path / "data").iterdir()) == []
