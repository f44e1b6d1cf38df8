"""What an estimator must not do, whatever its law: the contract behind every statistical statement about it.

Draws say something about an estimator only if they are draws: each from the generator that is handed in, from nothing
else, and not from what an earlier call has left. Three sides are looked at, in eight calls:

- the generator: the same state gives the same output bit for bit, and is advanced alike, also after calls with another
  gradient and another seed, and whatever the global random states of torch (on the CPU), NumPy and `random` are; those
  stay as they are, and a draw that depends on the seed advances the generator;
- the input: the gradient is the same after the call as before;
- the result: a floating-point tensor of the gradient's shape, finite where the gradient is.

A violation of these is certain: nothing about it is statistical. A batched estimator is called with three equal rows,
and its rows are looked at besides (`rows_independent`), where a false alarm has probability below 1e-12.

What cannot be seen: a mask that was kept before the first of these calls and outlasts all of them. It is the same in
every draw then, which makes the estimator biased.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amss_min.testing.betting import log_e
from amss_min.testing.estimator import Estimator
from amss_min.testing.probing import Function, Observed, derived, difference, observe, same_bits

PROBE = torch.tensor([[3.0, -1.0], [1.0, 2.0], [-2.0, 1.0], [0.5, 0.0], [0.0, 0.0], [0.25, 0.125]], dtype=torch.float64)
"""The gradient that assertions use unless given another: (6, 2), units 1 and 2 tie, unit 4 is zero."""

_ROWS, _BATCHES = 32, 8
_PAIRS, _LOG_ALARM = 256, float(np.log(1e12))
_FAR, _ROUNDING = 2.0**20, 2.0**-20


@dataclass(frozen=True)
class Violation:
    """A rule of the contract, what was found against it, and what usually stands behind that."""

    rule: str
    finding: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule}; found {self.finding}; {self.reason}"

    def as_json(self) -> dict[str, str]:
        """The violation in JSON types."""
        return asdict(self)


def generator_only(
    estimate: Callable[..., Tensor], gradient: Tensor, seed: int = 0, batched: bool | None = None
) -> list[Violation]:
    """Violations of: the output depends on the gradient and the generator's state, and on nothing else.

    estimate: estimate(gradient, *, generator) -> Tensor. gradient: (K, d), also for batched estimators. seed: of the
    generators. batched: None for the attribute of that name, if there is one.

    >>> def resets(gradient, *, generator):
    ...     torch.manual_seed(0)
    ...     return gradient * (torch.rand(gradient.shape) < 0.5) * 2
    >>> [violation.finding for violation in generator_only(resets, torch.ones(4, 1))]
    ['the state of torch changed']
    """
    return _of_generator(_calls(estimate, _shaped(estimate, gradient, batched), seed))


def input_unchanged(
    estimate: Callable[..., Tensor], gradient: Tensor, seed: int = 0, batched: bool | None = None
) -> list[Violation]:
    """Violations of: the gradient is the same after a call as before. Arguments as in `generator_only`.

    >>> def in_place(gradient, *, generator):
    ...     return gradient.mul_(2)
    >>> [violation.finding for violation in input_unchanged(in_place, torch.ones(2, 1))]
    ['entry (0, 0) was 1 and then 2']
    """
    return _of_input(_calls(estimate, _shaped(estimate, gradient, batched), seed))


def shape_and_dtype(
    estimate: Callable[..., Tensor], gradient: Tensor, seed: int = 0, batched: bool | None = None
) -> list[Violation]:
    """Violations of: the result is a floating-point tensor of the gradient's shape, finite where the gradient is.

    Arguments as in `generator_only`.

    >>> def total(gradient, *, generator):
    ...     return gradient.sum(0)
    >>> [violation.finding for violation in shape_and_dtype(total, torch.ones(2, 1))]
    ['the shape (1,) for a gradient of shape (2, 1)']
    """
    return _of_result(_calls(estimate, _shaped(estimate, gradient, batched), seed))


def rows_independent(estimate: Callable[..., Tensor], gradient: Tensor, seed: int = 0) -> list[Violation]:
    """Violations of: every row of a batched estimator is a draw of its own, for its own gradient.

    Four things are tested. A batch of one row works. The 32 equal rows of a batch are not all the same draw: if rows
    were independent, all of eight batches could be constant and not all eight equal with probability at most
    7 * 4^-31 < 1e-17, because two different outcomes x, y have P(x) P(y) <= 1/4. Batches from different seeds are not
    all the same, unless they are constant: with a likeliest outcome of probability 1 - u, eight independent batches
    agree in every row, not all of them alike, with probability at most 32 u^8 ((1 - u)^8 + u^8)^31 < 1e-13. A row's law
    does not depend on its neighbours: 256 rows among their like against 256 rows whose neighbours are 2^20 times as
    large; under one law the differences of their sizes (of the sum of absolute entries) are symmetric, and a bet that
    they are not reaches 1e12 with probability at most 1e-12.

    estimate: (R, K, d) -> (R, K, d). gradient: (K, d), not all zero. seed: of the generators.

    >>> def shared(gradient, *, generator):
    ...     return gradient * (torch.rand(gradient.shape[1:], generator=generator) < 0.5) * 2
    >>> [violation.rule for violation in rows_independent(shared, torch.ones(4, 1))]
    ['rows of a batch must be separate draws']
    """

    def call(batch: Tensor, number: int) -> Tensor:
        generator = torch.Generator(gradient.device).manual_seed(derived(seed, "rows", number))
        result = estimate(batch, generator=generator)
        if not isinstance(result, Tensor) or result.shape != batch.shape:
            raise _Misshapen(_of_result([_only(batch, result)]))
        return result.detach()

    try:
        call(gradient.repeat(1, 1, 1), 0)
        batches = [call(gradient.repeat(_ROWS, 1, 1), number) for number in range(1, 1 + _BATCHES)]
        log_evidence = _neighbours(gradient, call)
    except _Misshapen as error:
        return error.violations
    constant = all(same_bits(batch, batch[:1].expand_as(batch)) for batch in batches)
    if constant and not all(same_bits(batch, batches[0]) for batch in batches):
        finding = f"{_ROWS} equal rows in each of {_BATCHES} batches, and different ones in different batches"
        return [Violation("rows of a batch must be separate draws", finding, "one mask is drawn for the whole batch")]
    if not constant and all(same_bits(batch, batches[0]) for batch in batches):
        finding = f"rows that differ, and the same {_ROWS} rows from {_BATCHES} seeds"
        reason = "the generator is seeded anew within the call"
        return [Violation("draws must come from the generator", finding, reason)]
    if log_evidence >= _LOG_ALARM:
        finding = f"another law beside rows 2^20 times as large, log e-value {log_evidence:.3g}"
        reason = "something is computed over the whole batch: a norm, a largest entry, a mean"
        return [Violation("the law of a row must depend on its own gradient only", finding, reason)]
    return []


def violations(estimator: Estimator, gradient: Tensor, *, seed: int = 0) -> list[Violation]:
    """Everything that this module can find, on one gradient (K, d).

    Raises EstimatorError where the estimator cannot be called as agreed: it raises, or returns no tensor of the
    gradient's shape.
    """

    def call(given: Tensor, *, generator: torch.Generator) -> Tensor:
        return estimator.call(given, generator)

    calls = _calls(call, gradient.repeat(3, 1, 1) if estimator.batched else gradient, seed)
    rows = rows_independent(call, gradient, seed) if estimator.batched else []
    return [*_of_result(calls), *_of_input(calls), *_of_generator(calls), *rows]


def assert_generator_only(
    estimate: Callable[..., Tensor], gradient: Tensor | None = None, *, seed: int = 0, batched: bool | None = None
) -> None:
    """Assert that the output depends on the gradient and the generator's state only; see `generator_only`.

    gradient: (K, d), by default `PROBE`. Raises AssertionError with rule, finding and reason of the first violation;
    an exception of the estimator passes through.

    >>> assert_generator_only(lambda gradient, *, generator: gradient * torch.rand(6, 1, generator=generator))
    """
    _assert_none(estimate, generator_only(estimate, PROBE if gradient is None else gradient, seed, batched))


def assert_input_unchanged(
    estimate: Callable[..., Tensor], gradient: Tensor | None = None, *, seed: int = 0, batched: bool | None = None
) -> None:
    """Assert that the gradient is left as it is; arguments and errors as in `assert_generator_only`.

    >>> assert_input_unchanged(lambda gradient, *, generator: gradient * 2)
    """
    _assert_none(estimate, input_unchanged(estimate, PROBE if gradient is None else gradient, seed, batched))


def _assert_none(estimate: Callable[..., Tensor], found: Sequence[Violation]) -> None:
    if found:
        raise AssertionError(f"{getattr(estimate, '__name__', type(estimate).__name__)}: {found[0]}")


class _Misshapen(Exception):
    def __init__(self, violations: list[Violation]) -> None:
        super().__init__()
        self.violations = violations


def _shaped(estimate: Callable[..., Tensor], gradient: Tensor, batched: bool | None) -> Tensor:
    rows = getattr(estimate, "batched", False) if batched is None else batched
    return gradient.repeat(3, 1, 1) if rows else gradient


def _only(given: Tensor, result: Any) -> Observed:
    state = torch.empty(0, dtype=torch.uint8)
    return Observed(given, given, result, state, state, ())


def _calls(function: Function, gradient: Tensor, seed: int) -> list[Observed]:
    """Eight calls: the first, again, in another world; four with other gradients and seeds; the first once more."""
    other = -0.5 * gradient.flip(-2)
    if torch.equal(other, gradient):  # zero
        other = torch.ones_like(gradient)
    first, *more = (derived(seed, "generator", number) for number in range(4))
    here, there = (derived(seed, "world", number) for number in range(2))
    plan = [(gradient, first, here), (gradient, first, here), (gradient, first, there)]
    plan += [(other, first, here), (gradient, more[0], here), (other, more[1], here), (gradient, more[2], here)]
    plan += [(gradient, first, here)]
    return [observe(function, given, number, world) for given, number, world in plan]


def _of_input(calls: Sequence[Observed]) -> list[Violation]:
    for call in calls:
        if not same_bits(call.given, call.left):
            reason = "the gradient is modified in place, and whoever handed it in goes on with the modified one"
            return [Violation("the gradient must be left as it is", difference(call.given, call.left), reason)]
    return []


def _of_result(calls: Sequence[Observed]) -> list[Violation]:
    for call in calls:
        rule = "the result must be a floating-point tensor of the gradient's shape"
        if not isinstance(call.result, Tensor):
            return [Violation(rule, f"{type(call.result).__name__}", "an estimate takes the place of a gradient")]
        if call.result.shape != call.given.shape:
            finding = f"the shape {tuple(call.result.shape)} for a gradient of shape {tuple(call.given.shape)}"
            return [Violation(rule, finding, "an estimate takes the place of a gradient")]
        if not call.result.is_floating_point():
            return [Violation(rule, str(call.result.dtype), "weights and gradients must not be cut to whole numbers")]
        broken = call.given.isfinite() & ~call.result.to(call.given.device).isfinite()
        if broken.any():
            index = tuple(int(i) for i in broken.nonzero()[0])
            finding = f"{call.result[index].item()} at entry {index} of a gradient of {call.given[index].item():.6g}"
            reason = "0/0 or an overflow: a mean of such draws does not exist"
            return [Violation("a finite gradient must give a finite result", finding, reason)]
    return []


def _of_generator(calls: Sequence[Observed]) -> list[Violation]:
    if not all(isinstance(call.result, Tensor) for call in calls):
        return _of_result(calls)  # what is no tensor cannot be compared bit for bit
    first, again, elsewhere, *between, last = calls
    found = []
    same = "the same generator state must give the same output"
    causes = (
        (again, "called again", "time, the operating system's randomness, or a state that every call changes"),
        (elsewhere, "in other global random states", "the global generators are used"),
        (last, "after other calls", "a state is kept from call to call"),
    )
    for call, when, reason in causes:
        if not same_bits(first.result, call.result):
            found.append(Violation(same, f"{difference(first.result, call.result)}, {when}", reason))
            break
    if not found and not all(torch.equal(first.advanced, call.advanced) for call in (again, elsewhere, last)):
        finding = "a call that drew from its generator, and one with the same seed that drew less or more"
        reason = "a draw is kept for later calls: a mask reused across steps, a cache"
        found.append(Violation("the same generator state must be advanced alike", finding, reason))
    others = [call for call in between if same_bits(call.given, first.given)]
    varied = any(not same_bits(first.result, call.result) for call in others)
    if not found and varied and not any(call.moved for call in calls):
        finding = "outputs that differ from seed to seed, and a generator left where it was"
        reason = "a copy of the generator is used, so that every step of a training run gets the same draw"
        found.append(Violation("a draw must advance the generator", finding, reason))
    touched = sorted({name for call in calls for name in call.touched})
    if touched:
        reason = "they belong to everybody: a reset or a draw there changes what other code draws"
        finding = f"the state of {' and '.join(touched)} changed"
        found.append(Violation("global random states must be left alone", finding, reason))
    return found


def _neighbours(gradient: Tensor, call: Callable[[Tensor, int], Tensor]) -> float:
    """Log e-value against: the size of a row has one law among its like and beside rows 2^20 times as large."""
    far = gradient * _FAR
    far = far if bool(far.isfinite().all()) else gradient / _FAR
    alike = call(gradient.repeat(_PAIRS, 1, 1), 1 + _BATCHES)
    mixed = call(torch.stack([gradient, far]).repeat(_PAIRS, 1, 1), 2 + _BATCHES)[::2]
    unit = gradient.abs().amax()
    x, y = ((rows.double() / unit).abs().flatten(1).mean(1).cpu().numpy() for rows in (alike, mixed))
    # Sizes that differ by rounding count as equal: batches of another length may be summed in another order.
    signs = np.where(np.abs(x - y) > _ROUNDING * (x + y), np.sign(x - y), 0.0)
    total, squares, one = signs.sum(), np.abs(signs).sum(), np.array(1.0)
    bets = [float(log_e(_PAIRS, np.array(side), np.array(squares), one)) for side in (total, -total)]
    return max(bets) - float(np.log(2))
