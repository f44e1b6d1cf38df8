r"""AMSS descends in the norm of its own inclusion probabilities, up to a floor from their covariance with the noise.

Setting
-------
F L-smooth, g = grad F + noise with E |noise|^2 <= sigma^2, a 0/1 mask drawn with pi(g) from this same g. D = diag(E
pi_j), c_j = Cov(pi_j, g_j), kappa = sum_j c_j^2 / D_jj, d_min the least D_jj.

Claim
-----
For eta < d_min / L one step has

    E F(w_1) <= F(w) - (eta / 2) (1 - L eta / d_min) |grad F|_D^2 + (eta / 2) (kappa + L eta sigma^2),

from which theory.biased_bounds.self_importance_bound follows, with the floor sup kappa for small steps; kappa is at
most sigma^2 / (4 d_min). The constant of kappa is the least possible: where the mean field h = D grad F + c vanishes,
|grad F|_D^2 = kappa, and AMSS rests there. Proofs in theory/biased_bounds.py.

Assumptions
-----------
Smoothness, noise of mean zero and second moment sigma^2, fresh randomness, d_min > 0. The last one is an assumption on
the trajectory: with squared-gradient importance it can fail, and mixing with uniform guarantees it.

How it is checked
-----------------
Exact rationals: F = |w|^2 / 2 in the plane, noise of four atoms (2 with probability 1/5, -1/2 with 4/5, skewed; +-1),
the production sizes, Successive sampling of one unit and Indicator, all masks (`theory.readings`; the exact law of the
sizes that production computed, so that no tolerance is needed: the inequality holds for every law). Seven points, the
minimum among them, three steps up to nearly d_min / L, pure and mixed sizes. Then kappa against sigma^2 / (4 d_min).
The root of the mean field, bracketed by bisection to 2^-40 (`theory.mean_field`): |grad F|_D^2 passes through kappa
within the bracket.

What would refute it
--------------------
A mask that scales what it keeps; a covariance that is left out.

Source
------
Derived in theory/biased_bounds.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import torch

from amss_min.designs import Successive
from amss_min.importance import SquaredGradient
from amss_min.testing import Evidence, Status
from amss_min.weightings import Indicator
from theory import mean_field
from theory.assumptions import BOUNDED_VARIANCE, FRESH_RANDOMNESS, SMOOTH
from theory.biased_bounds import universal_bias
from theory.comparison import Comparison, dominance
from theory.moments import Number
from theory.readings import Reading, readings
from theory.sources import Source
from theory.verdict import Claim, Kind

Point = tuple[Fraction, Fraction]

_P = Fraction(1, 5)
_SIGMA2 = Fraction(2)
_MIXES = (0.0, 0.5)
_POINTS: tuple[Point, ...] = tuple(
    (Fraction(x), Fraction(y)) for x, y in ((0, 0), (1, 0), (-1, 0), (1, 1), (-2, 3), (-0.25, 0), (4, -0.5))
)
_PARTS = (Fraction(1, 16), Fraction(1, 2), Fraction(15, 16))
"""eta over d_min / L."""


@dataclass(frozen=True)
class _Field:
    """At one point: atoms of the gradient with their probability and the law of the mask; D and c of both units."""

    atoms: list[tuple[Fraction, Point, Reading]]
    D: Point
    c: Point

    @property
    def least(self) -> Fraction:
        """d_min at this point."""
        return min(self.D)

    @property
    def kappa(self) -> Fraction:
        """sum c_j^2 / D_jj."""
        return sum((c * c / d for c, d in zip(self.c, self.D, strict=True)), Fraction(0))

    def weighted(self, w: Point) -> Fraction:
        """|w|_D^2."""
        return sum((d * x * x for d, x in zip(self.D, w, strict=True)), Fraction(0))


def check() -> list[Evidence]:
    """One step at every point, the universal bound of kappa, and the place where the mean field stands still."""
    scope = f"plane, k = 1, {len(_POINTS)} points, pure and mixed sizes; proof in theory/biased_bounds.py"
    return [
        dominance(_descents(), what="E F(w_1) over all masks and atoms, against the descent inequality", scope=scope),
        dominance(_universal(), what="kappa, against sigma^2 / (4 d_min)", scope=scope),
        dominance(_resting(), what="|grad F|_D^2 and kappa on both sides of the root of the mean field", scope=scope),
    ]


def _field(w: Point, mix: float) -> _Field:
    atoms = []
    for (value, p), sign in product(mean_field.two_point(_P), (-1, 1)):
        g = (w[0] + value, w[1] + sign)
        norms = torch.tensor([abs(float(x)) for x in g], dtype=torch.float64)
        (reading,) = readings(Successive(), Indicator(), SquaredGradient(mix=mix)(norms), 1)
        atoms.append((p / 2, g, reading))
    D = [sum((p * reading.pi[j] for p, _, reading in atoms), Fraction(0)) for j in (0, 1)]
    h = [sum((p * reading.pi[j] * g[j] for p, g, reading in atoms), Fraction(0)) for j in (0, 1)]
    return _Field(atoms, (D[0], D[1]), (h[0] - D[0] * w[0], h[1] - D[1] * w[1]))


def _after(field: _Field, w: Point, stepsize: Fraction) -> Number:
    """E F(w_1), with the multipliers of production."""
    total: Number = Fraction(0)
    for p, g, reading in field.atoms:
        for probability, multipliers in reading.outcomes:
            for x, m, slope in zip(w, multipliers, g, strict=True):
                moved = x - stepsize * m * slope
                total += p * probability * moved * moved / 2
    return total


def _descents() -> Iterator[Comparison]:
    for w, mix in product(_POINTS, _MIXES):
        field = _field(w, mix)
        before = (w[0] ** 2 + w[1] ** 2) / 2
        for part in _PARTS:
            stepsize = part * field.least
            gain = stepsize / 2 * (1 - part) * field.weighted(w)
            drift = stepsize / 2 * (field.kappa + stepsize * _SIGMA2)
            yield Comparison(
                expected=before - gain + drift,
                measured=_after(field, w, stepsize),
                witness={**_witness(w, mix), "eta over d_min": str(part)},
            )


def _universal() -> Iterator[Comparison]:
    for w, mix in product(_POINTS, _MIXES):
        field = _field(w, mix)
        limit = Fraction(universal_bias(float(_SIGMA2))) / field.least
        yield Comparison(expected=limit, measured=field.kappa, witness=_witness(w, mix))


def _resting() -> Iterator[Comparison]:
    low, high = mean_field.root(_P)
    for w_1, beyond in ((low, True), (high, False)):
        w = (w_1, Fraction(0))
        field = _field(w, 0.0)
        larger, smaller = (field.weighted(w), field.kappa) if beyond else (field.kappa, field.weighted(w))
        yield Comparison(expected=larger, measured=smaller, witness=_witness(w, 0.0))


def _witness(w: Point, mix: float) -> dict[str, object]:
    return {"w": [str(x) for x in w], "mix": mix, "p": str(_P)}


CLAIM = Claim(
    id="self-importance-descent",
    statement=r"For a $0/1$ mask drawn from the same noisy gradient, with $D = \mathrm{diag}(E\pi_j)$, "
    r"$c_j = \mathrm{Cov}(\pi_j, g_j)$, $\kappa = \sum_j c_j^2 / D_{jj}$ and $\eta < d_{\min} / L$, "
    r"$E F(w_1) \leq F(w) - \frac{\eta}{2} (1 - L \eta / d_{\min}) \|\nabla F\|_D^2 + \frac{\eta}{2} (\kappa + L \eta "
    r"\sigma^2)$: AMSS has the floor $\kappa$, and where its mean field vanishes $\|\nabla F\|_D^2 = \kappa$.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="proof in theory/biased_bounds.py"),
    assumptions=(SMOOTH, BOUNDED_VARIANCE, FRESH_RANDOMNESS),
    expected_status=Status.HOLDS,
    check=check,
)
