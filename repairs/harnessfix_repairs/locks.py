"""Locks on files, which the system lets go of when their holder dies."""

from typing import IO


def hold(file: IO[bytes], *, wait: bool = True) -> bool:
    """Take the lock of an open file until it is closed; False when another process has it and `wait` is not set."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined,unused-ignore]
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), mode, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
