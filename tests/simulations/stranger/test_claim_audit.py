"""A stranger's claim is verified like ours, and whatever is wrong with it is said in one line."""

import json
import re
from pathlib import Path

import pytest

from simulations.__main__ import main

DOCS = (Path(__file__).parents[3] / "docs" / "audit.md").read_text()
(CLAIM,) = [text for text in re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL) if "CLAIM = " in text]
MORE = """

def breaking(measurement):
    raise KeyError("what")


def leaving(measurement):
    raise SystemExit(3)


BROKEN = replace(CLAIM, check=breaking)
LEAVING = replace(CLAIM, check=leaving)
TEXTS = replace(CLAIM, check=lambda measurement: ["yes"])
EMPTY = replace(CLAIM, empirical=False, check=lambda: [])
QUARTER = Dominance(quantity="{T}", values=lambda run: run.average, bound=lambda run: bound(run) / 4, assumptions=())
FALSE = replace(CLAIM, check=QUARTER.check)
OTHER = replace(CLAIM, id="other")
DIRECT = replace(CLAIM, empirical=False, check=lambda: [one])
NUMBER = 3

from amss_min.testing import Evidence, Guarantee, Method

one = Evidence(
    what="one", method=Method.PROOF, guarantee=Guarantee.EXACT, status=Status.CONSISTENT, expected=1.0, measured=1.0,
    tolerance=None, tolerance_source="", scope="here [sic]",
)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(CLAIM + MORE)
    (tmp_path / "bare.py").write_text(CLAIM.replace("EXPERIMENT = ", "SOMETHING = "))
    (tmp_path / "wild.py").write_text(CLAIM.replace("keep=0.5", "keep=5"))
    (tmp_path / "typed.py").write_text(CLAIM + "\nEXPERIMENT = 3\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_in_the_docs_is_consistent(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--claim", "mine.py:CLAIM", "--json", "out.json", "--quick"]) == 0
    (record,) = json.loads((here / "out.json").read_text())
    assert (record["id"], record["status"], record["level"]) == ("pivotal-bound", "CONSISTENT", "quick")
    assert record["scope"].endswith("; quick audit")
    assert "as expected" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("FALSE", 1, "pivotal-bound: REFUTED: "),
        ("BROKEN", 3, "measured KeyError: 'what'"),
        ("LEAVING", 3, "measured RuntimeError: the check ends Python"),
        ("TEXTS", 3, "a check must return Evidence, found str"),
        ("EMPTY", 3, "at least one piece of evidence"),
        ("DIRECT", 0, "here [sic]"),
    ],
)
@pytest.mark.usefixtures("here")
def test_the_exit_code_is_that_of_our_claims(
    name: str, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "--claim", f"mine.py:{name}"]) == code
    assert told in capsys.readouterr().out


def test_a_refuted_claim_says_what_repeats_it(here: Path) -> None:
    assert main(["audit", "--claim", "mine.py:FALSE", "--json", "out.json", "--seed", "2"]) == 1
    (record,) = json.loads((here / "out.json").read_text())
    command = record["evidence"][0]["witness"]["command"]
    assert command == "python -m simulations audit --claim mine.py:FALSE --seed 2"


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("mine.py", "--claim must be given as FILE.py:NAME"),
        ("mine.py:CLAM", "did you mean 'CLAIM'"),
        ("mine.py:NUMBER", "NUMBER must be a theory.verdict.Claim, found int"),
        ("mine.py:OTHER", "EXPERIMENT must be that of 'other', found one of 'pivotal-bound'"),
        ("bare.py:CLAIM", "needs an Experiment named EXPERIMENT beside it, found none"),
        ("typed.py:CLAIM", "found int"),
        ("wild.py:CLAIM", "run 1 of 1 of EXPERIMENT raised ValueError: keep must give a fraction"),
        ("none.py:CLAIM", "'none.py' does not exist"),
    ],
)
@pytest.mark.usefixtures("here")
def test_bad_input_is_one_line(target: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--claim", target]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err


@pytest.mark.parametrize("options", [["--dim", "3"], ["--quick", "--deep"], ["nonconvex-bound"], ["--objective", "x"]])
@pytest.mark.usefixtures("here")
def test_options_that_do_not_belong_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--claim", "mine.py:CLAIM", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1
