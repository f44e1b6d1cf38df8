"""The commands of the theory: `python -m theory --help`."""

import difflib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

try:
    import torch
    import typer
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Table

    from amss_min.testing import Evidence, Status
    from theory.claims import CLAIMS
    from theory.verdict import Claim, Verdict
except ModuleNotFoundError as error:
    sys.stderr.write(f"python -m theory needs the extra 'study': found no package {error.name!r}\n")
    sys.exit(2)
except KeyboardInterrupt:
    sys.exit(130)

INTERRUPTED = 130
NEEDS_AUDIT = "needs audit"
_WIDE = 160
_COLOURS = {Status.HOLDS: "green", Status.CONSISTENT: "green", Status.INCONCLUSIVE: "yellow", Status.REFUTED: "red"}

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Claims to verify; all without any.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="A claim; see the command list.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the verdicts to this file.")]

app = typer.Typer(add_completion=False, rich_markup_mode=None, help="What must be true of a masked gradient.")


class UnknownClaim(KeyError):
    """An id that no claim has; the message offers the close ones."""

    def __str__(self) -> str:
        known = [claim.id for claim in CLAIMS]
        close = difflib.get_close_matches(self.args[0], known)
        told = f"did you mean {' or '.join(map(repr, close))}?" if close else "see python -m theory list"
        return f"no claim {self.args[0]!r}; {told}"


class MissingExtra(Exception):
    """A claim that was named needs packages that are not installed; the message says which."""


class Unwritable(Exception):
    """A file cannot be written; the message says which and why."""


@app.command(name="list")
def list_command() -> int:
    """List all claims: id, kind, expected status, and what decides on them.

    \b
    Example:
      python -m theory list
    """
    table = Table(title="claims")
    for heading in ("claim", "kind", "expected", "decided by"):
        table.add_column(heading, no_wrap=True)
    for claim in CLAIMS:
        by = "python -m simulations audit" if claim.empirical else "python -m theory verify"
        table.add_row(claim.id, claim.kind.value, claim.expected_status.value, by)
    _out().print(table)
    return 0


@app.command(name="show")
def show_command(id: Id) -> int:
    """Show a claim: statement, source, assumptions, how it is checked, and what would refute it.

    \b
    Example:
      python -m theory show ht-unbiased
    """
    (claim,) = _chosen([id])
    lines = [f"{claim.id} ({claim.kind.value}, expected {claim.expected_status.value})", "", claim.statement, ""]
    lines += [f"Source: {claim.source}"]
    lines += [f"Assumes {assumption.name}: {assumption.statement}" for assumption in claim.assumptions]
    lines += ["", (sys.modules[claim.check.__module__].__doc__ or "").strip()]
    if claim.empirical:
        lines += ["", f"{NEEDS_AUDIT}: python -m simulations audit {claim.id}"]
    _say("\n".join(lines))
    return 0


@app.command(name="verify")
def verify_command(ids: Ids = None, json_file: Json = None) -> int:
    """Verify the claims that need no simulation, and show status, scope and guarantee.

    Empirical claims are shown as "needs audit" and leave the exit code alone; so do claims whose extra is not
    installed, unless they are named. Claims that are named or do not end as expected are shown with their evidence.

    Exit code: 0 all as expected; 1 refuted or otherwise not as expected; 2 bad input; 3 nothing worse than
    inconclusive where something else was expected.

    \b
    Examples:
      python -m theory verify
      python -m theory verify ht-unbiased released-entropy
      python -m theory verify --json verdicts.json
    """
    began = time.monotonic()
    claims = _chosen(ids or [])
    if json_file is not None:
        _check_writable(json_file)
    for claim in claims if ids else ():
        if claim.missing:
            raise MissingExtra(f"claim {claim.id!r} {_needs(claim)}, found no {' and no '.join(claim.missing)}")
    verdicts = list(_verified([claim for claim in claims if not claim.empirical and not claim.missing]))
    _show_table(claims, verdicts)
    for verdict in verdicts:
        if ids or not verdict.as_expected:
            _show_evidence(verdict)
    if json_file is not None:
        _write(json_file, verdicts)
    _say(_summary(claims, verdicts, time.monotonic() - began))
    return exit_code(verdicts)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """0: all as expected (also where there is none). 3: only inconclusive ones differ. 1: anything else."""
    surprises = [verdict.status for verdict in verdicts if not verdict.as_expected]
    if not surprises:
        return 0
    return 3 if all(status is Status.INCONCLUSIVE for status in surprises) else 1


