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
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from amss_min import designs, importance, modalities, settings, significance, weightings
from amss_min.amss import AMSS
from amss_min.designs import Design, Systematic, fixed_point, successive, systematic
from amss_min.testing import Status
from amss_min.testing.unbiased import estimate_bias
from tests.assertions import assert_refuted
from tests.broken_estimators import FAULTS
from tests.faults import ALPHA, FAMILIES, Breach, Fault
from tests.lawless_estimators import BREACHES
from tests.unbiased_estimators import DESIGNS, UNBIASED, Sound
from theory import __main__ as commands
from theory import moments
from theory.claims import CLAIMS
from theory.readings import readings

ROOT = Path(__file__).resolve().parent.parent
BY_ID = {claim.id: claim for claim in CLAIMS}


@dataclass(frozen=True)
class Tooth:
    """Replace `old` by `new` in the source of owner.name: the claim must be refuted."""

    claim: str
    owner: Any
    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.claim}: {self.owner.__name__.rpartition('.')[2]}.{self.name}: {self.new}"


HT_KQ = ("1.0 / draw.inclusion", "1.0 / (draw.k.unsqueeze(-1) * draw.q)")
RETURN_KQ = ("q, _, count = prepared(p, k)", "q, _, count = prepared(p, k); return q * count.unsqueeze(-1)")

TEETH: tuple[Tooth, ...] = (
    Tooth("ht-unbiased", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth("ht-unbiased", systematic, "_crossed", ") > (", ") >= ("),
    Tooth("ht-unbiased", fixed_point, "rounded", "(count * ONE - r.sum(-1))", "(0 * count)"),
    Tooth("ht-unbiased", fixed_point, "rounded", "water_filling(q, count)", "(q * count.unsqueeze(-1))"),
    Tooth("ht-unbiased", designs.Systematic, "select", "pi=r.to(torch.float64) * UNIT", "pi=q * count.unsqueeze(-1)"),
    Tooth("ht-unbiased", designs.Poisson, "select", "(bits >> _SHIFT) < r", "(bits >> _SHIFT) <= r"),
    Tooth("ht-unbiased", designs.SimpleRandom, "select", "positive, bits, WORD", "positive, bits >> 9, WORD"),
    Tooth("ht-unbiased", designs.Successive, "inclusion", *RETURN_KQ),
    Tooth("rank-conditioned-unbiased", weightings.RankConditioned, "__call__", "-torch.expm1(-ringing)", "ringing"),
    Tooth("rank-conditioned-unbiased", weightings.RankConditioned, "__call__", "-torch.expm1(", "torch.exp("),
    Tooth(
        "rank-conditioned-unbiased",
        designs.Successive,
        "select",
        "gather(-1, count.unsqueeze(-1))",
        "gather(-1, count.unsqueeze(-1) - 1)",
    ),
    Tooth("rank-conditioned-infinite-variance-k1", settings, "refuse_sizes", "n > 1 and", "n > 99 and"),
    Tooth(
        "rank-conditioned-infinite-variance-k1",
        weightings.RankConditioned,
        "__call__",
        "1.0 / -torch.expm1(-ringing)",
        "(1.0 / -torch.expm1(-ringing)).clamp_max(1e6)",
    ),
    Tooth("indicator-bias", weightings.Indicator, "__call__", "draw.drawn.to(", "2 * draw.drawn.to("),
    Tooth("indicator-bias", AMSS, "_default_weighting", "Indicator()", "HorvitzThompson()"),
    Tooth("ht-second-moment", weightings.HorvitzThompson, "second_moment", "draw.inclusion", "draw.inclusion.square()"),
    Tooth("ht-second-moment", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth(
        "second-moment-design-free",
        designs.Poisson,
        "select",
        "pi=r.to(torch.float64) * UNIT",
        "pi=q * count.unsqueeze(-1)",
    ),
    Tooth(
        "second-moment-design-free",
        weightings.HorvitzThompson,
        "__call__",
        "1.0 / draw.inclusion",
        "1.0 / draw.inclusion * draw.drawn.sum(-1, keepdim=True) / draw.k.unsqueeze(-1)",
    ),
    Tooth("square-importance-equals-uniform", importance.SquaredGradient, "raw", "scaled.square()", "scaled"),
    Tooth("square-importance-equals-uniform", importance, "water_filling", "sizes * scale", "sizes * scale * 0.999"),
    Tooth("optimal-inclusion", importance.GradientNorm, "raw", "return scaled", "return scaled.square()"),
    Tooth("optimal-inclusion", importance.GradientNorm, "raw", "return scaled", "return scaled.sqrt()"),
    Tooth("mixture-weight-bound", importance.Importance, "__call__", "(1 - self.mix) / total", "1 / total"),
    Tooth("mixture-weight-bound", importance.Importance, "__call__", "if self.mix == 0:", "if self.mix >= 0:"),
    Tooth("successive-inclusion-not-kq", designs.Successive, "inclusion", *RETURN_KQ),
    Tooth("successive-inclusion-not-kq", successive, "subset_law", "weight / left", "weight / total"),
    Tooth("released-weight-biased", weightings.ShiftedInverse, "__call__", "self._weight(draw)", "1 / draw.inclusion"),
    Tooth("released-weight-biased", weightings.ShiftedInverse, "_weight", "1.0 / draw.q.shape[-1]", "0.5"),
    Tooth(
        "released-weight-scale",
        weightings.ShiftedInverse,
        "__call__",
        "self._weight(draw)",
        "self._weight(draw) * 2 / draw.k.unsqueeze(-1)",
    ),
    Tooth("released-head-unmasked", AMSS, "_released_heads", "released.head_unmasked", "False"),
    Tooth(
        "released-head-unmasked",
        AMSS,
        "_released_heads",
        "block.is_head and released.head",
        "released.head_unmasked is None and released.head",
    ),
    Tooth("released-index-weight", AMSS, "_released_heads", "1.0 / batch.n)", "1.0)"),
    Tooth("released-index-weight", AMSS, "_released_heads", "and self._plus", "and not self._plus"),
    Tooth("released-ratio-swapped", significance.MutualInformationRate, "fractions", "if self.swapped", "if False"),
    Tooth("released-ratio-swapped", significance.MutualInformationRate, "fractions", "1 - (rates", "(rates"),
    Tooth(
        "released-ratio-swapped", significance.MutualInformationRate, "fractions", "floor, self.ceiling)", "floor, 1.0)"
    ),
    Tooth("released-ratio-swapped", significance.MutualInformationRate, "fractions", "self.floor,", "0.0,"),
    Tooth("released-ratio-swapped", significance.MutualInformationRate, "fractions", "/ self.temperature", "/ 0.2"),
    Tooth("released-entropy", significance, "released_label_entropy", "entropy(p, p)", "entropy(p.log(), p)"),
    Tooth("released-entropy", significance, "label_entropy", "entr(p)", "entr(p.softmax(0))"),
    Tooth("released-entropy", significance.MutualInformationRate, "rates", "if self.released_entropy", "if True"),
    Tooth("plus-update-free-of-keep", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth("plus-update-free-of-keep", modalities.Units, "scale", "multipliers.reshape", "multipliers.sqrt().reshape"),
    Tooth("keep-returns-through-variance", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth(
        "keep-returns-through-variance",
        weightings.HorvitzThompson,
        "__call__",
        "draw.inclusion",
        "draw.inclusion.sqrt()",
    ),
)


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
        held = [module for name, module in sys.modules.items() if name.split(".")[0] in ("amss_min", "theory")]
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
    assert {record["status"] for record in records} == {"HOLDS", "REFUTED"}
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
