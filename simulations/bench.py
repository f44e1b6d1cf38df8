"""What the masked step costs, beside the least that any such step must do.

Two ResNet-18 encoders with random gradients. In every repeat each way of treating them is timed once, on the same
tensors with the same threads, in an order that is shuffled anew. The gradients are copied from a saved set before each
timing, outside of it.

- reference: the step in plain loops (amss_min.reference).
- fast path: AMSSPlus.mask_gradients with its default design.
- two-pass limit: the norms of all rows, then one in-place scale of all of them, and nothing else. Rows are the units
  of the fast path. torch.linalg.vector_norm is the fastest norm of rows that torch has on a CPU: square().sum() takes
  about twice as long there, einsum and a batched product seven times.
- tensor by tensor: the same work, but each tensor is scaled right after its norms, while it may still be in the cache.
  No step that draws tensors together can have this order; it is shown for what the cache is worth.
"""

import gc
import platform
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from amss_min import AMSSPlus, reference
from amss_min.plan import blocks_of
from simulations.multimodal.resnet import ResNet18
from simulations.results import check_writable, write_json

LIMIT = "two-pass limit"
WAYS = ("reference", "fast path", LIMIT, "tensor by tensor")
KEEP = 0.5


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """Times of every way, in seconds: seconds[way] holds one time a repeat; the rest says what was measured where.

    parameters: parameters of the encoders, of which `masked` lie in masked tensors with `rows` units in all.
    """

    seconds: dict[str, list[float]]
    parameters: int
    masked: int
    rows: int
    keep: float
    threads: int
    torch: str
    cpu: str
    date: str

    def minimum(self, way: str) -> float:
        """The shortest time of this way, in seconds."""
        return min(self.seconds[way])

    def median(self, way: str) -> float:
        """The median time of this way, in seconds."""
        return statistics.median(self.seconds[way])

    def ratio(self, way: str) -> float:
        """The shortest time of this way over the shortest time of the two-pass limit."""
        return self.minimum(way) / self.minimum(LIMIT)

    def median_ratio(self, way: str) -> float:
        """The median over the repeats of time over limit, both of the same repeat."""
        pairs = zip(self.seconds[way], self.seconds[LIMIT], strict=True)
        return statistics.median(mine / limit for mine, limit in pairs)

    def as_json(self) -> dict[str, object]:
        """All fields, and for every way minimum, median and the two ratios."""
        summary = {
            way: {
                "minimum": self.minimum(way),
                "median": self.median(way),
                "ratio_of_minima": self.ratio(way),
                "median_of_ratios": self.median_ratio(way),
            }
            for way in self.seconds
        }
        return {**asdict(self), "repeats": len(self.seconds[LIMIT]), "summary": summary}


def two_resnets() -> dict[str, nn.Module]:
    """The encoders of the benchmark: audio (one channel) and visual (three), 22.3 million parameters together."""
    return {"audio": ResNet18(channels=1), "visual": ResNet18(channels=3)}


def run_bench(repeats: int = 20, encoders: Mapping[str, nn.Module] | None = None, *, threads: int = 1) -> BenchResult:
    """Time every way `repeats` times on the encoders (two ResNet-18 unless given), after one untimed round.

    threads: of torch, one by default: with more of them a busy machine times its scheduler, since every small operation
    waits for the slowest thread. Raises ValueError for repeats or threads below 1.
    """
    for name, value in (("repeats", repeats), ("threads", threads)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, found {name}={value}")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _run(repeats, encoders)
    finally:
        torch.set_num_threads(before)


def _run(repeats: int, encoders: Mapping[str, nn.Module] | None) -> BenchResult:
    encoders = two_resnets() if encoders is None else encoders
    generator = torch.Generator().manual_seed(0)
    parameters = [parameter for encoder in encoders.values() for parameter in encoder.parameters()]
    saved = [torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype) for parameter in parameters]
    for parameter in parameters:
        parameter.grad = torch.empty_like(parameter)
    rows = [block.units for block in blocks_of(encoders)]
    gradients = [units.parameter.grad for units in rows if units.parameter.grad is not None]
    ways = dict(zip(WAYS, _ways(encoders, gradients, generator), strict=True))
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    shuffle = random.Random(0)
    for repeat in range(repeats + 1):
        for way in shuffle.sample(WAYS, len(WAYS)):
            for parameter, values in zip(parameters, saved, strict=True):
                assert parameter.grad is not None
                parameter.grad.copy_(values)
            elapsed = _timed(ways[way])
            if repeat:
                seconds[way].append(elapsed)
    return BenchResult(
        seconds=seconds,
        parameters=sum(parameter.numel() for parameter in parameters),
        masked=sum(gradient.numel() for gradient in gradients),
        rows=sum(units.n for units in rows),
        keep=KEEP,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        cpu=cpu_name(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def bench_command(results: Path, repeats: int, console: Console | None = None, *, threads: int = 1) -> int:
    """Run the benchmark, print its table and write bench.json; returns the exit code (2 if it cannot be written)."""
    try:
        check_writable(results)
        result = run_bench(repeats, threads=threads)
        write_json(results / "bench.json", result.as_json())
    except OSError as error:
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(
            f"cannot write to {results}/: {error.strerror or error}"
        )
        return 2
    (console or Console()).print(table(result))
    return 0


def table(result: BenchResult) -> Table:
    """The result for people."""
    made = Table(
        title=f"Masked step on {result.parameters / 1e6:.1f} M parameters, {result.rows} rows, "
        f"threads: {result.threads}, {len(result.seconds[LIMIT])} repeats",
        caption=f"{result.cpu}, torch {result.torch}, {result.date}",
    )
    for heading in ("", "minimum", "median", "min ratio", "median ratio"):
        made.add_column(heading, justify="right" if heading else "left")
    for way in result.seconds:
        times = (f"{1e3 * time:.2f} ms" for time in (result.minimum(way), result.median(way)))
        made.add_row(way, *times, f"{result.ratio(way):.2f}", f"{result.median_ratio(way):.2f}")
    return made


def cpu_name() -> str:
    """The processor's name as the system gives it, with the number of logical processors that torch sees."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def scale_all(gradients: Sequence[Tensor], multipliers: Sequence[Tensor]) -> list[Tensor]:
    """The two-pass limit: norms of the rows of all gradients, then all gradients scaled in place."""
    norms = [torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients]
    for gradient, factors in zip(gradients, multipliers, strict=True):
        gradient.mul_(factors)
    return norms


def scale_each(gradients: Sequence[Tensor], multipliers: Sequence[Tensor]) -> list[Tensor]:
    """The same results as `scale_all`, tensor by tensor."""
    norms = []
    for gradient, factors in zip(gradients, multipliers, strict=True):
        norms.append(torch.linalg.vector_norm(gradient.flatten(1), dim=1))
        gradient.mul_(factors)
    return norms


def _ways(
    encoders: Mapping[str, nn.Module], gradients: Sequence[Tensor], generator: torch.Generator
) -> tuple[Callable[[], object], ...]:
    amss = AMSSPlus(encoders, keep=KEEP, generator=generator)
    multipliers = [1 + torch.rand(len(g), *[1] * (g.ndim - 1), generator=generator, dtype=g.dtype) for g in gradients]
    return (
        lambda: reference.mask_gradients(amss),
        amss.mask_gradients,
        lambda: scale_all(gradients, multipliers),
        lambda: scale_each(gradients, multipliers),
    )


@torch.no_grad()
def _timed(step: Callable[[], object]) -> float:
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        step()
        return time.perf_counter() - start
    finally:
        if enabled:
            gc.enable()
