"""Every sort of element that the harness model promises: found in a small harness, at its exact lines, and not found in
one that only looks like it.

Lines that begin with `▸` are those of the element that is asked for; the mark is taken off before the source is read.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.vocabulary import ElementRole, Layer

Reader = Callable[[Mapping[str, str]], HarnessModel]

MARK = "▸"
ASK = """
def ask(messages):
    return client.chat.completions.create(model="m", messages=messages)
"""


@dataclass(frozen=True)
class Noun:
    """A sort of element.

    Args:
        name: what people call it.
        role, layer: what the element is.
        source: files that hold it, or the one file `agent.py`, with its lines marked.
        near: the same, for a source that holds none.
        says: facts of the element, True for a fact that must be there with whatever value.
        fact: what tells it from others of its role, which `near` may hold.
    """

    name: str
    role: ElementRole
    layer: Layer
    source: str | Mapping[str, str]
    near: str | Mapping[str, str]
    says: Mapping[str, JsonValue] = field(default_factory=dict)
    fact: str = ""


NOUNS = (
    Noun(
        "a fallback for a value",
        ElementRole.FALLBACK,
        Layer.LIFECYCLE,
        """
def window(given, settings):
▸    size = given or settings.window
    return size
""",
        """
def window(given, settings):
    if given or settings.window:
        return bool(given or settings) or not given
    if settings:
        return settings.get("window", 0) or settings.size
    return given or []
""",
        {"default": "settings.window", "column": 11},
    ),
    Noun(
        "an agent loop that a range bounds",
        ElementRole.AGENT_LOOP,
        Layer.LIFECYCLE,
        f"""{ASK}
def run(task, max_steps):
    messages = [task]
▸    for _ in range(max_steps):
▸        reply = ask(messages)
▸        messages.append(reply)
    return messages
""",
        f"""{ASK}
def run(tasks):
    for task in tasks:
        print(task)
    return ask(tasks)
""",
        {"bounded-by": ["range"], "unbounded": None, "asks": ["agent.py:ask"]},
    ),
    Noun(
        "an agent loop without a bound",
        ElementRole.AGENT_LOOP,
        Layer.LIFECYCLE,
        f"""{ASK}
def run(messages):
▸    while True:
▸        messages.append(ask(messages))
""",
        f"""{ASK}
def run(messages):
    for _ in range(9):
        messages.append(ask(messages))
""",
        {"unbounded": True},
        "unbounded",
    ),
    Noun(
        "a model call",
        ElementRole.MODEL_CALL,
        Layer.LIFECYCLE,
        """
class Model:
▸    def query(self, messages):
▸        reply = self.client.chat.completions.create(model="m", messages=messages)
▸        return reply.choices[0]
""",
        """
class Table:
    def query(self, rows):
        return self.client.rows.create(rows=rows)
""",
        {"sdk": "self.client.chat.completions.create", "indexes-choices": 5, "messages-param": "messages"},
    ),
    Noun(
        "a tool by decorator",
        ElementRole.TOOL,
        Layer.TOOL_INTERFACE,
        """
▸@tool
▸def search(query, limit=5):
▸    return query[:limit]
""",
        """
@cache
def search(query, limit=5):
    return query[:limit]
""",
        {"registered-by": "decorator", "params": ["query", "limit"], "tool-name": "search"},
    ),
    Noun(
        "a tool whose schema has other parameters than its signature",
        ElementRole.TOOL,
        Layer.TOOL_INTERFACE,
        """
▸def get_weather(town):
▸    return town

TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "the weather",
    "parameters": {"type": "object", "properties": {"town": {}, "day": {}}}}}]
""",
        """
def get_weather(town):
    return town

PLACES = [{"type": "place", "place": {"name": "weather", "description": "the weather"}}]
""",
        {"described-params": ["town", "day"], "params": ["town"], "registered-by": "schema"},
    ),
    Noun(
        "a registry of tools",
        ElementRole.TOOL_REGISTRY,
        Layer.TOOL_INTERFACE,
        """
def read(path):
    return path

▸TOOLS = {"read_file": read}
""",
        """
def read(path):
    return path

SIZES = {"read_file": 3}
""",
        {"tools": ["read_file"], "collection": "dict"},
    ),
    Noun(
        "a look-up of tools that does not expect to miss",
        ElementRole.TOOL_REGISTRY,
        Layer.TOOL_INTERFACE,
        """
def dispatch(name, arguments):
▸    return TOOLS[name](**arguments)
""",
        """
def dispatch(name, arguments):
    return SIZES[name] + arguments
