"""Every code block of the pages and of the README does what it says: it runs, or its commands exist.

Files and commands of the tutorials are run as they stand by `test_tutorials.py`; here their commands are looked up.
"""

import contextlib
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.code_blocks import COMMANDS, KINDS, blocks, commands, complaint

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_PYTHON = [path for path in PAGES if "tutorials" not in path.parts and "```python" in path.read_text("utf-8")]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def loader() -> list[tuple[torch.Tensor, ...]]:
    """Eight small batches of the two modalities of the README."""
    generator = torch.Generator().manual_seed(0)
    return [
        (
            torch.randn(16, 36, generator=generator),
            torch.randn(16, 16, generator=generator),
            torch.randint(7, (16,), generator=generator),
        )
        for _ in range(8)
    ]


def a_network() -> dict[str, Any]:
    """A classifier of two parts, and batches for it."""
    net = torch.nn.Sequential(torch.nn.Linear(36, 8), torch.nn.Linear(8, 7))
    batches = [(audio, target) for audio, _, target in loader()]
    return {"net": net, "modalities": {"lower": net[0], "upper": net[1]}, "loader": batches}


GIVEN = {"README.md": lambda: {"loader": loader()}, "docs/masks.md": a_network}
"""What a page supposes the reader to have: names that its blocks use and do not define."""


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_block_is_of_a_kind_that_is_checked(path: Path) -> None:
    page = path.read_text("utf-8")
    strange = [(block.line, block.kind) for block in blocks(page) if block.kind not in KINDS]
    assert strange == []
    assert len(blocks(page)) * 2 == len(re.findall(r"^ *(?:```|~~~)", page, re.MULTILINE))  # none is nested or open


@pytest.mark.parametrize("path", WITH_PYTHON, ids=name)
def test_python_runs_in_order_and_prints_what_is_stated(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        names: dict[str, Any] = {"__name__": "page", **GIVEN.get(name(path), dict)()}
        for block in blocks(path.read_text("utf-8")):
            if block.kind == "python":
                code = compile("\n" * block.line + block.text, name(path), "exec")
                with contextlib.redirect_stdout(io.StringIO()) as printed:
                    exec(code, names)
                if block.output is not None:
                    assert printed.getvalue() == block.output, f"{name(path)}, line {block.line}"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_toml_is_read(path: Path) -> None:
    for block in blocks(path.read_text("utf-8")):
        if block.kind == "toml":
            assert tomllib.loads(block.text)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_commands_exist_with_their_options(path: Path) -> None:
    found = [
        f"line {block.line}: {' '.join(words)}: {problem}"
        for block in blocks(path.read_text("utf-8"))
        if block.kind in COMMANDS
        for words in commands(block.text)
        if (problem := complaint(words, ROOT))
    ]
    assert found == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_commands_in_the_text_exist_with_their_options(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    found = [
        f"{span}: {problem}"
        for span in spans
        if re.match(r"(python -m (amss_min|theory|simulations|paper_figs)|python3 bootstrap\.py)\b", span)
        for words in commands(span)
        if (problem := complaint(words, ROOT))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python3 bootstrap.py verfy", "bootstrap.py has no command ['verfy']"),
        ("python3 bootstrap.py verify --quick", "verify takes no arguments"),
        ("python3 bootstrap.py test tests/nowhere.py", "no tests ['tests/nowhere.py']"),
        ("python3 bootstrap.py run theory shwo ht-unbiased", "python -m theory has no command 'shwo'"),
        ("python -m simulations audit --quik", "python -m simulations audit has no option --quik"),
        ("python -m simulations audit --level=deep", "python -m simulations audit has no option --level=deep"),
        ("python -m simulation audit", "no module 'simulation'"),
        ("pyhton -m theory list", "no program 'pyhton' is known here"),
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str, expected: str) -> None:
    (words,) = commands(command)
    assert str(complaint(words, ROOT)).startswith(expected)


def test_blocks_and_their_output_are_told_apart() -> None:
    page = "```python\nprint(1)\n```\n\n```text\n1\n```\n\nwords\n\n```text\nnot run\n```\n"
    assert [(block.kind, block.output) for block in blocks(page)] == [("python", "1\n"), ("text", None), ("text", None)]
    assert list(commands("a -x [ID ...] [--quick | --deep]  # why\nb \\\n  c && d")) == [
        ["a", "-x", "ID", "--quick", "--deep"],
        ["b", "c"],
        ["d"],
    ]
