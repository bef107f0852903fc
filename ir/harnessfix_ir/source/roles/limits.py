"""Comparisons and defaults that implement limits, and whether their counters count on every path."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.counting import may_stand_still
from harnessfix_ir.source.expressions import callee, declared_as, dotted, inside, last, own_attribute, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import COUNTER_NAME, LIMIT_NAME
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence

from .base import Role, at_node
from .loops import LoopNode

_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_COUNTS = re.compile(r"limit|budget|timeout|(^|_)max_|_max$|retries|attempts|quota|(^|_)n_|num_")
_INTERVAL = re.compile(r"interval|every|period|frequency|(^|_)freq(_|$)|cadence")
_SWITCH = re.compile(
    r"reached|exceeded|hit|error|expired|enabled|^_*(is|has|should|kill|no|use|enable|allow|with|did|was|raise|retry|on|stop)_"
)
# Numbers of which 0 means nothing, so that whoever says 0 gets what he would get without.
_NEVER_ZERO = re.compile(r"(^|_)(k|top_k|size|width|height|port|dims?|dimensions?|chunk|batch|page|columns?)(_|$)")
# Counts of what was got, which what failed does not add to.
_OF_GOT = re.compile(
    r"(^|[._])(num|n|total|number_of)_(?!\w*(steps?|turns?|rounds?|iterations?|attempts?|retries|tries|calls|requests)$)\w+$"
)
_WAITS = re.compile(r"(^|_)(delay|backoff)$")
_ATTEMPTS = re.compile(r"retr|attempt|tries")
# Numbers of which people mean 0 when they say 0.
_MEANT = re.compile(r"(^|_)(cost(_limit)?|budget|price|retries|temperature|top_p|penalty|seed|delay|backoff)$")


class Limits(Role):
    """One element per limit."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        classes: dict[str, dict[str, list[int]]] = {}
        for scope in file.scopes:
            counters = _counters(scope, classes)
            for compare in scope.of(ast.Compare):
                draft = _comparison(compare, scope, file, counters) or _remainder(compare, scope, file)
                if draft is not None:
                    yield draft
            for choice in scope.of(ast.BoolOp):
                draft = _default(choice, scope, file)
                if draft is not None:
                    yield draft
            for call in scope.of(ast.Call):
                draft = _attempts(call, scope, file)
                if draft is not None:
                    yield draft
            for test in scope.tests:
                draft = _truth(test, scope, file)
                if draft is not None:
                    yield draft


def _is_limit(node: ast.expr, scope: Scope) -> bool:
    return LIMIT_NAME.search(last(dotted(node, scope)).removesuffix("[]")) is not None


def _comparison(compare: ast.Compare, scope: Scope, file: FileContext, counters: dict[str, list[int]]) -> Draft | None:
    if not any(isinstance(op, _ORDER) for op in compare.ops):
        return None
    sides = [compare.left, *compare.comparators]
    limits = [side for side in sides if any(LIMIT_NAME.search(word) for word in words_in(side))]
    counted = [
        side
        for side in sides
        if side not in limits
        and not isinstance(side, ast.Constant)
        and any(COUNTER_NAME.search(word) for word in words_in(side))
    ]
    if not limits or _only_checks_the_setting(sides, limits):
        return None
    draft = at_node(ElementRole.LIMIT, scope, compare, AnchorKind.CALL, last(dotted(limits[0], scope)) or "limit")
    draft.add("compares", file.segment(compare))
    if counted:
        moved = counted[0].left if isinstance(counted[0], ast.BinOp) else counted[0]
        name = dotted(moved, scope) or file.segment(counted[0])
        draft.add("counter", name)
        lines = counters.get(name, [])
        draft.note("counter-advanced", [*lines])
        draft.note("stands-still", _stands_still(moved, compare, scope, file), 0, Evidence.DERIVED)
        draft.note("skipped-on", [*_skips(compare, name, scope, file)], 0, Evidence.DERIVED)
        draft.note("off-by-one", _off_by_one(compare, name, limits[0], scope, file), 0, Evidence.HEURISTIC)
    return draft


def _remainder(compare: ast.Compare, scope: Scope, file: FileContext) -> Draft | None:
    """`step % interval == 1`: never true for an interval that is no larger than that number."""
    left, right = compare.left, compare.comparators[0]
    if not (isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mod) and isinstance(compare.ops[0], ast.Eq)):
        return None
    name = last(dotted(left.right, scope))
    rest = right.value if isinstance(right, ast.Constant) and type(right.value) is int else 0
    if len(compare.ops) != 1 or rest < 1 or not _INTERVAL.search(name):
        return None
    draft = at_node(ElementRole.LIMIT, scope, compare, AnchorKind.CALL, name)
    return draft.add("compares", file.segment(compare)).add("never-below", rest)


