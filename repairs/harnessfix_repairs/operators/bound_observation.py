"""bound-observation: head and tail of a long text are kept, the middle is counted."""

import re
from collections.abc import Mapping

import libcst as cst

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import RepairSpec
from harnessfix_repairs.editing import jinja, literals, parameters
from harnessfix_repairs.editing.config import LANGUAGES, ConfigFile, with_value
from harnessfix_repairs.editing.operator import source_of, suffix_of
from harnessfix_repairs.editing.python import PythonFile, python_file
from harnessfix_repairs.editing.shortening import HEAD_AND_TAIL, Shortener
from harnessfix_repairs.editing.unbounded import bound_in_code, head_cutters

from .base import EditExample, Operator, Refusal

_LITERAL = """\
class Config:
    observation: str = "<output>{{ output[:600] }} [cut] {{ output[-400:] }}</output>"
    # shown when a command was killed
    timed_out: str = (
        "Killed: {{action['action']}}\\n"
        "Output so far:\\n{{ output }}\\n"
    )
"""
_FORMAT = """\
OBSERVATION = "<output>\\n{output}\\n</output>"


def shorten(text, limit=2000):
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]}\\n[{len(text) - limit} left out]\\n{text[-limit // 2 :]}"


def observe(done, expired):
    if expired:
        return OBSERVATION.format(output=expired.output.decode())  # what there is
    return OBSERVATION.format(output=shorten(done.stdout))
"""
_APPEND = """\
def step(messages, tools, call):
    output = tools[call.name](**call.arguments)
    messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    return output
"""
_HEAD = """\
def shorten(text: str, limit: int) -> str:
    if len(text) > limit:
        text = text[:limit]  # the model need not see it all
    return text
"""
_CUTTER = """\
class Context:
    def __init__(self, limit):
        self.messages, self.limit = [], limit

    def add(self, call_id, text: str):
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": self.shorten(text)})

    def shorten(self, text: str) -> str:
        return text[: self.limit]
"""
_YAML = """\
agent:
  # shown after every command
  observation: |
    <returncode>{{ output.returncode }}</returncode>
    <output>
    {{ output.stdout -}}
    </output>
  limit: 5
"""


def _helped(before: str, old: str, new: str) -> str:
    return HEAD_AND_TAIL.source + "\n\n" + before.replace(old, new)


