"""cancel-siblings: when one of several tasks fails, the others are ended before the failure goes on."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.calls import argument, has_unpacked
from harnessfix_repairs.editing.helpers import Helper
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile

from .base import EditExample, Refusal

_ALL = Helper(
    "_gather_or_cancel",
    '''\
async def _gather_or_cancel(*works):
    """`asyncio.gather` that leaves none of the works running when one of them fails."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
''',
    ("asyncio",),
)
_TEAM = """\
import asyncio


class Team:
    async def answer(self, task):
        # all at once
        drafts = await asyncio.gather(*(worker.draft(task) for worker in self.workers))
        return max(drafts, key=len)
"""


class CancelSiblings(PythonOperator):
    """`await asyncio.gather(…)` becomes a helper that cancels the others, waits for them, and hands on the failure.

    Anchor: the call, or the function that holds it. No parameters.
    """

    name = "cancel-siblings"
    summary = "End the other tasks when one of those that are gathered fails."
    fix_safety = (
        "Results, their order and the exception stay the same. When one work fails the others now get a "
        "`CancelledError` and are waited for, where they used to run on: one that must finish whatever happens to its "
        "siblings needs `asyncio.shield`, and one that ignores cancellation delays the failure."
    )
    adds = (_ALL.name,)
    examples = (
        EditExample(
            _TEAM,
            _TEAM.replace("asyncio.gather(", "_gather_or_cancel(").replace(
                "import asyncio\n\n\n", "import asyncio\n\n\n" + _ALL.source + "\n\n"
            ),
            qualname="Team.answer",
            line=7,
        ),
        EditExample(
            _TEAM.replace("self.workers))", "self.workers), return_exceptions=True)"),
            "",
            qualname="Team.answer",
            line=7,
        ),
        EditExample(_TEAM.replace("await asyncio.gather", "asyncio.gather"), "", qualname="Team.answer", line=7),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Replace every such call at the anchor."""
        calls = [
            call
            for call in file.find(anchor, cst.Call, lambda call: file.dotted(call.func) == "asyncio.gather")
            if isinstance(next(file.parents(call)), cst.Await) and file.function(call) is not None
        ]
        calls = [call for call in calls if not _inside_helper(file, call)]
        plain = [c for c in calls if not has_unpacked(c) and argument(c, "return_exceptions") is None]
        if not plain:
            if file.find(anchor, cst.Call, lambda call: file.code(call.func) == _ALL.name):
                return file.text
            raise Refusal(f"{anchor.place} gathers nothing whose failure leaves others running")
        return file.rewrite({call.func: lambda _: cst.Name(_ALL.name) for call in plain}, helpers=[_ALL])


def _inside_helper(file: PythonFile, call: cst.Call) -> bool:
    function = file.function(call)
    return function is not None and function.name.value == _ALL.name
