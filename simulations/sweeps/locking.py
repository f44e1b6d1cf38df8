"""One writer at a time: a lock file beside the store, held by the operating system while the writer lives."""

import os
import socket
from pathlib import Path

from simulations.sweeps.store_error import StoreError

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


class WriterLock:
    """The right to write to a store: an exclusive flock on STORE.lock, which names the process that holds it.

    The system gives the lock back when the process ends, however it ends; the file stays, since to remove it would let
    two writers hold locks on two files of one name. Processes that are forked while it is held share it.
    """

    def __init__(self, store: Path) -> None:
        """Take the lock; raises StoreError naming the holder, or what the system says."""
        if fcntl is None:
            raise StoreError(f"a store can be written on a POSIX system only, for its file locks, found {os.name!r}")
        path = lock_path(store)
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(f"the store {store} cannot be written: {error.strerror} for {path}") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        except BlockingIOError as error:
            os.close(self._handle)
            raise StoreError(
                f"a store has one writer at a time, found {_named(path)} writing to {store}; "
                f"`python -m simulations status {store}` shows how far it is"
            ) from error
        except OSError as error:
            os.close(self._handle)
            raise StoreError(f"the store {store} cannot be written: {error.strerror} for {path}") from error

    def release(self) -> None:
        """Give it back."""
        os.ftruncate(self._handle, 0)
        os.close(self._handle)


def lock_path(store: Path) -> Path:
    """The lock file of a store."""
    return store.with_name(f"{store.name}.lock")


def writer(store: Path) -> str:
    """Who writes to a store now, as "process 123 on host"; "" if nobody does, or if that cannot be found out."""
    if fcntl is None:
        return ""
    path = lock_path(store)
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named(path)
    except OSError:
        return ""
    else:
        return ""
    finally:
        os.close(handle)


def _named(path: Path) -> str:
    try:
        pid, _, host = path.read_text(encoding="utf-8").strip().partition(" ")
    except OSError:
        pid = host = ""
    return f"process {pid} on {host}" if pid else "another process"
