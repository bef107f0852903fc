"""After an edit only what it touches is linked again, and the model is, to the last byte, that of a first reading."""

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessfix_ir.source import linking, read_harness
from harnessfix_ir.source.link.model import COMPOSED, Linked, Linker
from harnessfix_ir.source.words import words

FILES = {
    "pyproject.toml": """\
[project]
name = "agent"
dependencies = ["pyyaml", "tenacity", "openai-client"]
""",
    "app/__init__.py": """\
from .agent import Agent
from .models import Model as LanguageModel
from .tools.files import read_file as reader
""",
    "app/base.py": """\
from typing import Protocol


class Runner(Protocol):
    def step(self, messages): ...
    def stop(self): ...


class Base:
    extra = 'forbid'

    def step(self, messages):
        return self.query(messages)

    def query(self, messages):
        raise NotImplementedError
""",
    "app/models.py": """\
import openai


class Model:
    def __init__(self, client=None):
        self.client = openai.OpenAI()

    def query(self, messages):
        reply = self.client.chat.completions.create(model='m', messages=messages)
        return reply.choices[0].message


class Loud(Model):
    def query(self, messages):
        return super().query(messages).upper()
""",
    "app/reading.py": """\
from .models import Model


def ask(model: Model, messages):
    reply = model.query(messages)
    if reply.finish_reason == 'length':
        return None
    return reply
""",
    "app/agent.py": """\
from .base import Base
from .models import Model
from .parsing import parse
from .tools import TOOLS
from .text import shorten
from .approval import approve


class Agent(Base):
    def __init__(self, model: Model, limit=3):
        self.model = model
        self.limit = limit

    def query(self, messages):
        reply = self.model.query(messages)
        messages.append(reply)
        return reply

    def run(self, task):
        messages = [task]
        while True:
            try:
                action = parse(self.step(messages))
                approve(action)
                messages.append(shorten(TOOLS[action['name']](action['text'])))
            except ValueError:
                pass
""",
    "app/loud.py": """\
from .agent import Agent
from . import LanguageModel


class LoudAgent(Agent):
    def query(self, messages):
        return super().query(messages)

    def again(self, task):
        while len(task) < 9:
            self.step([task])
""",
    "app/parsing.py": """\
import json


def parse(text):
    return json.loads(text)


def check(text):
    return bool(text)
""",
    "app/text.py": """\
LIMIT = 100


def shorten(text):
    return text[:LIMIT]


def cut(text, size):
    return text[:size] + '...'
""",
    "app/approval.py": """\
def approve(action):
    if input('run it? ') != 'y':
        raise ValueError(action)


def run_approved(action, run):
    approve(action)
    return run(action)
""",
    "app/verify.py": """\
from .parsing import check


def verify_result(text):
    return check(text)


def finish(text):
    verify_result(text)
    return text
""",
    "app/hooks.py": """\
def on_step(event):
    print(event)


class Hooks:
    def __init__(self):
        self.step_hooks = [on_step]

    def fire(self, event):
        for hook in self.step_hooks:
            hook(event)
""",
    "app/setup.py": """\
from .hooks import Hooks, on_step


def setup():
    hooks = Hooks()
    hooks.step_hooks.append(on_step)
    return hooks
""",
    "app/config.py": """\
from dataclasses import dataclass

import yaml

from .agent import Agent


@dataclass
class AgentConfig:
    limit: int = 3
    model: str = 'm'


def load(path='agent.yaml'):
    config = yaml.safe_load(open(path))
    return AgentConfig(**config['agent'])


def main():
    return Agent(None, load().limit)
""",
    "app/prompts.py": """\
SYSTEM_PROMPT = 'You are {name}, an agent. Answer {task}.'


def system_prompt(name):
    return SYSTEM_PROMPT.format(name=name)
""",
    "app/prompt.txt": """\
You are a careful agent. Think before you act and answer with one command.
""",
    "app/render.py": """\
from .prompts import SYSTEM_PROMPT


def first(task):
    text = open('prompt.txt').read()
    return SYSTEM_PROMPT.format(task=task) + text
""",
    "app/retry.py": """\
from tenacity import retry, stop_after_attempt

from .models import Model


@retry(stop=stop_after_attempt(3))
def ask_again(model: Model, messages):
    return model.query(messages)
""",
    "app/tools/__init__.py": """\
from .files import read_file, write_file
from .shell import run

TOOLS = {'read': read_file, 'write': write_file, 'run': run}
""",
    "app/tools/files.py": """\
def read_file(path):
    return open(path).read()


def write_file(path, text):
    open(path, 'w').write(text)
""",
    "app/tools/shell.py": """\
import subprocess


def run(command):
    return subprocess.run(command, shell=True)
""",
    "app/tools/schemas.py": """\
SCHEMAS = [
    {
        'type': 'function',
        'function': {
            'name': 'read_file',
            'description': 'Read a file.',
            'parameters': {'type': 'object', 'properties': {'path': {'type': 'string'}}, 'required': ['path']},
        },
    }
]
""",
    "app/dispatch.py": """\
from .tools.files import read_file, write_file


def dispatch_tool(name, path, text):
    if name == 'read_file':
        return read_file(path)
    if name == 'write_file':
        return write_file(path, text)
""",
    "agent.yaml": """\
agent:
  limit: 4
  limits: 5
  model: m
""",
    "scripts/go.py": """\
import yaml
from app import Agent, LanguageModel, reader

model = LanguageModel()


def go():
    Agent(model).run(reader('task'))
    model.query([])
""",
}
WORDS = words(
    """
    Agent Base Runner Model Loud LanguageModel LoudAgent AgentConfig Hooks query step stop run parse check shorten
    cut approve read_file write_file reader verify_result finish on_step step_hooks load limit limits model agent
    base models tools files shell parsing text approval hooks config TOOLS SCHEMAS SYSTEM_PROMPT yaml openai
    tenacity pyyaml messages self action prompt name task ask again dispatch_tool import class def as
    """
)
NEW = (
    "\n\ndef query(messages):\n    return run(messages)\n",
    "\n\nclass Model:\n    def query(self, messages):\n        return messages\n\n    def stop(self):\n        pass\n",
    "\nfrom app.agent import Agent as Base\n",
    "\nfrom app.tools.files import write_file as run\nimport requests\n",
    "\n\nclass More(Agent):\n    def step(self, messages):\n        return self.query(messages)\n",
)
paths = st.sampled_from(sorted(FILES))
numbers = st.integers(0, 5)
edits = st.one_of(
    st.tuples(st.just("word"), paths, st.sampled_from(sorted(WORDS)), st.sampled_from(sorted(WORDS)), numbers),
    st.tuples(st.just("added"), paths, st.sampled_from(NEW)),
    st.tuples(st.just("line at the top"), paths),
    st.tuples(st.just("cut"), paths, numbers),
    st.tuples(st.just("gone"), paths),
    st.tuples(st.just("back"), paths),
    st.tuples(
        st.just("copied"), paths, st.sampled_from(("app/new.py", "lib/app/agent.py", "scripts/__init__.py", "z.py"))
    ),
    st.tuples(st.just("swapped"), paths, paths),
)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def apply(root: Path, edit: tuple[Any, ...]) -> None:
    kind, path, *rest = edit
    file = root / path
    text = file.read_text() if file.exists() else FILES[path]
    if kind == "word":
        old, new, which = rest
        parts = text.split(old)
        place = which % len(parts)
        # 0 changes every place, another number one of them.
        text = new.join(parts) if place == 0 else old.join(parts[:place]) + new + old.join(parts[place:])
    elif kind == "added":
        text += rest[0]
    elif kind == "line at the top":
        text = "# a remark\n" + text
    elif kind == "cut":
        blocks = text.split("\n\n\n")
        text = "\n\n\n".join(block for place, block in enumerate(blocks) if place != rest[0] % len(blocks))
    elif kind == "gone":
        file.unlink(missing_ok=True)
        return
    elif kind == "back":
        text = FILES[path]
    elif kind == "copied":
        file = root / rest[0]
        file.parent.mkdir(parents=True, exist_ok=True)
    elif kind == "swapped":
        write(root, {rest[0]: text})
        text = FILES[rest[0]]
    file.write_text(text)


