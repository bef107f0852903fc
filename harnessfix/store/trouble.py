"""What a database complains about, as a `StoreError` that says what to do."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from harnessfix_ir.errors import StoreError

from .place import Place

NO_STORE_HINT = "Name another file with --store, or move this one away."
DAMAGED_HINT = "Restore it from a backup (store.db.bak-…) or an export; runs can also be imported again."

LITTLE = 256 * 1024  # bytes of free space with which no store can grow

SQLITE: dict[str, tuple[str, str]] = {
    "SQLITE_BUSY": ("is locked by another process", "Wait for it to finish, or stop it, and try again."),
    "SQLITE_LOCKED": ("is locked by another process", "Wait for it to finish, or stop it, and try again."),
    "SQLITE_FULL": ("cannot grow: the disk is full", "Free some space; nothing was half-written."),
    "SQLITE_IOERR": ("cannot be read or written: the disk reports an error", "Check the disk and the free space."),
    "SQLITE_READONLY": ("cannot be written", "Check the permissions of the file and its folder."),
    "SQLITE_CANTOPEN": ("cannot be opened", "Check that the folder exists and may be written."),
    "SQLITE_PERM": ("cannot be opened", "Check the permissions of the file and its folder."),
    "SQLITE_NOTADB": ("is not a harnessfix store", NO_STORE_HINT),
    "SQLITE_CORRUPT": ("is damaged", DAMAGED_HINT),
    "SQLITE_TOOBIG": ("cannot hold a run as large as this", "Split the file before importing it."),
}

POSTGRESQL: dict[str, tuple[str, str]] = {
    "53100": ("cannot grow: the server's disk is full", "Free some space; nothing was half-written."),
    "55P03": ("is locked by another session", "Wait for it to finish and try again."),
    "40001": ("was being written by another session", "Try again; nothing was half-written."),
    "40P01": ("was being written by another session", "Try again; nothing was half-written."),
    "57014": ("took too long", "Wait for other sessions to finish and try again."),
    "25006": ("cannot be written", "Connect to a server that accepts writes."),
    "42501": ("does not let this user do that", "Grant the user its tables, or connect as another one."),
}

PASSING = ("08", "40001", "40P01", "57P")
"""Beginnings of SQLSTATEs: connection lost, serialisation failure, deadlock, server shutting down or starting."""


@contextmanager
def explained(place: Place) -> Iterator[None]:
    """Turn what SQLAlchemy, sqlite3 or psycopg raise inside into a `StoreError` about `place`."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise translated(place, error) from error


def translated(place: Place, error: Exception) -> StoreError:
    """What a driver or SQLAlchemy raised, as a `StoreError` about `place`."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    name = str(getattr(cause, "sqlite_errorname", None) or "")
    # Extended codes carry their primary one in front: SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE.
    if name.startswith("SQLITE_IOERR") and _is_full(place):
        name = "SQLITE_FULL"  # the files beside the store fail otherwise than the store itself
    for code, (what, hint) in SQLITE.items():
        if name == code or name.startswith(code + "_"):
            return StoreError(f"{place}: the store {what}", hint=hint)
    state = getattr(cause, "sqlstate", None)
    if state in POSTGRESQL:
        what, hint = POSTGRESQL[state]
        return StoreError(f"{place}: the store {what}", hint=hint)
    said = " ".join(str(cause).split())
    if place.url is not None and (state is None or state.startswith(("08", "28", "3D", "57P"))):
        return StoreError(
            f"{place}: no connection to the store: {said}", hint="Check that the server runs, and user and database."
        )
    return StoreError(f"{place}: the store reports: {said}", hint="`harnessfix doctor` looks the store over.")


def _is_full(place: Place) -> bool:
    try:
        return place.path is not None and shutil.disk_usage(place.path.parent).free < LITTLE
    except OSError:
        return False


def passes(error: StoreError) -> bool:
    """Whether the same transaction may well succeed a moment later: others were in its way, or the connection broke."""
    cause = error.__cause__
    if not isinstance(cause, DBAPIError):
        return False
    state = str(getattr(cause.orig, "sqlstate", None) or "")
    raced = isinstance(cause, IntegrityError)  # two sessions of a server may both see that a row is new
    return raced or cause.connection_invalidated or state.startswith(PASSING)
