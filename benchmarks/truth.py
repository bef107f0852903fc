"""Runs with known truth: what became of every text, and how the steps hang together.

An agent asks a model, runs tools and sends their outputs on: as they are, in a template, cut at one end or in the
middle, re-wrapped, quoted, numbered, re-serialised, paraphrased, or not at all. Every relation that is made is written
down as it is made.
"""

import json
import random
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import LinkKind, Status, StepKind

from .texts import Writer

Relation = tuple[LinkKind, str, str]
SECOND = 1_000_000_000
MARKS = ("", "\n[output truncated]\n", "\n... {n} characters omitted ...\n", "\n<snip: {n} bytes>\n", " …\n")


@dataclass
class Truth:
    """What holds in a run.

    Args:
        links: relations that a compiler should state.
        neutral: pairs of steps between which nothing is scored (a paraphrase was sent, which may count as lost).
        kept: for truncations the character ranges of the source that were kept.
    """

    links: set[Relation] = field(default_factory=set)
    neutral: set[tuple[str, str]] = field(default_factory=set)
    kept: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Style:
    """How the harness of a run behaves: whether calls have ids, the role of observations, the odds of each fate."""

    call_ids: bool
    role: str
    template: str
    fates: tuple[str, ...]
    window: int = 0
    parallel: float = 0.15
    retry: float = 0.1
    handoff: float = 0.05


