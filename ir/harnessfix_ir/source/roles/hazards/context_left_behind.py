"""Work goes to a thread without the context variables of the task that gave it."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, keyword, last
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

# Names of what others hand in: their own traces, settings and run depend on the context.
_USERS = re.compile(
    r"(^|_)(func|fn|function|callback|tool|hook|worker|callable|task|agent|step|node)s?(_|$)|execute_task"
)


class ContextLeftBehind(Role):
    """`executor.submit(self.work, task)` in a program that keeps its run in a `ContextVar`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope, call in file.all(ast.Call):
            name = callee(call, scope)
            if name == "contextvars.ContextVar" and not scope.is_function:
                yield hazard("context-variable", scope, call)
            elif scope.is_function and (work := _handed(name, call)) is not None and not _kept(scope):
                yield (
                    hazard("context-left-behind", scope, call).add("by", last(name)).add("work", file.segment(work, 60))
                )


def _handed(name: str, call: ast.Call) -> ast.expr | None:
    """The user's function that a call hands to a thread."""
    work: ast.expr | None = None
    if name in ("threading.Thread", "Thread"):
        work = keyword(call, "target")
    elif last(name) == "run_in_executor" and "loop" in name and len(call.args) > 1:
        work = call.args[1]
    elif last(name) == "submit" and call.args and ("executor" in name.lower() or "pool" in name.lower()):
        work = call.args[0]
    done = work.body.func if isinstance(work, ast.Lambda) and isinstance(work.body, ast.Call) else work
    if isinstance(done, ast.Call) and ast.unparse(done.func).endswith("partial") and done.args:
        done = done.args[0]
    called = done.attr if isinstance(done, ast.Attribute) else done.id if isinstance(done, ast.Name) else ""
    return work if _USERS.search(called) else None


def _kept(scope: Scope) -> bool:
    """Whether the function, or one around it, copies the context."""
    around: Scope | None = scope
    while around is not None:
        if around.is_function and any(last(callee(c, around)) == "copy_context" for c in around.deep(ast.Call)):
            return True
        around = around.parent
    return False
