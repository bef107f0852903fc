"""Rules of the tool interface where their examples do not reach: other forms, and cases they must leave alone."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harnessfix.rules.tool_interface.t102_swallowed_tool_error import SwallowedToolError
from harnessfix.rules.tool_interface.t106_unpaired_tool_result import UnpairedToolResult
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import StepKind

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")

Run = Callable[[Mapping[str, str]], Any]

AGENT = '''\
import json


def look(key):
    """Look a value up."""
    LOOK


TOOLS = {"look": look}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(6):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                answer = self.execute(call["function"])
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})

    def execute(self, function):
        EXECUTE
'''
MAIN = """\
from agent import Agent
from model import Model, call, say

try:
    Agent(Model(CALLS, say("done"))).run("Look.")
except Exception as error:
    print(error)
"""


def _files(calls: str, execute: str, look: str = "return str({'a': 1}[key])") -> dict[str, str]:
    body = "\n".join(f"        {line}" if n else line for n, line in enumerate(execute.splitlines()))
    inside = "\n".join(f"    {line}" if n else line for n, line in enumerate(look.splitlines()))
    return {"agent.py": AGENT.replace("LOOK", inside).replace("EXECUTE", body), "main.py": MAIN.replace("CALLS", calls)}


SOME = "return {'a': '1'}[key]"
OPTIONAL = "try:\n    import no_such_module\nexcept ImportError as error:\n    print(error)\nreturn ''"
PLAIN = 'return TOOLS[function["name"]](**json.loads(function["arguments"]))'


@pytest.mark.parametrize(
    ("arguments", "execute", "speaks"),
    [
        ("'[1]'", PLAIN, True),
        ("'null'", PLAIN, True),
        ('\'{"key": "a"}\'', PLAIN, False),
        ("'[1]'", f"try:\n    {PLAIN}\nexcept TypeError as error:\n    return f'arguments: {{error}}'", False),
        ('\'{"key": "b"}\'', PLAIN, False),  # the tool's own error ends the run, the arguments were fine
    ],
)
def test_t101_needs_malformed_arguments_that_end_the_run(
    run_harness: Run, arguments: str, execute: str, speaks: bool
) -> None:
    assert bool(run_harness(_files(f'call("look", {arguments})', execute)).said("T101")) is speaks


@pytest.mark.parametrize(
    ("execute", "look", "speaks"),
    [
        (f"try:\n    {PLAIN}\nexcept Exception:\n    return 'The tool did not work.'", "return {'a': '1'}[key]", True),
        (f"try:\n    {PLAIN}\nexcept Exception as error:\n    return repr(error)", "return {'a': '1'}[key]", False),
        (PLAIN, "try:\n    return {'a': '1'}[key]\nexcept KeyError:\n    return 'there is no such key'", False),
        (PLAIN, "try:\n    number = int(key)\nexcept Exception:\n    number = 7\nreturn f'number {number}'", False),
        (PLAIN, "try:\n    return {'a': '1'}[key]\nexcept Exception:\n    return ''", True),
        (f"try:\n    {PLAIN}\nexcept KeyError as error:\n    print(error)\n    return ''", SOME, True),
        (f"try:\n    {PLAIN}\nexcept KeyError:\n    return ''", "return ''", False),
        (f"try:\n    {PLAIN}\nexcept KeyError:\n    return ''", OPTIONAL, False),
        (PLAIN, "try:\n    int(key)\nexcept ValueError:\n    key = 'a'\nreturn {'a': '1'}[key]", False),
        (PLAIN, "try:\n    int(key)\nexcept ValueError:\n    pass\nreturn ''", False),  # the tool did without
    ],
)
def test_t102_needs_an_answer_without_a_word_of_the_failure(
    run_harness: Run, execute: str, look: str, speaks: bool
) -> None:
    found = run_harness(_files('call("look", {"key": "b"})', execute, look)).said("T102")
    assert bool(found) is speaks
    assert all(diagnosis.anchors[0].kind.value == "handler" for diagnosis in found)


GUARDED = "try:\n    arguments = json.loads(function['arguments'])\nexcept ValueError as error:\n    return {}\n"


@pytest.mark.parametrize(
    ("answer", "speaks"),
    [("'Try again.'", True), ("f'The arguments are not JSON: {error}'", False), ("f'{error}'", False)],
)
def test_t103_speaks_where_malformed_arguments_are_answered_with_something_else(
    run_harness: Run, answer: str, speaks: bool
) -> None:
    execute = GUARDED.format(answer) + "return TOOLS[function['name']](**arguments)"
    assert bool(run_harness(_files("call('look', '{\"key\": ')", execute)).said("T103")) is speaks


@pytest.mark.parametrize(("answer", "speaks"), [("Try again.", True), ("Input should be an object", False)])
def test_t103_an_answer_may_say_what_the_arguments_should_be(run_harness: Run, answer: str, speaks: bool) -> None:
    execute = "arguments = json.loads(function['arguments'])\nif not isinstance(arguments, dict):\n    return "
    execute += f"'{answer}'\nreturn TOOLS[function['name']](**arguments)"
    assert bool(run_harness(_files("call('look', '[1]')", execute)).said("T103")) is speaks


INSTEAD = "try:\n    found = open('values of ' + key).read()\nexcept OSError:\n    found = 'fresh value'\nreturn found"
IN_ITS_WORDS = (
    "try:\n    return open('values of ' + key).read()\nexcept OSError as error:\n"
    "    raise LookupError('The store is offline.') from error"
)


@pytest.mark.parametrize("look", [INSTEAD, IN_ITS_WORDS])
def test_t103_leaves_what_a_tool_does_instead_and_says_in_its_own_words(run_harness: Run, look: str) -> None:
    execute = f"try:\n    {PLAIN}\nexcept LookupError as error:\n    return f'Error: {{error}}'"
    files = _files('call("look", {"key": "a"})', execute, look)
    files["main.py"] += "raise SystemExit(1)\n"
    assert not run_harness(files).said("T103")


def test_t103_leaves_answers_to_several_calls(run_harness: Run) -> None:
    execute = f"try:\n    {PLAIN}\nexcept RuntimeError as error:\n    return 'Error: RuntimeError'"
    both = 'dict(call("look", {"key": "a"}), tool_calls=[*call("look", {"key": "a"}, "x")["tool_calls"], '
    files = _files(both + '*call("look", {"key": "b"}, "y")["tool_calls"]])', execute, QUOTA)
    files["main.py"] += "raise SystemExit(1)\n"
    assert not run_harness(files).said("T103")


QUOTA = 'raise RuntimeError("the disk is over its quota")'


@pytest.mark.parametrize(
    ("answer", "ends", "speaks"),
    [
        ("f'Error: {type(error).__name__}'", 1, True),
        ("f'Error: {type(error).__name__}'", 0, False),
        ("f'Error: {error}'", 1, False),
        ("'The disk has gone over quota.'", 1, False),
    ],
)
def test_t103_speaks_of_a_single_call_where_the_run_failed(
    run_harness: Run, answer: str, ends: int, speaks: bool
) -> None:
    execute = f"try:\n    {PLAIN}\nexcept RuntimeError as error:\n    return {answer}"
    files = _files('call("look", {"key": "a"})', execute, QUOTA)
    files["main.py"] += f"raise SystemExit({ends})\n"
    assert bool(run_harness(files).said("T103")) is speaks


@pytest.mark.parametrize(
    ("reason", "speaks"), [("''", True), ("f'{error}. '", False), ("'Arguments must be JSON. '", False)]
)
def test_t103_what_the_parser_said_is_hidden_by_another_complaint(run_harness: Run, reason: str, speaks: bool) -> None:
    execute = (
        f"words, arguments = '', {{}}\ntry:\n    arguments = json.loads(function['arguments'])\n"
        f"except ValueError as error:\n    words = {reason}\n"
        "if 'key' not in arguments:\n    return words + 'The argument key is missing.'\n"
        "return TOOLS[function['name']](**arguments)"
    )
    assert bool(run_harness(_files("call('look', '{\"key\": ')", execute)).said("T103")) is speaks


@pytest.mark.parametrize(
    ("execute", "speaks"),
    [
        ("tool = TOOLS.get(function['name'])\nreturn tool(**json.loads(function['arguments']))", True),
        (
            "named = {('plain', name): tool for name, tool in TOOLS.items()}\n"
            "return named['plain', function['name']](**json.loads(function['arguments']))",
            True,
        ),
        ("tool = TOOLS.get(function['name'])\nreturn tool.__wrapped__(**json.loads(function['arguments']))", True),
        (f"if function['name'] not in TOOLS:\n    return 'there is no such tool'\n{PLAIN}", False),
        (f"try:\n    {PLAIN}\nexcept Exception as error:\n    return f'error: {{error!r}}'", True),
        (f"try:\n    {PLAIN}\nexcept KeyError:\n    return f'there is only {{list(TOOLS)}}'", False),
    ],
)
def test_t105_whatever_way_an_unknown_name_ends_the_run_or_is_answered(
    run_harness: Run, execute: str, speaks: bool
) -> None:
    assert bool(run_harness(_files('call("gaze", {"key": "a"})', execute)).said("T105")) is speaks


@pytest.mark.parametrize(
    ("source", "parameters", "speaks"),
    [("query: str, limit: int = 5", ["query", "limit"], False), ("query, ctx", ["query"], False),
     ("**options", ["query"], False), ("text", ["query"], True), ("query, limit", ["query"], True),
     ("page, seconds", ["reasoning"], False)],
)  # fmt: skip
def test_t104_compares_names_only(run_harness: Run, source: str, parameters: list[str], speaks: bool) -> None:
    declared = {"type": "object", "properties": {name: {"type": "string"} for name in parameters}}
    schema = {"name": "search", "description": "Search.", "parameters": declared}
    function = f'def search({source}):\n    """Search."""\n    return "nothing"\n\n\n'
    text = f'{function}TOOLS = {{"search": search}}\nSCHEMAS = [{schema!r}]\n'
    assert bool(run_harness({"agent.py": text}).said_of_source("T104")) is speaks


@pytest.mark.parametrize(
    ("reply", "speaks"),
    [
        ("I look.\\n```py  \\nls\\n```<end_code>", True),
        ("I look.\\n```python\\r\\nls\\r\\n```", True),
        ("I look.\\n```js  \\nls\\n```", False),
        ("I look.\\n```py\\nls", False),
    ],
)
def test_t111_knows_patterns_that_have_a_name(run_harness: Run, reply: str, speaks: bool) -> None:
    from harnessfix.rules.tool_interface.t111_parser_too_strict import ParserTooStrict

    agent = ParserTooStrict.bad.files["agent.py"]
    named = r'''FENCED = r"```(?:py|python)?\n(.*?)\n```"'''
    agent = agent.replace("import re\n", f"import re\n\n{named}\n", 1)
    agent = agent.replace(r'''r"```bash\n(.*?)\n```"''', "FENCED")
    main = f'''from agent import Agent
from model import Model, say

Agent(Model(say("{reply}"), say("```py\\nexit\\n```"))).run("look around")
'''
    assert bool(run_harness({"agent.py": agent, "main.py": main}).said("T111")) is speaks


def test_t104_asks_for_more_than_a_name_in_common(run_harness: Run) -> None:
    declared = {"type": "object", "properties": {"agents": {"type": "array"}}}
    schema = {"name": "build", "description": "The agents to build.", "parameters": declared}
    method = "class Builder:\n    def build(self, task):\n        return [task]\n\n\n"
    text = f"{method}SCHEMA = {schema!r}\n"
    assert not run_harness({"agent.py": text}).said_of_source("T104")


def test_t104_a_function_that_its_name_alone_joins_to_a_schema_is_the_tool(run_harness: Run) -> None:
    declared = {"type": "object", "properties": {"file_path": {"type": "string"}}}
    schema = {"name": "read_file", "description": "Read a file.", "parameters": declared}
    text = f"def read_file(path):\n    return open(path).read()\n\n\nSCHEMAS = [{schema!r}]\n"
    assert run_harness({"agent.py": text}).said_of_source("T104")


def _request(pool: TextPool, number: int, recorder: str, *parts: tuple[str, str, str, str | None]) -> TraceStep:
    made = [Part(role=role, kind=kind, text=pool.put(text), call_id=call_id) for role, kind, text, call_id in parts]
    source = Source(format=recorder)
    return TraceStep(id=f"s{number}", kind=StepKind.MODEL_CALL, name="query", input=tuple(made), source=source)


ASKED = [("user", "text", "go", None), ("assistant", "tool_call", "{}", "a"), ("assistant", "tool_call", "{}", "b")]


@pytest.mark.parametrize(
    ("recorder", "answers", "speaks"),
    [
        ("harnessfix-probe", [("tool", "tool_result", "1", "a"), ("tool", "tool_result", "2", "b")], False),
        ("harnessfix-probe", [("tool", "tool_result", "1", "b"), ("tool", "tool_result", "2", "a")], False),
        ("harnessfix-probe", [("tool", "tool_result", "1", "a"), ("user", "text", "hm", None)], True),
        ("harnessfix-probe", [("tool", "tool_result", "1", None), ("tool", "tool_result", "2", None)], True),
        ("otlp-json", [("tool", "tool_result", "1", None), ("tool", "tool_result", "2", None)], False),
        ("otlp-json", [("tool", "tool_result", "1", None), ("user", "text", "hm", None)], True),
    ],
)
def test_t106_counts_answers_where_ids_are_lost(recorder: str, answers: list[Any], speaks: bool) -> None:
    pool = TextPool()
    steps = (_request(pool, 1, recorder, *ASKED, *answers),)
    run = Htir(run=RunInfo(id="r"), steps=steps, texts=pool.texts)
    assert bool(list(UnpairedToolResult().check_run(run, HarnessModel(root="/")))) is speaks


LOOKS = """\
from agent import Agent
from model import Model, call, say

