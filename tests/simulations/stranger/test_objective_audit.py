"""A stranger's objective: wrong constants are caught with the point, right ones are conditional, mistakes one line."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from amss_min.testing import Status
from simulations.__main__ import main
from simulations.stranger.command import Request, verdicts_on
from simulations.stranger.objective import Stated, stated

DOCS = (Path(__file__).parents[3] / "docs" / "audit.md").read_text()
(BUMPS,) = [text for text in re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL) if "def bumps" in text]

MINE = (
    BUMPS
    + """
import math

from simulations.objectives import BlockCosine, IsotropicQuadratic, Objective


def square(w):
    return w.square().sum(-1)


def hills(w):
    return (w.square() + 3 * w.sin().square()).sum(-1)


def kink(w):
    return w.abs().sum(-1)


def grows(w):
    return w.exp().sum(-1)


def lifted(w):
    return 1e6 + w.square().sum(-1)


def inside(w):
    return -(1 - w.square().sum(-1)).log()


def raising(w):
    raise RuntimeError("first\\nsecond")


def late(w):
    if bool((w.abs() > 50).any()):
        raise ZeroDivisionError("far out")
    return w.square().sum(-1)


def rows(w):
    return w


def plain(w):
    return torch.tensor(w.detach().numpy().sum(-1))


def nothing(w):
    return w.sum(-1) * math.nan


def two(w, b):
    return w.sum(-1)


def single(w):
    return w.float().square().sum(-1)


class Wrong(BlockCosine):
    def gradient(self, w):
        return 2 * super().gradient(w)


class Mine(Objective):
    name, L, f_star, blocks = "mine", 2.0, 0.0, (slice(0, 4),)
    convexity, minimiser = 2.0, (0.0,) * 4

    def value(self, w):
        return w.square().sum(-1)

    def gradient(self, w):
        return 2 * w


number, wrong, mine, ours = 3, Wrong(), Mine(), IsotropicQuadratic(n=4)
"""
)
GIVEN = ["--dim", "4", "--L", "2", "--f-star", "0"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short runs: enough for code paths, with 256 replicates as ever."""
    monkeypatch.setattr("simulations.stranger.dependants.HORIZONS", (2, 8))


def audited(name: str, *options: str) -> int:
    return main(["audit", "--objective", f"mine.py:{name}", *options])


def records(path: Path) -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in json.loads(path.read_text())}


def square(w: torch.Tensor) -> torch.Tensor:
    return w.square().sum(-1)


def made(**changes: Any) -> Stated:
    return stated(square, "square", **{"d": 3, "L": 2.0, "f_star": 0.0, **changes})


