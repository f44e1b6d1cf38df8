"""The command `audit [ID ...]`: our claims, at one of three levels."""

import time
from pathlib import Path

from amss_min.testing.files import STDOUT, json_to
from simulations.audit import EXPERIMENTS, audit, chosen, exit_code, leveled_scope, record, tasks
from simulations.console import progress, say, show, show_surprises, verdict_table, written_to
from simulations.experiments import Level
from simulations.results import check_writable, write_json
from theory.claims import CLAIMS


def audit_claims(ids: list[str], *, results: Path, seed: int, level: Level, json_file: Path | None = None) -> int:
    """Verify these claims (all without any), print the table of verdicts, and return the exit code.

    Writes the data of every experiment that ran to results/experiments/NAME.json, results/verdicts.json when all
    claims were asked for, and the verdicts asked for to `json_file`. Raises UnknownName and MissingExtra before the
    work, Unwritable, and Interrupted.
    """
    began = time.monotonic()
    claims = chosen(ids)
    folder, target = results / "experiments", results / "verdicts.json"
    with json_to(json_file) as write:
        with written_to(results):
            check_writable(folder)
        with progress("audit", len(tasks(claims, level=level))) as advance:
            found = audit(claims, root=seed, level=level, done=advance)
        records = [record(verdict, level) for verdict in found.verdicts]
        with written_to(results):
            for claim, measurement in found.measurements.items():
                experiment = EXPERIMENTS[claim]
                write_json(folder / f"{experiment.name}.json", experiment.record(measurement, seed))
            if not ids:
                write_json(target, records)
        write(records)
        show(verdict_table([(v, v.status.value, leveled_scope(v, level)) for v in found.verdicts]))
        show_surprises(found.verdicts)
        as_expected = sum(verdict.as_expected for verdict in found.verdicts)
        notes = [f"written: {target}" if not ids else f"a few of {len(CLAIMS)} claims: {target} is left as it is"]
        if json_file not in (None, STDOUT):
            notes.append(f"written: {json_file}")
        if not ids and len(claims) < len(CLAIMS):
            notes.append(f"{len(CLAIMS) - len(claims)} left out: their extra is not installed")
        told = f"{as_expected} of {len(claims)} claims as expected, {level.value} audit"
        say(f"{told}, {time.monotonic() - began:.0f} s; {'; '.join(notes)}")
    return exit_code(found.verdicts)