print(Agent(Model(call("look", {}, "c1"), say("done"))).run("Look."))
"""
ANSWERING = """\
class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            messages += self.run_tools(reply["tool_calls"])

    def run_tools(self, calls):
        return [self.execute_tool(call) for call in calls]

    def execute_tool(self, call):
        return {"role": "tool", "tool_call_id": "ID", "content": call["function"]["name"]}
"""


@pytest.mark.parametrize(("id_", "blamed"), [('"a call"', "Agent.execute_tool"), ('call["id"]', None)])
def test_who_made_a_result_that_names_no_call_of_a_model_is_blamed(
    run_harness: Run, id_: str, blamed: str | None
) -> None:
    harness = run_harness({"agent.py": ANSWERING.replace('"ID"', id_), "main.py": LOOKS})
    assert [found.anchors[0].qualname for found in harness.said("T106")] == ([blamed] if blamed else [])


def test_a_result_that_is_not_kept_is_blamed_on_what_ran_the_tool(run_harness: Run) -> None:
    agent = """
class Console:
    def show(self, messages, text):
        messages.append({"role": "tool", "tool_call_id": "x", "content": text})


def look(key):
    return f"value of {key}"


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            self.answer(messages, reply["tool_calls"])

    def answer(self, messages, calls):
        tools = {"look": look}
        for call in calls:
            result = tools[call["function"]["name"]]("a")
        messages.append({"role": "user", "content": "Go on."})
