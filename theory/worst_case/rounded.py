"""Certificates where no multipliers are known in closed form: found by a solver, rounded, checked in rationals.

Multipliers at the optimum lie on the boundary of what is allowed, and any rounding leaves it. So the bound is first
enlarged, by 1e-6 of itself as a rule; then there are multipliers that leave a margin t in every condition, and `search`
asks the solver for those with the largest t. They are rounded to multiples of 2^-40, the rounding errors of the scalar
terms are removed exactly (`_projected`), and `certificates.objections` decides, in rationals. Whoever doubts the search
need not look at it.

`search` needs the extra `worst-case`; `recorded` reads certificates found earlier and needs nothing.
"""

import importlib
import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from theory.certificates import Certificate, Form, Problem, gram, objections
from theory.worst_case import problems
from theory.worst_case.solver import MissingExtra, missing, top_one_average

SLACK = Fraction(1, 10**6)
GRID = 2**40
_DECIMALS = 10**8

RECORDED = Path(__file__).with_name("top_one.json")
"""Certificates of `problems.top_one` for two blocks, one an entry: course, bound, multipliers (fractions as text)."""


class NotFound(ArithmeticError):
    """No certificate came out of the search; the message holds the objections to what did."""


def recorded(path: Path = RECORDED) -> dict[tuple[int, ...], Certificate]:
    """The recorded certificates, by course."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {
        tuple(entry["course"]): Certificate(
            bound=Fraction(entry["bound"]),
            multipliers={name: Fraction(value) for name, value in entry["multipliers"].items()},
        )
        for entry in entries
    }


def as_json(course: Sequence[int], certificate: Certificate) -> dict[str, Any]:
    """An entry of the file that `recorded` reads; multipliers that are 0 are left out."""
    kept = {name: str(value) for name, value in certificate.multipliers.items() if value}
    return {"course": list(course), "bound": str(certificate.bound), "multipliers": kept}


def entries(steps: Sequence[int]) -> list[dict[str, Any]]:
    """The content of the file, made anew: for every course of two blocks the solver's value, with slack, rounded up."""
    found = []
    for course in (course for t in steps for course in problems.courses(t, 2)):
        value = top_one_average(len(course) + 1, 2, course).value
        bound = Fraction(math.ceil(Fraction(value) * (1 + SLACK) * _DECIMALS), _DECIMALS)
        found.append(as_json(course, search(problems.top_one(len(course) + 1, 2, course), bound)))
    return found


def search(problem: Problem, bound: Fraction) -> Certificate:
    """A certificate of criterion <= bound that has been checked, if the solver finds one.

    Raises MissingExtra without the extra, NotFound where the bound is too small or leaves too little room.
    Cost: a semidefinite program with one variable for every constraint of the problem.
    """
    if lack := missing():
        raise MissingExtra(lack)
    found = _projected(problem, {name: Fraction(round(v * GRID), GRID) for name, v in _solved(problem, bound).items()})
    certificate = Certificate(bound=bound, multipliers={name: value for name, value in found.items() if value})
    if told := objections(problem, certificate):
        raise NotFound(f"no certificate of {bound} was found for {problem.name}: {'; '.join(told)}")
    return certificate


def _solved(problem: Problem, bound: Fraction) -> dict[str, float]:
    """Multipliers with the largest margin t: m_i >= t, the constant >= t, the remainder's Gram matrices >= t."""
    cvxpy = importlib.import_module("cvxpy")
    names = list(problem.constraints)
    forms = [problem.constraints[name] for name in names]
    multipliers, margin = cvxpy.Variable(len(names)), cvxpy.Variable()

    def remaining(terms: Sequence[Fraction], own: Fraction) -> Any:
        return [float(term) for term in terms] @ multipliers - float(own)

    goal = problem.criterion
    scalars = sorted({name for form in [*forms, goal] for name in form.scalars})
    demands = [multipliers >= margin, margin <= 1]
    demands += [
        remaining([f.scalars.get(s, Fraction(0)) for f in forms], goal.scalars.get(s, Fraction(0))) == 0
        for s in scalars
    ]
    demands.append(remaining([f.constant for f in forms], goal.constant - bound) >= margin)
    everything = Form(products={pair: Fraction(1) for form in [*forms, goal] for pair in form.products})
    for block in gram(everything):
        basis = sorted({unit for pair in everything.products for unit in pair if unit[0] == block})
        matrix = cvxpy.Variable((len(basis), len(basis)), symmetric=True)
        demands.append(matrix - margin * np.eye(len(basis)) >> 0)
        for i, u in enumerate(basis):
            for j, v in enumerate(basis[: i + 1]):
                pair = (min(u, v), max(u, v))
                entry = remaining(
                    [f.products.get(pair, Fraction(0)) for f in forms], goal.products.get(pair, Fraction(0))
                )
                demands.append(matrix[i, j] * (1 if i == j else 2) == entry)
    cvxpy.Problem(cvxpy.Maximize(margin), demands).solve(solver="CLARABEL")
    if multipliers.value is None:
        raise NotFound(f"the solver found no multipliers for {problem.name} and the bound {bound}")
    return {name: float(value) for name, value in zip(names, multipliers.value, strict=True)}


def _projected(problem: Problem, rough: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """The nearest multipliers whose scalar terms cancel exactly: m - A^T y with A A^T y = A m - a."""
    scalars = sorted({name for form in [*problem.constraints.values(), problem.criterion] for name in form.scalars})
    rows = [{name: form.scalars[s] for name, form in problem.constraints.items() if s in form.scalars} for s in scalars]
    excess = [
        sum((row[name] * rough[name] for name in row), Fraction(0)) - problem.criterion.scalars.get(s, Fraction(0))
        for s, row in zip(scalars, rows, strict=True)
    ]
    products = [[sum((a[name] * b[name] for name in a if name in b), Fraction(0)) for b in rows] for a in rows]
    shift = _solution(products, excess)
    moved = dict(rough)
    for row, y in zip(rows, shift, strict=True):
        for name, value in row.items():
            moved[name] -= value * y
    return moved


def _solution(matrix: Sequence[Sequence[Fraction]], right: Sequence[Fraction]) -> list[Fraction]:
    """A solution x of matrix x = right, which has one, by Gauss and Jordan; 0 where x is free."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    done: list[int] = []
    for column in range(len(rows)):
        rank = len(done)
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        rows[rank] = [value / rows[rank][column] for value in rows[rank]]
        for i in range(len(rows)):
            if i != rank and rows[i][column]:
                factor = rows[i][column]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[rank], strict=True)]
        done.append(column)
    solution = [Fraction(0)] * len(rows)
    for rank, column in enumerate(done):
        solution[column] = rows[rank][-1]
    return solution
