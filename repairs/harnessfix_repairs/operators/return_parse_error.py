"""return-parse-error: what the model wrote wrongly is answered, not fatal."""

import re

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.blocks import after, before, guarded, in_try, indented, own_line
from harnessfix_repairs.editing.handlers import new_name
from harnessfix_repairs.editing.observations import report_or_observe as report
from harnessfix_repairs.editing.operator import PythonOperator
from harnessfix_repairs.editing.python import Change, PythonFile, chain

from .base import EditExample, Refusal

_LOADS = ("json.loads", "orjson.loads", "ujson.loads", "simplejson.loads")
_PARSER = re.compile(r"(?i)^(_?parse|_?decode|_?load)\w*$|_parse$")
_PLAIN = (cst.Name, cst.Attribute, cst.Subscript)

_ANSWER = """\
import json

TOOLS = {}


def answer(function):
    # the model wrote the arguments
    arguments = json.loads(function["arguments"])
    tool = TOOLS.get(function["name"])
    return tool(**arguments) if tool else f"there is no tool {function['name']}"
"""
_ANSWER_AFTER = """\
import json

TOOLS = {}


def answer(function):
    # the model wrote the arguments
    try:
        arguments = json.loads(function["arguments"])
    except (ValueError, TypeError) as error:
        return f"the arguments are not valid JSON: {error}"
    if not isinstance(arguments, dict):
        return f"the arguments must be a JSON object, not {type(arguments).__name__}"
    tool = TOOLS.get(function["name"])
    return tool(**arguments) if tool else f"there is no tool {function['name']}"
"""
_LOOP = """\
import json


def act(messages, reply, tools):
    for call in reply["tool_calls"]:
        result = tools[call["name"]](**json.loads(call["arguments"]))
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
"""
_LOOP_AFTER = """\
import json


def act(messages, reply, tools):
    for call in reply["tool_calls"]:
        try:
            arguments = json.loads(call["arguments"])
        except (ValueError, TypeError) as error:
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": NOT_JSON})
            continue
        if not isinstance(arguments, dict):
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": NO_OBJECT})
            continue
        result = tools[call["name"]](**arguments)
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
""".replace("NOT_JSON", 'f"the arguments are not valid JSON: {error}"').replace(
    "NO_OBJECT", 'f"the arguments must be a JSON object, not {type(arguments).__name__}"'
)
_LOOKUP = '''\
def execute(tools, name, arguments):
    """Run a tool; answers with text."""
    tool = tools[name]
    return str(tool(**arguments))
'''
_CAUGHT = """\
import json


def parse(raws):
    found = []
    for raw in raws:
        args, problem = {}, ""
        try:
            args = json.loads(raw)
        except Exception as e:
            problem = f"not JSON: {e}"
        if "command" not in args:
            problem += "no command"
        found.append(problem or args["command"])
    return found
"""
_PROMISED = """\
import json


def read(text) -> dict[str, object]:
    try:
        return json.loads(text) if text else {}
    except ValueError as error:
        raise BadReply(text) from error
"""
_LINES = """\
import json


def run(model, tools, history):
    while True:
        reply = model.complete("\\n".join(history))
        call = json.loads(reply)
        if call["tool"] == "finish":
            return call["answer"]
        result = tools[call["tool"]](**call["args"])
        history.append(f"Observation: {result}")
"""
_CALLER = """\
from .parsing import parse_call


def answer(raw, tools):
    call = parse_call(raw)
    if call.name not in tools:
        return f"error: there is no tool {call.name!r}"
    return tools[call.name](**call.arguments)
"""


