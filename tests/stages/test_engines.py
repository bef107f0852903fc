"""All engines do the same: each part once, errors to their parts, dead workers replaced, nothing left running."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from harnessfix.engines import Done, Engine, Serial, WorkerDiedError, choose_engine, ray
from harnessfix.engines.processes import Processes
from harnessfix_ir.errors import HarnessfixError, SettingsError

from .jobs import DyingOnce, Slow, Unborn, deadly, square


def results(engine: Engine, job: Callable[[int], int], parts: Iterable[int]) -> dict[int, Any]:
    """Part to result, or to the error it ended with; each part only once."""
    out: dict[int, Any] = {}
    for done in engine.run(job, parts):
        assert done.part not in out
        out[done.part] = done.error if done.error is not None else done.result
    return out


@pytest.mark.parametrize("engine", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_each_part_once_and_errors_are_the_parts_own(engine: Engine) -> None:
    found = results(engine, square, iter(range(1, 15)))
    assert {part: result for part, result in found.items() if part % 7} == {n: n * n for n in range(1, 15) if n % 7}
    assert [str(found[7]), str(found[14])] == ["not 7", "not 14"]
    assert isinstance(found[7], ValueError)


def test_a_dead_worker_costs_an_attempt(tmp_path: Path) -> None:
    assert results(Processes(2), DyingOnce(tmp_path, 3), range(8)) == {n: n for n in range(8)}
    assert (tmp_path / "tried-3").exists()


def test_a_part_that_kills_its_workers_is_given_up_alone() -> None:
    found = results(Processes(2), deadly, range(8))
    assert isinstance(found.pop(5), WorkerDiedError)
    assert found == {n: n for n in range(8) if n != 5}


def test_parts_are_read_no_faster_than_they_are_done() -> None:
    read: list[int] = []

    def parts() -> Iterable[int]:
        for number in range(1, 100):
            read.append(number)
            yield number

    running = Processes(2).run(square, parts())
    first = next(iter(running))
    assert isinstance(first, Done)
    assert len(read) < 20
    running.close()  # type: ignore[attr-defined]


def test_whoever_stops_leaves_no_worker_behind(tmp_path: Path) -> None:
    def parts() -> Iterable[int]:
        yield from range(3)
        deadline = time.monotonic() + 120
        while len(list(tmp_path.glob("*.pid"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        results(Processes(2), Slow(tmp_path), parts())
    pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


PARENT = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from harnessfix.engines import ray
from harnessfix.engines.processes import Processes
from tests.stages.jobs import Slow
if __name__ == "__main__":
    list(Processes(2).run(Slow(Path({folder!r})), range(4)))
"""


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    program = tmp_path / "parent.py"
    program.write_text(PARENT.format(root=str(root), folder=str(tmp_path)))
    parent = subprocess.Popen([sys.executable, str(program)], env={**os.environ, "PYTHONPATH": str(root)})
    try:
        _until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
    finally:
        parent.kill()
        parent.wait()
    for pid in (int(path.stem) for path in tmp_path.glob("*.pid")):
        _until(lambda pid=pid: not _runs(pid))  # type: ignore[misc]


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_workers_that_cannot_begin_are_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HarnessfixError, match="die before they begin"):
        results(Processes(2), Unborn(), range(3))
    capfd.readouterr()


def test_the_engine_fits_the_work() -> None:
    assert isinstance(choose_engine(units=3), Serial), "a few runs are not worth another process"
    assert choose_engine(jobs=3, units=3).workers == 3, "unless one is asked for"
    assert isinstance(choose_engine(jobs=1, units=10_000), Serial)
    with pytest.raises(SettingsError, match="no engine"):
        choose_engine("dask")


def test_a_cluster_where_nobody_listens_is_named_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        ray.knock(address)
        ray.knock(f"ray://{address}")
    for gone in (address, f"ray://{address}"):
        with pytest.raises(OSError, match="refused"):
            ray.knock(gone)
    ray.knock("auto")
