"""How fast the simulation engine is, beside the least that any such engine must do.

Coordinate updates per second on F = |w|^2 / 2 with standard normal noise: one coordinate of one replicate in one step
is one update. The limit is the time of torch's normal generator for the noise alone, on the same tensor in the same
run; ways are timed in turn, in an order that is shuffled anew in every repeat, and the shortest time of each counts.
The speed of the engine over that of the plain NumPy loop cannot pass that of drawing the noise alone, which stands
beside both. That puts 30 loops out of reach in float64. Nanoseconds a number, the shortest of 120 timings, on an AMD
EPYC with one thread:

    torch 17.3, NumPy's ziggurat from SFC64 (the engine's) 7.6, PCG64 9.5, Philox 11.7, Mersenne Twister 11.4,
    words of SFC64 alone 1.7; a thirtieth of the loop with uniform keep 5.3, by norm with water-filling 8.4.

With uniform keep the noise alone takes longer than a thirtieth of the loop; by norm it leaves less than a nanosecond,
of which the cumulative sum alone takes 0.6. Box and Muller's method from NumPy's logarithm and tangent takes 4.9 where
NumPy has a tangent for AVX-512, and 12.8 where that is switched off, with other last bits; so the engine, whose float64
noise does not depend on the instruction set, does not use it. With it 0.4 would be left with uniform keep, less than
the exact gradient's norm, the noise's addition and the update take.

Where a C compiler is found, one configuration is compiled and stands beside the engine (simulations.compiled).
"""

import math
import multiprocessing
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import numpy as np
import torch
from rich.table import Table

from amss_min.designs import Systematic
from amss_min.importance import GradientNorm
from amss_min.weightings import HorvitzThompson
from simulations import compiled
from simulations.bench import cpu_name
from simulations.engine import simulate
from simulations.methods import Method
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from simulations.plain_loop import plain_run
from simulations.streams import Stream

