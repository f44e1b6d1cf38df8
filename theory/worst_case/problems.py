"""The worst-case problems as inequalities in rationals, for L = 1, F* = 0 and a gap of 1.

What a 1-smooth F >= 0 obeys at the points of a trajectory, with f = F(x) and g = grad F(x) (`_known`):

    lower(i):     |g_i|^2 / 2 <= f_i                      (one step of length 1 from x_i must stay above 0)
    smooth(i,j):  f_i >= f_j + <g_i + g_j, d> / 2 - |d|^2 / 4 + |g_i - g_j|^2 / 4,   d = x_i - x_j.

Proof of smooth(i,j): h = F + |x|^2 / 2 is convex and 2-smooth, so h_i >= h_j + <h'_j, d> + |h'_i - h'_j|^2 / 4 (the
convex function h - <h'_j, x> is least at x_j, and falls by at least |h'_i - h'_j|^2 / 4 in a step of length 1/2 from
x_i). Put in h = F + |x|^2 / 2, h' = g + x.

Basis vectors: the blocks of the gradients (and of the biases) at the points; w_0 = 0.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import Form, Problem, Vector, combined, inner, number, scalar, total
from theory.moments import Number, Outcome

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)


@dataclass(frozen=True, eq=False)
class Point:
    """A point of a trajectory: its place x, the gradient g there, by blocks; its value is the scalar f:name."""

    name: str
    place: Vector
    blocks: tuple[Vector, ...]

    @property
    def gradient(self) -> Vector:
        """The sum of the blocks."""
        return combined(*((1, block) for block in self.blocks))

    @property
    def value(self) -> Form:
        """F at this point."""
        return scalar(f"f:{self.name}")

    @property
    def energy(self) -> Form:
        """|grad F|^2 at this point."""
        return inner(self.gradient, self.gradient)


def point(name: str, place: Vector, blocks: int = 1) -> Point:
    """A point at this place, with an unknown gradient in so many blocks."""
    return Point(name, place, tuple({(block, f"g:{name}"): Fraction(1)} for block in range(blocks)))


def gradient_descent(steps: int, *, drop: bool) -> Problem:
    """The smallest |grad F|^2 at w_0 .. w_N with eta = 1: drop: F(w_0) - F(w_N) <= 1; else F(w_0) <= 1."""
    points = [point("0", {})]
    for t in range(steps):
        points.append(point(str(t + 1), combined((1, points[t].place), (-1, points[t].gradient))))
    least = {f"least({p.name})": scalar("smallest") - p.energy for p in points}
    gap = points[0].value - number(1)
    known = _smoothness(points) | least | ({"gap": gap - points[-1].value} if drop else _lower(points) | {"gap": gap})
    return Problem(
        name=f"gradient descent, N = {steps}, {'F(w_0) - F(w_N)' if drop else 'F(w_0) - F*'} <= 1",
        criterion=scalar("smallest"),
        constraints=known,
    )


def masked_descent(steps: int, law: Sequence[Outcome], stepsize: Fraction) -> Problem:
    """The average of E |grad F(w_t)|^2, t < T, with w <- w - eta M * g and M drawn afresh from this law in every step.

    law: probability and multipliers (n,) of every mask. Every course of the masks has its own points:
    len(law)^(T-1) at the end.
    """
    units = len(law[0][1])
    level, points = [(Fraction(1), point("0", {}, units))], []
    energies: list[tuple[Fraction | int, Form]] = []
    for t in range(steps):
        points += [p for _, p in level]
        energies += [(probability / steps, p.energy) for probability, p in level]
        if t < steps - 1:
            level = [
                (probability * Fraction(chance), _child(p, s, mask, stepsize))
                for probability, p in level
                for s, (chance, mask) in enumerate(law)
            ]
    gap = {"gap": points[0].value - number(1)}
    name = f"masked descent, {len(law)} masks of {units} units, T = {steps}"
    return Problem(name=name, criterion=total(energies), constraints=_known(points) | gap)


def _child(parent: Point, number_of_mask: int, mask: Sequence[Number], stepsize: Fraction) -> Point:
    moved = [(-stepsize * Fraction(multiplier), block) for multiplier, block in zip(mask, parent.blocks, strict=True)]
    return point(f"{parent.name}.{number_of_mask}", combined((1, parent.place), *moved), len(mask))


def biased_descent(steps: int, relative: Fraction, absolute: Fraction) -> Problem:
    """The average of |grad F(w_t)|^2, t < T, with w <- w - (g + b) and |b|^2 <= relative |g|^2 + absolute."""
    points, biases = [point("0", {})], {}
    for t in range(steps - 1):
        bias: Vector = {(0, f"b:{t}"): Fraction(1)}
        biases[f"bias({t})"] = inner(bias, bias) - points[t].energy * relative - number(absolute)
        points.append(point(str(t + 1), combined((1, points[t].place), (-1, points[t].gradient), (-1, bias))))
    gap = {"gap": points[0].value - number(1)}
    return Problem(
        name=f"biased descent, m = {relative}, zeta^2 = {absolute}, T = {steps}",
        criterion=total([(Fraction(1, steps), p.energy) for p in points]),
        constraints=_known(points) | biases | gap,
    )


def top_one(steps: int, n: int, course: Sequence[int]) -> Problem:
    """The average of |grad F(w_t)|^2, t < T, where step t moves block course[t] alone, the largest of n, with eta = 1.

    course: T - 1 blocks. The worst case of the method is the largest over all courses.
    """
    points, chosen = [point("0", {}, n)], {}
    for t, block in enumerate(course):
        blocks = points[t].blocks
        for other in set(range(n)) - {block}:
            larger = inner(blocks[block], blocks[block])
            chosen[f"chosen({t},{other})"] = inner(blocks[other], blocks[other]) - larger
        points.append(point(str(t + 1), combined((1, points[t].place), (-1, blocks[block])), n))
    gap = {"gap": points[0].value - number(1)}
    return Problem(
        name=f"largest of {n} blocks, T = {steps}, blocks {''.join(map(str, course))}",
        criterion=total([(Fraction(1, steps), p.energy) for p in points]),
        constraints=_known(points) | chosen | gap,
    )


def courses(steps: int, n: int) -> list[tuple[int, ...]]:
    """The courses of `top_one` up to the names of the blocks: a new block is the lowest that has not moved yet.

    >>> courses(3, 2)
    [(0, 0), (0, 1)]
    """
    every = itertools.product(range(n), repeat=steps - 1)
    return [one for one in every if all(block <= max(one[:t], default=-1) + 1 for t, block in enumerate(one))]


def _known(points: Sequence[Point]) -> dict[str, Form]:
    """Every inequality that smoothness and the lower bound 0 give at these points."""
    return _lower(points) | _smoothness(points)


def _lower(points: Sequence[Point]) -> dict[str, Form]:
    return {f"lower({p.name})": p.energy * HALF - p.value for p in points}


def _smoothness(points: Sequence[Point]) -> dict[str, Form]:
    return {f"smooth({p.name},{q.name})": _smooth(p, q) for p, q in itertools.permutations(points, 2)}


def _smooth(p: Point, q: Point) -> Form:
    apart = combined((1, p.place), (-1, q.place))
    summed, change = combined((1, p.gradient), (1, q.gradient)), combined((1, p.gradient), (-1, q.gradient))
    terms: list[tuple[Fraction | int, Form]] = [
        (1, q.value),
        (-1, p.value),
        (HALF, inner(summed, apart)),
        (-QUARTER, inner(apart, apart)),
        (QUARTER, inner(change, change)),
    ]
    return total(terms)
