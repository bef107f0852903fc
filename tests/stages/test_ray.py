"""The same work on a Ray cluster, with parts of the cluster killed in the middle.

These start real clusters on loopback and take minutes, so they run where Ray is installed:
`pip install -e '.[dev,ray]' && pytest tests/stages/test_ray.py`.
"""

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harnessfix.engines import Serial, WorkerDiedError
from harnessfix.pipeline import Pipeline
from harnessfix.settings import load_settings
from harnessfix.store import Store
from harnessfix.workspace import Workspace

from .conftest import AGENT, run_lines
from .jobs import DyingOnce, deadly, square
from .saying import First, Second

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
    pytest.mark.filterwarnings("ignore"),
]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An engine with a cluster of its own."""
    from harnessfix.engines.ray import Ray

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = Ray(2)
    yield made
    made.close()


def store_of(folder: Path, runs: int) -> Store:
    """A store with so many runs, and a harness beside it."""
    from harnessfix_collectors.readers import read_bytes

    folder.mkdir(exist_ok=True)
    (folder / "agent.py").write_text(AGENT)
    (folder / "harnessfix.toml").write_text('harness = ["agent.py"]\n')
    store = Store.open(folder / "store.db")
    for first in range(0, runs, 10):
        data = run_lines(first, 10)
        recordings = list(read_bytes(data, "runs.jsonl", "otlp-json"))
        store.add(data, format="otlp-json", filename="runs.jsonl", recordings=recordings)
    return store


def check(folder: Path, store: Store, engine: Any) -> Any:
    """Diagnose all runs."""
    pipeline = Pipeline(Workspace(load_settings(folder, {}), store))
    return pipeline.diagnose(None, [First(), Second()], engine=lambda runs: engine)


def told(found: Any) -> list[object]:
    """Everything a check says of its runs."""
    return [[flaw.model_dump_json() for flaw in found.flaws], found.incomplete, found.runs, found.outdated]


class Kept:
    """An engine that outlives one check."""

    shared = True

    def __init__(self, engine: Any) -> None:
        self.workers, self.run = engine.workers, engine.run

    def close(self) -> None:
        """Not yet."""


def test_jobs_and_dead_workers(engine: Any, tmp_path: Path) -> None:
    found = {done.part: done for done in engine.run(square, iter(range(1, 15)))}
    assert {part: done.result for part, done in found.items() if part % 7} == {n: n * n for n in range(1, 15) if n % 7}
    assert isinstance(found[7].error, ValueError)
    once = {done.part: done.result for done in engine.run(DyingOnce(tmp_path, 3), range(8))}
    assert once == {n: n for n in range(8)}
    killed = {done.part: done for done in engine.run(deadly, range(8))}
    assert isinstance(killed.pop(5).error, WorkerDiedError)
    assert {part: done.result for part, done in killed.items()} == {n: n for n in range(8) if n != 5}


def test_a_cluster_comes_to_the_same_result_bit_for_bit(engine: Any, tmp_path: Path) -> None:
    with store_of(tmp_path / "one", 200) as one:
        serial = told(check(tmp_path / "one", one, Serial()))
    with store_of(tmp_path / "two", 200) as two:
        spread = check(tmp_path / "two", two, Kept(engine))
        again = check(tmp_path / "two", two, Kept(engine))
        assert two.work_left() == 0
        assert len(two.diagnoses()) == 400, "nothing lost, nothing doubled"
    assert told(spread) == told(again) == serial
    assert (spread.work.compiled, again.work.unchanged) == (200, 200)


def test_blocks_come_from_a_copy_of_them(engine: Any, tmp_path: Path) -> None:
    from harnessfix.store.copies import BlockCopy

    with store_of(tmp_path / "one", 60) as store:
        assert store.copy_blocks(str(tmp_path / "blocks")) == 6
        assert store.copy_blocks(str(tmp_path / "blocks")) == 0
        with store._database.write() as connection:
            connection.exec_driver_sql("UPDATE blob SET data = x'00'")  # so that the store cannot be what is read
        pipeline = Pipeline(Workspace(load_settings(tmp_path / "one", {}), store))
        copy = BlockCopy(str(tmp_path / "blocks"))
        found = pipeline.diagnose(None, [First()], engine=lambda runs: Kept(engine), blocks=copy)
        assert (found.work.compiled, found.work.left_out) == (60, 0)


def test_a_lost_machine_costs_time_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines, one of them killed without grace while both are at work."""
    from harnessfix.engines.ray import Ray

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ray = importlib.import_module("ray")
    utils = importlib.import_module("ray.cluster_utils")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    doomed = cluster.add_node(num_cpus=1)
    try:
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        engine = Ray(2)
        killed: list[str] = []

        def tell(run: str) -> None:
            if not killed:
                killed.append(run)
                cluster.remove_node(doomed, allow_graceful=False)

        with store_of(tmp_path / "two", 400) as store:
            pipeline = Pipeline(Workspace(load_settings(tmp_path / "two", {}), store), tell)
            found = pipeline.diagnose(None, [First(), Second()], engine=lambda runs: Kept(engine))
            assert killed
            assert len(store.diagnoses()) == 800
        with store_of(tmp_path / "one", 400) as other:
            assert told(found) == told(check(tmp_path / "one", other, Serial()))
        engine.close()
    finally:
        ray.shutdown()
        cluster.shutdown()


DRIVER = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.stages import test_ray
from harnessfix.engines.ray import Ray
from harnessfix.store import Store
store = Store.open(Path({folder!r}) / "store.db")
print("begun", flush=True)
found = test_ray.check(Path({folder!r}), store, Ray(2))
print(found.work.compiled, found.work.unchanged, flush=True)
"""


def test_a_killed_driver_and_head_leave_what_was_done(tmp_path: Path) -> None:
    """The command dies, and its cluster with it; the next one does the rest."""
    folder = tmp_path / "two"
    store_of(folder, 600).close()
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    command = [sys.executable, "-c", DRIVER.format(root=str(ROOT), folder=str(folder))]
    driver = subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**environment, "PYTHONPATH": str(ROOT)}, start_new_session=True, text=True
    )
    try:
        with Store.open(folder / "store.db") as store:
            _until(lambda: len(store.diagnoses()) > 20)
            os.killpg(driver.pid, signal.SIGKILL)
            driver.wait()
            _until(lambda: not _children_of(driver.pid))
            before = len(store.diagnoses())
            assert 0 < before < 1200
            left = store.work_left()
            finished = subprocess.run(
                command, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300
            )
            compiled, unchanged = map(int, finished.stdout.splitlines()[-1].split())
            assert left > 0
            assert unchanged >= before // 2, "what was done is not done again"
            assert compiled + unchanged == 600
            assert len(store.diagnoses()) == 1200, "nothing lost, nothing doubled"
            assert store.work_left() == 0
            assert {run.flaws for run in store.runs()} == {2}
    finally:
        if driver.poll() is None:
            os.killpg(driver.pid, signal.SIGKILL)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _children_of(group: int) -> list[int]:
    """Processes of a session that are still there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == group and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found
