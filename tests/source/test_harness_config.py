"""Settings files and the classes and lines that read their keys."""

import json
from collections.abc import Callable, Mapping

import pytest

from harnessfix_ir.document import JsonValue
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.source.settings_files import read_settings
from harnessfix_ir.vocabulary import ElementRole

Reader = Callable[[Mapping[str, str]], HarnessModel]

CLASSES = """
from dataclasses import dataclass
import yaml

@dataclass
class AgentConfig:
    step_limit: int = 10
    observation_template: str = ""

class Agent:
    def __init__(self, model, *, config_class=AgentConfig, **kwargs):
        self.config = config_class(**kwargs)
"""
YAML = "agent:\n  step_limits: 50\n  observation_template: x\n"


def dead(model: HarnessModel) -> dict[str, JsonValue]:
    """Dead keys and the field that each was probably meant to be."""
    return {e.anchor.qualname: e.value("near") for e in model.of_role(ElementRole.CONFIG_KEY) if e.fact("dead")}


@pytest.mark.parametrize(
    "code",
    [
        "def main():\n    config = yaml.safe_load(open('c.yaml'))\n    AgentConfig(**config['agent'])\n",
        "def main(config):\n    Agent(None, **config.get('agent', {}))\n",
        "def main(config):\n    section = config.get('agent') or {}\n    Agent(None, **section)\n",
        "def make(settings):\n    return AgentConfig(**settings)\ndef main(config):\n    make(config['agent'])\n",
        "class Child(Agent):\n    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n"
        "def main(config):\n    Child(None, **config['agent'])\n",
        "def main(config, big):\n    kind = Agent\n    if big:\n        kind = Agent\n"
        "    kind(None, **config['agent'])\n",
    ],
)
def test_a_misspelt_key_of_a_known_class_is_dead(read: Reader, code: str) -> None:
    model = read({"agent.py": CLASSES + code, "c.yaml": YAML})
    assert dead(model) == {"agent.step_limits": "step_limit"}
    keys = {e.anchor.qualname: e for e in model.of_role(ElementRole.CONFIG_KEY)}
    assert keys["agent.observation_template"].value("declared") == "agent.py:AgentConfig.observation_template"
    (cls,) = model.of_role(ElementRole.CONFIG_CLASS)
    assert (cls.value("extra"), cls.value("loaded-from")) == ("error", ["c.yaml"])


@pytest.mark.parametrize(
    "code",
    [
        "def main(config):\n    Unknown(**config['agent'])\n",
        "def main(config):\n    AgentConfig(**config['agent'])\n    log(config['agent'])\n",
        "def main(config):\n    AgentConfig(**config['agent'])\n    for key in config['agent']:\n        use(key)\n",
        "def main(config):\n    AgentConfig(**config['agent'])\n    return config['agent']['step_limits']\n",
        "class Open:\n    def __init__(self, **kwargs):\n        self.rest = kwargs\n"
        "def main(config):\n    Open(**config['agent'])\n",
        "def main(config):\n    pass\n",
    ],
)
def test_no_key_is_dead_where_something_else_may_read_it(read: Reader, code: str) -> None:
    assert dead(read({"agent.py": CLASSES + code, "c.yaml": YAML})) == {}


PYDANTIC = """
from pydantic import BaseModel, ConfigDict

class Settings(BaseModel):
    {config}
    step_limit: int = 3

def main(config):
    Settings(**config["agent"])
"""


@pytest.mark.parametrize(
    ("config", "extra", "gone"),
    [
        ("pass", "ignore", True),
        ("model_config = ConfigDict(extra='forbid')", "forbid", True),
        ("model_config = {'extra': 'allow'}", "allow", False),
    ],
)
def test_pydantic_and_unknown_keys(read: Reader, config: str, extra: str, gone: bool) -> None:
    model = read({"agent.py": PYDANTIC.format(config=config), "c.toml": "[agent]\nstep_limits = 3\n"})
    (cls,) = model.of_role(ElementRole.CONFIG_CLASS)
    assert cls.value("extra") == extra
    assert bool(dead(model)) is gone


def test_classes_named_in_a_mapping(read: Reader) -> None:
    model = read(
        {
            "pkg/__init__.py": "",
            "pkg/envs.py": "class LocalEnv:\n    def __init__(self, cwd='', timeout=3):\n        self.cwd = cwd\n",
            "pkg/make.py": """
import importlib
ENVS = {"local": "pkg.envs.LocalEnv"}

def get_class(name):
    return importlib.import_module(ENVS[name])

def get_env(config):
    kind = get_class(config.pop("kind"))
    return kind(**config)

def main(config):
    get_env(config["env"])
""",
            "c.yaml": "env:\n  kind: local\n  cwd: /\n  timeouts: 3\n",
        }
    )
    assert dead(model) == {"env.timeouts": "timeout"}


