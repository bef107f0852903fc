"""Exceptions that the probe saw, as error steps: one `raise TYPE` for each exception object, one `except TYPE` for each
clause that caught it."""

from typing import Any

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.steps import ErrorInfo
from harnessfix_ir.vocabulary import AnchorKind, Route

from .lines import expand


def error_info(exc: dict[str, Any], texts: dict[str, str]) -> ErrorInfo:
    """An exception with its causes."""
    frames = [f"{path}:{line} in {clean(name)}" for path, name, line in _frames(exc)]
    cause = exc.get("cause")
    return ErrorInfo(
        type=str(exc.get("type")),
        message=str(expand(exc.get("message"), texts) or ""),
        traceback="\n".join(frames),
        cause=error_info(cause, texts) if isinstance(cause, dict) else None,
    )


def raise_anchor(exc: dict[str, Any]) -> Anchor | None:
    """The innermost line of the harness that the exception passed; None when it passed none."""
    frames = _frames(exc)
    if not frames:
        return None
    path, name, line = frames[-1]
    return Anchor(
        path=path,
        qualname=clean(name),
        start_line=line,
        end_line=line,
        kind=AnchorKind.CALL,
        route=Route.STACK,
        reason="innermost harness frame of the exception",
    )


def short(type_name: str) -> str:
    """Class name without its module."""
    return type_name.rpartition(".")[2]


def clean(name: str) -> str:
    """A qualified name as the harness model spells it."""
    return name.replace(".<locals>", "")


def _frames(exc: dict[str, Any]) -> list[tuple[str, str, int]]:
    frames = exc.get("frames")
    if not isinstance(frames, list):
        return []
    return [(str(f[0]), str(f[1]), max(1, int(f[2]))) for f in frames if isinstance(f, list) and len(f) == 3]