"""
    (found,) = run_harness({"agent.py": agent, "main.py": LOOKS}).said("T106")
    assert found.anchors[0].qualname == "Agent.answer"


def test_an_id_that_is_written_beside_a_mere_text(run_harness: Run) -> None:
    code = 'def seed(message: str):\n    return [{"role": "tool", "tool_call_id": "call_0", "content": message}]\n'
    assert not run_harness({"items.py": code}).said_of_source("T106")


@pytest.mark.parametrize(("id_", "speaks"), [('"call"', True), ("message.call_id", False)])
def test_an_id_that_is_written_where_the_message_that_has_it_is_at_hand(
    run_harness: Run, id_: str, speaks: bool
) -> None:
    code = f'def to_provider(message):\n    return {{"tool_call_id": {id_}, "content": message.text}}\n'
    assert bool(run_harness({"items.py": code}).said_of_source("T106")) is speaks


@pytest.mark.parametrize(("id_", "speaks"), [('"call"', True), ("tool_result['use']", False)])
def test_an_id_that_is_written_where_the_result_that_has_it_is_at_hand(
    run_harness: Run, id_: str, speaks: bool
) -> None:
    code = f"def to_provider(tool_result):\n    return {{'tool_call_id': {id_}, 'content': tool_result['text']}}\n"
    assert bool(run_harness({"items.py": code}).said_of_source("T106")) is speaks


SENDING = """
def look(key):
    return f"value of {key}"


