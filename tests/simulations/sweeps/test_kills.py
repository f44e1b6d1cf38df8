"""The driver is killed at ten random moments; what was acknowledged stays, and the numbers are those of a whole run."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from simulations.sweeps.store import Store
from simulations.sweeps.store_error import StoreError
from tests.simulations.sweeps.numbers import command, numbers, swept

KILLS = 10
_TOML = """
replicates = 48

[cell]
objective = { name = "quadratic", spectrum = [4, 4, 1, 1], sizes = [2, 2] }
noise = { name = "skewed", total = 4 }
keep = 0.5
checkpoints = [20, 120]
block = 4

[[axes]]
method = ["amss", "amss+"]

[[axes]]
stepsize = [0.1, 0.05, 0.025, 0.0125, 0.00625]
"""


def finished(path: Path) -> dict[str, bytes]:
    """The blocks that a reader sees as done, with their summaries; none before there is a store."""
    if not path.exists():
        return {}
    try:
        with Store.open(path) as store:
            return {block.id: repr(block.summary).encode() for block in store.blocks() if block.status == "done"}
    except StoreError as error:
        if "is empty" not in str(error):  # the driver has made the file, and was killed before it wrote to it
            raise
        return {}


def children(pid: int) -> list[int]:
    """The processes that any of its threads has started."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (thread / "children").read_text().split()]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["inline", "pool"])
def test_a_killed_driver_loses_no_acknowledged_block_and_changes_no_number(tmp_path: Path, engine: str) -> None:
    study, store, whole = tmp_path / "study.toml", tmp_path / "a.sqlite", tmp_path / "whole.sqlite"
    study.write_text(_TOML)
    assert swept(study, whole, engine="inline").returncode == 0
    random, kills, watched = np.random.default_rng(5), 0, 0
    while kills < KILLS:
        before = len(finished(store))
        process = subprocess.Popen(
            command(study, store, engine=engine, workers=2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # one kill in five comes at any moment of the start, the others among the blocks
        if kills % 5 == 4:
            time.sleep(float(random.uniform(0.0, 4.0)))
        else:
            while process.poll() is None and len(finished(store)) == before:
                time.sleep(0.01)
            time.sleep(float(random.uniform(0.0, 0.7)))
        workers = children(process.pid)
        acknowledged = finished(store)
        assert process.poll() is None, "the study ended before all kills: it is too short for this machine"
        process.kill()
        process.wait()
        kills += 1
        kept = finished(store)
        assert acknowledged.items() <= kept.items()
        watched += engine == "pool" and bool(workers)
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < deadline, "workers must end with their driver"
            time.sleep(0.05)
    assert 0 < len(finished(store)) < 120
    assert watched or engine != "pool"
    assert swept(study, store, engine=engine, workers=2).returncode == 0
    assert numbers(store) == numbers(whole)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path: Path, number: signal.Signals) -> None:
    study, store = tmp_path / "study.toml", tmp_path / "a.sqlite"
    study.write_text('kind = "sleep"\nreplicates = 40\ncell.seconds = 0.3\n')
    code = (
        "from simulations.console import Interrupted\n"
        "import sys\n"
        "from pathlib import Path\n"
        "from simulations.sweeps.sweep_command import Request, sweep_command\n"
        "try:\n"
        f"    sweep_command(Request({str(study)!r}, Path({str(store)!r}), workers=2))\n"
        "except Interrupted as error:\n"
        "    print(error)\n"
        "    sys.exit(130)\n"
    )
    process = subprocess.Popen(
        [command(study, store)[0], "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while process.poll() is None and len(finished(store)) < 3:
        time.sleep(0.05)
    os.killpg(process.pid, number)  # as a terminal does: to the workers too
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err
    done = len(finished(store))
    assert f"interrupted: {done} of 40 blocks are in {store}; the same command goes on from there" in " ".join(
        out.split()
    )
    assert 3 <= done < 40
    assert swept(study, store, workers=2).returncode == 0
    assert len(finished(store)) == 40