LIMIT, NOISE, ADDITION = "normal numbers: the limit", "normal numbers: the engine's", "one addition in place"
ENGINE = {
    "engine, SGD": Method("sgd"),
    "engine, uniform, fixed order": Method("uniform", None, Systematic(False), HorvitzThompson()),
    "engine, by norm, fixed order": Method("by norm", GradientNorm(0.1), Systematic(False), HorvitzThompson()),
    "engine, by norm, random order": Method("random order", GradientNorm(0.1), Systematic(), HorvitzThompson()),
}
COMPILED = "compiled C, uniform, fixed order"
LOOPS = {"NumPy loop, uniform, fixed order": False, "NumPy loop, by norm, fixed order": True}
D, REPLICATES, KEEP = 100, 1000, 0.25
TYPES = {"float32": torch.float32, "float64": torch.float64}
PROCESS_STEPS = 1000
_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class EngineBench:
    """Shortest times, in seconds an update unless it says otherwise.

    seconds[type][way]. scaling[axis]: (size, seconds a run) pairs; exponents[axis]: slope of log time over log size.
    processes: updates a second of two independent copies side by side, of a pool of two, and the quotient.
    """

    seconds: dict[str, dict[str, float]]
    scaling: dict[str, list[tuple[int, float]]]
    processes: dict[str, float] = field(default_factory=dict)
    d: int = D
    replicates: int = REPLICATES
    keep: float = KEEP
    repeats: int
    threads: int
    device: str
    torch: str
    numpy: str
    python: str
    date: str

    @property
    def exponents(self) -> dict[str, float]:
        """Growth of the time with each axis, by the largest size and the one a quarter of it."""
        found = {}
        for axis, pairs in self.scaling.items():
            size, seconds = pairs[-1]
            small, less = next(pair for pair in pairs if pair[0] * 4 == size)
            found[axis] = math.log(seconds / less) / math.log(size / small)
        return found

    def to_limit(self, kind: str, way: str) -> float:
        """Speed of a way over that of the limit."""
        return self.seconds[kind][LIMIT] / self.seconds[kind][way]

    def to_loop(self, kind: str, way: str) -> float | None:
        """Speed of a way over that of the NumPy loop that does the same; None for none."""
        loop = "NumPy loop, " + way.partition(", ")[2].replace("random order", "fixed order")
        times = self.seconds.get("float64", {})
        return times[loop] / self.seconds[kind][way] if loop in times and way not in LOOPS else None

    def noise_to_loop(self, kind: str, loop: str) -> float | None:
        """Speed of drawing the engine's noise alone over that of a NumPy loop; None where either was not timed."""
        noise, slow = self.seconds.get(kind, {}).get(NOISE), self.seconds.get("float64", {}).get(loop)
        return slow / noise if noise and slow else None

    def as_json(self) -> dict[str, object]:
        """All fields with the ratios."""
        ratios = {
            kind: {way: {"to_limit": self.to_limit(kind, way), "to_loop": self.to_loop(kind, way)} for way in times}
            for kind, times in self.seconds.items()
        }
        alone = {kind: {loop: self.noise_to_loop(kind, loop) for loop in LOOPS} for kind in self.seconds}
        return {**asdict(self), "ratios": ratios, "noise_to_loop": alone, "exponents": self.exponents}

    def tables(self) -> list[Table]:
        """The result for people."""
        main = Table(
            title=f"engine: d = {self.d}, {self.replicates} replicates, keep {self.keep}, threads: {self.threads}",
            caption=f"{self.device}, torch {self.torch}, numpy {self.numpy}, best of {self.repeats}, {self.date}",
        )
        for heading in ("type", "", "ns / update", "M updates / s", "of the limit", "NumPy loops", "additions"):
            main.add_column(heading, justify="left" if heading in ("type", "") else "right")
        for kind, times in self.seconds.items():
            for way, seconds in times.items():
                loop = self.to_loop(kind, way)
                additions = f"{seconds / times[ADDITION]:.1f}" if ADDITION in times else ""
                shown = (f"{1e9 * seconds:.2f}", f"{1e-6 / seconds:.1f}", f"{self.to_limit(kind, way):.2f}")
                main.add_row(kind, way, *shown, "" if loop is None else f"{loop:.1f}", additions)
        tables = [main]
        if all(self.noise_to_loop(kind, loop) for kind in self.seconds for loop in LOOPS):
            tables.append(self._most())
        growth = Table(title="growth of the time of a run, by norm in fixed order, float64")
        for heading in ("axis", "sizes", "seconds", "exponent"):
            growth.add_column(heading, justify="left" if heading == "axis" else "right")
        for axis, pairs in self.scaling.items():
            sizes = ", ".join(str(size) for size, _ in pairs)
            growth.add_row(axis, sizes, ", ".join(f"{time:.3g}" for _, time in pairs), f"{self.exponents[axis]:.3f}")
        tables.append(growth)
        if not self.processes:
            return tables
        two = Table(title="two processes, M updates / s together, by norm in fixed order, float64")
        for name in self.processes:
            two.add_column(name, justify="right")
        two.add_row(*(f"{v:.3f}" if "over" in name else f"{v / 1e6:.1f}" for name, v in self.processes.items()))
        return [*tables, two]

    def _most(self) -> Table:
        """The ratios to the NumPy loops that drawing the noise leaves within reach."""
        table = Table(
            title="NumPy loops that an engine would be worth if it drew its noise and did nothing else",
            caption="No engine with this generator passes these; one that is to be worth 30 loops has, for all but the "
            "noise, a thirtieth of the loop's time less that of the noise.",
        )
        for heading in ("type", "loop", "loops at most", "ns left at 30 loops"):
            table.add_column(heading, justify="left" if heading in ("type", "loop") else "right")
        for kind, times in self.seconds.items():
            for loop in LOOPS:
                slow = self.seconds["float64"][loop]
                left = 1e9 * (slow / 30 - times[NOISE])
                table.add_row(kind, loop, f"{slow / times[NOISE]:.1f}", f"{left:.2f}" if left > 0 else "none")
        return table