class Client:
    def __init__(self, model):
        self.model = model

    def complete(self, messages):
        sent = [self.form(message) for message in messages]
        return self.model.query(sent)

    def form(self, message):
        return {**message, "tool_call_id": ID} if message["role"] == "tool" else message


class Agent:
    def __init__(self, model):
        self.client = Client(model)

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.client.complete(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": look("a")})
"""


HANDED_IN = """
class Agent:
    def __init__(self, model, registry, sandbox=None):
        self.model, self.registry, self.sandbox = model, registry, sandbox

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for call in reply["tool_calls"]:
                answer = self.use_tool(call["function"]["name"])
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})

    def use_tool(self, name):
        BODY
"""


@pytest.mark.parametrize(
    ("body", "speaks"),
    [
        ("return self.registry.get(name).run()", True),
        ("return self.sandbox.running_since(self.registry[name])", False),
        ("return self.sandbox['run'](name)", False),
    ],
)
def test_t105_none_that_is_run_as_a_tool(run_harness: Run, body: str, speaks: bool) -> None:
    main = "from agent import Agent\nfrom model import Model, call, say\n"
    main += 'Agent(Model(call("lok", {}), say("x")), {"look": print}).run("Go.")\n'
    found = run_harness({"agent.py": HANDED_IN.replace("BODY", body), "main.py": main}).said("T105")
    assert [(one.anchors[0].qualname, one.confidence) for one in found] == [("Agent.use_tool", 0.75)] * speaks


@pytest.mark.parametrize(("id_", "speaks"), [('message["content"]', True), ('message["tool_call_id"]', False)])
def test_t106_looks_at_what_was_sent_in_the_end(run_harness: Run, id_: str, speaks: bool) -> None:
    assert bool(run_harness({"agent.py": SENDING.replace("ID", id_), "main.py": LOOKS}).said("T106")) is speaks


@pytest.mark.parametrize(
    ("code", "speaks"),
    [
        ('return {"call_id": "call", "output": output}', True),
        ('return make(tool_call_id="call", content=output)', True),
        ('return {"call_id": tool_call["id"], "output": output}', False),
        ('if not tool_call:\n        return {"call_id": "unknown", "output": output}', False),
        ('if tool_call is None:\n        return make(call_id="none")', False),
        ('return {"call_id": "", "output": output}', False),
        ('call_id = tool_call["id"]\n    return {"call_id": "call", "output": output}', True),
    ],
)
def test_an_id_that_is_written_where_the_calls_own_is_at_hand(run_harness: Run, code: str, speaks: bool) -> None:
    harness = run_harness({"items.py": f"def answer(make, tool_call, output):\n    {code}\n"})
    assert bool(harness.said_of_source("T106")) is speaks


@pytest.mark.parametrize(
    ("code", "speaks"),
    [
        ('return {"tool_call_id": "call", "content": text}', True),
        ('if call_id:\n        return {"tool_call_id": call_id}\n    return {"tool_call_id": "none"}', False),
    ],
)
def test_an_id_that_is_written_beside_one_that_nothing_reads(run_harness: Run, code: str, speaks: bool) -> None:
    harness = run_harness({"items.py": f"def note(call_id, text):\n    {code}\n"})
    assert bool(harness.said_of_source("T106")) is speaks


def test_t106_names_the_function_that_writes_the_id_though_it_reads_the_calls_own_too(run_harness: Run) -> None:
    agent = """
