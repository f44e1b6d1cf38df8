"""The command `bench`: the engine, the masked step or the designs, timed and written to results/."""

from pathlib import Path
from typing import Any

import torch

from simulations.console import Interrupted, progress, say, show, written_to
from simulations.results import check_writable, write_json


def bench_engine(results: Path, repeats: int, device: str, replicates: int) -> int:
    """Time the engine on this device ("cpu" or "cuda", which must be there) and return the exit code 0."""
    from simulations import engine_bench

    with written_to(results):
        check_writable(results)
    with progress("engine", engine_bench.rounds(repeats, device)) as advance:
        bench = engine_bench.run_engine_bench(repeats, device=device, replicates=replicates, done=advance)
    for table in bench.tables():
        show(table)
    target = results / ("bench-engine.json" if device == "cpu" else "bench-engine-cuda.json")
    with written_to(results):
        write_json(target, bench.as_json())
    say(f"written: {target}")
    return 0


def bench_designs(results: Path, repeats: int) -> int:
    """Time a draw of every design and return the exit code 0."""
    from simulations import design_bench

    with written_to(results):
        check_writable(results)
    with progress("designs", design_bench.cells()) as advance:
        bench = design_bench.run_design_bench(repeats, done=advance)
    show(bench.table())
    with written_to(results):
        written = design_bench.write(results, bench)
    say(f"written: {written}")
    return 0


def bench_masked_step(results: Path, repeats: int, device: str = "cpu", *, large: bool = False) -> int:
    """Time the masked step of training on this device ("cpu" or "cuda") and return its exit code."""
    from simulations.bench import bench_command

    options: dict[str, Any] = {"large": True} if large else {}
    if device != "cpu":
        options["device"] = device
    try:
        return bench_command(results, repeats, **options)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was written") from None


def bench_sweep(results: Path, repeats: int) -> int:
    """Time the machinery of sweeps and return the exit code 0."""
    from simulations.sweeps import bench

    with written_to(results):
        check_writable(results)
    try:
        record = bench.bench(repeats=repeats)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was written") from None
    show(bench.table(record))
    target = results / "bench-sweep.json"
    with written_to(results):
        write_json(target, record)
    say(f"written: {target}")
    return 0


def is_device(device: str) -> bool:
    """Whether the engine can be timed there."""
    return device == "cpu" or (device == "cuda" and torch.cuda.is_available())
