"""The plugin in runs of small suites of its own: in this process, and under pytest-xdist in processes of theirs."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from amss_min.testing.budget import Budget

Run = Callable[..., tuple[int, str]]

ROOT = Path(__file__).resolve().parents[3]

CONFTEST = """
import json
import pytest

pytest_plugins = ["amss_min.testing.plugin"]

@pytest.fixture
def note(request, estimator_budget):
    def note(calls):
        made = [(estimator_budget.spend(), estimator_budget.seed()) for call in range(calls)]
        name = request.node.name
        (request.config.rootpath / f"{name}.json").write_text(json.dumps([request.node.nodeid, made]))
    return note
"""
SUITE = {
    "test_a.py": "def test_one(note):\n    note(1)\n\ndef test_two(note):\n    note(2)\n",
    "test_b.py": "def test_three(note):\n    note(3)\n\ndef test_other():\n    pass\n",
}
SPENT = {"test_one": 1, "test_two": 2, "test_three": 3}


def plant(folder: Path, files: dict[str, str], conftest: str = CONFTEST) -> None:
    for name, text in {"pytest.ini": "[pytest]\n", "conftest.py": conftest, **files}.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs pytest on tmp_path within this process: (exit status, what it printed)."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*options: str) -> tuple[int, str]:
        off = ("cacheprovider", "faulthandler", "xdist", "unraisableexception")
        fixed = (*(f"-pno:{plugin}" for plugin in off), "--import-mode=importlib")
        status = int(pytest.main([*fixed, *options]))
        # A module that was imported before is not rewritten, which pytest may count as a warning.
        return status, capsys.readouterr().out.replace(" 1 warning,", "")

    return run


def run_distributed(folder: Path, *options: str) -> tuple[int, str]:
    """Runs pytest on two workers of pytest-xdist."""
    command = [sys.executable, "-m", "pytest", "-n2", "-p", "no:cacheprovider", "--import-mode=importlib", *options]
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def noted(folder: Path, name: str) -> list[tuple[float, int]]:
    node_id, made = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    assert node_id.endswith(f"::{name}")
    return [(part, seed) for part, seed in made]


def expected(node_id: str, calls: int, budget: Budget) -> list[tuple[float, int]]:
    share = budget.test(node_id)
    return [(share.spend(), share.seed()) for _ in range(calls)]


def printed_seeds(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"--estimator-seed=(\d+)", text)]


def test_every_test_spends_the_share_of_its_node_id(tmp_path: Path, run: Run) -> None:
    plant(tmp_path, SUITE)
    status, text = run("--estimator-alpha=1e-6", "--estimator-tests=100", "--estimator-seed=7")
    assert status == 0
    assert "estimator budget: alpha 1e-06, 100 shares; replay with --estimator-seed=7" in text
    budget = Budget(alpha=1e-6, tests=100, seed=7)
    files = {"test_one": "test_a.py", "test_two": "test_a.py", "test_three": "test_b.py"}
    for name, calls in SPENT.items():
        assert noted(tmp_path, name) == expected(f"{files[name]}::{name}", calls, budget)
    line = f"estimator budget: {budget.spent:.3g} of alpha 1e-06 spent, 6 calls of 3 tests"
    assert f"{line}; replay with --estimator-seed=7" in text


def test_a_partial_run_changes_no_share_and_a_printed_seed_replays_it(tmp_path: Path, run: Run) -> None:
    plant(tmp_path, SUITE)
    status, text = run()
    assert status == 0
    first, last = printed_seeds(text)
    assert first == last
    whole = noted(tmp_path, "test_two")
    for selection in (("-k", "two"), ("test_a.py::test_two",), ("test_b.py", "test_a.py")):
        assert run(*selection, f"--estimator-seed={first}")[0] == 0
        assert noted(tmp_path, "test_two") == whole


def test_the_seed_is_fresh_unless_given(tmp_path: Path, run: Run) -> None:
    plant(tmp_path, {"test_a.py": SUITE["test_a.py"]})
    assert set(printed_seeds(run("-q")[1])).isdisjoint(printed_seeds(run("-q")[1]))


def test_a_run_that_spends_nothing_says_nothing_at_its_end(tmp_path: Path, run: Run) -> None:
    plant(tmp_path, SUITE)
    status, text = run("-k", "other")
    assert status == 0
    assert text.count("estimator budget:") == 1


def test_more_tests_than_shares_is_an_error_of_each_even_where_most_are_deselected(tmp_path: Path, run: Run) -> None:
    plant(tmp_path, SUITE)
    message = "at most --estimator-tests=2 tests can share the estimator budget, found 3"
    status, text = run("--estimator-tests=2")
    assert status == 1
    assert "1 passed, 3 errors" in text and f"ERROR: {message}" in text
    status, text = run("--estimator-tests=2", "-k", "two or other")
    assert status == 1
    assert "1 passed, 2 deselected, 1 error" in text and message in text
    assert not list(tmp_path.glob("*.json"))


def test_a_test_that_asks_for_the_fixture_while_it_runs_is_counted_when_it_spends(tmp_path: Path, run: Run) -> None:
    text = "import pytest\n\n@pytest.mark.parametrize('i', range(3))\ndef test_late(i, request):\n"
    text += "    request.getfixturevalue('estimator_budget').spend()\n"
    plant(tmp_path, {"test_late.py": text})
    status, printed = run("--estimator-tests=2")
    assert status == 1
    assert "1 failed, 2 passed" in printed
    assert "at most tests=2 test ids can share the budget, found one more, 'test_late.py::test_late[2]'" in printed


def test_hypothesis_may_use_the_fixture_and_its_examples_share_one_count(tmp_path: Path, run: Run) -> None:
    text = "from hypothesis import given, settings, strategies as st\n\nseen = []\n\n"
    text += "@settings(max_examples=5, database=None)\n@given(x=st.integers(0, 10**6))\n"
    text += "def test_any(estimator_budget, x):\n"
    text += "    seen.append((estimator_budget.spend(), estimator_budget.seed(x)))\n\n"
    text += "def test_after():\n    assert len(seen) >= 5\n"
    text += "    assert [a for a, _ in seen] == sorted({a for a, _ in seen}, reverse=True)\n"
    text += "    assert len({b for _, b in seen}) == len(seen)\n"
    plant(tmp_path, {"test_given.py": text})
    status, printed = run()
    assert status == 0, printed
    assert "calls of 1 tests" in printed


def test_a_share_is_bound_to_a_running_test(tmp_path: Path, run: Run) -> None:
    text = CONFTEST + "\nkept = []\n\n@pytest.fixture\ndef keep(estimator_budget):\n    kept.append(estimator_budget)\n"
    text += (
        "\ndef pytest_sessionfinish(session):\n    try:\n        kept[0].spend()\n    except RuntimeError as error:\n"
    )
    text += "        (session.config.rootpath / 'error.txt').write_text(str(error))\n"
    plant(tmp_path, {"test_kept.py": "def test_kept(keep):\n    pass\n"}, text)
    assert run()[0] == 0
    message = "estimator_budget must be used while a test runs, found none running"
    assert (tmp_path / "error.txt").read_text(encoding="utf-8") == message


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--estimator-alpha=2", "--estimator-alpha must be in (0, 1), found alpha=2.0"),
        ("--estimator-tests=0", "--estimator-tests must be at least 1, found tests=0"),
        ("--estimator-seed=-1", "--estimator-seed must be at least 0, found seed=-1"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    option: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, SUITE, "")
    monkeypatch.chdir(tmp_path)
    status = pytest.main(["-p", "amss_min.testing.plugin", "-p", "no:faulthandler", "-p", "no:xdist", option])
    assert status == pytest.ExitCode.USAGE_ERROR
    assert message in capsys.readouterr().err


def test_all_workers_of_a_distributed_run_use_one_fresh_seed(tmp_path: Path) -> None:
    plant(tmp_path, SUITE)
    status, text = run_distributed(tmp_path)
    assert status == 0, text
    first, last = printed_seeds(text)
    assert first == last
    budget = Budget(seed=first)
    files = {"test_one": "test_a.py", "test_two": "test_a.py", "test_three": "test_b.py"}
    for name, calls in SPENT.items():
        assert noted(tmp_path, name) == expected(f"{files[name]}::{name}", calls, budget)
    assert f"estimator budget: {budget.spent:.3g} of alpha 1e-09 spent, 6 calls of 3 tests" in text


@pytest.mark.slow
def test_a_distributed_run_in_which_too_many_tests_spend_fails(tmp_path: Path) -> None:
    text = "import time, pytest\n\n@pytest.mark.parametrize('i', range(4))\ndef test_late(i, request):\n"
    text += "    request.getfixturevalue('estimator_budget').spend()\n    time.sleep(0.2)\n"
    plant(tmp_path, {"test_late.py": text})
    status, printed = run_distributed(tmp_path, "--estimator-tests=3")
    assert "4 passed" in printed  # no worker alone has run too many
    assert status == 1
    assert "ERROR: at most --estimator-tests=3 tests can share the estimator budget, found 4" in printed
    status, printed = run_distributed(tmp_path, "--estimator-tests=4", "--dist=each")
    assert status == 0, printed
    assert "4 calls of 4 tests" in printed  # twice the same draws are spent once
