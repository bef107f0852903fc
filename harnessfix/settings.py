"""Settings: `[tool.harnessfix]` of the nearest `pyproject.toml`, or a `harnessfix.toml`. None are needed.

In files keys are kebab-case; an unknown one is an error that names the nearest known one.
"""

import difflib
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, StrictBool, ValidationError, field_validator

from harnessfix_ir.errors import SettingsError
from harnessfix_ir.vocabulary import Severity

FILE = "harnessfix.toml"
PYPROJECT = "pyproject.toml"
DOCS = "The keys are in docs/settings.md."
WORDS = {
    "tuple_type": "has to be a list",
    "string_type": "has to be a string",
    "dict_type": "has to be a table",
    "model_type": "has to be a table",
    "bool_type": "has to be true or false",
    "int_type": "has to be a whole number",
    "float_type": "has to be a number",
    "float_parsing": "has to be a number",
}
"""What TOML calls the types that pydantic misses."""

Texts: TypeAlias = tuple[str, ...]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1)]


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Table(BaseModel):
    """A table of the settings."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, alias_generator=AliasGenerator(alias=_kebab)
    )


class ProbeSettings(Table):
    """`[probe]`: what `record` instruments.

    Args:
        enabled: whether to instrument the harness at all.
        include: functions that are recorded though they have no role: glob patterns of paths relative to the harness
            root, or of `path:qualname`.
        exclude: likewise, what is left alone.
    """

    enabled: StrictBool = True
    include: Texts = ()
    exclude: Texts = ()


class ValidateSettings(Table):
    """`[validate]`: how patches are proved by running again.

    Args:
        command: runs one task; `{task}` stands for its name. A string is split as a shell would, but no shell runs it.
        pytest: runs one test; a task whose name is a pytest node id (`tests/test_a.py::test_b`) is run by it.
        tasks: names of the tasks.
        tasks_from: glob pattern relative to the root; the stems of the files it finds are further names.
        repeats: runs of each task, with the patch and without.
        jobs: how many run at a time.
        timeout: seconds after which one run is ended.
        memory: MiB that each process of a run may take; no bound when None.
        max_newly_failing: how many tasks may fail that passed before.
    """

    command: str | Texts | None = None
    pytest: str | Texts = "python -m pytest -q {task}"
    tasks: Texts = ()
    tasks_from: str | None = None
    repeats: Count = 3
    jobs: Count = 1
    timeout: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] = 600.0
    memory: Count | None = None
    max_newly_failing: Annotated[int, Field(strict=True, ge=0)] = 0

    @field_validator("command", "pytest", mode="before")
    @classmethod
    def _splits(cls, command: object) -> object:
        try:
            words = shlex.split(command) if isinstance(command, str) else command
        except ValueError as error:
            raise ValueError(f"cannot be split into words: {error}") from None
        if isinstance(words, list | tuple) and words and all(isinstance(word, str) for word in words):
            return command if isinstance(command, str) else tuple(words)
        raise ValueError("has to be a command: one string, or a list of strings")

    @field_validator("tasks_from")
    @classmethod
    def _stays_inside(cls, pattern: str | None) -> str | None:
        if pattern is not None and (not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts):
            raise ValueError("has to be a glob pattern below the root")
        return pattern

    def argv(self, task: str) -> list[str]:
        """Program and arguments for one task. Raises `SettingsError` when there is no command."""
        command = self.pytest if "::" in task else self.command
        if command is None:
            raise SettingsError(
                "no command says how to run a task", hint='Set `validate.command`, as in "python agent.py {task}".'
            )
        words = shlex.split(command) if isinstance(command, str) else command
        return [word.replace("{task}", task) for word in words]

    def task_names(self, root: Path) -> list[str]:
        """`tasks`, then the stems of the files that `tasks-from` finds below `root`, sorted; each name once."""
        found = sorted(path.stem for path in root.glob(self.tasks_from) if path.is_file()) if self.tasks_from else []
        return list(dict.fromkeys([*self.tasks, *found]))


class RedactSettings(Table):
    """`[redact]`, or `redact = false`: what becomes of secrets before they are stored.

    Args:
        enabled: whether to look for them.
        patterns: further regular expressions of what is secret.
    """

    enabled: StrictBool = True
    patterns: Texts = ()

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: Texts) -> Texts:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"holds {pattern!r}, which is no regular expression: {error}") from None
        return patterns


class LlmSettings(Table):
    """`[llm]`: a model that may be asked about failed runs which no rule explains; none is unless one is named.

    Args:
        model: `PROVIDER:MODEL`, or the name that the server at `base_url` has for it.
        base_url: of an OpenAI-compatible server; the provider's own when None.
        api_key_variable: environment variable with the key for that server.
        calls, tokens: most requests, most tokens (of input and output together), for one check.
    """

    model: str | None = None
    base_url: str | None = None
    api_key_variable: str = "OPENAI_API_KEY"
    calls: Count = 20
    tokens: Count = 200_000


class RuleSettings(Table):
    """`[rules.CODE]`: what is changed of one rule; any other key is one of its own options, a number.

    Args:
        severity: of its findings.
        exclude: glob patterns of files where it is silent.
        confidence: its findings with less are left out.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[  # pyright: ignore[reportIncompatibleVariableOverride]
        str, Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
    ]

    severity: Severity | None = None
    exclude: Texts = ()
    confidence: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.0


