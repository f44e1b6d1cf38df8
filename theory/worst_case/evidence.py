"""Evidence on worst cases: certificates checked in rationals, and values computed by a solver."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.certificates import Certificate, Problem, objections
from theory.worst_case.solver import EXTRA, REDUCED_GAP, Solved, missing


def proved(cases: Sequence[tuple[Problem, Certificate]], scope: str) -> Evidence:
    """HOLDS if every certificate proves its bound; REFUTED with the first that does not, and the objections to it."""
    for problem, certificate in cases:
        if told := objections(problem, certificate):
            witness = {
                "problem": problem.name,
                "bound": str(certificate.bound),
                "multipliers": {name: str(value) for name, value in certificate.multipliers.items()},
                "expected": "no objection",
                "measured": told,
            }
            return _certified(Status.REFUTED, f"{problem.name}: {told[0]}", scope, len(cases), witness)
    return _certified(Status.HOLDS, "no objection to any", scope, len(cases), None)


def _certified(
    status: Status, measured: str, scope: str, number: int, witness: Mapping[str, object] | None
) -> Evidence:
    return Evidence(
        what="multipliers that prove the bound: nonnegative, linear terms cancel, remainder positive semidefinite",
        method=Method.EXACT,
        guarantee=Guarantee.EXACT,
        status=status,
        expected="no objection to any",
        measured=measured,
        tolerance=None,
        tolerance_source="exact: no tolerance",
        scope=scope,
        witness=witness,
        details={"certificates": number},
    )


@dataclass(frozen=True)
class Row:
    """A worst case to solve, with its closed form (or another value that is known)."""

    name: str
    solve: Callable[[], Solved]
    expected: Fraction


def solved(rows: Sequence[Row]) -> Evidence:
    """CONSISTENT if the solver's values agree with the closed forms; INCONCLUSIVE where it is missing or gives up.

    Shown is the first row that disagrees, else the one with the largest difference.
    """
    if lack := missing():
        return _solver(Status.INCONCLUSIVE, "a value for every row", f"not run: {lack}", f"not run: {lack}", {})
    found = [(row, row.solve()) for row in rows]
    table = {row.name: {"solver": answer.value, "closed form": float(row.expected)} for row, answer in found}
    scope = f"{len(rows)} worst cases, from {rows[0].name} to {rows[-1].name}; solved by PEPit with CLARABEL"
    failed = [(row, answer) for row, answer in found if not answer.accepted]
    if failed:
        row, answer = failed[0]
        return _solver(Status.INCONCLUSIVE, float(row.expected), f"{row.name}: {answer.status}", scope, table)
    wrong = [(row, answer) for row, answer in found if _difference(row, answer) > answer.tolerance]
    row, answer = wrong[0] if wrong else max(found, key=lambda one: _difference(*one))
    status = Status.REFUTED if wrong else Status.CONSISTENT
    return _solver(status, float(row.expected), answer.value, scope, table, answer.tolerance, row.name)


def _difference(row: Row, answer: Solved) -> float:
    return abs(answer.value - float(row.expected))


def _solver(
    status: Status,
    expected: float | str,
    measured: float | str,
    scope: str,
    table: dict[str, dict[str, float]],
    tolerance: float | None = None,
    shown: str = "",
) -> Evidence:
    return Evidence(
        what=f"worst case computed by PEPit against the closed form{f': {shown}' if shown else ''}",
        method=Method.SOLVER,
        guarantee=Guarantee.EXACT,
        status=status,
        expected=expected,
        measured=measured,
        tolerance=tolerance,
        tolerance_source=f"{REDUCED_GAP:g} max(1, value): the gap up to which CLARABEL accepts an answer"
        if tolerance is not None
        else "",
        scope=scope,
        witness={"problem": shown, "expected": expected, "measured": measured, "table": table}
        if status is Status.REFUTED
        else None,
        details={"extra": EXTRA, "rows": table},
    )
