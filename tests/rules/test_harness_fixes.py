"""The check of sources before fixes, over a history of three files."""

import json
import subprocess
from pathlib import Path

import pytest

from harnessfix.bench import harness_fixes
from harnessfix_ir.errors import HarnessfixError

_STEP = (
    "class Step:\n    def run(self, tool):\n        try:\n            tool()\n        finally:\n            return 1\n"
)


def _git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *settings, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _history(tmp_path: Path) -> Path:
    repository = tmp_path / "repositories" / "desk"
    package = repository / "src" / "desk"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "step.py").write_text(_STEP)
    _git(repository, "init", "-q")
    _git(repository, "add", ".")
    _git(repository, "commit", "-qm", "first")
    return repository


def _cases(tmp_path: Path, **changed: object) -> Path:
    case = {
        "id": "one",
        "repo": "somebody/desk",
        "layer": "observability",
        "src": ["src/desk/step.py"],
        "core_anchors": ["src/desk/step.py::Step.run"],
    }
    (tmp_path / "cases.jsonl").write_text(json.dumps({**case, **changed}) + "\n")
    return tmp_path


def test_file_function_and_layer_are_scored(tmp_path: Path) -> None:
    repository = _history(tmp_path)
    folder = _cases(tmp_path, buggy=_git(repository, "rev-parse", "HEAD"))
    found = harness_fixes.measure(harness_fixes.load(folder), repository.parent)
    figures = harness_fixes.metrics(found)
    assert found[0].error == ""
    assert [figures[name] for name in ("file_at_1", "file_at_3", "function_at_3", "layer")] == [1.0, 1.0, 1.0, 1.0]


def test_a_fix_elsewhere_is_a_miss(tmp_path: Path) -> None:
    repository = _history(tmp_path)
    commit = _git(repository, "rev-parse", "HEAD")
    folder = _cases(tmp_path, buggy=commit, src=["src/desk/other.py"], core_anchors=["src/desk/step.py::Step.stop"])
    fix = harness_fixes.measure(harness_fixes.load(folder), repository.parent)[0]
    assert (fix.file_rank, fix.function_rank) == (0, 0)


def test_a_missing_commit_is_told_and_not_counted(tmp_path: Path) -> None:
    repository = _history(tmp_path)
    found = harness_fixes.measure(harness_fixes.load(_cases(tmp_path, buggy="0" * 40)), repository.parent)
    assert "git ls-tree" in found[0].error
    assert harness_fixes.metrics(found)["measured"] == 0


@pytest.mark.parametrize("changed", [{"buggy": "--output=x"}, {"buggy": "0" * 40, "repo": "../../etc"}, {}])
def test_a_broken_case_is_named_by_its_line(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(HarnessfixError, match=r"cases\.jsonl:1: this is no case"):
        harness_fixes.load(_cases(tmp_path, **changed))