def _chosen(ids: Sequence[str]) -> tuple[Claim, ...]:
    known = {claim.id for claim in CLAIMS}
    for name in ids:
        if name not in known:
            raise UnknownClaim(name)
    return tuple(claim for claim in CLAIMS if not ids or claim.id in ids)


def _verified(claims: Sequence[Claim]) -> Iterator[Verdict]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("verify", total=len(claims))
        for claim in claims:
            progress.update(bar, description=claim.id)
            yield claim.verify()
            progress.advance(bar)


def _show_table(claims: Sequence[Claim], verdicts: Sequence[Verdict]) -> None:
    of = {verdict.claim.id: verdict for verdict in verdicts}
    table = Table(title="verdicts")
    for heading in ("claim", "status", "guarantee", "scope"):
        table.add_column(heading, no_wrap=heading != "scope")
    for claim in claims:
        verdict = of.get(claim.id)
        if verdict is None:
            waits, how = (
                (_needs(claim), "") if claim.missing else (NEEDS_AUDIT, f"python -m simulations audit {claim.id}")
            )
            table.add_row(claim.id, f"[dim]{waits}[/]", "", how)
            continue
        status = f"[{_COLOURS[verdict.status]}]{verdict.status.value}[/]"
        if not verdict.as_expected:
            status += f" [bold red](expected {claim.expected_status.value})[/]"
        table.add_row(claim.id, status, verdict.guarantee.value, _plain(verdict.scope))
    _out().print(table)


def _show_evidence(verdict: Verdict) -> None:
    _say(f"\n{verdict.claim.id}: {verdict.claim.statement}")
    for item in verdict.evidence:
        _say(f"  {item.status.value} ({item.method.value}): {item.what}")
        _say(f"    expected {item.expected}, measured {item.measured}{_tolerance(item)}")
        _say(f"    {item.scope}")
        if item.witness is not None:
            _say(f"    witness: {json.dumps(dict(item.witness), default=str)}")


def _tolerance(item: Evidence) -> str:
    if item.tolerance is None:
        return ""
    return f", tolerance {item.tolerance:.3g} ({item.tolerance_source})"


def _summary(claims: Sequence[Claim], verdicts: Sequence[Verdict], seconds: float) -> str:
    as_expected = sum(verdict.as_expected for verdict in verdicts)
    parts = [f"{as_expected} of {len(verdicts)} claims as expected"]
    lacking = sum(bool(claim.missing) for claim in claims)
    if waiting := len(claims) - len(verdicts) - lacking:
        parts.append(f"{waiting} left to the audit (python -m simulations audit)")
    if lacking:
        parts.append(f"{lacking} left out: their extra is not installed")
    if len(claims) < len(CLAIMS):
        parts.append(f"a run of {len(claims)} out of {len(CLAIMS)} claims")
    return f"{'; '.join(parts)}; {seconds:.1f} s"


def _needs(claim: Claim) -> str:
    return f"needs the extra {claim.extra!r}"


def _check_writable(path: Path) -> None:
    """Before the work and not after it."""
    reason = ""
    if path.is_dir():
        reason = "it is a folder"
    elif not path.parent.is_dir():
        reason = "there is no such folder"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        reason = "permission denied"
    if reason:
        raise Unwritable(f"cannot write to {path}: {reason}")


def _write(path: Path, verdicts: Sequence[Verdict]) -> None:
    try:
        path.write_text(json.dumps([verdict.as_json() for verdict in verdicts], indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Unwritable(f"cannot write to {path}: {error.strerror or error}") from error


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _out() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDE)


def _say(text: str) -> None:
    _out().print(text, markup=False, highlight=False, soft_wrap=True)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; every refusal is one line on standard error and exit code 2."""
    torch.set_num_threads(1)  # rows of eight units: threads would cost more than they do
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = int(app(given or ["--help"], prog_name="python -m theory", standalone_mode=False) or 0)
    except typer.TyperException as error:
        return _refused(" ".join(error.format_message().split()))
    except (UnknownClaim, MissingExtra, Unwritable) as error:
        return _refused(str(error))
    if code == INTERRUPTED:  # typer answers an interrupt with this code and no word
        _refused("interrupted: nothing was written")
    return code


def _refused(message: str) -> int:
    Console(stderr=True).print(message, markup=False, highlight=False, soft_wrap=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