class Agent:
    def __init__(self, model):
        self.model, self.told = model, []

    def note(self, call_id, text):
        self.told.append(call_id)
        return {"role": "tool", "tool_call_id": "call", "content": text}

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(3):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for wanted in reply["tool_calls"]:
                messages.append(self.note(wanted["id"], self.look()))

    def look(self):
        return "four"
"""
    (found,) = run_harness({"agent.py": agent, "main.py": LOOKS}).said("T106")
    assert found.anchors[0].qualname == "Agent.note"


PROVIDER = """\
import json


def parse_tool_args(text):
    try:
        return json.loads(text)
    except ValueError:
        return {}


def mcp_args(call):
    return {"tool_args": parse_tool_args(call.arguments)}


def show_server_side_tool_call(call):
    return [mcp_args(call), parse_tool_args(call.arguments)]
"""


def test_arguments_of_the_providers_own_tools_are_nobodys_to_act_on(run_harness: Run) -> None:
    assert run_harness({"provider.py": PROVIDER}).said_of_source("T116") == []


def test_arguments_that_a_caller_acts_on_are_spoken_of(run_harness: Run) -> None:
    also = PROVIDER + "\n\ndef run_tool(tools, call):\n    return tools[call.name](**parse_tool_args(call.arguments))\n"
    (found,) = run_harness({"provider.py": also}).said_of_source("T116")
    assert found.anchors[0].qualname == "parse_tool_args"


@pytest.mark.parametrize(
    ("file", "function", "spoken"),
    [
        ("agent.py", "process_step", True),
        ("required.py", "showdown", True),
        ("gradio_ui.py", "process_step", False),
        ("agent.py", "render_step", False),
    ],
)
def test_a_first_call_that_is_only_shown(run_harness: Run, file: str, function: str, spoken: bool) -> None:
    code = f"def {function}(step):\n    first = step.tool_calls[0]\n    return first.name\n"
    assert bool(run_harness({file: code}).said_of_source("T115")) is spoken


def test_a_failure_that_is_logged_is_swallowed_all_the_same(run_harness: Run) -> None:
    answer = "except Exception as error:\n        logger.info('failed', exc_info=error)\n        return ''"
    agent = SwallowedToolError.bad.files["agent.py"]
    agent = "import logging\n\nlogger = logging.getLogger(__name__)\n" + agent.replace(
        'except Exception:\n        return "[]"', answer
    )
    files = {**SwallowedToolError.bad.files, "agent.py": agent}
    (found,) = run_harness(files).said("T102")
    assert found.anchors[0].qualname == "find_tickets"


IN_ONE_TEXT = """\
def look(key):
    raise RuntimeError("disk quota on sdb1")


