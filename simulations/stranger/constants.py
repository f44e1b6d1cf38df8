r"""The constants of a stranger's objective as claims: each is searched for points that contradict it.

A search refutes and proves nothing: a constant that withstands it is CONSISTENT, "not contradicted by N points".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from amss_min.testing import Evidence, Guarantee, Method, Status
from simulations.objectives import Objective
from simulations.stranger.pl_search import PLFinding, refute_pl
from theory.falsification import Finding, refute_lower_bound, refute_smoothness
from theory.sources import Source
from theory.verdict import Claim, Kind, Verdict

_LARGE = 2.0**500

Search = Callable[[Objective, int], Finding | PLFinding]


@dataclass(frozen=True)
class Constant:
    """A stated constant: how it is called, what it says, and the search for a contradiction."""

    name: str
    claim: str
    statement: str
    search: Search


L = Constant(
    "L",
    "smoothness-constant",
    r"$L$ is a smoothness constant of this objective: $\|\nabla F(x) - \nabla F(y)\| \leq L \|x - y\|$.",
    refute_smoothness,
)
F_STAR = Constant(
    "f_star",
    "lower-bound-of-objective",
    r"$F^*$ is a lower bound of this objective: $F(x) \geq F^*$.",
    refute_lower_bound,
)
MU = Constant(
    "mu",
    "pl-constant",
    r"$\mu$ is a Polyak-Lojasiewicz constant of this objective: $\frac12 \|\nabla F(x)\|^2 \geq \mu (F(x) - F^*)$.",
    refute_pl,
)


@dataclass(frozen=True)
class Searched:
    """A constant with its finding and the verdict on it."""

    constant: Constant
    finding: Finding | PLFinding
    verdict: Verdict

    @property
    def refuted(self) -> bool:
        """Whether a point contradicts the constant."""
        return self.finding.refuted


def searched(constant: Constant, objective: Objective, seed: int, replay: dict[str, Any]) -> Searched:
    """Search for a contradiction; replay: what repeats it, kept in the witness with the points."""
    finding = constant.search(_Moderate(objective), seed)
    points = [list(point) for point in (finding.at if isinstance(finding, Finding) else (finding.at,))]
    status = Status.REFUTED if finding.refuted else Status.CONSISTENT
    evidence = Evidence(
        what=finding.sentence(),
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.EXACT if finding.refuted else Guarantee.TRUNCATED,
        status=status,
        expected=finding.stated,
        measured=finding.found,
        tolerance=finding.error if isinstance(finding, Finding) else None,
        tolerance_source="what rounding may have moved the measured value by" if isinstance(finding, Finding) else "",
        scope=f"contradicted by the witness, found among {finding.points} points"
        if finding.refuted
        else _withstood(finding),
        witness={**replay, "constant": constant.name, "points": points} if finding.refuted else None,
        details={"points": finding.points},
    )
    claim = Claim(
        id=constant.claim,
        statement=constant.statement,
        kind=Kind.INEQUALITY,
        source=Source(kind="derived", reference="a search for a contradiction", place="simulations/stranger"),
        assumptions=(),
        expected_status=Status.CONSISTENT,
        check=lambda: (evidence,),
    )
    return Searched(constant, finding, Verdict(claim=claim, evidence=(evidence,)))


class _Moderate(Objective):
    """An objective whose numbers count as not finite where their squares would overflow.

    A quotient of norms is infinite there, and a search that follows the largest one would see nothing else.
    """

    def __init__(self, of: Objective) -> None:
        self._of = of

    @property
    def name(self) -> str:
        return self._of.name

    @property
    def L(self) -> float:
        return self._of.L

    @property
    def f_star(self) -> float:
        return self._of.f_star

    @property
    def mu(self) -> float | None:
        return self._of.mu

    @property
    def radius(self) -> float:
        return self._of.radius

    @property
    def blocks(self) -> tuple[slice, ...]:
        return self._of.blocks

    def value(self, w: Tensor) -> Tensor:
        return _moderate(self._of.value(w))

    def gradient(self, w: Tensor) -> Tensor:
        return _moderate(self._of.gradient(w))


def _moderate(x: Tensor) -> Tensor:
    return torch.where(x.abs() < _LARGE, x, torch.nan)


def _withstood(finding: Finding | PLFinding) -> str:
    more = f", {finding.nonfinite} more were not finite" if isinstance(finding, Finding) and finding.nonfinite else ""
    return f"not contradicted by {finding.points} points{more}"


def measured_again(objective: Objective, constant: str, points: list[list[float]]) -> tuple[float, float]:
    """What the points of a witness show, and the stated constant.

    "L": |grad F(x) - grad F(y)| / |x - y|, against L. "f_star": F(x), against f_star. "mu": |grad F(x)|^2 over
    2 (F(x) - f_star), against mu. Raises ValueError for another name, or points of another shape.
    """
    w = torch.tensor(points, dtype=torch.float64)
    if constant not in ("L", "f_star", "mu") or w.shape != (2 if constant == "L" else 1, objective.d):
        raise ValueError(f"a witness holds points of one constant, found {constant!r} and points {tuple(w.shape)}")
    value, gradient = objective.value(w), objective.gradient(w)
    if constant == "L":
        apart = torch.linalg.vector_norm(w[0] - w[1])
        return float(torch.linalg.vector_norm(gradient[0] - gradient[1]) / apart), objective.L
    if constant == "f_star":
        return float(value), objective.f_star
    if objective.mu is None:
        raise ValueError("a witness against mu needs a stated mu, found none")
    return float(gradient.square().sum() / (2 * (value[0] - objective.f_star))), objective.mu
