"""Masked stochastic optimisation, batched over replicates: w_{t+1} = w_t - eta_t u_t(M, grad F(w_t), noise)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from simulations.fixed_order import FixedOrder, applies
from simulations.methods import Method, counts
from simulations.noise import Noise
from simulations.noise.base import AdditiveNoise
from simulations.objectives.base import Objective
from simulations.optimisers import Descent, Optimiser
from simulations.stepsizes import Constant, Stepsize
from simulations.streams import Blocks, Stream
from simulations.trace import Recorder, Trace, joined

_TOGETHER = 2**17  # coordinates that a CPU holds at a time: 1 MiB, so that the passes of a step find them in the cache


def _block(device: torch.device, dtype: torch.dtype, d: int) -> int:
    """Replicates of a block, a power of two: many where a request is cheap beside its numbers, fewer where d is large.

    It depends on nothing else, and so a replicate's numbers do not either.
    """
    most = 256 if device.type == "cpu" and dtype == torch.float64 else 1024
    return min(most, max(16, 1 << (max(1, _TOGETHER // d).bit_length() - 1)))


def _numbers(device: torch.device) -> int:
    """Random numbers that a block makes at a time, about."""
    return 2**16 if device.type == "cpu" else 2**22


@torch.inference_mode()
def simulate(
    objective: Objective,
    noise: Noise,
    method: Method,
    *,
    start: Tensor | Sequence[float],
    stepsize: float | Stepsize,
    checkpoints: Sequence[int],
    replicates: range,
    keep: float | Sequence[float] = 1.0,
    optimiser: Optimiser | None = None,
    weights: Tensor | None = None,
    paths: bool = True,
    root: int = 0,
    axes: Mapping[str, int | str] | None = None,
    dtype: torch.dtype = torch.float64,
    device: str | torch.device = "cpu",
) -> Trace:
    """Run every replicate from the same start to the last checkpoint.

    start (d,); stepsize: eta, or a sequence of them; keep: rho of each modality, k = ceil(rho n - 1e-6) units are drawn
    in a step. optimiser: plain descent unless given. weights (T,): those of `Trace.weighted`, positive.
    paths: keep iterates and their averages; without them those parts of the trace are empty.
    replicates: their numbers. They come in blocks of fixed size, and block b draws its noise from the stream of
    (root, axes, purpose="noise", block=b), its masks from the same with purpose="mask". Neither depends on the method,
    so methods run with common random numbers; whole blocks are always simulated, so replicate r is the same bit for bit
    in whatever range it runs (on a CPU; on another device where the library's kernels do not depend on the batch).

    The state is of type dtype; sums over time and the trace are float64. A replicate that overflows goes on as inf or
    nan and harms no other. On a GPU most steps are replayed as one recorded graph of kernels, without work on the host.
    Raises ValueError where dimensions or modalities do not fit, or where the noise makes no sense on the objective.
    Cost: one exact gradient and one masked gradient a step, over all replicates together.

    >>> from simulations.methods import METHODS
    >>> from simulations.noise import Gaussian
    >>> from simulations.objectives import IsotropicQuadratic
    >>> trace = simulate(IsotropicQuadratic(n=2), Gaussian(2, total=0.0), METHODS["sgd"],
    ...                  start=[1.0, 0.0], stepsize=0.5, checkpoints=[1, 2], replicates=range(1))
    >>> trace.squared_gradient
    tensor([[0.2500, 0.0625]], dtype=torch.float64)
    """
    begin, place = torch.as_tensor(start, dtype=torch.float64), torch.device(device)
    if begin.shape != (objective.d,):
        raise ValueError(f"the start must have the objective's d = {objective.d} coordinates, found {begin.shape}")
    noise.refuse(objective)
    if weights is not None and weights.shape != (checkpoints[-1],):
        raise ValueError(f"weights must be one a step, shape ({checkpoints[-1]},), found {tuple(weights.shape)}")
    problem = _Problem(
        objective,
        noise,
        method,
        optimiser or Descent(),
        Constant(stepsize) if isinstance(stepsize, int | float) else stepsize,
        counts(objective.units, keep),
        begin,
        tuple(checkpoints),
        weights,
        paths,
    )
    size = _block(place, dtype, objective.d)
    together = size * max(1, _TOGETHER // (size * objective.d)) if place.type == "cpu" else len(replicates) + size
    whole = Blocks(replicates, size)
    firsts = range(whole.numbers[0] * size, replicates.stop, together)
    parts = [range(max(first, replicates.start), min(first + together, replicates.stop)) for first in firsts]
    return joined([_simulated(problem, part, size, root, axes or {}, dtype, place) for part in parts])


@dataclass(frozen=True)
class _Problem:
    objective: Objective
    noise: Noise
    method: Method
    optimiser: Optimiser
    schedule: Stepsize
    drawn: tuple[int, ...]
    start: Tensor
    checkpoints: tuple[int, ...]
    weights: Tensor | None
    paths: bool


def _simulated(
    problem: _Problem,
    replicates: range,
    size: int,
    root: int,
    axes: Mapping[str, int | str],
    dtype: torch.dtype,
    place: torch.device,
) -> Trace:
    """These replicates side by side, in blocks of this size."""
    objective, noise, weights, steps = problem.objective, problem.noise, problem.weights, problem.checkpoints[-1]
    blocks = Blocks(replicates, size)
    run = _Run(problem, blocks.rows, place, dtype)
    slots = run.slots
    at_once = max(1, _numbers(place) // (size * max(noise.width, slots)))
    recorder = Recorder(problem.checkpoints, run.w, paths=problem.paths)
    streams = [blocks.streams(root, axes, place, dtype, purpose=purpose) for purpose in ("noise", "mask")]
    # A CPU makes words one after another, however many are asked for: so many, where a step takes few.
    many = at_once * max(1, _numbers(place) // (at_once * size * max(1, slots)) if place.type == "cpu" else 1)
    numbers = _scalars(problem, steps, many).to(place)
    total = None if weights is None else weights.to(torch.float64).cumsum(0)

    def checkpoint(t: int) -> None:
        if t in recorder.checkpoints:
            value = objective.value(run.w)
            recorder.keep(t, run.w, objective.gradient(run.w), value, None if total is None else float(total[t - 1]))

    replay: torch.cuda.CUDAGraph | None = None
    held: list[Tensor] = []
    for first in range(0, steps, at_once):
        xi = _joined(streams[0], lambda stream: noise.numbers(stream, at_once, size))
        begun = first % many
        if not begun:
            bits = run.starts(_joined(streams[1], lambda stream: stream.words(many, size, slots)))
            columns = numbers[:, first : first + many]
        inputs = [xi, bits[begun:], columns]
        quiet = not any(first < t < first + at_once for t in recorder.checkpoints)
        if place.type == "cuda" and first and quiet and first + at_once <= steps:
            checkpoint(first)
            if replay is None:
                held = [part.clone() for part in inputs]
                replay = _recorded(run, recorder, held, weights is not None)
            for part, fresh in zip(held, inputs, strict=True):
                part.copy_(fresh)
            replay.replay()
            continue
        if not begun:
            scalars = run.scalars(columns)
        for i in range(min(at_once, steps - first)):
            checkpoint(first + i)
            run.step(recorder, xi[i], inputs[1][i], scalars[begun + i], weights is not None)
    checkpoint(steps)
    return recorder.trace().replicates(blocks.wanted)


class _Run:
    """The state of all replicates of some blocks, and one step of it."""

    def __init__(self, problem: _Problem, rows: int, device: torch.device, dtype: torch.dtype) -> None:
        self.objective, self.noise, self.method = problem.objective, problem.noise, problem.method
        self.optimiser, self.units = problem.optimiser, problem.objective.units
        self.w = problem.start.repeat(rows, 1).to(device, dtype)
        self.state = self.optimiser.begin(self.w)
        self.in_place = device.type == "cpu" and type(problem.noise).gradient is AdditiveNoise.gradient
        self.before = torch.ones_like(self.w) if self.method.lagged else None
        self.fast = (
            FixedOrder(self.method, self.units, problem.drawn, dtype) if applies(self.method, dtype, device) else None
        )
        # Counts on the device, so that no step waits for the host.
        self.drawn: Sequence[int | Tensor] = problem.drawn
        if device.type != "cpu":
            self.drawn = [torch.tensor(k, device=device) for k in problem.drawn]

    @property
    def slots(self) -> int:
        """Random words of a replicate and step."""
        return self.method.slots(self.units) if self.fast is None else len(self.units)

    def starts(self, words: Tensor) -> Tensor:
        """What `step` takes instead of random words (steps, rows, slots)."""
        return words if self.fast is None else self.fast.starts(words)

    def scalars(self, columns: Tensor) -> Sequence[Sequence[Tensor]] | Sequence[Sequence[float]]:
        """The columns, step by step: numbers on a CPU, tensors elsewhere, so that no step waits for the device."""
        if columns.device.type == "cpu":
            listed: list[list[float]] = columns.t().tolist()
            return listed
        return [column.unbind() for column in columns.unbind(1)]

    def step(
        self,
        recorder: Recorder,
        numbers: Tensor,
        bits: Tensor,
        scalars: Sequence[Tensor] | Sequence[float],
        weighted: bool,
    ) -> None:
        """One step in place, which may overwrite the numbers.

        scalars: the stepsize, the weight and the optimiser's factors.
        """
        exact = self.objective.gradient(self.w)
        recorder.add(self.w, exact, scalars[1] if weighted else None)
        sums = self.in_place and numbers.dtype == exact.dtype  # then this is the noise's own sum, bit for bit
        gradient = numbers.add_(exact) if sums else self.noise.gradient(self.objective, self.w, exact, numbers)
        if self.fast is not None and isinstance(self.optimiser, Descent) and not isinstance(scalars[0], Tensor):
            self.w.addcmul_(self.fast.multipliers(gradient, bits), gradient, value=-scalars[0])
            return

        def mask(x: Tensor) -> Tensor:
            if self.fast is not None:
                return self.fast(x, bits)
            masked = self.method.estimate(x, self.units, self.drawn, bits, self.before)
            if self.before is not None:
                self.before.copy_(x)
            return masked

        update, state = self.optimiser.update(gradient, mask, self.state, scalars[2:])
        for held, fresh in zip(self.state, state, strict=True):
            held.copy_(fresh)
        if isinstance(scalars[0], Tensor):
            self.w.addcmul_(update, scalars[0].to(update.dtype), value=-1)
        else:
            self.w.add_(update, alpha=-scalars[0])


def _scalars(problem: _Problem, steps: int, more: int) -> Tensor:
    """Stepsize, weight and the optimiser's factors for every step: float64 (2 + factors, steps + more)."""
    ones = torch.ones(steps, dtype=torch.float64)
    weights = ones if problem.weights is None else problem.weights.to(torch.float64)
    rows = [problem.schedule.values(steps), weights, *problem.optimiser.factors(steps)]
    return torch.cat([torch.stack(rows), torch.zeros(len(rows), more, dtype=torch.float64)], 1)


def _joined(streams: Sequence[Stream], make: Callable[[Stream], Tensor]) -> Tensor:
    """(steps, rows, ...) of every block, side by side."""
    parts = [make(stream) for stream in streams]
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


def _recorded(run: _Run, recorder: Recorder, inputs: Sequence[Tensor], weighted: bool) -> torch.cuda.CUDAGraph:
    """The steps of one chunk as a graph of kernels that reads these inputs; recording runs none of them."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for xi, bits, scalars in zip(*inputs[:2], run.scalars(inputs[2]), strict=True):
            run.step(recorder, xi, bits, scalars, weighted)
    return graph
