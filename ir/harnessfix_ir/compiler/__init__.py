"""The compiler: a recording and the harness it came from, joined into one HTIR document."""

from .compile import compile_run

__all__ = ["compile_run"]
