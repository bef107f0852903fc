"""Two functions do the same work, one with `await` or piece by piece and one without, and one of them lacks a step."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from harnessfix_ir.source.expressions import dotted, inside, last, text_of, words_in
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext, Scope

from .base import hazard

# What tells twins apart in their names; the rest is the work that they share.
_MARKS = re.compile(r"(?<![a-z])(async|sync|streamed|streaming|stream|aio)(?![a-z])")
# Steps that one way may not have without the other: refusals, hooks, limits, accounts.
_MATTERS = re.compile(
    r"^(raise _?[A-Z].+|on_\w+_(start|end|error)|record_\w+|"
    r"(?!model_validate).*(validate|approv|guardrail|permission|_limit|budget|usage|redact)\w*)$"
)
_REFUSAL = re.compile(r"raise _?[A-Z]")
_KIND = re.compile(r"coroutine|awaitable|is_?async|async_?gen|is_running")
_ABSENT = frozenset(("ImportError", "ModuleNotFoundError"))
_ACCOUNT = frozenset(("usage", "metrics", "tokens", "cost", "stats"))
_LEAST_SHARED = 5
_LEAST_ALIKE = 0.6


class UnlikeTwins(Role):
    """`run` and `run_async` of one class, of which one refuses or records what the other lets pass."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        pairs = [family for family in families(file) if len(family) == 2]
        steps: dict[str, dict[str, int]] = defaultdict(dict)
        for scope in file.functions if pairs else ():
            for step, line in _steps(scope).items():
                steps[scope.name].setdefault(step, line)
        for one, other in pairs:
            yield from _compare(one, other, steps)
            yield from _compare(other, one, steps)


def families(file: FileContext, *, prefixed: bool = False) -> Iterator[list[Scope]]:
    """Functions of one class, or of the module, whose names differ only by what tells `run` from `run_async`.

    Args:
        file: that they stand in.
        prefixed: whether `arun`, a coroutine, belongs to `run`.
    """
    groups: dict[tuple[str, str], list[Scope]] = defaultdict(list)
    for scope in file.functions:
        groups[scope.qualname.rpartition(".")[0], plain_name(scope.name)].append(scope)
    for (owner, name), group in list(groups.items()) if prefixed else ():
        of_plain = groups.get((owner, name[1:])) if name.startswith("a") else None
        if of_plain is not None and all(isinstance(scope.node, ast.AsyncFunctionDef) for scope in group):
            of_plain += groups.pop((owner, name))
    for (_, name), group in groups.items():
        if name and len(group) > 1 and len({scope.name.strip("_") for scope in group}) == len(group):
            yield group


def _compare(lacking: Scope, has: Scope, of_name: dict[str, dict[str, int]]) -> Iterator[Draft]:
    """What one of two functions does that the other, and what that calls in the same file, does not."""
    mine, theirs = _steps(lacking), _steps(has)
    shared = mine.keys() & theirs.keys()
    if len(shared) < _LEAST_SHARED or len(shared) < _LEAST_ALIKE * max(len(mine), len(theirs)):
        return
    called = _called_by(lacking)
    if (called | _called_by(has)) & {lacking.name, has.name}:
        return
    reached = set(mine).union(*(of_name[name] for name in called if name in of_name))
    told = [words for step in reached if _ACCOUNT & (words := set(step.split("_")))]
    lacks = sorted((line, step) for step, line in theirs.items() if step not in reached and _MATTERS.match(step))
    lacks = [(line, step) for line, step in lacks if not _told_otherwise(step, told)]
    of_one_kind, optional = _kind_raises(has) | _absence_raises(has), _asked_for(has)
    lacks = [(line, step) for line, step in lacks if step not in of_one_kind and step not in optional]
    refused = [step for _, step in lacks if _REFUSAL.match(step)]
    if len(refused) <= sum(_REFUSAL.match(step) is not None and step not in theirs for step in mine):
        lacks = [(line, step) for line, step in lacks if step not in refused]  # the same refusals under other names
    node = lacking.node
    if lacks and isinstance(node, ast.stmt):
        draft = hazard("unlike-twins", lacking, node).add("twin", has.qualname)
        yield draft.add("lacks", [step for _, step in lacks]).add("has-at", lacks[0][0])


def _told_otherwise(step: str, steps: list[set[str]]) -> bool:
    """Whether the same account is kept by another step: `update_usage_metrics`, `add_response_usage_to_metrics`."""
    own = set(step.split("_"))
    return bool(own & _ACCOUNT) and any(len(words & own) > 1 for words in steps)


def _kind_raises(scope: Scope) -> set[str]:
    """Refusals of what only the other way can do, or only this one: coroutines, or a loop that runs already."""
    found = set()
    for branch in scope.deep(ast.If):
        if any(_KIND.search(word) for word in words_in(branch.test)):
            for node in inside(branch.body):
                if isinstance(node, ast.Raise) and node.exc is not None:
                    found.add(_refusal(node.exc, scope))
    return found


def _absence_raises(scope: Scope) -> set[str]:
    """Refusals for want of a package, which one of two ways may need alone."""
    clauses = (clause for clause in scope.deep(ast.ExceptHandler) if _ABSENT & set(words_in(clause.type)))
    raised = (node for clause in clauses for node in inside(clause.body) if isinstance(node, ast.Raise))
    return {_refusal(node.exc, scope) for node in raised if node.exc is not None}


def _asked_for(scope: Scope) -> set[str]:
    """Steps that are made only where the object turns out to have them: `hasattr(embedder, "embed_batch_async")`."""
    asked = (call for call in scope.deep(ast.Call) if dotted(call.func, scope) == "hasattr" and len(call.args) == 2)
    return {plain_name(text_of(call.args[1]) or "") for call in asked}


def _called_by(scope: Scope) -> set[str]:
    """Bare names of what a function calls."""
    return {last(dotted(call.func, scope)) for call in scope.deep(ast.Call)}


def _steps(scope: Scope) -> dict[str, int]:
    """What a function calls and raises, by name without the mark, with the first line of each."""
    found: dict[str, int] = {}
    for call in scope.deep(ast.Call):
        name = last(dotted(call.func, scope))
        if name and not name.lstrip("_")[:1].isupper():
            found.setdefault(plain_name(name), call.lineno)
    for node in scope.deep(ast.Raise):
        if node.exc is not None:
            found.setdefault(_refusal(node.exc, scope), node.lineno)
    return found


def _refusal(raised: ast.expr, scope: Scope) -> str:
    return f"raise {last(dotted(raised, scope).removesuffix('()'))}"


def plain_name(name: str) -> str:
    """The name without what tells twins apart."""
    return _MARKS.sub("", name.lower()).replace("__", "_").strip("_")
