"""`harnessfix check --engine ray` as it is typed, over every sort of store, against a check on one machine.

Needs `pip install -e '.[fleet-tests]'`, as `test_ray.py` does.
"""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.servers import new_schema
from harnessfix.store import Store

from .conftest import AGENT, run_lines

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
RUNS = 120
KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


def environment(**more: str) -> dict[str, str]:
    """What a shell has, without a cluster that happens to be named in it."""
    return {**{key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}, **more}


def harnessfix(folder: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """One command, typed in a folder."""
    command = [str(Path(sys.executable).with_name("harnessfix")), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=600, check=False
    )


def project(folder: Path, store: str | None = None) -> Path:
    """A harness, and a store with its runs."""
    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    settings = 'harness = ["agent.py"]\n' + (f"store = {json.dumps(store)}\n" if store else "")
    (folder / "harnessfix.toml").write_text(settings)
    for first in range(0, RUNS, 10):
        (folder / f"{first:03}.jsonl").write_bytes(run_lines(first, 10))
    done = harnessfix(folder, "import", *(path.name for path in sorted(folder.glob("*.jsonl"))))
    assert done.returncode == 0, done.stderr
    return folder


def check(folder: Path, *arguments: str, **more: str) -> str:
    """What `check --format json` prints."""
    done = harnessfix(folder, "check", "--format", "json", "--exit-zero", *arguments, **more)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"]["runs"] == RUNS
    return done.stdout


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A project that was checked on one machine, and what that printed."""
    folder = project(tmp_path_factory.mktemp("alone") / "project")
    return folder, check(folder, "--jobs", "1")


def again(alone: tuple[Path, str], folder: Path) -> Path:
    """The same project without what the check made; in the same place, which findings name."""
    shutil.copytree(alone[0], folder)
    (folder / ".harnessfix" / "store.db").unlink()
    done = harnessfix(folder, "import", *(path.name for path in sorted(folder.glob("*.jsonl"))))
    assert done.returncode == 0, done.stderr
    return folder


def findings(printed: str, folder: Path) -> object:
    """What was printed, without the folder that it was printed in."""
    return json.loads(printed.replace(str(folder), "FOLDER"))


def test_over_a_file(alone: tuple[Path, str], tmp_path: Path) -> None:
    folder = again(alone, tmp_path / "project")
    printed = check(folder, "--engine", "ray", "--jobs", "2")
    assert findings(printed, folder) == findings(alone[1], alone[0])
    assert findings(check(folder, "--engine", "ray"), folder) == findings(alone[1], alone[0]), "unchanged"


def test_over_a_shared_database(alone: tuple[Path, str], server: str, tmp_path: Path) -> None:
    with new_schema(server) as url:
        folder = project(tmp_path / "project", store=url)
        assert not (folder / ".harnessfix" / "store.db").exists()
        printed = check(folder, "--engine", "ray", "--jobs", "2")
        assert findings(printed, folder) == findings(alone[1], alone[0])
        with Store.open(url) as store:
            assert (store.run_count(), store.work_left()) == (RUNS, 0)


def test_over_a_folder_of_blocks(alone: tuple[Path, str], tmp_path: Path) -> None:
    folder = again(alone, tmp_path / "project")
    assert harnessfix(folder, "store", "copy-blocks", "blocks").returncode == 0
    hide_blocks(folder)
    printed = check(folder, "--engine", "ray", "--jobs", "2", "--blocks", "blocks")
    assert findings(printed, folder) == findings(alone[1], alone[0])


@pytest.mark.skipif(importlib.util.find_spec("moto") is None, reason="there is no S3 server without moto")
@pytest.mark.skipif(importlib.util.find_spec("obstore") is None, reason="obstore is not installed")
def test_over_an_object_store(alone: tuple[Path, str], tmp_path: Path) -> None:
    folder = again(alone, tmp_path / "project")
    with s3() as endpoint:
        settings = {**KEYS, "AWS_ENDPOINT_URL": endpoint}
        copied = harnessfix(folder, "store", "copy-blocks", "s3://traces/blocks", **settings)
        assert "12 blocks copied" in copied.stdout, copied.stderr
        assert "0 blocks" in harnessfix(folder, "store", "copy-blocks", "s3://traces/blocks", **settings).stdout
        hide_blocks(folder)
        printed = check(folder, "--engine", "ray", "--jobs", "2", "--blocks", "s3://traces/blocks", **settings)
        assert findings(printed, folder) == findings(alone[1], alone[0])
    gone = harnessfix(folder, "store", "copy-blocks", "s3://traces/blocks", **settings, AWS_MAX_RETRIES="0")
    assert gone.returncode == 2
    assert "s3://traces/blocks" in gone.stderr
    assert "Traceback" not in gone.stderr


def test_a_cluster_that_is_not_there_is_named(alone: tuple[Path, str], tmp_path: Path) -> None:
    folder = again(alone, tmp_path / "project")
    done = harnessfix(folder, "check", "--engine", "ray", RAY_ADDRESS="127.0.0.1:1")
    assert done.returncode == 2
    assert "RAY_ADDRESS" in done.stderr
    assert "Traceback" not in done.stderr


def hide_blocks(folder: Path) -> None:
    """Damage the store's own bytes, so that they cannot be what is read."""
    with Store.open(folder) as store, store._database.write() as connection:
        connection.exec_driver_sql("UPDATE blob SET data = x'00'")


@contextmanager
def s3() -> Iterator[str]:
    """An S3 server with an empty bucket called `traces`; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from moto.server import ThreadedMotoServer as S; s = S('127.0.0.1', {port}); s.start(); input()"
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    import http.client

    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request("PUT", "/traces", headers={"Host": f"127.0.0.1:{port}"})
                assert connection.getresponse().status == 200
                break
            except OSError:
                assert time.monotonic() < deadline
                assert server.poll() is None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGKILL)
        server.communicate()
