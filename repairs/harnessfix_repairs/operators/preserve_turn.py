"""preserve-turn: a model's turn is in the history before anything can go wrong with it."""

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing.blocks import after
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile
from harnessfix_repairs.editing.reporting import message_calls
from harnessfix_repairs.editing.scope import bound_at, names_in

from .base import EditExample, Refusal

_LOOP = """\
def run(model, messages):
    for _ in range(5):
        reply = model.query(messages)
        try:
            action = parse_action(reply)
        except FormatError as error:
            messages.append({"role": "user", "content": str(error)})
            continue
        # keep what was said
        messages.append(reply)
        act(action)
"""
_TRY = """\
class Agent:
    def step(self):
        response = self.model.query(self.messages)
        try:
            action = self.parse(response)
            self.add_message("assistant", response["content"])
        except FormatError as error:
            self.add_message("user", str(error))
            return
        self.act(action)
"""


class PreserveTurn(PythonOperator):
    """Moves the line that adds the model's turn to the history up, to right behind the line that receives the turn.

    The line may only use what the reply was bound to and what was known before; nothing between may assign those anew.

    Anchor: the line that adds the turn, or the function that holds it.
    """

    name = "preserve-turn"
    summary = "Add the model's turn to the history before it is parsed."
    fix_safety = (
        "The next request now holds a turn that was missing from it. Where the rejected turn asked for tools, the "
        "provider may demand an answer for each call: look whether the error path gives one."
    )
    examples = (
        EditExample(
            _LOOP,
            _LOOP.replace("        # keep what was said\n        messages.append(reply)\n", "").replace(
                "(messages)\n        try",
                "(messages)\n        # keep what was said\n        messages.append(reply)\n        try",
            ),
            qualname="run",
            line=10,
        ),
        EditExample(
            _TRY,
            _TRY.replace('            self.add_message("assistant", response["content"])\n', "").replace(
                "        try:", '        self.add_message("assistant", response["content"])\n        try:'
            ),
            qualname="Agent.step",
            line=2,
            end_line=10,
        ),
        EditExample(_LOOP.replace("messages.append(reply)", "log(reply)"), "", qualname="run", line=10),
        EditExample(
            _LOOP.replace("messages.append(reply)", 'messages.append({"role": "user", "content": action})'), "", line=10
        ),
        EditExample(
            _LOOP.replace("messages.append(reply)", 'messages.append({"role": "assistant", "content": action})'),
            "",
            qualname="run",
            line=10,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Move the first such line at the anchor."""
        seen = False
        reasons = []
        for call in file.find(anchor, cst.Call, lambda call: _adds(file, call)):
            line = file.statement(call)
            source = _received(file, call, line)
            if source is None:
                continue
            seen = True
            try:
                changes = _moved(file, line, source)
            except Refusal as refusal:
                reasons.append(refusal)
                continue
            if changes:
                return file.rewrite(changes)
        if reasons:
            raise reasons[0]
        if not seen:
            raise Refusal(
                f"{anchor.place} adds no model turn to a history, after receiving it, in a way that is understood"
            )
        return file.text


def _adds(file: PythonFile, call: cst.Call) -> bool:
    """Whether a call adds a turn of the model: a message with that role, or a name as it was received."""
    line = file.statement(call)
    if (
        not isinstance(line, cst.SimpleStatementLine)
        or not isinstance(line.body[0], cst.Expr)
        or line.body[0].value is not call
    ):
        return False
    roles = [role for message, _, role in message_calls(file, line) if message is call]
    if roles:
        return roles[0] == "assistant"
    name = file.code(call.func).rsplit(".", 1)[-1]
    if "message" in name and call.args:
        return file.code(call.args[0].value).strip("\"'") == "assistant"
    plain = len(call.args) == 1 and isinstance(call.args[0].value, (cst.Name, cst.Subscript, cst.Attribute))
    return name == "append" and plain and isinstance(call.func, cst.Attribute)


def _received(file: PythonFile, call: cst.Call, line: cst.CSTNode) -> cst.SimpleStatementLine | None:
    """The line before it, in one of the blocks around it, that binds the name it adds to the result of a call."""
    used = {name for arg in call.args for name in names_in(file, arg.value)}
    child = line
    for above in file.parents(line):
        if isinstance(above, (cst.IndentedBlock, cst.Module)):
            body: list[cst.CSTNode] = list(above.body)
            for earlier in reversed(body[: body.index(child)] if child in body else []):
                bound = _binds(file, earlier)
                if bound & used and isinstance(earlier, cst.SimpleStatementLine) and file.within(earlier, cst.Call):
                    return earlier
        if isinstance(above, cst.FunctionDef):
            return None
        child = above
    return None


def _binds(file: PythonFile, node: cst.CSTNode) -> set[str]:
    targets = [part.target for assign in file.within(node, cst.Assign) for part in assign.targets]
    return {file.code(target) for target in targets}


def _moved(file: PythonFile, line: cst.CSTNode, source: cst.SimpleStatementLine) -> dict[cst.CSTNode, Change]:
    assert isinstance(line, cst.SimpleStatementLine)
    block = next(file.parents(line))
    place = next(file.parents(source))
    if not isinstance(block, cst.IndentedBlock) or not isinstance(place, cst.IndentedBlock):
        raise Refusal(f"{file.path}:{file.line(line)} does not stand in a block of a function")
    between = _between(file, line, source)
    if not any(_may_leave(file, node) for node in between):
        return {}
    used = names_in(file, line)
    anew = set().union(*(_binds(file, node) for node in between)) & used
    missing = used - bound_at(file, source) - _binds(file, source)
    if anew or missing:
        words = ", ".join(sorted(anew | missing))
        raise Refusal(f"{file.path}:{file.line(line)} uses {words}, which is not known when the turn is received")
    if len(block.body) == 1:
        raise Refusal(f"{file.path}:{file.line(line)} is all that its block does")
    moved = line.with_changes(leading_lines=[each for each in line.leading_lines if each.comment is not None])
    return {source: after([moved]), line: lambda _: cst.RemoveFromParent()}


def _between(file: PythonFile, line: cst.CSTNode, source: cst.CSTNode) -> list[cst.CSTNode]:
    """Statements that run after `source` and before `line`, in the blocks that lead from one to the other."""
    found: list[cst.CSTNode] = []
    child = line
    for above in file.parents(line):
        if isinstance(above, cst.IndentedBlock):
            body: list[cst.CSTNode] = list(above.body)
            start = body.index(source) + 1 if source in body else 0
            found = [*body[start : body.index(child)], *found]
            if source in body:
                return found
        child = above
    return found


def _may_leave(file: PythonFile, node: cst.CSTNode) -> bool:
    """Whether a statement may raise or jump, so that the next one does not run."""
    return bool(file.within(node, (cst.Call, cst.Raise, cst.Return, cst.Continue, cst.Break, cst.Subscript)))
