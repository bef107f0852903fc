"""What a harness is read from, laid out as it stood at a commit of a git repository on this machine."""

import io
import tarfile
from pathlib import Path

from harnessfix_ir.errors import HarnessfixError
from harnessfix_repairs.validation.gitcommand import git

_READ = frozenset((".py", ".toml", ".yaml", ".yml", ".cfg", ".jinja", ".jinja2", ".j2"))


def repository_in(folder: Path, name: str) -> Path:
    """The repository `owner/name` in a folder of them, as `name` or `owner/name`, with or without `.git`.

    Raises:
        HarnessfixError: it is not there.
    """
    short = name.partition("/")[2]
    for candidate in (folder / name, folder / f"{name}.git", folder / short, folder / f"{short}.git"):
        if candidate.is_dir():
            return candidate
    raise HarnessfixError(f"{folder}: no repository {name} in it", hint=f"Clone it there as {short}.")


def unpack(repository: Path, commit: str, target: Path) -> None:
    """Lay out what a harness is read from at a commit; the rest, data sets say, may be missing from a partial clone."""
    names = _git(repository, "ls-tree", "-r", "-z", "--name-only", commit).decode("utf-8", "replace").split("\0")
    kinds = sorted({Path(name).suffix for name in names} & _READ)
    archive = _git(repository, "archive", "--format=tar", commit, "--", *(f":(glob)**/*{kind}" for kind in kinds))
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(target, filter="data")


def _git(repository: Path, *arguments: str) -> bytes:
    return git(repository, *arguments, config={"safe.bareRepository": "all"}) or b""
