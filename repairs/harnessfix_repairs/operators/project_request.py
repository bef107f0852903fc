"""project-request: what the harness notes on its messages stays here when they are sent."""

from collections.abc import Mapping

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.calls import argument
from harnessfix_repairs.editing.helpers import Helper
from harnessfix_repairs.editing.operator import PythonOperator, source_of
from harnessfix_repairs.editing.python import Change, PythonFile, python_file

from .base import EditExample, Refusal

_WITHOUT = Helper(
    "_without_keys",
    '''\
def _without_keys(messages, *keys):
    """The messages without these keys of the harness's own; a message that is no dictionary stays as it is."""
    return [
        {key: value for key, value in message.items() if key not in keys} if isinstance(message, dict) else message
        for message in messages
    ]
''',
)
_SENDS = ("create", "completion", "acompletion", "chat")

_AGENT = """\
class Agent:
    def note(self, text, now):
        self.messages.append({"role": "user", "content": text, "received": now})

    def ask(self):
        # the whole history
        return self.client.chat.completions.create(model="small", messages=self.messages)
"""


class ProjectRequest(PythonOperator):
    """Sends the messages without the keys that are the harness's own: `messages=_without_keys(self.messages, "cost")`.

    Anchor: the call that keeps a message with such a key.

    Parameters:
        keys: the keys.
    """

    name = "project-request"
    summary = "Send messages without the keys that the harness keeps for itself."
    fix_safety = (
        "The history itself keeps its keys; only what is sent lacks them, at every place of the file that sends this "
        "history. A provider or proxy of your own that reads one of the keys no longer gets it."
    )
    adds = (_WITHOUT.name,)
    examples = (
        EditExample(
            _AGENT,
            _WITHOUT.source
            + "\n\n"
            + _AGENT.replace("messages=self.messages)", 'messages=_without_keys(self.messages, "received"))'),
            qualname="Agent.note",
            line=3,
            parameters={"keys": ["received"]},
        ),
        EditExample(_AGENT, "", qualname="Agent.note", line=3),
        EditExample(
            _AGENT.replace("messages=self.messages", "messages=list(self.messages)"),
            "",
            qualname="Agent.note",
            line=3,
            parameters={"keys": ["received"]},
        ),
    )

    def symbols(self, files: Mapping[str, str], anchor: Anchor, parameters: Mapping[str, JsonValue]) -> list[str]:
        """The functions that send the history."""
        try:
            file = python_file(anchor.path, source_of(files, anchor))
            return [f"{anchor.path}:{file.qualname(given)}" for given in _sent(file, anchor)]
        except Refusal:
            return []

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Project the history wherever the file sends it."""
        keys = parameters.texts(spec, "keys")
        if not keys:
            raise Refusal("which keys are the harness's own is not known; give them with the parameter 'keys'")
        changes: dict[cst.CSTNode, Change] = {}
        for given in _sent(file, anchor):
            listed = ", ".join(repr(key).replace("'", '"') for key in keys)
            changes[given] = _projected(file, f"{_WITHOUT.name}({file.code(given)}, {listed})")
        if not changes:
            raise Refusal(f"{anchor.place}: nothing in {file.path} sends this history as it is")
        return file.rewrite(changes, helpers=[_WITHOUT])


def _sent(file: PythonFile, anchor: Anchor) -> list[cst.BaseExpression]:
    """The history that the anchor's call adds to, wherever it is sent in the class or function of that call."""
    found: list[cst.BaseExpression] = []
    for call in file.find(anchor, cst.Call, lambda call: file.code(call.func).endswith(".append")):
        assert isinstance(call.func, cst.Attribute)
        history = file.code(call.func.value)
        scope = (file.klass(call) if history.startswith("self.") else file.function(call)) or file.module
        for other in file.within(scope, cst.Call):
            given = argument(other, "messages")
            sends = file.code(other.func).rsplit(".", 1)[-1] in _SENDS
            if sends and given is not None and file.code(given.value) == history and given.value not in found:
                found.append(given.value)
    return found


def _projected(file: PythonFile, source: str) -> Change:
    return lambda _: file.expression(source)
