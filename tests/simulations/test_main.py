"""The commands: what they write, what they refuse, in one line, and with which exit code."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from amss_min.testing import Status
from simulations import audit as module
from simulations import audit_command, experiments
from simulations.__main__ import main
from simulations.audit import Audit
from simulations.experiments import ALL, Level
from simulations.multimodal.command import Request
from theory.claims import CLAIMS
from theory.measurement import Measurement
from theory.verdict import Claim, Verdict


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Experiments of one short cell, run in this process."""
    short = tuple(
        replace(found, cells=tuple(replace(c, replicates=4, checkpoints=(1, 2)) for c in found.cells[:1]))
        for found in ALL
    )
    monkeypatch.setattr(experiments, "ALL", short)
    for owner in (module, audit_command):
        monkeypatch.setattr(owner, "EXPERIMENTS", MappingProxyType({found.claim: found for found in short}))


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err.strip()


def test_list_names_every_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(experiment.name in out for experiment in ALL)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["audit", "--help"], ["train", "--help"], ["run", "--help"]])
def test_help_has_examples_and_ends_well(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "python -m simulations" in out
    if len(arguments) == 2:
        assert f"\n    python -m simulations {arguments[0]}" in out


@pytest.mark.usefixtures("brief")
def test_run_writes_the_record_and_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "quadratic-oracle", "--results", str(tmp_path), "--seed", "4"]) == 0
    record = json.loads((tmp_path / "experiments" / "quadratic-oracle.json").read_text())
    assert (record["name"], record["seed"], len(record["runs"])) == ("quadratic-oracle", 4, 1)
    assert "uniform-ht" in capsys.readouterr().out


@pytest.mark.usefixtures("brief")
def test_an_audit_of_one_claim_leaves_the_verdicts_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "verdicts.json").write_text("old")
    # Four replicates decide nothing: the check refuses them, so the claim ends inconclusive.
    assert main(["audit", "quadratic-oracle", "--results", str(tmp_path)]) == 3
    assert (tmp_path / "verdicts.json").read_text() == "old"
    assert (tmp_path / "experiments" / "quadratic-oracle.json").exists()
    out = capsys.readouterr().out
    assert "a few of" in out
    assert "at least 256 replicates" in out


@pytest.mark.parametrize(("options", "level"), [([], "usual"), (["--quick"], "quick"), (["--deep"], "deep")])
def test_a_whole_audit_writes_every_verdict_with_its_level(
    options: list[str], level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = next(claim for claim in CLAIMS if claim.id == "released-entropy").verify()

    def instant(claims: tuple[Claim, ...], **given: object) -> Audit:
        assert given["level"] is Level(level)
        found = [Verdict(claim=replace(c, expected_status=Status.HOLDS), evidence=verdict.evidence) for c in claims]
        return Audit(tuple(found), dict[str, Measurement]())

    monkeypatch.setattr(audit_command, "audit", instant)
    assert main(["audit", "--results", str(tmp_path), *options]) == 0
    found = json.loads((tmp_path / "verdicts.json").read_text())
    assert [item["id"] for item in found] == [claim.id for claim in CLAIMS if not claim.missing]
    assert {item["level"] for item in found} == {level}
    said = {claim.id: claim.empirical and level != "usual" for claim in CLAIMS}
    assert all(item["scope"].endswith(f"; {level} audit") == said[item["id"]] for item in found)
    wanted = {"id", "statement", "kind", "source", "status", "expected_status", "scope", "guarantee", "evidence"}
    assert all(wanted <= set(item) for item in found)


def test_the_verdicts_asked_for_go_wherever_they_are_wanted(tmp_path: Path) -> None:
    target = tmp_path / "one.json"
    asked = ["audit", "released-entropy", "--quick", "--json", str(target), "--results", str(tmp_path / "r")]
    assert main(asked) == 0
    (item,) = json.loads(target.read_text())
    assert (item["id"], item["status"], item["level"]) == ("released-entropy", "HOLDS", "quick")
    assert "audit" not in item["scope"]  # no level changes what needs no simulation
    assert not (tmp_path / "r" / "verdicts.json").exists()


def test_a_claim_whose_extra_is_missing_is_left_out_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (needy,) = (replace(claim, extra="worst-case") for claim in CLAIMS if claim.id == "released-entropy")
    (other,) = (claim for claim in CLAIMS if claim.id == "indicator-bias")
    monkeypatch.setattr("theory.verdict.EXTRAS", {"worst-case": ("no_such_package",)})
    for owner in (module, audit_command):
        monkeypatch.setattr(owner, "CLAIMS", (needy, other))
    assert main(["audit", "--results", str(tmp_path)]) == 0
    assert [item["id"] for item in json.loads((tmp_path / "verdicts.json").read_text())] == ["indicator-bias"]
    assert "1 left out: their extra is not installed" in capsys.readouterr().out
    assert main(["audit", "released-entropy", "--results", str(tmp_path)]) == 2
    assert one_line(capsys) == "claim 'released-entropy' needs the extra 'worst-case', found no no_such_package"


def test_a_mistyped_claim_is_answered_with_the_close_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "ht-unbias", "--results", str(tmp_path)]) == 2
    assert one_line(capsys).startswith("no claim 'ht-unbias'; did you mean 'ht-unbiased'")
    assert list(tmp_path.iterdir()) == []


