"""Certificates of worst cases: multipliers whose weighted sum of inequalities is the bound, checked in rationals.

A problem bounds a criterion over all functions of a class and all their trajectories. What is known of them are
inequalities c_i <= 0, affine in some scalars (function values) and quadratic in some vectors (steps, gradients); with
vectors of different blocks orthogonal. Multipliers m_i >= 0 prove criterion <= bound if

    remainder = sum_i m_i c_i - (criterion - bound)

has no scalar left, a constant >= 0, and a positive semidefinite quadratic part in every block: then remainder >= 0
whatever the vectors are, in any dimension, and criterion - bound = sum_i m_i c_i - remainder <= 0. Everything here is a
`Fraction`: a certificate without objections is a proof, for its one problem.

The method is performance estimation: Drori and Teboulle, Mathematical Programming 145, 2014; Taylor, Hendrickx and
Glineur, Mathematical Programming 161, 2017.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

Unit = tuple[int, str]
"""A basis vector, as (block, name); those of different blocks are orthogonal."""

Vector = Mapping[Unit, Fraction]
"""A linear combination of basis vectors."""


def combined(*terms: tuple[Fraction | int, Vector]) -> Vector:
    """The sum of coefficient times vector.

    >>> combined((2, {(0, "g"): Fraction(1)}), (-1, {(0, "g"): Fraction(1, 2)}))
    {(0, 'g'): Fraction(3, 2)}
    """
    total: dict[Unit, Fraction] = {}
    for coefficient, vector in terms:
        for unit, value in vector.items():
            total[unit] = total.get(unit, Fraction(0)) + coefficient * value
    return {unit: value for unit, value in total.items() if value}


@dataclass(frozen=True, eq=False)
class Form:
    """constant + sum of scalars[s] s + sum of products[u, v] <u, v>, with u <= v and both of one block."""

    constant: Fraction = Fraction(0)
    scalars: Mapping[str, Fraction] = field(default_factory=dict)
    products: Mapping[tuple[Unit, Unit], Fraction] = field(default_factory=dict)

    def __add__(self, other: "Form") -> "Form":
        return total([(1, self), (1, other)])

    def __sub__(self, other: "Form") -> "Form":
        return total([(1, self), (-1, other)])

    def __mul__(self, factor: Fraction | int) -> "Form":
        return total([(factor, self)])


def total(terms: Sequence[tuple[Fraction | int, Form]]) -> Form:
    """The sum of coefficient times form."""
    constant = Fraction(0)
    scalars: dict[str, Fraction] = {}
    products: dict[tuple[Unit, Unit], Fraction] = {}
    for coefficient, form in terms:
        constant += coefficient * form.constant
        for name, value in form.scalars.items():
            scalars[name] = scalars.get(name, Fraction(0)) + coefficient * value
        for pair, value in form.products.items():
            products[pair] = products.get(pair, Fraction(0)) + coefficient * value
    kept = {name: value for name, value in scalars.items() if value}
    return Form(constant, kept, {pair: value for pair, value in products.items() if value})


def number(value: Fraction | int) -> Form:
    """A constant."""
    return Form(Fraction(value))


def scalar(name: str) -> Form:
    """One of the unknown scalars."""
    return Form(scalars={name: Fraction(1)})


def inner(u: Vector, v: Vector) -> Form:
    """<u, v>; basis vectors of different blocks are orthogonal.

    >>> inner({(0, "g"): Fraction(2)}, {(0, "g"): Fraction(3), (1, "g"): Fraction(5)}).products
    {((0, 'g'), (0, 'g')): Fraction(6, 1)}
    """
    products: dict[tuple[Unit, Unit], Fraction] = {}
    for first, a in u.items():
        for second, b in v.items():
            if first[0] == second[0]:
                pair = (first, second) if first <= second else (second, first)
                products[pair] = products.get(pair, Fraction(0)) + a * b
    return Form(products=products)


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """The largest criterion subject to constraints[name] <= 0 for every name."""

    name: str
    criterion: Form
    constraints: Mapping[str, Form]


@dataclass(frozen=True, kw_only=True, eq=False)
class Certificate:
    """Multipliers of constraints, by name, that are to prove criterion <= bound; those left out are 0."""

    bound: Fraction
    multipliers: Mapping[str, Fraction]


def remainder(problem: Problem, certificate: Certificate) -> Form:
    """sum_i m_i c_i - (criterion - bound); KeyError for a multiplier of no constraint."""
    weighted: list[tuple[Fraction | int, Form]] = [
        (value, problem.constraints[name]) for name, value in certificate.multipliers.items()
    ]
    return total([*weighted, (-1, problem.criterion), (certificate.bound, number(1))])


def objections(problem: Problem, certificate: Certificate) -> list[str]:
    """Why the certificate does not prove its bound; none if it does.

    Cost: one elimination in rationals for every block, cubic in its basis vectors.
    """
    unknown = [name for name in certificate.multipliers if name not in problem.constraints]
    if unknown:
        return [f"a multiplier must belong to a constraint, found {unknown[0]!r}"]
    found = [
        f"multipliers must not be negative, found {value} for {name}"
        for name, value in certificate.multipliers.items()
        if value < 0
    ]
    left = remainder(problem, certificate)
    found += [f"the terms in {name} must cancel, found {value}" for name, value in left.scalars.items()]
    if left.constant < 0:
        found.append(f"the constant of the remainder must not be negative, found {left.constant}")
    for block, matrix in gram(left).items():
        if not is_positive_semidefinite(matrix):
            found.append(f"the remainder must be positive semidefinite, found otherwise in block {block}")
    return found


def gram(form: Form) -> dict[int, list[list[Fraction]]]:
    """The symmetric matrix of the quadratic part in every block, over the basis vectors that occur, sorted.

    >>> gram(inner({(0, "a"): Fraction(1)}, {(0, "b"): Fraction(1)}))
    {0: [[Fraction(0, 1), Fraction(1, 2)], [Fraction(1, 2), Fraction(0, 1)]]}
    """
    matrices = {}
    for block in sorted({pair[0][0] for pair in form.products}):
        pairs = {pair: value for pair, value in form.products.items() if pair[0][0] == block}
        basis = sorted({unit for pair in pairs for unit in pair})
        place = {unit: index for index, unit in enumerate(basis)}
        matrix = [[Fraction(0)] * len(basis) for _ in basis]
        for (u, v), value in pairs.items():
            matrix[place[u]][place[v]] += value / 2
            matrix[place[v]][place[u]] += value / 2
        matrices[block] = matrix
    return matrices


def is_positive_semidefinite(matrix: Sequence[Sequence[Fraction]]) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite, by exact elimination (L D L^T).

    A pivot below 0 says no. A pivot of 0 must have a row of zeros: else a 2 by 2 minor is negative. Otherwise the Schur
    complement decides.

    >>> is_positive_semidefinite([[Fraction(1), Fraction(1)], [Fraction(1), Fraction(1)]])
    True
    >>> is_positive_semidefinite([[Fraction(0), Fraction(1)], [Fraction(1), Fraction(5)]])
    False
    """
    rows = [list(row) for row in matrix]
    while rows:
        pivot, *head = rows[0]
        rest = rows[1:]
        if pivot < 0 or (pivot == 0 and any(head)):
            return False
        if pivot > 0:
            rest = [[a - row[0] * b / pivot for a, b in zip(row[1:], head, strict=True)] for row in rest]
        else:
            rest = [row[1:] for row in rest]
        rows = rest
    return True
