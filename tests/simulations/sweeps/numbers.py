"""What tests of sweeps share: small studies, and all numbers of a store as bytes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from simulations.sweeps.outcome import canonical
from simulations.sweeps.store import Store

SLEEP: dict[str, Any] = {"kind": "sleep", "replicates": 3, "cell": {"seconds": 0.0}, "axes": [{"tag": ["a", "b"]}]}

SIMULATE: dict[str, Any] = {
    "replicates": 8,
    "cell": {
        "objective": {"name": "quadratic", "spectrum": [4, 4, 1, 1], "sizes": [2, 2]},
        "noise": {"name": "skewed", "total": 4},
        "method": "amss",
        "keep": 0.5,
        "stepsize": 0.05,
        "checkpoints": [2, 4],
        "block": 4,
    },
    "axes": [{"method": ["amss", "amss+"]}, {"stepsize": [0.1, 0.05]}],
}


def numbers(path: Path) -> dict[str, bytes]:
    """Every merged number of a store, by cell and quantity, and every summary by block."""
    found: dict[str, bytes] = {}
    with Store.open(path) as store:
        for cell in store.cells():
            where = canonical(dict(cell.cell))
            for name in store.quantities("moments"):
                moments = store.mean_curve(cell, name)
                if moments is not None:
                    parts = (moments.n, moments.mean, moments.M2)
                    found[f"{where} {name}"] = b"".join(part.tobytes() for part in parts)
            for name in store.quantities("sketch"):
                sketch = store.sketch(cell, name)
                if sketch is not None:
                    found[f"{where} sketch {name}"] = b"".join(
                        part.tobytes() for part in (sketch.column, sketch.key, sketch.count)
                    )
        for block in store.blocks():
            found[f"block {block.id}"] = f"{block.status} {json.dumps(block.summary, sort_keys=True)}".encode()
    return found


def command(study: Path, store: Path, **options: Any) -> list[str]:
    """A command line that sweeps a study in a process of its own, without the other commands of the suite."""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return [
        sys.executable,
        "-c",
        "import sys; from pathlib import Path; from simulations.sweeps.sweep_command import Request, sweep_command; "
        f"sys.exit(sweep_command(Request({str(study)!r}, Path({str(store)!r}){given})))",
    ]


def swept(study: Path, store: Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """The sweep of a study, to its end."""
    return subprocess.run(command(study, store, **options), capture_output=True, text=True, timeout=600, check=False)