class BoundObservation(Operator):
    """Bounds a text on its way into the prompt: head and tail stay, the middle is replaced by its length.

    Edits what stands at the anchor, the first of these that is there: a Jinja template in a Python literal, a YAML,
    TOML or JSON value or a prompt file; a slice that keeps the head only; the value that a `str.format` call or an
    f-string puts into a template; the content of a message that is appended; the text that a function returns. A
    function of the file that already shortens one text is used; else a small one is added.

    Anchor: the template or its key, the slice, the call, or the function that makes the message.

    Parameters:
        limit: characters to keep; by default the bound of another template of the same file, else 10 000.
        of: source of what a slice at the anchor cuts, when the run shows that it is a text.
        placeholder, expression: source of what is too long (`output.stdout`); by default whatever has a name such as
            output, stdout, result or observation and is not cut.
    """

    name = "bound-observation"
    summary = "Keep head and tail of a long observation and say how much is missing."
    fix_safety = (
        "The model sees less of long texts: a task that needs the middle of one now has to fetch it another way. "
        "Look at the bound: it is that of a sibling template where there is one, else 10 000 characters. Texts "
        "within the bound, and values that are no text, are passed on unchanged; the trace keeps the whole."
    )
    adds = (HEAD_AND_TAIL.name,)
    examples = (
        EditExample(
            _LITERAL,
            _LITERAL.replace(
                "{{ output }}",
                "{% if output | string | length <= 1000 %}{{ output }}{% else %}{{ (output | string)[:600] }}\\n"
                '"\n        "[{{ output | string | length - 1000 }} characters cut]\\n"\n        "'
                "{{ (output | string)[-400:] }}{% endif %}",
            ).replace("so far:\\n{%", 'so far:\\n"\n        "{%'),
            qualname="Config.timed_out",
            line=4,
            end_line=7,
        ),
        EditExample(
            _FORMAT,
            _FORMAT.replace("expired.output.decode()", "shorten(expired.output.decode())"),
            qualname="<module>",
            line=1,
            parameters={"placeholder": "output", "limit": 2000},
        ),
        EditExample(
            _APPEND,
            _helped(_APPEND, '"content": output}', '"content": _head_and_tail(output, 10000)}'),
            qualname="step",
            line=3,
        ),
        EditExample(
            _HEAD,
            _helped(_HEAD, "text[:limit]", "_head_and_tail(text, limit)"),
            qualname="shorten",
            line=3,
        ),
        EditExample(
            _CUTTER,
            _helped(_CUTTER, "text[: self.limit]", "_head_and_tail(text, self.limit)"),
            qualname="Context.add",
            line=5,
            end_line=6,
            parameters={"limit": 1000, "of": None},
        ),
        EditExample(
            _YAML,
            _YAML.replace(
                "{{ output.stdout -}}",
                "{% if output.stdout | string | length <= 3000 %}{{ output.stdout }}{% else %}"
                "{{ (output.stdout | string)[:1500] }}\n"
                "    [{{ output.stdout | string | length - 3000 }} characters cut]\n"
                "    {{ (output.stdout | string)[-1500:] }}{% endif -%}",
            ),
            path="agent.yaml",
            qualname="agent.observation",
            line=3,
            end_line=7,
            parameters={"limit": 3000},
        ),
        EditExample(_APPEND.replace("output})", '"done"})'), "", qualname="step", line=3),
        EditExample(_HEAD.replace("text: str", "text"), "", qualname="shorten", line=3),
        EditExample(_YAML, "", path="agent.yaml", qualname="agent.limit", line=8),
    )

    def symbols(self, files: Mapping[str, str], anchor: Anchor, parameters: Mapping[str, JsonValue]) -> list[str]:
        """The function of the same file that already cuts the text, and keeps its head only."""
        if suffix_of(anchor) != ".py" or anchor.path not in files:
            return []
        try:
            file = python_file(anchor.path, files[anchor.path])
            return [f"{anchor.path}:{file.qualname(function)}" for function in head_cutters(file, anchor)]
        except Refusal:
            return []

    def edit(self, files: Mapping[str, str], anchor: Anchor, spec: RepairSpec) -> dict[str, str]:
        """Bound what stands at the anchor."""
        before = source_of(files, anchor)
        suffix = suffix_of(anchor)
        if suffix in (".py", ".pyi"):
            after = self._python(python_file(anchor.path, before), anchor, spec)
        elif suffix in LANGUAGES:
            after = self._config(ConfigFile(anchor.path, before), anchor, spec)
        else:
            after = self._text(before, anchor, spec)
        return {} if after == before else {anchor.path: after}

    def _python(self, file: PythonFile, anchor: Anchor, spec: RepairSpec) -> str:
        found = [node for node in literals.templates(file, anchor) if _chosen(literals.text_of(node), spec)]
        if not found:
            limit = parameters.whole(spec, "limit", 2) or jinja.DEFAULT_LIMIT
            return bound_in_code(file, anchor, _wanted(spec), spec, Shortener(file, str(limit)))
        around = [node.value for node in file.within(file.module, cst.SimpleString) if "{{" in node.value]
        bound = _bound(spec, around)
        changes = {}
        for node in found:
            choice = _chosen(literals.text_of(node), spec)
            if all(placeholder.bounded for placeholder in choice):
                continue
            spots = {placeholder.start for placeholder in choice if not placeholder.bounded}
            changes.update(
                literals.with_placeholders(
                    file,
                    node,
                    lambda placeholder, spots=spots: placeholder.start in spots,  # type: ignore[misc]
                    lambda placeholder, newline: jinja.bounded(placeholder, bound, newline),
                )
            )
        return file.rewrite(changes)

    def _config(self, file: ConfigFile, anchor: Anchor, spec: RepairSpec) -> str:
        entry = file.find(anchor)
        if not isinstance(entry.data, str):
            raise Refusal(f"{anchor.path}: {anchor.qualname} is no text")
        choice = _choice(entry.data, spec, anchor)
        start, end = entry.value
        raw = file.text[start:end]
        newline = "\r\n" if "\r\n" in raw else "\n"
        if entry.style == "|":
            indents = re.findall(r"\n([ ]+)(?=\S)", raw)
            spelt, read = newline + min(indents, key=len, default=""), "\n"
        elif entry.style in ('"""', "'''"):
            spelt, read = newline, "\n"
        else:
            spelt, read = ("\\n", "\n") if entry.style == '"' else (" ", " ")
        bound = _bound(spec, [e.data for e in file.entries if isinstance(e.data, str)])
        sources = {placeholder.source for placeholder in choice}
        new_raw = _bounded_text(raw, sources, bound, spelt)
        value = _bounded_text(entry.data, sources, bound, read)
        jinja.refuse_broken(value, anchor.qualname)
        return file.spliced(start, end, new_raw, with_value(file.data, entry.path, value))

    def _text(self, before: str, anchor: Anchor, spec: RepairSpec) -> str:
        choice = _choice(before, spec, anchor)
        newline = "\r\n" if "\r\n" in before else "\n"
        after = _bounded_text(before, {placeholder.source for placeholder in choice}, _bound(spec, [before]), newline)
        jinja.refuse_broken(after, anchor.path)
        return after


def _wanted(spec: RepairSpec) -> str:
    return parameters.text(spec, "expression") or parameters.text(spec, "placeholder")


def _chosen(text: str, spec: RepairSpec) -> list[jinja.Placeholder]:
    """Placeholders to bound: those that are named, else those that hold an observation; bounded ones included."""
    from harnessfix_repairs.editing.shortening import is_observation_name

    wanted = _wanted(spec)
    found = jinja.placeholders(text)
    if wanted:
        return [one for one in found if wanted in (one.source, one.path)]
    return [one for one in found if one.path and is_observation_name(one.path)]


def _choice(text: str, spec: RepairSpec, anchor: Anchor) -> list[jinja.Placeholder]:
    found = _chosen(text, spec)
    if not found:
        raise Refusal(f"{anchor.place} shows no Jinja placeholder that could be too long")
    return [one for one in found if not one.bounded]


def _bound(spec: RepairSpec, siblings: list[str]) -> jinja.Bound:
    limit = parameters.whole(spec, "limit", 2)
    if limit is not None:
        return jinja.Bound.of(limit)
    bounds = [bound for text in siblings if (bound := jinja.bound_in(text)) is not None]
    return max(bounds, key=lambda bound: bound.limit, default=jinja.Bound.of(jinja.DEFAULT_LIMIT))


def _bounded_text(text: str, sources: set[str], bound: jinja.Bound, newline: str) -> str:
    out, at = "", 0
    for one in jinja.placeholders(text):
        if one.source in sources and not one.bounded:
            out += text[at : one.start] + jinja.bounded(one, bound, newline)
            at = one.end
    return out + text[at:]
