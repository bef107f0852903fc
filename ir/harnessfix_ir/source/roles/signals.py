"""What a run leaves behind and calls out to: log lines, hooks and callbacks."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import HOOK_NAME
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node
from .handlers import is_log_call

_BEGINS = re.compile(r"(^|_)(start|begin|enter|before|pre|open|setup)(_|ed|$)")
_HAPPENS = re.compile(
    r"^_*(on|before|after|pre|post|emit|fire|notify|trigger|dispatch|run|call|invoke|start|end|begin|finish|enter|exit|handle|"
    r"process|send|publish|update|log|record)(_|$)|(hook|callback|listener|observer)s?$"
)
_TELLS = re.compile(r"^_*(notify|emit|fire|trigger|dispatch|publish)(_(all|event|hooks?|callbacks?|listeners?))?$")
_ENDS = re.compile(r"(^|_)(end|stop|exit|finish|after|post|close|done|complete|teardown)(_|ed|$)")
_SEPARATORS = re.compile(r"[.:/ -]")


class Loggers(Role):
    """One element per logging or tracing call; `print` is one too."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, call in file.all(ast.Call):
            level = is_log_call(call, scope)
            if level:
                yield at_node(ElementRole.LOGGER, scope, call, AnchorKind.CALL, level).add("level", level)


class Hooks(Role):
    """One element per call of a hook or callback, by its name or by the collection that it was taken from."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            taken = _from_collections(scope)
            for call in scope.of(ast.Call):
                name = callee(call, scope)
                told = _told(call, name)
                if told:
                    yield _hook(call, name, told, scope, file)
                    continue
                known = HOOK_NAME.search(name) is not None or name.partition(".")[0] in taken
                known = known and not last(name).startswith(("add_", "register_", "set_", "get_", "remove_"))
                if known and _HAPPENS.search(last(name)) and not is_log_call(call, scope):
                    draft = _hook(call, name, last(name), scope, file)
                    draft.note("calls-each-of", taken.get(name.partition(".")[0], ""))
                    yield draft


def _from_collections(scope: Scope) -> dict[str, str]:
    """Loop variables that walk through hooks or callbacks, and through which."""
    found: dict[str, str] = {}
    for loop in scope.for_loops:
        collection = dotted(loop.iter, scope).removesuffix("()")
        if HOOK_NAME.search(collection):
            found.update({n.id: collection for n in walk(loop.target) if isinstance(n, ast.Name)})
    return found


def _told(call: ast.Call, name: str) -> str:
    """The phase that `self._notify("before_tool", …)` tells whoever listens, empty for other calls."""
    first = call.args[0] if call.args else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str) or not _TELLS.search(last(name)):
        return ""
    event = _SEPARATORS.sub("_", first.value)
    return event if event.isidentifier() and (_BEGINS.search(event) or _ENDS.search(event)) else ""


def _hook(call: ast.Call, name: str, event: str, scope: Scope, file: FileContext) -> Draft:
    draft = at_node(ElementRole.HOOK, scope, call, AnchorKind.CALL, event)
    draft.add("name", event).add("call", name if event == last(name) else f"{name}({event!r})")
    if _BEGINS.search(event):
        draft.add("phase", "start")
    elif _ENDS.search(event):
        draft.add("phase", "end")
    inner: ast.AST = call
    for around in file.ancestors(call):
        if isinstance(around, (ast.Try, ast.TryStar)) and inner in around.finalbody:
            draft.add("in-finally", True, around.lineno)
            break
        inner = around
    return draft
