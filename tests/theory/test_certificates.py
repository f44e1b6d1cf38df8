"""Certificates against numpy's eigenvalues, against real functions, and against every single wrong multiplier."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.certificates import (
    Certificate,
    Form,
    Problem,
    Unit,
    combined,
    gram,
    inner,
    is_positive_semidefinite,
    number,
    objections,
    remainder,
    scalar,
    total,
)
from theory.moments import Outcome
from theory.worst_case import multipliers, problems
from theory.worst_case.attained import Profile
from theory.worst_case.rounded import recorded

HALF = Fraction(1, 2)
MASKS: list[Outcome] = [(HALF, [2, 0]), (HALF, [0, 2])]
PLAIN: list[Outcome] = [(Fraction(1), [1])]
BIAS = (Fraction(1, 4), Fraction(1, 10))
PROVED: list[tuple[Problem, Certificate]] = [
    (problems.gradient_descent(2, drop=True), multipliers.gradient_descent(2, drop=True)),
    (problems.gradient_descent(3, drop=False), multipliers.gradient_descent(3, drop=False)),
    (problems.masked_descent(3, PLAIN, Fraction(1)), multipliers.masked_descent(3, 1, 1, 1)),
    (problems.masked_descent(3, MASKS, HALF), multipliers.masked_descent(3, 2, 1, 2)),
    (problems.biased_descent(3, *BIAS), multipliers.biased_descent(3, *BIAS)),
    (problems.top_one(2, 2, (0,)), multipliers.top_one(2, 2, (0,))),
]
EVERY_MULTIPLIER = [
    pytest.param(problem, certificate, name, id=f"{problem.name}: {name}")
    for problem, certificate in PROVED
    for name, value in certificate.multipliers.items()
    if value
]

small = st.fractions(min_value=-3, max_value=3, max_denominator=4)


@st.composite
def symmetric(draw: st.DrawFn) -> list[list[Fraction]]:
    """Symmetric matrices; half of them B B^T with fewer columns than rows, so that pivots vanish exactly."""
    n = draw(st.integers(1, 4))
    if draw(st.booleans()):
        rows = draw(st.lists(st.lists(small, min_size=2, max_size=2), min_size=n, max_size=n))
        matrix = [[sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0)) for v in rows] for u in rows]
        matrix[-1][-1] += draw(st.sampled_from([Fraction(0), Fraction(0), Fraction(-1, 8)]))
        return matrix
    upper = draw(st.lists(small, min_size=n * n, max_size=n * n))
    return [[upper[min(i, j) * n + max(i, j)] for j in range(n)] for i in range(n)]


def determinant(matrix: list[list[Fraction]]) -> Fraction:
    if not matrix:
        return Fraction(1)
    minors = ([row[:j] + row[j + 1 :] for row in matrix[1:]] for j in range(len(matrix)))
    return sum(((-1) ** j * matrix[0][j] * determinant(minor) for j, minor in enumerate(minors)), Fraction(0))


@given(symmetric())
def test_a_matrix_is_positive_semidefinite_iff_no_principal_minor_is_negative(matrix: list[list[Fraction]]) -> None:
    chosen = [c for size in range(1, len(matrix) + 1) for c in itertools.combinations(range(len(matrix)), size)]
    minors = [determinant([[matrix[i][j] for j in c] for i in c]) for c in chosen]
    assert is_positive_semidefinite(matrix) == (min(minors) >= 0)


def test_the_elimination_agrees_with_eigenvalues_on_a_larger_matrix() -> None:
    rng = np.random.default_rng(0)
    b = rng.integers(-3, 4, (7, 7))
    for shift in (0, 1):
        matrix = b @ b.T - shift * int(np.linalg.eigvalsh(b @ b.T)[0] + 1) * np.eye(7, dtype=int)
        exact = [[Fraction(int(value)) for value in row] for row in matrix]
        assert is_positive_semidefinite(exact) == (shift == 0)


@pytest.mark.parametrize(("problem", "certificate"), PROVED, ids=lambda item: getattr(item, "name", ""))
def test_the_certificate_has_no_objection(problem: Problem, certificate: Certificate) -> None:
    assert objections(problem, certificate) == []


@pytest.mark.parametrize(("problem", "certificate", "name"), EVERY_MULTIPLIER)
def test_a_changed_multiplier_is_refused(problem: Problem, certificate: Certificate, name: str) -> None:
    """A tight certificate has no room: a thousandth more or less of any of its multipliers breaks it."""
    for factor in (Fraction(999, 1000), Fraction(1001, 1000), Fraction(-1)):
        changed = {**certificate.multipliers, name: certificate.multipliers[name] * factor}
        assert objections(problem, Certificate(bound=certificate.bound, multipliers=changed))


@pytest.mark.parametrize(("problem", "certificate"), PROVED, ids=lambda item: getattr(item, "name", ""))
def test_a_smaller_bound_is_refused(problem: Problem, certificate: Certificate) -> None:
    smaller = Certificate(bound=certificate.bound * Fraction(999_999, 10**6), multipliers=certificate.multipliers)
    assert any("constant" in told for told in objections(problem, smaller))


def test_a_multiplier_of_no_constraint_is_refused() -> None:
    problem, certificate = PROVED[0]
    unknown = Certificate(bound=certificate.bound, multipliers={**certificate.multipliers, "smooth(0,9)": Fraction(1)})
    assert objections(problem, unknown) == ["a multiplier must belong to a constraint, found 'smooth(0,9)'"]


@pytest.mark.parametrize("course", recorded())
def test_every_multiplier_of_a_recorded_certificate_counts(course: tuple[int, ...]) -> None:
    certificate, problem = recorded()[course], problems.top_one(len(course) + 1, 2, course)
    assert objections(problem, certificate) == []
    for name, value in certificate.multipliers.items():
        changed = Certificate(bound=certificate.bound, multipliers={**certificate.multipliers, name: value + 1})
        assert objections(problem, changed), name


def test_forms_of_different_blocks_do_not_mix() -> None:
    one, other = {(0, "g"): Fraction(1)}, {(1, "g"): Fraction(1)}
    both = combined((1, one), (2, other))
    assert inner(both, both).products == {((0, "g"), (0, "g")): 1, ((1, "g"), (1, "g")): 4}
    assert sorted(gram(inner(both, both))) == [0, 1]
    assert total([(1, scalar("a")), (-1, scalar("a"))]).scalars == {}
    left = remainder(Problem(name="", criterion=scalar("a"), constraints={}), Certificate(bound=HALF, multipliers={}))
    assert left.constant == HALF and left.scalars == {"a": Fraction(-1)}
    assert (number(3) * 2 - number(1)).constant == 5


# Real functions: F = sum of one profile a block, with F' = 0 outside the knots, so that F is bounded.


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """1-smooth: knots a distance of 1/2 apart, changes of F' by at most 1/2, F' = 0 at both ends.

    F' rises and falls, so that F need not be convex.
    """
    heights = draw(st.lists(st.sampled_from([Fraction(i, 4) for i in range(-2, 3)]), min_size=3, max_size=7))
    slopes = [Fraction(0)]
    for change in heights:
        slopes.append(slopes[-1] + change)
    while slopes[-1]:
        slopes.append(slopes[-1] - max(-HALF, min(HALF, slopes[-1])))
    return Profile(tuple((Fraction(i, 2) - 2, slope) for i, slope in enumerate(slopes)))


def lowest(profile: Profile) -> Fraction:
    """Where F is least: at a knot or where F' crosses 0."""
    places = [x for x, _ in profile.knots]
    for (x, u), (y, v) in itertools.pairwise(profile.knots):
        if u * v < 0:
            places.append(x + (y - x) * u / (u - v))
    far = profile.knots[-1][0]
    return min(places, key=lambda x: profile.drop(far, far) - profile.drop(far, x))