def test_a_mistyped_experiment_is_answered_with_the_close_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "quadratic-oracel"]) == 2
    assert one_line(capsys) == "no experiment 'quadratic-oracel'; did you mean 'quadratic-oracle'?"


@pytest.mark.parametrize("arguments", [["audti"], ["audit", "--sed", "1"], ["audit", "--seed", "x"], ["run"]])
def test_a_bad_call_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    one_line(capsys)


@pytest.mark.parametrize("arguments", [["audit"], ["run", "quadratic-oracle"]])
def test_closed_results_are_found_out_before_the_work(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for owner, name in ((audit_command, "audit"), (module, "work")):
        monkeypatch.setattr(owner, name, lambda *_, **__: pytest.fail("work was started"))
    closed = tmp_path / "results"
    closed.write_text("a file, not a folder")
    assert main([*arguments, "--results", str(closed)]) == 2
    assert one_line(capsys).startswith(f"cannot write to {closed}/: ")


def test_train_and_bench_hand_over_their_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[object, ...]] = []

    def taking(code: int) -> Callable[..., int]:
        def take(*given: object) -> int:
            calls.append(given)
            return code

        return take

    monkeypatch.setattr("simulations.multimodal.command.train_command", taking(0))
    monkeypatch.setattr("simulations.bench.bench_command", taking(3))
    monkeypatch.setattr("simulations.multimodal.compare_command.compare_command", taking(1))
    chosen = ["--seeds", "2", "--set", "training.epochs=3", "--device", "cuda", "--resume", "--results", str(tmp_path)]
    assert main(["train", *chosen, "--diagnose"]) == 0
    assert main(["compare", "mfeat", *chosen]) == 1
    assert main(["bench", "--masked-step", "--repeats", "4", "--results", str(tmp_path)]) == 3
    overrides = ["training.epochs=3", "training.device=cuda"]
    trained = Request("htad", overrides, 2, resume=True, diagnose=True, results=tmp_path)
    assert calls == [(trained,), (Request("mfeat", overrides, 2, resume=True, results=tmp_path),), (tmp_path, 4)]


def test_an_interrupt_ends_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> Audit:
        raise KeyboardInterrupt

    monkeypatch.setattr(audit_command, "audit", interrupted)
    assert main(["audit", "released-entropy", "--results", str(tmp_path)]) == 130
    assert one_line(capsys) == "interrupted: nothing was written"
