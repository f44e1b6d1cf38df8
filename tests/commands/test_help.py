"""`--help` of every command: what it holds, that it fits 80 columns, and that its examples are real."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import bootstrap
from paper_figs.figures import FIGURES
from simulations import experiments
from simulations.list_command import LISTINGS
from simulations.multimodal.command import CONFIGS
from simulations.multimodal.data.shipped import SHIPPED
from simulations.sweeps.studies import SHIPPED as STUDIES
from tests.commands.every import COMMANDS, PROGRAMS, commands, examples, main
from theory.claims import CLAIMS

ROOT = Path(__file__).resolve().parent.parent.parent
IDS = {claim.id for claim in CLAIMS}
DATA = {*SHIPPED, *(path.stem for path in CONFIGS.glob("*.toml"))}
NAMES = {
    ("theory", "show"): IDS,
    ("theory", "verify"): IDS,
    ("simulations", "audit"): IDS,
    ("simulations", "run"): {one.name for one in experiments.ALL},
    ("simulations", "list"): set(LISTINGS),
    ("simulations", "train"): DATA,
    ("simulations", "compare"): DATA,
    ("simulations", "sweep"): {path.stem for path in STUDIES.glob("*.toml")},
    ("paper_figs", "build"): {figure.name for figure in FIGURES},
}
"""The names that a command takes as its arguments, beside files."""

SOON = (
    "theory list --json -",
    "theory show ht-unbiased",
    "simulations list objectives",
    "simulations list designs --json -",
    "simulations sweep rates --dry-run --json -",
    "simulations run quadratic-oracle",
    "simulations audit quadratic-oracle --json -",
    "paper_figs list --results results --json figures.json",
    "paper_figs build second_moment --out /tmp/figures",
    "amss_min check mine.py:estimate --draws 100000 --json -",
    "theory verify ht-unbiased released-entropy",
)
"""Examples that end in seconds, and need nothing that is not there."""

MINE = "def estimate(gradient, *, generator):\n    return gradient.clone()\n"


def help_of(program: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The text, at 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    assert main(program)([command, "--help"] if command else ["--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize(("program", "command"), [*COMMANDS, *((program, "") for program in PROGRAMS)])
def test_help_tells_what_it_takes_to_use_it(
    program: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = help_of(program, command, capsys, monkeypatch)
    assert max(map(len, text.split("\n"))) <= 80
    joined = " ".join(text.split())
    for needed in ("Usage: python -m", "Exit code", "2 bad input", "130 interrupted", " Examples: "):
        assert needed in joined
    assert "..." not in text.partition("Commands:")[2], "a summary was cut"
    files = ("Read", "read", "write", "Write")
    assert not command or any(word in text for word in files)


@pytest.mark.parametrize(("program", "command"), COMMANDS)
def test_every_option_is_explained(program: str, command: str) -> None:
    for parameter in commands(program)[command].params:
        assert getattr(parameter, "help", None), f"{parameter.name} has no help"


@pytest.mark.parametrize(("program", "command"), [*COMMANDS, *((program, "") for program in PROGRAMS)])
def test_examples_parse_and_name_what_exists(
    program: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = examples(help_of(program, command, capsys, monkeypatch))
    assert any(words[3] == command or not command for words in lines)
    for words in lines:
        assert words[:2] == ["python", "-m"]
        called, name, *arguments = words[2:]
        if arguments == ["--help"]:
            assert name in commands(called)
            continue
        context = commands(called)[name].make_context(name, list(arguments))
        known = NAMES.get((called, name), set())
        given = [context.params.get(key) for key in ("id", "name", "kind", "config", "study")]
        given += [*(context.params.get("ids") or []), *(context.params.get("names") or [])]
        for value in filter(None, given):
            assert value in known or value.endswith(".toml") or "/" in value, f"no {value} for {' '.join(words)}"


def test_the_front_door_fits_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.split("\n"))) <= 80
    for needed in (
        "Exit codes: 0 as expected",
        "130 interrupted",
        *(f"bootstrap.py {name}" for name in bootstrap.COMMANDS),
    ):
        assert needed in text


def test_the_parse_can_fail() -> None:
    with pytest.raises(typer.TyperException, match="No such option"):
        commands("theory")["verify"].make_context("verify", ["--jsn", "x"])


def test_examples_that_end_soon_are_examples(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {" ".join(words[2:]) for one in COMMANDS for words in examples(help_of(*one, capsys, monkeypatch))}
    assert set(SOON) <= told


@pytest.mark.slow
@pytest.mark.parametrize("example", SOON)
def test_an_example_ends_well(example: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    words = example.replace("/tmp/figures", str(tmp_path / "figures")).split()
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "\x1b" not in done.stdout and done.stdout
