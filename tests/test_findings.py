"""The page of findings states every claim with its status, and every number as recorded."""

import json
import re
from pathlib import Path

import pytest

from tests.findings_tables import (
    BEGIN,
    COPIES,
    END,
    FAMILY,
    PAGE,
    compared,
    gains,
    generated,
    records,
    renewed,
    trained,
)
from theory.claims import CLAIMS

TEXT = PAGE.read_text(encoding="utf-8")
ROOT = PAGE.parent.parent
WRITTEN = TEXT.partition(BEGIN)[0] + TEXT.partition(END)[2]
STATED = re.findall(r"`([a-z0-9-]+)`:\s+(HOLDS|CONSISTENT|INCONCLUSIVE|REFUTED)", WRITTEN)


def test_every_claim_is_stated_once_with_its_status() -> None:
    assert dict(STATED) == {claim.id: claim.expected_status.value for claim in CLAIMS}
    assert len(STATED) == len(CLAIMS)


def test_statuses_are_those_that_an_audit_gave() -> None:
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    audited = dict(
        re.findall(r"^\| `([a-z0-9-]+)` \|.*\| (HOLDS|CONSISTENT|INCONCLUSIVE|REFUTED) \| ", page, re.MULTILINE)
    )
    assert dict(STATED) == audited
    recorded = json.loads((COPIES / "verdicts.json").read_text(encoding="utf-8"))
    given = {verdict["id"]: verdict["status"] for verdict in recorded["verdicts"]}
    assert given
    assert {name: status for name, status in STATED if name in given} == given


def test_names_in_backquotes_that_look_like_claims_are_claims() -> None:
    known = {claim.id for claim in CLAIMS}
    named = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", WRITTEN))
    assert named - known == set()


def test_every_departure_of_the_released_code_is_listed() -> None:
    rows = re.findall(r"^\| (R\d+) \|.*\| ([^|]*) \|$", WRITTEN, re.MULTILINE)
    assert [number for number, _ in rows] == [f"R{number}" for number in range(1, 15)]
    released = {claim.id for claim in CLAIMS if claim.source.kind == "released"}
    with_claims = {name for _, last in rows for name in re.findall(r"`([a-z-]+)`", last)}
    assert with_claims <= released
    assert all("read in the code" in last for number, last in rows if int(number[1:]) > 6)


def test_numbers_of_data_sets_are_those_recorded() -> None:
    assert generated() in TEXT, "records and docs/findings.md differ: python -m tests.findings_tables writes it anew"
    assert renewed(TEXT) == TEXT


def test_no_number_of_a_data_set_stands_outside_the_generated_part() -> None:
    for record in records("compare"):
        assert record["data"]["name"] not in WRITTEN
        for found in record["paired"]["differences"].values():
            assert f"{found['mean']:+.3f}" not in WRITTEN


def test_a_changed_record_changes_the_page(tmp_path: Path) -> None:
    (record, *_) = records("compare")
    changed = json.loads(json.dumps(record))
    changed["paired"]["differences"]["amss"]["mean"] += 0.004
    assert compared(changed) != compared(record)
    (run, *_) = records("train")
    other = json.loads(json.dumps(run))
    other["summary"]["difference_to_joint"]["amss"]["accuracy"]["low"] -= 0.01
    assert trained(other) != trained(run)


@pytest.mark.parametrize(
    ("low", "high", "side"), [(0.01, 0.02, "a gain"), (-0.02, -0.01, "a loss"), (-1, 1, "neither")]
)
def test_gains_and_losses_are_told_by_the_interval(low: float, high: float, side: str) -> None:
    (record, *_) = records("compare")
    changed = json.loads(json.dumps(record))
    for method in FAMILY:
        changed["paired"]["differences"][method] |= {"low": low, "high": high}
    told = gains([changed]).splitlines()[2:]
    assert len(told) == len(FAMILY)
    assert all(side in line for line in told)


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="must hold"):
        renewed("# Findings\n")


def test_links_lead_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in target]
    assert targets
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
        for line in re.findall("^#+ (.*)$", TEXT, re.M)
    }
    for target in targets:
        assert target[1:] in headings if target.startswith("#") else (PAGE.parent / target).is_file()