class Values:
    """Numbers for the scalars and vectors of a problem, point by point."""

    def __init__(self, blocks: list[Profile], start: list[Fraction]) -> None:
        self.blocks, self.start = blocks, start
        self.scalars: dict[str, Fraction] = {}
        self.vectors: dict[Unit, Fraction] = {}

    def visit(self, name: str, w: list[Fraction]) -> list[Fraction]:
        gradient = [block.derivative(x) for block, x in zip(self.blocks, w, strict=True)]
        low = [lowest(block) for block in self.blocks]
        self.scalars[f"f:{name}"] = sum(
            (b.drop(x, y) if x >= y else -b.drop(y, x) for b, x, y in zip(self.blocks, w, low, strict=True)),
            Fraction(0),
        )
        self.vectors |= {(j, f"g:{name}"): g for j, g in enumerate(gradient)}
        return gradient

    def of(self, form: Form) -> Fraction:
        linear = sum((c * self.scalars[name] for name, c in form.scalars.items()), form.constant)
        return sum((c * self.vectors[u] * self.vectors[v] for (u, v), c in form.products.items()), linear)

    def scaled_bound(self, problem: Problem, certificate: Certificate) -> tuple[Fraction, Fraction]:
        """The criterion, and bound times the gap: the scaling of the closed forms at L = 1."""
        return self.of(problem.criterion), certificate.bound * (self.of(problem.constraints["gap"]) + 1)

    def broken(self, problem: Problem) -> list[str]:
        """Constraints that these numbers violate, but for the gap, which is a matter of scale."""
        return [name for name, form in problem.constraints.items() if name != "gap" and self.of(form) > 0]


