"""A training run that saves everything after every step, for the tests of killed and resumed runs.

python interrupted_run.py CHECKPOINT LAST: resume from the checkpoint if it is there, go on to step LAST, and print
every step's number once its checkpoint is in place.
"""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from amss_min import AMSS, AMSSPlus, MutualInformationRate, Schedule
from tests.amss_min.nets import Net, batch, observe

Run = tuple[Net, torch.optim.Optimizer, AMSS]


def made() -> dict[str, Run]:
    """Two runs that between them use all that a state must hold, as they are before their first step."""
    torch.manual_seed(0)
    rate = MutualInformationRate(smoothing=0.5)
    momentum, adam = Net(), Net()
    reusing = AMSS(momentum.modalities(), keep=rate, schedule=Schedule(every=4, start=2), generator=seeded())  # type: ignore[arg-type]
    updating = AMSSPlus(adam.modalities(), keep=rate, masks="update", schedule=Schedule(start=1), generator=seeded())  # type: ignore[arg-type]
    return {
        "SGD": (momentum, torch.optim.SGD(momentum.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01), reusing),
        "AdamW": (adam, torch.optim.AdamW(adam.parameters(), lr=0.01, weight_decay=0.1), updating),
    }


def seeded() -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(5)


def state(step: int, runs: dict[str, Run]) -> dict[str, Any]:
    """All states after this many steps."""
    return {"step": step, **{name: [part.state_dict() for part in run] for name, run in runs.items()}}


def train(runs: dict[str, Run], first: int, last: int, checkpoint: Path | None = None) -> None:
    """Steps first to last (excluded); after each the checkpoint is replaced."""
    for step in range(first, last):
        for net, optimizer, amss in runs.values():
            x, y = batch(step)
            optimizer.zero_grad()
            observe(amss, net, x, y)
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        if checkpoint is not None:
            part = checkpoint.with_suffix(".part")
            torch.save(state(step + 1, runs), part)
            os.replace(part, checkpoint)
            print(step + 1, flush=True)


def resumed(checkpoint: Path) -> tuple[int, dict[str, Run]]:
    """The runs as the checkpoint has them, attached; from the start where there is none."""
    runs, step = made(), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        step = saved["step"]
        for name, run in runs.items():
            (net, optimizer, amss), states = run, saved[name]
            net.load_state_dict(states[0])
            optimizer.load_state_dict(states[1])
            amss.load_state_dict(states[2])
    for _, optimizer, amss in runs.values():
        amss.attach(optimizer)
    return step, runs


def main(checkpoint: str, last: str) -> None:
    """See the file."""
    step, runs = resumed(Path(checkpoint))
    train(runs, step, int(last), Path(checkpoint))


if __name__ == "__main__":
    main(*sys.argv[1:])
