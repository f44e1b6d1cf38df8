"""The audit covers every empirical claim, in any number of processes, and its exit code says what happened."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from amss_min.testing import Evidence, Guarantee, Method, Status
from simulations import audit as module
from simulations.audit import EXPERIMENTS, Task, UnknownName, audit, chosen, exit_code, tasks, work
from theory.claims import CLAIMS
from theory.measurement import Run
from theory.verdict import Claim, Verdict

EMPIRICAL = [claim for claim in CLAIMS if claim.empirical]


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every experiment in a short form, with too few replicates to decide anything."""
    short = {
        claim: replace(found, cells=tuple(replace(c, replicates=4, checkpoints=(1, 2, 4)) for c in found.cells[:2]))
        for claim, found in EXPERIMENTS.items()
    }
    monkeypatch.setattr(module, "EXPERIMENTS", MappingProxyType(short))


def verdict(status: Status, expected: Status = Status.CONSISTENT) -> Verdict:
    evidence = Evidence(
        what="a number",
        method=Method.EXACT,
        guarantee=Guarantee.EXACT,
        status=status,
        expected=0.0,
        measured=0.0,
        tolerance=None,
        tolerance_source="",
        scope="here",
        witness={},
    )
    return Verdict(claim=replace(CLAIMS[0], expected_status=expected), evidence=(evidence,))


def test_every_empirical_claim_has_one_experiment_and_no_other_has() -> None:
    assert set(EXPERIMENTS) == {claim.id for claim in EMPIRICAL}
    assert all(experiment.claim == claim for claim, experiment in EXPERIMENTS.items())


def test_claims_are_chosen_in_their_own_order() -> None:
    assert chosen([]) == CLAIMS
    assert chosen([CLAIMS[3].id, CLAIMS[0].id, CLAIMS[3].id]) == (CLAIMS[0], CLAIMS[3])


def test_a_mistyped_id_names_the_close_ones() -> None:
    with pytest.raises(UnknownName, match="no claim 'nonconvex-bond'; did you mean 'nonconvex-bound'") as caught:
        chosen(["nonconvex-bond"])
    assert str(caught.value).endswith("?")
    with pytest.raises(UnknownName, match="no claim 'zzz'; there are "):
        chosen(["zzz"])


def test_tasks_cover_claims_and_cells_once() -> None:
    todo = tasks(CLAIMS, root=3)
    assert len(set(todo)) == len(todo)
    assert {task.claim for task in todo if task.cell is None} == {c.id for c in CLAIMS if not c.empirical}
    cells = [task for task in todo if task.cell is not None]
    assert len(cells) == sum(len(experiment.cells) for experiment in EXPERIMENTS.values())
    assert {task.root for task in cells} == {3}


def test_a_direct_claim_gets_its_own_verdict() -> None:
    claim = next(claim for claim in CLAIMS if claim.id == "released-entropy")
    found = audit([claim], workers=1)
    assert found.verdicts[0].as_json() == claim.verify().as_json()
    assert found.measurements == {}


@pytest.mark.usefixtures("brief")
def test_an_empirical_claim_is_given_its_runs_in_the_order_of_the_cells() -> None:
    counted = []
    found = audit(EMPIRICAL, root=2, workers=1, done=lambda: counted.append(1))
    assert len(counted) == 2 * len(EMPIRICAL)
    for claim in EMPIRICAL:
        runs = found.measurements[claim.id].runs
        cells = module.EXPERIMENTS[claim.id].cells
        assert [run.schedule or run.stepsize for run in runs] == [cell.stepsize for cell in cells]
        assert [run.noise for run in runs] == [cell.noise for cell in cells]
        assert all("--seed 2" in run.replay["command"] for run in runs)


@pytest.mark.slow
@pytest.mark.usefixtures("brief")
def test_processes_change_nothing() -> None:
    claims: list[Claim] = [claim for claim in CLAIMS if claim.id in ("released-entropy", "nonconvex-bound")]
    alone, together = (audit(claims, workers=workers) for workers in (1, 2))
    assert [v.as_json() for v in alone.verdicts] == [v.as_json() for v in together.verdicts]


def test_a_task_gives_a_run_or_evidence() -> None:
    cell = replace(EXPERIMENTS["quadratic-oracle"].cells[0], replicates=2, checkpoints=(1, 2))
    todo = [Task("quadratic-oracle", cell, 1), Task("released-entropy")]
    outcomes = work(todo, workers=1)
    assert isinstance(outcomes[todo[0]], Run)
    assert isinstance(outcomes[todo[1]], tuple)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ((Status.CONSISTENT, Status.CONSISTENT), 0),
        ((Status.CONSISTENT, Status.REFUTED), 1),
        ((Status.INCONCLUSIVE, Status.REFUTED), 1),
        ((Status.HOLDS, Status.CONSISTENT), 1),
        ((Status.CONSISTENT, Status.INCONCLUSIVE), 3),
    ],
)
def test_the_exit_code_says_what_happened(statuses: tuple[Status, ...], code: int) -> None:
    assert exit_code([verdict(status) for status in statuses]) == code


def test_an_expected_inconclusive_is_as_expected() -> None:
    assert exit_code([verdict(Status.INCONCLUSIVE, Status.INCONCLUSIVE)]) == 0


def test_nothing_audited_is_no_pass() -> None:
    with pytest.raises(ValueError, match="at least one verdict"):
        exit_code([])


@pytest.mark.slow
def test_the_whole_audit_is_as_expected_with_another_seed() -> None:
    found = audit(CLAIMS, root=20261123)
    assert exit_code(found.verdicts) == 0