class Watched(Linker):
    """Counts which files were put together again."""

    composed: list[list[str]] = []
    from_before = 0

    def link(self) -> Linked:
        linked = super().link()
        Watched.composed.append(sorted(linked.told[COMPOSED]))
        Watched.from_before += self._before is not None
        return linked


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> type[Watched]:
    Watched.composed, Watched.from_before = [], 0
    monkeypatch.setattr(linking, "Linker", Watched)
    return Watched


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(edits, min_size=1, max_size=4))
def test_after_any_edit_the_model_is_that_of_a_first_reading(made: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder, "harness"), Path(folder, "cache")
        write(root, FILES)
        read_harness([root], cache_dir=cache)
        for edit in made:
            apply(root, edit)
            assert read_harness([root], cache_dir=cache).model_dump_json() == read_harness([root]).model_dump_json()


@pytest.mark.parametrize("path", sorted(FILES.keys() - {"app/__init__.py"}))  # that one renames all modules
def test_every_file_gone_and_back(path: str, tmp_path: Path, watched: type[Watched]) -> None:
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root, FILES)
    read_harness([root], cache_dir=cache)
    (root / path).unlink()
    gone = read_harness([root], cache_dir=cache).model_dump_json()
    (root / path).write_text(FILES[path] + "\n")
    back = read_harness([root], cache_dir=cache).model_dump_json()
    assert watched.from_before == 2
    assert back == read_harness([root]).model_dump_json()
    (root / path).unlink()
    assert gone == read_harness([root]).model_dump_json()


