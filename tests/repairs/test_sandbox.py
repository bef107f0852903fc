"""Commands in the sandbox: they see the patched code, are ended in time, and leave nothing behind."""

import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from harnessfix_repairs.validation.sandbox import Limits, Sandbox, working_bubblewrap
from harnessfix_repairs.validation.worktree import Tree, private_tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")
KINDS = [
    "process group",
    pytest.param("bubblewrap", marks=pytest.mark.skipif(not working_bubblewrap(), reason="bwrap cannot be used here")),
]


@pytest.fixture(params=KINDS)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return Sandbox() if request.param == "bubblewrap" else Sandbox(bubblewrap=None)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    root = tmp_path / "harness"
    (root / "src/pkg").mkdir(parents=True)
    (root / "src/pkg/__init__.py").write_text("WHICH = 'original'\n")
    with private_tree(root, folder=tmp_path / "trees") as tree:
        (tree.path / "src/pkg/__init__.py").write_text("WHICH = 'patched'\n")
        yield tree


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_command_sees_the_code_of_the_tree(sandbox: Sandbox, tree: Tree, tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, 'src'); import pkg; print(pkg.WHICH)"
    assert sandbox.run(python(code), tree).stdout.strip() == "patched"
    if sandbox.bubblewrap:
        absolute = f"import sys; sys.path.insert(0, {str(tmp_path / 'harness/src')!r}); import pkg; print(pkg.WHICH)"
        assert sandbox.run(python(absolute), tree).stdout.strip() == "patched"
    else:
        assert sandbox.run(python("import pkg; print(pkg.WHICH)"), tree).stdout.strip() == "patched"


def test_exit_code_output_and_input(sandbox: Sandbox, tree: Tree) -> None:
    done = sandbox.run(python("import sys; print('o'); print('e', file=sys.stderr); sys.exit(3)"), tree)
    assert (done.exit_code, done.stdout, done.stderr, done.timed_out) == (3, "o\n", "e\n", False)
    assert sandbox.run(python("print(repr(input()))"), tree).exit_code == 1
    assert sandbox.run(["no-such-program"], tree).exit_code != 0
    assert "HARNESS_X" not in sandbox.run(python("import os; print(os.environ)"), tree).stdout
    assert (
        "'HARNESS_X': '1'" in sandbox.run(python("import os; print(os.environ)"), tree, env={"HARNESS_X": "1"}).stdout
    )


def test_output_is_bounded(sandbox: Sandbox, tree: Tree) -> None:
    done = sandbox.run(python("print('x' * 100000 + 'end')"), tree, Limits(output=50))
    assert len(done.stdout) == 50
    assert done.stdout.endswith("end\n")


BEAT = "while :; do printf . >> beat; sleep 0.02; done"
FORKS = (
    f"({BEAT}) & setsid sh -c '{BEAT}' & until [ -s beat ]; do sleep 0.01; done; touch ready; [ $0 = ends ] || sleep 60"
)


@pytest.mark.parametrize("how", ["hangs", "ends"])
def test_nothing_outlives_the_run(sandbox: Sandbox, tree: Tree, how: str) -> None:
    done = sandbox.run(["sh", "-c", FORKS, how], tree, Limits(seconds=1 if how == "hangs" else 60))
    assert done.timed_out is (how == "hangs")
    assert (tree.path / "ready").exists()
    beat = tree.path / "beat"
    first = beat.stat().st_size if beat.exists() else 0
    time.sleep(0.3)
    assert (beat.stat().st_size if beat.exists() else 0) == first


def test_resource_limits_hold(sandbox: Sandbox, tree: Tree) -> None:
    write = "f = open('big', 'wb')\nfor _ in range(64): f.write(bytes(1 << 20)); f.flush()"
    assert sandbox.run(python(write), tree, Limits(file_size=4 << 20)).exit_code != 0
    assert (tree.path / "big").stat().st_size <= 4 << 20
    hungry = sandbox.run(python("x = bytearray(3 << 30)"), tree, Limits(memory=1 << 30))
    assert "MemoryError" in hungry.stderr


@pytest.mark.skipif(not working_bubblewrap(), reason="bwrap cannot be used here")
def test_bubblewrap_keeps_writes_inside_and_the_network_out(tree: Tree, tmp_path: Path) -> None:
    sandbox = Sandbox()
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    outside = Path.home() / "harnessfix-sandbox-test"
    code = f"""
import pathlib, socket
for place in ({str(outside)!r}, "/tmp/harnessfix-private", "inside", {str(allowed / "x")!r}):
    try:
        pathlib.Path(place).write_text("x")
        print("wrote")
    except OSError as error:
        print(type(error).__name__)
try:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError as error:
    print(error.errno)
"""
    done = sandbox.run(python(code), tree, Limits(network=False, writable=(allowed,)))
    assert done.stdout.split()[:4] == ["OSError", "wrote", "wrote", "wrote"], done
    assert not outside.exists()
    assert not Path("/tmp/harnessfix-private").exists()
    assert (tree.path / "inside").exists()
    assert (allowed / "x").exists()
    assert "no network" in sandbox.stated_limits(Limits(network=False))


@pytest.mark.skipif(not working_bubblewrap(), reason="bwrap cannot be used here")
def test_what_is_installed_in_editable_mode_is_seen_though_it_lies_in_the_private_folder(tree: Tree) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        env, elsewhere = Path(folder) / "env", Path(folder) / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "installed_so.py").write_text("WORD = 'seen'\n")
        venv.create(env, symlinks=True)
        (packages,) = env.glob("lib/python3*/site-packages")
        (packages / "so.pth").write_text(f"{elsewhere}\n")
        command = [str(env / "bin/python"), "-c", "import installed_so; print(installed_so.WORD)"]
        done = Sandbox().run(command, tree)
    assert done.stdout.strip() == "seen", done


def test_what_does_not_hold_is_said() -> None:
    stated = Sandbox(bubblewrap=None).stated_limits(Limits(seconds=5))
    assert "killed after 5 s" in stated
    assert "files outside the tree are NOT protected" in stated
