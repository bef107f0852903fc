"""Private trees: what the user has, apart from the user's, and gone afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harnessfix_ir.errors import StaleFileError
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.validation.worktree import clean_leftovers, private_tree

SOURCE = (
    "def load(path):\n    try:\n        return read(path)\n    except OSError:\n        raise SettingsError(path)\n"
)


def git(folder: Path, *args: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    done = subprocess.run(["git", *identity, *args], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose harness is a folder in it, with changes not committed."""
    top = tmp_path / "repo"
    (top / "harness").mkdir(parents=True)
    git(top, "init", "-q")
    (top / "harness/agent.py").write_text(SOURCE)
    (top / "harness/binary.bin").write_bytes(bytes(range(256)))
    (top / "harness/gone.py").write_text("x = 1\n")
    (top / ".gitignore").write_text("*.log\n")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "first")
    (top / "harness/agent.py").write_bytes((SOURCE + "# mine\r\n").encode())
    (top / "harness/binary.bin").write_bytes(bytes(reversed(range(256))))
    (top / "harness/gone.py").unlink()
    (top / "harness/staged.py").write_text("y = 2\n")
    git(top, "add", "harness/staged.py")
    (top / "harness/new.py").write_text("z = 3\n")
    (top / "harness/run.log").write_text("log")
    return top


def state(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def test_a_tree_has_the_uncommitted_changes_and_the_original_is_untouched(repository: Path, tmp_path: Path) -> None:
    before, status = state(repository), git(repository, "status", "--porcelain")
    with private_tree(repository / "harness", folder=tmp_path / "trees") as tree:
        expected = state(repository / "harness")
        del expected["new.py"], expected["run.log"]
        assert state(tree.path) == expected
        assert any("1 untracked" in note for note in tree.notes)
        (tree.path / "agent.py").write_text("broken")
        (tree.path / "made.py").write_text("made")
        (tree.path / "made.log").write_text("ignored by git, made all the same")
        tree.reset()
        assert state(tree.path) == expected
    assert state(repository) == before
    assert git(repository, "status", "--porcelain") == status
    assert git(repository, "worktree", "list").count("\n") == 1
    assert [path.name for path in (tmp_path / "trees").iterdir()] == ["lock"]


def test_untracked_files_come_along_when_asked(repository: Path, tmp_path: Path) -> None:
    with private_tree(repository / "harness", folder=tmp_path / "trees", untracked=True) as tree:
        assert (tree.path / "new.py").read_text() == "z = 3\n"
        assert not (tree.path / "run.log").exists()
        tree.reset()
        assert (tree.path / "new.py").read_text() == "z = 3\n"


def test_hooks_of_the_repository_are_not_run(repository: Path, tmp_path: Path) -> None:
    hook = repository / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    with private_tree(repository / "harness", folder=tmp_path / "trees") as tree:
        tree.reset()
    assert not (tmp_path / "hooked").exists()


@pytest.mark.parametrize("kind", ["plain", "empty repository", "ignored folder"])
def test_without_version_control_a_copy_is_made(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "outer" / "harness"
    root.mkdir(parents=True)
    (root / "agent.py").write_text(SOURCE)
    (root / "link").symlink_to("/etc")
    os.mkfifo(root / "pipe")
    (root / "venv").mkdir()
    (root / "venv/pyvenv.cfg").write_text("")
    if kind != "plain":
        git(root.parent, "init", "-q")
    if kind == "ignored folder":
        (root.parent / "kept.py").write_text("x = 1\n")
        git(root.parent, "add", "kept.py")
        git(root.parent, "commit", "-q", "-m", "first")
    with private_tree(root, folder=tmp_path / "trees") as tree:
        assert state(tree.path) == {"agent.py": SOURCE.encode()}
        assert (tree.path / "link").is_symlink()
        assert tree.kept_out() == [Path("venv")]
        (tree.path / "agent.py").unlink()
        (tree.path / "made").mkdir()
        tree.reset()
        assert state(tree.path) == {"agent.py": SOURCE.encode()}
        assert not (tree.path / "made").exists()
    assert (root / "agent.py").read_text() == SOURCE
    assert not (root / ".git").exists()


def test_a_patch_stays_through_a_reset_and_is_refused_on_other_bytes(
    repository: Path, tmp_path: Path, patch_at: Callable[..., Patch]
) -> None:
    root = repository / "harness"
    patch = patch_at(root, "agent.py", "load", (5, 5), "preserve-cause")
    with private_tree(root, folder=tmp_path / "trees") as tree:
        tree.apply(patch)
        (tree.path / "agent.py").write_text("broken")
        tree.reset()
        assert "from error" in (tree.path / "agent.py").read_text()
        assert (tree.path / "agent.py").read_bytes().endswith(b"# mine\r\n")
    (root / "agent.py").write_text(SOURCE)
    with (
        private_tree(root, folder=tmp_path / "trees") as tree,
        pytest.raises(StaleFileError, match=r"agent\.py"),
    ):
        tree.apply(patch)


def test_trees_go_when_the_work_fails(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), private_tree(repository, folder=tmp_path / "trees"):
        raise ZeroDivisionError
    assert [path.name for path in (tmp_path / "trees").iterdir()] == ["lock"]
    assert git(repository, "worktree", "list").count("\n") == 1


HOLDER = """
import pathlib, sys, time
from harnessfix_repairs.validation.worktree import private_tree
with private_tree(pathlib.Path(sys.argv[1]), folder=pathlib.Path(sys.argv[2])) as tree:
    print(tree.top, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process")
def test_the_next_call_removes_what_a_killed_one_left_and_spares_the_living(repository: Path, tmp_path: Path) -> None:
    trees = tmp_path / "trees"
    holders = []
    for _ in range(2):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(repository), str(trees)], stdout=subprocess.PIPE, text=True
        )
        assert holder.stdout is not None
        holders.append((holder, Path(holder.stdout.readline().strip())))
    (dead, left), (alive, used) = holders
    try:
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        assert left.exists()
        assert clean_leftovers(trees) == 1
        assert not left.exists()
        assert used.exists()
        assert git(repository, "worktree", "list").count("\n") == 2
    finally:
        for holder, _ in holders:
            holder.kill()
            holder.wait()
            assert holder.stdout is not None
            holder.stdout.close()
    deadline = time.monotonic() + 10
    while clean_leftovers(trees) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not used.exists()
    assert alive.returncode is not None