class Agent:
    def __init__(self, model):
        self.model, self.tools = model, {"look": look}

    def run(self, task):
        told = [f"Task: {task}"]
        for _ in range(3):
            reply = self.model.query([{"role": "user", "content": " / ".join(told)}])["content"]
            if not reply.startswith("look"):
                return reply
            told.append(f"You said: {reply}")
            try:
                told.append(f"Observation: {self.tools['look'](reply)}")
            except Exception as error:
                CLAUSE
"""


@pytest.mark.parametrize(
    ("clause", "speaks"),
    [
        ('told.append("Observation:")', True),
        ('told.append(" ".join(["Observation:", "it", "failed"]))', False),
        ('told.append(f"Observation: {error}")', False),
        ('told.append("Observation: " + self.tools["other"](reply))', False),
    ],
)
def test_a_failure_that_the_one_text_of_all_that_happened_does_not_tell(
    run_harness: Run, clause: str, speaks: bool
) -> None:
    run = 'print(Agent(Model(say("look a"), say("42"))).run("Go."))'
    main = f"from agent import Agent\nfrom model import Model, say\n\n{run}\n"
    agent = IN_ONE_TEXT.replace("CLAUSE", clause)
    if "other" in clause:
        agent = agent.replace('{"look": look}', '{"look": look, "other": str}')
    found = run_harness({"agent.py": agent, "main.py": main}).said("T102")
    assert [one.anchors[0].qualname for one in found] == (["Agent.run"] if speaks else [])


COLLECTS = """
class Agent:
    def act(self, tool_calls):
        pending, answer = [], None
        for call in tool_calls:
            name = call.function.name
            if name == "final_answer":
                answer = call
                break
            pending.append((name, call.function.arguments))
        return pending, answer
"""


@pytest.mark.parametrize(("jump", "found"), [("break", ["Agent.act"]), ("continue", [])])
def test_calls_behind_one_that_ends_their_collection_are_dropped(run_harness: Run, jump: str, found: list[str]) -> None:
    said = run_harness({"agent.py": COLLECTS.replace("break", jump)}).said_of_source("T114")
    assert [diagnosis.anchors[0].qualname for diagnosis in said] == found


BRACES = """\
def {name}(text):
    depth = 0
    for place, letter in enumerate(text):
        if letter == "{{":
            depth += 1
        elif letter == "}}":
            depth -= 1
            if depth == 0:
                return text[: place + 1]