class ReturnParseError(PythonOperator):
    """Catches what the model can write wrongly where it is read, and answers with what was wrong.

    Three forms. `json.loads` outside a `try` that catches its errors: malformed JSON is reported, and JSON that is no
    object too where an object is needed (`**arguments`, `arguments["x"]`). A look-up `TOOLS[name]`, when `registry`
    names the table: an unknown name is reported with those that exist. Else a call of a function whose name says that
    it parses, from code that can report: the ValueError, TypeError, KeyError or AttributeError that leaves it.
    The report is made as the code around makes its own: a message in the same loop, an error value, an exception of the
    harness. Where there is none of these it takes the place of what the model would have observed: the result that the
    loop adds, or that the function which runs the tool returns. A function that shows no way is refused; anchor its
    caller too.

    Anchor: the call, or the function that holds it; of several, the first that can be edited.

    Parameters:
        lines: lines of the calls; all at the anchor by default.
        registry: name of the table of tools, to guard a look-up instead of a parse.
        raises: dotted name of an exception of the harness to raise, instead of looking for a way.
    """

    name = "return-parse-error"
    summary = "Answer malformed arguments, or an unknown tool, with what was wrong."
    fix_safety = (
        "A run that ended with an exception now goes on, and the model sees a message of a new wording. Look at two "
        "things: that something bounds the number of turns, as a model may repeat its mistake, and that a caller "
        "does not rely on the exception that no longer leaves."
    )
    examples = (
        EditExample(_ANSWER, _ANSWER_AFTER, qualname="answer", line=8),
        EditExample(_LOOP, _LOOP_AFTER, qualname="act", line=6),
        EditExample(
            _LOOKUP,
            _LOOKUP.replace(
                "    tool =",
                "    if name not in tools:\n"
                "        return f\"there is no tool {name!r}, only {', '.join(map(str, tools))}\"\n    tool =",
            ),
            qualname="execute",
            line=3,
            parameters={"registry": "tools"},
        ),
        EditExample(
            _CALLER,
            _CALLER.replace(
                "    call = parse_call(raw)\n",
                "    try:\n        call = parse_call(raw)\n"
                "    except (ValueError, TypeError, KeyError, AttributeError) as error:\n"
                '        return f"what was sent could not be parsed: {type(error).__name__}: {error}"\n',
            ),
            qualname="answer",
            line=5,
        ),
        EditExample(
            _CAUGHT,
            _CAUGHT.replace(
                "            args = json.loads(raw)\n",
                "            parsed = json.loads(raw)\n"
                "            if not isinstance(parsed, dict):\n"
                '                raise TypeError(f"the arguments must be a JSON object, not {type(parsed).__name__}")\n'
                "            args = parsed\n",
            ),
            qualname="parse",
            line=4,
            end_line=15,
        ),
        EditExample(
            _PROMISED,
            _PROMISED.replace(
                "        return json.loads(text) if text else {}\n",
                "        parsed = json.loads(text) if text else {}\n"
                "        if not isinstance(parsed, dict):\n"
                '            raise ValueError(f"the reply must be a JSON object, not {type(parsed).__name__}")\n'
                "        return parsed\n",
            ),
            qualname="read",
            line=6,
        ),
        EditExample(
            _LINES,
            _LINES.replace(
                "        call = json.loads(reply)\n",
                "        try:\n            call = json.loads(reply)\n"
                "        except (ValueError, TypeError) as error:\n"
                '            result = f"the reply is not valid JSON: {error}"\n'
                '            history.append(f"Observation: {result}")\n'
                "            continue\n"
                "        if not isinstance(call, dict):\n"
                '            result = f"the reply must be a JSON object, not {type(call).__name__}"\n'
                '            history.append(f"Observation: {result}")\n'
                "            continue\n",
            ),
            qualname="run",
            line=7,
        ),
        EditExample(
            _LINES.replace('        history.append(f"Observation: {result}")\n', ""), "", qualname="run", line=7
        ),
        EditExample("import json\n\n\ndef parse(text):\n    return json.loads(text)\n", "", qualname="parse", line=5),
        EditExample("import json\n\nX = [json.loads(t) for t in open('x')]\n", "", line=3),
    )

    def edit_python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        """Guard the parses at the anchor, or the look-up."""
        registry = parameters.text(spec, "registry")
        raises = parameters.dotted_source(spec, "raises")
        if registry:
            return file.rewrite(_looked_up(file, anchor, registry, raises))
        calls = file.find(anchor, cst.Call, lambda call: file.dotted(call.func) in _LOADS)
        wanted = spec.parameters.get("lines")
        if isinstance(wanted, (list, tuple)) and any(file.line(call) in wanted for call in calls):
            calls = [call for call in calls if file.line(call) in wanted]
        open_calls = [call for call in calls if not in_try(file, call, "ValueError", "JSONDecodeError")]
        changes: dict[cst.CSTNode, Change] = {}
        for call in calls:
            changes.update(_parsed(file, call, raises) if call in open_calls else _shaped(file, call))
        if calls:
            return file.rewrite(changes)
        for call in file.find(
            anchor, cst.Call, lambda call: bool(_PARSER.search(file.code(call.func).rsplit(".", 1)[-1]))
        ):
            return file.rewrite({} if in_try(file, call, "ValueError") else _called(file, call, raises))
        raise Refusal(f"{anchor.place} parses nothing in a way that is understood")


def _parsed(file: PythonFile, call: cst.Call, raises: str) -> dict[cst.CSTNode, Change]:
    line = own_line(file, call)
    small = line.body[0]
    what = "the arguments" if "arg" in file.code(line).lower() else "the reply"
    error = new_name(file, call)
    whole = isinstance(small, cst.Assign) and small.value is call and isinstance(small.targets[0].target, cst.Name)
    if whole and isinstance(small, cst.Assign):
        name = file.code(small.targets[0].target)
    else:
        name = file.fresh(file.function(call) or file.module, what.rpartition(" ")[2], "parsed", "parsed_json")
    verb = "are" if what == "the arguments" else "is"
    said = report(file, call, f'f"{what} {verb} not valid JSON: {{{error}}}"', raises=raises, cause=error)
    handler = f"except (ValueError, TypeError) as {error}:\n{indented(said)}"
    check = ""
    if _needs_object(file, call, name, whole):
        kind = f'f"{what} must be a JSON object, not {{type({name}).__name__}}"'
        check = f"if not isinstance({name}, dict):\n{indented(report(file, call, kind, raises=raises))}"
    checks = file.statements(check) if check else []
    if whole:
        return {line: chain(guarded(file, handler), _then(checks))}
    parsed = file.statements(f"try:\n    {name} = {file.code(call)}\n{handler}")
    return {line: before([*parsed, *checks]), call: lambda _: cst.Name(name)}


