"""Worst cases: closed forms against the stepwise bound and enumeration, the solver, and searched certificates."""

import subprocess
import sys
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from amss_min.testing import Method, Status
from theory.bounds import nonconvex_bound
from theory.certificates import Certificate, Problem, objections
from theory.claims import worst_case_masked_descent as masked
from theory.claims import worst_case_solved_gradient_descent as solved_gradient_descent
from theory.claims import worst_case_top_one as top_one
from theory.worst_case import attained, closed_forms, multipliers, problems, rounded, solver
from theory.worst_case.evidence import Row, proved, solved

ROOT = Path(__file__).resolve().parents[2]
SIZES = [(n, k, t) for n, k in ((1, 1), (2, 1), (3, 1), (3, 2), (8, 3)) for t in (1, 2, 3, 10)]
NOTHING = [(Fraction(1), [Fraction(1)])]


@pytest.mark.parametrize(("n", "k", "steps"), SIZES)
def test_the_masked_worst_case_is_the_stepwise_bound_without_noise(n: int, k: int, steps: int) -> None:
    limit = k / n
    bound = nonconvex_bound(np.array([float(steps)]), L=1.0, gap=1.0, stepsize=limit, factor=n / k, sigma2=0.0)
    # A power, a product and two quotients of numbers near 1 in float64: relative error below 2^-44 for T <= 10.
    assert bound[0] == pytest.approx(float(closed_forms.masked_average(steps, n, k)), rel=2.0**-44)


def test_the_values_of_the_table() -> None:
    assert [closed_forms.smallest_from_drop(n) for n in (1, 2, 3, 4)] == [Fraction(4, 3 * n) for n in (1, 2, 3, 4)]
    assert [str(closed_forms.smallest_from_gap(n)) for n in (1, 2, 3, 4)] == ["4/5", "1/2", "4/11", "2/7"]
    assert [closed_forms.masked_average(t, 1, 1) for t in (1, 2, 3, 4)] == [Fraction(2, t) for t in (1, 2, 3, 4)]
    assert [str(closed_forms.masked_average(t, 2, 1)) for t in (1, 2, 3)] == ["2", "3/2", "7/6"]
    assert [str(closed_forms.masked_average(2, 3, k)) for k in (1, 2)] == ["5/3", "4/3"]
    assert [str(closed_forms.biased_average(t, Fraction(1, 4), Fraction(0))) for t in (2, 4)] == ["5/4", "85/128"]
    assert [str(closed_forms.biased_average(t, Fraction(0), Fraction(1, 10))) for t in (1, 2, 4)] == [
        "2",
        "21/20",
        "23/40",
    ]
    assert [str(closed_forms.top_one_average(t, 2)) for t in (1, 2, 3)] == ["2", "3/2", "7/6"]


def test_courses_are_counted_up_to_the_names_of_the_blocks() -> None:
    assert [len(problems.courses(t, 2)) for t in (1, 2, 3, 4)] == [1, 1, 2, 4]
    assert problems.courses(4, 3) == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 2)]


def test_the_sawtooth_is_a_smooth_function_that_descent_crosses_at_slope_one() -> None:
    profile = attained.sawtooth(3)
    assert profile.smoothness == 1
    assert [profile.derivative(Fraction(-i, 2)) for i in range(-1, 10)] == [
        *[1, 1],
        *[Fraction(1, 2), 1] * 3,
        *[Fraction(1, 2), 0, 0],
    ]
    assert profile.drop(Fraction(0), Fraction(-3)) == Fraction(9, 4)
    assert profile.drop(Fraction(0), Fraction(-9)) == Fraction(9, 4) + Fraction(1, 2)


