"""Omissions: what was in one request and is gone from the next, and what never reached any request.

An omission is only stated where the conversation demonstrably goes on, and only for a text of which nothing is found
in the later request: neither the text, nor a cut or rewritten form of it.
"""

import re
from collections.abc import Iterator, Sequence

from harnessfix_ir.compiler.occurrences import IN, OUT, Production, Sink
from harnessfix_ir.compiler.provenance.relation import delimited
from harnessfix_ir.compiler.requests import SYSTEM_ROLES, Request
from harnessfix_ir.compiler.textids import TextIds
from harnessfix_ir.compiler.view import RunView
from harnessfix_ir.steps import Part, Span, TraceLink, new_link, new_span
from harnessfix_ir.vocabulary import Evidence, LinkKind, Status, StepKind

from .data import DataLinks

# A message that only names where its text is kept says nothing about what was sent.
_REFERENCE = re.compile(r"\s*[a-z][a-z0-9+.-]*://\S+\s*|\s*[0-9a-f]{32,64}\s*")
SURE = 16
END = 16
SHORT = 120
SEARCH_BUDGET = 20_000_000


def omission_links(view: RunView, ids: TextIds, requests: Sequence[Request], data: DataLinks) -> Iterator[TraceLink]:
    """All omissions of a run; each lost text is stated once, at the first request that lacks it."""
    finder = _Finder(view, ids, requests, data)
    for request in requests:
        if request.previous is not None:
            yield from finder.dropped(request)
            yield from finder.never_sent(request)


