"""The release agent of `examples/shipmate`, run for real: as shipped, repaired, and with one flaw at a time."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "examples" / "shipmate"
TRUTH: dict[str, Any] = json.loads((HERE / "shipmate_truth.json").read_text(encoding="utf-8"))
FLAWS: list[dict[str, Any]] = TRUTH["flaws"]
RULES = [flaw["rule"] for flaw in FLAWS]
TASKS = sorted(path.stem for path in (SHIPPED / "tasks").glob("*.json"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the example runs POSIX shell commands")


def run(folder: Path, task: str) -> tuple[int, str]:
    """Exit code and printed line of one task."""
    command = [sys.executable, "-B", "-W", "error", "-m", "shipmate", task]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def repaired(folder: Path, rules: list[str]) -> Path:
    """A copy of the example in which the flaws of these rules are repaired."""
    copy = folder / "shipmate"
    shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for rule in rules:
        diff = HERE / "shipmate_repairs" / f"{rule}.diff"
        environment = {"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(folder)}
        subprocess.run(["git", "apply", str(diff)], cwd=copy, check=True, timeout=60, env=environment)
    return copy


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repaired(tmp_path_factory.mktemp("sound"), RULES)


def test_truth_fits_the_shipped_example() -> None:
    """Twelve tasks, each passing or failing for one flaw; every place named in the truth exists."""
    affected = [task for flaw in FLAWS for task in flaw["tasks"]]
    assert sorted(affected + TRUTH["passing"]) == TASKS
    assert len(TASKS) == 12
    assert len({flaw["layer"] for flaw in FLAWS}) == 7
    for place in FLAWS + TRUTH["sound"] + TRUTH["arguable"]:
        assert place["qualname"] in names(SHIPPED / place["path"]), place


def names(path: Path) -> set[str]:
    """Qualified names of a module's functions, or the keys of a flat settings file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        return set(re.findall(r"^(\w+):", text, re.MULTILINE))
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{item.name}" for item in node.body if isinstance(item, ast.FunctionDef)}
    return found


def test_shipped_files_say_nothing_of_the_flaws() -> None:
    hint = re.compile(r"\b[ETCLOVG]1\d\d\b|flaw|\bbug|FIXME|TODO|XXX|noqa|planted|truth", re.IGNORECASE)
    for name, content in files(SHIPPED).items():
        assert not hint.search(content.decode()), name
        assert "truth" not in name


def test_as_shipped_tasks_fail_where_a_flaw_is_met_and_nothing_is_left_behind() -> None:
    before = files(SHIPPED)
    for task in TASKS:
        code, line = run(SHIPPED, task)
        expected = 0 if task in TRUTH["passing"] else 1
        assert code == expected, line
        assert line.startswith(f"{'FAIL' if code else 'PASS'} {task}, ")
        assert len(line.splitlines()) == 1
    assert files(SHIPPED) == before


def test_repaired_all_tasks_pass(sound: Path) -> None:
    for task in TASKS:
        code, line = run(sound, task)
        assert code == 0, line


@pytest.mark.parametrize("flaw", FLAWS, ids=RULES)
def test_each_flaw_alone_fails_its_tasks_and_its_repair_alone_mends_them(flaw: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    (tmp_path / "without").mkdir()
    flawed = repaired(tmp_path / "only", [rule for rule in RULES if rule != flaw["rule"]])
    mended = repaired(tmp_path / "without", [flaw["rule"]])
    for task in flaw["tasks"]:
        assert run(flawed, task)[0] == 1
        assert run(mended, task)[0] == 0


def test_a_task_file_may_be_named_by_its_path_and_bad_usage_is_told_apart() -> None:
    assert run(SHIPPED, "tasks/bump-version.json")[0] == 0
    command = [sys.executable, "-B", "-m", "shipmate", "no-such-task"]
    done = subprocess.run(command, cwd=SHIPPED, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "no such task" in done.stderr
