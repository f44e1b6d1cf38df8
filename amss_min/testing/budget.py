"""The suite's false-alarm probability: a fixed share for every test id, spent call by call.

Every test id gets alpha / tests, whatever else runs: the share depends on nothing that happens in a run, so it is the
same in a run of one test, in a run of all, on one process or on ten, and in every order. By the union bound the
probability that any test of a run raises a false alarm is at most alpha, as long as at most `tests` ids spend.
Dividing alpha by the number of tests that happen to run would be wrong: whoever runs each of 1000 tests alone would
then spend alpha 1000 times.

Within a test id, call i of i = 1, 2, ... gets share * 6 / (pi^2 i^2), which sums to the share over any number of calls.
"""

import hashlib
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

_FIRST = 6 / math.pi**2  # the sum of 1 / i^2 over all i is pi^2 / 6


def _fresh_seed() -> int:
    return secrets.randbits(62)


@dataclass(frozen=True)
class Budget:
    """A false-alarm probability for a whole suite of tests.

    alpha: in (0, 1). tests: the most test ids that may spend, at least 1. seed: the run's seed, at least 0; fresh from
    the operating system by default. Print it: with the same seed the same draws are made again.

    The object keeps one count per test id, the calls so far; nothing else changes.
    Raises ValueError for numbers outside these ranges, TypeError for a count or a seed that is not an integer.

    >>> budget = Budget(alpha=1e-6, tests=100, seed=7)
    >>> budget.share
    1e-08
    >>> Budget(alpha=1.5)
    Traceback (most recent call last):
    ...
    ValueError: alpha must be in (0, 1), found alpha=1.5
    """

    alpha: float = 1e-9
    tests: int = 1000
    seed: int = field(default_factory=_fresh_seed)
    _calls: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must be in (0, 1), found alpha={self.alpha}")
        for name, value, least in (("tests", self.tests, 1), ("seed", self.seed, 0)):
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, found {name}={value!r}")
            if value < least:
                raise ValueError(f"{name} must be at least {least}, found {name}={value}")

    @property
    def share(self) -> float:
        """What one test id may spend: alpha / tests."""
        return self.alpha / self.tests

    @property
    def calls(self) -> Mapping[str, int]:
        """Calls so far, by test id: a view."""
        return MappingProxyType(self._calls)

    @property
    def spent(self) -> float:
        """What all test ids have spent so far."""
        return self.spent_by(self._calls)

    def spent_by(self, calls: Mapping[str, int]) -> float:
        """What test ids with these numbers of calls have spent."""
        return math.fsum(self.part(call) for count in calls.values() for call in range(1, count + 1))

    def part(self, call: int) -> float:
        """What call number `call` of one test id gets: share * 6 / (pi^2 call^2). Raises ValueError below 1."""
        if call < 1:
            raise ValueError(f"calls are counted from 1, found call={call}")
        return self.share * _FIRST / call**2

    def test(self, test_id: str) -> "TestBudget":
        """The share of this test id. Asked for twice, it is the same share, and its calls count on."""
        return TestBudget(self, test_id)


class TestBudget:
    """The share of one test id: what its next call may spend, and its seeds.

    >>> share = Budget(alpha=1e-6, tests=100, seed=7).test("tests/test_mask.py::test_unbiased")
    >>> [f"{share.spend():.3g}" for call in range(3)]
    ['6.08e-09', '1.52e-09', '6.75e-10']
    >>> share.calls
    3
    """

    __test__: ClassVar[bool] = False
    """Keeps pytest from collecting this class for its name."""

    def __init__(self, budget: Budget, test_id: str) -> None:
        self.budget = budget
        self._test_id = test_id

    def __repr__(self) -> str:
        return f"TestBudget({self.budget!r}, {self._test_id!r})"

    @property
    def test_id(self) -> str:
        """Whose share it is."""
        return self._test_id

    @property
    def calls(self) -> int:
        """How often this test id has spent."""
        return self.budget.calls.get(self.test_id, 0)

    @property
    def spent(self) -> float:
        """What this test id has spent."""
        return self.budget.spent_by({self.test_id: self.calls})

    def spend(self) -> float:
        """The error probability of this test id's next call.

        Raises ValueError if more test ids spend than the budget has shares.
        """
        calls, tests = self.budget._calls, self.budget.tests
        if self.test_id not in calls and len(calls) >= tests:
            raise ValueError(
                f"at most tests={tests} test ids can share the budget, found one more, {self.test_id!r}; "
                "a larger number of tests makes every share smaller"
            )
        calls[self.test_id] = calls.get(self.test_id, 0) + 1
        return self.budget.part(calls[self.test_id])

    def seed(self, example: int | str = 0, call: int | None = None) -> int:
        """The seed of one call: a hash of the run's seed, the test id, the example and the call, below 2^63.

        example: any number or text that names the example. call: by default the number of calls spent so far, so that
        every spend() is followed by fresh draws. That matters under Hypothesis, which repeats examples, and repeats
        small integers that it draws as seeds most of all: the evidence of a call must not be that of an earlier one.

        >>> share = Budget(seed=7).test("tests/test_mask.py::test_unbiased")
        >>> share.seed("ties", call=1) == share.seed("ties", call=1) != share.seed("ties", call=2)
        True

        Raises TypeError for an example that is neither an integer nor text (a float has no single spelling).
        """
        if not isinstance(example, int | str):
            raise TypeError(f"an example must be an integer or text, found {example!r}")
        text = repr((self.budget.seed, self.test_id, example, self.calls if call is None else call))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
