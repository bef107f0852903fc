"""A span processor that says which line of the program's own code led to a span."""

import os
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Any

ASKED = "HARNESSFIX_CODE_ATTRIBUTES"
DEEP = 60
NEAR = 5


class CodeProcessor:
    """Adds `code.function.name`, `code.file.path`, `code.line.number` and the harness part of the stack.

    The nearest frame counts that belongs neither to an installed package nor to the standard library; spans that have
    `code.*` of their own keep it. A processor by shape: it needs no import of the SDK.

    Args:
        root: the program's own files are those below it; the working folder when None.
    """

    def __init__(self, root: str | None = None) -> None:
        self._root = os.path.realpath(root or Path.cwd()) + os.sep
        paths = sysconfig.get_paths()
        self._foreign = tuple({os.path.realpath(paths[name]) + os.sep for name in ("stdlib", "purelib", "platlib")})
        self._own: dict[str, bool] = {}

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Look at the stack of the caller."""
        if "code.file.path" in (span.attributes or {}):
            return
        found: list[str] = []
        frame: FrameType | None = sys._getframe(1)
        for _ in range(DEEP):
            if frame is None or len(found) == NEAR:
                break
            code = frame.f_code
            if self._is_own(code.co_filename):
                if not found:
                    span.set_attribute("code.function.name", code.co_qualname)
                    span.set_attribute("code.file.path", code.co_filename)
                    span.set_attribute("code.line.number", frame.f_lineno)
                found.append(f"{code.co_filename}:{frame.f_lineno} in {code.co_qualname}")
            frame = frame.f_back
        if found:
            span.set_attribute("code.stacktrace", "\n".join(found))

    def _is_own(self, filename: str) -> bool:
        known = self._own.get(filename)
        if known is None:
            path = os.path.realpath(filename)
            known = self._own[filename] = path.startswith(self._root) and not path.startswith(self._foreign)
        return known

    def _on_ending(self, span: Any) -> None:
        """Nothing."""

    def on_end(self, span: Any) -> None:
        """Nothing."""

    def shutdown(self) -> None:
        """Nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        return True


def post_instrument() -> None:
    """Add the processor to the provider that is set, when it was asked for."""
    exporters = {name.strip() for name in os.environ.get("OTEL_TRACES_EXPORTER", "").split(",")}
    asked = os.environ.get(ASKED, "").lower() in ("1", "true", "yes") or "harnessfix" in exporters
    if not asked or "HARNESSFIX_SPOOL" in os.environ:  # a recording tells the lines by itself
        return
    from opentelemetry.trace import get_tracer_provider

    add = getattr(get_tracer_provider(), "add_span_processor", None)
    if add is not None:
        add(CodeProcessor())
