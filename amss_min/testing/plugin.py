"""A pytest plugin that keeps one false-alarm budget for a whole suite of estimator tests.

Put `pytest_plugins = ["amss_min.testing.plugin"]` into the root conftest.py, or run
`pytest -p amss_min.testing.plugin`. A test that asks for the fixture `estimator_budget` gets the share of its own node
id (`TestBudget`):

    def test_mask_is_unbiased(estimator_budget):
        alpha, seed = estimator_budget.spend(), estimator_budget.seed()

Options: --estimator-alpha (of the whole suite), --estimator-tests (the most node ids that may use it),
--estimator-seed (by default fresh from the operating system). The seed is printed, so that a run can be replayed; under
pytest-xdist every worker has the same one. Shares do not depend on what is collected or selected: see `Budget`. More
node ids than shares is an error of every test that uses the fixture, counted before tests are deselected.
"""

from collections.abc import Generator, Mapping
from typing import Any

import pytest

from amss_min.testing.budget import Budget, TestBudget

FIXTURE = "estimator_budget"
_SUITE = pytest.StashKey["_Suite"]()


class _RunningTest(TestBudget):
    """The share of whichever test runs.

    One object for the session: Hypothesis refuses fixtures of function scope, lest their state leak from one example
    into the next. Here it must: calls are counted over all examples of a test.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget, "")
        self.node_id: str | None = None

    @property
    def test_id(self) -> str:
        if self.node_id is None:
            raise RuntimeError(f"{FIXTURE} must be used while a test runs, found none running")
        return self.node_id


class _Suite:
    """The budget of this run, the test that runs, and what other processes report."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.running = _RunningTest(budget)
        self.collected = 0
        self.elsewhere: dict[str, int] = {}

    def add(self, calls: Mapping[str, int]) -> None:
        """Calls of another process. A test that runs in several has the same seeds there, so it spends once."""
        for test_id, count in calls.items():
            self.elsewhere[test_id] = max(count, self.elsewhere.get(test_id, 0))

    @property
    def calls(self) -> dict[str, int]:
        """Calls by test id, over all processes."""
        return {**self.elsewhere, **self.budget.calls}

    @property
    def too_many(self) -> str:
        """What is wrong if more node ids use the budget than it has shares, or nothing."""
        count = max(self.collected, len(self.calls))
        if count <= self.budget.tests:
            return ""
        return (
            f"at most --estimator-tests={self.budget.tests} tests can share the estimator budget, found {count}; "
            "a larger number makes every share smaller"
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    """The three options; the defaults are those of `Budget`."""
    group = parser.getgroup("estimator", "false-alarm budget of estimator tests")
    group.addoption("--estimator-alpha", type=float, default=Budget.alpha, help="of the whole suite (default 1e-9)")
    group.addoption("--estimator-tests", type=int, default=Budget.tests, help="most tests that share it (default 1000)")
    group.addoption("--estimator-seed", type=int, help="of the run (default: fresh); printed, to replay a run")


def pytest_configure(config: pytest.Config) -> None:
    """Make the budget; a worker of pytest-xdist takes the seed of its controller."""
    seed = getattr(config, "workerinput", {}).get(FIXTURE, config.getoption("estimator_seed"))
    given = {} if seed is None else {"seed": seed}
    try:
        budget = Budget(config.getoption("estimator_alpha"), config.getoption("estimator_tests"), **given)
    except ValueError as error:
        raise pytest.UsageError(f"--estimator-{error}") from error
    config.stash[_SUITE] = _Suite(budget)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist: hand the seed to a worker."""
    node.workerinput[FIXTURE] = node.config.stash[_SUITE].budget.seed


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """pytest-xdist: take what a worker's tests have spent (nothing from one that crashed)."""
    node.config.stash[_SUITE].add(getattr(node, "workeroutput", {}).get(FIXTURE, {}))


def pytest_report_header(config: pytest.Config) -> str:
    """The budget and the seed."""
    budget = config.stash[_SUITE].budget
    return (
        f"estimator budget: alpha {budget.alpha:g}, {budget.tests} shares; replay with --estimator-seed={budget.seed}"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Count the tests that use the fixture, before any is deselected."""
    config.stash[_SUITE].collected = len({i.nodeid for i in items if FIXTURE in getattr(i, "fixturenames", ())})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Say which test runs."""
    running = item.config.stash[_SUITE].running
    running.node_id = item.nodeid
    try:
        return (yield)
    finally:
        running.node_id = None


@pytest.fixture(scope="session")
def estimator_budget(pytestconfig: pytest.Config) -> TestBudget:
    """The share of the test that runs: spend() gives the error probability of its next call, seed() a fresh seed."""
    suite = pytestconfig.stash[_SUITE]
    if suite.too_many:
        raise pytest.UsageError(suite.too_many)
    return suite.running


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Report to the controller, or fail the run in which too many tests have spent."""
    suite = session.config.stash[_SUITE]
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[FIXTURE] = dict(suite.budget.calls)
    elif len(suite.calls) > suite.budget.tests:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line: what was spent."""
    suite = config.stash[_SUITE]
    calls, budget = suite.calls, suite.budget
    if suite.too_many:
        terminalreporter.write_line(f"ERROR: {suite.too_many}", red=True)
    if calls:
        total = f"{budget.spent_by(calls):.3g} of alpha {budget.alpha:g} spent"
        terminalreporter.write_line(
            f"estimator budget: {total}, {sum(calls.values())} calls of {len(calls)} tests; "
            f"replay with --estimator-seed={budget.seed}"
        )
