"""Bad calls of every command: exit code 2, one line or a few on standard error, nothing else; Ctrl-C: 130."""

import functools
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.commands.every import COMMANDS, commands, main

BAD = (
    ("amss_min chek", "Did you mean 'check'?"),
    ("amss_min check", "must be given as FILE.py:NAME"),
    ("amss_min check gone.py:estimate", "'gone.py' does not exist"),
    ("amss_min check folder:estimate", "is a folder"),
    ("amss_min check mine.py:estimat", "did you mean 'estimate'?"),
    ("amss_min check mine.py:estimate --units x", "'--units'"),
    ("amss_min check mine.py:estimate --alpha 2", "alpha must be above 0"),
    ("amss_min check mine.py:estimate --gradient gone.npy", "gone.npy"),
    ("amss_min check mine.py:estimate --json folder", "cannot write to folder: it is a folder"),
    ("amss_min check mine.py:estimate --json gone/x.json", "there is no such folder"),
    ("amss_min check mine.py:estimate --witness folder", "cannot write to folder: it is a folder"),
    ("amss_min check --replay gone.json", "cannot read gone.json"),
    ("amss_min check --replay folder", "cannot read folder"),
    ("amss_min check --replay text", "text is not a witness"),
    ("theory lst", "Did you mean 'list'?"),
    ("theory list --json folder", "cannot write to folder: it is a folder"),
    ("theory show", "Missing argument 'ID'"),
    ("theory show ht-unbias", "did you mean 'ht-unbiased'?"),
    ("theory verify ht-unbias", "did you mean 'ht-unbiased'?"),
    ("theory verify ht-unbiased --json folder", "cannot write to folder: it is a folder"),
    ("theory verify ht-unbiased --json text/x", "there is no such folder"),
    ("simulations adit", "Did you mean 'audit'?"),
    ("simulations list objectivs", "did you mean 'objectives'?"),
    ("simulations list designs --json folder", "cannot write to folder: it is a folder"),
    ("simulations run", "found no --objective"),
    ("simulations run quadratic-oracel", "did you mean 'quadratic-oracle'?"),
    ("simulations run gone.toml", "no study 'gone.toml'"),
    ("simulations run folder", "no experiment 'folder'"),
    ("simulations run quadratic-oracle --seed -1", "'--seed'"),
    ("simulations run quadratic-oracle --results text", "cannot write to text/"),
    ("simulations audit ht-unbias", "did you mean 'ht-unbiased'"),
    ("simulations audit --quick --deep", "one level"),
    ("simulations audit --objective gone.py:F", "'gone.py' does not exist"),
    ("simulations audit --objective folder:F", "is a folder"),
    ("simulations audit --claim gone.py:F", "'gone.py' does not exist"),
    ("simulations audit --replay gone.json", "cannot read gone.json"),
    ("simulations audit --replay folder", "cannot read folder"),
    ("simulations audit --replay text --json x.json", "--json belongs to"),
    ("simulations audit released-entropy --json folder", "cannot write to folder: it is a folder"),
    ("simulations audit released-entropy --results text", "cannot write to text/"),
    ("simulations train hatd", "did you mean 'htad'"),
    ("simulations train gone.toml", "gone.toml"),
    ("simulations train folder", "folder"),
    ("simulations train htad --seeds 0", "'--seeds'"),
    ("simulations train htad --set training.epoch=3", "did you mean 'training.epochs'"),
    ("simulations train htad --set methods=jont", "did you mean 'joint'"),
    ("simulations train htad --device cud", "must be cpu or cuda"),
    ("simulations train htad --results text", "cannot write to text/"),
    ("simulations compare hatd", "did you mean 'htad'"),
    ("simulations compare htad --results text", "cannot write to text/"),
    ("simulations prepare crema-e folder out", "did you mean 'crema-d'"),
    ("simulations prepare crema-d gone out", "found none at gone"),
    ("simulations prepare crema-d text out", "found none at text"),
    ("simulations prepare crema-d folder out", "folder/AudioWAV: no such folder"),
    ("simulations prepare crema-d folder text", "must be new or empty"),
    ("simulations sweep phase-diagrm", "did you mean 'phase-diagram'?"),
    ("simulations sweep gone.toml", "no study 'gone.toml'"),
    ("simulations sweep folder", "cannot read the study folder"),
    ("simulations sweep rates --engine poll --dry-run", "did you mean 'pool'?"),
    ("simulations sweep rates --json x.json", "--json belongs to --dry-run"),
    ("simulations sweep rates --dry-run --json folder", "cannot write to folder: it is a folder"),
    ("simulations sweep rates --workers 0", "'--workers'"),
    ("simulations sweep rates --set cell.stepsze=1", "did you mean 'stepsize'?"),
    ("simulations status gone.sqlite", "no store"),
    ("simulations status folder", "no store"),
    ("simulations status text", "text"),
    ("simulations query gone.sqlite", "no store"),
    ("simulations query text", "text"),
    ("simulations export gone.sqlite --out out", "no store"),
    ("simulations export text", "Missing option '--out'"),
    ("simulations bench --device gpu", "must be cpu, or cuda"),
    ("simulations bench --designs --sweep", "exclude each other"),
    ("simulations bench --large", "--large belongs to --masked-step"),
    ("simulations bench --repeats 0", "'--repeats'"),
    ("simulations bench --results text", "cannot write to text/: it is a file"),
    ("simulations bench --designs --results text", "cannot write to text/: it is a file"),
    ("simulations bench --sweep --results text", "cannot write to text/: it is a file"),
    ("simulations bench --masked-step --results text", "cannot write to text/: it is a file"),
    ("simulations statistics --docs text", "cannot write to text/: it is a file"),
    ("paper_figs lst", "Did you mean 'list'?"),
    ("paper_figs list --results text", "'text', which is a file"),
    ("paper_figs list --json folder", "cannot write to folder: it is a folder"),
    ("paper_figs build amss_flor", "did you mean 'amss_floor'?"),
    ("paper_figs build --from gone", "'gone', which is none"),
    ("paper_figs build --results text", "'text', which is a file"),
    ("paper_figs build second_moment --out text", "cannot write to text/: it is a file"),
    ("paper_figs build second_moment --json folder", "cannot write to folder: it is a folder"),
    ("paper_figs report --results gone", "there is no gone/verdicts.json"),
    ("paper_figs report --results text", "'text', which is a file"),
    ("paper_figs readme --results gone", "there is no gone/verdicts.json"),
    ("paper_figs readme --results text", "'text', which is a file"),
)
"""Command lines in a folder that holds mine.py, the file `text` and the empty folder `folder`."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that they run in."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("words " * 200)
    (tmp_path / "mine.py").write_text("def estimate(gradient, *, generator):\n    return gradient.clone()\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a bad call says on standard error."""
    program, *arguments = line.split()
    assert main(program)(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n") and "Traceback" not in err and "Errno" not in err
    return str(err)


@pytest.mark.parametrize(("line", "told"), BAD, ids=[line for line, _ in BAD])
def test_a_bad_call_is_refused_before_the_work(
    line: str, told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path for path in place.rglob("*") if path.name != "__pycache__" and path.suffix != ".pyc")
    err = refused(line, capsys)
    assert told in err
    assert err.count("\n") == 1 or all(row.startswith("  ") for row in err.splitlines()[1:])
    after = sorted(path for path in place.rglob("*") if path.name != "__pycache__" and path.suffix != ".pyc")
    assert after == before, "it left something behind"


@pytest.mark.parametrize(("program", "command"), COMMANDS)
def test_a_wrong_option_is_named_and_a_close_one_offered(
    program: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = [option for found in commands(program)[command].params for option in found.opts if option[:2] == "--"]
    assert "No such option: --nonsens" in refused(f"{program} {command} --nonsens", capsys)
    for option in known[:1]:
        assert option in refused(f"{program} {command} {option}x", capsys)


@pytest.mark.parametrize("program", dict.fromkeys(program for program, _ in COMMANDS))
def test_a_wrong_option_before_the_command_is_named(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--help" in refused(f"{program} --hlp", capsys)


@pytest.mark.parametrize(("program", "command"), COMMANDS)
def test_ctrl_c_ends_a_command_with_130(
    program: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = (one for one in _registered(program) if one.name == command)

    @functools.wraps(found.callback)
    def interrupted(**_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(found, "callback", interrupted)
    needed = [parameter for parameter in commands(program)[command].params if parameter.required]
    given = [word for one in needed for word in ([one.opts[0], "x"] if one.opts[0].startswith("-") else ["x"])]
    assert main(program)([command, *given]) == 130
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") <= 1 and "Traceback" not in err


def _registered(program: str) -> list[Any]:
    return list(import_module(f"{program}.__main__").app.registered_commands)