@pytest.mark.slow
def test_right_constants_end_conditional(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited("bumps", "--dim", "20", "--L", "2", "--f-star", "0", "--json", "out.json") == 0
    found = records(here / "out.json")
    assert found["smoothness-constant"]["scope"].startswith("not contradicted by ")
    for name in ("nonconvex-bound", "full-gradient-bound"):
        assert found[name]["status"] == "CONSISTENT"
        assert re.fullmatch(r"conditional on L and f_star \(not contradicted by \d+ points\)", found[name]["condition"])
        assert found[name]["scope"].startswith(found[name]["condition"])
    assert len(found["nonconvex-bound"]["evidence"]) == 2 * 3
    assert all(len(item["details"]["horizons"]) == 4 for item in found["nonconvex-bound"]["evidence"])
    assert found["pl-bound"]["scope"] == "not run: no mu is stated (--mu)"
    assert "CONSISTENT, conditional on L and f_star" in " ".join(capsys.readouterr().out.split())
    assert not (here / "bumps.witness.json").exists()


@pytest.mark.parametrize(
    ("name", "options", "claim", "constant"),
    [
        ("bumps", ["--dim", "4", "--L", "1.5", "--f-star", "0"], "smoothness-constant", "L"),
        ("bumps", ["--dim", "4", "--L", "2", "--f-star", "0.01"], "lower-bound-of-objective", "f_star"),
        ("hills", ["--dim", "2", "--L", "8", "--f-star", "0", "--mu", "0.4"], "pl-constant", "mu"),
    ],
)
@pytest.mark.usefixtures("brief")
def test_a_wrong_constant_is_refuted_with_a_point_that_replays(
    name: str, options: list[str], claim: str, constant: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(name, *options, "--json", "out.json", "--witness", "w.json") == 1
    found = records(here / "out.json")
    assert found[claim]["status"] == "REFUTED"
    rest = [record for key, record in found.items() if key.endswith("pl-bound")]
    if constant != "mu":
        rest += [found["nonconvex-bound"], found["full-gradient-bound"]]
    assert {record["status"] for record in rest} == {"INCONCLUSIVE"}
    assert all(record["scope"].startswith("not run: ") and record["condition"] == "" for record in rest)
    contradicted = [record for record in rest if "is contradicted" in record["scope"]]
    assert {record["expected_status"] for record in contradicted} == {"CONSISTENT"}
    assert len(contradicted) == 2
    out = capsys.readouterr().out
    assert "replay: python -m simulations audit --replay w.json" in out
    assert main(["audit", "--replay", "w.json"]) == 1
    assert "contradicted again" in capsys.readouterr().out
    witness = json.loads((here / "w.json").read_text())
    assert witness["constant"] == constant
    generous = {"L": 100.0, "f_star": -100.0, "mu": 1e-9}[constant]
    (here / "w.json").write_text(
        json.dumps({**witness, constant: generous, **({"mu": None} if constant == "L" else {})})
    )
    assert main(["audit", "--replay", "w.json"]) == 0
    assert "not contradicted any more" in capsys.readouterr().out


@pytest.mark.usefixtures("here", "brief")
def test_everything_that_rests_on_the_constants_is_run() -> None:
    found = verdicts_on(made(mu=2.0), (1.0, 1.0, 1.0), Request(target="mine.py:square"))
    status = {verdict.claim.id: verdict.status for verdict in found.verdicts}
    assert status.pop("convex-bound") is Status.INCONCLUSIVE  # no minimiser is stated
    assert set(status.values()) == {Status.CONSISTENT}
    assert len(status) == 3 + 4
    conditions = {verdict.claim.id: found.condition(verdict) for verdict in found.dependants}
    assert conditions["pl-bound"].startswith("conditional on L, f_star and mu (not contradicted by ")


@pytest.mark.usefixtures("brief")
def test_rounding_of_a_large_value_is_no_contradiction(here: Path) -> None:
    options = ["--dim", "4", "--L", "2", "--f-star", "1000000", "--mu", "2", "--json", "out.json"]
    assert audited("lifted", *options) == 0
    assert records(here / "out.json")["full-gradient-pl-bound"]["status"] == "CONSISTENT"


@pytest.mark.usefixtures("brief")
def test_an_objective_brings_its_own_constants(here: Path) -> None:
    assert audited("mine", "--json", "out.json") == 0
    found = records(here / "out.json")
    assert found["convex-bound"]["status"] == "CONSISTENT"
    assert found["convex-bound"]["condition"].startswith("conditional on")
    assert found["pl-constant"]["status"] == "CONSISTENT"  # m-strong convexity is a PL constant
    assert audited("ours", "--json", "out.json") == 0
    assert {record["condition"] for record in records(here / "out.json").values()} == {""}  # its file proves them


@pytest.mark.usefixtures("brief")
def test_numbers_near_overflow_hide_nothing(here: Path) -> None:
    assert audited("grows", "--dim", "4", "--L", "1", "--f-star", "1", "--json", "out.json") == 1
    found = records(here / "out.json")
    assert {found[name]["status"] for name in ("smoothness-constant", "lower-bound-of-objective")} == {"REFUTED"}
    first, second = here / "grows.witness.json", here / "f_star-grows.witness.json"
    assert [json.loads(path.read_text())["constant"] for path in (first, second)] == ["L", "f_star"]
    assert main(["audit", "--replay", str(second)]) == 1


def test_a_kink_is_refuted_by_a_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited("kink", "--dim", "20", "--L", "1", "--f-star", "0", "--json", "out.json") == 1
    found = records(here / "out.json")
    refuted = [record for record in found.values() if record["status"] == "REFUTED"]
    assert refuted
    if found["smoothness-constant"]["status"] != "REFUTED":
        assert "one of them is wrong there" in capsys.readouterr().out
        witness = found["nonconvex-bound"]["evidence"][0]["witness"]
        assert witness["command"].endswith("audit --objective mine.py:kink --dim 20 --L 1.0 --f-star 0.0")


def test_a_ball_is_searched_and_its_dependants_are_refused(here: Path) -> None:
    assert audited("inside", "--dim", "3", "--L", "40", "--f-star", "0", "--radius", "0.5", "--json", "out.json") == 0
    found = records(here / "out.json")
    assert "on a ball only" in found["nonconvex-bound"]["scope"]
    assert audited("inside", "--dim", "3", "--L", "2", "--f-star", "0", "--radius", "0.5") == 1


BAD = [
    ("mine.py", GIVEN, "--objective must be given as FILE.py:NAME, found 'mine.py'"),
    ("mime.py:square", GIVEN, "'mime.py' does not exist; did you mean 'mine.py'?"),
    ("mine.py:sqare", GIVEN, "no 'sqare' in mine.py; did you mean 'square'"),
    ("mine.py:raising", GIVEN, "raising raised RuntimeError at (4, 4) points: first second"),
    ("mine.py:late", GIVEN, "late raised ZeroDivisionError at "),
    ("mine.py:rows", GIVEN, "rows must map (R, 4) to (R,), found (4, 4)"),
    ("mine.py:plain", GIVEN, "plain must be differentiable by torch"),
    ("mine.py:nothing", GIVEN, "nothing must be finite"),
    ("mine.py:two", GIVEN, "two must take one tensor w (R, d), found two(w, b)"),
    ("mine.py:single", GIVEN, "single must keep the dtype"),
    ("mine.py:number", GIVEN, "number must be a torch function or an Objective, found int"),
    ("mine.py:Mine", GIVEN, "Mine is a class; name an instance"),
    ("mine.py:wrong", [], "the gradient of wrong must be that of its value"),
    ("mine.py:mine", ["--L", "3"], "--L is 2.0 in the class of mine, found 3.0"),
    ("mine.py:square", GIVEN[:4], "--f-star must be given for a function"),
    ("mine.py:square", ["--dim", "2000", *GIVEN[2:]], "--dim must be in [1, 1000], found 2000"),
    ("mine.py:square", [*GIVEN[:2], "--L", "-1", *GIVEN[4:]], "--L must be positive and finite, found -1.0"),
    ("mine.py:square", [*GIVEN[:4], "--f-star", "nan"], "--f-star must be finite, found nan"),
    ("mine.py:square", [*GIVEN, "--mu", "3"], "--mu must be in (0, L] = (0, 2], found 3.0"),
    ("mine.py:square", [*GIVEN, "--radius", "0"], "--radius must be positive, found 0.0"),
    ("mine.py:square", [*GIVEN, "--radius", "1.5", "--start", "1"], "--start must lie in the ball |w| <= 1.5"),
    ("mine.py:square", [*GIVEN, "--start", "x"], "--start must be a number or a FILE.npy, found 'x'"),
    ("mine.py:square", [*GIVEN, "--start", "no.npy"], "--start: no file 'no.npy'"),
    (
        "mine.py:square",
        [*GIVEN, "--start", "three.npy"],
        "must hold d = 4 real numbers, shape (4,), found float64 (3,)",
    ),
    ("mine.py:square", [*GIVEN, "--start", "0"], "--start must not be a stationary point"),
    ("mine.py:square", [*GIVEN, "--json", "no/out.json"], "cannot write to no/out.json: there is no such folder"),
    ("mine.py:square", [*GIVEN, "--quick"], "--quick and --deep are levels of claims"),
    ("mine.py:square", [*GIVEN, "nonconvex-bound"], "one thing can be audited at a time, found an ID and --objective"),
    ("empty.py:f", GIVEN, "no 'f' in empty.py; there is nothing like it"),
    ("broken.py:f", GIVEN, "broken.py raised SyntaxError while it was imported"),
]


@pytest.mark.parametrize(("target", "options", "told"), BAD, ids=[f"{target} {told[:30]}" for target, _, told in BAD])
def test_bad_input_is_one_line(
    target: str, options: list[str], told: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(here / "three.npy", np.ones(3))
    (here / "empty.py").write_text("")
    (here / "broken.py").write_text("def f(:")
    assert main(["audit", "--objective", target, *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("here")
def test_debug_shows_where_the_function_broke(capsys: pytest.CaptureFixture[str]) -> None:
    assert audited("raising", *GIVEN, "--debug") == 2
    assert "RuntimeError: first" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"objective": "mine.py:square"}', None])
def test_what_is_no_witness_is_refused(text: str | None, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if text is not None:
        (here / "w.json").write_text(text)
    assert main(["audit", "--replay", "w.json"]) == 2
    assert capsys.readouterr().err.startswith("--replay: ")