def _only_checks_the_setting(sides: list[ast.expr], limits: list[ast.expr]) -> bool:
    """Whether a comparison only looks at the limit itself (`timeout > 0`)."""
    return all(side in limits or isinstance(side, ast.Constant) for side in sides)


def _counters(scope: Scope, known: dict[str, dict[str, list[int]]]) -> dict[str, list[int]]:
    """Names that are added to, with the lines; for attributes of `self`, anywhere in the class.

    Args:
        scope: whose counters.
        known: counters of classes met before, by qualified name; added to.
    """
    found = _added(scope)
    owner = scope.owner
    if owner is not None:
        if owner.qualname not in known:
            shared: dict[str, list[int]] = {}
            for method in owner.children:
                for name, lines in _added(method).items():
                    if name.startswith("self."):
                        shared.setdefault(name, []).extend(lines)
            known[owner.qualname] = shared
        found = {**found, **known[owner.qualname]}
    return found


def _added(scope: Scope) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for node in scope.of(ast.AugAssign):
        name = dotted(node.target, scope)
        if name and isinstance(node.op, ast.Add):
            found.setdefault(name, []).append(node.lineno)
    return found


def _loop_around(node: ast.AST, file: FileContext) -> LoopNode | None:
    for around in file.ancestors(node):
        if isinstance(around, (ast.While, ast.For, ast.AsyncFor)):
            return around
    return None


def _stands_still(counter: ast.expr, compare: ast.Compare, scope: Scope, file: FileContext) -> str:
    """The name of a counter that is compared again and again, or of an object, and seems to move nowhere."""
    again = isinstance(counter, ast.Attribute) or _loop_around(compare, file) is not None
    return may_stand_still(counter, scope) if again else ""


def _skips(compare: ast.Compare, counter: str, scope: Scope, file: FileContext) -> Iterator[str]:
    """Places in the loop around that go on to the next turn before the counter has moved."""
    loop = _loop_around(compare, file)
    if loop is None or _OF_GOT.search(counter):
        return
    moves = [
        node
        for node in inside(loop.body)
        if isinstance(node, ast.AugAssign) and dotted(node.target, scope) == counter and isinstance(node.op, ast.Add)
    ]
    if len(moves) != 1:
        return
    move = moves[0]
    for node in inside(loop.body):
        if isinstance(node, ast.Continue) and node.lineno < move.lineno and _loop_around(node, file) is loop:
            yield f"continue:{node.lineno}"
    inner: ast.AST = move
    for around in file.ancestors(move):
        if around is loop:
            return
        if isinstance(around, (ast.Try, ast.TryStar)) and (inner in around.body or inner in around.orelse):
            first = inner is around.body[0]
            for handler in around.handlers:
                if not first and not isinstance(handler.body[-1], (ast.Raise, ast.Return, ast.Break)):
                    yield f"except:{handler.lineno}"
        elif isinstance(around, ast.If):
            yield f"if:{around.lineno}"
        inner = around


def _off_by_one(compare: ast.Compare, counter: str, limit: ast.expr, scope: Scope, file: FileContext) -> str:
    """A counter from 0 that is let up to and including a limit on steps takes one step too many."""
    parent = file.parents.get(compare)
    name = last(dotted(limit, scope))
    if not (isinstance(parent, ast.While) and parent.test is compare and len(compare.ops) == 1):
        return ""
    starts_at_zero = any(
        isinstance(a.value, ast.Constant)
        and a.value.value == 0
        and type(a.value.value) is int
        and any(dotted(t, scope) == counter for t in a.targets)
        for a in scope.of(ast.Assign)
    )
    steps = re.search(r"max|limit", name) is not None and not _ATTEMPTS.search(name)
    if starts_at_zero and steps and isinstance(compare.ops[0], ast.LtE):
        return f"{counter} starts at 0 and may reach {name}"
    return ""


def _default(choice: ast.BoolOp, scope: Scope, file: FileContext) -> Draft | None:
    """`limit or default` as a value: zero counts as not given."""
    if not isinstance(choice.op, ast.Or) or isinstance(choice.values[0], ast.Call) or _in_test(choice, file):
        return None
    name = last(dotted(choice.values[0], scope))
    limits = _is_limit(choice.values[0], scope) and _COUNTS.search(name)
    if not limits and not _is_number(choice.values[0], scope):
        return None
    draft = at_node(ElementRole.LIMIT, scope, choice, AnchorKind.CALL, name)
    return draft.add("falsy-zero", file.segment(choice)).add("compares", file.segment(choice))


def _is_number(node: ast.expr, scope: Scope) -> bool:
    """Whether a name is a parameter that may be a number or None."""
    if not isinstance(node, ast.Name) or not scope.is_function or _NEVER_ZERO.search(node.id):
        return False
    declared = declared_as(node.id, scope)
    if declared is None:
        return False
    kinds = _kinds(declared)
    return bool(kinds & {"int", "float"}) and bool(kinds & {"None", "Optional"}) and not kinds & {"str", "bool"}


