"""The commands of the theory: `python -m theory --help`."""

import difflib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

try:
    import torch
    import typer
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Table

    from amss_min.testing import Evidence, Status
    from amss_min.testing.console import COLOURS, complain, plain, say, show
    from amss_min.testing.files import Unwritable, json_to
    from theory.claims import CLAIMS
    from theory.verdict import Claim, Verdict
except ModuleNotFoundError as error:
    sys.stderr.write(f"python -m theory needs the extra 'study': found no package {error.name!r}\n")
    sys.exit(2)
except KeyboardInterrupt:
    sys.exit(130)

INTERRUPTED = 130
NEEDS_AUDIT = "needs audit"
AUDIT, VERIFY = "python -m simulations audit", "python -m theory verify"

HELP = """What must be true of a masked gradient: claims, each with its source, its
assumptions and a check.

Claims that need runs are decided by python -m simulations audit.

Exit codes: 0 as expected; 1 refuted or otherwise unexpected; 2 bad input;
3 inconclusive; 130 interrupted.

\b
Examples:
  python -m theory list
  python -m theory show ht-unbiased
  python -m theory verify ht-unbiased
"""

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Claims to verify; all without any.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="A claim; see the command list.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write what is listed to this file; -: standard output.")
]

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=HELP)


class UnknownClaim(KeyError):
    """An id that no claim has; the message offers the close ones."""

    def __str__(self) -> str:
        known = [claim.id for claim in CLAIMS]
        close = difflib.get_close_matches(self.args[0], known)
        told = f"did you mean {' or '.join(map(repr, close))}?" if close else "see python -m theory list"
        return f"no claim {self.args[0]!r}; {told}"


class MissingExtra(Exception):
    """A claim that was named needs packages that are not installed; the message says which."""


@app.command(name="list", short_help="List all claims.")
def list_command(json_file: Json = None) -> int:
    """List all claims: id, kind, expected status, and what decides on them.

    Reads nothing; writes --json alone: a list of {id, statement, kind, source, expected_status, decided_by}.

    Exit code: 0; 2 bad input; 130 interrupted.

    \b
    Examples:
      python -m theory list
      python -m theory list --json -
    """
    table = Table(title="claims", caption=f"audit: {AUDIT}; verify: {VERIFY}")
    for heading in ("claim", "kind", "expected", "decided by"):
        table.add_column(heading, no_wrap=True)
    records = []
    for claim in CLAIMS:
        by = AUDIT if claim.empirical else VERIFY
        cells = {"id": claim.id, "kind": claim.kind.value, "expected_status": claim.expected_status.value}
        table.add_row(*cells.values(), by.split()[-1])
        records.append({**cells, "statement": claim.statement, "source": str(claim.source), "decided_by": by})
    with json_to(json_file) as write:
        show(table)
        write(records)
    return 0


@app.command(name="show", short_help="Show a claim: statement, source, assumptions, check.")
def show_command(id: Id) -> int:
    """Show a claim: statement, source, assumptions, how it is checked, and what would refute it.

    Runs nothing and writes nothing.

    Exit code: 0; 2 bad input, as an ID that no claim has (close ones are offered); 130 interrupted.

    \b
    Examples:
      python -m theory show ht-unbiased
    """
    (claim,) = _chosen([id])
    lines = [f"{claim.id} ({claim.kind.value}, expected {claim.expected_status.value})", "", claim.statement, ""]
    lines += [f"Source: {claim.source}"]
    lines += [f"Assumes {assumption.name}: {assumption.statement}" for assumption in claim.assumptions]
    lines += ["", (sys.modules[claim.check.__module__].__doc__ or "").strip()]
    if claim.empirical:
        lines += ["", f"{NEEDS_AUDIT}: {AUDIT} {claim.id}"]
    say("\n".join(lines))
    return 0


