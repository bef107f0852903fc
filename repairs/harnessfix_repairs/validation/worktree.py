"""Private trees: the user's code as it is now, somewhere else, to be patched and run at will.

Inside a git repository a tree is a worktree at HEAD with the uncommitted changes of tracked files; anywhere else it is
a copy with a git repository of its own. No program that the repository's configuration names is run; files whose
content a filter makes (Git LFS) are copied as the user has them. Trees live in one folder of the user's cache. Whoever
makes one holds a lock in it, so what an interrupted run left behind is found, and removed, by the next.
"""

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from harnessfix_ir.errors import PatchError, StaleFileError
from harnessfix_repairs.diff import apply_edits, parse
from harnessfix_repairs.locks import hold
from harnessfix_repairs.patch import Patch
from harnessfix_repairs.paths import inside
from harnessfix_repairs.spec import sha256

from .gitcommand import filtered, git

MAX_COPY_BYTES = 500_000_000
MAX_COPY_FILES = 50_000
_IDENTITY = {"user.name": "harnessfix", "user.email": "harnessfix@localhost"}
_NOT_COPIED = {".git", ".harnessfix", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox"}


class Tree:
    """One private tree.

    Args:
        original: the harness root that it stands for.
        path: that folder in the tree.
        top: top of the tree, with its own `.git`.
        changes: uncommitted changes of the original, as a git diff.
        notes: what it lacks, in words.
        copied: files that are copied into it from another folder, as git's store has something else of that name.
    """

    def __init__(
        self,
        original: Path,
        path: Path,
        top: Path,
        changes: bytes,
        notes: tuple[str, ...],
        copied: tuple[Path, Sequence[str]] | None = None,
    ) -> None:
        self.original, self.path, self.top = original, path, top
        self.changes, self.notes, self.copied = changes, notes, copied
        self._fill()
        self.patches: list[Patch] = []

    def apply(self, patch: Patch) -> None:
        """Patch the tree; `reset` keeps the patch. Raises `StaleFileError` when a file is not the patch's."""
        self._write(patch)
        self.patches.append(patch)

    def reset(self) -> None:
        """Undo whatever was done in the tree since it was made, but for its patches."""
        git(self.top, "reset", "-q", "--hard", "HEAD")
        git(self.top, "clean", "-ffdxq")
        if self.changes:
            git(self.top, "apply", "--binary", "--whitespace=nowarn", "-", data=self.changes)
        self._fill()
        for patch in self.patches:
            self._write(patch)

    def kept_out(self) -> list[Path]:
        """Folders of the original, relative to it, that the tree lacks and a command may need: environments."""
        found = []
        for folder in (self.original, *_folders(self.original)):
            for inner in _folders(folder):
                if (inner / "pyvenv.cfg").is_file() or inner.name == "node_modules":
                    place = inner.relative_to(self.original)
                    if not (self.path / place).exists():
                        found.append(place)
        return found

    def _fill(self) -> None:
        folder, names = self.copied or (self.top, ())
        for name in names:
            shutil.copyfile(folder / name, inside(self.top, name))

    def _write(self, patch: Patch) -> None:
        edits = parse(patch.diff_bytes)
        for file in patch.files:
            place = inside(self.path, file.path)
            data = place.read_bytes()
            if sha256(data) != file.before:
                raise StaleFileError(f"{file.path} changed since the patch was made", hint="Repair again.")
            place.write_bytes(apply_edits(file.path, data, edits[file.path]))


@contextmanager
def private_tree(root: Path, *, folder: Path | None = None, untracked: bool = False) -> Iterator[Tree]:
    """A private tree of the harness root, removed at the end whatever happens.

    Args:
        root: the harness root.
        folder: where trees are kept; the user's cache by default.
        untracked: whether files that git neither tracks nor ignores are taken along.

    Raises:
        PatchError: when git fails, or the folder is too large to be copied.
    """
    root = root.resolve()
    home = folder or trees_folder()
    with _claimed(home) as place:
        top = _repository(root)
        try:
            yield _worktree(root, top, place, untracked) if top is not None else _copy(root, place)
        finally:
            _remove(place, top)


def trees_folder() -> Path:
    """Where trees are kept: a folder of the user's cache that nobody else can enter."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    folder = (Path(base) if base else Path.home() / ".cache") / "harnessfix" / "trees"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="harnessfix-trees-"))
    return folder


def clean_leftovers(folder: Path) -> int:
    """Remove trees whose makers are gone; returns their number."""
    count = 0
    for place in sorted(folder.iterdir()):
        if not (place / "owner").is_file():
            continue
        with (place / "owner").open("r+b") as owner:
            if not hold(owner, wait=False):
                continue
            top = None
            with suppress(ValueError, OSError, KeyError):
                top = json.loads((place / "origin").read_text())["top"]
            _remove(place, Path(top) if top else None)
            count += 1
    return count


@contextmanager
def _claimed(home: Path) -> Iterator[Path]:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "lock").open("a+b") as lock:
        hold(lock)
        clean_leftovers(home)
        place = home / secrets.token_hex(6)
        place.mkdir(mode=0o700)
        owner = (place / "owner").open("a+b")
        hold(owner)
    with owner:
        yield place


def _repository(root: Path) -> Path | None:
    """Top of the git repository that tracks the root and has a commit, else None."""
    shown = git(root, "rev-parse", "--show-toplevel", check=False)
    if not shown or git(root, "rev-parse", "-q", "--verify", "HEAD^{commit}", check=False) is None:
        return None
    tracked = git(root, "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", ".", check=False)
    return Path(os.fsdecode(shown.rstrip(b"\n"))).resolve() if tracked else None


def _worktree(root: Path, top: Path, place: Path, untracked: bool) -> Tree:
    (place / "origin").write_text(json.dumps({"top": str(top)}))
    tree = place / "tree"
    git(top, "worktree", "add", "-q", "--detach", "--no-checkout", str(tree), "HEAD")
    git(tree, "reset", "-q", "--hard", "HEAD")
    changes = git(top, "diff", "--binary", "HEAD") or b""
    notes = []
    if changes:
        git(tree, "apply", "--binary", "--whitespace=nowarn", "-", data=changes)
        notes.append("with the uncommitted changes of tracked files")
    others = _listed(top, "-o", "--exclude-standard")
    if others and untracked:
        changes += _as_changes(top, tree, others)
        notes.append(f"with {len(others)} untracked files")
    elif others:
        notes.append(f"without {len(others)} untracked files")
    copied, more = _filtered(top, tree)
    lacking = [line.split("\t", 1)[1] for line in _listed(tree, "-s") if line.startswith("160000 ")]
    more += [f"without the submodule {name}" for name in lacking]
    return Tree(root, tree / root.relative_to(top), tree, changes, (*notes, *more), (top, copied))


def _filtered(top: Path, tree: Path) -> tuple[list[str], list[str]]:
    """Files that a git filter makes, which is not run: those to copy as the user has them, and what to say of them."""
    made = filtered(tree, _listed(tree))
    if not made:
        return [], []
    here = [name for name in made if _regular(top, name) and _regular(tree, name)]
    words = f"which a git filter makes ({', '.join(sorted(set(made.values())))}; filters are not run)"
    if sum((top / name).stat().st_size for name in here) > MAX_COPY_BYTES:
        return [], [f"{len(made)} files, {words}, are as git stores them: too large to be copied"]
    return here, [f"{len(here)} files, {words}, are copied as you have them"]


def _regular(folder: Path, name: str) -> bool:
    try:
        inside(folder, name)
    except PatchError:
        return False
    return True


def _listed(tree: Path, *options: str) -> list[str]:
    return [os.fsdecode(line) for line in (git(tree, "ls-files", "-z", *options) or b"").split(b"\0") if line]


def _as_changes(top: Path, tree: Path, names: list[str]) -> bytes:
    """Copies untracked files into the tree; returns the diff that adds them."""
    for name in names:
        source, target = top / name, tree / name
        if source.is_symlink() or not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    git(tree, "add", "-N", "--", *names)
    diff = git(tree, "diff", "--binary", "--", *names) or b""
    git(tree, "reset", "-q")
    return diff


def _copy(root: Path, place: Path) -> Tree:
    tree = place / "tree" / root.name
    files = size = 0

    def skipped(folder: str, names: list[str]) -> set[str]:
        nonlocal files, size
        out = set()
        for name in names:
            path = Path(folder, name)
            if name in _NOT_COPIED or (path / "pyvenv.cfg").is_file() or name == "node_modules":
                out.add(name)
            elif path.is_file() and not path.is_symlink():
                files, size = files + 1, size + path.stat().st_size
            elif not path.is_dir() and not path.is_symlink():
                out.add(name)  # sockets, pipes, devices
        if files > MAX_COPY_FILES or size > MAX_COPY_BYTES:
            raise PatchError(f"{root} is too large to be copied", hint="Keep it in git, or name a smaller root.")
        return out

    try:
        shutil.copytree(root, tree, symlinks=True, ignore=skipped)
    except (OSError, shutil.Error) as error:
        raise PatchError(f"{root} cannot be copied: {error}") from error
    git(tree, "init", "-q")
    git(tree, "add", "-A", "-f", ".")
    git(tree, "commit", "-q", "--allow-empty", "-m", "as found", config=_IDENTITY)
    return Tree(root, tree, tree, b"", ("a copy, as the folder is not under version control",))


def _remove(place: Path, top: Path | None) -> None:
    if top is not None and top.is_dir():
        git(top, "worktree", "remove", "--force", "--force", str(place / "tree"), check=False)
    shutil.rmtree(place, ignore_errors=True)
    if top is not None and top.is_dir():
        git(top, "worktree", "prune", check=False)


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []
