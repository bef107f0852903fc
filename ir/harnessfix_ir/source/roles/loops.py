"""`while` and `for` statements; linking decides which of them are agent loops."""

import ast
import re
from collections.abc import Callable, Iterator

from harnessfix_ir.source.expressions import callee, calls_in, inside, is_true, last, names_in, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import children, walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import COUNTER_NAME, LIMIT_NAME, SCHEDULED, STEP_VERB
from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .base import Role, at_node
from .handlers import caught_types

LoopNode = ast.While | ast.For | ast.AsyncFor
# A decision about trying again, not a word for what may be tried again (`error.retryable`).
_RETRY = re.compile(r"(^|_)(do_|should_)?retry(_requested)?$")
_CALLS = frozenset({"tool_calls", "function_calls", "tool_call", "function_call"})
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class Loops(Role):
    """One element per loop statement."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.scopes:
            for node in scope.loops:
                yield self._loop(node, scope, file)

    def _loop(self, node: LoopNode, scope: Scope, file: FileContext) -> Draft:
        word = {ast.While: "while", ast.For: "for", ast.AsyncFor: "async for"}[type(node)]
        draft = at_node(ElementRole.LOOP, scope, node, AnchorKind.LOOP, word)
        draft.add("kind", word)
        draft.add("condition", file.segment(node.test if isinstance(node, ast.While) else node.iter))
        draft.note("exits", [*_exits(node)])
        draft.note("catches", list(dict.fromkeys(_caught(node, scope))))
        for bound in dict.fromkeys(_bounds(node, scope)):
            draft.add("bounded-by", bound)
        draft.note("steps-through", _walks_numbers(node, scope))
        draft.note("runs-once", _done_in_one(node.body))
        draft.note("ends-without-tool-calls", _reads_new_tool_calls(node, scope))
        draft.note("advances", _advances(node, scope))
        draft.note("body-from", node.lineno if isinstance(node, ast.While) else node.body[0].lineno)
        return draft


def _reads_new_tool_calls(node: LoopNode, scope: Scope) -> bool:
    """Whether what the loop does depends on the tool calls of a reply that it gets anew in each round.

    Or on those of one of several replies, in a loop over a limited number of rounds: whoever reads a record of what
    happened asks the same, and goes on to its end.
    """
    limited = isinstance(node, ast.While) and is_limit_test(node.test, scope)
    body = list(inside(node.body))
    made = {name for n in body if isinstance(n, ast.Assign) for target in n.targets for name in names_in(target)}
    for branch in body:
        tests = list(walk(branch.test)) if isinstance(branch, ast.If) else []
        replies = made | {name for part in tests if limited for name in _each_of(part, made)}
        read = (part.value for part in tests if isinstance(part, ast.Attribute) and part.attr in _CALLS)
        if any(isinstance(value, ast.Name) and value.id in replies for value in read):
            return True
    return False


def _each_of(part: ast.AST, names: set[str]) -> Iterator[str]:
    """What a comprehension calls each of the items of one of these names."""
    if isinstance(part, ast.comprehension) and isinstance(part.iter, ast.Name) and part.iter.id in names:
        yield from names_in(part.target)


def _advances(node: LoopNode, scope: Scope) -> str:
    """What the condition calls to make one step, in a loop that then works off what is due: `while graph.tick():`."""
    if not isinstance(node, ast.While) or not isinstance(node.test, (ast.Call, ast.Await)):
        return ""
    call = node.test.value if isinstance(node.test, ast.Await) else node.test
    name = callee(call, scope) if isinstance(call, ast.Call) else ""
    if STEP_VERB.search(last(name)) is None:
        return ""
    words = (word for statement in node.body for word in words_in(statement))
    return name if any(SCHEDULED.search(word) for word in words) else ""


def _done_in_one(body: list[ast.stmt]) -> bool:
    """Whether a round that goes well is the last one.

    So it is where all that a round does is to try to give an answer back (`try: return ask(…)`): what a clause then
    changes is for another try, and no turn builds on a reply.
    """
    tried = body[0].body if isinstance(body[0], ast.Try) and len(body) == 1 else body
    leaves = isinstance(tried[-1], (ast.Break, ast.Return, ast.Raise)) and not _continues(tried)
    return leaves and (tried is body or len(tried) == 1)


def _continues(body: list[ast.stmt]) -> bool:
    """Whether a `continue` in that body begins another round of its loop."""
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Continue):
            return True
        if not isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.While, ast.For, ast.AsyncFor)
        ):
            pending.extend(child for child in children(node) if not isinstance(child, ast.expr))
    return False


def exit_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that leave a loop with that body: return, raise, and `break` outside inner loops."""
    pending: list[ast.stmt] = list(reversed(body))
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Return, ast.Raise, ast.Break)):
            yield node
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        elif isinstance(node, (ast.While, ast.For, ast.AsyncFor)):
            yield from (s for s in inside([*node.body, *node.orelse]) if isinstance(s, (ast.Return, ast.Raise)))
        else:
            below = [c for c in children(node) if isinstance(c, (ast.stmt, ast.ExceptHandler, ast.match_case))]
            for child in reversed(below):
                pending.extend([child] if isinstance(child, ast.stmt) else list(reversed(child.body)))


