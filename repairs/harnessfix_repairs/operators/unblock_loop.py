"""unblock-loop: while a coroutine waits, the other tasks of its event loop go on."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.narrow import narrowed
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.scope import is_rebound

from .base import EditExample, Refusal

_SLEEP = "time.sleep"
_BLOCKS = re.compile(
    r"(os\.system|subprocess\.(run|call|check_call|check_output)|"
    r"(requests|httpx)\.(get|post|put|patch|delete|head|request))$"
)
_OTHER_LOOPS = ("trio", "anyio", "curio", "gevent", "eventlet")
_LOCK = re.compile(r"(?i)lock|mutex|semaphore|condition")
# Where an `await` needs no parentheses of its own.
_OPEN = (cst.Expr, cst.Assign, cst.AnnAssign, cst.Return, cst.Arg, cst.WithItem, cst.If, cst.While)

_RETRY = """\
import time


async def ask(model, messages):
    for attempt in range(3):
        try:
            return await model.query(messages)
        except ConnectionError:
            time.sleep(2**attempt)  # a little longer each time
"""
_FETCH = """\
import asyncio

import requests


async def fetch(url, seconds):
    return requests.get(url, timeout=seconds).json()
"""


class UnblockLoop(PythonOperator):
    """Awaits `asyncio.sleep` in place of `time.sleep`, and hands other blocking calls to `asyncio.to_thread`.

    Anchor: the call, or the coroutine that holds it.

    Parameters:
        line: line of the call, when the coroutine holds several; by default all are edited.
    """

    name = "unblock-loop"
    summary = "Wait without holding the event loop."
    fix_safety = (
        "Other tasks now run while this one waits: look whether they change what the coroutine goes on with. A call "
        "in a thread runs on when the coroutine is cancelled, so give it a timeout. The coroutine has to run under "
        "asyncio. An import that is no longer needed stays."
    )
    examples = (
        EditExample(
            _RETRY,
            _RETRY.replace("import time", "import asyncio\nimport time").replace("time.sleep(", "await asyncio.sleep("),
            qualname="ask",
            line=9,
        ),
        EditExample(
            _FETCH,
            _FETCH.replace(
                "requests.get(url, timeout=seconds)", "(await asyncio.to_thread(requests.get, url, timeout=seconds))"
            ),
            qualname="fetch",
            line=7,
        ),
        EditExample(_RETRY.replace("async def", "def").replace("await ", ""), "", qualname="ask", line=9),
        EditExample(_RETRY.replace("import time", "import time\nimport trio"), "", qualname="ask", line=10),
        EditExample(_FETCH.replace("seconds).json", "seconds, stream=True).json"), "", qualname="fetch", line=7),
        EditExample(
            "import time\n\n\nasync def wait(self):\n    with self.lock:\n        time.sleep(1)\n",
            "",
            qualname="wait",
            line=6,
        ),
        EditExample(
            "import time\n\n\nasync def wait(seconds):\n    return lambda: time.sleep(seconds)\n",
            "",
            qualname="wait",
            line=5,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Free the loop at every blocking call at the anchor."""
        calls = file.find(anchor, cst.Call, lambda call: _blocks(file, call))
        calls = [call for call in narrowed(file, calls, spec) if _in_coroutine(file, call)]
        if not calls:
            raise Refusal(f"{anchor.place} makes no call in a coroutine that is known to block and can be awaited")
        if found := next((name for name in _OTHER_LOOPS if name in file.imported), ""):
            raise Refusal(f"{file.path} imports {found}, so its coroutines may not run under asyncio")
        if is_rebound(file, "asyncio"):
            raise Refusal(f"{file.path} gives `asyncio` a meaning of its own")
        changes: dict[cst.CSTNode, Change] = {}
        for call in calls:
            held = _lock_around(file, call)
            if held:
                raise Refusal(f"{file.path}:{file.line(call)} waits while it holds {held}, which would hold up others")
            changes[call] = _awaited(file, call)
        return file.rewrite(changes, imports=["asyncio"])


def _blocks(file: PythonFile, call: cst.Call) -> bool:
    name = file.dotted(call.func)
    if name == _SLEEP:
        return len(call.args) == 1 and call.args[0].keyword is None and not call.args[0].star
    streamed = any(arg.keyword is not None and arg.keyword.value == "stream" for arg in call.args)
    return _BLOCKS.match(name) is not None and not streamed and "." in file.code(call.func)


def _in_coroutine(file: PythonFile, call: cst.Call) -> bool:
    """Whether the call is part of a coroutine's own body, where an `await` may stand."""
    child: cst.CSTNode = call
    for above in file.parents(call):
        if isinstance(above, (cst.Lambda, cst.BaseComp, cst.ClassDef, cst.FormattedStringExpression, cst.Await)):
            return False
        if isinstance(above, cst.FunctionDef):
            return above.asynchronous is not None and child is above.body
        child = above
    return False


def _lock_around(file: PythonFile, call: cst.Call) -> str:
    for above in file.parents(call):
        if isinstance(above, cst.FunctionDef):
            break
        if isinstance(above, cst.With) and above.asynchronous is None:
            for item in above.items:
                if _LOCK.search(source := file.code(item.item)):
                    return f"`{source}`"
    return ""


def _awaited(file: PythonFile, call: cst.Call) -> Change:
    above = next(file.parents(call))
    bare = isinstance(above, _OPEN) or bool(call.lpar)
    sleeps = file.dotted(call.func) == _SLEEP

    def change(old: cst.Call) -> cst.Await:
        made = old.with_changes(
            func=cst.Attribute(cst.Name("asyncio"), cst.Name("sleep" if sleeps else "to_thread")), lpar=(), rpar=()
        )
        if not sleeps:
            comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")) if old.args else cst.MaybeSentinel.DEFAULT
            made = made.with_changes(args=[cst.Arg(old.func, comma=comma), *old.args])
        lpar, rpar = (old.lpar, old.rpar) if bare else ([cst.LeftParen()], [cst.RightParen()])
        return cst.Await(made, lpar=lpar, rpar=rpar)

    return change
