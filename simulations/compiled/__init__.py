"""A compiled backend to compare the engine with: one configuration in C, built on the spot where there is a compiler.

It stands in the benchmark and nowhere else. What it gains comes from drawing noise only where the mask keeps it, and
from passing over a replicate while it is in the cache; what it lacks is everything that makes the engine general.
"""

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from amss_min.designs import Systematic

_SOURCE = Path(__file__).parent / "kernel.c"
_REAL = {torch.float32: "float", torch.float64: "double"}


class NoCompiler(Exception):
    """There is no C compiler, or it did not build the kernel; the message says which."""


@cache
def _built(real: str) -> ctypes.CDLL:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler("no C compiler is installed (looked for cc, gcc, clang)")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "kernel.so"
        # Not -ffast-math: a library linked with it switches off subnormal numbers in the whole process.
        sums = ["-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno"]
        options = ["-O3", "-march=native", *sums, "-shared", "-fPIC", f"-DREAL={real}"]
        done = subprocess.run(
            [compiler, *options, str(_SOURCE), "-o", str(target), "-lm"], capture_output=True, text=True
        )
        if done.returncode:
            raise NoCompiler(f"{compiler} did not build {_SOURCE.name}: {done.stderr.strip().splitlines()[:1]}")
        return ctypes.CDLL(str(target))


def available() -> bool:
    """Whether the kernel can be built here."""
    try:
        _built("float")
    except (NoCompiler, OSError):
        return False
    return True


def descend(
    *, replicates: int, d: int, k: int, steps: int, stepsize: float, seed: int, start: float, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Uniform systematic masks with k of d units on F = |w|^2 / 2 with standard normal noise, from (start, ..., start).

    Returns the last iterates (replicates, d), of this dtype (float32 or float64), and the running averages of
    |grad F|^2 (replicates,), float64. Raises NoCompiler.
    """
    kernel = _built(_REAL[dtype])
    w = torch.full((replicates, d), start, dtype=dtype)
    average = torch.empty(replicates, dtype=torch.float64)
    pi = Systematic(random_order=False).inclusion(torch.ones(d), k)
    ends = torch.cat([torch.zeros(1, dtype=torch.float64), pi.cumsum(-1)])
    sizes = (ctypes.c_int64(value) for value in (replicates, d, steps))
    kernel.run(
        *sizes,
        ctypes.c_void_p(ends.data_ptr()),
        ctypes.c_double(stepsize),
        ctypes.c_uint64(seed),
        ctypes.c_void_p(w.data_ptr()),
        ctypes.c_void_p(average.data_ptr()),
    )
    return w, average