def test_the_average_on_the_half_square_against_every_course_of_the_masks() -> None:
    law = masked.law(3, 2)
    total, level = Fraction(0), [(Fraction(1), [Fraction(1)] * 3)]
    for _ in range(3):
        total += sum((p * sum(x * x for x in w) for p, w in level), Fraction(0))
        level = [
            (p * q, [x - Fraction(2, 3) * Fraction(m) * x for x, m in zip(w, mask, strict=True)])
            for p, w in level
            for q, mask in law
        ]
    assert total / 3 / Fraction(3, 2) == attained.masked_on_half_square(3, law, Fraction(2, 3))


def test_a_wrong_certificate_refutes_with_its_multipliers_as_the_witness() -> None:
    right = multipliers.gradient_descent(2, drop=False)
    wrong = Certificate(bound=right.bound, multipliers={**right.multipliers, "least(1)": Fraction(1)})
    evidence = proved([(problems.gradient_descent(2, drop=False), wrong)], "N = 2")
    assert evidence.status is Status.REFUTED and evidence.method is Method.EXACT
    witness = evidence.witness
    assert witness is not None and witness["multipliers"]["least(1)"] == "1"
    assert witness["measured"][0] == "the terms in smallest must cancel, found 5/8"
    assert evidence.measured == f"{witness['problem']}: {witness['measured'][0]}"


def answering(value: float, status: str = "optimal") -> solver.Solved:
    return solver.Solved(value, status)


def test_the_solver_can_refute_and_give_up_but_not_prove() -> None:
    pytest.importorskip("PEPit")
    half = Fraction(1, 2)
    near, far = partial(answering, 0.50004), partial(answering, 0.50006)
    assert solved([Row("a", near, half)]).status is Status.CONSISTENT
    assert solved([Row("a", near, half), Row("b", far, half)]).status is Status.REFUTED
    assert solved([Row("b", far, half)]).witness == {
        "problem": "b",
        "expected": 0.5,
        "measured": 0.50006,
        "table": {"b": {"solver": 0.50006, "closed form": 0.5}},
    }
    low = partial(answering, 0.1)
    assert solved([Row("a", low, half)]).status is Status.REFUTED
    given_up = solved([Row("a", partial(answering, 0.5, "user_limit"), half), Row("b", near, half)])
    assert given_up.status is Status.INCONCLUSIVE and given_up.measured == "a: user_limit"


def test_the_tolerance_is_that_of_the_solver() -> None:
    clarabel = pytest.importorskip("clarabel")
    settings = clarabel.DefaultSettings()
    assert solver.REDUCED_GAP == settings.reduced_tol_gap_abs == settings.reduced_tol_gap_rel
    assert answering(0.5).tolerance == solver.REDUCED_GAP and answering(-3.0).tolerance == 3 * solver.REDUCED_GAP