def run_engine_bench(
    repeats: int = 5, *, device: str = "cpu", replicates: int = REPLICATES, done: Callable[[], None] = lambda: None
) -> EngineBench:
    """Time everything; done is called after each of `rounds(repeats, device)` parts. One torch thread.

    Raises ValueError for repeats below 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, found repeats={repeats}")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = {kind: _times(dtype, device, replicates, repeats, done) for kind, dtype in TYPES.items()}
        scaling = _scaling(device, repeats, done)
        processes = _processes(done) if device == "cpu" else {}
    finally:
        torch.set_num_threads(before)
    return EngineBench(
        seconds=seconds,
        scaling=scaling,
        processes=processes,
        replicates=replicates,
        repeats=repeats,
        threads=1,
        device=cpu_name() if device == "cpu" else torch.cuda.get_device_name(device),
        torch=torch.__version__,
        numpy=np.__version__,
        python=platform.python_version(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


AXES: Mapping[str, Sequence[int]] = {
    "d": (100, 200, 400, 800),
    "replicates": (1024, 2048, 4096),
    "steps": (50, 100, 200),
}


def rounds(repeats: int, device: str) -> int:
    """Parts of a benchmark, for its progress bar."""
    return repeats * (len(TYPES) + len(AXES)) + (_ROUNDS if device == "cpu" else 0)


def _times(
    dtype: torch.dtype, device: str, replicates: int, repeats: int, done: Callable[[], None]
) -> dict[str, float]:
    """Seconds an update of every way, the shortest of the repeats."""
    x = torch.zeros(replicates, D, dtype=dtype, device=device)
    y = torch.ones_like(x)
    generator, stream = torch.Generator(device).manual_seed(0), Stream(0, x.device, dtype)
    few = 200 if device == "cpu" else 400
    ways: dict[str, tuple[Callable[[], object], float]] = {
        LIMIT: (lambda: [x.normal_(generator=generator) for _ in range(few)], few * x.numel()),
        NOISE: (lambda: _noise(stream, replicates, few), few * x.numel()),
        ADDITION: (lambda: [x.add_(y) for _ in range(few)], few * x.numel()),
    }
    for name, method in ENGINE.items():
        steps = 20 if "random" in name and device == "cpu" else few
        ways[name] = (lambda m=method, t=steps: _engine(m, replicates, D, t, dtype, device), steps * x.numel())  # type: ignore[misc]
    if device == "cpu" and compiled.available():
        ways[COMPILED] = (lambda: _compiled(replicates, few, dtype), few * x.numel())
    if dtype == torch.float64 and device == "cpu":
        for name, by_norm in LOOPS.items():
            ways[name] = (lambda b=by_norm: plain_run(2000, D, round(KEEP * D), by_norm=b, seed=0), 2000 * D)  # type: ignore[misc]
    best = dict.fromkeys(ways, math.inf)
    for run, _ in ways.values():
        run()
    shuffle = random.Random(0)
    for _ in range(repeats):
        for name in shuffle.sample(list(ways), len(ways)):
            run, updates = ways[name]
            best[name] = min(best[name], _timed(run, device) / updates)
        done()
    return best


def _scaling(device: str, repeats: int, done: Callable[[], None]) -> dict[str, list[tuple[int, float]]]:
    usual = {"d": D, "replicates": 1024, "steps": 50}
    found = {}
    for axis, sizes in AXES.items():
        best = dict.fromkeys(sizes, math.inf)
        for _ in range(repeats):
            for size in sizes:
                scale = {**usual, axis: size}
                run = lambda s=scale: _engine(  # noqa: E731
                    ENGINE["engine, by norm, fixed order"], s["replicates"], s["d"], s["steps"], torch.float64, device
                )
                best[size] = min(best[size], _timed(run, device))
            done()
        found[axis] = list(best.items())
    return found


def _engine(method: Method, replicates: int, d: int, steps: int, dtype: torch.dtype, device: str) -> object:
    return simulate(
        IsotropicQuadratic(n=d),
        Gaussian(d, total=float(d)),
        method,
        start=[1.0] * d,
        stepsize=0.01,
        checkpoints=[steps],
        replicates=range(replicates),
        keep=KEEP,
        paths=False,
        dtype=dtype,
        device=device,
    )


def _noise(stream: Stream, replicates: int, steps: int) -> None:
    """Every step's numbers in turn; none is kept, so that their memory is taken over by the next."""
    for _ in range(steps):
        stream.normal(replicates, D)


def _compiled(replicates: int, steps: int, dtype: torch.dtype) -> object:
    k = round(KEEP * D)
    return compiled.descend(replicates=replicates, d=D, k=k, steps=steps, stepsize=0.01, seed=0, start=1.0, dtype=dtype)


def _timed(run: Callable[[], object], device: str) -> float:
    if device != "cpu":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    run()
    if device != "cpu":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def speed(steps: int) -> float:
    """Updates a second of this process alone, by norm in fixed order."""
    torch.set_num_threads(1)
    run = ENGINE["engine, by norm, fixed order"]
    seconds = _timed(lambda: _engine(run, REPLICATES, D, steps, torch.float64, "cpu"), "cpu")
    return steps * REPLICATES * D / seconds


def _processes(done: Callable[[], None]) -> dict[str, float]:
    """Two independent copies and a pool of two in turn, three times; the best of each counts."""
    copies, pooled = [], []
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        list(pool.map(speed, [10, 10]))
        for _ in range(_ROUNDS):
            copies.append(_copies())
            pooled.append(sum(pool.map(speed, [PROCESS_STEPS] * 2)))
            done()
    return {"two copies": max(copies), "pool of two": max(pooled), "pool over copies": max(pooled) / max(copies)}


_COPY = f"""
from simulations.engine_bench import speed
speed(5)
print("ready", flush=True)
input()
print(speed({PROCESS_STEPS}))
"""


def _copies() -> float:
    """Updates a second of two separate interpreters that run side by side, as each of them measures."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    copies = [subprocess.Popen([sys.executable, "-c", _COPY], **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for copy in copies:
        assert copy.stdout is not None
        copy.stdout.readline()
    for copy in copies:
        assert copy.stdin is not None
        copy.stdin.write("go\n")
        copy.stdin.flush()
    return sum(float(copy.communicate()[0]) for copy in copies)
