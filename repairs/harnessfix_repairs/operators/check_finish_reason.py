"""check-finish-reason: a reply that was cut off is not acted on."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after, before, indented, own_line
from harnessfix_repairs.editing.logs import imports_for_log, log_call
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import PythonFile
from harnessfix_repairs.editing.reporting import message_calls, report
from harnessfix_repairs.editing.scope import loop_around

from .base import EditExample, GuardExample, Refusal

_REASONS = ("length",)
_DICT = """\
import logging


def run(model, messages, execute):
    for _ in range(5):
        reply = model.query(messages)
        choice = reply["choices"][0]
        messages.append(choice["message"])
        messages.append({"role": "user", "content": execute(choice["message"]["content"])})
"""
_OBJECT = """\
class CutOff(Exception):
    pass


class Client:
    def ask(self, messages):
        response = self.api.create(messages=messages)
        if not response.choices:
            raise CutOff("no choices")
        return response.choices[0].message.content
"""
_REPLIES = """\
from types import SimpleNamespace as Some


def ask(reason):
    client = Client()
    response = Some(choices=[Some(finish_reason=reason, message=Some(content="text"))])
    client.api = Some(create=lambda messages: response)
    return client.ask([])


def refused(reason):
    try:
        ask(reason)
    except CutOff:
        return True
    return False
"""


class CheckFinishReason(PythonOperator):
    """Looks at the finish reason of a reply before the reply is used.

    The choice is found as `reply["choices"][0]` or `response.choices[0]`. Behind the line that gives it a name, or that
    receives the response, and behind the line that adds the turn to the history when that follows, a reply with such a
    reason is answered as the code around answers errors: a message in the same loop, or an exception that the function
    raises. A function that returns a text has neither and is refused, as its text would pass for the reply.

    Anchor: the line with the choice, or the function that holds it.

    Parameters:
        finish-reasons: reasons that are not acted on; `length` by default.
        empty: true where only a reply without text and calls is not acted on.
        raises: dotted name of an exception to raise, instead of looking for a way.
    """

    name = "check-finish-reason"
    summary = "Do not act on a reply that was cut off."
    fix_safety = (
        "A cut-off reply was acted on as far as it went, and is now sent back: a harness whose replies are often "
        "cut off needs more tokens, or it will go round. The check is logged. Providers name reasons differently: "
        "look whether `length` is what this one says."
    )
    examples = (
        EditExample(
            _DICT,
            _DICT.replace(
                '["message"])\n        messages.append({"role": "user"',
                '["message"])\n'
                '        if choice.get("finish_reason") == "length":\n'
                '            logging.getLogger(__name__).warning("a reply was cut off (%s)", '
                'choice.get("finish_reason"))\n'
                '            messages.append({"role": "user", "content": '
                '"your reply was cut off and nothing of it was done; '
                'send it again, shorter"})\n'
                "            continue\n"
                '        messages.append({"role": "user"',
            ),
            qualname="run",
            line=7,
        ),
        EditExample(
            _OBJECT,
            "import logging\n\n"
            + _OBJECT.replace(
                "        return response",
                '        if response.choices[0].finish_reason == "length":\n'
                '            logging.getLogger(__name__).warning("a reply was cut off (%s)", '
                "response.choices[0].finish_reason)\n"
                '            raise CutOff("your reply was cut off and nothing of it was done; '
                'send it again, shorter")\n'
                "        return response",
            ),
            qualname="Client.ask",
            line=6,
            end_line=10,
        ),
        EditExample("def text(reply):\n    return reply['choices'][0]['text']\n", "", qualname="text", line=2),
        EditExample("def text(reply):\n    return reply['text']\n", "", qualname="text", line=2),
    )

    guards = (
        GuardExample(
            _OBJECT,
            passes=[f"ask({reason!r}) == 'text'" for reason in ("stop", "tool_calls", "content_filter", None, "")],
            stops=["refused('length')"],
            setup=_REPLIES,
            qualname="Client.ask",
            line=6,
            end_line=10,
        ),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Check the first choice at the anchor."""
        found = file.find(
            anchor, cst.Subscript, lambda node: bool(re.search(r"(\.choices|\[.choices.\])\[0\]$", file.code(node)))
        )
        if not found:
            raise Refusal(f"{anchor.place} takes no choice from a response in a way that is understood")
        choice = found[0]
        scope = file.function(choice) or file.module
        reasons = parameters.texts(spec, "finish-reasons") or list(_REASONS)
        tests = [file.code(node.test) for node in file.within(scope, cst.If)]
        if any(re.search(r"finish_reason|stop_reason", test) and reasons[0] in test for test in tests):
            return file.text
        if not all(re.fullmatch(r"[\w-]+", reason) for reason in reasons):
            raise Refusal("parameter 'finish-reasons' must be a list of words")
        line = own_line(file, choice)
        small = line.body[0]
        named = (
            isinstance(small, cst.Assign) and small.value is choice and isinstance(small.targets[0].target, cst.Name)
        )
        shown = file.code(small.targets[0].target) if named and isinstance(small, cst.Assign) else file.code(choice)
        source = f"{shown}.finish_reason" if ".choices" in file.code(choice) else f'{shown}.get("finish_reason")'
        test = f'== "{reasons[0]}"' if len(reasons) == 1 else f"in {tuple(reasons)!r}".replace("'", '"')
        if spec.parameters.get("empty") is True:
            test += _and_empty(shown, ".choices" in file.code(choice))
        words = '"your reply was cut off and nothing of it was done; send it again, shorter"'
        said = report(file, line, words, raises=parameters.dotted_source(spec, "raises"), values=False)
        log = log_call(file, "a reply was cut off (%s)", source)
        check = file.statements(f"if {source} {test}:\n{indented(log + said)}")
        if named:
            return file.rewrite({_last(file, line): after(check)}, imports=imports_for_log(file))
        return file.rewrite({line: before(check)}, imports=imports_for_log(file))


def _and_empty(choice: str, is_object: bool) -> str:
    """Source of the rest of a test that a reply holds neither text nor a call."""
    if is_object:
        return f" and not {choice}.message.content and not {choice}.message.tool_calls"
    return f' and not {choice}["message"].get("content") and not {choice}["message"].get("tool_calls")'


def _last(file: PythonFile, line: cst.SimpleStatementLine) -> cst.CSTNode:
    """The line itself, or the next one when that adds the turn to the history."""
    block = next(file.parents(line))
    if not isinstance(block, (cst.IndentedBlock, cst.Module)):
        return line
    body: list[cst.CSTNode] = list(block.body)
    place = body.index(line)
    follower = body[place + 1] if place + 1 < len(body) else None
    if follower is None or loop_around(file, line) is not loop_around(file, follower):
        return line
    if not isinstance(follower, cst.SimpleStatementLine) or not isinstance(follower.body[0], cst.Expr):
        return line
    roles = [role for _, _, role in message_calls(file, follower)]
    plain = re.match(r"[\w.]*messages\.append\(|[\w.]*history\.append\(", file.code(follower).strip())
    return follower if "assistant" in roles or (plain and not roles) else line
