"""Every claim has its file, its headings, its place in the list, and a tooth."""

import importlib
import re
from pathlib import Path

import pytest

from amss_min.testing import Status
from tests.teeth import TEETH
from theory import claims
from theory.claims import CLAIMS
from theory.verdict import Claim

FOLDER = Path(claims.__file__).parent
TESTS = Path(__file__).parent / "theory" / "claims"
HEADINGS = ["Setting", "Claim", "Assumptions", "How it is checked", "What would refute it", "Source"]
FIRST = [
    "ht-unbiased",
    "rank-conditioned-unbiased",
    "rank-conditioned-infinite-variance-k1",
    "indicator-bias",
    "ht-second-moment",
    "second-moment-design-free",
    "square-importance-equals-uniform",
    "optimal-inclusion",
    "mixture-weight-bound",
    "successive-inclusion-not-kq",
    "released-weight-biased",
    "released-weight-scale",
    "released-head-unmasked",
    "released-index-weight",
    "released-ratio-swapped",
    "released-entropy",
    "plus-update-free-of-keep",
    "keep-returns-through-variance",
    "nonconvex-bound",
    "quadratic-oracle",
    "skewed-noise-wrong-point",
]


def stem(claim: Claim) -> str:
    return claim.id.replace("-", "_")


def test_the_first_claims_are_there_in_their_order() -> None:
    assert [claim.id for claim in CLAIMS][: len(FIRST)] == FIRST


def test_no_two_claims_share_an_id() -> None:
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)


def test_every_file_of_the_folder_is_a_claim_of_the_list() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == {"__init__", *(stem(claim) for claim in CLAIMS)}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_claim_stands_in_its_own_file_under_the_fixed_headings(claim: Claim) -> None:
    module = importlib.import_module(f"theory.claims.{stem(claim)}")
    assert module.CLAIM is claim
    found = re.findall(r"^(.+)\n-+$", module.__doc__ or "", flags=re.MULTILINE)
    assert found == HEADINGS
    sections = re.split(r"^.+\n-+$", module.__doc__ or "", flags=re.MULTILINE)
    assert all(section.strip() for section in sections)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_claim_says_what_it_rests_on(claim: Claim) -> None:
    assert claim.statement.count("$") % 2 == 0 and claim.statement.endswith(".")
    assert claim.source.reference
    # Claims that rest on measurements are CONSISTENT at most; nobody may expect to be undecided.
    assert claim.expected_status in ((Status.CONSISTENT,) if claim.empirical else (Status.HOLDS, Status.CONSISTENT))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_claim_has_a_tooth(claim: Claim) -> None:
    if claim.empirical:
        text = (TESTS / f"test_{stem(claim)}.py").read_text(encoding="utf-8")
        assert "Status.REFUTED" in text
    else:
        assert claim.id in {tooth.claim for tooth in TEETH}


def test_every_tooth_belongs_to_a_claim() -> None:
    assert {tooth.claim for tooth in TEETH} <= {claim.id for claim in CLAIMS}