def test_keys_that_are_only_read_by_name(read: Reader) -> None:
    code = (
        "import yaml\ndef main():\n    config = yaml.safe_load(open('c.yaml'))\n"
        "    return config['run']['workers'] + config['run']['retries']\n"
    )
    files = {"agent.py": code, "c.yaml": "run:\n  workers: 2\n  retrys: 3\n"}
    assert dead(read(files)) == {"run.retrys": "retries"}
    assert dead(read(files | {"agent.py": code + "    return helper(config)\n"})) == {}


def test_another_file_with_other_keys_is_left_alone(read: Reader) -> None:
    code = "import yaml\ndef main():\n    AgentConfig(**yaml.safe_load(open('c.yaml')))\n"
    assert dead(read({"agent.py": CLASSES + code, "c.yaml": "step_limit: 3\n", "compose.yaml": "services: 1\n"})) == {}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("yaml", "a:\n  b: 1\n  c:\n    - x\n    - d: two\ne: |\n  text\n  more\n"),
        ("toml", "[a]\nb = 1\nc = ['x', {d = 'two'}]\n\n[f]\ne = '''\ntext'''\n"),
        ("json", '{"a": {"b": 1,\n "c": ["x", {"d": "two"}]},\n "e": "text\\nmore"}'),
    ],
)
def test_keys_have_paths_values_and_lines(language: str, text: str) -> None:
    entries = {entry.path: entry for entry in read_settings(text, language)}
    assert entries["a.b"].value == 1
    lines = text.split("\n")
    for name in ("a.b", "e" if language != "toml" else "f.e"):
        entry = entries[name]
        assert name.rpartition(".")[2] in lines[entry.start - 1]
        assert entry.end >= entry.start
    if language != "toml":
        assert entries["a.c.1.d"].value == "two"
        assert entries["e"].value in ("text\nmore\n", "text\nmore")


def test_aliases_do_not_multiply() -> None:
    levels = "".join(f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 9)}]\n" for n in range(9))
    entries = read_settings("l0: &l0 [1, 1]\n" + levels, "yaml")
    assert len(entries) < 500


def test_dependencies(read: Reader) -> None:
    model = read(
        {
            "pyproject.toml": "[project]\nname = 'x'\ndependencies = [\n  'requests>=2',\n  'PyYAML',\n]\n",
            "agent.py": "import requests, yaml, numpy\nimport json\nimport helpers\ntry:\n    import torch\n"
            "except ImportError:\n    torch = None\n",
            "helpers.py": "x = 1\n",
        }
    )
    found = {
        e.name: e
        for e in model.of_role(ElementRole.DEPENDENCY)
        if e.value("imported-at") and not e.anchor.path.endswith("toml")
    }
    assert set(found) == {"requests", "yaml", "numpy", "torch"}
    assert {name for name, e in found.items() if e.fact("undeclared")} == {"numpy"}
    declared = [e for e in model.of_role(ElementRole.DEPENDENCY) if e.anchor.path == "pyproject.toml"]
    assert [(e.name, e.anchor.start_line) for e in declared] == [("requests", 4), ("pyyaml", 5)]


def test_nothing_is_undeclared_without_declarations(read: Reader) -> None:
    model = read({"agent.py": "import numpy\n"})
    (element,) = model.of_role(ElementRole.DEPENDENCY)
    assert element.fact("undeclared") is None


def test_blanks_after_a_bracket_cost_no_more_than_their_length() -> None:
    # With a pattern that may split blanks in several ways, 2,000 of them took half a minute.
    (entry,) = read_settings("x = [\n[" + " " * 200_000 + "\n]]\n", "toml")[:1]
    assert (entry.path, entry.start, entry.end) == ("x", 1, 3)


def test_what_a_run_left_behind_is_no_part_of_the_harness(read: Reader) -> None:
    turns = [
        {"role": "user", "content": "Fix the parser\nof dates."},
        {"role": "assistant", "content": "I will\ndo that."},
    ]
    model = read(
        {
            "a.traj.json": json.dumps({"messages": turns}, indent=1),
            "spans.json": json.dumps({"resourceSpans": [{"scopeSpans": []}]}),
            "prompts.json": json.dumps({"messages": turns[:1]}),
        }
    )
    assert {element.anchor.path for element in model.elements} == {"prompts.json"}
