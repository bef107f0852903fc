"""A repository whose own configuration names programs: none of them is run, and what that costs is said."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from harnessfix.cli import main
from harnessfix.example import copy_example
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.validation.gitcommand import filters, git
from harnessfix_repairs.validation.worktree import private_tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the planted programs are shell scripts")
SOURCE = (
    "def load(path):\n    try:\n        return read(path)\n    except OSError:\n        raise SettingsError(path)\n"
)
HOSTILE = """
[core]
    fsmonitor = {mark} fsmonitor
    sshCommand = {mark} ssh
    hooksPath = {hooks}
    pager = {mark} pager
    editor = {mark} editor
    attributesFile = {attributes}
[filter "evil"]
    clean = {mark} clean
    smudge = {mark} smudge
    required = true
[filter "more=evil"]
    process = {mark} process
    required = true
[diff]
    external = {mark} diff-external
[diff "evil"]
    textconv = {mark} textconv
    command = {mark} diff-command
[merge "evil"]
    driver = {mark} merge
[gpg]
    program = {mark} gpg
[commit]
    gpgSign = true
[submodule]
    recurse = true
[includeIf "gitdir:**/worktrees/**"]
    path = {included}
"""


def own(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "protocol.file.allow=always"]
    return subprocess.run(["git", *identity, *args], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def ran(tmp_path: Path) -> Callable[[], set[str]]:
    """Names of the planted programs that were run."""
    folder = tmp_path / "ran"
    folder.mkdir()
    return lambda: {path.name for path in folder.iterdir()}


@pytest.fixture
def hostile(tmp_path: Path, ran: Callable[[], set[str]]) -> Path:
    """A repository with a submodule, each with settings that name programs."""
    mark, hooks = tmp_path / "mark", tmp_path / "hooks"
    mark.write_text(f'#!/bin/sh\n: > {tmp_path}/ran/"$1"\n[ "$1" = transport ] || exec cat\n')
    mark.chmod(0o755)
    hooks.mkdir()
    for name in ("post-checkout", "pre-commit", "post-commit", "post-index-change", "reference-transaction"):
        (hooks / name).write_text(f'#!/bin/sh\n: > {tmp_path}/ran/"hook-{name}"\n')
        (hooks / name).chmod(0o755)
    module = tmp_path / "module"
    module.mkdir()
    (module / "inner.txt").write_text("inner\n")
    (module / ".gitattributes").write_text("*.txt filter=inner\n")
    top = tmp_path / "repo"
    top.mkdir()
    for folder in (module, top):
        own(folder, "init", "-q")
    own(module, "add", "-A")
    own(module, "commit", "-q", "-m", "first")
    (top / "agent.py").write_text(SOURCE)
    (top / "late.bin").write_text("late\n")
    (top / "more.dat").write_text("more\n")
    (top / ".gitattributes").write_text(
        "*.py filter=evil diff=evil merge=evil\n*.bin filter=late\n*.dat filter=more=evil\n"
    )
    own(top, "submodule", "add", "-q", str(module), "vendor")
    own(top, "add", "-A")
    own(top, "commit", "-q", "-m", "first")
    (tmp_path / "attributes").write_text("* filter=evil\n")
    included = tmp_path / "included"
    included.write_text(f'[filter "late"]\n    smudge = {mark} included\n    clean = {mark} included\n')
    settings = HOSTILE.format(mark=mark, hooks=hooks, attributes=tmp_path / "attributes", included=included)
    with (top / ".git/config").open("a") as file:
        file.write(settings)
    with (top / ".git/modules/vendor/config").open("a") as file:
        file.write(f'[core]\n    fsmonitor = {mark} sub-fsmonitor\n[filter "inner"]\n    clean = {mark} sub-clean\n')
    for path in (top / "agent.py", top / "vendor/inner.txt"):
        os.utime(path, (1, 1))  # so that git has to look at the content
    return top


def test_the_planted_programs_would_run(hostile: Path, ran: Callable[[], set[str]], tmp_path: Path) -> None:
    own(hostile, "diff", "HEAD")
    own(hostile, "status", "--porcelain")
    own(hostile, "worktree", "add", "--detach", str(tmp_path / "other"))
    own(hostile, "commit", "-q", "-a", "-m", "second")
    seen = {"fsmonitor", "clean", "smudge", "process", "included", "hook-reference-transaction", "sub-clean"}
    assert seen <= ran(), ran()


def test_a_private_tree_runs_none_of_them(hostile: Path, ran: Callable[[], set[str]], tmp_path: Path) -> None:
    (hostile / "agent.py").write_text(SOURCE + "# mine\n")
    (hostile / "new.py").write_text("x = 1\n")
    (hostile / "vendor/inner.txt").write_text("changed\n")
    with private_tree(hostile, folder=tmp_path / "trees", untracked=True) as tree:
        (tree.path / "agent.py").write_text("broken")
        tree.reset()
        assert (tree.path / "agent.py").read_text() == SOURCE + "# mine\n"
        assert (tree.path / "new.py").read_text() == "x = 1\n"
        told = " ".join(tree.notes)
        assert "without the submodule vendor" in told
        assert "evil" in told
        assert "filters are not run" in told
    assert ran() == set()
    assert filters(hostile) == ["evil", "more=evil"]


def test_files_that_a_filter_makes_are_as_the_user_has_them(hostile: Path, tmp_path: Path) -> None:
    own(hostile, "config", "--unset", "core.attributesFile")
    (hostile / ".gitattributes").write_text("*.bin filter=evil\n")
    own(hostile, "commit", "-q", "-a", "-m", "as stored")
    (hostile / "late.bin").write_text("made by the filter\n")
    own(hostile, "update-index", "--assume-unchanged", "late.bin")  # as if the filter gave back what is stored
    with private_tree(hostile, folder=tmp_path / "trees") as tree:
        assert (tree.path / "late.bin").read_text() == "made by the filter\n"
        (tree.path / "late.bin").unlink()
        tree.reset()
        assert (tree.path / "late.bin").read_text() == "made by the filter\n"
        assert any("1 files, which a git filter makes (evil" in note for note in tree.notes), tree.notes


def test_objects_that_a_partial_clone_lacks_are_not_fetched(
    hostile: Path, ran: Callable[[], set[str]], tmp_path: Path
) -> None:
    blob = (git(hostile, "rev-parse", "HEAD:agent.py") or b"").decode().strip()
    (hostile / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for key, value in (
        ("remote.origin.url", f"ext::{tmp_path}/mark transport"),
        ("remote.origin.promisor", "true"),
        ("protocol.ext.allow", "always"),
        ("extensions.partialClone", "origin"),
        ("core.repositoryFormatVersion", "1"),
    ):
        own(hostile, "config", key, value)
    assert git(hostile, "cat-file", "-p", blob, check=False) is None
    assert ran() == set()
    own(hostile, "cat-file", "-p", blob)
    assert "transport" in ran()


def test_a_branch_is_made_without_them(
    hostile: Path,
    ran: Callable[[], set[str]],
    patch_at: Callable[..., Patch],
    flaw_at: Callable[..., FlawRecord],
) -> None:
    from harnessfix.repair.branching import make_branch
    from harnessfix_ir.anchors import Anchor
    from harnessfix_ir.errors import PatchError

    patch = patch_at(hostile, "agent.py", "load", (5, 5), "preserve-cause")
    flaw = flaw_at(Anchor(path="agent.py", qualname="load", start_line=5, end_line=5), operator="preserve-cause")
    with pytest.raises(PatchError, match=r"a git filter \(evil\) makes agent\.py, and filters are not run"):
        make_branch(hostile, "fixes", [patch], {patch.flaw: flaw}, {})
    own(hostile, "config", "--unset", "core.attributesFile")
    (hostile / ".gitattributes").write_text("*.bin filter=late\n")
    identity = {"user.name": "a", "user.email": "a@localhost"}
    git(hostile, "commit", "-q", "-m", "no filter", "--", ".gitattributes", config=identity)
    branch = make_branch(hostile, "fixes", [patch], {patch.flaw: flaw}, {})
    assert "from error" in (git(hostile, "show", f"{branch.name}:agent.py") or b"").decode()
    assert ran() == set()


def test_check_repair_and_validate_run_none_of_them(
    hostile: Path, ran: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = json.dumps([sys.executable, "-c", "import agent"])
    (hostile / "harnessfix.toml").write_text(f'[validate]\ncommand = {command}\ntasks = ["one"]\n')
    (hostile / "agent.py").write_text("import subprocess\n\n\n" + SOURCE)
    monkeypatch.chdir(hostile)
    for arguments in (["check", "."], ["repair"], ["repair", "--branch", "fixes"], ["validate"]):
        done = CliRunner().invoke(main, arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert ran() == set()


def test_the_demo_in_a_hostile_folder_runs_none_of_them(hostile: Path, ran: Callable[[], set[str]]) -> None:
    place = copy_example("shipmate", hostile / "demo")
    assert (git(place, "log", "--format=%s") or b"") == b"The agent as it came\n"
    assert ran() == set()
