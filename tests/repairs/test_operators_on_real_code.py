"""Operators at places of real source that nobody prepared for them: refused, or edited cleanly and only once."""

import ast
import importlib.util
import subprocess
import sys
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec, Scope
from harnessfix_repairs.diff import apply_edits, parse, unified
from harnessfix_repairs.operators import Operator, Refusal, all_operators
from harnessfix_repairs.relocate import relocated

OPERATORS = sorted(all_operators())
PACKAGES = ("click", "jinja2", "rich", "_pytest", "http", "json", "logging", "asyncio", "concurrent", "urllib")
LARGEST = 16_000


@cache
def files() -> list[Path]:
    """Source files of installed packages and of the standard library, of a size that is read in a moment."""
    found = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        for folder in spec.submodule_search_locations or () if spec is not None else ():
            found += [path for path in sorted(Path(folder).glob("*.py")) if 500 < path.stat().st_size < LARGEST]
    return found


@cache
def functions(path: Path) -> list[tuple[str, int, int]]:
    """Qualified name and lines of every function of a file."""
    found: list[tuple[str, int, int]] = []

    def walk(node: ast.AST, above: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{above}.{child.name}" if above else child.name
                if not isinstance(child, ast.ClassDef):
                    found.append((name, child.lineno, child.end_lineno or child.lineno))
                walk(child, name)
            else:
                walk(child, above)

    walk(ast.parse(path.read_text("utf-8")), "")
    return found


def edit(operator: Operator, files_: dict[str, str], anchor: Anchor) -> dict[str, str]:
    scope = Scope(files=tuple(files_), symbols=(f"{anchor.path}:{anchor.qualname}",))
    spec = RepairSpec(flaw="0" * 8, rule="X000", operator=operator.name, anchors=(anchor,), allowed=scope)
    try:
        return operator.edit(files_, anchor, spec)
    except Refusal:
        return {}


EVERY = list(HealthCheck)


@settings(max_examples=80, deadline=None, suppress_health_check=EVERY)  # pyright: ignore[reportArgumentType]
@given(data=st.data())
def test_an_edit_of_real_source_parses_comes_once_and_goes_back(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(OPERATORS))
    path = data.draw(st.sampled_from(files()))
    places = functions(path)
    if not places:
        return
    qualname, start, end = data.draw(st.sampled_from(places))
    before = path.read_bytes().decode("utf-8")
    anchor = Anchor(path="agent.py", qualname=qualname, start_line=start, end_line=end)
    operator = all_operators()[name]
    changed = edit(operator, {"agent.py": before}, anchor)
    after = changed.get("agent.py", before)
    if after == before:
        return
    ast.parse(after)
    again = edit(operator, {"agent.py": after}, relocated(anchor, before, after))
    assert again.get("agent.py", after) == after, "applying it twice changes more"
    old, new = before.encode(), after.encode()
    edits = parse(unified("agent.py", old, new))["agent.py"]
    assert apply_edits("agent.py", old, edits) == new
    assert apply_edits("agent.py", new, edits, reverse=True) == old


PLUGIN = '''\
from harnessfix_repairs.operators import EditExample, Operator


class Shout(Operator):
    """Puts a text in capitals. Anchor: anything. No parameters."""

    name = "shout"
    summary = "Say it louder."
    fix_safety = "Nobody is hurt."
    examples = (EditExample("a", "A"),)

    def edit(self, files, anchor, spec):
        return {anchor.path: files[anchor.path].upper()}
'''
ASK = """\
from pathlib import Path

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import Diagnosis, FlawRecord
from harnessfix_repairs.patch import propose

anchor = Anchor(path="prompt.txt", qualname="", start_line=1, end_line=1)
best = Diagnosis(flaw="1234abcd", rule="X001", name="quiet", layer="context", severity="warning", anchors=(anchor,),
                 message="too quiet", confidence=1.0, evidence="observed", operator="shout")
print(propose(Path("."), FlawRecord(flaw="1234abcd", best=best)).diff)
"""


def test_an_operator_of_a_third_party_is_found_by_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(PLUGIN)
    info = tmp_path / "loud-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[harnessfix.operators]\nshout = loud\n")
    (tmp_path / "prompt.txt").write_text("say it\n")
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "-say it\n+SAY IT" in done.stdout