starts = st.sampled_from([Fraction(i, 3) for i in range(-6, 7)])


@given(profiles(), starts, st.booleans())
def test_gradient_descent_on_a_function_obeys_every_constraint_and_the_bound(
    profile: Profile, start: Fraction, drop: bool
) -> None:
    values, w = Values([profile], [start]), start
    for t in range(4):
        w -= values.visit(str(t), [w])[0]
    values.scalars["smallest"] = min(values.vectors[0, f"g:{t}"] ** 2 for t in range(4))
    problem, certificate = problems.gradient_descent(3, drop=drop), multipliers.gradient_descent(3, drop=drop)
    assert values.broken(problem) == []
    measured, bound = values.scaled_bound(problem, certificate)
    assert measured <= bound


@given(profiles(), profiles(), starts, starts)
def test_masked_descent_on_a_function_obeys_every_constraint_and_the_bound(
    first: Profile, second: Profile, x: Fraction, y: Fraction
) -> None:
    values, level = Values([first, second], [x, y]), [("0", [x, y])]
    for _ in range(3):
        following = []
        for name, w in level:
            g = values.visit(name, w)
            following += [(f"{name}.0", [w[0] - g[0], w[1]]), (f"{name}.1", [w[0], w[1] - g[1]])]
        level = following
    problem, certificate = PROVED[3]
    assert values.broken(problem) == []
    measured, bound = values.scaled_bound(problem, certificate)
    assert measured <= bound


@given(profiles(), profiles(), starts, starts)
def test_top_one_on_a_function_obeys_every_constraint_and_both_bounds(
    first: Profile, second: Profile, x: Fraction, y: Fraction
) -> None:
    blocks, w, course = [first, second], [x, y], []
    for _ in range(2):
        g = [block.derivative(place) for block, place in zip(blocks, w, strict=True)]
        course.append(0 if abs(g[0]) >= abs(g[1]) else 1)
        w[course[-1]] -= g[course[-1]]
    swap = course[0]  # courses are told apart up to the names of the blocks
    blocks, w = (blocks[::-1], [y, x]) if swap else (blocks, [x, y])
    named = tuple(c ^ swap for c in course)
    values = Values(blocks, w)
    for t in range(3):
        g = values.visit(str(t), w)
        if t < 2:
            w = [place - g[j] * (j == named[t]) for j, place in enumerate(w)]
    problem = problems.top_one(3, 2, named)
    assert values.broken(problem) == []
    for certificate in (multipliers.top_one(3, 2, named), recorded()[named]):
        measured, bound = values.scaled_bound(problem, certificate)
        assert measured <= bound


@given(profiles(), starts, st.lists(st.sampled_from([Fraction(i, 2) for i in range(-2, 3)]), min_size=2, max_size=2))
def test_biased_descent_on_a_function_obeys_every_constraint_and_the_bound(
    profile: Profile, start: Fraction, sizes: list[Fraction]
) -> None:
    """b = size g / 2 has |b|^2 <= g^2 / 4, the relative bias of m = 1/4."""
    values, w = Values([profile], [start]), start
    for t in range(3):
        g = values.visit(str(t), [w])[0]
        if t < 2:
            values.vectors[0, f"b:{t}"] = sizes[t] * g / 2
            w -= g + sizes[t] * g / 2
    relative = (Fraction(1, 4), Fraction(0))
    problem, certificate = problems.biased_descent(3, *relative), multipliers.biased_descent(3, *relative)
    assert values.broken(problem) == []
    measured, bound = values.scaled_bound(problem, certificate)
    assert measured <= bound
