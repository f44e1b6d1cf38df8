"""The commands: what they print, where, and with which exit code."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from amss_min.testing import Evidence, Guarantee, Method, Status
from theory import __main__ as commands
from theory.claims import CLAIMS
from theory.verdict import Claim

FAST = ("released-entropy", "keep-returns-through-variance")


def ended(claim: Claim, status: Status) -> Claim:
    """The claim, ending like this at once."""

    def check() -> Sequence[Evidence]:
        evidence = Evidence(
            what="a [quantity]",
            method=Method.EXACT,
            guarantee=Guarantee.EXACT,
            status=status,
            expected=1.0,
            measured=2.0,
            tolerance=0.5,
            tolerance_source="derived",
            scope="one [instance]",
            witness={"n": 3},
        )
        return [evidence]

    return claim if claim.empirical else replace(claim, check=check)


def all_ending(monkeypatch: pytest.MonkeyPatch, *differing: tuple[str, Status]) -> None:
    """Every claim ends as expected, but for these."""
    different = dict(differing)
    claims = tuple(ended(claim, different.get(claim.id, claim.expected_status)) for claim in CLAIMS)
    monkeypatch.setattr(commands, "CLAIMS", claims)


def test_list_names_every_claim(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(claim.id in out for claim in CLAIMS)
    assert out.count("│ audit") == sum(claim.empirical for claim in CLAIMS)


def test_show_prints_statement_source_and_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["show", "ht-unbiased"]) == 0
    out = capsys.readouterr().out
    claim = CLAIMS[0]
    assert claim.statement in out and str(claim.source) in out
    assert "What would refute it\n--------------------" in out
    assert "Assumes positive inclusion" in out


def test_show_says_where_an_empirical_claim_is_decided(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["show", "nonconvex-bound"]) == 0
    assert "needs audit: python -m simulations audit nonconvex-bound" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["show", "verify"])
def test_a_mistyped_id_gets_the_close_ones_on_stderr(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main([command, "ht-unbias"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "no claim 'ht-unbias'; did you mean 'ht-unbiased'?\n"


def test_an_id_that_is_close_to_none_points_to_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["verify", "xyz"]) == 2
    assert capsys.readouterr().err == "no claim 'xyz'; see python -m theory list\n"


@pytest.mark.parametrize("arguments", [["verify", "--jsn", "x"], ["verfy"], ["show"]])
def test_bad_input_is_one_line_and_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1


def test_a_run_of_a_few_claims_says_so_and_shows_their_evidence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "verdicts.json"
    assert commands.main(["verify", *FAST, "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert f"2 of 2 claims as expected; a run of 2 out of {len(CLAIMS)} claims" in out
    assert "one class out of six" in out and "2^-53" in out
    assert [record["id"] for record in json.loads(file.read_text())] == list(FAST)


def test_a_full_run_leaves_empirical_claims_to_the_audit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    all_ending(monkeypatch)
    assert commands.main(["verify"]) == 0
    out = capsys.readouterr().out
    audited = sum(claim.empirical for claim in CLAIMS)
    exact = len(CLAIMS) - audited
    assert f"{exact} of {exact} claims as expected; {audited} left to the audit (python -m simulations audit);" in out
    assert out.count("needs audit") == audited and "one [instance]" in out
    assert "a run of" not in out and "witness" not in out


def test_only_empirical_claims_asked_for_verifies_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["verify", "quadratic-oracle"]) == 0
    assert "0 of 0 claims as expected; 1 left to the audit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("differing", "code"),
    [
        ((("ht-unbiased", Status.REFUTED),), 1),
        ((("ht-unbiased", Status.CONSISTENT),), 1),
        ((("ht-unbiased", Status.INCONCLUSIVE),), 3),
        ((("ht-unbiased", Status.INCONCLUSIVE), ("released-entropy", Status.REFUTED)), 1),
    ],
)
def test_the_exit_code_tells_the_worst_surprise(
    differing: tuple[tuple[str, Status], ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    all_ending(monkeypatch, *differing)
    assert commands.main(["verify"]) == code
    out = capsys.readouterr().out
    assert f"{differing[0][1].value} (expected HOLDS)" in out
    assert "a [quantity]" in out and 'witness: {"n": 3}' in out


@pytest.mark.parametrize("where", ["missing/verdicts.json", "."])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "_verified", lambda claims: pytest.fail("worked before it looked"))
    assert commands.main(["verify", "--json", str(tmp_path / where)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("cannot write to ") and err.count("\n") == 1


def test_an_interrupt_is_answered_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(claims: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "_verified", interrupted)
    assert commands.main(["verify"]) == 130
    assert capsys.readouterr().err.strip().endswith("interrupted: nothing was written")


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(\"No module named 'typer'\", name='typer')\n")
    root = Path(__file__).parents[2]
    program = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(root)!r}]; import runpy; runpy.run_module('theory')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "python -m theory needs the extra 'study': found no package 'typer'\n"