""",
        {"lookup": "subscript", "handles-miss": None},
    ),
    Noun(
        "a parser of model output",
        ElementRole.PARSER,
        Layer.TOOL_INTERFACE,
        """
import json

▸def parse_action(content):
▸    return json.loads(content)["action"]
""",
        """
import json

def load_settings(path):
    return json.loads(path.read_text())["settings"]
""",
        {"unguarded-json-loads": [5]},
    ),
    Noun(
        "a context builder",
        ElementRole.CONTEXT_BUILDER,
        Layer.CONTEXT,
        """
class Agent:
▸    def observe(self, output):
▸        self.messages.append({"role": "user", "content": f"Output: {output}"})
""",
        """
class Agent:
    def observe(self, output):
        self.rows.append({"name": "output", "size": len(output)})
""",
        {"appends": [4], "appends-role": ["user"]},
    ),
    Noun(
        "a truncation",
        ElementRole.TRUNCATION,
        Layer.CONTEXT,
        """
LIMIT = 400

def observe(output):
▸    return output[:LIMIT]
""",
        """
def observe(output):
    return output[1:]
""",
        {"keeps": "head", "limit": "LIMIT", "of": "output", "marker": None},
    ),
    Noun(
        "a truncation in a template",
        ElementRole.PROMPT,
        Layer.CONTEXT,
        """
class Settings:
▸    observation_template: str = "The command printed: {{ output[:1000] }}"
""",
        """
class Settings:
    observation_template: str = "The command printed: {{ output }}"
""",
        {"bounded-placeholders": ["output"], "is-observation": True},
        "bounded-placeholders",
    ),
    Noun(
        "a retry by tenacity",
        ElementRole.RETRY,
        Layer.LIFECYCLE,
        """
from tenacity import retry, stop_after_attempt

▸@retry(stop=stop_after_attempt(3))
def ask(messages):
    return send(messages)
""",
        """
from functools import lru_cache

@lru_cache(maxsize=3)
def ask(messages):
    return send(messages)
""",
        {"library": "tenacity", "stop": "stop_after_attempt(3)", "retries-everything": True, "decorates": "ask"},
    ),
    Noun(
        "a retry by backoff",
        ElementRole.RETRY,
        Layer.LIFECYCLE,
        """
import backoff

▸@backoff.on_exception(backoff.expo, (OSError, ValueError), max_tries=4)
def ask(messages):
    return send(messages)
""",
        """
import backoff

def ask(messages):
    return send(messages, backoff.expo())
""",
        {"library": "backoff", "stop": "4", "retries": ["OSError", "ValueError"]},
    ),
    Noun(
        "a retry by a loop",
        ElementRole.RETRY,
        Layer.LIFECYCLE,
        """
def ask(messages):
▸    for attempt in range(3):
▸        try:
▸            return send(messages)
▸        except OSError:
▸            continue
""",
        """
def ask(batches):
    for batch in batches:
        try:
            send(batch)
        except OSError as error:
            print(error)
""",
        {"library": "loop", "stop": "range(3)", "retries": ["OSError"]},
    ),
    Noun(
        "a handler that swallows",
        ElementRole.HANDLER,
        Layer.OBSERVABILITY,
        """
def act(call):
    try:
        return run(call)
▸    except Exception:
▸        return ""
""",
        """
def act(call):
    try:
        return run(call)
    except Exception as error:
        return str(error)
""",
        {"swallows": True, "broad": True, "returns-constant": '""', "try-calls": ["run"]},
        "swallows",
    ),
    Noun(
        "a raised error and its message",
        ElementRole.RAISE,
        Layer.OBSERVABILITY,
        """
def find(name):
▸    raise KeyError(f"no tool called {name} is here")
""",
        """
def find(name):
    try:
        return TOOLS[name]
    except KeyError:
        raise
""",
        {"type": "KeyError", "message": "no tool called {} is here"},
    ),
    Noun(
        "a timeout of a process",
        ElementRole.SUBPROCESS,
        Layer.EXECUTION,
        """
import subprocess

def execute(command):
▸    return subprocess.run(command, shell=True, timeout=30)
""",
        """
import subprocess

def execute(command):
    return subprocess.run(command, shell=True)
""",
        {"timeout": "30", "no-timeout": None, "shell": True, "command-from": "parameter"},
        "timeout",
    ),
    Noun(
        "a process without a timeout",
        ElementRole.SUBPROCESS,
        Layer.EXECUTION,
        """
import subprocess

def execute(command):
▸    return subprocess.run(
▸        command,
▸        shell=True,
▸    )
""",
        """
def execute(command):
    return runner.run(command, shell=True)
