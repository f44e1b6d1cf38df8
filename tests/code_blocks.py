"""The fenced blocks of the documentation, and whether the commands in them exist.

A block is one of: python, run after those before it on the page; text right below a python block, the output of that
block; toml, which is read; diff; console, bash, sh or no language, which hold commands, one a line; text anywhere else,
which is what cannot run or be checked. A command that stands for several has [...], | and ... as manuals have them.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Any

import bootstrap

COMMANDS = ("console", "bash", "sh", "")
KINDS = ("python", "toml", "diff", "text", *COMMANDS)
SHELL = ("cd", "cp", "echo", "mkdir", "source")
"""Programs of every shell that the pages use; their options are not looked at."""

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOTATION = re.compile(r"[\[\]|]|\.\.\.")


@dataclass(frozen=True)
class Block:
    """kind: its language; text: what it holds; line: where it begins; output: what is stated right below, or None."""

    kind: str
    text: str
    line: int
    output: str | None


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    found = list(_FENCE.finditer(page))
    made = []
    for block, after in zip_longest(found, found[1:]):
        below = after is not None and after[1] == "text" and not page[block.end() : after.start()].strip()
        output = after[2] if after is not None and below and block[1] == "python" else None
        made.append(Block(block[1].strip(), block[2], page[: block.start()].count("\n") + 1, output))
    return made


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a block as words: lines joined at a backslash, comments and the notation of manuals left out."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in line.split("&&"):
            words = shlex.split(_NOTATION.sub(" ", part.removeprefix("$ ")), comments=True)
            if words:
                yield words


def complaint(words: list[str], root: Path) -> str | None:
    """Why a command cannot be: a program, a command of ours or an option that does not exist; else None."""
    program, *rest = words
    if program == "python3" and rest[:1] == ["bootstrap.py"]:
        return _of_bootstrap(rest[1:], root)
    if program == "python" and rest[:1] == ["-m"]:
        return _of_module(rest[1:], root)
    if program == "python" and len(rest) == 1 and rest[0].endswith(".py"):
        return None
    if program == ".venv/bin/python" and rest[:1] == ["-m"]:
        return _of_module(rest[1:], root)
    return None if program in SHELL else f"no program {program!r} is known here"


def _of_bootstrap(words: list[str], root: Path) -> str | None:
    words = words[1:] if words[:1] == ["--no-install"] else words
    if not words or words[0] not in bootstrap.COMMANDS:
        return None if words == ["--help"] else f"bootstrap.py has no command {words[:1]}"
    if words[0] == "run":
        return _of_module(words[1:], root)
    if words[0] == "test":
        gone = [word for word in words[1:] if word.startswith("tests/") and not (root / word.split("::")[0]).exists()]
        return f"no tests {gone}" if gone else None
    return f"{words[0]} takes no arguments" if words[1:] else None


def _of_module(words: list[str], root: Path) -> str | None:
    name, *rest = words
    if name in ("pip", "pytest", "build", "mkdocs"):
        return None
    if not (root / name.replace(".", "/")).exists():
        return f"no module {name!r}"
    command, path = _command(name), f"python -m {name}"
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return f"{path} has no command {rest[0]!r}, but {', '.join(command.commands)}"
        command, path = command.commands[rest[0]], f"{path} {rest[0]}"
        rest = rest[1:]
    known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
    known.add("--help")
    strange = [word for word in rest if word.startswith("-") and word.split("=")[0] not in known]
    return f"{path} has no option {', '.join(strange)}" if strange else None


@cache
def _command(package: str) -> Any:
    from typer.main import get_command

    return get_command(import_module(f"{package}.__main__").app)
