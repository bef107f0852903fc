"""Each early way out of a function ends what was begun, and the last one does not."""

import ast
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator

from harnessfix_ir.source.expressions import called_name, own_attribute
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext

from .base import hazard

_ENDS = re.compile(r"^_*(end|stop|finish|close|release|complete|finali[sz]e|unlock|detach)(_\w+)?$")
LEAST = 2  # ways out that end it
MOST = 8  # different things that are ended, in one function


class UnlikeExit(Role):
    """`if stopped: metrics.end_cycle(begun); return`, twice so, and the function's end goes on without."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            calls = scope.of(ast.Call)
            body = scope.function.body
            if (
                not any(_ENDS.match(called_name(call)) for call in calls)
                or isinstance(body[-1], ast.Raise)
                or _is_plain(body[-1])
            ):
                continue
            ended = _ended_early(body)
            times = Counter(ast.dump(call) for call in scope.deep(ast.Call)) if ended else Counter()
            for said, early in [*ended.items()][:MOST]:
                behind = [statement for statement in body if statement.lineno > early[-1].lineno]
                if len(early) < max(LEAST, times[said]) or not behind or _may_end_it(behind, early[-1]):
                    continue
                draft = hazard("unlike-exit", scope, behind[-1]).add("calls", file.segment(early[-1].func))
                yield draft.add("at", [call.lineno for call in early])


def _is_plain(statement: ast.stmt) -> bool:
    """Whether a way out only says that nothing was done."""
    return (
        isinstance(statement, ast.Return)
        and isinstance(statement.value, ast.Constant)
        and statement.value.value is not None
    )


def _ended_early(body: list[ast.stmt]) -> dict[str, list[ast.Call]]:
    """Calls that end what they are given by name, by what they say, in blocks of a function that end with a return."""
    found: dict[str, list[ast.Call]] = defaultdict(list)
    pending = deque(body)
    while pending:
        statement = pending.popleft()
        if not isinstance(statement, ast.If):
            continue
        for block in (statement.body, statement.orelse):
            if block and isinstance(block[-1], ast.Return):
                for call in _ends_in(block):
                    found[ast.dump(call)].append(call)
            pending.extend(inner for inner in block if isinstance(inner, ast.If))
    return found


def _ends_in(block: list[ast.stmt]) -> Iterator[ast.Call]:
    """Calls, each a statement of its own, that end what they are given by name."""
    for own in block:
        call = own.value if isinstance(own, ast.Expr) else None
        call = call.value if isinstance(call, ast.Await) else call
        if not isinstance(call, ast.Call) or not _ENDS.match(called_name(call)):
            continue
        if any(isinstance(arg, ast.Name) for arg in call.args):
            yield call


def _may_end_it(behind: list[ast.stmt], call: ast.Call) -> bool:
    """Whether what comes last has to do with what was begun, or is a method that may know of it."""
    own = {node.id for arg in call.args for node in walk(arg) if isinstance(node, ast.Name)}
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else call
    held, name = ast.dump(receiver), called_name(call)
    by_object = any(isinstance(node, ast.Name) and node.id == "self" for node in walk(receiver))
    for node in (node for statement in behind for node in walk(statement)):
        if isinstance(node, ast.Name) and node.id in own:
            return True
        if isinstance(node, ast.Call) and (called_name(node) == name or (by_object and own_attribute(node.func))):
            return True
        if isinstance(node, ast.Attribute) and ast.dump(node) == held:
            return True
    return False
