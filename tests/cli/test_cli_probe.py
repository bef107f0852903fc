"""What `record` instruments: everything, what the settings say, or nothing."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]

AGENT = """
import sys
from tools import TOOLS

class Model:
    def complete(self, messages):
        return {"role": "assistant", "content": "done" if len(messages) > 1 else "look"}

def run(task):
    messages = [{"role": "user", "content": task}]
    for turn in range(3):
        reply = Model().complete(messages)
        if reply["content"] == "done":
            break
        messages.append({"role": "tool", "content": TOOLS["look"]("a")})
    return reply

print(run("go")["content"])
"""
TOOLS = """
def twice(key):
    return key * 2

def look(key):
    '''Look a key up.'''
    return twice(key)

TOOLS = {"look": look}
"""


@pytest.mark.parametrize(
    ("settings", "options", "names"),
    [
        ("", (), {"run", "Model.complete", "look"}),
        ('exclude = ["agent.py"]', (), {"look"}),
        ('exclude = ["*:Model.*"]', (), {"run", "Model().complete", "look"}),  # the call itself is in another function
        ('include = ["tool*"]', (), {"run", "Model.complete", "look", "twice"}),
        ('include = ["tools.py:t*"]\nexclude = ["agent.py"]', (), {"look", "twice"}),
        ("enabled = false", (), set()),
        ("", ("--no-probe",), set()),
    ],
    ids=["everything", "without a file", "without a class", "with a file", "with a function", "off", "--no-probe"],
)
def test_what_is_instrumented(
    run: Run, tmp_path: Path, settings: str, options: tuple[str, ...], names: set[str]
) -> None:
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "tools.py").write_text(TOOLS)
    (tmp_path / "harnessfix.toml").write_text(f"[probe]\n{settings}\n")
    result = run(tmp_path, "record", *options, "--", sys.executable, "agent.py")
    assert result.exit_code == 0, result.stderr
    rows = json.loads(run(tmp_path, "runs", "--format", "json").stdout)["runs"]
    assert len(rows) == 1
    steps = json.loads(run(tmp_path, "show", "latest", "--format", "json").stdout)["steps"]
    assert {step["name"] for step in steps} == names
    if not names:
        assert "without the probe only OpenTelemetry spans are recorded" in result.stderr
