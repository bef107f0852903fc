"""What a user may silence: a baseline, a rule's own settings, and rules of other packages."""

import json
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]


def rules_of(result: Result) -> list[str]:
    return [finding["rule"] for finding in json.loads(result.stdout)["findings"]]


def test_a_baseline_leaves_out_what_was_known_and_tells_what_is_new(run: Run, project: Path) -> None:
    before = rules_of(run(project, "check", ".", "--format", "json"))
    assert before
    assert run(project, "check", ".", "--baseline", "known.json", "--write-baseline").exit_code == 0
    quiet = run(project, "check", ".", "--baseline", "known.json")
    assert quiet.exit_code == 0
    assert f"{len(before)} in the baseline" in quiet.stdout
    source = (project / "agent.py").read_text()
    one_more = source[source.index("def list_files") : source.index("TOOLS =")].replace("list_files", "list_more")
    moved = "# a line above\n" + source.replace("TOOLS = {", one_more + 'TOOLS = {"list_more": list_more, ')
    (project / "agent.py").write_text("# a line above\n" + source)
    assert rules_of(run(project, "check", ".", "--baseline", "known.json", "--format", "json")) == []
    (project / "agent.py").write_text(moved)
    assert rules_of(run(project, "check", ".", "--baseline", "known.json", "--format", "json")) == ["T102"]


def test_the_baseline_of_the_settings_counts_by_itself(run: Run, project: Path) -> None:
    (project / "harnessfix.toml").write_text('baseline = "known.json"\n' + (project / "harnessfix.toml").read_text())
    run(project, "check", ".", "--write-baseline")
    assert json.loads((project / "known.json").read_text())["schema"] == "harnessfix.baseline/1"
    assert run(project, "check", ".").exit_code == 0


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "harnessfix.check/1", "findings": []}', "{" * 5000, None])
def test_a_baseline_that_cannot_be_used_is_named(run: Run, project: Path, text: str | None) -> None:
    if text is not None:
        (project / "known.json").write_text(text)
    result = run(project, "check", ".", "--baseline", "known.json")
    assert result.exit_code == 2
    assert "known.json" in result.stderr.replace("\n", "")
    assert "--write-baseline" in result.stderr


def test_a_rule_is_configured_by_itself(run: Run, project: Path) -> None:
    settings = project / "harnessfix.toml"
    plain = settings.read_text()
    (found,) = [f for f in findings(run, project) if f["rule"] == "T102"]
    settings.write_text(plain + '\n[rules.T102]\nseverity = "info"\n')
    assert [f["severity"] for f in findings(run, project) if f["rule"] == "T102"] == ["info"]
    settings.write_text(plain + '\n[rules.T102]\nexclude = ["agent*"]\n')
    assert "T102" not in [f["rule"] for f in findings(run, project)]
    settings.write_text(plain + f"\n[rules.T102]\nconfidence = {min(1.0, found['confidence'] + 0.01)}\n")
    assert "T102" not in [f["rule"] for f in findings(run, project)]


def findings(run: Run, project: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(project, "check", ".", "--format", "json").stdout)["findings"]
    return found


def test_an_option_of_a_rule_changes_what_it_sees(run: Run, project: Path) -> None:
    (project / "harnessfix.toml").write_text("[rules.L101]\nrepeats = 2\n")
    source = (project / "agent.py").read_text()
    same = '{"tool": "list_files", "pattern": "a*"}'
    replies = f'    "again": [\'{same}\'] * 3 + [\'{{"tool": "done", "answer": "x"}}\'],\n'
    (project / "agent.py").write_text(source.replace("REPLIES = {\n", "REPLIES = {\n" + replies))
    run(project, "record", "--task", "again", "--", sys.executable, "agent.py", "again")
    assert "L101" in rules_of(run(project, "check", "--run", "latest", "--format", "json"))
    (project / "harnessfix.toml").write_text("")
    assert "L101" not in rules_of(run(project, "check", "--run", "latest", "--format", "json"))


@pytest.mark.parametrize(
    ("table", "words"),
    [("[rules.T102]\nrepeats = 3\n", "T102 has no option `repeats`"), ("[rules.X999]\n", "no rule is called 'X999'")],
)
def test_settings_for_what_a_rule_does_not_have_are_refused(run: Run, project: Path, table: str, words: str) -> None:
    (project / "harnessfix.toml").write_text(table)
    result = run(project, "check", ".")
    assert result.exit_code == 2
    assert words in result.stderr


PLUGIN = '''\
"""A rule of another package."""

from harnessfix.rules import Example, Finding, Rule
from harnessfix_ir.vocabulary import ElementRole, Property


class NoPrint(Rule):
    code = "O900"
    name = "house-print"
    keeps = Property.HONESTY
    summary = why = "This house logs."
    bad = good = Example(files={})

    def check_source(self, model):
        for logger in model.of_role(ElementRole.LOGGER):
            if logger.value("level") == "print":
                yield Finding(message="print instead of a log", anchors=[logger.anchor])


class Broken(Rule):
    code = "O901"
    name = "house-broken"
    keeps = Property.HONESTY
    summary = why = "Raises."
    bad = good = Example(files={})

    def check_source(self, model):
        raise RuntimeError("of the other package")

    def check_run(self, run, model):
        raise RuntimeError("of the other package")
'''
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "house-rules"
version = "1"

[project.entry-points."harnessfix.rules"]
house = "house_rules"

[tool.hatch.build.targets.wheel]
include = ["house_rules.py"]
"""


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of its own in which a package with rules is installed; harnessfix and the rest come from this one."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "src").mkdir()
    (folder / "src" / "house_rules.py").write_text(PLUGIN)
    (folder / "src" / "pyproject.toml").write_text(PROJECT)
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    paths = "\n".join(path for path in sys.path if path)
    (folder / "env" / "lib" / version / "site-packages" / "here.pth").write_text(paths + "\n")
    wheel = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(wheel, cwd=folder / "src", check=True, capture_output=True, timeout=120)
    import zipfile

    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        archive.extractall(folder / "env" / "lib" / version / "site-packages")
    return python


@pytest.mark.skipif(sys.platform == "win32", reason="the environment is laid out as on POSIX")
def test_rules_of_an_installed_package_are_asked_and_their_failures_are_theirs(house: Path, project: Path) -> None:
    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(house), "-c", "from harnessfix.cli import main; main()", *arguments]
        return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)

    result = call("check", "--format", "json")
    document = json.loads(result.stdout)
    rules = {finding["rule"] for finding in document["findings"]}
    assert {"O900", "T102"} <= rules
    failed = [line for line in document["summary"]["incomplete"] if "O901" in line]
    runs = {row["id"][:8] for row in json.loads(call("runs", "--format", "json").stdout)["runs"]}
    assert any("the source" in line for line in failed)
    assert all(any(run in line for line in failed) for run in runs)
    assert all("RuntimeError: of the other package" in line for line in failed)
    listed = json.loads(call("rules", "--select", "O900", "--format", "json").stdout)["rules"]
    assert [rule["name"] for rule in listed] == ["house-print"]
