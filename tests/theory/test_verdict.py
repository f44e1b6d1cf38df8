"""Claims and verdicts: the weakest evidence decides, a broken check decides nothing, JSON holds everything."""

import json
import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory.assumptions import BOUNDED_BELOW, FRESH_RANDOMNESS, SMOOTH
from theory.sources import AMSS_CODE, Source
from theory.verdict import Claim, Kind, Verdict

SOURCE = Source(kind="derived", reference="nobody")


def evidence(status: Status, guarantee: Guarantee = Guarantee.EXACT, scope: str = "here") -> Evidence:
    return Evidence(
        what="a quantity",
        method=Method.EXACT,
        guarantee=guarantee,
        status=status,
        expected=1.0,
        measured=math.inf if status is Status.REFUTED else 1.0,
        tolerance=None,
        tolerance_source="",
        scope=scope,
        witness={"n": 1} if status is Status.REFUTED else None,
    )


def claim(check: Callable[..., Sequence[Evidence]], *, empirical: bool = False) -> Claim:
    return Claim(
        id="a-claim",
        statement="$1 = 1$",
        kind=Kind.IDENTITY,
        source=SOURCE,
        assumptions=(FRESH_RANDOMNESS,),
        expected_status=Status.HOLDS,
        check=check,
        empirical=empirical,
    )


def test_the_weakest_evidence_decides_and_the_weakest_guarantee_is_stated() -> None:
    verdict = claim(
        lambda: [evidence(Status.HOLDS), evidence(Status.CONSISTENT, Guarantee.ASYMPTOTIC, "there")]
    ).verify()
    assert (verdict.status, verdict.guarantee, verdict.scope) == (
        Status.CONSISTENT,
        Guarantee.ASYMPTOTIC,
        "here; there",
    )
    assert not verdict.as_expected
    assert verdict.witness is None


def test_a_refutation_brings_its_witness() -> None:
    verdict = claim(lambda: [evidence(Status.HOLDS), evidence(Status.REFUTED)]).verify()
    assert verdict.status is Status.REFUTED
    assert verdict.witness == {"n": 1}


def test_a_check_that_breaks_is_inconclusive_and_shows_the_error() -> None:
    def broken() -> Sequence[Evidence]:
        raise ZeroDivisionError("by nothing")

    verdict = claim(broken).verify()
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.evidence[0].measured == "ZeroDivisionError: by nothing"


def test_no_evidence_is_not_a_pass() -> None:
    verdict = claim(lambda: []).verify()
    assert verdict.status is Status.INCONCLUSIVE
    assert "at least one piece of evidence, found none" in str(verdict.evidence[0].measured)


def test_a_measurement_without_runs_decides_nothing() -> None:
    verdict = claim(lambda measurement: [evidence(Status.HOLDS)], empirical=True).verify(SimpleNamespace(runs=[]))
    assert verdict.status is Status.INCONCLUSIVE


def test_an_empirical_claim_needs_its_measurement_and_hands_it_on() -> None:
    seen = []

    def check(measurement: object) -> Sequence[Evidence]:
        seen.append(measurement)
        return [evidence(Status.HOLDS)]

    with pytest.raises(ValueError, match=r"'a-claim' needs a measurement, found none: run python -m simulations audit"):
        claim(check, empirical=True).verify()
    measurement = SimpleNamespace(runs=["a run"])
    claim(check, empirical=True).verify(measurement)
    assert seen == [measurement]


def test_a_verdict_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="four outcomes"):
        bool(Verdict(claim=claim(lambda: []), evidence=(evidence(Status.HOLDS),)))


def test_json_holds_the_record_and_spells_out_what_it_lacks() -> None:
    record = claim(lambda: [evidence(Status.REFUTED)]).verify().as_json()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["evidence"][0]["measured"] == "inf"
    assert {"id", "statement", "kind", "source", "status", "expected_status", "scope", "guarantee", "evidence"} <= set(
        record
    )


def test_sources_say_of_what_kind_they_are() -> None:
    assert str(Source(kind="released", reference=AMSS_CODE, place="AV:70")) == f"released: {AMSS_CODE}, AV:70"
    with pytest.raises(ValueError, match="released, described or derived, found 'rumour'"):
        Source(kind="rumour", reference="nobody")


def test_an_assumption_holds_on_an_objective_or_concerns_none() -> None:
    assert FRESH_RANDOMNESS.holds_on(None)
    assert SMOOTH.holds_on(SimpleNamespace(L=2.0)) and not SMOOTH.holds_on(SimpleNamespace(L=0.0))
    assert not BOUNDED_BELOW.holds_on(SimpleNamespace(f_star=None))


def test_a_search_finds_an_understated_constant() -> None:
    def objective(L: float, f_star: float) -> SimpleNamespace:
        return SimpleNamespace(
            L=L, f_star=f_star, units=(2, 1), value=lambda w: w.square().sum(-1), gradient=lambda w: 2 * w
        )

    assert SMOOTH.holds_on(objective(2.0, 0.0)) and BOUNDED_BELOW.holds_on(objective(2.0, 0.0))
    assert not SMOOTH.holds_on(objective(1.99, 0.0))
    assert not BOUNDED_BELOW.holds_on(objective(2.0, 9.0))
