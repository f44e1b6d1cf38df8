"""Evidence on a stated constant from a search for points that contradict it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.falsification import Finding
from theory.measurement import Measurement, Objective

Search = Callable[[Any], Finding]


def searched(finding: Finding, name: str, replay: Mapping[str, Any]) -> Evidence:
    """REFUTED with the points that show it, or CONSISTENT: "not contradicted by N points", and no more than that.

    name: of the objective. replay: what repeats the search; it goes into the witness with the points.
    """
    apart = f", {finding.nonfinite} more were not finite" if finding.nonfinite else ""
    return Evidence(
        what=f"{name}: {finding.sentence()}",
        method=Method.MONTE_CARLO,
        guarantee=Guarantee.EXACT if finding.refuted else Guarantee.TRUNCATED,
        status=Status.REFUTED if finding.refuted else Status.CONSISTENT,
        expected=finding.stated,
        measured=finding.found,
        tolerance=finding.error,
        tolerance_source="what rounding may have moved the measured value by",
        scope=f"{name}: contradicted" if finding.refuted else f"not contradicted by {finding.points} points{apart}",
        witness={**replay, "constant": finding.constant, "points": finding.at} if finding.refuted else None,
        details={"points": finding.points, "nonfinite": finding.nonfinite, "found over stated": finding.ratio},
    )


def over_objectives(measurement: Measurement, search: Search) -> Iterator[Evidence]:
    """One search for every objective of the runs."""
    for objective in distinct(measurement):
        yield searched(search(objective), objective.name, {"objective": objective.name})


def distinct(measurement: Measurement) -> list[Objective]:
    """The objectives of the runs, each once, in order."""
    return list({id(run.objective): run.objective for run in measurement.runs}.values())
