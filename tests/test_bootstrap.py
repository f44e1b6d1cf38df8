"""The front door: what it installs and when, how it fails, and which exit code it ends with.

The Python of .venv is played by a shell script that writes down how it was called and does as it is told: no test
here touches a network or a real environment.
"""

import ast
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bootstrap

FAKE = """#!/bin/sh
cd "$(dirname "$0")/../.."
[ "$1" = -c ] && echo 3 11 7 && exit 0
echo "$@" >> calls
[ "$3" = install ] && [ -f offline ] && echo "ERROR: no index reached" && exit 1
[ "$3" = install ] && exit 0
[ -f behaviour ] && . ./behaviour
exit 0
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "constraints.txt", "bootstrap.py"):
        shutil.copy(bootstrap.ROOT / name, tmp_path / name)
    python = bootstrap.interpreter(tmp_path)
    python.parent.mkdir(parents=True)
    python.write_text(FAKE)
    python.chmod(0o755)
    return tmp_path


def calls(checkout: Path) -> list[str]:
    record = checkout / "calls"
    return record.read_text().splitlines() if record.exists() else []


def test_the_first_call_installs_and_the_second_goes_without(checkout: Path) -> None:
    assert bootstrap.main(["run", "theory", "list"], checkout) == 0
    first = calls(checkout)
    assert len(first) == 2
    assert first[0].startswith("-m pip install ")
    assert first[0].endswith("-c constraints.txt -e .[study]")
    assert first[1] == "-m theory list"
    (checkout / "offline").touch()
    assert bootstrap.main(["run", "theory", "list"], checkout) == 0
    assert calls(checkout)[2:] == ["-m theory list"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_either_file_installs_again(checkout: Path, name: str) -> None:
    bootstrap.environment(checkout, "study")
    assert bootstrap.ready(checkout, "study")
    with open(checkout / name, "a") as file:
        file.write("\n")
    assert not bootstrap.ready(checkout, "study")


def test_the_larger_set_serves_both_and_the_smaller_one_only_itself(checkout: Path) -> None:
    bootstrap.environment(checkout, "study")
    assert not bootstrap.ready(checkout, "dev")
    bootstrap.environment(checkout, "dev")
    assert bootstrap.ready(checkout, "dev")
    assert bootstrap.ready(checkout, "study")
    assert [call.split()[-1] for call in calls(checkout)] == [".[study]", ".[dev]"]


def test_an_environment_with_the_documentation_serves_the_study_too(checkout: Path) -> None:
    bootstrap.environment(checkout, "study")
    assert not bootstrap.ready(checkout, "docs")
    bootstrap.environment(checkout, "docs")
    assert bootstrap.ready(checkout, "study")
    assert not bootstrap.ready(checkout, "dev")
    bootstrap.environment(checkout, "dev")
    assert bootstrap.ready(checkout, "docs")


def test_a_copied_environment_is_not_trusted(checkout: Path, tmp_path: Path) -> None:
    bootstrap.environment(checkout, "study")
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns("copy"))
    assert bootstrap.ready(checkout, "study")
    assert not bootstrap.ready(copy, "study")


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"hash": 1}'])
def test_a_damaged_stamp_is_not_trusted(checkout: Path, text: str) -> None:
    bootstrap.environment(checkout, "study")
    (checkout / ".venv" / bootstrap.STAMP).write_text(text)
    assert not bootstrap.ready(checkout, "study")


def test_pip_that_fails_ends_with_one_message_and_leaves_no_stamp(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bootstrap.environment(checkout, "study")
    (checkout / "offline").touch()
    assert bootstrap.main(["test"], checkout) == 2
    assert not bootstrap.ready(checkout, "study")
    (message,) = capfd.readouterr().err.splitlines()
    assert "ERROR: no index reached" in message
    assert "needs a package index" in message


def test_a_folder_that_cannot_hold_an_environment_ends_with_one_message(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".venv").write_text("a file stands in the way")
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    assert bootstrap.main(["verify"], tmp_path) == 2
    (message,) = capfd.readouterr().err.splitlines()
    assert message.startswith("bootstrap: could not make .venv")


def test_no_install_asks_for_nothing(checkout: Path) -> None:
    assert bootstrap.main(["--no-install", "run", "theory", "list"], checkout) == 0
    assert calls(checkout) == ["-m theory list"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["verfy"], "no command 'verfy'; did you mean 'verify'?"),
        (["tets"], "no command 'tets'; did you mean 'test'?"),
        (["run", "theroy"], "no module 'theroy'; did you mean 'theory'?"),
        (["run", "xyz"], "no module 'xyz'; known: amss_min, theory, simulations, paper_figs"),
        (["--no-instal", "test"], "no option '--no-instal'; did you mean '--no-install'?"),
        (["verify", "now"], "verify takes no arguments, found 'now'"),
        (["docs", "now"], "docs takes no arguments, found 'now'"),
        (["run"], "run must be told what to run"),
        ([], "a command must be named"),
    ],
)
def test_a_mistyped_line_is_answered_with_close_names(
    checkout: Path, arguments: list[str], expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.main(arguments, checkout) == 2
    (message,) = capfd.readouterr().err.splitlines()
    assert message.startswith(f"bootstrap: {expected}")
    assert calls(checkout) == []


def test_the_worst_exit_code_wins_in_the_stated_order() -> None:
    for gentle, grave in itertools.pairwise((0, 3, 2, 1)):
        assert bootstrap.worst([gentle, grave, gentle]) == grave
    for crash in (-9, 4, 101, 139):
        assert bootstrap.worst([0, crash, 2, 3]) == 1
    assert bootstrap.worst([0, 0]) == 0


def test_verify_runs_every_stage_and_ends_with_the_worst_code(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (checkout / "behaviour").write_text('case "$3" in audit) exit 3 ;; train) exit 1 ;; build) exit 2 ;; esac')
    assert bootstrap.main(["--no-install", "verify"], checkout) == 1
    stages = ["simulations audit --quick", "simulations train htad --seeds 2", "paper_figs build", "paper_figs report"]
    assert calls(checkout) == [f"-m {stage}" for stage in stages]
    output = capfd.readouterr().out
    for number, (stage, code) in enumerate(zip(stages, (3, 1, 2, 0), strict=True), start=1):
        assert f"[{number}/4] {stage}: exit {code} after " in output
    assert "verify: exit 1 (refuted" in output


@pytest.mark.parametrize(("mkdocs_code", "expected"), [(0, 0), (1, 1), (139, 1)])
def test_docs_builds_strictly_and_maps_the_exit_code(checkout: Path, mkdocs_code: int, expected: int) -> None:
    (checkout / "behaviour").write_text(f'[ "$2" = mkdocs ] && exit {mkdocs_code}; exit 0')
    assert bootstrap.main(["--no-install", "docs"], checkout) == expected
    assert calls(checkout) == ["-m mkdocs build --strict --quiet"]


def test_docs_without_its_extra_is_refused(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    hidden = checkout / "hidden"
    (hidden / "mkdocs").mkdir(parents=True)
    (hidden / "mkdocs" / "__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    shutil.rmtree(checkout / ".venv")
    assert bootstrap.main(["--no-install", "docs"], checkout) == 2
    (message,) = capfd.readouterr().err.splitlines()
    assert message.startswith("bootstrap: docs needs the extra 'docs'")


def test_test_runs_every_step_and_says_which_failed(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (checkout / "behaviour").write_text('[ "$2" = mypy ] && exit 1; exit 0')
    assert bootstrap.main(["--no-install", "test", "-k", "x"], checkout) == 1
    steps = ["ruff check .", "ruff format --check .", "mypy --strict", "pytest -n 2 -k x"]
    assert calls(checkout) == [f"-m {step}" for step in steps]
    captured = capfd.readouterr()
    assert "mypy --strict: FAILED after" in captured.out
    assert "ruff check .: passed after" in captured.out
    assert captured.err == "bootstrap: FAILED before the tests: mypy --strict\n"


@pytest.mark.parametrize(("pytest_code", "expected"), [(0, 0), (1, 1), (3, 1), (4, 2), (5, 2), (139, 1)])
def test_test_maps_the_exit_codes_of_pytest(checkout: Path, pytest_code: int, expected: int) -> None:
    (checkout / "behaviour").write_text(f'[ "$2" = pytest ] && exit {pytest_code}; exit 0')
    assert bootstrap.main(["--no-install", "test"], checkout) == expected


def test_all_adds_the_slow_tier_under_the_deep_profile(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYPOTHESIS_PROFILE", raising=False)
    (checkout / "behaviour").write_text('echo "profile=$HYPOTHESIS_PROFILE" >> calls')
    bootstrap.main(["--no-install", "test", "--all"], checkout)
    assert calls(checkout)[-2:] == ["-m pytest -n 2 -m slow or not slow", "profile=deep"]
    bootstrap.main(["--no-install", "test"], checkout)
    assert calls(checkout)[-2:] == ["-m pytest -n 2", "profile="]


def test_an_old_python_gets_a_message(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["verify"], checkout, version=(3, 8, 18)) == 2
    (message,) = capfd.readouterr().err.splitlines()
    assert message.startswith("bootstrap: Python must be 3.11 or later, found 3.8.18 ")
    ast.parse((bootstrap.ROOT / "bootstrap.py").read_text(), feature_version=(3, 8))


def test_an_interrupt_ends_cleanly(checkout: Path) -> None:
    (checkout / "behaviour").write_text("touch started; exec sleep 30")
    command = [sys.executable, str(checkout / "bootstrap.py"), "--no-install", "verify"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and not (checkout / "started").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "bootstrap: interrupted\n"
    assert len(calls(checkout)) == 1


def test_help_shows_every_command_with_an_example(capfd: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["--help"]) == 0
    text = capfd.readouterr().out
    for command in bootstrap.COMMANDS:
        assert f"python3 bootstrap.py {command}" in text
