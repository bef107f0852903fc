"""Wording: from a text to the prompt, message template or configuration value that worded it.

Each template is filed under its rarest word, so that a text is compared only with templates that have a word in common
with it that few others have: the work is linear in the text, whatever the harness holds.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.steps import Part, TraceStep
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence, Route, StepKind

from .templates import Match, Template, flat

_WORD = re.compile(r"\w+")
HEAD_AND_TAIL = 50_000
MOST_PER_TEXT = 4
LONG_ENOUGH = 40
SOURCES = (
    ElementRole.PROMPT,
    ElementRole.RAISE,
    ElementRole.HANDLER,
    ElementRole.CONFIG_KEY,
    ElementRole.FUNCTION,
)


@dataclass(frozen=True)
class _Filed:
    element: Element
    template: Template
    line: int


@dataclass(frozen=True)
class Wording:
    """An element whose text worded another text, at which line, and how well it matches."""

    element: Element
    line: int
    match: Match


class LiteralRoute:
    """Finds the literals, templates and configuration values that worded a text.

    Args:
        model: the harness.
    """

    def __init__(self, model: HarnessModel) -> None:
        filed = [
            _Filed(element, template, line)
            for element in model.of_role(*SOURCES)
            for template, line in _templates(element)
            if template.usable
        ]
        frequency = Counter(word for entry in filed for word in entry.template.words())
        self._by_word: dict[str, list[_Filed]] = {}
        for entry in filed:
            words = entry.template.words()
            if words:
                rarest = min(words, key=lambda word: (frequency[word], -len(word), word))
                self._by_word.setdefault(rarest, []).append(entry)
        self._known: dict[str, list[Wording]] = {}

    def anchors(self, step: TraceStep, texts: Mapping[str, str], fresh: Sequence[int] | None) -> Iterator[Anchor]:
        """Anchors of the step's texts: what it was given for model calls, what it gave off for the others.

        Args:
            step: the step.
            texts: digest to text.
            fresh: numbers of the input parts that are new in this request; all when None.
        """
        if step.error is not None and step.error.message:
            for wording in self.wordings("", step.error.message):
                if _raises(wording.element, step.error.type):
                    yield _tied(wording, "the message of its error")
        for part, what in _parts(step, fresh):
            for wording in self.wordings(part.text, texts.get(part.text, "")):
                yield _tied(wording, what)

    def wordings(self, digest: str, text: str) -> list[Wording]:
        """Elements that worded a text, the longest constant match first; looked up once for each digest."""
        known = self._known.get(digest) if digest else None
        if known is None:
            known = self._look_up(text)
            if digest:
                self._known[digest] = known
        return known

    def _look_up(self, text: str) -> list[Wording]:
        if not self._by_word or not text:
            return []
        sample = text if len(text) <= 2 * HEAD_AND_TAIL else text[:HEAD_AND_TAIL] + "\n" + text[-HEAD_AND_TAIL:]
        common = self._by_word.keys() & set(_WORD.findall(sample))
        if not common:
            return []
        plain = flat(sample)
        found = []
        for word in sorted(common):
            for entry in self._by_word[word]:
                match = entry.template.match(plain)
                if match is not None:
                    found.append(Wording(entry.element, entry.line, match))
        found.sort(
            key=lambda wording: (
                not wording.match.equal,
                not wording.match.whole,
                -wording.match.constant,
                wording.element.role is ElementRole.FUNCTION,
            )
        )
        return _without_repeats(_without_fragments(found))[:MOST_PER_TEXT]


def _templates(element: Element) -> Iterator[tuple[Template, int]]:
    """The texts an element may word, each with its line.

    Prompts have one, whole; raises and handlers their messages, configuration keys their values, functions all
    literals that hold words.
    """
    start = element.anchor.start_line
    if element.role is ElementRole.PROMPT:
        engine = element.value("engine")
        yield Template(element.text, engine if isinstance(engine, str) else ""), start
    elif element.role is ElementRole.FUNCTION:
        wordings = element.value("wordings")
        for wording in wordings if isinstance(wordings, list) else ():
            match wording:
                case [int(line), str(text)]:
                    yield Template(text), line
    else:
        for name in ("value",) if element.role is ElementRole.CONFIG_KEY else ("message", "returns-message"):
            value = element.value(name)
            if isinstance(value, str):
                yield Template(value), start


def _without_fragments(found: list[Wording]) -> list[Wording]:
    """Drop weak matches where a much better one exists: a short label inside a text that a whole template explains."""
    if not found:
        return found
    best = max(wording.match.constant for wording in found)
    return [w for w in found if w.match.equal or w.match.whole or w.match.constant * 4 >= best]


def _without_repeats(found: list[Wording]) -> list[Wording]:
    """Drop functions whose literal is also an element of its own: the narrower place says it."""
    own = [w.element.anchor for w in found if w.element.role is not ElementRole.FUNCTION]
    return [
        w
        for w in found
        if w.element.role is not ElementRole.FUNCTION
        or not any(a.path == w.element.anchor.path and a.start_line <= w.line <= a.end_line for a in own)
    ]


def _parts(step: TraceStep, fresh: Sequence[int] | None) -> Iterator[tuple[Part, str]]:
    if step.kind is StepKind.MODEL_CALL:
        numbers = range(len(step.input)) if fresh is None else fresh
        for number in numbers:
            part = step.input[number]
            if part.role != "assistant":
                yield part, f"input part {number} ({part.role})"
    elif step.kind not in (StepKind.TASK, StepKind.RETRIEVAL):
        for number, part in enumerate(step.output):
            yield part, f"output part {number}"


def _raises(element: Element, error_type: str) -> bool:
    """Whether an element may have worded an error of that type."""
    if element.role is not ElementRole.RAISE:
        return True
    raised = element.value("type")
    if not isinstance(raised, str):
        return True
    return raised.rpartition(".")[2] == error_type.rpartition(".")[2]


def _tied(wording: Wording, what: str) -> Anchor:
    match, element = wording.match, wording.element
    in_config = element.role is ElementRole.CONFIG_KEY or element.anchor.kind is AnchorKind.CONFIG_KEY
    if match.equal and match.constant >= LONG_ENOUGH:
        evidence, how = Evidence.OBSERVED, "is word for word"
    elif match.whole or match.constant >= LONG_ENOUGH:
        evidence, how = Evidence.DERIVED, "was worded by"
    else:
        evidence, how = Evidence.HEURISTIC, "holds the words of"
    sort = "this setting" if in_config else "this message" if element.role is ElementRole.RAISE else "this template"
    at = f", at line {wording.line}" if wording.line != element.anchor.start_line else ""
    return element.anchor.model_copy(
        update={
            "route": Route.CONFIG_KEY if in_config else Route.LITERAL_MATCH,
            "evidence": evidence,
            "reason": f"{what} {how} {sort}{at}",
        }
    )
