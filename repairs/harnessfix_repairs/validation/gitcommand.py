"""Calling git on a repository that is not trusted: what its settings name is not executed.

A repository's own configuration and attributes can name programs: hooks, filters of content, a file system monitor,
textconv and external diffs, transports for missing objects, and the same again in its submodules. Settings given with
the call go before those of any file, so each is turned off there. Filters carry names of the repository's choice, so
they are asked for first, in the folder that the command then runs in: an `includeIf` can show them there only.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from harnessfix_ir.errors import PatchError

_QUIET = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.sshCommand": "false",
    "core.pager": "cat",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
    "diff.ignoreSubmodules": "all",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
    "commit.gpgSign": "false",
    "init.templateDir": "",
}
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # objects that a partial clone lacks are not fetched
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
_OPTIONS = {
    "diff": ("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=all"),
    "status": ("--ignore-submodules=all",),  # whose own configuration would be in force
}
_OFF = {"clean": "", "smudge": "", "process": "", "required": "false"}


def git(
    folder: Path,
    *args: str,
    data: bytes | None = None,
    check: bool = True,
    index: Path | None = None,
    config: Mapping[str, str] | None = None,
) -> bytes | None:
    """Output of a git command; None when it failed and `check` is not set.

    Args:
        folder: to run it in.
        args: of git.
        data: given to it as input.
        check: whether a failure is an error.
        index: file to use as git's index.
        config: further settings.

    Raises:
        PatchError: it failed, in git's own words, or there is no git.
    """
    settings = {**_QUIET, **(config or {})}
    for name in filters(folder):
        settings |= {f"filter.{name}.{key}": value for key, value in _OFF.items()}
    code, out, err = _run(folder, (args[0], *_OPTIONS.get(args[0], ()), *args[1:]), settings, data, index)
    if code == 0:
        return out
    if not check:
        return None
    if code is None:
        raise PatchError(f"git {args[0]} in {folder} failed: {err}", hint="Is git installed? Trees are made with it.")
    raise PatchError(f"git {args[0]} in {folder} failed: {err or f'exit code {code}'}")


def filters(folder: Path) -> list[str]:
    """Names of the content filters that the configuration in force in a folder describes; none of them is run."""
    _, out, _ = _run(folder, ("config", "-z", "--name-only", "--get-regexp", r"^filter\."), _QUIET)
    keys = [os.fsdecode(key) for key in out.split(b"\0") if key]
    return list(dict.fromkeys(key.partition(".")[2].rpartition(".")[0] for key in keys))


def filtered(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Files whose content in the folder is made by a filter, by name relative to it, with the filter's name.

    Such a file is another one in git's store (of Git LFS a pointer), and as filters are not run it stays that.
    """
    known = set(filters(folder))
    given = b"".join(os.fsencode(name) + b"\0" for name in names)
    if not known or not given:
        return {}
    told = (git(folder, "check-attr", "-z", "--stdin", "filter", data=given) or b"").split(b"\0")
    pairs = zip(told[0::3], told[2::3], strict=False)
    return {os.fsdecode(name): value.decode() for name, value in pairs if value.decode() in known}


def _run(
    folder: Path,
    args: tuple[str, ...],
    settings: Mapping[str, str],
    data: bytes | None = None,
    index: Path | None = None,
) -> tuple[int | None, bytes, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _ENVIRONMENT
    env["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, value) in enumerate(settings.items()):
        env[f"GIT_CONFIG_KEY_{number}"], env[f"GIT_CONFIG_VALUE_{number}"] = key, value
    if index is not None:
        env["GIT_INDEX_FILE"] = str(index)
    try:
        done = subprocess.run(["git", *args], cwd=folder, env=env, input=data or b"", capture_output=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, b"", str(error)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace").strip()