@pytest.mark.parametrize(
    ("path", "old", "new", "touched"),
    [
        # A body alone: nobody else.
        ("app/models.py", "messages=messages", "messages=messages, n=1", ["app/models.py"]),
        ("app/text.py", "LIMIT = 100", "# fewer\nLIMIT = 50", ["app/text.py"]),
        # The bases of a class: the calls that go through it.
        ("app/loud.py", "(Agent)", "(Model)", ["app/loud.py"]),
        # A re-export: whoever imports it.
        ("app/__init__.py", "Model as LanguageModel", "Loud as LanguageModel", ["scripts/go.py"]),
        # A name that others look for, gone.
        ("app/text.py", "def shorten", "def shortened", ["app/agent.py", "app/text.py"]),
    ],
)
def test_an_edit_touches_only_those_that_it_concerns(
    path: str, old: str, new: str, touched: list[str], tmp_path: Path, watched: type[Watched]
) -> None:
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root, FILES)
    read_harness([root], cache_dir=cache)
    assert old in FILES[path]
    (root / path).write_text(FILES[path].replace(old, new))
    after = read_harness([root], cache_dir=cache).model_dump_json()
    assert watched.from_before == 1
    again = set(watched.composed[-1])
    assert set(touched) <= again
    assert len(again) < len(FILES) / 2
    assert after == read_harness([root]).model_dump_json()


PYTHON = sorted(path for path in FILES if path.endswith(".py"))


@pytest.mark.parametrize("path", PYTHON)
def test_lines_that_move_concern_their_own_file_alone(path: str, tmp_path: Path, watched: type[Watched]) -> None:
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root, FILES)
    read_harness([root], cache_dir=cache)
    (root / path).write_text("# one more line\n\n" + FILES[path])
    after = read_harness([root], cache_dir=cache).model_dump_json()
    # Registrations, schemas and unused answers of checks tell others their lines, and few files have any.
    others = {"app/tools/__init__.py", "app/tools/schemas.py", "app/verify.py", "app/dispatch.py"}
    assert watched.composed[-1] == [path] or path in others
    assert after == read_harness([root]).model_dump_json()


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("app/models.py", "def query(self, messages", "def query(self, messages, n"),
        ("app/parsing.py", "def parse(text", "def parse(text, strict=False"),
        ("app/tools/files.py", "def write_file(path, text", "def write_file(path, text, mode"),
    ],
)
def test_a_signature_concerns_those_who_hand_settings_to_it(
    path: str, old: str, new: str, tmp_path: Path, watched: type[Watched]
) -> None:
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root, FILES)
    read_harness([root], cache_dir=cache)
    assert old in FILES[path]
    (root / path).write_text(FILES[path].replace(old, new))
    after = read_harness([root], cache_dir=cache).model_dump_json()
    assert watched.composed[-1] == [path]
    assert after == read_harness([root]).model_dump_json()


def test_places_that_move_are_named_where_they_are_now(tmp_path: Path) -> None:
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root, FILES)
    read_harness([root], cache_dir=cache)
    for path in ("app/config.py", "app/models.py"):
        (root / path).write_text("# one more line\n" * 40 + FILES[path])
        read_harness([root], cache_dir=cache)
    model = read_harness([root], cache_dir=cache)
    named = {
        str(place)
        for element in model.elements
        for fact in element.facts
        if fact.name in ("read-at", "imported-at") and isinstance(fact.value, list)
        for place in fact.value
    }
    assert {"app/models.py:41", "app/config.py:43", "app/config.py:56"} <= named
    assert model.model_dump_json() == read_harness([root]).model_dump_json()


def test_what_is_kept_of_links_may_be_anything(tmp_path: Path, watched: type[Watched]) -> None:
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root, FILES)
    read_harness([root], cache_dir=cache)
    [file] = (cache / "links").glob("*.sqlite")
    whole = file.read_bytes()
    other = sqlite3.connect(":memory:")
    other.execute("CREATE TABLE state (model TEXT)")
    damaged = [b"", b"no database", whole[: len(whole) // 2], bytes(len(whole)), other.serialize()]
    other.close()
    damaged += [whole[:place] + bytes(64) + whole[place + 64 :] for place in range(5000, len(whole), len(whole) // 20)]
    for number, data in enumerate(damaged):
        file.write_bytes(data)
        (root / "app/text.py").write_text(FILES["app/text.py"] + f"\nNUMBER = {number}\n")
        after = read_harness([root], cache_dir=cache).model_dump_json()
        assert after == read_harness([root]).model_dump_json()
    (root / "app/text.py").write_text(FILES["app/text.py"] + "\nLAST = 1\n")
    watched.from_before = 0
    read_harness([root], cache_dir=cache)
    assert watched.from_before == 1, "a damaged database was made anew"


def test_links_that_another_process_holds_are_done_without(tmp_path: Path) -> None:
    root, cache = tmp_path / "harness", tmp_path / "cache"
    write(root, FILES)
    read_harness([root], cache_dir=cache)
    [file] = (cache / "links").glob("*.sqlite")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    (root / "app/text.py").write_text(FILES["app/text.py"] + "\nLAST = 1\n")
    held = read_harness([root], cache_dir=cache).model_dump_json()
    other.close()
    assert held == read_harness([root]).model_dump_json()
