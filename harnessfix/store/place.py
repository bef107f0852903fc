"""What a store's address means: a file for SQLite, a URL for PostgreSQL."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from harnessfix_ir.errors import StoreError

from .locate import store_file

HINT = "Give a file, or postgresql://user@host/database."


@dataclass(frozen=True)
class Place:
    """Exactly one of `path` (SQLite) and `url` (PostgreSQL) is set."""

    path: Path | None
    url: URL | None

    def __str__(self) -> str:
        """The file, or the URL without its password."""
        return str(self.path) if self.url is None else self.url.set(drivername="postgresql").render_as_string()

    @property
    def address(self) -> str:
        """What opens it again in another process: the file, or the URL with its password. Never for display."""
        return str(self.path) if self.url is None else self.url.render_as_string(hide_password=False)


def place_of(address: str | Path) -> Place:
    """The place that `address` names. Raises `StoreError` for a URL of another database."""
    if isinstance(address, Path) or "://" not in address:
        return Place(store_file(Path(address)).absolute(), None)
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise StoreError("the store's URL cannot be read", hint=HINT) from error
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StoreError("a store needs a file, not memory", hint=HINT)
        return Place(store_file(Path(url.database)).absolute(), None)
    if backend in ("postgresql", "postgres"):
        return Place(None, url.set(drivername="postgresql+psycopg"))
    raise StoreError(f"a store cannot be kept in {backend}", hint=HINT)
