"""The scope audit names every way in which an edit leaves its scope, and only those."""

import pytest

from harnessfix_ir.errors import ScopeError
from harnessfix_ir.findings import RepairSpec, Scope
from harnessfix_repairs.audit import audit, require_in_scope

SOURCE = '''\
import os
from json import loads

LIMIT = 10  # characters


class Agent:
    """Doc."""

    name = "a"

    def run(self, task):
        # the loop
        return loads(task)

    def stop(self):
        return None


def free(x: int = 1) -> int:
    def inner():
        return x
    return inner()
'''


def spec(*symbols: str, files: tuple[str, ...] = ("a.py",), **scope: object) -> RepairSpec:
    allowed = Scope(files=files, symbols=tuple(f"a.py:{s}" for s in symbols), **scope)  # type: ignore[arg-type]
    return RepairSpec(flaw="0" * 8, rule="X1", operator="x", anchors=(), allowed=allowed, forbidden=("**/tests/**",))


def problems(spec: RepairSpec, *changes: tuple[str, str], before: str = SOURCE, path: str = "a.py") -> list[str]:
    after = before
    for old, new in changes:
        assert old in after
        after = after.replace(old, new)
    return [f"{found.place}|{found.reason}" for found in audit(spec, {path: before}, {path: after})]


@pytest.mark.parametrize(
    ("symbols", "change"),
    [
        (["Agent.run"], ("return loads(task)", "return loads(task or '{}')")),
        (["Agent"], ("return loads(task)", "return None")),
        (["LIMIT"], ("LIMIT = 10", "LIMIT = 20")),
        (["Agent.name"], ('name = "a"', 'name = "b"')),
        (["free"], ("return x\n", "return x + 1\n")),
        (["Agent.run"], ("import os\n", "import os\nimport re\n")),
        (["Agent.run"], ("from json import loads", "from json import dumps, loads")),
        (["Agent.run", "_helper"], ("class Agent", "def _helper():\n    pass\n\n\nclass Agent")),
        (["Agent.run"], ("\n\n\nclass Agent", "\n\nclass Agent")),
    ],
)
def test_what_is_allowed_is_not_reported(symbols: list[str], change: tuple[str, str]) -> None:
    assert problems(spec(*symbols), change) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("return None", "return 1"), "Agent.stop|it changed"),
        (("LIMIT = 10", "LIMIT = 20"), "LIMIT|it changed"),
        (('name = "a"', 'name = "b"'), "Agent.name|it changed"),
        (("class Agent", "def _helper():\n    pass\n\n\nclass Agent"), "_helper|it was added"),
        (("    def stop(self):\n        return None\n", ""), "Agent.stop|it was removed"),
        (("import os\n", ""), "<imports>|os as None is no longer imported"),
        (("def run(self, task)", "def run(self, task, more)"), "Agent.run|its signature changed"),
        (("        # the loop\n", ""), "|the comment '# the loop' is lost"),
        (("return loads(task)", "return loads(task"), "|it no longer parses"),
        (("\n\nclass Agent", "\n\nprint(1)\n\n\nclass Agent"), "<module>|it was added"),
    ],
)
def test_what_is_not_allowed_is_named(change: tuple[str, str], expected: str) -> None:
    found = problems(spec("Agent.run"), change)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_files_imports_and_size_are_bounded() -> None:
    assert problems(spec("Agent.run"), ("return None", "return 1"), path="b.py") == ["|the file may not be touched"]
    only = spec("Agent.run", imports=False)
    assert problems(only, ("import os\n", "import os\nimport re\n")) == ["<imports>|imports changed"]
    small = spec("Agent.run", max_lines=2)
    assert problems(small, ("return loads(task)", "x = 1\n        return x")) == ["|3 lines change, 2 may"]
    tests = spec(files=("tests/a.py",))
    assert "|the file is forbidden" in problems(tests, ("return None", "return 1"), path="tests/a.py")


def test_violations_are_raised_together() -> None:
    after = SOURCE.replace("return None", "return 1").replace("LIMIT = 10", "LIMIT = 20")
    with pytest.raises(ScopeError, match=r"a\.py:LIMIT: it changed; a\.py:Agent\.stop: it changed"):
        require_in_scope(spec("Agent.run"), {"a.py": SOURCE}, {"a.py": after})


YAML = "# settings\nagent:\n  max_step: 5  # turns\n  other: [1, 2]\n"


def settings(*keys: str) -> RepairSpec:
    allowed = Scope(files=("a.yaml",), symbols=tuple(f"a.yaml:{key}" for key in keys))
    return RepairSpec(flaw="0" * 8, rule="X1", operator="x", anchors=(), allowed=allowed)


@pytest.mark.parametrize(
    ("keys", "change", "expected"),
    [
        (("agent.max_step", "agent.max_steps"), ("max_step:", "max_steps:"), []),
        (("agent.max_step",), ("max_step:", "max_steps:"), ["agent.max_steps|it was added"]),
        (("agent.max_step",), ("[1, 2]", "[1, 3]"), ["agent.other.1|it changed"]),
        (("agent.max_step",), ("  # turns", ""), ["|the comment '# turns' is lost"]),
        (("agent.max_step",), ("max_step: 5", "max_step: [5"), ["|a.yaml cannot be read"]),
        ((), ("  max_step: 5  # turns\n  other: [1, 2]\n", "  other: [1, 2]\n  max_step: 5  # turns\n"), ["|its keys"]),
    ],
)
def test_settings_are_audited_key_by_key(keys: tuple[str, ...], change: tuple[str, str], expected: list[str]) -> None:
    found = problems(settings(*keys), change, before=YAML, path="a.yaml")
    assert len(found) == len(expected)
    assert all(one.startswith(wanted) for one, wanted in zip(found, expected, strict=True))
