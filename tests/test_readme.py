"""The README does what it prints: its loops and its estimator run, and the tables of claims are current."""

import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from amss_min.__main__ import main as check
from paper_figs.claims_table import BEGIN, END, claims_table, short_table, update
from simulations.__main__ import main as simulations
from theory.claims import CLAIMS
from theory.verdict import Claim

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CLAIMS_PAGE = (ROOT / "docs" / "claims.md").read_text()
BLOCKS = re.findall(r"```(python|diff)\n(.*?)```", README, re.DOTALL)


def printed(kind: str, containing: str) -> str:
    """The only block of this kind that contains this text."""
    (found,) = [text for sort, text in BLOCKS if sort == kind and containing in text]
    return str(found)


MODEL = printed("python", "class Net")
DIFF = printed("diff", "AMSSPlus")
SCALER = printed("python", "GradScaler")
SGD = "torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)"
OTHERS = [SGD, "torch.optim.AdamW(net.parameters(), lr=0.001)", "torch.optim.Adam(net.parameters(), fused=True)"]


def run(code: str) -> dict[str, object]:
    """Run the printed code on eight small batches; returns its names."""
    torch.manual_seed(0)
    loader = [(torch.randn(16, 36), torch.randn(16, 16), torch.randint(7, (16,))) for _ in range(8)]
    names: dict[str, object] = {"loader": loader}
    exec(compile(MODEL + "\n" + code, "README.md", "exec"), names)
    return names


def side(sign: str) -> str:
    """One side of the printed difference: "+" the masked loop, "-" the ordinary one."""
    return "\n".join(line[1:] for line in DIFF.splitlines() if line[:1] in (" ", sign))


def weights(names: dict[str, object]) -> list[torch.Tensor]:
    net = names["net"]
    assert isinstance(net, torch.nn.Module)
    return [parameter.detach() for parameter in net.parameters()]


@pytest.mark.parametrize("optimizer", OTHERS)
def test_the_loop_runs_as_printed_and_masks(optimizer: str) -> None:
    assert SGD in DIFF
    masked = run(side("+").replace(SGD, optimizer))
    ordinary = run(side("-").replace(SGD, optimizer))
    report = masked["amss"].report  # type: ignore[attr-defined]
    assert report.nonfinite == []
    assert set(report.keep) == {"audio", "motion"}
    assert sum(report.keep.values()) == pytest.approx(1.0, rel=1e-12)
    assert any(not torch.equal(a, b) for a, b in zip(weights(masked), weights(ordinary), strict=True))


def test_the_loop_is_the_ordinary_one_plus_three_statements() -> None:
    assert sum(line.startswith("+") for line in DIFF.splitlines()) == 3
    assert not any(line.startswith("-") for line in DIFF.splitlines())
    assert len(side("+").splitlines()) <= 12


def test_the_loop_with_a_scaler_and_accumulation_runs_as_printed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = run(SCALER)
    assert names["step"] == 8
    scaler = names["scaler"]
    assert isinstance(scaler, torch.amp.GradScaler)
    assert names["amss"].report.nonfinite == []  # type: ignore[attr-defined]


def test_the_numbers_of_the_real_run_are_those_recorded() -> None:
    summary = json.loads((ROOT / "paper_figs" / "data" / "train" / "htad.json").read_text())["summary"]
    text = " ".join(README.split())
    for method in summary["methods"].values():
        assert f" {method['accuracy']['mean']:.3f} " in text
    for method in summary["difference_to_joint"].values():
        difference = method["accuracy"]
        assert f"{difference['mean']:.3f} [{difference['low']:.3f}, {difference['high']:.3f}]" in text


@pytest.fixture(scope="module")
def exact_verdicts() -> list[dict[str, Any]]:
    """Fresh verdicts on every claim that needs no simulation."""
    return [claim.verify().as_json() for claim in CLAIMS if not claim.empirical]


def rows(page: str) -> list[str]:
    """What stands between the markers of a page."""
    return page.partition(BEGIN)[2].partition(END)[0].strip().splitlines()


def test_the_tables_of_claims_are_current(exact_verdicts: list[dict[str, Any]]) -> None:
    assert rows(README) == short_table([claim_json(claim) for claim in CLAIMS]).splitlines()
    fresh = {verdict["id"]: claims_table([verdict]).splitlines()[-1] for verdict in exact_verdicts}
    for claim, row in zip(CLAIMS, rows(CLAIMS_PAGE)[2:], strict=True):
        if claim.empirical:
            beginning = claims_table([{**claim_json(claim), "scope": ""}]).splitlines()[-1].rstrip(" |")
            assert row.startswith(beginning)  # id, statement and status; what the audit saw is behind it
        else:
            assert row == fresh[claim.id]


@pytest.mark.slow
def test_the_audit_gives_the_tables_as_printed(tmp_path: Path) -> None:
    assert simulations(["audit", "--results", str(tmp_path)]) == 0
    verdicts = json.loads((tmp_path / "verdicts.json").read_text())
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "docs" / "claims.md").write_text(CLAIMS_PAGE)
    assert update(tmp_path, verdicts) == []


def claim_json(claim: Claim) -> dict[str, str]:
    status = claim.expected_status.value
    return {
        "id": claim.id,
        "kind": claim.kind.value,
        "statement": claim.statement,
        "status": status,
        "expected_status": status,
    }


def test_the_estimator_is_refuted_by_the_command_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(printed("python", "def top_heavy"))
    monkeypatch.chdir(tmp_path)
    assert "python3 bootstrap.py run amss_min check mine.py:top_heavy" in README
    assert check(["check", "mine.py:top_heavy"]) == 1
    assert "top_heavy: REFUTED" in capsys.readouterr().out
    assert (tmp_path / "top_heavy.witness.json").is_file()
