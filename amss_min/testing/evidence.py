"""One piece of evidence: what was compared, by which method, and how far it reaches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from amss_min.testing.status import Status


class Method(Enum):
    """How a piece of evidence was obtained. The method caps the status that it can give."""

    PROOF = "proof"
    EXACT = "exact rational arithmetic"
    FLOAT = "floating point with a derived error"
    QUADRATURE = "quadrature"
    SOLVER = "numerical solver"
    MONTE_CARLO = "Monte Carlo"

    @property
    def may_hold(self) -> bool:
        """Whether this method can show more than consistency."""
        return self in (Method.PROOF, Method.EXACT, Method.FLOAT)


class Guarantee(Enum):
    """What stands behind the stated error, strongest first.

    EXACT: no sampling error. BOUNDED: valid for every law on the declared support.
    VARIANCE_BOUNDED: valid given the declared second moment. TRUNCATED: valid for the part below a cap.
    ASYMPTOTIC: valid for many replicates (t and bootstrap intervals).
    """

    EXACT = "exact"
    BOUNDED = "bounded"
    VARIANCE_BOUNDED = "variance-bounded"
    TRUNCATED = "truncated"
    ASYMPTOTIC = "asymptotic"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Expected against measured, with the tolerance and where it comes from.

    what: the quantity compared, in words (with its unit, where it has one).
    expected, measured: numbers or short texts.
    tolerance, tolerance_source: the allowed difference and its derivation (None and "" for equality).
    scope: how far it reaches, as printed: "200 instances, n <= 8".
    witness: for REFUTED, the inputs that replay the contradiction.
    details: further numbers for tables and figures (JSON types only).

    Raises ValueError for a status above what the method can give, and for REFUTED without a witness.
    """

    what: str
    method: Method
    guarantee: Guarantee
    status: Status
    expected: float | str
    measured: float | str
    tolerance: float | None
    tolerance_source: str
    scope: str
    witness: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status is Status.HOLDS and not self.method.may_hold:
            raise ValueError(f"evidence by {self.method.value} is at most CONSISTENT, found HOLDS for {self.what!r}")
        if self.status is Status.REFUTED and self.witness is None:
            raise ValueError(f"REFUTED needs a witness that replays, found none for {self.what!r}")

    def as_json(self) -> dict[str, Any]:
        """The evidence in JSON types."""
        return {
            "what": self.what,
            "method": self.method.value,
            "guarantee": self.guarantee.value,
            "status": self.status.value,
            "expected": self.expected,
            "measured": self.measured,
            "tolerance": self.tolerance,
            "tolerance_source": self.tolerance_source,
            "scope": self.scope,
            "witness": None if self.witness is None else dict(self.witness),
            "details": dict(self.details),
        }
