"""Jobs on several ranks of one process group: processes of this machine, gloo, and a file in place of a port."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn


def on_ranks(world: int, job: Callable[..., Any], folder: Path, *args: object) -> list[Any]:
    """What job(rank, *args) returns on every rank; job must be a function of an importable module."""
    spawn(_rank, (world, job, str(folder), args), nprocs=world)
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(world)]


def _rank(rank: int, world: int, job: Callable[..., Any], folder: str, args: tuple[object, ...]) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    try:
        torch.save(job(rank, *args), f"{folder}/{rank}.pt")
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