class Settings(Table):
    """Everything that can be configured.

    Args:
        harness: paths relative to the root, or names of installed packages.
        exclude: glob patterns of files that are not harness.
        store: path (absolute once loaded) or URL; the nearest `.harnessfix/` when None.
        select, ignore: rule codes, beginnings of codes, or names.
        severity: rule code to the severity it shall have.
        rules: rule code to what else is changed of it.
        baseline: file of known flaws that are not told again (absolute once loaded).
        probe, validation (`[validate]`), redact, llm: their own tables.
        root: folder of the file, or the start folder without one.
        source: the file; None without one.
    """

    harness: Texts = (".",)
    exclude: Texts = ()
    store: str | None = None
    select: Texts = ()
    ignore: Texts = ()
    severity: dict[str, Severity] = Field(default_factory=dict)
    rules: dict[str, RuleSettings] = Field(default_factory=dict)
    baseline: str | None = None
    probe: ProbeSettings = ProbeSettings()
    validation: ValidateSettings = Field(default=ValidateSettings(), alias="validate")
    redact: RedactSettings = RedactSettings()
    llm: LlmSettings = LlmSettings()
    root: Path = Field(default_factory=Path.cwd)
    source: Path | None = None

    @field_validator("redact", mode="before")
    @classmethod
    def _switch(cls, redact: object) -> object:
        return {"enabled": redact} if isinstance(redact, bool) else redact


OURS = ("root", "source")


def load_settings(start: Path, overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings that apply in a folder.

    Args:
        start: folder (or file) to look upward from; in one folder `harnessfix.toml` goes before `pyproject.toml`.
        overrides: settings that win over the file's, nested like it; keys may have underscores, None is no setting.

    Raises:
        SettingsError: a file cannot be read, or says something that is no setting; the message names file and key.
    """
    start = start.resolve()
    start = start if start.is_dir() else start.parent
    source, table = _nearest(start)
    root = source.parent if source else start
    if source is not None:
        where = f"{source}: [tool.harnessfix] " if source.name == PYPROJECT else f"{source}: "
        _build(where, table, root, source)
    if overrides:
        table = _merged(table, _given(overrides))
        return _build("command line: ", table, root, source)
    return _build("", table, root, source)


def _nearest(start: Path) -> tuple[Path | None, dict[str, Any]]:
    for folder in (start, *start.parents):
        own = folder / FILE
        if own.is_file():
            return own, _read(own)
        shared = folder / PYPROJECT
        # A project file that does not mention us may be as broken as it likes.
        if shared.is_file() and b"harnessfix" in _bytes(shared):
            tool = _read(shared).get("tool")
            table = tool.get("harnessfix") if isinstance(tool, dict) else None
            if isinstance(table, dict):
                return shared, table
    return None, {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_bytes(path).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text, at byte {error.start}", hint="Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        last = f"at line {len(_bytes(path).splitlines())}, the last"
        said = str(error).replace("at end of document", last)
        raise SettingsError(f"{path}: not valid TOML: {said}", hint="Correct that line.") from error
    except RecursionError as error:
        raise SettingsError(f"{path}: nested too deeply", hint="Settings need two levels.") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", hint="Check the permissions of the file.") from error


def _build(where: str, table: Mapping[str, Any], root: Path, source: Path | None) -> Settings:
    for problem in _unknown(table, Settings, ()):
        raise SettingsError(where + problem, hint=DOCS)
    try:
        settings = Settings.model_validate({**table, "root": root, "source": source})
    except ValidationError as error:
        raise SettingsError(where + "; ".join(_problems(error)), hint=DOCS) from None
    places = {}
    if settings.store is not None and "://" not in settings.store:
        places["store"] = str(root / Path(settings.store).expanduser())
    if settings.baseline is not None:
        places["baseline"] = str(root / Path(settings.baseline).expanduser())
    severity = {**settings.severity, **{code: own.severity for code, own in settings.rules.items() if own.severity}}
    return settings.model_copy(update={**places, "severity": severity})


def _unknown(table: Mapping[str, Any], model: type[Table], above: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with the keys of a table and of those inside it."""
    known = {field.alias or name: field for name, field in model.model_fields.items() if name not in OURS}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(_kebab(key), known, n=1, cutoff=0.5)
            advice = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(sorted(known))}"
            yield f"unknown key `{'.'.join((*above, key))}`; {advice}"
            continue
        inner = known[key].annotation
        if isinstance(inner, type) and issubclass(inner, Table) and isinstance(value, Mapping):
            yield from _unknown(value, inner, (*above, key))


def _problems(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False):
        said = WORDS.get(each["type"]) or each["msg"].removeprefix("Value error, ").replace(
            "Input should be", "has to be"
        )
        yield f"`{'.'.join(str(part) for part in each['loc'])}` {said}"


def _given(overrides: Mapping[str, object]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in overrides.items():
        if isinstance(value, Mapping):
            out[_kebab(key)] = _given(value)
        elif value is not None:
            out[_kebab(key)] = value
    return out


def _merged(table: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(table)
    for key, value in over.items():
        held = out.get(key)
        out[key] = _merged(held, value) if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return out
