"""Dotted names of files, and finding a file by the name that an import uses."""

from collections.abc import Iterable
from pathlib import PurePosixPath


def module_name(path: str, packages: frozenset[str]) -> str:
    """Dotted module name of a Python file: from the outermost folder that is a package.

    Args:
        path: path in the model.
        packages: folders that hold an `__init__.py`, as paths in the model.
    """
    pure = PurePosixPath(path)
    parts = [] if pure.name == "__init__.py" else [pure.stem]
    folder = pure.parent
    while folder.as_posix() in packages and folder.name:
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts) or pure.stem


class ModuleIndex:
    """Finds files by module name; names may begin anywhere in the folders above (`src` layouts, scripts)."""

    def __init__(self, modules: Iterable[tuple[str, str]]) -> None:
        self._exact: dict[str, list[str]] = {}
        for path, module in modules:
            self._exact.setdefault(module, []).append(path)
            longer = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if longer != module:
                self._exact.setdefault(longer, []).append(path)

    def find(self, module: str, importer: str) -> str | None:
        """Path of the file that `module` means inside `importer`; the nearest one when several have the name."""
        found = self._exact.get(module)
        if not found:
            return None
        return found[0] if len(found) == 1 else max(found, key=lambda path: _shared(path, importer))

    def split(self, dotted: str, importer: str) -> tuple[str, str] | None:
        """File and rest of a dotted name (`pkg.mod.Class.method` is `Class.method` of `pkg/mod.py`)."""
        head, rest = dotted, ""
        while head:
            path = self.find(head, importer)
            if path is not None:
                return path, rest
            head, _, tail = head.rpartition(".")
            rest = f"{tail}.{rest}" if rest else tail
        return None


def _shared(path: str, importer: str) -> int:
    count = 0
    for one, other in zip(path.split("/"), importer.split("/")):
        if one != other:
            break
        count += 1
    return count