"""


@pytest.mark.parametrize(("name", "speaks"), [("first_json_object", True), ("latex_answer", False)])
def test_t124_speaks_of_brackets_in_texts_that_quote(run_harness: Run, name: str, speaks: bool) -> None:
    assert bool(run_harness({"agent.py": BRACES.format(name=name)}).said_of_source("T124")) is speaks


REFUSING = """\
import json


class BadName(Exception):
    pass


class Agent:
    def __init__(self, model):
        self.model = model
        self.notes = []

    def check(self, call):
        if " " in call["function"]["name"]:
            raise BadName(call["function"]["name"])

    def run_tools(self, calls, messages):
        try:
            for call in calls:
                self.check(call)
        except BadName as error:
            TELL
        for call in calls:
            self.notes.append(json.loads(call["function"]["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": "noted"})
        return True

    def run(self, task):
        messages = [{"role": "user", "content": task}]
        for _ in range(4):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            if not self.run_tools(reply["tool_calls"], messages):
                return None
"""


@pytest.mark.parametrize(
    ("tell", "said"),
    [
        ("return False", ["Agent.run_tools"]),
        ("messages.append({'role': 'tool', 'tool_call_id': calls[0]['id'], 'content': str(error)}); return True", []),
        ("raise", []),
    ],
)
def test_calls_that_were_refused_without_a_word_are_the_doing_of_what_took_the_refusal(
    run_harness: Run, tell: str, said: list[str]
) -> None:
    main = (
        "from agent import Agent\nfrom model import Model, call, say\n\n"
        "agent = Agent(Model(call('note down', {'text': 'milk'}), say('I cannot.')))\n"
        "try:\n    agent.run('Note that we need milk.')\nexcept Exception:\n    pass\n"
        "raise SystemExit(not agent.notes)\n"
    )
    found = run_harness({"agent.py": REFUSING.replace("TELL", tell), "main.py": main}).said("T127")
    assert [each.anchors[0].qualname for each in found] == said
    assert all("BadName was taken at" in each.message for each in found)


def test_what_a_call_lacks_may_be_why_it_was_refused(run_harness: Run) -> None:
    agent = REFUSING.replace("self.check(call)", "json.loads(call['function']['arguments'])['day']")
    agent = agent.replace("except BadName", "except KeyError").replace("TELL", "return False")
    main = "from agent import Agent\nfrom model import Model, call\n\n"
    main += "agent = Agent(Model(call('note', {'text': 'milk'})))\n"
    main += "agent.run('Note that we need milk.')\nraise SystemExit(not agent.notes)\n"
    (found,) = run_harness({"agent.py": agent, "main.py": main}).said("T127")
    assert found.anchors[0].qualname == "Agent.run_tools"
    assert "KeyError was taken" in found.message


def test_what_a_function_only_tries_after_the_reply_refused_no_call(run_harness: Run) -> None:
    agent = REFUSING.replace("TELL", "return False").replace(
        "            if not self.run_tools(reply",
        "            try:\n                asyncio.get_running_loop()\n            except RuntimeError:\n"
        "                return None\n            if not self.run_tools(reply",
    )
    main = "from agent import Agent\nfrom model import Model, call\n\n"
    main += "agent = Agent(Model(call('note', {'text': 'milk'})))\n"
    main += "agent.run('Note that we need milk.')\nraise SystemExit(not agent.notes)\n"
    (found,) = run_harness({"agent.py": "import asyncio\n" + agent, "main.py": main}).said("T127")
    assert found.anchors[0].qualname == "Agent.run"
    assert "was taken" not in found.message


@pytest.mark.parametrize(("arguments", "speaks"), [("'[1]'", True), ('\'{"key": "a"}\'', False), ("'oops'", False)])
def test_arguments_that_are_no_object_and_what_their_use_raised(run_harness: Run, arguments: str, speaks: bool) -> None:
    execute = (
        'wanted = TOOLS[function["name"]]\n'
        "try:\n"
        '    given = {key: value for key, value in json.loads(function["arguments"]).items()}\n'
        "except Exception as error:\n"
        '    return f"wrong: {error}"\n'
        "return wanted(**given)"
    )
    assert bool(run_harness(_files(f'call("look", {arguments})', execute)).said("T122")) is speaks
