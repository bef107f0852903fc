"""Where the store of a project lies."""

from pathlib import Path

FOLDER = ".harnessfix"
FILE = "store.db"


def find_store(start: Path) -> Path | None:
    """The store file of the nearest `.harnessfix` folder in `start` or above, None when there is none."""
    start = start.resolve()
    for folder in (start, *start.parents):
        candidate = folder / FOLDER / FILE
        if candidate.is_file():
            return candidate
    return None


def default_store_path(start: Path) -> Path:
    """The nearest store file, else where a new one belongs: `start/.harnessfix/store.db`."""
    return find_store(start) or start.resolve() / FOLDER / FILE


def store_file(path: Path) -> Path:
    """The store file that `path` means: itself, or the one inside when it is a folder."""
    if not path.is_dir():
        return path
    if path.name == FOLDER or (path / FILE).is_file():
        return path / FILE
    return path / FOLDER / FILE
