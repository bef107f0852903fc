"""Moving several files into place as if at once.

The order of writing is what makes it safe: (1) a journal that lists the moves, (2) the new contents beside their files,
(3) the journal marked as ready, (4) the moves, (5) the records, (6) the end of the journal. Interrupted before (3)
everything is as it was; after it, the rest is made up for by the next call.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from harnessfix_ir.errors import PatchError, StaleFileError

from .locks import hold
from .paths import inside

HOME = ".harnessfix"
FOLDER = Path(HOME) / "applied"
_JOURNAL = FOLDER / "journal"
_LOCK = Path(HOME) / "apply.lock"
_RECORD = re.compile(r"[0-9a-f]{8,64}\.(patch|json)")


@dataclass(frozen=True)
class Move:
    """One file: SHA-256 of the bytes it has and of those it is to get."""

    path: str
    before: str
    after: str


class Journal:
    """A change of several files under way.

    Args:
        root: the harness root.
        name: of the change; part of the names of its temporary files.
        moves: what changes.
        records: files to write in the folder of records when all is done, by name.
        remove: files to remove there.
    """

    def __init__(
        self, root: Path, name: str, moves: Sequence[Move], records: Mapping[str, bytes], remove: Sequence[str]
    ) -> None:
        self.root, self.name, self.moves = root, name, moves
        self.records = {name: data.decode("latin-1") for name, data in records.items()}
        self.remove = tuple(remove)

    def run(self, contents: Mapping[str, bytes]) -> None:
        """Put the new contents, by path, into place. Raises `StaleFileError` when a file changed meanwhile."""
        self._write(ready=False)
        try:
            for move in self.moves:
                target = inside(self.root, move.path)
                write_whole(self._beside(target), contents[move.path], mode=stat.S_IMODE(target.stat().st_mode))
            for move in self.moves:
                if _digest(inside(self.root, move.path)) != move.before:
                    raise StaleFileError(f"{move.path} changed while it was being patched", hint="Try again.")
        except BaseException:
            self._clear()
            raise
        self._write(ready=True)
        self._finish()

    def _write(self, *, ready: bool) -> None:
        state = {
            "name": self.name,
            "ready": ready,
            "moves": [asdict(move) for move in self.moves],
            "records": self.records,
            "remove": self.remove,
        }
        write_whole(self.root / _JOURNAL, json.dumps(state).encode())

    def _finish(self) -> None:
        """The moves that are not made yet, then the records. Can be repeated."""
        for move in self.moves:
            target = inside(self.root, move.path)
            waiting = self._beside(target)
            if waiting.exists():
                if _digest(waiting) != move.after or _digest(target) not in (move.before, move.after):
                    raise StaleFileError(
                        f"{move.path} changed while patch {self.name} was half applied",
                        hint=f"Compare it with {waiting.name}, then remove that and {_JOURNAL.as_posix()}.",
                    )
                waiting.replace(target)
                _sync_folder(target.parent)
            elif _digest(target) != move.after:
                raise StaleFileError(
                    f"{move.path} changed while patch {self.name} was half applied",
                    hint=f"Restore it from version control, then remove {_JOURNAL.as_posix()}.",
                )
        for name, text in self.records.items():
            write_whole(self.root / FOLDER / name, text.encode("latin-1"))
        for name in self.remove:
            (self.root / FOLDER / name).unlink(missing_ok=True)
        (self.root / _JOURNAL).unlink(missing_ok=True)
        _sync_folder(self.root / FOLDER)

    def _clear(self) -> None:
        for move in self.moves:
            with suppress(PatchError):
                waiting = self._beside(inside(self.root, move.path))
                waiting.unlink(missing_ok=True)
                waiting.with_name(f"{waiting.name}.tmp").unlink(missing_ok=True)
        (self.root / _JOURNAL).unlink(missing_ok=True)

    def _beside(self, target: Path) -> Path:
        return target.with_name(f".{target.name}.{self.name}.harnessfix")

    @classmethod
    def recover(cls, root: Path) -> str:
        """Finish or take back what the journal says is half-done; in words which, empty when there is none."""
        (root / _JOURNAL.with_suffix(".tmp")).unlink(missing_ok=True)
        try:
            state = json.loads((root / _JOURNAL).read_bytes())
            moves = [Move(**move) for move in state["moves"]]
            records = {name: text.encode("latin-1") for name, text in state["records"].items()}
            journal = cls(root, state["name"], moves, records, state["remove"])
            names = [f"{journal.name}.patch", *journal.records, *journal.remove]
            if not all(_RECORD.fullmatch(name) for name in names):
                raise ValueError("it names records that are none")
        except FileNotFoundError:
            return ""
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PatchError(
                f"{root / _JOURNAL} cannot be read: {error}", hint="See which files it names, then remove it."
            ) from error
        if state["ready"]:
            journal._finish()
            return f"finished {journal.name}"
        journal._clear()
        return f"took back {journal.name}"


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that it is either as before or whole, and on the disk when this returns.

    Not for two writers of one file at a time.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise PatchError(f"{path} cannot be written: {error.strerror}", hint="Check space and permissions.") from error
    _sync_folder(path.parent)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the root against other calls that apply or undo. Makes `.harnessfix/applied/`, never through a link."""
    for folder in (root / HOME, root / FOLDER):
        if folder.is_symlink():
            raise PatchError(f"{folder} is a symbolic link", hint="Remove it; records are kept in the root itself.")
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise PatchError(
                f"{folder} cannot be made: {error.strerror}", hint="Check the root's permissions."
            ) from error
    with (root / _LOCK).open("a+b") as file:
        hold(file)
        yield


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sync_folder(folder: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