class TrueRun:
    """Makes one run and its truth.

    Args:
        seed: everything follows from it.
        turns: number of model calls of the main agent.
        style: a random one when None.
    """

    def __init__(self, seed: int, turns: int = 12, style: Style | None = None) -> None:
        self.random = random.Random(seed * 7919 + 1)
        self.writer = Writer(seed)
        self.turns = turns
        self.style = style or self._style()
        self.pool = TextPool()
        self.steps: list[TraceStep] = []
        self.truth = Truth()
        self.clock = SECOND
        self.owner: dict[str, str] = {}

    def make(self) -> tuple[Recording, Truth]:
        """The recording and what holds in it."""
        task = self.part("user", self.writer.prose(200))
        root = self.step(StepKind.TASK, "agent", agent="lead", input=(task,))
        system = self.part("system", self.writer.prose(400))
        self.truth.links.add((LinkKind.COPIED, root, self._next_id()))
        history, previous = [system, task], ""
        for turn in range(self.turns):
            history, previous = self._turn(root, history, previous, turn + 1 == self.turns)
        self.steps[0] = self.steps[0].model_copy(update={"ended_ns": self.clock})
        run = RunInfo(id=f"truth-{self.writer.random.random():.12f}")
        return Recording(run=run, steps=tuple(self.steps), texts=self.pool.texts), self.truth

    def _turn(self, root: str, history: list[Part], previous: str, last: bool) -> tuple[list[Part], str]:
        asked = self._ask(root, history, previous)
        calls = 0 if last else self.random.choice((2, 3)) if self.random.random() < self.style.parallel else 1
        thought = self.part("assistant", self.writer.prose(self.random.randint(60, 300)))
        wanted = [self._call() for _ in range(calls)]
        self._answer(asked, (thought, *(call for call, _ in wanted)))
        if last:
            self.truth.links.add((LinkKind.TERMINATED_BY, root, asked))
            return history, asked
        follows = [thought, *(call for call, _ in wanted)]
        upcoming: list[tuple[str, str, str]] = []
        for call, arguments in wanted:
            tool = self._tool(root, asked, call, arguments, calls > 1)
            output, observation, fate = self._observation(tool)
            follows.append(self._result(call, observation))
            upcoming.append((tool, output, fate))
        if self.random.random() < self.style.handoff:
            self._helper(root)
        new = [*history, *follows]
        request = self._next_id()
        for tool, _, fate in upcoming:
            self._note(fate, tool, request)
        self.truth.links.add((LinkKind.COPIED, asked, request))
        if self.style.window and len(new) > self.style.window:
            new = self._dropped(new, request, asked)
        return new, asked

    def _ask(self, root: str, history: list[Part], previous: str) -> str:
        if self.random.random() < self.style.retry and previous:
            failed = self.step(
                StepKind.MODEL_CALL, "chat", parent=root, input=tuple(history), error=ErrorInfo(type="RateLimitError")
            )
            asked = self.step(StepKind.MODEL_CALL, "chat", parent=root, input=tuple(history))
            self.truth.links.add((LinkKind.RETRY_OF, failed, asked))
            self.truth.links |= {(LinkKind.ITERATION, previous, failed), (LinkKind.ITERATION, failed, asked)}
            return asked
        asked = self.step(StepKind.MODEL_CALL, "chat", parent=root, input=tuple(history))
        if previous:
            self.truth.links.add((LinkKind.ITERATION, previous, asked))
        return asked

    def _answer(self, asked: str, parts: tuple[Part, ...]) -> None:
        self._update(asked, output=parts)
        for part in parts:
            self.owner[part.text] = asked

    def _call(self) -> tuple[Part, str]:
        arguments = json.dumps({"command": f"{self.writer.phrase(3)} --{self.writer.name()}", "n": len(self.steps)})
        call_id = f"call_{self.random.randrange(16**8):08x}" if self.style.call_ids else None
        name = self.random.choice(("bash", "search", "read_file"))
        return self.part("assistant", arguments, "tool_call", name, call_id), arguments

    def _tool(self, root: str, asked: str, call: Part, arguments: str, parallel: bool) -> str:
        part = self.part("arguments", arguments, call=call.call_id)
        tool = self.step(StepKind.TOOL_CALL, call.name or "", parent=root, input=(part,))
        self.truth.links.add((LinkKind.COPIED, asked, tool))
        if parallel:
            self.truth.links.add((LinkKind.BRANCH, asked, tool))
        return tool

    def _observation(self, tool: str) -> tuple[str, str, str]:
        kind = self.random.choice(list(self.writer.kinds))
        fate = self.random.choice(self.style.fates)
        size = int(min(self.random.lognormvariate(6.5, 1.2) + 80, 20_000))
        if fate == "reserialise":
            kind = "json"
        output = self.writer.text(kind, max(size, 400) if fate.startswith("cut") else size)
        self._update(tool, output=(self.part("result", output),))
        observation, kept = _fates(self.writer)[fate](output)
        if kept:
            self.truth.kept[(tool, self._request_after())] = kept
        if fate != "lose" and not (fate == "copy" and self.random.random() < 0.5):
            observation = self.style.template.replace("{}", observation)
        self.owner[self.pool.put(observation)] = "" if fate in ("lose", "paraphrase") else tool
        if fate not in ("lose", "paraphrase") and output.strip() in observation:
            fate = "copy"
        return output, observation, fate

    def _note(self, fate: str, tool: str, request: str) -> None:
        if fate == "paraphrase":
            self.truth.neutral.add((tool, request))
            return
        kind = {"copy": LinkKind.COPIED, "lose": LinkKind.OMITTED}.get(fate)
        kind = kind or (LinkKind.TRUNCATED if fate.startswith("cut") else LinkKind.TRANSFORMED)
        self.truth.links.add((kind, tool, request))
        for noted in [pair for pair in self.truth.kept if pair == (tool, "")]:
            self.truth.kept[(tool, request)] = self.truth.kept.pop(noted)

    def _request_after(self) -> str:
        return ""

    def _result(self, call: Part, observation: str) -> Part:
        kind = "tool_result" if self.style.role == "tool" else "text"
        return self.part(self.style.role, observation, kind, call.name, call.call_id if kind != "text" else None)

    def _dropped(self, parts: list[Part], request: str, asked: str) -> list[Part]:
        """Keep system and task, drop what is oldest after them."""
        over = len(parts) - self.style.window
        lost, kept = parts[2 : 2 + over], [*parts[:2], *parts[2 + over :]]
        here = {part.text for part in kept}
        for part in lost:
            if part.text in here:
                continue
            source = self.owner.get(part.text) or self._first_request(part)
            self.truth.links.add((LinkKind.OMITTED, source, request))
        return kept

    def _first_request(self, part: Part) -> str:
        """A lost message without a producer was last seen in the request before."""
        return [s.id for s in self.steps if s.kind is StepKind.MODEL_CALL and s.agent == "lead"][-1]

    def _helper(self, root: str) -> None:
        """A sub-agent that is asked by a tool and answers once."""
        question = self.part("user", self.writer.prose(150))
        ask = self.step(StepKind.HANDOFF, "ask_helper", parent=root, input=(question,))
        task = self.step(StepKind.TASK, "helper", parent=ask, agent="helper", input=(question,))
        call = self.step(StepKind.MODEL_CALL, "chat", parent=task, agent="helper", input=(question,))
        answer = self.part("assistant", self.writer.prose(120))
        for step in (call, task, ask):
            self._update(step, output=(answer,))
        self.truth.links |= {
            (LinkKind.DELEGATED_TO, root, task),
            (LinkKind.TERMINATED_BY, task, call),
            (LinkKind.COPIED, ask, task),
            (LinkKind.COPIED, task, call),
            (LinkKind.COPIED, call, task),
            (LinkKind.COPIED, task, ask),
        }

    def _style(self) -> Style:
        choose = self.random.choice
        role = choose(("tool", "user"))
        return Style(
            call_ids=role == "tool" or self.random.random() < 0.5,
            role=role,
            template=choose(("{}", "Observation:\n{}\n", "<output>\n{}</output>", f"{self.writer.prose(150)}\n{{}}\n")),
            fates=(*(choose(FATES) for _ in range(9)), "copy", "copy"),
            window=choose((0, 0, 0, 9)),
        )

    def part(self, role: str, text: str, kind: str = "text", name: str | None = None, call: str | None = None) -> Part:
        """A part whose text is put into the pool."""
        return Part(role=role, text=self.pool.put(text), kind=kind, name=name, call_id=call)

    def step(
        self,
        kind: StepKind,
        name: str,
        *,
        parent: str | None = None,
        agent: str = "lead",
        input: tuple[Part, ...] = (),
        error: ErrorInfo | None = None,
    ) -> str:
        """Add a step of one second and return its id."""
        identity = self._next_id()
        self.steps.append(
            TraceStep(
                id=identity,
                parent=parent,
                kind=kind,
                name=name,
                agent=agent,
                started_ns=self.clock,
                ended_ns=self.clock + SECOND,
                input=input,
                status=Status.ERROR if error else Status.OK,
                error=error,
                source=Source(format="truth"),
            )
        )
        self.clock += SECOND + 1
        return identity

    def _update(self, step: str, **fields: object) -> None:
        at = int(step[1:]) - 1
        ended = self.clock if self.steps[at].kind in (StepKind.TASK, StepKind.HANDOFF) else self.steps[at].ended_ns
        self.steps[at] = self.steps[at].model_copy(update={**fields, "ended_ns": ended})

    def _next_id(self) -> str:
        return f"s{len(self.steps) + 1}"


