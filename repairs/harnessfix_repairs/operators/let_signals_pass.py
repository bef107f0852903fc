"""let-signals-pass: a cancellation or Ctrl-C is not answered like a failure of the work."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.handlers import caught_types
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile

from .base import EditExample, Refusal

_CLERK = """\
class Clerk:
    async def fetch(self, letter):
        try:
            return await self.post.collect(letter)
        except BaseException as error:  # whatever it was
            return f"the letter did not come: {error}"
"""
_BARE = """\
async def fetch(post):
    try:
        return await post.collect()
    except:
        return None
"""


class LetSignalsPass(PythonOperator):
    """`except BaseException` and a bare `except` become `except Exception`.

    Anchor: the clause, or the function that holds it. No parameters.
    """

    name = "let-signals-pass"
    summary = "Catch failures of the work, not cancellation and Ctrl-C."
    fix_safety = (
        "`CancelledError`, `KeyboardInterrupt`, `SystemExit` and `GeneratorExit` now leave the function at once. What "
        "the clause put away before it answered is no longer put away for them: that belongs into a `finally`. A "
        "caller that waits for an answer after cancelling gets the exception instead."
    )
    examples = (
        EditExample(_CLERK, _CLERK.replace("BaseException", "Exception"), qualname="Clerk.fetch", line=5),
        EditExample(_BARE, _BARE.replace("except:", "except Exception:"), qualname="fetch", line=4),
        EditExample(_BARE.replace("except:", "except (BaseException, ValueError):"), "", qualname="fetch", line=4),
        EditExample(_BARE.replace("        return None", "        raise"), "", qualname="fetch", line=4),
        EditExample(_BARE.replace("except:", "except OSError:"), "", qualname="fetch", line=4),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Narrow the clause at the anchor."""
        clauses = file.find(anchor, cst.ExceptHandler)
        changes: dict[cst.CSTNode, Change] = {}
        for clause in clauses:
            caught = [name.rsplit(".", 1)[-1] for name in caught_types(file, clause)]
            if file.within(clause.body, cst.Raise):
                continue
            if clause.type is None:
                changes[clause] = _named
            elif caught == ["BaseException"] and not isinstance(clause.type, cst.Tuple):
                changes[clause.type] = lambda _: cst.Name("Exception")
        if not changes:
            if any(clause.type is not None and file.code(clause.type) == "Exception" for clause in clauses):
                return file.text
            raise Refusal(f"{anchor.place} holds no clause that answers whatever was raised")
        return file.rewrite(changes)


def _named(clause: cst.ExceptHandler) -> cst.ExceptHandler:
    return clause.with_changes(type=cst.Name("Exception"), whitespace_after_except=cst.SimpleWhitespace(" "))
