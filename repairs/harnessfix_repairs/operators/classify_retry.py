"""classify-retry: only what may pass is tried again, a bounded number of times."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.calls import add_keyword, argument
from harnessfix_repairs.editing.handlers import caught_types
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile, chain
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, GuardExample, Refusal

DEFAULT_ATTEMPTS = 10
_BROAD = {"Exception", "BaseException"}

_TENACITY = """\
from tenacity import retry, wait_fixed


@retry(wait=wait_fixed(2))
def ask(client, messages):
    return client.complete(messages)
"""
_LOOP = """\
import time

from provider import AuthenticationError


def query(client, messages):
    for attempt in range(4):
        try:
            return client.complete(messages)
        except Exception as error:
            # the provider may be busy
            print(f"attempt {attempt} failed: {error}")
            time.sleep(2**attempt)
    raise TimeoutError("no answer")
"""
_ENDLESS = """\
import time


def query(client, messages):
    while True:
        try:
            return client.complete(messages)
        except ConnectionError:
            time.sleep(1)
"""
_TRANSIENT = ("OSError", "ConnectionError", "TimeoutError", "RuntimeError")
_ASKING = """\
def asking(*answers):
    left = iter(answers)

    def ask():
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def raised(ask):
    try:
        query(ask)
    except PermissionError:
        return True
    return False
"""


class ClassifyRetry(PythonOperator):
    """Bounds a retry that has no stop, and lets permanent errors through at once.

    With tenacity: adds `stop=stop_after_attempt(…)` where there is no stop, and `retry=retry_if_not_exception_type(…)`
    for permanent errors. A retry written as a loop: `while True` around a `try` becomes a `for`, whose last attempt
    raises; and an `except` clause for the permanent errors, which raises, goes before the broad one.

    Anchor: the decorator, the loop, or the function that holds it.

    Parameters:
        permanent: names of exceptions that trying again cannot help; each has to be known in the file.
        attempts: most attempts where there is no bound; 10 by default.
    """

    name = "classify-retry"
    summary = "Retry transient errors only, and a bounded number of times."
    fix_safety = (
        "An error that used to be tried again leaves at once, or after the last attempt: look whether the permanent "
        "ones are permanent with this provider (some answer 400 when they are overloaded), and whether callers "
        "expect the exception that now reaches them."
    )
    examples = (
        EditExample(
            _TENACITY,
            _TENACITY.replace("wait_fixed(2))", "wait_fixed(2), stop=stop_after_attempt(10))").replace(
                "retry, wait_fixed", "retry, stop_after_attempt, wait_fixed"
            ),
            qualname="ask",
            line=4,
        ),
        EditExample(
            _LOOP,
            _LOOP.replace(
                "        except Exception",
                "        except AuthenticationError:\n            raise\n        except Exception",
            ),
            qualname="query",
            line=7,
            end_line=13,
            parameters={"permanent": ["provider.AuthenticationError"]},
        ),
        EditExample(
            _ENDLESS,
            _ENDLESS.replace("while True:", "for attempt in range(10):").replace(
                "            time.sleep(1)",
                "            if attempt == 9:\n                raise\n            time.sleep(1)",
            ),
            qualname="query",
            line=5,
            end_line=9,
        ),
        EditExample(_LOOP, "", qualname="query", line=7, end_line=13, parameters={"permanent": ["NoSuchError"]}),
        EditExample("def query(client):\n    return client.complete()\n", "", qualname="query", line=2),
    )

    guards = (
        GuardExample(
            "def query(ask):\n    for attempt in range(4):\n        try:\n            return ask()\n"
            "        except Exception as error:\n            print(error)\n    return None\n",
            passes=[f"query(asking({kind}('busy'), 'answer')) == 'answer'" for kind in _TRANSIENT],
            stops=["raised(asking(PermissionError('no'), 'answer'))"],
            setup=_ASKING,
            qualname="query",
            line=2,
            end_line=6,
            parameters={"permanent": ["PermissionError"]},
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Bound, or classify, the retry at the anchor."""
        permanent = parameters.texts(spec, "permanent")
        calls = file.find(anchor, cst.Call, lambda call: _is_retry(file, call))
        if calls:
            changes, imports = _decorated(file, calls[0], permanent, _attempts(spec))
            return file.rewrite(changes, imports=imports)
        tries = [node for node in file.find(anchor, cst.Try) if loop_around(file, node) is not None]
        if not tries:
            raise Refusal(f"{anchor.place} holds no retry that is understood")
        loop = loop_around(file, tries[0])
        if permanent:
            return file.rewrite(_let_through(file, tries[0], permanent))
        if isinstance(loop, cst.While) and file.code(loop.test) in ("True", "1"):
            return file.rewrite(_bounded(file, tries[0], loop, _attempts(spec)))
        return file.text


