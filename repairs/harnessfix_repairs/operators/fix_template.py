"""fix-template: a placeholder gets the name under which its value is supplied."""

import difflib
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import parameters
from harnessfix_repairs.editing.config import LANGUAGES, ConfigFile, with_value
from harnessfix_repairs.editing.operator import source_of
from harnessfix_repairs.editing.python import Change, PythonFile, python_file
from harnessfix_repairs.editing.reporting import constant_text, is_textual
from harnessfix_repairs.editing.scope import bound_at

from .base import EditExample, Operator, Refusal

_FILE = "# Task\n\n{{ instructions }}\n\nAnswer in {{ language }}. {# keep #}\n"
_FORMAT = """\
TASK = "Your task is: {tsk}\\nAnswer in {language}."


def prompt(task):
    return TASK.format(task=task, language="English")
"""
_PLAIN = """\
def prompt(city):
    return "What is the weather in {city}?"  # today
"""
_YAML = "agent:\n  # sent first\n  prompt: |\n    Your task is {taks}.\n    Be brief.\n"


class FixTemplate(Operator):
    """Renames a placeholder in a prompt: in a Python literal, a prompt file, or a value in YAML, TOML or JSON.

    Jinja's `{{ name }}` and `str.format`'s `{name}` are both found. A Python text that shows `{name}` because it lacks
    the `f` of an f-string gets it, when every name in it is bound at that place.

    A `.format(name=value)` call on a text that was put together, when `line` is given, becomes
    `.replace("{name}", str(value))`: braces of the other parts are then no placeholders.

    Anchor: the literal, the key, any line of the prompt file, or the call.

    Parameters:
        placeholder: the name that nothing supplies; by default, for a Python template with `.format` calls in the same
            file, the only one that none of them supplies.
        line: line of the `.format` call; without one there, all such calls at the anchor are meant.
        supplied: the name to put in its place; by default the one that those calls supply, the template does not use,
            and that resembles it most.
    """

    name = "fix-template"
    summary = "Give a placeholder the name under which its value is supplied."
    fix_safety = (
        "The prompt shows a value where it had a placeholder or failed. Look whether it is the value that was "
        "meant; a name was chosen because it resembles, unless the specification gives it. `replace` in place of "
        "`format` leaves doubled braces doubled and knows no format specifications."
    )
    examples = (
        EditExample(
            _FILE,
            _FILE.replace("{{ instructions }}", "{{ instruction }}"),
            path="prompts/task.md",
            line=3,
            parameters={"placeholder": "instructions", "supplied": "instruction"},
        ),
        EditExample(_FORMAT, _FORMAT.replace("{tsk}", "{task}"), line=1, parameters={"placeholder": "tsk"}),
        EditExample(
            _PLAIN, _PLAIN.replace('"What', 'f"What'), qualname="prompt", line=2, parameters={"placeholder": "city"}
        ),
        EditExample(
            _YAML,
            _YAML.replace("{taks}", "{task}"),
            path="agent.yaml",
            qualname="agent.prompt",
            line=3,
            parameters={"placeholder": "taks", "supplied": "task"},
        ),
        EditExample(
            "def system(prompt):\n    text = prompt + SUBMIT\n    return text.format(tool=TOOL)\n",
            'def system(prompt):\n    text = prompt + SUBMIT\n    return text.replace("{tool}", str(TOOL))\n',
            qualname="system",
            line=3,
            parameters={"line": 3},
        ),
        EditExample(_FORMAT.replace("{tsk}", "{company}"), "", line=1, parameters={"placeholder": "company"}),
        EditExample(_PLAIN.replace("(city)", "()"), "", qualname="prompt", line=2, parameters={"placeholder": "city"}),
        EditExample(_FILE, "", path="prompts/task.md", line=3, parameters={"placeholder": "instructions"}),
        EditExample(_FILE, "", path="prompts/task.md", parameters={"placeholder": "nothing", "supplied": "task"}),
    )

    def edit(self, files: Mapping[str, str], anchor: Anchor, spec: RepairSpec) -> dict[str, str]:
        """Rename the placeholder at the anchor."""
        before = source_of(files, anchor)
        old, new = parameters.text(spec, "placeholder").strip(), parameters.text(spec, "supplied").strip()
        for name in (old, new):
            if name and not re.fullmatch(r"[A-Za-z_][\w.]*", name):
                raise Refusal(f"{name[:40]!r} is not the name of a placeholder")
        suffix = PurePosixPath(anchor.path).suffix.lower()
        if suffix in (".py", ".pyi"):
            file = python_file(anchor.path, before)
            line = parameters.whole(spec, "line")
            after = _replaced(file, anchor, line) if line is not None and not old else _python(file, anchor, old, new)
        elif suffix in LANGUAGES:
            config = ConfigFile(anchor.path, before)
            entry = config.find(anchor)
            if not isinstance(entry.data, str):
                raise Refusal(f"{anchor.path}: {anchor.qualname} is no text")
            start, end = entry.value
            value = _renamed(entry.data, old, new, anchor)
            after = config.spliced(
                start, end, _renamed(before[start:end], old, new, anchor), with_value(config.data, entry.path, value)
            )
        else:
            after = _renamed(before, old, new, anchor)
        return {} if after == before else {anchor.path: after}