def is_limit_test(test: ast.expr, scope: Scope) -> bool:
    """Whether a condition compares in order something that is named like a counter or a limit."""
    for node in walk(test):
        if isinstance(node, ast.Compare) and any(isinstance(op, (*_ORDER, ast.Eq)) for op in node.ops):
            equal = all(isinstance(op, ast.Eq) for op in node.ops)
            words = [word for side in (node.left, *node.comparators) for word in words_in(side)]
            if any(LIMIT_NAME.search(w) for w in words) or (
                not equal and not _against_zero(node) and any(COUNTER_NAME.search(w) for w in words if w != "len")
            ):
                return True
        elif isinstance(node, ast.Call):
            name = callee(node, scope).rpartition(".")[2]
            if LIMIT_NAME.search(name) or any(w in name for w in ("exceed", "should_stop", "exhausted", "over_budget")):
                return True
    return False


def _against_zero(node: ast.Compare) -> bool:
    """Whether a comparison only asks for a sign."""
    return any(isinstance(c, ast.Constant) and c.value in (0, 0.0) for c in (node.left, *node.comparators))


def _exits(node: LoopNode) -> Iterator[int]:
    yield from (statement.lineno for statement in exit_statements(node.body))


def _caught(node: LoopNode, scope: Scope) -> Iterator[str]:
    for inner in inside(node.body):
        if isinstance(inner, ast.ExceptHandler):
            yield from caught_types(inner, scope) or ["BaseException"]


def _goes_round_under(node: LoopNode, holds: Callable[[ast.expr], bool]) -> bool:
    """Whether a body that ends by leaving begins another round only where a test of that sort held."""
    if not _ends_by_leaving(node.body) or not _continues(node.body):
        return False
    guarded = [n for n in inside(node.body) if isinstance(n, ast.If) and holds(n.test)]
    within = {id(n) for branch in guarded for n in inside(branch.body)}
    return all(id(n) in within for n in inside(node.body) if isinstance(n, ast.Continue))


def _asks_for_retry(test: ast.expr) -> bool:
    """Whether a test asks whoever decides about retries, which is not the model."""
    return any(map(_RETRY.search, words_in(test)))


def _ends_by_leaving(body: list[ast.stmt]) -> bool:
    """Whether no way through a body reaches its end."""
    end = body[-1] if body else None
    if isinstance(end, (ast.With, ast.AsyncWith)):
        return _ends_by_leaving(end.body)
    if isinstance(end, (ast.Try, ast.TryStar)):
        ways = [end.orelse or end.body, *(clause.body for clause in end.handlers)]
        return _ends_by_leaving(end.finalbody) or all(map(_ends_by_leaving, ways))
    if isinstance(end, ast.If):
        return _ends_by_leaving(end.body) and _ends_by_leaving(end.orelse)
    return isinstance(end, (ast.Break, ast.Return, ast.Raise))


def _bounds(node: LoopNode, scope: Scope) -> Iterator[str]:
    if isinstance(node, ast.While):
        if not is_true(node.test) and is_limit_test(node.test, scope):
            yield "condition"
    else:
        calls = {callee(call, scope) for call in walk(node.iter) if isinstance(call, ast.Call)}
        if "range" in calls:
            yield "range"
        elif not calls & {"itertools.count", "itertools.cycle", "itertools.repeat", "iter"}:
            yield "iterable"
    for inner in inside(node.body):
        if isinstance(inner, ast.If) and is_limit_test(inner.test, scope) and (_leaves(inner) or _ends(inner, node)):
            yield "counter-exit"
    if _goes_round_under(node, lambda test: is_limit_test(test, scope)):
        yield "counter-exit"
    if _goes_round_under(node, _asks_for_retry):
        yield "retry-exit"
    for call in calls_in(node.body):
        # A call that exists only to enforce a limit raises when it is reached.
        name = callee(call, scope).rpartition(".")[2]
        if LIMIT_NAME.search(name) and ("check" in name or "enforce" in name):
            yield "limit-exit"


def _leaves(branch: ast.If) -> bool:
    return any(True for _ in exit_statements(branch.body)) or any(True for _ in exit_statements(branch.orelse))


def _ends(branch: ast.If, loop: LoopNode) -> bool:
    """Whether a branch sets something that the condition of the loop looks at: `while result is None`."""
    if not isinstance(loop, ast.While) or is_true(loop.test):
        return False
    asked = {ast.unparse(node) for node in walk(loop.test) if isinstance(node, (ast.Name, ast.Attribute))}
    set_here = (target for node in inside(branch.body) if isinstance(node, ast.Assign) for target in node.targets)
    return any(ast.unparse(target) in asked for target in set_here)


def _walks_numbers(node: LoopNode, scope: Scope) -> bool:
    """Whether a `for` counts (range, count) or its variable is named like a step."""
    if isinstance(node, ast.While):
        return False
    calls = {callee(call, scope) for call in walk(node.iter) if isinstance(call, ast.Call)}
    if calls & {"range", "itertools.count"}:
        return True
    return any(w in name for name in names_in(node.target) for w in ("step", "turn", "iteration", "round"))
