"""Stochastic gradient descent with masked gradients, batched over replicates: w <- w - eta M * (grad F(w) + xi)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.methods import Method, counts
from simulations.noise import Noise
from simulations.objectives import Objective
from simulations.seeding import stream, words
from simulations.trace import Recorder, Trace

_CHUNK_NUMBERS = 2**21  # random numbers held at a time (16 MiB), and at most this many steps of them:
_CHUNK_STEPS = 256


def simulate(
    objective: Objective,
    noise: Noise,
    method: Method,
    *,
    start: Tensor | Sequence[float],
    stepsize: float,
    checkpoints: Sequence[int],
    replicates: range,
    keep: float | Sequence[float] = 1.0,
    root: int = 0,
    axes: Mapping[str, int | str] | None = None,
    chunk: int | None = None,
    device: str | torch.device = "cpu",
) -> Trace:
    """Run every replicate from the same start to the last checkpoint, with a constant stepsize.

    start (d,); stepsize eta; keep: rho of each modality, k = ceil(rho n - 1e-6) units are drawn in a step.
    replicates: their numbers; replicate r draws its noise from stream(root, purpose="noise", replicate=r, **axes)
    and its masks from the same with purpose="mask". Neither depends on the method, so methods run with common
    random numbers; nor on the batch, so replicate r is the same bit for bit in whatever range it runs.
    chunk: steps of random numbers made at a time; it changes memory and speed, never the result.

    State and trace are float64. A replicate that overflows goes on as inf or nan and harms no other. Raises
    ValueError where dimensions do not fit.
    Cost: one exact gradient and one masked gradient a step, over all replicates together.

    >>> from simulations.methods import METHODS
    >>> from simulations.noise import Gaussian
    >>> from simulations.objectives import IsotropicQuadratic
    >>> trace = simulate(IsotropicQuadratic(n=2), Gaussian(2, total=0.0), METHODS["sgd"],
    ...                  start=[1.0, 0.0], stepsize=0.5, checkpoints=[1, 2], replicates=range(1))
    >>> trace.squared_gradient
    tensor([[0.2500, 0.0625]], dtype=torch.float64)
    """
    begin = torch.as_tensor(start, dtype=torch.float64)
    if noise.d != objective.d or begin.shape != (objective.d,):
        raise ValueError(f"objective, noise and start must agree on d, found {objective.d}, {noise.d}, {begin.shape}")
    units = objective.units
    drawn, slots, steps = counts(units, keep), method.slots(units), checkpoints[-1]
    named = {name: axis for name, axis in (axes or {}).items()}
    noises = [stream(root, purpose="noise", replicate=r, **named) for r in replicates]
    masks = [stream(root, purpose="mask", replicate=r, **named) for r in replicates] if slots else []
    if chunk is None:
        chunk = max(1, min(_CHUNK_STEPS, _CHUNK_NUMBERS // max(1, len(replicates) * max(noise.d, slots))))

    recorder = Recorder(checkpoints)
    w = begin.to(device).repeat(len(replicates), 1)
    for first in range(0, steps, chunk):
        length = min(chunk, steps - first)
        xi = _steps_first([noise.sample(generator, length) for generator in noises], device)
        bits = _steps_first([words(generator, length, slots) for generator in masks], device) if slots else xi
        for i in range(length):
            exact = objective.gradient(w)
            recorder.see(first + i, w, exact)
            # Designs take finite sizes. A replicate that has overflowed stays so, in w or in its exact gradient.
            gradient = (exact + xi[i]).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
            w = w - stepsize * method.estimate(gradient, units, drawn, bits[i])
    recorder.see(steps, w, objective.gradient(w))
    return recorder.trace()


def _steps_first(parts: list[NDArray[np.float64]] | list[NDArray[np.int64]], device: str | torch.device) -> Tensor:
    """One array (steps, ...) a replicate, joined to a contiguous tensor (steps, replicates, ...)."""
    return torch.from_numpy(np.stack(parts, axis=1)).to(device)
