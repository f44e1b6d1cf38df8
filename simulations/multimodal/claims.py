"""A claim for each compared data set: does rebalancing help beyond chance?

Setting. Networks, methods and protocol of `python -m simulations compare`: every method tuned over the same stepsizes
on validation, then trained on paired seeds, scored once on test.
Claim. Some method that masks by significance (AMSS, AMSS+, rebalanced AMSS+) has a mean test metric at least WORTH
above that of joint training.
How it is checked. Simultaneous intervals of the paired differences (paired.py). One whole interval above 0: CONSISTENT.
All intervals below WORTH: REFUTED, and the largest difference that is not excluded is shown. Else INCONCLUSIVE.
What would refute it. Intervals that all end below WORTH.
"""

from collections.abc import Mapping
from typing import Any

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.assumptions import Assumption
from theory.sources import AMSS_PAPER, Source
from theory.verdict import Claim, Kind, Verdict

WORTH = 0.01
"""The least difference worth speaking of, in the task's primary metric."""

MASKED = ("amss", "amss+", "amss+rebalanced")

PROTOCOL = Assumption(
    name="paired-protocol",
    statement="equal tuning on validation, paired seeds, nothing selected on test",
    check=lambda record: bool(record["paired"]["seeds"]) and "tuning" in record,
)


def claim(data: str) -> Claim:
    """The claim for a data set, by its name. Theory is silent on it, so that its id begins with `open`."""
    return Claim(
        id=f"open-rebalancing-helps-{data}",
        statement=f"On {data}, AMSS, AMSS+ or rebalanced AMSS+ gains at least {WORTH:g} over joint training, on "
        "average over splits, initial weights and orders of the batches.",
        kind=Kind.INEQUALITY,
        source=Source(kind="described", reference=AMSS_PAPER, place="abstract"),
        assumptions=(PROTOCOL,),
        expected_status=Status.INCONCLUSIVE,
        check=_check,
        empirical=True,
    )


def verdict(record: Mapping[str, Any]) -> Verdict | None:
    """The verdict on a comparison record; None where none of the masked methods was compared."""
    if not set(MASKED) & set(record["paired"]["differences"]):
        return None
    return claim(record["data"]["name"]).verify(_Measurement(record))


class _Measurement:
    def __init__(self, record: Mapping[str, Any]) -> None:
        self.runs, self.record = record["runs"], record


def _check(measurement: _Measurement) -> list[Evidence]:
    record = measurement.record
    if not PROTOCOL.holds_on(record):
        raise ValueError("the claim is about paired seeds with tuned stepsizes, found none")
    paired = record["paired"]
    found = {name: item for name, item in paired["differences"].items() if name in MASKED}
    best = max(found, key=lambda name: found[name]["mean"])
    ends = [(item["low"], item["high"]) for item in found.values()]
    decided = all(low is not None and high is not None for low, high in ends)
    if decided and any(low > 0 for low, _ in ends):
        status = Status.CONSISTENT
    elif decided and all(high < WORTH for _, high in ends):
        status = Status.REFUTED
    else:
        status = Status.INCONCLUSIVE
    shown = "; ".join(f"{name} {item['mean']:+.4f}, {item['finding']}" for name, item in found.items())
    return [
        Evidence(
            what=f"{record['summary']['primary']} on test less that of {paired['baseline']}: {shown}",
            method=Method.MONTE_CARLO,
            guarantee=Guarantee.ASYMPTOTIC,
            status=status,
            expected=WORTH,
            measured=found[best]["mean"],
            tolerance=None if found[best]["high"] is None else found[best]["high"] - found[best]["mean"],
            tolerance_source=f"half width of the interval of {best}; {paired['guarantee']}",
            scope=f"{len(paired['seeds'])} paired seeds at confidence {paired['confidence']:g}, "
            f"{paired['comparisons']} comparisons; {record['split']['note']}",
            witness={"command": f"python -m simulations compare {record['data']['name']}", "differences": found}
            if status is Status.REFUTED
            else None,
        )
    ]
