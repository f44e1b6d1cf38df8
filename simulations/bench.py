"""What the masked step costs, beside the least that any such step must do.

Encoders (two ResNet-18 unless others are given) with random gradients. In every repeat each way of treating them is
timed once, on the same tensors with the same threads, in an order that is shuffled anew. The gradients are copied from
a saved set before each timing, outside of it. With one thread on a CPU the time is the processor time of the thread,
so that other programs on the same core do not count; otherwise it is the time of the clock, until the device is done.

- reference: the step in plain loops (amss_min.reference).
- fast path: AMSSPlus.mask_gradients with its default design.
- loop as released: a loop over parameters that does what the released code's does (simulations.released_loop), the
  sums of the squares of every parameter included, which it computes for autograd and uses in no default.
- loop without unused squares: the same loop without these. It draws the same, and is faster than what was released.
- optimizer step: SGD with momentum and weight decay, without a mask.
- two-pass limit: the norms of all rows, then one in-place scale of all of them, and nothing else. Rows are the units
  of the fast path (of a matrix with attention heads, its rows). torch.linalg.vector_norm is the fastest norm of rows
  that torch has on a CPU: square().sum() takes about twice as long there, einsum and a batched product seven times.
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
from amss_min.plan import Block, blocks_of
from simulations.console import complain, out, show
from simulations.multimodal.resnet import ResNet18
from simulations.released_loop import mask_each
from simulations.results import check_writable, write_json
from simulations.step_models import Encoders
from simulations.step_models import parameters as parameters_of

LIMIT = "two-pass limit"
FAST, OPTIMIZER, REFERENCE = "fast path", "optimizer step", "reference"
RELEASED, LOOP = "loop as released", "loop without unused squares"
WAYS = (REFERENCE, FAST, LIMIT, "tensor by tensor", RELEASED, LOOP, OPTIMIZER)
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
    tensors: int
    keep: float
    threads: int
    torch: str
    cpu: str
    device: str
    clock: str
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
        pairs = zip(self.seconds[way], self.seconds[LIMIT], strict=False)  # a slow way may have fewer repeats
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


def run_bench(
    repeats: int = 20,
    encoders: Encoders | None = None,
    *,
    threads: int = 1,
    ways: Sequence[str] = WAYS,
    device: str = "cpu",
    most: Mapping[str, int] | None = None,
) -> BenchResult:
    """Time every way `repeats` times on the encoders (two ResNet-18 unless given), after one untimed round.

    threads: of torch, one by default: with more of them a busy machine times its scheduler, since every small operation
    waits for the slowest thread. ways: of WAYS, with the limit. device: "cpu" or "cuda".
    most: way -> repeats, where fewer are enough; 1 leaves out its untimed round.
    Raises ValueError for repeats or threads below 1.
    """
    for name, value in (("repeats", repeats), ("threads", threads)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, found {name}={value}")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _run(repeats, two_resnets() if encoders is None else encoders, ways, device, most or {})
    finally:
        torch.set_num_threads(before)


def _run(repeats: int, encoders: Encoders, chosen: Sequence[str], device: str, most: Mapping[str, int]) -> BenchResult:
    generator = torch.Generator(device).manual_seed(0)
    parameters = [parameter for encoder in encoders.values() for parameter in parameters_of(encoder)]
    for parameter in parameters:
        parameter.data = parameter.data.to(device)
    saved = [
        torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype, device=device)
        for parameter in parameters
    ]
    for parameter in parameters:
        parameter.grad = torch.empty_like(parameter)
    blocks = blocks_of(encoders)
    ways = dict(zip(WAYS, _ways(encoders, blocks, parameters, generator), strict=True))
    seconds: dict[str, list[float]] = {way: [] for way in chosen}
    shuffle = random.Random(0)
    for repeat in range(repeats + 1):
        for way in shuffle.sample(list(chosen), len(chosen)):
            few = most.get(way, repeats)
            if repeat > few or (few == 1 and repeat == 0):
                continue
            for parameter, values in zip(parameters, saved, strict=True):
                assert parameter.grad is not None
                parameter.grad.copy_(values)
            elapsed = timed(ways[way], device)
            if repeat:
                seconds[way].append(elapsed)
    return BenchResult(
        seconds=seconds,
        parameters=sum(parameter.numel() for parameter in parameters),
        masked=sum(block.gradient.numel() for block in blocks),
        rows=sum(block.units.n * block.units.draws for block in blocks),
        tensors=len(blocks),
        keep=KEEP,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        cpu=cpu_name(),
        device=device_name(device),
        clock=_clock(device)[0],
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def bench_command(
    results: Path,
    repeats: int,
    console: Console | None = None,
    *,
    threads: int = 1,
    device: str = "cpu",
    large: bool = False,
) -> int:
    """Run the benchmarks, print their tables, write bench.json (on a CPU: two ResNet-18) and bench-step-DEVICE.json.

    large: with the pair of transformers. Returns the exit code (2 if it cannot be written).
    """
    from simulations import step_bench

    console = console or out()
    first: dict[str, BenchResult] = {}
    try:
        check_writable(results)
        if device == "cpu":
            first["two ResNet-18"] = run_bench(repeats, threads=threads)
            show(table(first["two ResNet-18"]), console)
            write_json(results / "bench.json", first["two ResNet-18"].as_json())
        bench = step_bench.run_step_bench(repeats, first, device=device, large=large)
        write_json(results / f"bench-step-{device}.json", bench.as_json())
    except OSError as error:
        complain(f"cannot write to {results}/: {error.strerror or error}")
        return 2
    for made in bench.tables():
        show(made, console)
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
    encoders: Encoders, blocks: Sequence[Block], parameters: Sequence[Tensor], generator: torch.Generator
) -> tuple[Callable[[], object], ...]:
    amss = AMSSPlus(encoders, keep=KEEP, generator=generator)
    # Parameters of its own, with the same storage: the masked ones are watched for changes before a step.
    plain = [nn.Parameter(parameter.detach()) for parameter in parameters]
    for own, parameter in zip(plain, parameters, strict=True):
        own.grad = parameter.grad
    sgd = torch.optim.SGD(plain, lr=1e-3, momentum=0.9, weight_decay=1e-4)
    gradients = [block.gradient for block in blocks]
    shapes = [(len(gradient), *[1] * (gradient.ndim - 1)) for gradient in gradients]
    multipliers = [
        1 + torch.rand(shape, generator=generator, dtype=gradient.dtype, device=gradient.device)
        for shape, gradient in zip(shapes, gradients, strict=True)
    ]
    return (
        lambda: reference.mask_gradients(amss),
        amss.mask_gradients,
        lambda: scale_all(gradients, multipliers),
        lambda: scale_each(gradients, multipliers),
        lambda: mask_each(blocks, KEEP, generator, unused_squares=True),
        lambda: mask_each(blocks, KEEP, generator),
        sgd.step,
    )


def device_name(device: str) -> str:
    """The name of the processor or the GPU."""
    return cpu_name() if device == "cpu" else torch.cuda.get_device_name(device)


def _clock(device: str) -> tuple[str, Callable[[], float]]:
    if device == "cpu" and torch.get_num_threads() == 1:
        return "processor time of the thread", time.thread_time
    return "wall time", time.perf_counter


def _nothing() -> None:
    pass


@torch.no_grad()
def timed(step: Callable[[], object], device: str = "cpu") -> float:
    """Seconds that a step takes, without gradients and garbage collection, until the device is done."""
    enabled = gc.isenabled()
    _, now = _clock(device)
    wait: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else _nothing
    gc.disable()
    try:
        wait()
        start = now()
        step()
        wait()
        return now() - start
    finally:
        if enabled:
            gc.enable()
