"""Which files belong to a harness, and their text."""

import fnmatch
import hashlib
import io
import os
import re
import stat
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 1_000_000
MAX_LINES = 10_000

LANGUAGES = {
    ".py": "python",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
    ".json": "json",
    ".txt": "text",
    ".md": "text",
    ".j2": "text",
    ".jinja": "text",
    ".jinja2": "text",
}

SKIPPED_FOLDERS = frozenset(
    ("node_modules", "__pycache__", "build", "dist", "tests", "test", "site-packages", "venv", "env", "htmlcov")
)
INSTALLED = frozenset(("site-packages", "dist-packages"))
SKIPPED_FILES = ("uv.lock", "test_*.py", "*_test.py", "conftest.py", "package-lock.json", "*.lock.json", "*.ipynb")
_IS_SKIPPED = re.compile("|".join(map(fnmatch.translate, SKIPPED_FILES))).match
KEPT_TEST_WORDS = ("model", "llm", "client", "env", "tool")


@dataclass(frozen=True)
class Found:
    """A file below a root: where it is, its path in the model, the folder that is relative to, and its language."""

    absolute: str
    path: str
    base: Path
    language: str


@dataclass(frozen=True)
class Root:
    """A folder (or one file) to read, and the folder that its paths are relative to."""

    top: Path
    base: Path

    @classmethod
    def of(cls, given: Path) -> "Root":
        """The root for a folder the user named; a package folder's paths begin with the package's name.

        Those of a package among installed ones begin as its imports do, also where it is part of a larger one: several
        distributions may share a name without `__init__.py` (`google.adk`).
        """
        top = given.expanduser().resolve()
        if top.is_file():
            return cls(top, top.parent)
        is_package = (top / "__init__.py").is_file()
        installed = next((folder for folder in top.parents if folder.name in INSTALLED), None)
        if installed is not None and (is_package or top.parent == installed):
            return cls(top, installed)
        return cls(top, top.parent if is_package else top)


def find_files(root: Root, exclude: Sequence[str] = ()) -> Iterator[Found]:
    """Files below `root` that a harness may be made of, in order of path.

    Args:
        root: where to look.
        exclude: glob patterns of paths (relative to the base) or of names to leave out.
    """
    patterns = [pattern.rstrip("/") for pattern in exclude]
    if root.top.is_file():
        language = LANGUAGES.get(root.top.suffix.lower())
        if language:
            yield Found(str(root.top), root.top.name, root.base, language)
        return
    skip = len(str(root.base).rstrip(os.sep)) + 1
    for folder, names, files in os.walk(root.top):
        place = folder[skip:].replace(os.sep, "/")
        names[:] = [
            name for name in sorted(names) if _wanted_folder(folder, name) and not _excluded(place, name, patterns)
        ]
        for name in sorted(files):
            language = LANGUAGES.get("." + name.rpartition(".")[2].lower())
            if language is None or name.startswith(".") or _skipped_file(name) or _excluded(place, name, patterns):
                continue
            yield Found(os.path.join(folder, name), f"{place}/{name}" if place else name, root.base, language)  # noqa: PTH118


def _wanted_folder(folder: str, name: str) -> bool:
    if name.startswith(".") or name in SKIPPED_FOLDERS or name.endswith((".egg-info", ".dist-info")):
        return False
    below = f"{folder}{os.sep}{name}"
    return not os.path.exists(f"{below}{os.sep}pyvenv.cfg") and not os.path.islink(below)  # noqa: PTH110, PTH114


def _skipped_file(name: str) -> bool:
    if not _IS_SKIPPED(name):
        return False
    # `test_models.py` in a package is a scripted model more often than a test of one.
    return not (name.startswith("test_") and name.removesuffix(".py").rstrip("s").endswith(KEPT_TEST_WORDS))


def _excluded(place: str, name: str, patterns: Sequence[str]) -> bool:
    path = f"{place}/{name}" if place else name
    return any(fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def read_bytes(found: Found) -> tuple[bytes, str]:
    """The bytes of a file and, when it must be skipped, why (empty otherwise).

    Only regular files below the root are opened: a pipe would wait for ever, and a link could lead to anything.
    """
    try:
        mode = os.lstat(found.absolute).st_mode
        if stat.S_ISLNK(mode):
            target = os.path.realpath(found.absolute)
            if not target.startswith(str(found.base) + os.sep):
                return b"", "a link that leads out of the harness"
            mode = os.lstat(target).st_mode
        if not stat.S_ISREG(mode):
            return b"", "not a regular file"
        with open(found.absolute, "rb") as file:  # noqa: PTH123
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return b"", f"cannot be read: {error.strerror or type(error).__name__}"
    if len(data) > MAX_BYTES:
        return b"", f"more than the {MAX_BYTES:,} bytes that are read"
    lines = data.count(b"\n") + 1
    return data, f"{lines:,} lines, more than the {MAX_LINES:,} that are read" if lines > MAX_LINES else ""


def decode(data: bytes, language: str) -> str:
    """Text of a file with newlines as `\\n`; Python by its PEP 263 cookie, everything else as UTF-8 (BOM allowed).

    Raises:
        ValueError: with the reason: null bytes, an unknown encoding, or bytes that do not fit it.
    """
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise ValueError(f"line {line}: null byte")
    encoding = "utf-8-sig"
    if language == "python":
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except SyntaxError as error:
            raise ValueError(f"line 1: {error.msg}") from error
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = data[:start].count(b"\n") + 1
        raise ValueError(f"line {line}: not valid {encoding}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def sha256(data: bytes) -> str:
    """Hex SHA-256 of a file."""
    return hashlib.sha256(data).hexdigest()


def byte_lines(data: bytes) -> list[bytes]:
    """The lines of a file as bytes, newlines kept, split where Python splits them."""
    return data.splitlines(keepends=True)


def hash_lines(lines: Sequence[bytes], start: int, end: int) -> str:
    """`Anchor.content_hash` of the lines `start` to `end` (from 1, inclusive)."""
    return hashlib.sha256(b"".join(lines[start - 1 : end])).hexdigest()[:16]
