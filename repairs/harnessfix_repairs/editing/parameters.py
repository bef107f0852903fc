"""Reading an operator's parameters.

They come from a run as well as from the source, so they are checked: a number is a number, and what becomes code is no
more than a name, an attribute, a subscript or a literal.
"""

import ast

from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.operators.base import Refusal

_PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.UnaryOp, ast.USub, ast.Load, ast.Expression)


def text(spec: RepairSpec, name: str, default: str = "") -> str:
    """A text parameter, `default` when it is missing."""
    value = spec.parameters.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise _wrong(name, "a text", value)
    return value


def number(spec: RepairSpec, name: str, least: float = 0) -> float | int | None:
    """A number that is at least `least`, None when it is missing."""
    value = spec.parameters.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < float("inf"):
        raise _wrong(name, f"a number from {least} on", value)
    return value


def whole(spec: RepairSpec, name: str, least: int = 0) -> int | None:
    """A whole number that is at least `least`, None when it is missing."""
    value = number(spec, name, least)
    if isinstance(value, float):
        raise _wrong(name, "a whole number", value)
    return value


def texts(spec: RepairSpec, name: str) -> list[str]:
    """A list of texts, empty when it is missing."""
    value = spec.parameters.get(name)
    if value is None:
        return []
    if not isinstance(value, (list, tuple)) or not all(isinstance(part, str) for part in value):
        raise _wrong(name, "a list of texts", value)
    return [str(part) for part in value]


def plain_source(spec: RepairSpec, name: str) -> str:
    """Source of a name, attribute, subscript or literal (`self.config.timeout`), empty when it is missing."""
    source = text(spec, name).strip()
    if source and not is_plain(source):
        raise _wrong(name, "a name, attribute, subscript or literal", source)
    return source


def is_plain(source: str) -> bool:
    """Whether a source text does nothing but name a value."""
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return False
    return "\n" not in source and all(isinstance(node, _PLAIN) for node in ast.walk(tree))


def dotted_source(spec: RepairSpec, name: str) -> str:
    """A dotted name (`requests.Timeout`), empty when it is missing."""
    source = text(spec, name).strip()
    if source and not all(part.isidentifier() for part in source.split(".")):
        raise _wrong(name, "a dotted name", source)
    return source


def _wrong(name: str, wanted: str, value: JsonValue) -> Refusal:
    return Refusal(f"parameter {name!r} must be {wanted}, not {str(value)[:60]!r}")
