"""A git branch with one commit per flaw, made beside the user's work: neither files nor index nor HEAD are touched."""

import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harnessfix.reports.pull_request import commit_message
from harnessfix_ir.errors import PatchError
from harnessfix_ir.findings import FlawRecord
from harnessfix_repairs.compose import compose
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.paths import inside
from harnessfix_repairs.validation.documents import Validation
from harnessfix_repairs.validation.gitcommand import filtered, git


@dataclass(frozen=True)
class Branch:
    """What was made.

    Args:
        name: of the branch.
        commits: id of each commit and the patch in it.
        left: patches that are in no commit, each with the reason.
    """

    name: str
    commits: tuple[tuple[str, Patch], ...]
    left: tuple[tuple[Patch, str], ...]


def make_branch(
    root: Path,
    name: str,
    patches: Sequence[Patch],
    flaws: Mapping[str, FlawRecord],
    proofs: Mapping[str, Validation],
) -> Branch:
    """Commit patches, one each, on a new branch that begins at HEAD.

    Args:
        root: the harness root that the patches are relative to, in a git repository.
        name: of the branch.
        patches: made from the files as they are now.
        flaws: by flaw id.
        proofs: by patch id.

    Raises:
        PatchError: there is no repository or no commit in it, the branch exists, or no patch could be committed.
    """
    top = _top(root)
    if git(top, "check-ref-format", "--branch", name, check=False) is None:
        raise PatchError(f"{name!r} is not a name for a branch", hint="Take letters, digits and hyphens.")
    if git(top, "rev-parse", "-q", "--verify", f"refs/heads/{name}", check=False) is not None:
        raise PatchError(f"there is a branch {name} already", hint="Name another one.")
    clean, left = _committed(root, top, patches)
    files = {file.path: inside(root, file.path).read_bytes() for patch in clean for file in patch.files}
    composed = compose(files, clean)
    left += [
        (next(patch for patch in clean if patch.id == clash.patch), f"it is in conflict with patch {clash.other}")
        for clash in composed.conflicts
    ]
    if not composed.patches:
        raise PatchError("no patch could be committed" + (f": {left[0][1]}" if left else ""))
    prefix = root.resolve().relative_to(top).as_posix()
    commits = []
    head = _line(git(top, "rev-parse", "HEAD"))
    with tempfile.TemporaryDirectory(prefix="harnessfix-index-") as folder:
        index = Path(folder) / f"index-{secrets.token_hex(4)}"
        git(top, "read-tree", head, index=index)
        for patch in composed.patches:
            place = () if prefix == "." else (f"--directory={prefix}",)
            git(top, "apply", "--cached", "--whitespace=nowarn", *place, "-", data=patch.diff_bytes, index=index)
            tree = _line(git(top, "write-tree", index=index))
            message = commit_message(patch, flaws[patch.flaw], proofs.get(patch.id)).encode()
            head = _line(git(top, "commit-tree", tree, "-p", head, "-F", "-", data=message))
            commits.append((head, patch))
    git(top, "update-ref", f"refs/heads/{name}", head, "0" * len(head))
    return Branch(name, tuple(commits), tuple(left))


def _top(root: Path) -> Path:
    shown = git(root, "rev-parse", "--show-toplevel", check=False)
    if shown is None or git(root, "rev-parse", "-q", "--verify", "HEAD^{commit}", check=False) is None:
        raise PatchError(
            f"{root} is in no git repository with a commit",
            hint="`harnessfix repair --format diff` prints the patches.",
        )
    return Path(os.fsdecode(shown.rstrip(b"\n"))).resolve()


def _committed(root: Path, top: Path, patches: Sequence[Patch]) -> tuple[list[Patch], list[tuple[Patch, str]]]:
    """Patches whose files are as in HEAD, and the others with the reason."""
    clean: list[Patch] = []
    left: list[tuple[Patch, str]] = []
    for patch in patches:
        places = [(root.resolve() / file.path).relative_to(top).as_posix() for file in patch.files]
        changed = git(top, "status", "--porcelain", "-z", "--untracked-files=all", "--ignored", "--", *places)
        made = filtered(top, places)
        if made:
            words = f"a git filter ({next(iter(made.values()))}) makes {next(iter(made))}, and filters are not run"
            left.append((patch, f"{words}: take the diff"))
        elif changed:
            left.append((patch, f"{patch.files[0].path} is not as in the last commit: commit it first"))
        else:
            clean.append(patch)
    return clean, left


def _line(output: bytes | None) -> str:
    return (output or b"").decode().strip()
