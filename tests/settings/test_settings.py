"""Settings: where they are found, what they say, and what is said of mistakes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from harnessfix.settings import RedactSettings, RuleSettings, Settings, ValidateSettings, load_settings
from harnessfix_ir.errors import SettingsError
from harnessfix_ir.vocabulary import Severity

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_none_are_needed(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert (settings.root, settings.source) == (tmp_path, None)
    assert settings.harness == (".",)
    assert (settings.store, settings.select, settings.redact.enabled) == (None, (), True)
    assert settings == Settings(root=tmp_path)


def test_everything_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "harnessfix.toml").write_text(
        """
        harness = ["src/agent", "some_package"]
        exclude = ["**/vendored/**"]
        store = "runs/store.db"
        select = ["C", "T102"]
        ignore = ["O101"]

        [severity]
        C101 = "info"

        [probe]
        enabled = false
        include = ["agent/*.py"]
        exclude = ["agent/slow.py"]

        [validate]
        command = ["python", "agent.py", "--task={task}"]
        tasks = ["one"]
        tasks-from = "tasks/*.json"
        repeats = 5
        jobs = 2
        timeout = 30
        max-newly-failing = 1

        [redact]
        patterns = ["acme-[0-9]+"]

        """
    )
    (tmp_path / "tasks").mkdir()
    for name in ("two.json", "three.json", "one.json", "not-a-task.txt"):
        (tmp_path / "tasks" / name).touch()
    settings = load_settings(tmp_path)
    assert settings.harness == ("src/agent", "some_package")
    assert settings.store == str(tmp_path / "runs" / "store.db")
    assert settings.severity == {"C101": Severity.INFO}
    assert (settings.probe.enabled, settings.probe.include) == (False, ("agent/*.py",))
    assert settings.validation.argv("a b; rm") == ["python", "agent.py", "--task=a b; rm"]
    assert settings.validation.task_names(settings.root) == ["one", "three", "two"]
    assert (settings.validation.repeats, settings.validation.timeout) == (5, 30.0)
    assert settings.redact == RedactSettings(patterns=("acme-[0-9]+",))


def test_the_nearest_file_that_speaks_to_us_counts(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.harnessfix]\nselect = ['T']\n")
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'uses-harnessfix'\n")
    (tmp_path / "a" / "b" / "pyproject.toml").write_text("[tool.ruff\n")
    settings = load_settings(deep)
    assert (settings.root, settings.source) == (tmp_path, tmp_path / "pyproject.toml")
    assert settings.select == ("T",)

    (tmp_path / "harnessfix.toml").write_text("select = ['V']\n")
    assert load_settings(deep).select == ("V",)
    (deep / "harnessfix.toml").touch()
    agent = deep / "agent.py"
    agent.touch()
    assert load_settings(agent).root == deep
    assert load_settings(agent).select == ()


def test_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / "harnessfix.toml").write_text("select = ['V']\n[validate]\njobs = 2\nrepeats = 4\n")
    settings = load_settings(
        tmp_path, {"select": None, "validate": {"repeats": 1, "max_newly_failing": 3}, "harness": ["x"]}
    )
    assert (settings.select, settings.harness) == (("V",), ("x",))
    wanted = settings.validation
    assert (wanted.jobs, wanted.repeats, wanted.max_newly_failing) == (2, 1, 3)
    with pytest.raises(SettingsError, match=r"^command line: `validate\.jobs` has to be a whole number"):
        load_settings(tmp_path, {"validate": {"jobs": "2"}})


MISTAKES = {
    "harnes = ['x']": "unknown key `harnes`; did you mean `harness`?",
    "[validate]\nmax_newly_failing = 1": "unknown key `validate.max_newly_failing`; did you mean `max-newly-failing`?",
    "[probe]\nenable = true": "unknown key `probe.enable`; did you mean `enabled`?",
    "zzz = 1": "unknown key `zzz`; known are baseline, exclude, harness,",
    "root = '/'": "unknown key `root`; known are",
    "validation = {}": "unknown key `validation`; did you mean `validate`?",
    "harness = 'x'": "`harness` has to be a list",
    "select = ['C', 1]": "`select.1` has to be a string",
    "store = 3": "`store` has to be a string",
    "probe = 3": "`probe` has to be a table",
    "rules = 3": "`rules` has to be a table",
    "[rules.C101]\nseverity = 'loud'": "`rules.C101.severity` has to be 'error', 'warning' or 'info'",
    "[rules.C101]\nconfidence = 2": "`rules.C101.confidence` has to be less than or equal to 1",
    "[rules.L101]\nrepeats = 'many'": "`rules.L101.repeats` has to be a number",
    "[probe]\nenabled = 'yes'": "`probe.enabled` has to be true or false",
    "[validate]\njobs = 0": "`validate.jobs` has to be greater than or equal to 1",
    "[validate]\njobs = true": "`validate.jobs` has to be a whole number",
    "[validate]\njobs = 2.5": "`validate.jobs` has to be a whole number",
    "[validate]\ntimeout = '9'": "`validate.timeout` has to be a number",
    "[validate]\ntimeout = inf": "`validate.timeout` has to be a finite number",
    "[validate]\ncommand = 3": "`validate.command` has to be a command: one string, or a list of strings",
    "[validate]\ncommand = ''": "`validate.command` has to be a command",
    "[validate]\ncommand = 'say \"hello'": "`validate.command` cannot be split into words: No closing quotation",
    "[validate]\ntasks-from = '../*.json'": "`validate.tasks-from` has to be a glob pattern below the root",
    "[validate]\ntasks-from = '/etc/*'": "`validate.tasks-from` has to be a glob pattern below the root",
    "redact = 3": "`redact` has to be a table",
    "[redact]\npatterns = ['(']": "`redact.patterns` holds '(', which is no regular expression: missing )",
    "[severity]\nC101 = 'fatal'": "`severity.C101` has to be 'error', 'warning' or 'info'",
    "[probe]\nenabled = 1\n[validate]\njobs = 0": "`probe.enabled` has to be true or false; `validate.jobs` has to be",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str) -> None:
    (tmp_path / "harnessfix.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'harnessfix.toml'}: {MISTAKES[text]}")
    assert error.value.hint


def test_in_a_shared_file_the_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.harnessfix]\nharnes = []\n")
    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'pyproject.toml'}: [tool.harnessfix] unknown key `harnes`")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"select = ['C']\nharness = = 3\n", "not valid TOML: .*line 2"),
        (b"select = ['C']\nharness = [", "not valid TOML: .*line 2, the last"),
        (b"select = ['\xff']", "not UTF-8 text, at byte 11"),
        (b"a=" + b"[" * 100_000, "nested too deeply|not valid TOML"),
    ],
)
def test_broken_files_name_the_place(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "harnessfix.toml").write_bytes(data)
    with pytest.raises(SettingsError, match=said) as error:
        load_settings(tmp_path)
    assert str(tmp_path / "harnessfix.toml") in str(error.value)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "harnessfix.toml").write_text("select = ['C']", encoding="utf-8-sig")
    assert load_settings(tmp_path).select == ("C",)


def test_redact_is_a_switch_or_a_table(tmp_path: Path) -> None:
    (tmp_path / "harnessfix.toml").write_text("redact = false")
    assert load_settings(tmp_path).redact == RedactSettings(enabled=False)
    assert load_settings(tmp_path, {"redact": {"enabled": True}}).redact == RedactSettings()


def test_a_url_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "harnessfix.toml").write_text("store = 'postgresql://user@host/db'")
    assert load_settings(tmp_path).store == "postgresql://user@host/db"


def test_a_command_in_one_string() -> None:
    command = ValidateSettings(command="python 'my agent.py' {task} '{\"id\": \"{task}\"}'")
    assert command.argv("t 1") == ["python", "my agent.py", "t 1", '{"id": "t 1"}']
    with pytest.raises(SettingsError, match="no command"):
        ValidateSettings().argv("t")


def keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every key that a file may hold, tables other than the root's by their keys alone."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{key}.")
        elif name == "rules":
            yield from (*keys(RuleSettings, "rules.CODE."), "rules.CODE.…")
        elif name not in ("root", "source"):
            yield above + key


def test_every_key_is_documented_and_nothing_else() -> None:
    rows = [line.split("|")[1] for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert {key for row in rows for key in re.findall(r"`([^`]+)`", row)} == {*keys(Settings), "redact"}


def test_the_example_in_the_documentation_loads(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    (tmp_path / "pyproject.toml").write_text(example)
    settings = load_settings(tmp_path)
    assert settings.validation.argv("x") == ["python", "agent.py", "--task", "x"]
    assert settings.severity == {"C101": Severity.WARNING}
