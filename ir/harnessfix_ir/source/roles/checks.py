"""Functions that check results, ask for permission, or hand in the answer."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, inside, is_stub, keyword, last, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import APPROVAL_NAME, SUBMIT_NAME, SUBMIT_TYPE, VERIFIER_NAME, words
from harnessfix_ir.vocabulary import ElementRole, Evidence

from .base import Role, at_function

_ASKS = words("input rich.prompt.Confirm.ask rich.prompt.Prompt.ask click.confirm typer.confirm questionary.confirm")
_YES = re.compile(r"\[?\(?y(es)?\s*/\s*n(o)?\]?|allow|approve|confirm|proceed|execute\?", re.IGNORECASE)


class Verifiers(Role):
    """One element per function that is named like a check and answers or raises."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if not VERIFIER_NAME.match(scope.name) or is_stub(scope.function) or _submits(scope):
                continue
            if _wraps(scope) or _decorates(scope):
                continue
            values = [node.value for node in scope.of(ast.Return) if node.value is not None]
            raises = scope.of(ast.Raise)
            if not values and not raises:
                continue
            draft = at_function(ElementRole.VERIFIER, scope)
            draft.add("recognised-by", "name", 0, Evidence.HEURISTIC)
            draft.note("answers", bool(values))
            draft.note("raises", bool(raises))
            constant = bool(values) and all(isinstance(v, ast.Constant) and v.value is True for v in values)
            draft.note("always-true", constant and not raises and not scope.of(ast.Assert))
            yield draft


def _wraps(scope: Scope) -> bool:
    """Whether it runs what the function around it was given, as a wrapper: its check is the least of what it does.

    A wrapper says so (`functools.wraps`), or hands on whatever it gets.
    """
    around = scope.parent
    given = around.params if around is not None and around.is_function else []
    runs = [call for call in scope.of(ast.Call) if isinstance(call.func, ast.Name) and call.func.id in given]
    said = any(last(dotted(each, scope).removesuffix("()")) == "wraps" for each in scope.function.decorator_list)
    return bool(runs) and (said or any(isinstance(arg, ast.Starred) for call in runs for arg in call.args))


def _decorates(scope: Scope) -> bool:
    """Whether it gives back a function of its own, or what it was given with another attribute: a decorator."""
    given = {node.value.id for node in scope.of(ast.Return) if isinstance(node.value, ast.Name)}
    changed = {
        target.value.id
        for node in scope.of(ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
    }
    inner = {method.name for method in scope.methods}
    return bool(inner) and bool(given) and given <= inner | (changed & set(scope.params))


class Approvals(Role):
    """One element per function that asks somebody whether to go on."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if is_stub(scope.function):
                continue
            named = APPROVAL_NAME.search(scope.name) is not None
            asks = any(callee(c, scope) in _ASKS and _asks_yes(c, scope) for c in scope.of(ast.Call))
            decides = bool(scope.of(ast.Return) or scope.of(ast.Raise))
            if not decides or not (named or asks):
                continue
            draft = at_function(ElementRole.APPROVAL, scope)
            if not (named and asks):
                draft.add("recognised-by", "name" if named else "question", 0, Evidence.HEURISTIC)
            draft.note("asks-person", asks)
            constant = [n.value for n in scope.of(ast.Return) if n.value is not None]
            always = bool(constant) and all(isinstance(v, ast.Constant) and v.value is True for v in constant)
            draft.note("always-true", always and not scope.of(ast.Raise))
            yield draft


def _asks_yes(call: ast.Call, scope: Scope) -> bool:
    if "onfirm" in callee(call, scope):
        return True
    texts = [t for a in call.args for n in walk(a) if (t := text_of(n))]
    return any(_YES.search(t) for t in texts) or any(_is_yes(c, call) for c in scope.of(ast.Compare))


def _is_yes(compared: ast.Compare, call: ast.Call) -> bool:
    """Whether an answer is compared with a yes: `input(question).lower() in ("y", "yes")`."""
    if not any(node is call for node in walk(compared.left)):
        return False
    words = [text_of(node) for other in compared.comparators for node in walk(other)]
    return any(word.lower() in ("y", "yes") for word in words if word)


class Submissions(Role):
    """One element per function that hands in the final answer."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            if is_stub(scope.function):
                continue
            raised = _submits(scope)
            if not (raised or SUBMIT_NAME.match(scope.name)):
                continue
            draft = at_function(ElementRole.SUBMISSION, scope)
            if raised:
                draft.add("raises", _raised_name(raised[0].exc), raised[0].lineno)
            else:
                draft.add("recognised-by", "name", 0, Evidence.HEURISTIC)
            draft.note("transforms", [*dict.fromkeys(_transforms(scope, file))])
            draft.note("validates", _validates(scope))
            draft.note("reads-check", _reads_check(scope))
            yield draft


def _submits(scope: Scope) -> list[ast.Raise]:
    """Exceptions by which a function hands in the answer."""
    return [n for n in scope.of(ast.Raise) if n.exc is not None and SUBMIT_TYPE.search(_raised_name(n.exc))]


def _raised_name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _transforms(scope: Scope, file: FileContext) -> Iterator[str]:
    """How the text is changed on its way out; what is only compared does not count."""
    names = [last(callee(c, scope)) for c in scope.of(ast.Call)]
    for call in scope.of(ast.Call):
        func = call.func
        if not isinstance(func, ast.Attribute) or _only_compared(call, file):
            continue
        if func.attr in ("strip", "lstrip", "rstrip"):
            yield func.attr
        elif func.attr == "splitlines" and "join" in names:
            keeps = keyword(call, "keepends") or (call.args[0] if call.args else None)
            if not (isinstance(keeps, ast.Constant) and keeps.value):
                yield "splitlines-join"
        elif func.attr == "split" and "join" in names:
            yield "split-join"
        elif func.attr in ("encode", "decode"):
            errors = text_of(keyword(call, "errors")) or (text_of(call.args[1]) if len(call.args) > 1 else None)
            if errors in ("ignore", "replace"):
                yield f"encode-{errors}"
        elif func.attr in ("replace", "lower", "upper", "title", "capitalize", "expandtabs"):
            yield func.attr


def _only_compared(node: ast.AST, file: FileContext) -> bool:
    inner = node
    for around in file.ancestors(node):
        if isinstance(around, ast.Compare):
            return True
        if isinstance(around, (ast.If, ast.While, ast.IfExp)) and inner is around.test:
            return True
        if isinstance(around, ast.stmt):
            return False
        inner = around
    return False


def _validates(scope: Scope) -> bool:
    """Whether something is refused: a branch on the answer that raises, or a call that validates."""
    for call in scope.of(ast.Call):
        if re.match(r"_*(validate|verify|check|model_validate|parse_obj)", last(callee(call, scope))):
            return True
    for branch in scope.of(ast.If):
        for node in inside([*branch.body, *branch.orelse]):
            if isinstance(node, ast.Raise) and not SUBMIT_TYPE.search(_raised_name(node.exc)):
                return True
        if isinstance(branch.test, ast.UnaryOp) and any(isinstance(n, ast.Return) for n in inside(branch.body)):
            return True
    return False


_CHECKED = re.compile(r"returncode|exit_code|exit_status|tests?_passed|passed|success|verified|check_result|all_ok")


def _reads_check(scope: Scope) -> bool:
    words = {n.attr for n in scope.of(ast.Attribute)} | {n.id for n in scope.of(ast.Name)}
    words |= {n.value for n in scope.of(ast.Constant) if isinstance(n.value, str)}
    return any(_CHECKED.fullmatch(word) for word in words)
