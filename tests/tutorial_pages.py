"""What a tutorial page holds: files to write, commands to run, and the output that it states.

A fenced block is one of these:

- python or toml: a file; its first line is a comment with the name.
- console: commands that end within a few seconds; bash: commands that take longer.
- text: the output of the commands in the block before it, where "..." stands for anything, and a line of nothing
  else for any number of lines.
- diff: what is added to a file; sh: set-up, and steps inside a checkout.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w-]+\.(?:py|toml))\n")
KINDS = {"python", "toml", "console", "bash", "text", "diff", "sh"}


@dataclass(frozen=True)
class File:
    """A block that is written to a file of this name."""

    name: str
    text: str


@dataclass(frozen=True)
class Commands:
    """A block of commands, one a line, with the output that the page states (None: any)."""

    lines: tuple[str, ...]
    output: str | None
    slow: bool


def blocks(page: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page in order: kind and text."""
    return [(found[1], found[2]) for found in FENCE.finditer(page)]


def steps(page: str) -> list[File | Commands]:
    """What a reader does, in order. Raises ValueError for a block that is none of the kinds above."""
    given = blocks(page)
    found: list[File | Commands] = []
    for number, (kind, text) in enumerate(given):
        before = given[number - 1][0] if number else ""
        after = given[number + 1] if number + 1 < len(given) else ("", "")
        if kind not in KINDS or (kind == "text" and before not in ("console", "bash")):
            raise ValueError(
                f"a block must be one of {sorted(KINDS)}, and text follow commands, found {kind!r}: {text}"
            )
        if kind in ("python", "toml"):
            name = NAMED.match(text)
            if name is None:
                raise ValueError(f"a file must begin with a comment that names it, found {text.splitlines()[0]!r}")
            found.append(File(name[1], text))
        elif kind in ("console", "bash"):
            lines = tuple(line for line in text.splitlines() if line)
            found.append(Commands(lines, after[1] if after[0] == "text" else None, slow=kind == "bash"))
    return found


def added(page: str) -> list[str]:
    """The lines that the differences of a page add, without the sign."""
    return [line[1:] for kind, text in blocks(page) if kind == "diff" for line in text.splitlines() if line[:1] == "+"]


def agrees(stated: str, seen: str) -> bool:
    """Whether an output is as stated, line by line, up to spaces at the ends of lines.

    >>> agrees("a ... c\\n...\\nz", "a b c\\n1\\n2\\nz  \\n")
    True
    >>> agrees("a\\nc", "a\\nb\\nc")
    False
    """
    parts = []
    for line in stated.splitlines():
        if line.strip() == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(r"[^\n]*".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*\n")
    lines = "".join(line.rstrip() + "\n" for line in seen.splitlines())
    return re.fullmatch("".join(parts), lines) is not None


def read(path: Path) -> str:
    """The text of a page."""
    return path.read_text(encoding="utf-8")
