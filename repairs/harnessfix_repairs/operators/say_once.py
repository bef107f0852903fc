"""say-once: a block of text that every round appends again stands in the conversation once."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import before, own_line
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.reporting import constant_text, message_calls
from harnessfix_repairs.editing.scope import bound_at, loop_around, names_in

from .base import EditExample, Refusal

SHORT = 400  # characters; a shorter reminder is repeated on purpose

_RUN = """\
def run(model, task, rules):
    messages = [{"role": "system", "content": rules}, {"role": "user", "content": task}]
    while True:
        reply = model.query(messages)
        messages.append(reply)
        messages.append({"role": "system", "content": rules})
        messages.append({"role": "user", "content": f"You said {reply}. Go on."})
"""
_LATER = """\
def run(model, messages, rules):
    # until it is done
    for _ in range(9):
        messages.append(model.query(messages))
        messages.append({"role": "system", "content": rules})  # keep to them
        messages.append({"role": "user", "content": "Go on."})
"""


class SayOnce(PythonOperator):
    """Takes an append of the same text out of the loop: it goes where the conversation has the message already, and in
    front of the loop where it has not.

    Anchor: the append, or the function that holds it. No parameters.
    """

    name = "say-once"
    summary = "Send the block once, before the loop."
    fix_safety = (
        "The model no longer reads the block at the end of each request: what it obeyed because it was said last may "
        "be forgotten in long runs. Where that was meant, replace the old copy instead of appending another."
    )
    examples = (
        EditExample(
            _RUN,
            _RUN.replace('        messages.append({"role": "system", "content": rules})\n', ""),
            qualname="run",
            line=6,
        ),
        EditExample(
            _LATER,
            _LATER.replace(
                '        messages.append({"role": "system", "content": rules})  # keep to them\n', ""
            ).replace(
                "    # until",
                '    messages.append({"role": "system", "content": rules})  # keep to them\n    # until',
            ),
            qualname="run",
            line=1,
            end_line=6,
        ),
        EditExample(_LATER.replace("rules})", 'f"{messages[-1]}"})'), "", qualname="run", line=5),
        EditExample(
            _LATER.replace("messages, rules):", "messages):").replace("rules", '"Be brief."'),
            "",
            qualname="run",
            line=5,
        ),
        EditExample(
            _LATER.replace("        messages.append({", "        if _:\n            messages.append({", 1),
            "",
            qualname="run",
            line=6,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Move or remove the only such append at the anchor."""
        calls = file.find(anchor, cst.Call, lambda one: _is_repeated(file, one))
        if len(calls) != 1:
            raise Refusal(f"{anchor.place} has {len(calls) or 'no'} appends of the same text in a loop")
        line = own_line(file, calls[0])
        loop = loop_around(file, line)
        assert loop is not None
        block = next(file.parents(line))
        if block is not loop.body or len(loop.body.body) < 2:
            raise Refusal(f"{file.path}:{file.line(line)} is appended under a condition, or alone in its loop")
        changes: dict[cst.CSTNode, Change] = {line: lambda _: cst.RemovalSentinel.REMOVE}
        if not _stands_already(file, calls[0], loop):
            changes[loop] = before(
                [line.with_changes(leading_lines=[one for one in line.leading_lines if one.comment])]
            )
        return file.rewrite(changes)


def _is_repeated(file: PythonFile, call: cst.Call) -> bool:
    """Whether a call in a loop appends a message of ours that is the same in every round."""
    loop = loop_around(file, call)
    if loop is None:
        return False
    for found, content, role in message_calls(file, call):
        text = constant_text(content)
        if found is call and role not in ("assistant", "tool") and (text is None or len(text) >= SHORT):
            plain = isinstance(content, (cst.Name, cst.Attribute, cst.SimpleString, cst.ConcatenatedString))
            known = names_in(file, call) <= bound_at(file, loop)
            return plain and known and not names_in(file, content) & _rebound(file, loop)
    return False


def _rebound(file: PythonFile, loop: cst.For | cst.While) -> set[str]:
    """Names that the loop binds anew."""
    targets: list[cst.CSTNode] = [one.target for one in file.within(loop, cst.AssignTarget)]
    targets += [one.target for one in file.within(loop, cst.AugAssign)]
    targets += [one.target for one in file.within(loop, cst.AnnAssign)]
    targets += [one.target for one in file.within(loop, cst.NamedExpr)]
    targets += [one.target for one in file.within(loop, cst.For)]
    return {name for target in targets for name in names_in(file, target)}


def _stands_already(file: PythonFile, call: cst.Call, loop: cst.CSTNode) -> bool:
    """Whether the list that is appended to was made, in front of the loop, with the very message in it."""
    function = file.function(call)
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    if function is None or owner is None:
        return False
    for assign in file.within(function, cst.Assign):
        if isinstance(assign.value, cst.List) and file.lines(assign)[1] < file.line(loop):
            same = any(file.code(target.target) == file.code(owner) for target in assign.targets)
            held = [file.code(element.value) for element in assign.value.elements]
            if same and file.code(call.args[0].value) in held:
                return True
    return False