""",
        {"no-timeout": True, "inherits-environ": True},
    ),
    Noun(
        "a request without a timeout",
        ElementRole.REQUEST,
        Layer.EXECUTION,
        """
import requests

def fetch(url):
▸    return requests.get(url).text
""",
        """
def fetch(url):
    return pages.get(url).text
""",
        {"no-timeout": True, "call": "requests.get"},
    ),
    Noun(
        "a hook and what runs in which order",
        ElementRole.HOOK,
        Layer.LIFECYCLE,
        """
class Agent:
    def __init__(self):
        self.callbacks = []
        self.callbacks.append(save)
        self.callbacks.append(check)

    def finish(self, answer):
        for callback in self.callbacks:
▸            callback(answer)
""",
        """
class Agent:
    def finish(self, answers):
        for answer in answers:
            keep(answer)
""",
        {"in-order": ["save", "check"], "calls-each-of": "self.callbacks"},
    ),
    Noun(
        "a limit and how it is compared",
        ElementRole.LIMIT,
        Layer.LIFECYCLE,
        """
def run(max_steps):
    n = 0
▸    while n <= max_steps:
        n += 1
""",
        """
def run(items):
    n = 0
    while n < len(items):
        n += 1
""",
        {"compares": "n <= max_steps", "counter": "n", "off-by-one": True},
    ),
    Noun(
        "a verifier whose answer is not used",
        ElementRole.VERIFIER,
        Layer.VERIFICATION,
        """
▸def verify_patch(patch):
▸    return bool(patch)

def finish(patch):
    verify_patch(patch)
    return patch
""",
        """
def apply_patch(patch):
    return bool(patch)

def finish(patch):
    apply_patch(patch)
    return patch
""",
        {"result-unused-at": [6], "answers": True},
    ),
    Noun(
        "an approval and what it guards",
        ElementRole.APPROVAL,
        Layer.GOVERNANCE,
        """
▸def confirm(command):
▸    return input(f"Run {command}? ") == "y"

def delete(path):
    shutil.rmtree(path)

def step(command):
    if not confirm(command):
        return "refused"
    return delete(command)
""",
        """
def describe(command):
    return f"Run {command}"

def step(command):
    return describe(command)
""",
        {"guards": ["agent.py:delete"], "asks-person": True},
    ),
    Noun(
        "a submission and what it changes",
        ElementRole.SUBMISSION,
        Layer.VERIFICATION,
        """
▸def submit_answer(text):
▸    return text.strip().lower()
""",
        """
def send_letter(text):
    return text.strip().lower()
""",
        {"transforms": True},
    ),
    Noun(
        "a logger",
        ElementRole.LOGGER,
        Layer.OBSERVABILITY,
        """
import logging

def step(n):
▸    logging.warning("step %d", n)
""",
        """
import math

def step(n):
    math.log(n)
""",
        {"level": "warning"},
    ),
    Noun(
        "a secret and where it goes",
        ElementRole.SECRET,
        Layer.GOVERNANCE,
        """
import os

def start(logger):
▸    key = os.environ["OPENAI_API_KEY"]
    logger.info("the key is %s", key)
""",
        """
import os

def start(logger):
    tokens = os.environ["MAX_TOKENS"]
    logger.info("at most %s", tokens)
""",
        {"source": "environ", "goes-to": "log"},
    ),
    Noun(
        "a memory",
        ElementRole.MEMORY,
        Layer.CONTEXT,
        """
class NoteMemory:
▸    def add(self, note):
▸        self.notes.append(note)
""",
        """
class Basket:
    def add(self, apple):
        self.apples.append(apple)
""",
        {"operation": "write"},
    ),
    Noun(
        "a prompt that is a literal",
        ElementRole.PROMPT,
        Layer.CONTEXT,
        '''
▸SYSTEM_PROMPT = """You answer questions about the weather.
▸Be brief, and say so when you do not know."""
''',
        '''
def run():
    """You answer questions about the weather.
    Be brief, and say so when you do not know."""
''',
        {"engine": "literal", "name": "SYSTEM_PROMPT"},
    ),
    Noun(
        "a prompt that is an f-string",
        ElementRole.PROMPT,
        Layer.CONTEXT,
        """
def build(task):
▸    messages = [{"role": "user", "content": f"The task is {task}. Think before you act, and be brief."}]
    return messages
""",
        """
def build(logger, task):
    logger.info(f"The task is {task}. It is logged before it is worked on, for people.")
    return task
