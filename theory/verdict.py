"""A claim, and the verdict on it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import Any

from amss_min.testing import Evidence, Guarantee, Method, Status, weakest
from theory.assumptions import Assumption
from theory.sources import Source

EXTRAS: Mapping[str, tuple[str, ...]] = {"worst-case": ("PEPit", "cvxpy", "clarabel")}
"""Extras that some checks need, with the packages that they import."""


class Kind(Enum):
    """What sort of statement a claim makes; the assertion follows from it.

    IDENTITY: equality at rounding. INEQUALITY: one-sided, with a tightness ratio. RATE: dominance by the
    bound, then an interval on the slope. COUNTEREXAMPLE: a failure occurs.
    """

    IDENTITY = "IDENTITY"
    INEQUALITY = "INEQUALITY"
    RATE = "RATE"
    COUNTEREXAMPLE = "COUNTEREXAMPLE"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement with its kind, source, assumptions, and the check that decides on it.

    statement: words, with mathematics in LaTeX between dollar signs.
    expected_status: written from the theory before the run, never from what was seen.
    check: returns the evidence; it takes the measurement where `empirical`, else nothing.
    empirical: whether the check needs a measurement made by simulation.
    extra: an extra of this project that the check needs beside `study`; a run of all claims leaves such a claim out
    where its packages are not installed.
    """

    id: str
    statement: str
    kind: Kind
    source: Source
    assumptions: tuple[Assumption, ...]
    expected_status: Status
    check: Callable[..., Sequence[Evidence]]
    empirical: bool = False
    extra: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages of the extra that are not installed."""
        return tuple(package for package in EXTRAS.get(self.extra, ()) if find_spec(package) is None)

    def verify(self, measurement: Any = None) -> "Verdict":
        """Run the check. A check that breaks decides nothing: it ends INCONCLUSIVE, with the error shown.

        Raises ValueError when an empirical claim gets no measurement.
        """
        if self.empirical and measurement is None:
            raise ValueError(
                f"claim {self.id!r} needs a measurement, found none: run python -m simulations audit {self.id}"
            )
        try:
            if self.empirical and not measurement.runs:
                raise ValueError("a measurement must hold at least one run, found none")
            evidence = tuple(self.check(measurement) if self.empirical else self.check())
            if not evidence:
                raise ValueError("a check must give at least one piece of evidence, found none")
        except Exception as error:
            evidence = (_broken(error),)
        return Verdict(claim=self, evidence=evidence)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of a claim: its status is that of its weakest evidence."""

    claim: Claim
    evidence: tuple[Evidence, ...]

    @property
    def status(self) -> Status:
        """One refuted part refutes the claim; otherwise the weakest evidence decides."""
        return weakest(item.status for item in self.evidence)

    @property
    def as_expected(self) -> bool:
        """Whether the status is the one written down before the run."""
        return self.status is self.claim.expected_status

    @property
    def guarantee(self) -> Guarantee:
        """The weakest guarantee among the evidence."""
        return max((item.guarantee for item in self.evidence), key=list(Guarantee).index)

    @property
    def witness(self) -> Mapping[str, Any] | None:
        """The inputs that replay the first contradiction, if there is one."""
        return next((item.witness for item in self.evidence if item.status is Status.REFUTED), None)

    @property
    def scope(self) -> str:
        """How far the evidence reaches, as printed beside the status."""
        return "; ".join(dict.fromkeys(item.scope for item in self.evidence))

    def __bool__(self) -> bool:
        raise TypeError("a verdict has four outcomes and no truth value; compare verdict.status")

    def as_json(self) -> dict[str, Any]:
        """The verdict as it stands in results/verdicts.json; numbers that JSON lacks become text."""
        claim = self.claim
        record = {
            "id": claim.id,
            "statement": claim.statement,
            "kind": claim.kind.value,
            "source": str(claim.source),
            "assumptions": [assumption.statement for assumption in claim.assumptions],
            "status": self.status.value,
            "expected_status": claim.expected_status.value,
            "scope": self.scope,
            "guarantee": self.guarantee.value,
            "evidence": [item.as_json() for item in self.evidence],
        }
        return {key: _json(value) for key, value in record.items()}


def _broken(error: Exception) -> Evidence:
    return Evidence(
        what="the check itself",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.ASYMPTOTIC,
        status=Status.INCONCLUSIVE,
        expected="a check that ends",
        measured=f"{type(error).__name__}: {error}",
        tolerance=None,
        tolerance_source="",
        scope="the check broke: nothing was decided",
    )


def _json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
