"""Full disks, read-only folders and kill -9: a StoreError of one line at most, and every acknowledged block kept."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulations.sweeps.store import Store
from simulations.sweeps.store_error import StoreError
from tests.simulations.sweeps.samples import CONFIGURATION, blocks, done

ROOT = Path(__file__).parents[3]
NOBODY = 65534


def add_until_full(store: Store, size: int = 4000) -> set[str]:
    """Add blocks one by one until the store refuses; returns the acknowledged ones."""
    acknowledged: set[str] = set()
    with pytest.raises(StoreError, match="disk is full") as caught:
        for b in blocks(200):
            store.add([done(b, size=size)])
            acknowledged.add(b.id)
    assert "\n" not in str(caught.value)
    assert 0 < len(acknowledged) < 200
    return acknowledged


def finish(store: Store) -> None:
    left = [b for b in blocks(200) if b.id not in store.finished()]
    store.add([done(b) for b in left])


def whole(path: Path) -> None:
    """All 200 blocks are there, with the numbers of a run without trouble."""
    with Store.open(path) as store:
        (cell,) = store.cells()
        assert cell.counts.done == 200
        found = store.mean_curve(cell, "energy")
        assert found is not None
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "calm.sqlite", write=True) as calm:
        calm.register("sample", CONFIGURATION, blocks(200))
        calm.add([done(b) for b in blocks(200)])
        expected = calm.mean_curve(calm.cells()[0], "energy")
        assert expected is not None
    assert (found.mean.tobytes(), found.M2.tobytes()) == (expected.mean.tobytes(), expected.M2.tobytes())


def test_a_store_that_cannot_grow_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "sample.sqlite"
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, blocks(200))
        store.connection.execute("PRAGMA max_page_count = 300")
        acknowledged = add_until_full(store)
        assert store.finished() == acknowledged
    with Store.open(path, write=True) as store:
        assert store.finished() == acknowledged
        finish(store)
    whole(path)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A tmpfs of 1.5 MiB; skipped where this process may not mount one (the limit of pages above is tried anyway)."""
    folder = Path(tempfile.mkdtemp())
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=1536k", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("mounting a tmpfs needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def test_a_full_disk_keeps_what_was_acknowledged(small_disk: Path) -> None:
    path = small_disk / "sample.sqlite"
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, blocks(200))
        acknowledged = add_until_full(store)
    with Store.open(path) as store:
        assert store.finished() == acknowledged
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    with Store.open(path, write=True) as store:
        finish(store)
    whole(path)


def test_the_same_writer_goes_on_when_there_is_room_again(small_disk: Path) -> None:
    path, ballast = small_disk / "sample.sqlite", small_disk / "ballast"
    ballast.write_bytes(bytes(600_000))
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, blocks(200))
        acknowledged = add_until_full(store, size=3000)
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        assert store.finished() == acknowledged
        finish(store)
    whole(path)


def test_no_store_begins_on_a_full_disk(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (small_disk / "ballast").write_bytes(bytes(2_000_000))
    with pytest.raises(StoreError, match=r"disk is full|No space left on device"):
        Store.open(small_disk / "sample.sqlite", write=True)
    (small_disk / "ballast").unlink()
    with Store.open(small_disk / "sample.sqlite", write=True) as store:
        assert store.counts().blocks == 0


@contextmanager
def as_nobody() -> Iterator[None]:
    """Permissions bind root only when it is somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shelf() -> Iterator[Path]:
    """A folder that others may enter, unlike that of pytest, with a store of 3 blocks, 2 of them done."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    with Store.open(folder / "sample.sqlite", write=True) as store:
        store.register("sample", CONFIGURATION, blocks(3))
        store.add([done(b) for b in blocks(2)])
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_folder_can_be_read_and_not_written(shelf: Path) -> None:
    path = shelf / "sample.sqlite"
    shelf.chmod(0o555)
    before = path.read_bytes()
    with as_nobody():
        with Store.open(path) as store:
            assert store.counts().done == 2
        for name in ("sample.sqlite", "new.sqlite", "sub/new.sqlite"):
            with pytest.raises(StoreError, match="Permission denied") as caught:
                Store.open(shelf / name, write=True)
            assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert sorted(p.name for p in shelf.iterdir()) == ["sample.sqlite", "sample.sqlite.lock"]


def test_a_read_only_file_is_not_written(shelf: Path) -> None:
    shelf.chmod(0o777)
    path = shelf / "sample.sqlite"
    path.chmod(0o444)
    (shelf / "sample.sqlite.lock").chmod(0o666)
    told = "cannot be written, the file or its folder is read-only"
    with as_nobody(), pytest.raises(StoreError, match=told), Store.open(path, write=True) as store:
        store.add([done(blocks(3)[2])])
    with Store.open(path) as store:
        assert store.counts().done == 2


def test_a_file_that_nobody_may_read_is_one_line(shelf: Path) -> None:
    (shelf / "sample.sqlite").chmod(0)
    with as_nobody(), pytest.raises(StoreError, match="cannot be opened, the file or its folder does not permit it"):
        Store.open(shelf / "sample.sqlite")


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from simulations.sweeps.store import Store
from tests.simulations.sweeps.samples import CONFIGURATION, blocks, done

path, asked, chance = Path(sys.argv[1]), blocks(200), random.Random(int(sys.argv[2]))

def write():
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, asked)
        finished = store.finished()
        left = [b for b in asked if b.id not in finished]
        for first in range(0, len(left), 3):
            some = left[first : first + 3]
            store.add([done(b, size=500) for b in some])
            os.write(1, "".join(f"{b.id}\\n" for b in some).encode())
            time.sleep(0.02)  # 67 times: longer than the ten children live together, on the fastest disk

for number in range(10):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        os.close(writer)
        write()
        os._exit(0)
    os.close(writer)
    seen = os.read(reader, 4096) if number % 2 else b""  # every other one is killed after its first acknowledgement
    time.sleep(chance.uniform(0.0, 0.12))
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, "rb") as rest:
        os.write(1, seen + rest.read())
    os.write(1, f"ended {os.waitpid(child, 0)[1]}\\n".encode())
"""


def test_kill_9_at_random_moments_loses_no_acknowledged_block(tmp_path: Path) -> None:
    path = tmp_path / "sample.sqlite"
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), "11"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = run.stdout.splitlines()
    assert run.stderr == ""
    assert lines.count("ended 9") == 10
    acknowledged = {line for line in lines if not line.startswith("ended")}
    with Store.open(path, write=True) as store:
        assert store.finished() >= acknowledged
        store.register("sample", CONFIGURATION, blocks(200))
        finish(store)
    assert acknowledged
    whole(path)