def _attempts(spec: RepairSpec) -> int:
    return parameters.whole(spec, "attempts", 1) or DEFAULT_ATTEMPTS


def _is_retry(file: PythonFile, call: cst.Call) -> bool:
    return file.dotted(call.func) in ("tenacity.retry", "tenacity.Retrying", "tenacity.AsyncRetrying")


def _known(file: PythonFile, names: list[str]) -> list[str]:
    """Sources by which the file can name these exceptions; raises `Refusal` when it can name none."""
    found = []
    for name in names:
        if not re.fullmatch(r"[A-Za-z_][\w.]*", name):
            continue
        last = name.rsplit(".", 1)[-1]
        local = [n for n, full in file.imported.items() if full == name or full.rsplit(".", 1)[-1] == last]
        written = [file.code(node) for node in file.within(file.module, cst.Attribute) if node.attr.value == last]
        defined = [n.name.value for n in file.within(file.module, cst.ClassDef) if n.name.value == last]
        builtin = [last] if last in ("ValueError", "TypeError", "KeyError", "PermissionError") else []
        found += [*local, *sorted(set(written), key=len), *defined, *builtin][:1]
    if not found:
        raise Refusal(f"{file.path} has no name for {', '.join(names)[:80]}")
    return list(dict.fromkeys(found))


def _decorated(
    file: PythonFile, call: cst.Call, permanent: list[str], attempts: int
) -> tuple[dict[cst.CSTNode, Change], list[str]]:
    changes: list[Change] = []
    imports: list[str] = []
    prefix = file.code(call.func).rpartition(".")[0]

    def named(function: str) -> str:
        if prefix:
            return f"{prefix}.{function}"
        imports.append(f"tenacity:{function}")
        return function

    if argument(call, "stop") is None:
        changes.append(add_keyword("stop", file.expression(f"{named('stop_after_attempt')}({attempts})")))
    if permanent and argument(call, "retry") is None:
        types = _known(file, permanent)
        shown = types[0] if len(types) == 1 else f"({', '.join(types)})"
        changes.append(add_keyword("retry", file.expression(f"{named('retry_if_not_exception_type')}({shown})")))
    elif permanent:
        raise Refusal(f"{file.path}:{file.line(call)} has a condition of its own for what is tried again")
    return ({call: chain(*changes)} if changes else {}), imports


def _let_through(file: PythonFile, node: cst.Try, permanent: list[str]) -> dict[cst.CSTNode, Change]:
    types = _known(file, permanent)
    for handler in node.handlers:
        caught = [name.rsplit(".", 1)[-1] for name in caught_types(file, handler)]
        if {t.rsplit(".", 1)[-1] for t in types} <= set(caught):
            return {}
        if not caught or _BROAD & set(caught):
            shown = types[0] if len(types) == 1 else f"({', '.join(types)})"
            (made,) = file.statements(f"try:\n    pass\nexcept {shown}:\n    raise\n")
            first = made.handlers[0]
            others = list(node.handlers)
            place = others.index(handler)

            def change(old: cst.Try, first: cst.ExceptHandler = first, place: int = place) -> cst.Try:
                return old.with_changes(handlers=[*old.handlers[:place], first, *old.handlers[place:]])

            return {node: change}
    raise Refusal(f"{file.path}:{file.line(node)} has no broad clause; what it tries again is named")


def _bounded(file: PythonFile, node: cst.Try, loop: cst.While, attempts: int) -> dict[cst.CSTNode, Change]:
    handlers = [
        handler for handler in node.handlers if not file.within(handler.body, (cst.Raise, cst.Return, cst.Break))
    ]
    if not handlers or loop.orelse is not None or next(file.parents(node)) is not loop.body:
        raise Refusal(f"{file.path}:{file.line(loop)} is not a loop around one try whose clauses go on")
    name = file.fresh(file.function(loop) or file.module, "attempt", "attempt_number", "retry_number")
    last = file.statements(f"if {name} == {attempts - 1}:\n    raise\n")
    (made,) = file.statements(f"for {name} in range({attempts}):\n    pass\n")

    def bounded(old: cst.While) -> cst.BaseStatement:
        whole = made.with_changes(body=old.body, leading_lines=old.leading_lines)
        assert isinstance(whole, cst.For)
        return whole

    changes: dict[cst.CSTNode, Change] = {loop: bounded}
    for handler in handlers:
        if not isinstance(handler.body, cst.IndentedBlock):
            raise Refusal(f"{file.path}:{file.line(handler)} has its clause on one line")
        changes[handler.body] = lambda body: body.with_changes(body=[*last, *body.body])
    return changes
