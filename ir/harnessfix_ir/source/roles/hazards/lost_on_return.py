"""What one method of a class writes down and the one that reads it back leaves out."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

_WRITES = re.compile(
    r"^_?(to_dict|as_dict|serialize|dump|to_json|save_state|get_state|state_dict|__getstate__|_?to_config)$"
)
_READS = re.compile(
    r"^_?(from_dict|deserialize|load|from_json|load_state|set_state|load_state_dict|__setstate__|_?from_config|from_folder)$"
)
_LEAST = 3  # keys that both must share before a missing one says something
_KINDS = re.compile(r"(^|_)(type|class|version|module|name|schema|kind|id|created|timestamp)(_|$)|^__")


class LostOnReturn(Role):
    """`to_dict` writes `prompt_templates`, `__init__` takes it, and `from_dict` never looks at it."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for owner in file.classes:
            methods = {method.name: method for method in owner.methods}
            start = methods.get("__init__")
            taken = set(start.params) if start is not None else {*_fields(owner)}
            writers = [m for name, m in methods.items() if _WRITES.match(name)]
            readers = [m for name, m in methods.items() if _READS.match(name)]
            for reader in readers if writers and taken else ():
                read = _read(reader)
                written = set().union(*(_written(w) for w in writers))
                left = sorted(k for k in written & taken - read - _by_position(reader, owner) if not _KINDS.search(k))
                shared = written & read
                if left and len(shared) >= _LEAST and len(left) <= len(shared) and not _hands_on(reader):
                    node = reader.function
                    yield (
                        hazard("lost-on-return", reader, node)
                        .add("leaves-out", left[0])
                        .add("writer", writers[0].qualname)
                    )


def _fields(owner: Scope) -> Iterator[str]:
    for node in owner.of(ast.AnnAssign):
        if isinstance(node.target, ast.Name):
            yield node.target.id


def _written(writer: Scope) -> set[str]:
    found = {text for node in writer.of(ast.Dict) for key in node.keys if (text := text_of(key))}
    return found | {
        text for node in writer.of(ast.Subscript) if isinstance(node.ctx, ast.Store) and (text := text_of(node.slice))
    }


def _read(reader: Scope) -> set[str]:
    """Every text of the function: what it names in any way it looks at."""
    words = {node.value for node in reader.deep(ast.Constant) if isinstance(node.value, str)}
    words |= {k.arg for call in reader.deep(ast.Call) for k in call.keywords if k.arg is not None}
    return words | {n.attr for n in reader.deep(ast.Attribute)} | {n.id for n in reader.deep(ast.Name)}


def _by_position(reader: Scope, owner: Scope) -> set[str]:
    """What the reader gives the constructor by position."""
    start = owner.method("__init__")
    order = start.params[1:] if start is not None else [*_fields(owner)]
    calls = (c for c in reader.deep(ast.Call) if isinstance(c.func, ast.Name) and c.func.id in ("cls", owner.name))
    return {name for call in calls for name in order[: len(call.args)]}


def _hands_on(reader: Scope) -> bool:
    """Whether all that was written is handed on whole."""
    spread = any(k.arg is None for call in reader.deep(ast.Call) for k in call.keywords)
    return spread or any(
        isinstance(c.func, ast.Name) and c.func.id in ("setattr", "cls", "fields") and not c.keywords and bool(c.args)
        for c in reader.deep(ast.Call)
        if isinstance(c.func, ast.Name) and c.func.id in ("setattr", "fields")
    )