@app.command(name="verify", short_help="Verify the claims that need no simulation.")
def verify_command(ids: Ids = None, json_file: Json = None) -> int:
    """Verify the claims that need no simulation, and show status, scope and guarantee.

    Empirical claims are shown as "needs audit" and leave the exit code alone; so do claims whose extra is not
    installed, unless they are named. Claims that are named or do not end as expected are shown with their evidence.

    Reads no file; writes --json alone: a list of {id, statement, kind, source, status, expected_status, scope,
    guarantee, evidence}, a verdict each. Of a claim that was not verified status, scope, guarantee and evidence are
    null, and `waits` says for what.

    Exit code: 0 all as expected; 1 refuted or otherwise not as expected; 2 bad input; 3 nothing worse than
    inconclusive where something else was expected; 130 interrupted.

    \b
    Examples:
      python -m theory verify
      python -m theory verify ht-unbiased released-entropy
      python -m theory verify --json verdicts.json
    """
    began = time.monotonic()
    claims = _chosen(ids or [])
    for claim in claims if ids else ():
        if claim.missing:
            raise MissingExtra(f"claim {claim.id!r} {_needs(claim)}, found no {' and no '.join(claim.missing)}")
    with json_to(json_file) as write:
        verdicts = list(_verified([claim for claim in claims if not claim.empirical and not claim.missing]))
        of = {verdict.claim.id: verdict for verdict in verdicts}
        _show_table(claims, of)
        for verdict in verdicts:
            if ids or not verdict.as_expected:
                _show_evidence(verdict)
        write([of[claim.id].as_json() if claim.id in of else _waiting(claim) for claim in claims])
        say(_summary(claims, verdicts, time.monotonic() - began))
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
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("verify", total=len(claims))
        for claim in claims:
            progress.update(bar, description=claim.id)
            yield claim.verify()
            progress.advance(bar)


def _show_table(claims: Sequence[Claim], of: Mapping[str, Verdict]) -> None:
    table = Table(title="verdicts")
    for heading in ("claim", "status", "guarantee", "scope"):
        table.add_column(heading, no_wrap=heading != "scope")
    for claim in claims:
        verdict = of.get(claim.id)
        if verdict is None:
            how = "" if claim.missing else f"{AUDIT} {claim.id}"
            table.add_row(claim.id, f"[dim]{_waits(claim)}[/]", "", how)
            continue
        status = f"[{COLOURS[verdict.status]}]{verdict.status.value}[/]"
        if not verdict.as_expected:
            status += f" [bold red](expected {claim.expected_status.value})[/]"
        table.add_row(claim.id, status, verdict.guarantee.value, plain(verdict.scope))
    show(table)


def _waiting(claim: Claim) -> dict[str, Any]:
    """What stands in place of a verdict."""
    about = {"id": claim.id, "statement": claim.statement, "kind": claim.kind.value, "source": str(claim.source)}
    about |= {"expected_status": claim.expected_status.value, "waits": _waits(claim)}
    return {**about, **dict.fromkeys(("status", "scope", "guarantee", "evidence"))}


def _show_evidence(verdict: Verdict) -> None:
    say(f"\n{verdict.claim.id}: {verdict.claim.statement}")
    for item in verdict.evidence:
        say(f"  {item.status.value} ({item.method.value}): {item.what}")
        say(f"    expected {item.expected}, measured {item.measured}{_tolerance(item)}")
        say(f"    {item.scope}")
        if item.witness is not None:
            say(f"    witness: {json.dumps(dict(item.witness), default=str)}")


def _tolerance(item: Evidence) -> str:
    if item.tolerance is None:
        return ""
    return f", tolerance {item.tolerance:.3g} ({item.tolerance_source})"


def _summary(claims: Sequence[Claim], verdicts: Sequence[Verdict], seconds: float) -> str:
    as_expected = sum(verdict.as_expected for verdict in verdicts)
    parts = [f"{as_expected} of {len(verdicts)} claims as expected"]
    lacking = sum(bool(claim.missing) for claim in claims)
    if waiting := len(claims) - len(verdicts) - lacking:
        parts.append(f"{waiting} left to the audit ({AUDIT})")
    if lacking:
        parts.append(f"{lacking} left out: their extra is not installed")
    if len(claims) < len(CLAIMS):
        parts.append(f"a run of {len(claims)} out of {len(CLAIMS)} claims")
    return f"{'; '.join(parts)}; {seconds:.1f} s"


def _waits(claim: Claim) -> str:
    return _needs(claim) if claim.missing else NEEDS_AUDIT


def _needs(claim: Claim) -> str:
    return f"needs the extra {claim.extra!r}"


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
    complain(message)
    return 2


if __name__ == "__main__":
    sys.exit(main())
