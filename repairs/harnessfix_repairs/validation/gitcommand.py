"""Calling git without hooks, pagers, prompts or the caller's own git variables."""

import os
import subprocess
from pathlib import Path

from harnessfix_ir.errors import PatchError

_QUIET = (
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "core.fsmonitor=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "advice.detachedHead=false",
    "-c", "commit.gpgSign=false",
)  # fmt: skip


def git(
    folder: Path, *args: str, data: bytes | None = None, check: bool = True, index: Path | None = None
) -> bytes | None:
    """Output of a git command; None when it failed and `check` is not set. With `index` that file is git's index.

    Raises `PatchError` with git's own words when it failed, or when there is no git.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    if index is not None:
        env["GIT_INDEX_FILE"] = str(index)
    try:
        done = subprocess.run(
            ["git", *_QUIET, *args], cwd=folder, env=env, input=data or b"", capture_output=True, timeout=600
        )
    except FileNotFoundError:
        if not check:
            return None
        raise PatchError("git is not installed", hint="Install git; trees are made with it.") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PatchError(f"git {args[0]} in {folder} failed: {error}") from error
    if done.returncode == 0:
        return done.stdout
    if not check:
        return None
    words = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
    raise PatchError(f"git {args[0]} in {folder} failed: {words}")