Fate = Callable[[str], tuple[str, list[tuple[int, int]]]]


def _fates(writer: Writer) -> dict[str, Fate]:
    """What can become of an output: the text that is sent, and for cuts the ranges that were kept."""
    odds = writer.random

    def mark(lost: int) -> str:
        return odds.choice(MARKS).replace("{n}", str(lost))

    def cut_tail(text: str) -> tuple[str, list[tuple[int, int]]]:
        keep = int(len(text) * odds.uniform(0.15, 0.85))
        return text[:keep] + mark(len(text) - keep), [(0, keep)]

    def cut_head(text: str) -> tuple[str, list[tuple[int, int]]]:
        keep = int(len(text) * odds.uniform(0.15, 0.85))
        return mark(len(text) - keep) + text[-keep:], [(len(text) - keep, len(text))]

    def cut_middle(text: str) -> tuple[str, list[tuple[int, int]]]:
        keep = int(len(text) * odds.uniform(0.15, 0.42))
        return (
            text[:keep] + mark(len(text) - 2 * keep) + text[-keep:],
            [(0, keep), (len(text) - keep, len(text))],
        )

    def plain(change: Callable[[str], str]) -> Fate:
        return lambda text: (change(text), [])

    return {
        "copy": plain(lambda text: text),
        "cut tail": cut_tail,
        "cut head": cut_head,
        "cut middle": cut_middle,
        "wrap": plain(lambda text: textwrap.fill(text, odds.choice((60, 80, 100)), break_long_words=False)),
        "quote": plain(lambda text: "\n".join("> " + line for line in text.splitlines())),
        "indent": plain(lambda text: textwrap.indent(text, "        ")),
        "number": plain(lambda text: "\n".join(f"{n:>5}\t{line}" for n, line in enumerate(text.splitlines(), 1))),
        "escape": plain(lambda text: json.dumps({"output": text, "status": 0}, ensure_ascii=odds.random() < 0.5)),
        "reserialise": plain(lambda text: json.dumps(json.loads(text), indent=2, sort_keys=True)),
        "paraphrase": plain(lambda text: writer.prose(max(len(text) // 8, 60))),
        "lose": plain(lambda text: odds.choice(("Done.", "The tool returned an error.", "(no output)"))),
    }


FATES = (
    "copy",
    "cut tail",
    "cut head",
    "cut middle",
    "wrap",
    "quote",
    "indent",
    "number",
    "escape",
    "reserialise",
    "paraphrase",
    "lose",
)
