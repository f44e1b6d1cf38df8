"""The tutorials do what they print: files and commands are taken from the pages, and the output compared."""

import importlib
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tutorial_pages import Commands, File, added, agrees, blocks, read, steps

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "tutorials"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md"))
EXPECTED = [
    "own-claim",
    "own-design",
    "own-estimator",
    "own-objective",
    "read-a-verdict",
    "training-loop",
    "verify-a-claim",
]
PACKAGES = ("amss_min", "theory", "simulations", "paper_figs")
SETUP = "python3 bootstrap.py run theory list\nsource .venv/bin/activate\nmkdir -p ../learn && cd ../learn\n"
Run = Callable[[str], tuple[str, int]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A reader's folder: where files are written, commands run, and modules found."""
    place = tmp_path / "learn"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    known = set(sys.modules)
    yield place
    for name in set(sys.modules) - known:
        if str(place) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def in_this_process(capsys: pytest.CaptureFixture[str]) -> Run:
    """Commands without a process each, whose start would take most of the time."""

    def run(command: str) -> tuple[str, int]:
        words = shlex.split(command)
        code = 0
        if words[:2] == ["mkdir", "-p"]:
            Path(words[2]).mkdir(parents=True, exist_ok=True)
        elif words[:2] == ["python", "-m"] and words[2] in PACKAGES:
            code = importlib.import_module(f"{words[2]}.__main__").main(words[3:])
        elif words[0] == "python" and words[1].endswith(".py") and len(words) == 2:
            runpy.run_path(words[1], run_name="__main__")
        else:
            raise ValueError(f"a console block must hold commands of this project or files, found {command!r}")
        seen = capsys.readouterr()
        return seen.out + seen.err, code

    return run


def in_a_shell(command: str) -> tuple[str, int]:
    """A command as a reader runs it, with this interpreter as `python` (every import from this checkout)."""
    paths = {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, **paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout, done.returncode


def follow(page: str, run: Run, *, slow: bool) -> int:
    """Do what the page says, in order; `slow` blocks too, if asked. Returns the number of blocks of commands run."""
    count = 0
    for step in steps(read(FOLDER / f"{page}.md")):
        if isinstance(step, File):
            Path(step.name).write_text(step.text, encoding="utf-8")
        elif slow or not step.slow:
            seen, code = "", 0
            for command in step.lines:
                if command == "echo $?":
                    seen += f"{code}\n"
                else:
                    output, code = run(command)
                    seen += output
            assert "echo $?" in step.lines or code in (0, 1), f"{step.lines}: exit code {code}: {seen}"
            assert step.output is None or agrees(step.output, seen), f"{step.lines}:\n{step.output}\nbut:\n{seen}"
            count += 1
    return count


def test_the_tutorials_are_those_promised() -> None:
    assert PAGES == EXPECTED


@pytest.mark.parametrize("page", EXPECTED)
def test_a_reader_gets_what_is_printed(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(page, in_this_process(capsys), slow=False) > 0


@pytest.mark.slow
@pytest.mark.parametrize("page", EXPECTED)
def test_a_reader_at_a_shell_gets_what_is_printed(page: str, folder: Path) -> None:
    assert follow(page, in_a_shell, slow=True) > 0


@pytest.mark.parametrize("page", EXPECTED)
def test_the_page_is_set_up_alike_and_whole(page: str) -> None:
    text = read(FOLDER / f"{page}.md")
    given = blocks(text)
    assert given[0] == ("sh", SETUP)
    commands = [step for step in steps(text) if isinstance(step, Commands)]
    assert all(step.output for step in commands if step.lines[0] != "mkdir -p results" or len(step.lines) > 1)
    assert text.count("```") == 2 * len(given)  # no fence is left open, or indented


@pytest.mark.parametrize("page", EXPECTED)
def test_links_lead_somewhere(page: str) -> None:
    text = read(FOLDER / f"{page}.md")
    local = [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in target]
    assert local
    assert [target for target in local if not (FOLDER / target).is_file()] == []


def test_the_lines_said_to_be_added_are_those_of_the_loop() -> None:
    page = read(FOLDER / "training-loop.md")
    (loop,) = [step.text for step in steps(page) if isinstance(step, File) and step.name == "loop.py"]
    new = added(page)
    assert len(new) == 2
    assert all(f"{line}\n" in loop for line in new)
    plain = "".join(line + "\n" for line in loop.splitlines() if line not in new)
    assert "amss" not in plain.split("for epoch in range")[1].split("clear, noisy, y = data()")[0]


def test_a_wrong_output_is_noticed() -> None:
    stated = "thinned: REFUTED\n...\n1\n"
    assert agrees(stated, "thinned: REFUTED\nbiased\n\n1\n")
    assert not agrees(stated, "thinned: CONSISTENT\nbiased\n1\n")
    assert not agrees(stated, "thinned: REFUTED\nbiased\n0\n")
    assert not agrees(stated, "thinned: REFUTED\nbiased\n1\nmore\n")


@pytest.mark.slow
def test_the_claim_becomes_one_of_ours(tmp_path: Path) -> None:
    """The steps inside a checkout, on a copy of it: the file, the two lines, and the commands; then its tooth bites."""
    page = read(FOLDER / "own-claim.md")
    (claim,) = [step.text for step in steps(page) if isinstance(step, File) and step.name == "weights_add_up.py"]
    for name in PACKAGES:
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "theory").unlink()
    subprocess.run(["cp", "-r", str(ROOT / "theory"), str(tmp_path)], check=True)
    (tmp_path / "theory" / "claims" / "weights_add_up.py").write_text(claim, encoding="utf-8")
    imported, listed, tooth = added(page)
    initial = tmp_path / "theory" / "claims" / "__init__.py"
    text = initial.read_text(encoding="utf-8").replace("import (\n", f"import (\n{imported}\n", 1)
    head, _, tail = text.rpartition("\n)\n")
    initial.write_text(f"{head}\n{listed}\n)\n{tail}", encoding="utf-8")

    (inside,) = [text for kind, text in blocks(page) if kind == "sh" and "theory show" in text]
    for command in inside.splitlines():
        done = subprocess.run(
            [sys.executable, *shlex.split(command)[1:]], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert "weights-add-up" in done.stdout
    biting = f"""
import sys
from amss_min import weightings
from tests.teeth.sampling import HT_KQ, Tooth
from tests.test_teeth import edited
from theory.claims import CLAIMS
tooth = ({tooth.strip().rstrip(",")})
setattr(tooth.owner, tooth.name, edited(vars(tooth.owner)[tooth.name], tooth.old, tooth.new))
(claim,) = [claim for claim in CLAIMS if claim.id == tooth.claim]
sys.stdout.write(claim.verify().status.value)
"""
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    done = subprocess.run([sys.executable, "-c", biting], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "REFUTED", done.stderr