""",
        {"engine": "f-string", "placeholders": ["task"]},
    ),
    Noun(
        "a prompt for str.format, and what is not supplied to it",
        ElementRole.PROMPT,
        Layer.CONTEXT,
        """
▸PLAN_PROMPT = "Plan the task {task} with the tools {tools} in at most ten steps."

def plan(task):
    return PLAN_PROMPT.format(task=task)
""",
        """
def plan(task):
    raise ValueError("The task {task} cannot be planned with the tools that are here.".format(task=task))
""",
        {"engine": "format", "placeholders": ["task", "tools"], "unsupplied": ["tools"], "rendered-at": ["agent.py:5"]},
    ),
    Noun(
        "a prompt in Jinja",
        ElementRole.PROMPT,
        Layer.CONTEXT,
        """
class Settings:
▸    instance_template: str = "Solve this task: {{ task }}. The system is {{ system.name }}."
""",
        """
class Settings:
    template_folder: str = "templates/{{ name }}"
""",
        {"engine": "jinja", "placeholders": ["task", "system.name"]},
    ),
    Noun(
        "a prompt file",
        ElementRole.PROMPT,
        Layer.CONTEXT,
        {"prompts/system.md": "▸You are {{ role }}.\n▸Answer the question of the user.\n", "agent.py": "x = 1\n"},
        {
            "notes/today.md": "These are notes about a system.\nNothing of them is sent to a model.\n",
            "agent.py": "x = 1\n",
        },
        {"placeholders": ["role"], "engine": "jinja"},
    ),
    Noun(
        "a prompt in settings",
        ElementRole.PROMPT,
        Layer.CONTEXT,
        {
            "config.yaml": "agent:\n▸  system_template: |\n▸    You solve the task {{ task }}.\n"
            "▸    Be brief.\n  limit: 3\n"
        },
        {"config.yaml": "agent:\n  system_name: here\n  limit: 3\n"},
        {"placeholders": ["task"]},
    ),
    *(
        Noun(
            f"a declared key of {name}",
            ElementRole.CONFIG_KEY,
            Layer.CONTEXT,
            {name: text.replace("steps", "step_limit"), "agent.py": loads},
            {name: text.replace(MARK, "").replace("steps", "other"), "agent.py": loads},
            {"declared": "agent.py:Settings.step_limit", "dead": None},
            "declared",
        )
        for name, text, loads in (
            ("c.yaml", "agent:\n▸  steps: 50\n", "import yaml\nLOAD = yaml.safe_load(open('c.yaml'))\n"),
            ("c.toml", "[agent]\n▸steps = 50\n", "import tomllib\nLOAD = tomllib.load(open('c.toml', 'rb'))\n"),
            ("c.json", '{"agent": {\n▸  "steps": 50\n}}\n', "import json\nLOAD = json.load(open('c.json'))\n"),
        )
        for loads in (
            loads + "from dataclasses import dataclass\n\n@dataclass\nclass Settings:\n    step_limit: int = 10\n\n"
            "def main():\n    return Settings(**LOAD['agent'])\n",
        )
    ),
    Noun(
        "a dead key and the field it was meant to be",
        ElementRole.CONFIG_KEY,
        Layer.CONTEXT,
        {
            "c.yaml": "agent:\n▸  step_limits: 50\n  name: x\n",
            "agent.py": "import yaml\nfrom dataclasses import dataclass\n\n@dataclass\nclass Settings:\n"
            "    step_limit: int = 10\n    name: str = ''\n\ndef main():\n"
            "    config = yaml.safe_load(open('c.yaml'))\n    return Settings(**config['agent'])\n",
        },
        {
            "c.yaml": "agent:\n  step_limits: 50\n  name: x\n",
            "agent.py": "import yaml\n\ndef main():\n"
            "    config = yaml.safe_load(open('c.yaml'))\n    return start(**config['agent'])\n",
        },
        {"dead": True, "near": "step_limit", "near-declared": "agent.py:Settings.step_limit"},
        "dead",
    ),
    Noun(
        "the class that a settings file is loaded into",
        ElementRole.CONFIG_CLASS,
        Layer.CONTEXT,
        {
            "c.yaml": "agent:\n  step_limit: 50\n",
            "agent.py": "import yaml\nfrom dataclasses import dataclass\n\n▸@dataclass\n▸class Settings:\n"
            "▸    step_limit: int = 10\n\ndef main():\n"
            "    config = yaml.safe_load(open('c.yaml'))\n    return Settings(**config['agent'])\n",
        },
        {
            "c.yaml": "agent:\n  step_limit: 50\n",
            "agent.py": "import yaml\nfrom dataclasses import dataclass\n\n@dataclass\nclass Point:\n"
            "    x: int = 10\n\ndef main():\n    return Point(3)\n",
        },
        {"fields": ["step_limit"], "loaded-from": ["c.yaml"]},
        "loaded-from",
    ),
    Noun(
        "a declared dependency",
        ElementRole.DEPENDENCY,
        Layer.EXECUTION,
        {
            "pyproject.toml": "[project]\nname = 'x'\ndependencies = [\n▸  'requests>=2',\n]\n",
            "agent.py": "import requests\n",
        },
        {"pyproject.toml": "[project]\nname = 'x'\nkeywords = [\n  'requests',\n]\n", "agent.py": "import json\n"},
        {"declared": True},
        "declared",
    ),
    Noun(
        "an import that no dependency declares",
        ElementRole.DEPENDENCY,
        Layer.EXECUTION,
        {
            "pyproject.toml": "[project]\nname = 'x'\ndependencies = ['requests']\n",
            "agent.py": "import requests\n▸import numpy\n",
        },
        {
            "pyproject.toml": "[project]\nname = 'x'\ndependencies = ['requests', 'numpy']\n",
            "agent.py": "import requests\nimport numpy\nimport json\n",
        },
        {"undeclared": True},
        "undeclared",
    ),
    Noun(
        "a hazard",
        ElementRole.HAZARD,
        Layer.LIFECYCLE,
        """