def _shaped(file: PythonFile, call: cst.Call) -> dict[cst.CSTNode, Change]:
    """For a parse whose errors are caught: JSON that is no object raises there too, before its name is bound to it."""
    small = _small_statement(file, call)
    whole: cst.BaseExpression | None = None
    if isinstance(small, cst.Assign) and small.value is call and isinstance(small.targets[0].target, cst.Name):
        whole = call if _needs_object(file, call, small.targets[0].target.value, whole=True) else None
    elif isinstance(small, cst.Return) and _promises_object(file, call):
        whole = small.value
    if small is None or whole is None:
        return {}
    what = "the arguments" if "arg" in file.code(small).lower() else "the reply"
    kind = "TypeError" if in_try(file, call, "TypeError") else "ValueError"
    if not in_try(file, call, kind):
        return {}
    parsed = file.fresh(file.function(call) or file.module, "parsed", "parsed_json", "read")
    check = (
        f"{parsed} = {file.code(whole)}\nif not isinstance({parsed}, dict):\n"
        f'    raise {kind}(f"{what} must be a JSON object, not {{type({parsed}).__name__}}")\n'
    )
    return {own_line(file, call): before(file.statements(check)), whole: lambda _: cst.Name(parsed)}


def _small_statement(file: PythonFile, node: cst.CSTNode) -> cst.BaseSmallStatement | None:
    return next((above for above in file.parents(node) if isinstance(above, cst.BaseSmallStatement)), None)


def _promises_object(file: PythonFile, call: cst.Call) -> bool:
    """Whether the function is annotated to return a dict, and returns what it parsed without a look at it."""
    function = file.function(call)
    if function is None or function.returns is None or "isinstance(" in file.code(function):
        return False
    return re.match(r"[\"']?(dict|Dict|Mapping|typing\.Dict)\b", file.code(function.returns.annotation)) is not None


def _then(statements: list[cst.BaseStatement]) -> Change:
    return after(statements) if statements else lambda node: node


def _needs_object(file: PythonFile, call: cst.Call, name: str, whole: bool) -> bool:
    """Whether what was parsed is used as a mapping and was not checked to be one."""
    scope = file.function(call) or file.module
    if not whole:
        above = next(file.parents(call))
        used = isinstance(above, cst.Arg) and above.star == "**"
        return used or isinstance(above, (cst.Subscript, cst.Attribute))
    code = file.code(scope)
    quoted = re.escape(name)
    if re.search(rf"isinstance\(\s*{quoted}\s*,", code):
        return False
    return (
        re.search(rf"\*\*\s*{quoted}\b|\b{quoted}\s*\[|\b{quoted}\.(get|items|keys|pop)\(|\bin {quoted}\b", code)
        is not None
    )


def _looked_up(file: PythonFile, anchor: Anchor, registry: str, raises: str) -> dict[cst.CSTNode, Change]:
    def fits(node: cst.Subscript) -> bool:
        table = file.code(node.value)
        if table != registry and table.rsplit(".", 1)[-1] != registry.rsplit(".", 1)[-1]:
            return False
        return len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index) and isinstance(node.value, _PLAIN)

    for node in file.find(anchor, cst.Subscript, fits):
        index = node.slice[0].slice
        assert isinstance(index, cst.Index)
        if not isinstance(index.value, _PLAIN) or any(isinstance(a, cst.AssignTarget) for a in file.parents(node)):
            continue
        table, key = file.code(node.value), file.code(index.value)
        if in_try(file, node, "KeyError", "LookupError") or _tested(file, node, table, key):
            return {}
        if set("\"'") & set(key):
            message = f'"there is no tool {{!r}}, only {{}}".format({key}, ", ".join(map(str, {table})))'
        else:
            message = f"f\"there is no tool {{{key}!r}}, only {{', '.join(map(str, {table}))}}\""
        said = report(file, node, message, raises=raises)
        return {own_line(file, node): before(file.statements(f"if {key} not in {table}:\n{indented(said)}"))}
    raise Refusal(f"{anchor.place} does not look up {registry}[…] in a way that is understood")


def _tested(file: PythonFile, node: cst.CSTNode, table: str, key: str) -> bool:
    """Whether the function tests that the key is in the table."""
    function = file.function(node)
    return (
        function is not None
        and re.search(rf"{re.escape(key)} (not )?in {re.escape(table)}\b", file.code(function)) is not None
    )


def _called(file: PythonFile, call: cst.Call, raises: str) -> dict[cst.CSTNode, Change]:
    error = new_name(file, call)
    words = f'f"what was sent could not be parsed: {{type({error}).__name__}}: {{{error}}}"'
    said = report(file, call, words, raises=raises, cause=error)
    handler = f"except (ValueError, TypeError, KeyError, AttributeError) as {error}:\n{indented(said)}"
    return {own_line(file, call): guarded(file, handler)}
