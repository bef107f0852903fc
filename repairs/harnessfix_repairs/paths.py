"""Which files a patch may reach: inside the root, never through a symbolic link, never a forbidden one."""

import re
import stat
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path, PurePosixPath

from harnessfix_ir.errors import PatchError

# A harness is often tested beside its code; what is expected of it is not ours to change.
FORBIDDEN = (
    "**/tests/**",
    "test/**",
    "**/conftest.py",
    "**/.git/**",
    "**/.harnessfix/**",
    "**/site-packages/**/RECORD",
)
_TEST_MODULE = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")
_TEST_CODE = re.compile(r"^\s*(async\s+)?def test_|^class Test|^import pytest|^from pytest", re.MULTILINE)

# In the words of go, protoc, OpenAPI and most others, in the comments or the docstring that a file begins with.
_GENERATED = re.compile(
    r"@generated\b|\b(code|file|module|source|was|is|automatically|auto[- ]?)\s*generated\s+(by|from|with)\b"
    r"|^\W*generated (by|from|with)\b.*|\bDO NOT (EDIT|MODIFY)\b",
    re.MULTILINE,
)
_HEAD = re.compile(r"(?:\s*#[^\n]*\n|\s*\n)*(?:\s*[rRuU]?(\"{3}|'{3}).*?\1)?", re.DOTALL)
HEAD_CHARACTERS = 2000


def is_forbidden(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of the glob patterns matches; `**` stands for any number of folders, `*` stays inside one."""
    return any(_pattern(pattern).fullmatch(path) for pattern in patterns)


def is_test_module(path: str, text: str) -> bool:
    """Whether a file is named like a pytest module and holds tests; a product's `test_models.py` may hold none."""
    return bool(_TEST_MODULE.search(path)) and bool(_TEST_CODE.search(text))


def is_generated(text: str) -> bool:
    """Whether a file says at its head that a program wrote it, so that an edit would be lost."""
    head = _HEAD.match(text[:HEAD_CHARACTERS])
    return head is not None and _GENERATED.search(head.group()) is not None


def inside(root: Path, path: str) -> Path:
    """The file `path` below `root`.

    Raises `PatchError` for a path that leaves the root, is reached through a symbolic link, or is no regular file.
    """
    pure = PurePosixPath(path)
    if (
        pure.is_absolute()
        or not pure.parts
        or ".." in pure.parts
        or "\\" in path
        or "\0" in path
        or ":" in pure.parts[0]
    ):
        raise PatchError(f"{path!r} is not a path below the harness root", hint="Patches stay inside the root.")
    place, mode = root, 0
    for part in pure.parts:
        place = place / part
        try:
            mode = place.lstat().st_mode
        except OSError as error:
            raise PatchError(f"{path} cannot be read: {error.strerror}") from error
        if stat.S_ISLNK(mode):
            raise PatchError(f"{path} is reached through the symbolic link {place.relative_to(root)}")
    if not stat.S_ISREG(mode):
        raise PatchError(f"{path} is not a regular file")
    return place


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    out = ""
    for piece in re.split(r"(\*\*/|/\*\*$|\*|\?)", glob):
        out += {"**/": "(?:.*/)?", "/**": "(?:/.*)", "*": "[^/]*", "?": "[^/]"}.get(piece, re.escape(piece))
    return re.compile(out, re.DOTALL)
