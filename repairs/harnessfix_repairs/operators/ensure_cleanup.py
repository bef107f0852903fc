"""ensure-cleanup: what was acquired is released on every path."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_ir.vocabulary import Safety
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.finally_block import in_finally
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile

from .base import EditExample, Refusal

_RELEASE = re.compile(r"close|release|terminate|kill|stop|shutdown|cleanup|disconnect|unlink|aclose|teardown")

_FILE = """\
def count(path, work):
    source = open(path)
    # line by line
    total = work(source)
    source.close()  # done
    return total
"""
_SANDBOX = """\
async def run(make, work):
    sandbox = make()
    await sandbox.start()
    result = await work(sandbox)
    await sandbox.stop()
    return result
"""


class EnsureCleanup(PythonOperator):
    """Moves a release into a `finally` around everything between it and the acquisition.

    The release is a statement `name.close()`, `.stop()`, `.release()` or the like; the acquisition the nearest one
    before it, in the same block, that assigns that name, or starts it (`name.start()`, `.acquire()`, `.open()`).

    Anchor: the acquisition, the release, or the function that holds them.

    Parameters:
        release: source of the call that releases (`sandbox.stop()`), when the function holds several.
    """

    name = "ensure-cleanup"
    summary = "Release what was acquired on every path."
    safety = Safety.SAFE
    fix_safety = (
        "The release now also runs when something between it and the acquisition fails or returns; on the path "
        "where it ran before, it runs at the same place. A release that fails itself hides the error that led "
        "there, which Python then shows as its context only."
    )
    examples = (
        EditExample(
            _FILE,
            _FILE.replace(
                "    # line by line\n    total = work(source)\n    source",
                "    try:\n        # line by line\n        total = work(source)\n    finally:\n        source",
            ),
            qualname="count",
            line=2,
        ),
        EditExample(
            _SANDBOX,
            _SANDBOX.replace(
                "    result = await work(sandbox)\n    await sandbox.stop()\n",
                "    try:\n        result = await work(sandbox)\n    finally:\n        await sandbox.stop()\n",
            ),
            qualname="run",
            line=1,
            end_line=6,
            parameters={"release": "sandbox.stop()"},
        ),
        EditExample("def run(path):\n    source = open(path)\n    source.close()\n", "", qualname="run", line=2),
        EditExample("def run(sandbox):\n    sandbox.stop()\n", "", qualname="run", line=1, end_line=2),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Put the first such release of the function at the anchor in a `finally`."""
        wanted = parameters.text(spec, "release")

        def fits(call: cst.Call) -> bool:
            if wanted:
                return file.code(call) == wanted
            return isinstance(call.func, cst.Attribute) and bool(_RELEASE.fullmatch(call.func.attr.value))

        scope = file.definition(anchor.qualname, anchor.start_line)
        for call in [node for node in file.within(scope, cst.Call) if fits(node)]:
            line = file.statement(call)
            if not isinstance(line, cst.SimpleStatementLine) or not isinstance(line.body[0], cst.Expr):
                continue
            owner = file.code(call.func).rpartition(".")[0]
            done = in_finally(file, line, lambda code, owner=owner: _acquires(code, owner))  # type: ignore[misc]
            if done is not None:
                return file.rewrite(done)
        raise Refusal(f"{anchor.place} holds no release that follows its acquisition in one block")


def _acquires(code: str, owner: str) -> bool:
    quoted = re.escape(owner)
    return (
        re.match(rf"(await )?{quoted}\.(start|acquire|open|connect|launch|__enter__)\(|{quoted}\s*(:[^=]+)?=[^=]", code)
        is not None
    )