class _Finder:
    def __init__(self, view: RunView, ids: TextIds, requests: Sequence[Request], data: DataLinks) -> None:
        self.view = view
        self.ids = ids
        self.data = data
        self.next_of = {request.previous.step: request for request in requests if request.previous is not None}
        self.producer: dict[tuple[int, int], Production] = {}
        self.fed: dict[int, list[Sink]] = {}
        self.feeds_into: dict[int, set[int]] = {}
        for source, sink in data.feeds():
            self.fed.setdefault(source.step, []).append(sink)
            self.feeds_into.setdefault(sink.step, set()).add(source.step)
            if sink.side == IN:
                self.producer.setdefault((sink.step, sink.part), source)
        self.home: dict[int, tuple[int, int]] = {}
        self.budget = SEARCH_BUDGET

    def dropped(self, request: Request) -> Iterator[TraceLink]:
        """Texts of the previous request that this one does not hold in any form."""
        assert request.previous is not None
        before = self.view.steps[request.previous.step]
        lost = [n for n in request.dropped if before.input[n].role not in SYSTEM_ROLES]
        if not lost:
            return
        fresh = self._fresh_texts(request)
        replaced = {request.step} | self._rewritten_into(request)
        for number in lost:
            part = before.input[number]
            text = self._text(part)
            if not text.strip() or self._edited(request, number) or self._occurs(text, fresh):
                continue
            source = self._origin(request.previous, number)
            if source is not None and source.step in replaced:
                continue
            yield self._link(source or Production(0, request.previous.step, IN, number), text, request, "dropped")

    def never_sent(self, request: Request) -> Iterator[TraceLink]:
        """The previous turn, and tool outputs since, of which nothing is in this request or reaches a later one."""
        assert request.previous is not None
        if request.prefix < len(self.view.steps[request.previous.step].input) and not request.fresh:
            return
        fresh = self._fresh_texts(request)
        turn = request.previous.step
        if self._turn_lost(request, turn, fresh):
            text = self._text(self.view.steps[turn].output[0])
            yield self._link(Production(0, turn, OUT, 0), text, request, "never sent")
        asked = self.data.neighbours.tools_of.get(turn, ())
        for tool in asked:
            yield from self._tool_lost(request, tool, fresh, Evidence.DERIVED)
        for tool in self.data.neighbours.since_previous(request.step):
            if self.view.steps[tool].kind is StepKind.TOOL_CALL and tool not in asked and tool > turn:
                yield from self._tool_lost(request, tool, fresh, Evidence.HEURISTIC)

    def _turn_lost(self, request: Request, turn: int, fresh: list[str]) -> bool:
        step = self.view.steps[turn]
        assert request.previous is not None
        if not step.output or step.status is not Status.OK or not self.view.ended_before(turn, request.step):
            return False
        if request.prefix < len(self.view.steps[request.previous.step].input) or not request.fresh:
            return False
        here = self.view.steps[request.step].input
        if any(here[n].role == "assistant" for n in request.fresh):
            return False
        calls = {part.call_id for part in step.output if part.call_id}
        if any(here[n].call_id in calls for n in request.fresh if here[n].call_id):
            return False
        words = [self._text(part) for part in step.output if part.kind != "reasoning"]
        words = [word for word in words if word.strip()]
        if not words or any(self._occurs(word, fresh) for word in words):
            return False
        return not self._reaches(turn, request.step)

    def _tool_lost(self, request: Request, tool: int, fresh: list[str], evidence: Evidence) -> Iterator[TraceLink]:
        step = self.view.steps[tool]
        if not step.output or not self.view.ended_before(tool, request.step) or tool > request.step:
            return
        if self._reaches(tool, request.step):
            return
        for number, part in enumerate(step.output):
            text = self._text(part)
            if len(text.strip()) > 1 and not self._left(text, fresh) and not any(map(_REFERENCE.fullmatch, fresh)):
                yield self._link(Production(0, tool, OUT, number), text, request, "never sent", evidence)

    def _reaches(self, step: int, request: int) -> bool:
        """Whether any text of the step, or of steps inside it, goes by links into this or a later model call."""
        seen = {step}
        pending = [step, *self.view.children[step]]
        while pending and len(seen) < 200:
            at = pending.pop()
            for sink in self.fed.get(at, ()):
                if self.view.steps[sink.step].kind is StepKind.MODEL_CALL and sink.step >= request:
                    return True
                if sink.step not in seen and self.view.steps[sink.step].kind not in (
                    StepKind.MODEL_CALL,
                    StepKind.TOOL_CALL,
                ):
                    seen.add(sink.step)
                    pending.append(sink.step)
        return len(seen) >= 200

    def _rewritten_into(self, request: Request) -> set[int]:
        """Steps whose text is in this request by way of other texts: cut, rewritten, or rendered."""
        found: set[int] = set()
        pending = [request.step]
        while pending and len(found) < 5000:
            for source in self.feeds_into.get(pending.pop(), ()):
                if source not in found:
                    found.add(source)
                    if self.view.steps[source].kind not in (StepKind.MODEL_CALL, StepKind.TOOL_CALL):
                        pending.append(source)
        return found

    def _origin(self, request: Request, number: int) -> Production | None:
        """Who produced part `number` of a request: looked up where the conversation first held it."""
        text = self.view.steps[request.step].input[number].text
        at: Request | None = request
        for _ in range(100_000):
            if at is None:
                return None
            parts = self.view.steps[at.step].input
            if number < len(parts) and parts[number].text == text and number in at.fresh:
                return self.producer.get((at.step, number))
            if number < at.prefix:
                at = at.previous
                continue
            if at.previous is None:
                return None
            before = self.view.steps[at.previous.step].input
            number = next((n for n, part in enumerate(before) if part.text == text), -1)
            if number < 0:
                return None
            at = at.previous
        return None

    def _edited(self, request: Request, number: int) -> bool:
        """Whether the part was replaced, in its place, by one that begins with much of it."""
        assert request.previous is not None
        length = len(self._text(self.view.steps[request.previous.step].input[number]))
        return request.grown_from.get(number, 0) >= max(length // 2, 1)

    def _fresh_texts(self, request: Request) -> list[str]:
        parts = self.view.steps[request.step].input
        return [self._text(parts[n]) for n in request.fresh]

    def _occurs(self, text: str, fresh: list[str]) -> bool:
        """Whether the text, but for space around it, stands in one of these; the whole search is bounded."""
        words = text.strip()
        for candidate in fresh:
            self.budget -= len(candidate)
            if self.budget < 0:
                return False
            at = candidate.find(words)
            if at >= 0 and (len(words) >= SURE or delimited(candidate, at, at + len(words))):
                return True
        return False

    def _whole(self, source: Production) -> Span | None:
        """The span of a whole part; error messages are no parts and have none."""
        if source.side not in (IN, OUT):
            return None
        step = self.view.steps[source.step]
        part = (step.input if source.side == IN else step.output)[source.part]
        return new_span(side=source.side, part=source.part, start=0, end=len(self._text(part)))

    def _left(self, text: str, fresh: list[str]) -> bool:
        """Whether the text stands in one of these; of a short one, which leaves no fingerprint, an end of it."""
        words = text.strip()
        pieces = {words, words[:END], words[-END:]} if len(words) <= SHORT else {words}
        return any(self._occurs(piece, fresh) for piece in pieces)

    def _text(self, part: Part) -> str:
        return self.ids.held(part)

    def _link(
        self, source: Production, text: str, request: Request, how: str, evidence: Evidence = Evidence.DERIVED
    ) -> TraceLink:
        assert request.previous is not None
        before = self.view.steps[request.previous.step].id
        where = f"in {before}, gone from here on" if how == "dropped" else "in no later request"
        return new_link(
            source=self.view.steps[source.step].id,
            target=self.view.steps[request.step].id,
            kind=LinkKind.OMITTED,
            source_span=self._whole(source),
            evidence=evidence,
            detail=f"{how}: {len(text)} characters, {where}",
        )