def _is_no_number(node: ast.expr, scope: Scope) -> bool:
    """Whether a name is a parameter, or an attribute made of one, that is declared to be no number."""
    maker, name = scope, node.id if isinstance(node, ast.Name) else own_attribute(node).lstrip("_")
    if isinstance(node, ast.Attribute) and scope.owner is not None:
        maker = scope.owner.method("__init__") or scope
    declared = declared_as(name, maker)
    return declared is not None and not _kinds(declared) & {"int", "float", "Decimal", "Any", "Number"}


def _is_flag(name: str, file: FileContext) -> bool:
    """Whether the file says elsewhere that it is on or off: `name=False`, `get("name", False)`, `name: bool`."""
    for _, call in file.all(ast.Call):
        said = [given.value for given in call.keywords if given.arg == name]
        if len(call.args) > 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == name:
            said.append(call.args[1])
        if any(isinstance(value, ast.Constant) and isinstance(value.value, bool) for value in said):
            return True
    return any(
        isinstance(node.target, ast.Name) and node.target.id == name and "bool" in _kinds(node.annotation)
        for _, node in file.all(ast.AnnAssign)
    )


def _kinds(annotation: ast.expr) -> set[str]:
    """What a value may be, by the names of types; what a container holds does not count."""
    if isinstance(annotation, ast.BinOp):
        return _kinds(annotation.left) | _kinds(annotation.right)
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return {part.strip() for part in annotation.value.split("|")}
    name = ast.unparse(annotation.value if isinstance(annotation, ast.Subscript) else annotation).rpartition(".")[2]
    if isinstance(annotation, ast.Subscript) and name in ("Optional", "Union", "Annotated"):
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        return {name}.union(*map(_kinds, inner))
    return {name}


def _attempts(call: ast.Call, scope: Scope, file: FileContext) -> Draft | None:
    """`stop_after_attempt(max_retries)`: a number of retries handed to what counts attempts."""
    if last(callee(call, scope)) != "stop_after_attempt" or not call.args:
        return None
    name = last(dotted(call.args[0], scope))
    if not name.endswith("retries"):
        return None
    draft = at_node(ElementRole.LIMIT, scope, call, AnchorKind.CALL, name)
    return draft.add("compares", file.segment(call)).add("counts-attempts", name)


def _in_test(node: ast.AST, file: FileContext) -> bool:
    inner = node
    for around in file.ancestors(node):
        if isinstance(around, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            return inner is around.test
        if isinstance(around, ast.stmt):
            return False
        inner = around
    return False


def _truth(test: ast.expr, scope: Scope, file: FileContext) -> Draft | None:
    """`if not limit`, `if limit and n >= limit`: zero turns the limit off without saying so."""
    dropped = _dropped(test, scope, file)
    if dropped is not None:
        return dropped
    parts = test.values if isinstance(test, ast.BoolOp) else [test]
    for part in parts:
        bare = part.operand if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not) else part
        if isinstance(bare, (ast.Name, ast.Attribute)) and _is_limit(bare, scope):
            name = last(dotted(bare, scope))
            if _COUNTS.search(name) and not _SWITCH.search(name):
                draft = at_node(ElementRole.LIMIT, scope, test, AnchorKind.CALL, name)
                return draft.add("falsy-zero", file.segment(part)).add("compares", file.segment(test))
    return None


def _dropped(test: ast.expr, scope: Scope, file: FileContext) -> Draft | None:
    """`if temperature: options["temperature"] = temperature`: zero is not handed on."""
    branch = file.parents.get(test)
    if not isinstance(test, (ast.Name, ast.Attribute)) or not isinstance(branch, ast.If) or branch.test is not test:
        return None
    whole, name = dotted(test, scope), last(dotted(test, scope))
    if _ATTEMPTS.search(name) and isinstance(branch.body[-1], ast.Return):
        return None  # what tries again is made only for those who want to: without it there is one try
    if (
        not _MEANT.search(name)
        or _SWITCH.search(name)
        or len(branch.body) > 2
        or branch.orelse
        or _is_no_number(test, scope)
        or _is_flag(name, file)
    ):
        return None
    for node in inside(branch.body):
        given = [node.value] if isinstance(node, ast.Assign) else []
        # To sleep for no time is not to sleep.
        waits = isinstance(node, ast.Call) and (_WAITS.search(name) or last(callee(node, scope)) == "sleep")
        if isinstance(node, ast.Call) and not waits:
            given += [*node.args, *(k.value for k in node.keywords)]
        if any(whole and dotted(value, scope) == whole for value in given):
            draft = at_node(ElementRole.LIMIT, scope, test, AnchorKind.CALL, name)
            draft.add("falsy-zero", file.segment(test)).add("compares", file.segment(test))
            return draft.add("zero-dropped", file.segment(branch.body[0], 80))
    return None
