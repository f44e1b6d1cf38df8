"""The masked step over pairs of models, its growth, and its share of a training step: results/bench-step-DEVICE.json.

Ways and clock are those of simulations.bench. On a GPU the training step is timed as well: two ResNet-18 on batches of
64 images 3 x 224 x 224 and 64 spectrograms 1 x 128 x 128 in bfloat16, with the masked step after it, and once more with
torch.cuda.set_sync_debug_mode("error") around the masked step.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from rich.table import Table
from torch import Tensor, nn

from amss_min import AMSSPlus
from simulations.bench import FAST, KEEP, LIMIT, LOOP, REFERENCE, RELEASED, WAYS, BenchResult, run_bench, timed
from simulations.multimodal.resnet import ResNet18
from simulations.step_models import LARGE, PAIRS, matrices

CLASSES = 31
SHAPES: Mapping[str, tuple[int, ...]] = {"visual": (3, 224, 224), "audio": (1, 128, 128)}
BATCH = 64
GROWTH: Mapping[str, Sequence[tuple[int, int, int]]] = {
    "parameters": [(16, 256, width) for width in (256, 512, 1024, 2048, 4096)],
    "tensors": [(count, 256, 2**22 // (256 * count)) for count in (4, 16, 64, 256)],
}
"""(tensors, rows of each, width): 1 to 16.8 million parameters in 16 tensors, and 4.2 million in 4 to 256 tensors."""


@dataclass(frozen=True, kw_only=True)
class StepBench:
    """pairs[name]: the result of a pair. growth[axis]: (size, seconds of the fast path, seconds of the limit) triples.

    training: seconds of a training step without mask, and of the masked step alone on its gradients; empty on a CPU.
    """

    pairs: dict[str, BenchResult]
    growth: dict[str, list[tuple[int, float, float]]]
    training: dict[str, float] = field(default_factory=dict)

    def exponents(self) -> dict[str, float]:
        """Growth of the fast path with each axis, between its first and its last size."""
        found = {}
        for axis, triples in self.growth.items():
            (small, least, _), (large, most, _) = triples[0], triples[-1]
            found[axis] = math.log(most / least) / math.log(large / small)
        return found

    def as_json(self) -> dict[str, object]:
        """All of it, with ratios, exponents and the share of the training step."""
        share = {"share": self.training["masked step"] / self.training["training step"]} if self.training else {}
        return {
            "pairs": {name: {**result.as_json(), **to_loops(result)} for name, result in self.pairs.items()},
            "growth": self.growth,
            "exponents": self.exponents(),
            "training": {**self.training, **share},
        }

    def tables(self) -> list[Table]:
        """The result for people: ratios to the two-pass limit by pair, and the growth."""
        first = next(iter(self.pairs.values()))
        main = Table(
            title="masked step: shortest time, and as a multiple of the two-pass limit",
            caption=f"{first.device}, torch {first.torch}, threads: {first.threads}, {first.clock}, {first.date}",
        )
        main.add_column("")
        for name in self.pairs:
            main.add_column(name, justify="right")
        for way in WAYS:
            cells = (cell(result, way) for result in self.pairs.values())
            main.add_row(way, *cells)
        for loop in (RELEASED, LOOP):
            ratios = (f"{result.minimum(loop) / result.minimum(FAST):.2f}" for result in self.pairs.values())
            main.add_row(f"{loop} / {FAST}", *ratios)
        growth = Table(title="growth of the fast path")
        for heading in ("axis", "sizes", "ms", "exponent"):
            growth.add_column(heading, justify="right" if heading == "exponent" else "left")
        for axis, triples in self.growth.items():
            sizes = ", ".join(f"{size:,}" for size, _, _ in triples)
            times = ", ".join(f"{1e3 * seconds:.2f}" for _, seconds, _ in triples)
            growth.add_row(axis, sizes, times, f"{self.exponents()[axis]:.2f}")
        if not self.training:
            return [main, growth]
        share = Table(title="training step of two ResNet-18 in bfloat16, ms")
        for name in (*self.training, "share"):
            share.add_column(name, justify="right")
        percent = 100 * self.training["masked step"] / self.training["training step"]
        share.add_row(*(f"{1e3 * seconds:.3f}" for seconds in self.training.values()), f"{percent:.2f} %")
        return [main, growth, share]


def cell(result: BenchResult, way: str) -> str:
    """Milliseconds and the ratio to the limit, or nothing for a way that was left out."""
    if not result.seconds.get(way):
        return ""
    return f"{1e3 * result.minimum(way):.2f} ({result.ratio(way):.2f})"


def to_loops(result: BenchResult) -> dict[str, float]:
    """How many times as long as the fast path the loops over parameters take: as released, and without its waste."""
    return {
        "released_loop_over_fast_path": result.minimum(RELEASED) / result.minimum(FAST),
        "loop_over_fast_path": result.minimum(LOOP) / result.minimum(FAST),
    }


def run_step_bench(
    repeats: int,
    first: Mapping[str, BenchResult],
    *,
    device: str = "cpu",
    large: bool = False,
) -> StepBench:
    """Time the pairs that are not among the results at hand, the growth, and, on a GPU, the share of a training step.

    The reference is timed once for each of these pairs, and left out on a GPU, where it takes minutes.
    """
    found = dict(first)
    ways = WAYS if device == "cpu" else tuple(way for way in WAYS if way != REFERENCE)
    for name, make in {**PAIRS, **(LARGE if large else {})}.items():
        if name not in found:
            found[name] = run_bench(repeats, make(), ways=ways, device=device, most={REFERENCE: 1})
    training = training_share(repeats, device) if device == "cuda" else {}
    return StepBench(pairs=found, growth=growth(repeats, device), training=training)


def growth(repeats: int, device: str) -> dict[str, list[tuple[int, float, float]]]:
    """Shortest times of the fast path and of the limit, by the number of parameters and by that of tensors."""
    found: dict[str, list[tuple[int, float, float]]] = {}
    for axis, shapes in GROWTH.items():
        triples = []
        for count, units, width in shapes:
            one = {"one": matrices(count, units, width)}
            result = run_bench(repeats, one, ways=(FAST, LIMIT), device=device)
            size = result.parameters if axis == "parameters" else count
            triples.append((size, result.minimum(FAST), result.minimum(LIMIT)))
        found[axis] = triples
    return found


def training_share(
    repeats: int,
    device: str,
    *,
    shapes: Mapping[str, tuple[int, ...]] = SHAPES,
    batch: int = BATCH,
    encoder: Callable[[int], nn.Module] = ResNet18,
) -> dict[str, float]:
    """Shortest seconds of a training step without mask, and of the masked step alone on the gradients it left.

    encoder: channels -> module that maps (batch, channels, ...) to (batch, features). On a GPU the masked step must not
    wait for the device: torch raises RuntimeError if it does.
    """
    generator = torch.Generator(device).manual_seed(0)
    encoders = nn.ModuleDict({name: encoder(shape[0]) for name, shape in shapes.items()}).to(device)
    inputs = {name: torch.randn(batch, *shape, generator=generator, device=device) for name, shape in shapes.items()}
    width = sum(encoders[name](inputs[name][:2]).shape[1] for name in shapes)
    head = nn.Linear(width, CLASSES).to(device)
    target = torch.randint(CLASSES, (batch,), generator=generator, device=device)
    parameters = [*encoders.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=1e-2, momentum=0.9, weight_decay=1e-4)
    amss = AMSSPlus(encoders, keep=KEEP, generator=generator)

    @torch.enable_grad()
    def train() -> None:
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            features = torch.cat([encoders[name](inputs[name]) for name in shapes], 1)
            loss: Tensor = nn.functional.cross_entropy(head(features), target)
        loss.backward()
        optimizer.step()

    seconds: dict[str, list[float]] = {"training step": [], "masked step": []}
    for repeat in range(repeats + 2):
        steps = {"training step": train, "masked step": amss.mask_gradients}
        for name, step in steps.items():
            if name == "masked step" and repeat == 1:
                with never_waiting(device):
                    step()
                continue
            elapsed = timed(step, device)
            if repeat > 1:
                seconds[name].append(elapsed)
    return {name: min(times) for name, times in seconds.items()}


@contextmanager
def never_waiting(device: str) -> Iterator[None]:
    """Inside, torch raises RuntimeError where the host waits for a GPU; on a CPU it changes nothing."""
    if device != "cuda":
        yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")
