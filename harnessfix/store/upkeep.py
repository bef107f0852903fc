"""Pruning, giving space back, and the store in numbers."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select, text

from harnessfix import __version__

from . import blobs, cache, search
from .database import Database, is_sqlite
from .documents import Pruned, StoreInfo
from .models import FlawRow, Info, Run
from .schema import HEAD


def prune(connection: Connection, *, before_ns: int | None, keep: int | None, dry_run: bool) -> Pruned:
    """Delete runs older than `before_ns`, but never the `keep` newest; then the blocks nobody refers to."""
    query = select(Run.key, Run.id).order_by(Run.ordered_ns.desc(), Run.key.desc())
    if before_ns is not None:
        query = query.where(Run.ordered_ns < before_ns)
    spared: set[int] = set()
    if keep is not None:
        newest = select(Run.key).order_by(Run.ordered_ns.desc(), Run.key.desc()).limit(keep)
        spared = set(connection.execute(newest).scalars())
    doomed = [(row.key, row.id) for row in connection.execute(query) if row.key not in spared]
    return remove(connection, doomed, dry_run=dry_run)


def remove(connection: Connection, doomed: Sequence[tuple[int, str]], *, dry_run: bool) -> Pruned:
    """Delete runs by (key, id) with all that hangs on them."""
    undo = connection.begin_nested() if dry_run else None
    for key, _ in doomed:
        connection.execute(delete(Run).where(Run.key == key))
    freed = blobs.drop_unused(connection) if doomed else 0
    if undo is not None:
        undo.rollback()
    return Pruned(runs=tuple(run_id for _, run_id in doomed), bytes=freed)


def vacuum(database: Database, *, drop_cache: bool) -> None:
    """Purge what was made of runs that are gone, optionally all of the cache, and give free space back to the disk."""
    with database.write() as connection:
        if drop_cache:
            cache.clear(connection)
        else:
            cache.forget_others(connection)
        blobs.drop_unused(connection)
        search.purge(connection)
    database.outside("VACUUM", *(["PRAGMA wal_checkpoint(TRUNCATE)"] if database.place.path else []))


def info(connection: Connection, database: Database) -> StoreInfo:
    """The store in numbers."""
    place = database.place
    writer = connection.execute(select(Info.value).where(Info.key == "writer")).scalar()
    server = connection.execute(text("SELECT sqlite_version()" if is_sqlite(connection) else "SHOW server_version"))
    return StoreInfo(
        place=str(place),
        engine=f"{connection.dialect.name} {server.scalar_one()}",
        version=HEAD,
        writer=writer or __version__,
        runs=connection.execute(select(func.count()).select_from(Run)).scalar_one(),
        steps=connection.execute(select(func.coalesce(func.sum(Run.steps), 0))).scalar_one(),
        flaws=connection.execute(select(func.count()).select_from(FlawRow)).scalar_one(),
        bytes=place.path.stat().st_size if place.path is not None else None,
        cache=cache.use(connection),
    )
