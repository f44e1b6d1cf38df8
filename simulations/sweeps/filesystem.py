"""Which kind of file system a file lies on: a store needs one whose locks and memory maps are those of one machine."""

import re
from pathlib import Path

from simulations.sweeps.store_error import StoreError

_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|smb2|afs|9p|ceph|lustre|beegfs|gpfs|glusterfs|pvfs2|orangefs|ocfs2|gfs2|ncpfs|coda|vboxsf"
    r"|fuse\.(sshfs|glusterfs|s3fs|goofys|rclone|gcsfuse|ceph|ceph-fuse|davfs2?|curlftpfs|juicefs|mfs|lizardfs|cvmfs2"
    r"|smbnetfs|afp|nfs|beegfs)|davfs2?"
)
_MOUNTS = Path("/proc/self/mountinfo")


def filesystem(path: Path, mounts: Path = _MOUNTS) -> str:
    """The type of the file system of a path, as `mount` names it ("ext4", "nfs4", "fuse.sshfs").

    mounts: the table of mounts, in the format of Linux' /proc/self/mountinfo. The type is that of the longest mount
    point above the path, and of the last one where several lie on each other. "" where there is no such table.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place, found, deepest = path.resolve(), "", -1
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(_unescaped(before.split()[4]))
        if place.is_relative_to(point) and len(point.parts) >= deepest:
            found, deepest = after.split()[0], len(point.parts)
    return found


def refuse_network(path: Path, mounts: Path = _MOUNTS) -> None:
    """Raise StoreError where the path lies on a network file system.

    SQLite's WAL mode shares memory between the processes that have a store open, and its locks are those of the file
    system. Between machines neither is dependable, and a store is damaged without a word.
    """
    kind = filesystem(path, mounts)
    if _NETWORK.fullmatch(kind):
        raise StoreError(
            f"a store must lie on a disk of this machine, found {path} on {kind}: the locks and shared memory that "
            f"keep it whole do not work over a network; give --store a local folder and copy the file afterwards"
        )


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
