"""Prompt files and settings files to facts."""

import re
from collections.abc import Iterable

from harnessfix_ir.vocabulary import AnchorKind, ElementRole

from .facts import Draft, FileFacts
from .files import hash_lines
from .requirements import REQUIREMENTS, from_pyproject, from_requirements
from .roles.prompts import describe
from .settings_files import Entry, read_settings
from .templates import Template
from .words import PROMPT_NAME

_PROMPT_FOLDERS = re.compile(r"(^|/)(prompts?|templates?|instructions?|system_prompts?)(/|$)", re.IGNORECASE)
_NOT_PROMPTS = re.compile(
    r"(^|/)(readme|changelog|license|licence|contributing|requirements[\w-]*|todo|history|authors|notice|code_of_conduct|security|"
    r"constraints[\w-]*|claude|agents|install|robots|llms)(\.\w+)*\.(md|txt)$",
    re.IGNORECASE,
)
_LEAST = 40
# Of JSON that a run left behind: whose turn a message is, and the outermost key of exported spans.
_TURN = re.compile(r"(^|\.)(messages|history|trajectory|steps)\.\d+\.(\w+\.)?role$")
_SPANS = frozenset({"resourceSpans", "resource_spans"})


def looks_like_prompt_file(path: str) -> bool:
    """Whether a text file's name says that it is a prompt or a template."""
    if _NOT_PROMPTS.search(path):
        return False
    name = path.rpartition("/")[2]
    if name.endswith((".j2", ".jinja", ".jinja2")):
        return True
    return PROMPT_NAME.search(name) is not None or _PROMPT_FOLDERS.search(path) is not None


def read_prompt_file(facts: FileFacts, text: str, lines: list[bytes]) -> None:
    """One prompt element for a whole file."""
    if REQUIREMENTS.search(facts.path):
        _keep(facts, from_requirements(text), lines)
    if _NOT_PROMPTS.search(facts.path) or (len(text.strip()) <= _LEAST and "{" not in text):
        return
    name = facts.path.rpartition("/")[2]
    last = max(1, len(lines))
    draft = Draft(ElementRole.PROMPT, name, "<module>", 1, last, AnchorKind.PROMPT_FILE)
    facts.drafts.append(describe(draft, name, Template(text, "literal", [], [])))
    if not looks_like_prompt_file(facts.path):
        # Linking keeps it only when the code names this file.
        draft.add("unconfirmed")
    facts.hashes[f"1-{last}"] = hash_lines(lines, 1, last)


def read_settings_file(facts: FileFacts, text: str, lines: list[bytes]) -> None:
    """A `config_key` element for each key, and a prompt element for each text that reads like one.

    Raises:
        ValueError: when the file is not valid; says the line.
    """
    entries = read_settings(text, facts.language)
    if facts.language == "json" and _is_recording(entries):
        return
    if facts.path.rpartition("/")[2] == "pyproject.toml":
        _keep(facts, from_pyproject(entries, text), lines)
        return
    for entry in entries:
        end = min(max(entry.end, entry.start), max(1, len(lines)))
        while end > entry.start and not lines[end - 1].strip():
            end -= 1
        draft = Draft(
            ElementRole.CONFIG_KEY, entry.path.rpartition(".")[2], entry.path, entry.start, end, AnchorKind.CONFIG_KEY
        )
        if entry.leaf:
            draft.add("value", entry.value)
        draft.note("section", not entry.leaf)
        facts.drafts.append(draft)
        prompt = _prompt(entry, end)
        if prompt is not None:
            facts.drafts.append(prompt)
        key = f"{draft.start}-{end}"
        if key not in facts.hashes:
            facts.hashes[key] = hash_lines(lines, draft.start, end)


def _is_recording(entries: Iterable[Entry]) -> bool:
    """Whether a file holds what a run said, which no code of the harness is made of: a trajectory, exported spans."""
    return any(e.path in _SPANS or (e.value == "assistant" and _TURN.search(e.path)) for e in entries)


def _keep(facts: FileFacts, drafts: Iterable[Draft], lines: list[bytes]) -> None:
    for draft in drafts:
        facts.drafts.append(draft)
        facts.hashes[f"{draft.start}-{draft.end}"] = hash_lines(lines, draft.start, draft.end)


def _prompt(entry: Entry, end: int) -> Draft | None:
    text = entry.value
    if not isinstance(text, str) or (len(text.strip()) <= _LEAST and "{{" not in text):
        return None
    name = entry.path.rpartition(".")[2]
    if not (PROMPT_NAME.search(name) or "\n" in text.strip() or "{{" in text):
        return None
    draft = Draft(ElementRole.PROMPT, name, entry.path, entry.start, end, AnchorKind.CONFIG_KEY)
    return describe(draft, name, Template(text, "literal", [], []))