@pytest.mark.parametrize("package", ["PEPit", "clarabel"])
def test_without_the_extra_the_claim_is_inconclusive_and_says_what_to_install(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.functions", None)
    verdict = solved_gradient_descent.CLAIM.verify()
    assert verdict.status is Status.INCONCLUSIVE
    assert "extra 'worst-case'" in verdict.scope and "pip install" in verdict.scope and package in verdict.scope
    with pytest.raises(solver.MissingExtra, match="worst-case"):
        solver.masked_average(1, 1, 1)
    with pytest.raises(solver.MissingExtra, match="worst-case"):
        rounded.search(problems.gradient_descent(1, drop=True), Fraction(2))
    assert top_one.CLAIM.verify().status is Status.HOLDS


SEARCHED = [
    (problems.gradient_descent(2, drop=True), closed_forms.smallest_from_drop(2)),
    (problems.gradient_descent(3, drop=False), closed_forms.smallest_from_gap(3)),
    (problems.masked_descent(3, NOTHING, Fraction(1)), closed_forms.masked_average(3, 1, 1)),
    (problems.masked_descent(2, masked.law(2, 1), Fraction(1, 2)), closed_forms.masked_average(2, 2, 1)),
    (
        problems.biased_descent(2, Fraction(1, 4), Fraction(0)),
        closed_forms.biased_average(2, Fraction(1, 4), Fraction(0)),
    ),
]


@pytest.mark.parametrize(("problem", "value"), SEARCHED, ids=lambda item: getattr(item, "name", ""))
def test_a_solver_and_rounding_prove_the_value_with_slack(problem: Problem, value: Fraction) -> None:
    """An independent way to the same bounds: nothing of the closed-form multipliers enters."""
    pytest.importorskip("PEPit")
    certificate = rounded.search(problem, value * (1 + rounded.SLACK))
    assert objections(problem, certificate) == []
    assert all(value.denominator <= 10**30 for value in certificate.multipliers.values())


@pytest.mark.parametrize(("problem", "value"), SEARCHED[:3], ids=lambda item: getattr(item, "name", ""))
def test_no_certificate_is_found_below_the_value(problem: Problem, value: Fraction) -> None:
    pytest.importorskip("PEPit")
    with pytest.raises(rounded.NotFound):
        rounded.search(problem, value * (1 - rounded.SLACK))


def test_a_searched_certificate_survives_the_file() -> None:
    course = (0, 1)
    certificate = rounded.recorded()[course]
    entry = rounded.as_json(course, certificate)
    assert (entry["course"], Fraction(entry["bound"])) == ([0, 1], certificate.bound)
    assert {name: Fraction(value) for name, value in entry["multipliers"].items()} == certificate.multipliers


def test_every_course_at_three_and_four_steps_is_recorded() -> None:
    assert set(rounded.recorded()) == {course for t in (3, 4) for course in problems.courses(t, 2)}


@pytest.mark.slow
@pytest.mark.parametrize(("n", "k", "steps"), [(2, 1, 4), (3, 1, 3), (3, 2, 3), (4, 2, 2)])
def test_larger_trees_are_solved_to_the_closed_form(n: int, k: int, steps: int) -> None:
    pytest.importorskip("PEPit")
    answer = solver.masked_average(steps, n, k)
    assert answer.accepted
    assert abs(answer.value - float(closed_forms.masked_average(steps, n, k))) <= answer.tolerance


@pytest.mark.slow
@pytest.mark.parametrize(("n", "k", "steps"), [(2, 1, 5), (3, 1, 4), (3, 2, 4), (4, 2, 3)])
def test_larger_trees_are_proved(n: int, k: int, steps: int) -> None:
    law = masked.law(n, k)
    problem = problems.masked_descent(steps, law, Fraction(k, n))
    assert objections(problem, multipliers.masked_descent(steps, n, k, len(law))) == []


@pytest.mark.slow
@pytest.mark.parametrize("steps", [3, 4])
def test_the_recorded_bounds_lie_just_above_what_the_solver_finds(steps: int) -> None:
    """Dual values from above, certified bounds from above: within the slack of 1e-6 and the solver's tolerance."""
    pytest.importorskip("PEPit")
    for course in problems.courses(steps, 2):
        answer = solver.top_one_average(steps, 2, course)
        bound = float(rounded.recorded()[course].bound)
        assert abs(answer.value - bound) <= answer.tolerance + 1e-6 * bound


@pytest.mark.slow
def test_the_recorded_certificates_can_be_made_anew() -> None:
    """Multipliers are not unique. The bounds agree: two solves, each within 1e-8 max(1, value), rounded up by 1e-8."""
    pytest.importorskip("PEPit")
    anew = {tuple(entry["course"]): Fraction(entry["bound"]) for entry in rounded.entries((3, 4))}
    assert set(anew) == set(rounded.recorded())
    for course, certificate in rounded.recorded().items():
        assert abs(anew[course] - certificate.bound) <= Fraction(4, 10**8)


def test_the_theory_is_imported_without_the_extra() -> None:
    code = (
        "import sys, theory.claims, theory.worst_case.rounded; "
        "assert not {'PEPit', 'cvxpy', 'clarabel'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