import asyncio

async def run(jobs):
▸    asyncio.create_task(work(jobs))
""",
        """
import asyncio

async def run(jobs):
    await asyncio.create_task(work(jobs))
""",
        {},
    ),
)


def files_of(source: str | Mapping[str, str]) -> dict[str, str]:
    """The files as they are read, without marks."""
    files = {"agent.py": source} if isinstance(source, str) else source
    return {name: text.replace(MARK, "") for name, text in files.items()}


def marked(source: str | Mapping[str, str]) -> tuple[str, int, int, str]:
    """File, first and last line, and the lines themselves of what is marked."""
    for name, text in ({"agent.py": source} if isinstance(source, str) else source).items():
        lines = text.splitlines(keepends=True)
        numbers = [n for n, line in enumerate(lines, 1) if line.startswith(MARK)]
        if numbers:
            return name, numbers[0], numbers[-1], "".join(lines[numbers[0] - 1 : numbers[-1]]).replace(MARK, "")
    raise AssertionError("nothing is marked")


def of(model: HarnessModel, noun: Noun) -> list[Element]:
    """Elements that are what is asked for."""
    return [e for e in model.of_role(noun.role) if not noun.fact or e.fact(noun.fact) is not None]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
def test_a_noun_is_found_where_it_is(read: Reader, noun: Noun) -> None:
    files = files_of(noun.source)
    path, first, last, lines = marked(noun.source)
    at = {(e.anchor.path, e.anchor.start_line, e.anchor.end_line): e for e in of(read(files), noun)}
    assert (path, first, last) in at, list(at)
    element = at[path, first, last]
    assert element.layer is noun.layer
    assert "".join(files[path].splitlines(keepends=True)[first - 1 : last]) == lines
    assert element.anchor.content_hash == hashlib.sha256(lines.encode()).hexdigest()[:16]
    for name, value in noun.says.items():
        if value is True:
            assert element.fact(name) is not None, name
        else:
            assert element.value(name) == value, name


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
def test_what_only_looks_like_it_is_none(read: Reader, noun: Noun) -> None:
    assert not of(read(files_of(noun.near)), noun)


def test_every_role_is_in_the_table() -> None:
    plain = {ElementRole.FUNCTION, ElementRole.CLASS, ElementRole.LOOP}  # every one there is; no near miss
    assert {noun.role for noun in NOUNS} | plain == set(ElementRole)


def test_calls_between_functions_are_edges(read: Reader) -> None:
    model = read(
        {
            "agent.py": "from shell import Shell\n\nclass Agent:\n    def __init__(self, shell: Shell):\n"
            "        self.shell = shell\n\n    def step(self):\n        return self.shell.execute('ls') + len('x')\n",
            "shell.py": "class Shell:\n    def execute(self, command):\n        return command\n\n"
            "class Other:\n    def execute(self, command):\n        return ''\n",
        }
    )
    edges = {(call.caller, call.callee, call.line, call.resolved) for call in model.calls}
    assert ("agent.py:Agent.step", "self.shell.execute", 8, "shell.py:Shell.execute") in edges
    assert not any(call.resolved for call in model.calls if call.callee == "len")
    assert not any(call.resolved == "shell.py:Other.execute" for call in model.calls)
