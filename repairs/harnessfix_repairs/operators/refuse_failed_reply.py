"""refuse-failed-reply: a response without choices is an error, not an empty answer."""

import re
from collections.abc import Mapping

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import before, own_line
from harnessfix_repairs.editing.callees import functions_at
from harnessfix_repairs.editing.operator import PythonOperator, source_of
from harnessfix_repairs.editing.python import PythonFile, python_file
from harnessfix_repairs.editing.scope import bound_at

from .base import EditExample, Refusal

_RAISED = re.compile(r"(Model|Provider|API|Response|Completion)\w*(Error|Exception|Behavior)$")

_DICT = """\
class Agent:
    def text_of(self, reply):
        # what the model said
        choices = reply.get("choices") or []
        return choices[0]["message"]["content"] if choices else ""
"""
_OBJECT = """\
from harness.errors import ModelError


async def ask(client, messages):
    response = await client.create(messages=messages)
    message = None
    if response.choices and len(response.choices) > 0:
        message = response.choices[0].message
    if message is None:
        log("no message")
    return message
"""
_ASKS = """
    def run(self, messages):
        return self.text_of(self.model.query(messages))
"""


class RefuseFailedReply(PythonOperator):
    """Raises what the provider said where a response without choices was read as an empty answer.

    The response is the name whose `choices` the function reads first. The exception is one of the file's own that
    speaks of a model, a provider or a response; RuntimeError where it has none.

    Anchor: the function that reads the reply, or one that hands it to such a function of the same file.

    Parameters:
        raises: dotted name of the exception.
    """

    name = "refuse-failed-reply"
    summary = "Raise what the provider said when its response holds no choices."
    fix_safety = (
        "An error of the provider, which passed for an empty answer, now leaves the function: look whether a caller "
        "retries it or reports it. Responses with choices are read as before."
    )
    examples = (
        EditExample(
            _DICT + _ASKS,
            _DICT.replace(
                "        # what",
                '        if not reply.get("choices"):\n'
                "            raise RuntimeError(f\"the provider answered without a choice: {reply.get('error')}\")\n"
                "        # what",
            )
            + _ASKS,
            qualname="Agent.run",
            line=7,
        ),
        EditExample(
            _DICT,
            _DICT.replace(
                "        # what",
                '        if not reply.get("choices"):\n'
                "            raise RuntimeError(f\"the provider answered without a choice: {reply.get('error')}\")\n"
                "        # what",
            ),
            qualname="Agent.text_of",
            line=2,
            end_line=5,
        ),
        EditExample(
            _OBJECT,
            _OBJECT.replace(
                "    if response.choices and",
                "    if not response.choices:\n"
                "        raise ModelError("
                "f\"the provider answered without a choice: {getattr(response, 'error', None)}\")\n"
                "    if response.choices and",
            ),
            qualname="ask",
            line=4,
            end_line=11,
        ),
        EditExample("def text_of(reply):\n    return reply['text']\n", "", qualname="text_of", line=2),
        EditExample(
            "def text_of(reply):\n    return [one for choice in reply.rest() for one in choice.choices]\n",
            "",
            qualname="text_of",
            line=2,
        ),
    )

    def symbols(self, files: Mapping[str, str], anchor: Anchor, parameters: object) -> list[str]:
        """The functions that the anchor's calls may hand the reply to."""
        try:
            file = python_file(anchor.path, source_of(files, anchor))
            return [f"{anchor.path}:{file.qualname(function)}" for function in functions_at(file, anchor)]
        except Refusal:
            return []

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Guard the first reading of choices at the anchor."""
        readings = [
            (node, *_reading(file, node))
            for function in functions_at(file, anchor)
            for node in file.within(function.body, (cst.Attribute, cst.Call, cst.Subscript))
            if file.function(node) is function
        ]
        for node, held, test, error in readings:
            if held is None:
                continue
            if file.code(_around(file, node)).startswith("not "):
                return file.text
            line = _statement(file, node)
            if held.value not in bound_at(file, line):
                continue
            kind = parameters.dotted_source(spec, "raises") or _own_error(file)
            words = f'f"the provider answered without a choice: {{{error}}}"'
            check = file.statements(f"if not {test}:\n    raise {kind}({words})\n")
            return file.rewrite({line: before(check)})
        raise Refusal(f"{anchor.place} reads the choices of no response that has a name")


def _reading(file: PythonFile, node: cst.CSTNode) -> tuple[cst.Name | None, str, str]:
    """The name of a response whose choices are read, the source of its choices, and of its error."""
    if isinstance(node, cst.Attribute) and node.attr.value == "choices" and isinstance(node.value, cst.Name):
        name = node.value
        return name, f"{name.value}.choices", f"getattr({name.value}, 'error', None)"
    code = file.code(node)
    found = re.fullmatch(r"""(\w+)(\.get\(['"]choices['"](, [^)]*)?\)|\[['"]choices['"]\])""", code)
    if found is not None:
        name_given = found.group(1)
        return cst.Name(name_given), f'{name_given}.get("choices")', f"{name_given}.get('error')"
    return None, "", ""


def _around(file: PythonFile, node: cst.CSTNode) -> cst.CSTNode:
    """The test that a node stands in, else the node."""
    above = next(file.parents(node))
    return above if isinstance(above, cst.UnaryOperation) else node


def _statement(file: PythonFile, node: cst.CSTNode) -> cst.CSTNode:
    statement = file.statement(node)
    return own_line(file, node) if isinstance(statement, cst.SimpleStatementLine) else statement


def _own_error(file: PythonFile) -> str:
    names = [name for name, full in file.imported.items() if _RAISED.search(full.rsplit(".", 1)[-1])]
    names += [node.name.value for node in file.module.body if isinstance(node, cst.ClassDef)]
    return next((name for name in names if _RAISED.search(name)), "RuntimeError")
