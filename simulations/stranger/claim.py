"""The command `audit --claim FILE.py:CLAIM`: a stranger's claim, verified like ours."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from amss_min.testing import Evidence, Status
from amss_min.testing.files import json_to
from amss_min.testing.python_file import BadInput, object_of, one_line
from simulations.audit import exit_code, leveled_scope, record
from simulations.console import progress, say, show, show_surprises, verdict_table
from simulations.experiments import Experiment, Level
from theory.measurement import Measurement, Run
from theory.verdict import Claim, Verdict


def audit_claim(target: str, *, seed: int, level: Level, json_file: Path | None = None) -> int:
    """Verify the claim CLAIM of FILE.py, print its verdict, and return the exit code.

    An empirical claim is given the runs of EXPERIMENT in the same file. Everything runs in this process.
    Exit code as for our claims: 0 as expected, 1 refuted or otherwise unexpected, 3 inconclusive, which is where a
    check that breaks ends. Raises BadInput for anything that is no claim, and for an experiment that cannot be run.
    """
    torch.set_num_threads(1)
    began = time.monotonic()
    claim, experiment = loaded(target)
    asked = f"python -m simulations audit --claim {target} --seed {seed}"
    command = asked if level is Level.USUAL else f"{asked} --{level.value}"
    with json_to(json_file) as write:
        verdict = verified(claim, experiment, seed=seed, level=level, command=command)
        show(verdict_table([(verdict, verdict.status.value, leveled_scope(verdict, level))]))
        show_surprises([verdict])
        write([record(verdict, level)])
        code = exit_code([verdict])
        say(f"{'as expected' if code == 0 else 'not as expected'}, {time.monotonic() - began:.0f} s")
    return code


def loaded(target: str) -> tuple[Claim, Experiment | None]:
    """The claim, and for an empirical one its experiment; raises BadInput."""
    claim, name, module = object_of(target, "--claim")
    if not isinstance(claim, Claim):
        raise BadInput(f"--claim: {name} must be a theory.verdict.Claim, found {type(claim).__name__}")
    if not isinstance(claim.expected_status, Status) or not callable(claim.check):
        raise BadInput(
            f"--claim: {name} must have a Status as expected_status and a function as check, found otherwise"
        )
    if not claim.empirical:
        return claim, None
    experiment = getattr(module, "EXPERIMENT", None)
    if not isinstance(experiment, Experiment):
        found = "none" if experiment is None else type(experiment).__name__
        raise BadInput(
            f"--claim: {name} is empirical and needs an Experiment named EXPERIMENT beside it, found {found}"
        )
    if experiment.claim != claim.id:
        raise BadInput(f"--claim: EXPERIMENT must be that of {claim.id!r}, found one of {experiment.claim!r}")
    return claim, experiment


def verified(claim: Claim, experiment: Experiment | None, *, seed: int, level: Level, command: str) -> Verdict:
    """The verdict, after running the experiment where there is one; command: what repeats its runs."""
    if experiment is None:
        with progress(claim.id, 1):
            return replace(claim, check=_checked(claim)).verify()
    cells = experiment.at(level)
    runs: list[Run] = []
    with progress(claim.id, len(cells)) as advance:
        for number, cell in enumerate(cells, start=1):
            try:
                run = cell.run(seed)
                runs.append(replace(run, replay={**run.replay, "command": command}))
            except (Exception, SystemExit) as error:
                told = f"run {number} of {len(cells)} of EXPERIMENT raised {type(error).__name__}: {one_line(error)}"
                raise BadInput(f"--claim: {told}") from error
            advance()
        return replace(claim, check=_checked(claim)).verify(Measurement(runs=runs))


def _checked(claim: Claim) -> Callable[..., list[Evidence]]:
    """The check of a claim; what is no evidence, or ends Python, becomes an exception, which decides nothing."""

    def check(*measurement: Measurement) -> list[Evidence]:
        try:
            found = list(claim.check(*measurement))
        except SystemExit as error:
            raise RuntimeError("the check ends Python") from error
        for item in found:
            if not isinstance(item, Evidence):
                raise TypeError(f"a check must return Evidence, found {type(item).__name__}")
        return found

    return check
