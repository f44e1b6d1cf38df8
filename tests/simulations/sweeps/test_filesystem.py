"""Network file systems are refused, with the reason; the table of mounts is injected."""

from pathlib import Path

import pytest

from simulations.sweeps import store as module
from simulations.sweeps.filesystem import filesystem, refuse_network
from simulations.sweeps.store import Store
from simulations.sweeps.store_error import StoreError

REFUSED = ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "lustre", "beegfs", "gpfs", "afs", "fuse.sshfs", "fuse.rclone"]
ALLOWED = ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs", "f2fs", "fuse", "fuseblk", "fuse.ntfs-3g"]


def table(tmp_path: Path, *mounts: tuple[str, str]) -> Path:
    found = tmp_path / "mountinfo"
    lines = [f"{i} 1 8:1 / {point} rw,relatime shared:1 - {kind} source rw\n" for i, (point, kind) in enumerate(mounts)]
    found.write_text("".join(lines))
    return found


def test_the_longest_and_then_the_last_mount_counts(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/", "ext4"), ("/home", "nfs4"), ("/home/a\\040b", "xfs"), ("/", "overlay"))
    places = {"/etc/x": "overlay", "/home/x": "nfs4", "/homes/x": "overlay", "/home/a b/x": "xfs", "/home/a": "nfs4"}
    assert {place: filesystem(Path(place), mounts) for place in places} == places
    assert filesystem(Path("/x"), tmp_path / "no such table") == ""


@pytest.mark.parametrize("kind", REFUSED)
def test_network_file_systems_are_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = table(tmp_path, ("/", kind))
    monkeypatch.setattr(module, "refuse_network", lambda path: refuse_network(path, mounts))
    with pytest.raises(StoreError, match=f"on a disk of this machine, found .*x.sqlite on {kind}: the locks") as caught:
        Store.open(tmp_path / "x.sqlite", write=True)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "x.sqlite").exists()


@pytest.mark.parametrize("kind", ALLOWED)
def test_local_ones_are_not(kind: str, tmp_path: Path) -> None:
    refuse_network(tmp_path, table(tmp_path, ("/", kind)))
