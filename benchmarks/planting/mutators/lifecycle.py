"""Lifecycle: loops, limits, retries, cut-off turns."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from harnessfix_ir.vocabulary import Layer
from planting.mutator import PythonMutator
from planting.source import Edit, Source

from .shapes import calls, guards, inside, made_without, names
from .tool_interface import VALIDATES

COUNTER = re.compile(r"turn|step|iteration|round|n_calls|requests|attempt|retr", re.IGNORECASE)


class LoopBound(PythonMutator):
    """The agent's loop goes on for ever."""

    name = "loop-unbounded"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L102",))
    shown_by = "long"
    operators = frozenset(("bound-loop",))

    def find(self, source: Source) -> Iterator[Edit]:
        """`for` loops over a `range` of turns."""
        for name, function in source.functions():
            for node in source.inside(function):
                if not isinstance(node, ast.For) or node.orelse or not isinstance(node.target, ast.Name):
                    continue
                if re.search(r"^range\(.*(turns|steps|iter)", ast.unparse(node.iter), re.IGNORECASE):
                    yield source.replace(node, _endless(source, node), name)


def _endless(source: Source, loop: ast.For) -> str:
    """The loop without its bound, counting on if its counter is used."""
    assert isinstance(loop.target, ast.Name)
    counter, body = loop.target.id, source.dedented(loop.body).replace("\n", "\n    ")
    used = any(isinstance(node, ast.Name) and node.id == counter for part in loop.body for node in ast.walk(part))
    if not used:
        return f"while True:\n    {body}"
    return f"{counter} = {_before_first(source, loop.iter)}\nwhile True:\n    {counter} += 1\n    {body}"


def _before_first(source: Source, counted: ast.expr) -> str:
    """What a counter holds before it counts as that `range` does."""
    given = counted.args if isinstance(counted, ast.Call) else []
    return f"{source.segment(given[0])} - 1" if len(given) > 1 else "-1"


class LimitCheck(PythonMutator):
    """A limit of steps, cost or time is set and never looked at."""

    name = "limit-unchecked"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L102", "L106"))
    shown_by = "long"
    operators = frozenset(("bound-loop", "fix-limit"))

    def find(self, source: Source) -> Iterator[Edit]:
        """Branches that leave when something reaches a limit; a test of the limit itself is none.

        What a run may spend is a matter of governance, how long its loops go round one of the lifecycle.
        """
        pattern = r"(max_\w*(turns|steps|iterations)|(step|turn|cost|request)s?_limit)"
        for name, function in source.functions():
            for guard in guards(source, function, pattern):
                if isinstance(guard.body[-1], (ast.Raise, ast.Return, ast.Break)) and _counts(guard.test):
                    goes_round = re.search(r"(turn|step|iteration)s?_limit|max_", ast.unparse(guard.test))
                    spends = None if goes_round else Layer.GOVERNANCE
                    yield replace(source.remove(guard, name), layer=spends)


class Counter(PythonMutator):
    """A limit is compared with a counter that stands still."""

    name = "counter-still"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L102", "L106"))
    shown_by = "long"
    operators = frozenset(("bound-loop", "fix-limit"))

    def find(self, source: Source) -> Iterator[Edit]:
        """`x += 1` of what counts turns, in a function that a limit is compared in, or whose class does so."""
        for name, function in source.functions():
            for node in source.inside(function):
                if not isinstance(node, ast.AugAssign) or ast.unparse(node.value) != "1":
                    continue
                counter = ast.unparse(node.target).rpartition(".")[2]
                if COUNTER.search(counter) and re.search(rf"[<>]=? *[\w.]*{counter}\b|\b{counter} *[<>]", source.text):
                    yield source.remove(node, name)


def _counts(test: ast.expr) -> bool:
    """Whether two things that vary are compared in order."""
    compared = [node for node in ast.walk(test) if isinstance(node, ast.Compare)]
    return any(
        sum(not isinstance(side, ast.Constant) for side in (node.left, *node.comparators)) > 1
        for node in compared
        if any(isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for op in node.ops)
    )


