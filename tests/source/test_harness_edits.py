"""A harness that is edited file by file and read with its cache is, to the last byte, what a first reading finds."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessfix_ir.source import read_harness

FILES = {
    "pkg/__init__.py": "from .loop import Agent\nfrom .tools import read_file as reader\n",
    "pkg/model.py": (
        "class Model:\n    def query(self, messages):\n        return self.client.responses.create(messages)\n\n\n"
        "class Loud(Model):\n    def query(self, messages):\n        return super().query(messages).upper()\n"
    ),
    "pkg/tools.py": (
        "import subprocess\n\n\ndef read_file(path):\n    return open(path).read()\n\n\n"
        "def run(command):\n    return subprocess.run(command, shell=True)\n\n\n"
        "TOOLS = {'read': read_file, 'run': run}\n"
    ),
    "pkg/loop.py": (
        "from .model import Model\nfrom .tools import TOOLS\n\n\nclass Agent:\n"
        "    def __init__(self, model: Model, limit=3):\n        self.model = model\n        self.limit = limit\n\n"
        "    def step(self, messages):\n        reply = self.model.query(messages)\n        messages.append(reply)\n"
        "        return TOOLS[reply.name](reply.text)\n\n"
        "    def run(self, task):\n        messages = [task]\n        while True:\n            try:\n"
        "                self.step(messages)\n            except ValueError:\n                pass\n"
    ),
    "pkg/main.py": (
        "import yaml\nfrom pkg import Agent\n\n\ndef main():\n    settings = yaml.safe_load(open('agent.yaml'))\n"
        "    Agent(None, **settings['agent']).run('go')\n"
    ),
    "agent.yaml": "agent:\n  limit: 4\n  limits: 5\n",
}
EDITS: dict[str, Callable[[str], str]] = {
    "line at the top": lambda text: "# a remark\n" + text,
    "function added": lambda text: text + "\n\ndef query(messages):\n    return run(messages)\n",
    "method added": lambda text: text + "\n    def stop(self):\n        return self.step([])\n",
    "function removed": lambda text: text.partition("\n\ndef ")[0] + "\n",
    "renamed": lambda text: text.replace("query", "ask").replace("read_file", "load_file"),
    "renamed class": lambda text: text.replace("Model", "Client").replace("Agent", "Worker"),
    "import changed": lambda text: text.replace("from .model", "from .tools").replace("from .tools", "from .model"),
    "import dropped": lambda text: "\n".join(line for line in text.split("\n") if not line.startswith("from")),
    "bounded": lambda text: text.replace("while True", "while len(messages) < self.limit"),
    "base changed": lambda text: text.replace("(Model)", "(Agent)"),
    "key changed": lambda text: text.replace("limits", "limit_"),
    "broken": lambda text: text + "\ndef (:\n",
    "emptied": lambda text: "",
}
names = st.sampled_from(sorted(FILES))
edits = st.lists(st.tuples(names, st.sampled_from([*EDITS, "gone", "back"])), min_size=1, max_size=6)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits)
def test_after_any_edits_the_cached_reading_is_the_first_one(made: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder, "harness"), Path(folder, "cache")
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        read_harness([root], cache_dir=cache)
        for name, edit in made:
            file = root / name
            if edit == "gone":
                file.unlink(missing_ok=True)
            elif edit == "back" or not file.exists():
                file.write_text(FILES[name])
            else:
                file.write_text(EDITS[edit](file.read_text()))
            cold = read_harness([root]).model_dump_json()
            assert read_harness([root], cache_dir=cache).model_dump_json() == cold
            assert read_harness([root], cache_dir=cache).model_dump_json() == cold


@pytest.mark.parametrize("edit", sorted(EDITS))
def test_each_edit_changes_the_model(tmp_path: Path, edit: str) -> None:
    """Otherwise the test above would compare nothing."""
    changed = 0
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    before = read_harness([tmp_path]).model_dump_json()
    for name, text in FILES.items():
        (tmp_path / name).write_text(EDITS[edit](text))
        changed += read_harness([tmp_path]).model_dump_json() != before
        (tmp_path / name).write_text(text)
    assert changed
