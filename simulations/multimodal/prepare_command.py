"""The command `python -m simulations prepare FORMAT RAW OUT`: raw files into a prepared folder."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from amss_min.testing.loading import BadInput
from simulations.console import complain, say
from simulations.multimodal.data.formats import FORMATS
from simulations.multimodal.data.prepared import Table, write_prepared
from simulations.multimodal.names import close_names
from simulations.multimodal.options import read_options

INTERRUPTED = 130


def prepare_command(name: str, raw: Path, out: Path, overrides: Sequence[str]) -> int:
    """Check every raw file, then write the prepared folder.

    name: in FORMATS. raw: the folder of raw files. out: the folder to write, new or empty. overrides: options of the
    format as NAME=VALUE, the value as TOML, else as text.
    Returns the exit code: 0; 2 for a bad name or option, and where a file is missing or broken, each named with its
    reason on standard error; 130 after Ctrl-C. Unless it is 0, nothing is left at `out`.
    """
    try:
        table = _prepared(name, raw, out, overrides)
    except BadInput as error:
        return _refused(str(error))
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        return _refused(f"cannot prepare {out}: {where}{error.strerror or error}")
    except KeyboardInterrupt:
        complain("interrupted: nothing was written")
        return INTERRUPTED
    say(f"written: {out}: {len(table.target)} rows, {', '.join(_described(table))}; {table.note}")
    return 0


def formats_text() -> str:
    """The formats with their files and options, for help."""
    blocks = []
    for name, one in FORMATS.items():
        options = ", ".join(f"{key}={field.default!r}" for key, field in one.Options.model_fields.items())
        blocks.append(f"{name}: {one.summary}\n  {one.layout.replace(chr(10), chr(10) + '  ')}\n  options: {options}")
    return "\n\n".join(blocks)


def _prepared(name: str, raw: Path, out: Path, overrides: Sequence[str]) -> Table:
    if name not in FORMATS:
        raise BadInput(f"no format {name!r}; did you mean {close_names(name, FORMATS)}?")
    one = FORMATS[name]
    try:
        options = one.Options(**read_options(one.Options, _given(overrides), f"the format {name!r}"))
    except ValueError as error:
        raise BadInput(str(error)) from error
    if not raw.is_dir():
        raise BadInput(f"the raw files must be in a folder, found none at {raw}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"the folder to write must be new or empty, found {out} with something in it")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("looking", total=None)
        table = one.plan(
            raw, options, lambda what, done, total: bars.update(bar, description=what, completed=done, total=total)
        )
        bars.reset(bar, description="writing rows", total=len(table.target))
        write_prepared(out, table, lambda: bars.advance(bar))
    return table


def _given(overrides: Sequence[str]) -> Mapping[str, Any]:
    given: dict[str, Any] = {}
    for override in overrides:
        key, sign, text = override.partition("=")
        if not sign or not key.strip():
            raise BadInput(f"an option is written NAME=VALUE, found {override!r}")
        try:
            given[key.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            given[key.strip()] = text.strip()
    return given


def _described(table: Table) -> list[str]:
    return [f"{name} {' x '.join(str(extent) for extent in column.shape)}" for name, column in table.columns.items()]


def _refused(message: str) -> int:
    complain(message)
    return 2
