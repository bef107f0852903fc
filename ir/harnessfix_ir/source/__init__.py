"""The harness model: source, prompts and configuration read without being run.

`read_harness` walks the roots, reads each file once into facts (one parse, then one small module per role under
`roles/`) and links the files (`link/`). `locate_harness` finds the folder of a package by name.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .reader import read_harness
    from .resolve import locate_harness

__all__ = ["locate_harness", "read_harness"]


def __getattr__(name: str) -> Any:
    if name == "read_harness":
        from .reader import read_harness

        return read_harness
    if name == "locate_harness":
        from .resolve import locate_harness

        return locate_harness
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