class StepRaises(PythonMutator):
    """What goes wrong in one round of a loop ends all of it."""

    name = "step-error-fatal"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L108", "L145"))  # where the loop counts attempts, it makes one
    operators = frozenset(("contain-step-error",))
    ends_runs = True

    def find(self, source: Source) -> Iterator[Edit]:
        """Clauses in a loop that keep the exception and raise nothing; around what reads a reply it is another sort."""
        for name, function in source.functions():
            for loop in source.inside(function):
                if not isinstance(loop, (ast.For, ast.AsyncFor, ast.While)):
                    continue
                for tried in inside(loop.body, ast.Try):
                    if any(VALIDATES.search(ast.unparse(call.func)) for call in inside(tried.body, ast.Call)):
                        continue
                    for handler in tried.handlers:
                        kept = inside(handler.body, ast.Assign)
                        raises = any(True for _ in inside(handler.body, ast.Raise))
                        if handler.name and not raises and any(names(node.value, handler.name) for node in kept):
                            yield source.replace_all(handler.body, "raise", name)


class ZeroUnset(PythonMutator):
    """A limit of zero is taken for no limit."""

    name = "zero-as-unset"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L106",))
    operators = frozenset(("fix-limit",))

    def find(self, source: Source) -> Iterator[Edit]:
        """`a if x is None else x`, either way round."""
        for name, function in source.functions():
            for node in source.inside(function):
                if not isinstance(node, ast.IfExp) or not isinstance(node.test, ast.Compare):
                    continue
                asked, none = node.test.left, node.test.comparators[0]
                if ast.unparse(none) != "None" or "limit" not in ast.unparse(node) + name:
                    continue
                given, other = (
                    (node.orelse, node.body) if isinstance(node.test.ops[0], ast.Is) else (node.body, node.orelse)
                )
                if ast.unparse(asked) == ast.unparse(given):
                    yield source.replace(node, f"{source.segment(given)} or {source.segment(other)}", name)


class CutOff(PythonMutator):
    """A turn that was cut off is used as if it were whole."""

    name = "finish-reason-unread"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L112",))
    operators = frozenset(("check-finish-reason",))

    def find(self, source: Source) -> Iterator[Edit]:
        """Branches for a finish reason of `length`."""
        for name, function in source.functions():
            for guard in guards(source, function, r"(finish|stop)_?reason.*(length|max_tokens)"):
                yield source.remove(guard, name)


class RetryAll(PythonMutator):
    """What can never succeed is tried again."""

    name = "permanent-error-retried"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L104",))
    shown_by = "failing"
    operators = frozenset(("classify-retry",))

    def find(self, source: Source) -> Iterator[Edit]:
        """The part of a handler's condition that sorts by status; what a retrying helper is told to retry."""
        for name, function in source.functions():
            for call in calls(source, function, r"Retrying$"):
                if any(keyword.arg == "retry" for keyword in call.keywords):
                    yield made_without(source, call, "retry", name)
            for handler in source.inside(function):
                if not isinstance(handler, ast.ExceptHandler):
                    continue
                for node in ast.walk(handler):
                    if (
                        isinstance(node, ast.If)
                        and isinstance(node.test, ast.BoolOp)
                        and isinstance(node.test.op, ast.Or)
                    ):
                        sorts = [value for value in node.test.values if re.search(r"code|status", ast.unparse(value))]
                        kept = [source.segment(value) for value in node.test.values if value not in sorts]
                        if sorts and kept:
                            yield source.replace(node.test, " or ".join(kept), name)


class RetryBound(PythonMutator):
    """A busy provider is asked again for ever."""

    name = "retry-unbounded"
    layer = Layer.LIFECYCLE
    causes = frozenset(("L105",))
    shown_by = "failing"
    operators = frozenset(("classify-retry",))

    def find(self, source: Source) -> Iterator[Edit]:
        """`if attempt >= limit: raise` in a handler inside `while True`; when a retrying helper is told to stop."""
        for name, function in source.functions():
            for call in calls(source, function, r"Retrying$"):
                if any(keyword.arg == "stop" for keyword in call.keywords):
                    yield made_without(source, call, "stop", name)
            for loop in source.inside(function):
                if not isinstance(loop, ast.While) or ast.unparse(loop.test) != "True":
                    continue
                for node in ast.walk(loop):
                    counted = isinstance(node, ast.If) and re.search(r"attempt|tries|retries", ast.unparse(node.test))
                    if counted and isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise):
                        yield source.remove(node, name)
