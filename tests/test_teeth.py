"""What is wrong must be refuted: edits of production code by the claims, broken estimators by the check.

A tooth of a claim names a function and a replacement in its source. The function is compiled again with the edit, in
its own module, and takes the place of the original wherever amss_min or theory holds it: what a person's edit of that
line would do. A tooth whose text is no longer there fails, so that it is moved along with the code.

The check must refute every broken estimator within the number of draws that is stated beside it, and must agree with
every unbiased one.
"""

import inspect
import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from amss_min import designs, weightings
from amss_min.designs import Design, Systematic
from amss_min.testing import Status
from amss_min.testing.unbiased import estimate_bias
from tests.assertions import assert_refuted
from tests.broken_estimators import FAULTS
from tests.faults import ALPHA, FAMILIES, Breach, Fault
from tests.lawless_estimators import BREACHES
from tests.teeth import TEETH, Tooth
from tests.teeth.sampling import HT_KQ
from tests.unbiased_estimators import DESIGNS, UNBIASED, Sound
from theory import __main__ as commands
from theory import moments
from theory.claims import CLAIMS
from theory.readings import readings

ROOT = Path(__file__).resolve().parent.parent
BY_ID = {claim.id: claim for claim in CLAIMS}


def edited(function: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
    """The function compiled again with this edit, in the namespace of its own module."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) == 1, f"the edit of {old!r} must apply once, found it {source.count(old)} times:\n{source}"
    made: dict[str, Any] = {}
    exec(compile(source.replace(old, new), inspect.getsourcefile(function) or "", "exec"), function.__globals__, made)
    (result,) = made.values()
    assert inspect.isfunction(result)
    return result


def bite(tooth: Tooth, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the edited function wherever the original is."""
    original = vars(tooth.owner)[tooth.name]
    replacement = edited(original, tooth.old, tooth.new)
    monkeypatch.setattr(tooth.owner, tooth.name, replacement)
    if inspect.ismodule(tooth.owner):
        held = [
            module
            for name, module in sys.modules.items()
            if name.split(".")[0] in ("amss_min", "theory", "simulations")
        ]
        for module in held:
            if vars(module).get(tooth.name) is original:
                monkeypatch.setattr(module, tooth.name, replacement)


@pytest.mark.parametrize("tooth", TEETH, ids=str)
def test_the_edit_is_refuted(tooth: Tooth, monkeypatch: pytest.MonkeyPatch) -> None:
    bite(tooth, monkeypatch)
    assert_refuted(BY_ID[tooth.claim].verify())


def test_a_wrong_weighting_ends_the_command_with_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bite(Tooth("", weightings.HorvitzThompson, "__call__", *HT_KQ), monkeypatch)
    assert commands.main(["verify", "keep-returns-through-variance", "released-entropy"]) == 1
    out = capsys.readouterr().out
    assert "REFUTED (expected HOLDS)" in out and "witness: {" in out
    assert "1 of 2 claims as expected" in out


def test_the_witness_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as wrong:
        bite(Tooth("", weightings.HorvitzThompson, "__call__", *HT_KQ), wrong)
        witness = json.loads(json.dumps(BY_ID["ht-unbiased"].verify().witness))
        assert (witness["design"], witness["weighting"]) == ("Systematic()", "HorvitzThompson()")
        assert replayed(witness) == Fraction(witness["measured"]) != Fraction(witness["expected"])
    assert abs(replayed(witness) - Fraction(witness["expected"])) <= len(witness["sizes"]) * Fraction(1, 2**50)


def replayed(witness: dict[str, Any]) -> moments.Number:
    """E[M_j] of the witness's unit, from its JSON."""
    sizes = torch.tensor(witness["sizes"], dtype=torch.float64)
    (reading,) = readings(Systematic(), weightings.HorvitzThompson(), sizes, witness["k"], [witness["order"]])
    mean: moments.Number = moments.mean_multipliers(reading.outcomes)[witness["unit"]]
    return mean


def test_an_edit_that_no_longer_applies_is_noticed() -> None:
    with pytest.raises(AssertionError, match="must apply once, found it 0 times"):
        edited(weightings.Indicator.__call__, "no such text", "")


@pytest.mark.slow
def test_one_edited_line_in_a_checkout_turns_the_claims_about_it_and_the_exit_code(tmp_path: Path) -> None:
    for package in ("amss_min", "theory"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "amss_min" / "weightings.py"
    text = source.read_text(encoding="utf-8")
    assert text.count(HT_KQ[0]) == 1
    source.write_text(text.replace(*HT_KQ), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "theory", "verify", "--json", "verdicts.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    records = json.loads((tmp_path / "verdicts.json").read_text(encoding="utf-8"))
    refuted = {record["id"] for record in records if record["status"] == Status.REFUTED.value}
    assert refuted >= {"ht-unbiased", "ht-second-moment", "plus-update-free-of-keep", "keep-returns-through-variance"}
    for record in records:
        assert record["status"] in ({None} if record.get("waits") else {"HOLDS", "CONSISTENT", "REFUTED"}), record["id"]
    assert "released-entropy" not in refuted and "rank-conditioned-unbiased" not in refuted


def named(fault: Fault) -> Any:
    """A parameter; the check of 10^5 units belongs to the slow tier."""
    large = any(gradient.numel() > 1000 for gradient in fault.gradients.values())
    return pytest.param(fault, id=str(fault), marks=pytest.mark.slow if large else ())


@pytest.mark.parametrize("fault", [named(fault) for fault in FAULTS])
def test_a_biased_estimator_is_refuted_in_time_and_in_place(fault: Fault) -> None:
    settings = {"alpha": ALPHA, "draws": fault.draws, "patient": True, "batched": True}
    result = estimate_bias(fault.estimate, fault.gradients, **settings)
    assert result.status is Status.REFUTED, result.text
    assert result.violations == [] and 0 < result.draws <= fault.draws
    assert result.finding is not None
    assert fault.family in ("", result.finding.family)
    assert result.finding.where.startswith(fault.where)


@pytest.mark.parametrize("breach", BREACHES, ids=str)
def test_a_broken_contract_is_reported_in_time(breach: Breach) -> None:
    settings = {"alpha": ALPHA, "draws": breach.draws or None, "patient": True}
    result = estimate_bias(breach.estimate, FAMILIES, **settings, **breach.declared)
    assert result.status is Status.REFUTED, result.text
    assert result.draws <= breach.draws
    found = [violation for violation in result.violations if violation["rule"].startswith(breach.rule)]
    assert found, result.violations
    assert not breach.families or {violation["family"] for violation in result.violations} == set(breach.families)


@pytest.mark.parametrize("sound", UNBIASED, ids=str)
def test_an_unbiased_estimator_passes_the_same_check(sound: Sound) -> None:
    """500,000 draws suffice to exclude a bias of norm 0.1 |g|, for all; most need a tenth."""
    settings = {"alpha": ALPHA, "detect": 0.1, "draws": 500_000, "batched": True}
    result = estimate_bias(sound.estimate, FAMILIES, **settings, **sound.declared)
    assert result.status is sound.status, (result.text, result.violations)


def test_every_design_that_can_be_unbiased_is_among_them() -> None:
    exported = [value for value in vars(designs).values() if isinstance(value, type) and issubclass(value, Design)]
    positive = {design for design in exported if design is not Design and design.positive}
    assert positive <= {type(design) for design in DESIGNS}
