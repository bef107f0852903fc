"""What a newcomer meets: help, empty folders, wrong words."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from harnessfix.cli.lazy import SECTIONS

Run = Callable[..., Result]
COMMANDS = [name for section in SECTIONS.values() for name in section]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(run: Run, tmp_path: Path, name: str) -> None:
    result = run(tmp_path, name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert len(result.stdout.splitlines()) > 5


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, harnessfix.cli\n"
        "try: harnessfix.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'libcst', 'pydantic', 'rich', 'sqlalchemy', 'alembic', 'textual', 'numpy', 'pytest', 'jinja2'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "HEAVY []"


def test_source_alone_is_checked_without_what_runs_need(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text("def run(model):\n    return model.query([])\n")
    code = (
        "import sys, harnessfix.cli\n"
        f"try: harnessfix.cli.main(['check', '--exit-zero', {str(tmp_path)!r}])\n"
        "except SystemExit: pass\n"
        "print('HEAVY', sorted({'sqlalchemy', 'alembic', 'textual', 'numpy', 'pytest', 'ray'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_a_misspelled_command_is_answered_with_the_nearest(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, "chekc")
    assert result.exit_code == 2
    assert "Did you mean 'check'?" in result.stderr


@pytest.mark.parametrize("arguments", [("runs",), ("check",), ("show",), ("label", "x", "passed")])
def test_without_a_store_one_sentence_says_what_to_type(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run(tmp_path, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "harnessfix record" in result.stderr
    assert not (tmp_path / ".harnessfix").exists(), "looking makes no store"


def test_a_folder_without_python_is_no_clean_harness(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, "check", ".")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no Python file here" in result.stderr


def test_files_that_cannot_be_read_are_no_checked_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    assert "nothing was checked (source alone, 0 files checked, 1 skipped)" in run(tmp_path, "check", ".").stdout
    (tmp_path / "sound.py").write_text("x = 1\n")
    assert "no flaws found (source alone, 1 file checked, 1 skipped)" in run(tmp_path, "check", ".").stdout


def test_a_rule_that_nothing_repairs_says_why(run: Run, tmp_path: Path) -> None:
    shown = " ".join(run(tmp_path, "explain", "L113").stdout.split())
    assert "repaired by hand What was done in part can be files, requests and payments" in shown
    assert "repaired by hand" not in run(tmp_path, "explain", "T102").stdout
    for rule in ("E105", "V106"):
        assert "Why it is repaired by hand" in run(tmp_path, "explain", rule).stdout
    seldom = run(tmp_path, "explain", "C110").stdout
    assert "Operator `fix-template`" in run(tmp_path, "explain", "C110", "--format", "markdown").stdout
    assert "Why it is often repaired by hand" in seldom
    assert json.loads(run(tmp_path, "explain", "L113", "--format", "json").stdout)["by_hand"]


def test_no_line_ends_in_blanks_when_it_is_piped(run: Run, tmp_path: Path) -> None:
    shown = run(tmp_path, "explain", "T102").stdout.splitlines()
    assert len(shown) > 20
    assert [line for line in shown if line != line.rstrip()] == []


def test_a_stream_that_lacks_characters_shows_others() -> None:
    code = "from harnessfix.cli import main; main(['explain', 'T102'])"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True).stdout
    assert b"T102" in shown
    assert shown.isascii()


def test_rules_and_explain_agree(run: Run, tmp_path: Path) -> None:
    rules = json.loads(run(tmp_path, "rules", "--format", "json").stdout)["rules"]
    assert len(rules) >= 20
    one = json.loads(run(tmp_path, "explain", rules[0]["code"], "--format", "json").stdout)
    assert one == rules[0]
    page = run(tmp_path, "explain", rules[0]["name"], "--format", "markdown").stdout
    assert rules[0]["code"] in page.splitlines()[0]
    assert "## Bad" in page


def test_an_unknown_rule_is_an_error(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, "explain", "X999")
    assert result.exit_code == 2
    assert "no rule is called 'X999'" in result.stderr


def test_schema_prints_json_schema(run: Run, tmp_path: Path) -> None:
    schema = json.loads(run(tmp_path, "schema", "htir").stdout)
    assert "steps" in schema["properties"]


def test_doctor_names_what_is_there(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path, "doctor", "--python", sys.executable, "--format", "json")
    checks = {check["what"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["interpreter"]["state"] == "ok"
    assert "store" in checks
