"""The probe's own modules, compiled, in one file: where no bytecode is written (`PYTHONDONTWRITEBYTECODE`, read-only
installations), every process would compile them anew, which takes longer than all else that it does at the start."""

from __future__ import annotations

import marshal
import os

from .system import System, keep_file, read_file


def keep(place: str) -> None:
    """Compile them all and keep them; `sitecustomize` takes them from there.

    Args:
        place: a file that is not there yet, named by the version of Python and by what is in the modules.
    """
    keep_file(place, _modules)


def _modules() -> bytes:
    folder = os.path.dirname(os.path.abspath(__file__))
    package = __name__.rpartition(".")[0]
    found = {}
    for file in sorted(System.listdir(folder)):
        if file.endswith(".py"):
            path = os.path.join(folder, file)
            name = package if file == "__init__.py" else f"{package}.{file[:-3]}"
            found[name] = marshal.dumps(compile(read_file(path), path, "exec", dont_inherit=True, optimize=2))
    return marshal.dumps(found)
