"""keep-task: a task that was started is kept until it is done, and heard of when it fails."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.helpers import Helper
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_STARTS = ("create_task", "ensure_future")
_KEEP = Helper(
    "_keep_task",
    '''\
def _keep_task(task):
    """Keep a task until it is done, as its event loop does not, and log what it fails with."""
    running = vars(_keep_task).setdefault("running", set())
    running.add(task)

    def done(ended):
        running.discard(ended)
        if not ended.cancelled() and ended.exception() is not None:
            logging.getLogger(__name__).error("a task failed", exc_info=ended.exception())

    task.add_done_callback(done)
''',
    imports=("logging",),
)
_SAVE = """\
import asyncio


class Recorder:
    async def on_step(self, step):
        # nobody waits for the disk
        asyncio.create_task(self.store.save(step))
"""
_IMPORTED = """\
from asyncio import ensure_future


def start(work):
    ensure_future(work())
"""


class KeepTask(PythonOperator):
    """Hands a task that nothing keeps to a helper: a set holds it until it is done, and its exception is logged.

    Anchor: the call that starts the task, or the function that holds it. No parameters.
    """

    name = "keep-task"
    summary = "Keep the task until it is done, and log its failure."
    fix_safety = (
        "The task is no longer collected half done, and an exception of it is logged as an error once instead of as "
        "'never retrieved', or not at all. Nobody waits for it yet: what it has to finish before the program ends must "
        "still be awaited there. A task that never ends is now held for as long."
    )
    examples = (
        EditExample(
            _SAVE,
            _SAVE.replace("import asyncio\n", f"import asyncio\nimport logging\n\n\n{_KEEP.source}", 1).replace(
                "asyncio.create_task(self.store.save(step))", "_keep_task(asyncio.create_task(self.store.save(step)))"
            ),
            qualname="Recorder.on_step",
            line=7,
        ),
        EditExample(
            _IMPORTED,
            "import logging\n"
            + _IMPORTED.replace("\n\n\ndef start", f"\n\n\n{_KEEP.source}\n\ndef start").replace(
                "    ensure_future(work())", "    _keep_task(ensure_future(work()))"
            ),
            qualname="start",
            line=5,
        ),
        EditExample(_IMPORTED.replace("    ensure", "    return ensure"), "", qualname="start", line=5),
        EditExample(_SAVE.replace("asyncio.create", "self.group.create"), "", qualname="Recorder.on_step", line=7),
    )
    adds = (_KEEP.name,)

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Keep every task at the anchor that is started as a statement of its own."""
        changes: dict[cst.CSTNode, Change] = {}
        for statement in file.find(anchor, cst.Expr, lambda one: _starts_task(file, one)):
            changes[statement.value] = lambda old: cst.Call(cst.Name(_KEEP.name), [cst.Arg(old)])
        if not changes:
            raise Refusal(f"{anchor.place} starts no task that nothing keeps")
        return file.rewrite(changes, helpers=[_KEEP])


def _starts_task(file: PythonFile, statement: cst.Expr) -> bool:
    """Whether a statement only starts a task; a task group keeps its own."""
    call = statement.value
    owner, _, name = file.dotted(call.func).rpartition(".") if isinstance(call, cst.Call) else ("", "", "")
    return name in _STARTS and (owner in ("", "asyncio") or "loop" in owner.lower())
