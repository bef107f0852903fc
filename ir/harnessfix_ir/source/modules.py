"""Dotted names of files, and which of several files an import means."""

from collections.abc import Sequence


def module_name(path: str, packages: frozenset[str]) -> str:
    """Dotted module name of a Python file: from the outermost folder that is a package.

    Args:
        path: path in the model.
        packages: folders that hold an `__init__.py`, as paths in the model.
    """
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    above = folder
    while above and above in packages:
        above = above.rpartition("/")[0]
    inside = folder.removeprefix(above).strip("/").replace("/", ".")
    if stem == "__init__":
        return inside or stem
    return f"{inside}.{stem}" if inside else stem


def import_names(path: str, module: str) -> tuple[str, ...]:
    """Names under which a file can be imported: its module, and from the root (`src` layouts, scripts)."""
    longer = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return (module,) if longer == module else (module, longer)


def nearest(paths: Sequence[str], importer: str) -> str:
    """The file that shares most folders with the one that imports it, the first of several."""
    return paths[0] if len(paths) == 1 else max(paths, key=lambda path: _shared(path, importer))


def _shared(path: str, importer: str) -> int:
    count = 0
    for one, other in zip(path.split("/"), importer.split("/")):
        if one != other:
            break
        count += 1
    return count