def _replaced(file: PythonFile, anchor: Anchor, line: int) -> str:
    """The `.format` call on a line as a chain of `.replace`."""

    def formats(call: cst.Call) -> bool:
        return isinstance(call.func, cst.Attribute) and call.func.attr.value == "format"

    def replaces(call: cst.Call) -> bool:
        return isinstance(call.func, cst.Attribute) and call.func.attr.value == "replace"

    def literal(call: cst.Call) -> bool:
        return isinstance(call.func, cst.Attribute) and isinstance(
            call.func.value, (cst.SimpleString, cst.ConcatenatedString)
        )

    there = [call for call in file.find(anchor, cst.Call, formats) if not literal(call)]
    found = [call for call in there if file.line(call) == line] or there
    if not found and not file.find(anchor, cst.Call, replaces):
        raise Refusal(f"{anchor.place} calls no format on a text that was put together")
    return file.rewrite({call: _replacing(file, call) for call in found})


def _replacing(file: PythonFile, call: cst.Call) -> Change:
    """The change from `text.format(name=value)` to `text.replace("{name}", value)`."""
    if not call.args or any(arg.keyword is None for arg in call.args) or not isinstance(call.func, cst.Attribute):
        raise Refusal(f"{file.path}:{file.line(call)} passes something else than names with values")
    around = next((above.end for above in file.parents(call) if isinstance(above, cst.FormattedString)), "")
    quote = "'" if around.startswith('"') else '"'
    source = file.code(call.func.value)
    for arg in call.args:
        assert arg.keyword is not None
        value = file.code(arg.value)
        shown = value if is_textual(file, arg.value) else f"str({value})"
        source += f".replace({quote}{{{arg.keyword.value}}}{quote}, {shown})"
    return lambda _: file.expression(source)


def _hole(name: str) -> re.Pattern[str]:
    """The placeholder in Jinja or in `str.format`, its name alone as a group of its own."""
    quoted = re.escape(name)
    return re.compile(
        rf"(?P<open>\{{\{{[-+]?\s*|(?<!\{{)\{{)(?P<name>{quoted})(?=(?P<rest>\s*[-+]?\}}\}}|\}}(?!\}})|[.|!:\[\s]))"
    )


def _renamed(text: str, old: str, new: str, anchor: Anchor) -> str:
    if not old or not new:
        raise Refusal(f"{anchor.place}: no name is known that supplies {old or 'the placeholder'}")
    found = _hole(old).sub(lambda match: match["open"] + new, text)
    if found == text and not _hole(new).search(text):
        raise Refusal(f"{anchor.place} has no placeholder {old}")
    return found


def _python(file: PythonFile, anchor: Anchor, old: str, new: str) -> str:
    literals = file.find(anchor, cst.SimpleString, lambda node: not old or bool(_hole(old).search(node.value)))
    supplied = _supplied(file, anchor)
    if not literals:
        if new and file.find(anchor, cst.SimpleString, lambda node: bool(_hole(new).search(node.value))):
            return file.text
        if file.find(anchor, cst.FormattedString):
            return file.text
        raise Refusal(f"{anchor.place} holds no literal with the placeholder {old}")
    changes: dict[cst.CSTNode, Change] = {}
    for node in literals:
        if not new and not supplied:
            changes[node] = _formatted(file, node)
            continue
        wrong, right = _names(node.value, old, new, supplied, anchor)
        value = _renamed(node.value, wrong, right, anchor)
        changes[node] = lambda at, value=value: at.with_changes(value=value)  # type: ignore[misc]
    return file.rewrite(changes)


def _names(text: str, old: str, new: str, supplied: set[str], anchor: Anchor) -> tuple[str, str]:
    used = set(re.findall(r"(?<!\{)\{([A-Za-z_]\w*)[}.!:\[]", text))
    missing = used - supplied
    if not old and len(missing) == 1:
        old = missing.pop()
    if not new:
        close = difflib.get_close_matches(old, sorted(supplied - used), n=1, cutoff=0.6)
        if not close:
            raise Refusal(f"{anchor.place}: nothing that is supplied resembles {old or 'the placeholder'}")
        new = close[0]
    return old, new


def _supplied(file: PythonFile, anchor: Anchor) -> set[str]:
    """Names that `.format` calls on the template at the anchor supply."""
    names: set[str] = set()
    for node in file.find(anchor, cst.SimpleString):
        for above in file.parents(node):
            if isinstance(above, cst.Assign):
                names.update(file.code(part.target).rsplit(".", 1)[-1] for part in above.targets)
            elif isinstance(above, cst.AnnAssign):
                names.add(file.code(above.target).rsplit(".", 1)[-1])
    found: set[str] = set()
    for call in file.within(file.module, cst.Call):
        if isinstance(call.func, cst.Attribute) and call.func.attr.value in ("format", "render"):
            receiver = call.func.value
            if file.code(receiver).rsplit(".", 1)[-1] in names:
                found.update(arg.keyword.value for arg in call.args if arg.keyword is not None)
    return found


def _formatted(file: PythonFile, node: cst.SimpleString) -> Change:
    """The change that puts an `f` before a literal."""
    place = f"{file.path}:{file.line(node)}"
    above = next(file.parents(node))
    text = constant_text(node) or ""
    names = set(re.findall(r"\{([A-Za-z_]\w*)\}", text))
    if isinstance(above, (cst.Attribute, cst.ConcatenatedString)) or file.function(node) is None or "{{" in text:
        raise Refusal(f"{place}: no name is known that supplies the placeholder")
    if not names or re.sub(r"\{[A-Za-z_]\w*\}", "", text).count("{") or "\\" in node.raw_value:
        raise Refusal(f"{place} holds more than plain placeholders")
    if not names <= bound_at(file, node):
        raise Refusal(f"{place}: {', '.join(sorted(names - bound_at(file, node)))} has no value there")
    return lambda at: file.expression(f"f{at.value}")
