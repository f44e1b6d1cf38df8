"""What a draw costs by design, and how that grows with the number of units.

A draw is one call of `sample` on lognormal sizes with k = n / 4, and its realised inclusion probabilities: those of
successive, Pareto and sequential Poisson sampling are found by quadrature. Every time is the least of a few repeats, on
one thread, after one untimed draw. A design stops at its own largest n: what is O(n k) ends earlier than O(n log n).
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
from rich.table import Table

from amss_min.designs import (
    ConditionalPoisson,
    Design,
    Pareto,
    Pivotal,
    Poisson,
    Sampford,
    SequentialPoisson,
    SimpleRandom,
    Successive,
    Systematic,
    TopK,
)
from simulations.bench import cpu_name
from simulations.results import check_writable, write_json

FILE = "bench-designs.json"
SIZES = (100, 1000, 10_000, 100_000, 1_000_000)

LIMITS: tuple[tuple[Design, int], ...] = (
    (TopK(), SIZES[-1]),
    (SimpleRandom(), SIZES[-1]),
    (Poisson(), SIZES[-1]),
    (Systematic(random_order=False), SIZES[-1]),
    (Systematic(), SIZES[-1]),
    (Pivotal("ordered"), SIZES[-1]),
    (Pivotal("random"), SIZES[-1]),
    (Pivotal("tree"), SIZES[-1]),
    (Successive(), 10_000),
    (Pareto(), 10_000),
    (SequentialPoisson(), 1000),
    (Sampford(), 1000),
    (ConditionalPoisson(), 1000),
)
"""Every design, with the largest n that it is timed at: where a draw takes no more than seconds.

Quadrature costs O(n) at each of some 80 nodes, for sequential Poisson sampling at O(n) nodes; Sampford and conditional
Poisson sampling hold tables of n k entries, of at most 2^25.
"""


@dataclass(frozen=True, kw_only=True)
class DesignBench:
    """Seconds of a draw with its inclusion probabilities, by design and n; and where that was measured.

    seconds[design][i] belongs to n = sizes[i]; a design that ends earlier has fewer of them.
    """

    sizes: tuple[int, ...]
    seconds: dict[str, list[float]]
    repeats: int
    threads: int
    torch: str
    cpu: str
    date: str

    def growth(self, design: str) -> list[float]:
        """How much longer a draw takes than at the size before: 10 for a cost that is linear in n."""
        times = self.seconds[design]
        return [later / earlier for earlier, later in itertools.pairwise(times)]

    def table(self) -> Table:
        """Milliseconds by design and n, the growth from the size before in brackets."""
        table = Table(
            title="a draw with its realised inclusion probabilities, in ms (growth from the n before)",
            caption=f"-: beyond the limit of the design; shortest of {self.repeats} repeats, threads: {self.threads}, "
            f"{self.cpu}, torch {self.torch}, {self.date}",
        )
        table.add_column("design", no_wrap=True)
        for n in self.sizes:
            table.add_column(f"n = {n:,}", justify="right", no_wrap=True)
        for design, times in self.seconds.items():
            growths = ["", *(f" (x{ratio:.1f})" for ratio in self.growth(design))]
            shown = [f"{1e3 * seconds:.3g}{grown}" for seconds, grown in zip(times, growths, strict=True)]
            table.add_row(design, *shown, *["-"] * (len(self.sizes) - len(times)))
        return table


def run_design_bench(
    repeats: int = 3,
    *,
    sizes: Sequence[int] = SIZES,
    limits: Sequence[tuple[Design, int]] = LIMITS,
    done: Callable[[], None] = lambda: None,
) -> DesignBench:
    """Time every design at every size up to its limit; raises ValueError for repeats below 1."""
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, found repeats={repeats}")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds: dict[str, list[float]] = {repr(design): [] for design, _ in limits}
        for design, _ in limits:
            _timed(design, sizes[0])
        for n in sizes:  # all designs at one size lie close together in time
            for design, most in limits:
                if n <= most:
                    seconds[repr(design)].append(min(_timed(design, n) for _ in range(repeats)))
                    done()
    finally:
        torch.set_num_threads(before)
    return DesignBench(
        sizes=tuple(sizes),
        seconds=seconds,
        repeats=repeats,
        threads=1,
        torch=torch.__version__,
        cpu=cpu_name(),
        date=datetime.now(UTC).date().isoformat(),
    )


def cells(sizes: Sequence[int] = SIZES, limits: Sequence[tuple[Design, int]] = LIMITS) -> int:
    """How many times `done` is called."""
    return sum(n <= most for n in sizes for _, most in limits)


def write(folder: Path, bench: DesignBench) -> Path:
    """Write the numbers, with the growth of each design; returns the file."""
    check_writable(folder)
    growth = {design: bench.growth(design) for design in bench.seconds}
    write_json(folder / FILE, {**asdict(bench), "growth": growth})
    return folder / FILE


def _timed(design: Design, n: int) -> float:
    generator = torch.Generator().manual_seed(n)
    sizes = torch.randn(n, generator=generator, dtype=torch.float64).exp()
    start = time.perf_counter()
    draw = design.sample(sizes, max(n // 4, 1), generator=generator)
    float(draw.inclusion[0])
    return time.perf_counter() - start
