"""Every command of the four programs as typer knows it, and the examples in its help."""

import shlex
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer

PROGRAMS = ("amss_min", "theory", "simulations", "paper_figs")


def main(program: str) -> Callable[[list[str]], int]:
    """What `python -m PROGRAM` calls."""
    found: Callable[[list[str]], int] = import_module(f"{program}.__main__").main
    return found


def commands(program: str) -> dict[str, Any]:
    """Name -> command."""
    group: Any = typer.main.get_command(import_module(f"{program}.__main__").app)
    return dict(group.commands)


COMMANDS = tuple((program, command) for program in PROGRAMS for command in commands(program))
"""Every program with every command that it has."""


def examples(text: str) -> list[list[str]]:
    """The command lines under "Examples:", to the next empty line, in words."""
    _, found, rest = text.partition("\n  Examples:\n")
    assert found, "no examples"
    block = rest.split("\n\n")[0].replace("\\\n", " ")
    return [shlex.split(line) for line in block.split("\n")]
