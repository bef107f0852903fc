"""Runs with known truth: what became of every text, and how the steps hang together.

An agent asks a model, runs tools and sends their outputs on: as they are, in a template, cut at one end or in the
middle, re-wrapped, quoted, numbered, re-serialised, paraphrased, or not at all. Every relation that is made is written
down as it is made.
"""

import json
import random
from dataclasses import dataclass, field

from benchmarks.deeds import Deeds
from benchmarks.fates import FATES, Ranges
from benchmarks.texts import Writer
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import LinkKind, Status, StepKind

Relation = tuple[LinkKind, str, str]
SECOND = 1_000_000_000
ROOT = "s1"
WRAPPING = (StepKind.TASK, StepKind.HANDOFF, StepKind.LIFECYCLE)


@dataclass
class Truth:
    """What holds in a run.

    Args:
        links: relations that a compiler should state.
        neutral: tools whose output may or may not count as lost (a paraphrase of it was sent).
        kept: by tool step, the character ranges of its output that were kept, where it was cut.
    """

    links: set[Relation] = field(default_factory=set)
    neutral: set[str] = field(default_factory=set)
    kept: dict[str, Ranges] = field(default_factory=dict)


@dataclass(frozen=True)
class Style:
    """How the harness of a run behaves.

    Args:
        call_ids: whether calls and results carry ids.
        role: of observations, `tool` or `user`.
        template: that observations are rendered into.
        fates: names of fates, as often as they are likely.
        window: most messages sent, 0 for all.
        header: words that begin every tool output.
        builder: whether a step of its own renders the observations.
        times: whether steps have times.
        single: whether the whole conversation is sent as one text.
        turns_nested: whether each turn is a step around its model call and tools.
        parallel, retry, handoff, rerun, short: odds a turn that calls run in parallel, a call is retried, a helper is
            asked; that an output is nearly the one before, or only a few words.
    """

    call_ids: bool
    role: str
    template: str
    fates: tuple[str, ...]
    window: int = 0
    header: str = ""
    builder: bool = False
    times: bool = True
    single: bool = False
    turns_nested: bool = False
    parallel: float = 0.15
    retry: float = 0.1
    handoff: float = 0.05
    rerun: float = 0.1
    short: float = 0.1


class TrueRun:
    """Makes one run and its truth.

    Args:
        seed: everything follows from it.
        turns: number of model calls of the main agent.
        style: a random one when None.
        writer: of the texts.
    """

    def __init__(self, seed: int, turns: int = 12, style: Style | None = None, writer: type[Writer] = Writer) -> None:
        self.random = random.Random(seed * 7919 + 1)
        self.writer = writer(seed)
        self.turns = turns
        self.style = style or self._style()
        self.deeds = Deeds(seed) if style is None else None
        self.pool = TextPool()
        self.steps: list[TraceStep] = []
        self.truth = Truth()
        self.clock = SECOND
        self.owner: dict[str, str] = {}
        self.earlier: list[str] = []
        self.rounds: list[str] = []

    def make(self) -> tuple[Recording, Truth]:
        """The recording and what holds in it."""
        task = self.part("user", self.writer.prose(200))
        root = self.step(StepKind.TASK, "agent", agent="lead", input=(task,))
        system = self.part("system", self.writer.prose(400))
        self.truth.links.add((LinkKind.COPIED, root, self._request_id()))
        history, previous = [system, task], ""
        for turn in range(self.turns):
            inside = self._round(root, previous) if self.style.turns_nested else root
            history, previous = self._turn(inside, history, previous, turn + 1 == self.turns)
            if inside != root:
                self._update(inside)
        self._update(root)
        run = RunInfo(id=f"truth-{self.writer.random.random():.12f}")
        return Recording(run=run, steps=tuple(self.steps), texts=self.pool.texts), self.truth

    def _round(self, root: str, previous: str) -> str:
        """A step around one turn; rounds of the loop are then these."""
        here = self.step(StepKind.LIFECYCLE, f"step {len(self.steps)}", parent=root)
        if self.rounds:
            self.truth.links.add((LinkKind.ITERATION, self.rounds[-1], here))
        self.rounds.append(here)
        return here

    def _turn(self, root: str, history: list[Part], previous: str, last: bool) -> tuple[list[Part], str]:
        asked = self._ask(root, history, previous)
        calls = 0 if last else self.random.choice((2, 3)) if self.random.random() < self.style.parallel else 1
        thought = self.part("assistant", self.writer.prose(self.random.randint(60, 300)))
        wanted = [self._call() for _ in range(calls)]
        self._answer(asked, (thought, *(call for call, _ in wanted)))
        if last:
            self.truth.links.add((LinkKind.TERMINATED_BY, ROOT, asked))
            return history, asked
        follows = [thought, *(call for call, _ in wanted)]
        fed: list[tuple[str, str]] = []
        for call, arguments in wanted:
            tool = self._tool(root, asked, call, arguments, calls > 1)
            observation, fate = self._observation(tool)
            if self.style.builder:
                tool, fate = self._build(root, tool, observation, fate), "copy"
            follows.append(self._result(call, observation))
            fed.append((tool, fate))
        if self.deeds is not None and self.deeds.guards():
            self.step(StepKind.VERIFY, "is it done", parent=root)  # nothing is done after it: it guards nothing
        if self.random.random() < self.style.handoff:
            self._helper(root)
        request = self._request_id()
        new = [*history, *follows]
        for tool, fate in fed:
            self._note(fate, tool, request)
        self.truth.links.add((LinkKind.COPIED, asked, request))
        if self.style.window and len(new) > self.style.window:
            new = self._dropped(new, request, asked)
        return new, asked

    def _ask(self, root: str, history: list[Part], previous: str) -> str:
        if self.random.random() < self.style.retry and previous:
            failed = self.step(
                StepKind.MODEL_CALL,
                "chat",
                parent=root,
                input=self._sent(history),
                error=ErrorInfo(type="RateLimitError"),
            )
            asked = self.step(StepKind.MODEL_CALL, "chat", parent=root, input=self._sent(history))
            self.truth.links.add((LinkKind.RETRY_OF, failed, asked))
            self.truth.links.add((LinkKind.ITERATION, failed, asked))
            if not self.style.turns_nested:
                self.truth.links.add((LinkKind.ITERATION, previous, failed))
            return asked
        asked = self.step(StepKind.MODEL_CALL, "chat", parent=root, input=self._sent(history))
        if previous and not self.style.turns_nested:
            self.truth.links.add((LinkKind.ITERATION, previous, asked))
        return asked

    def _sent(self, history: list[Part]) -> tuple[Part, ...]:
        if not self.style.single:
            return tuple(history)
        texts = (f"{part.role}: {self.pool.texts[part.text]}" for part in history[1:])
        return (history[0], self.part("user", "\n\n".join(texts)))

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
        guard = self._guard(root, part)
        tool = self.step(StepKind.TOOL_CALL, call.name or "", parent=root, input=(part,))
        self.truth.links.add((LinkKind.COPIED, asked, tool))
        if parallel:
            self.truth.links.add((LinkKind.BRANCH, asked, tool))
        if guard:
            self.truth.links.add((LinkKind.GUARDED_BY, guard, tool))
            if self._read_input(guard):
                self.truth.links.add((LinkKind.COPIED, asked, guard))
        if self.deeds is not None:
            self._touch(tool, self.deeds)
            self._fail(tool, self.deeds)
        return tool

    def _guard(self, root: str, part: Part) -> str:
        """Perhaps a check before a tool, recorded with what it was given or without."""
        if self.deeds is None or not self.deeds.guards():
            return ""
        return self.step(StepKind.GUARD, "allowed", parent=root, input=(part,) if self.deeds.tells_input() else ())

    def _read_input(self, step: str) -> bool:
        return bool(self.steps[int(step[1:]) - 1].input)

    def _touch(self, tool: str, deeds: Deeds) -> None:
        """Perhaps a file or record that the tool reads or writes."""
        effect, writer = deeds.effect(tool)
        if effect is not None:
            self._update(tool, effects=(effect,))
            if writer:
                self.truth.links.add((LinkKind.WROTE_READ, writer, tool))

    def _fail(self, tool: str, deeds: Deeds) -> None:
        """Perhaps exceptions inside the tool, the last of them caught first, some not at all."""
        caught = []
        for error, attributes, is_caught in deeds.exceptions():
            raised = self.step(StepKind.ERROR, f"raise {error.type}", parent=tool, error=error)
            self._update(raised, attributes=attributes)
            if is_caught:
                caught.append((raised, error, attributes))
        for raised, error, attributes in reversed(caught):
            handler = self.step(StepKind.ERROR, f"except {error.type}", parent=tool, error=error)
            self._update(handler, attributes=attributes)
            self.truth.links.add((LinkKind.HANDLED_BY, raised, handler))

    def _observation(self, tool: str) -> tuple[str, str]:
        """Give the tool an output; what is sent of it, and the name of its fate."""
        fate = self.random.choice(self.style.fates)
        output = self._output(fate)
        self._update(tool, output=(self.part("result", output),))
        observation, kept = FATES[fate].change(self.writer, output)
        if kept:
            self.truth.kept[tool] = kept
        if fate != "lose" and not (fate == "copy" and self.random.random() < 0.5):
            observation = self.style.template.replace("{}", observation)
        self.owner[self.pool.put(observation)] = "" if fate in ("lose", "paraphrase") else tool
        if fate not in ("lose", "paraphrase") and output.strip() in observation:
            fate = "copy"
        return observation, fate

    def _output(self, fate: str) -> str:
        if fate == "reserialise":
            return self.writer.record(self._size())
        if not fate.startswith("cut") and self.random.random() < self.style.short:
            return f"{self.writer.phrase(self.random.randint(1, 3))} {self.writer.name()}"
        if self.earlier and self.random.random() < self.style.rerun:
            lines = self.random.choice(self.earlier).splitlines()
            lines[self.random.randrange(len(lines))] = self.writer.phrase(6)
            return "\n".join(lines)
        kind = self.random.choice(list(self.writer.kinds))
        output = self.style.header + self.writer.text(kind, self._size(400 if fate.startswith("cut") else 80))
        if output.count("\n") > 3:
            self.earlier.append(output)
        return output

    def _size(self, least: int = 80) -> int:
        return max(int(min(self.random.lognormvariate(6.5, 1.2), 20_000)), least)

    def _build(self, root: str, tool: str, observation: str, fate: str) -> str:
        """A step of harness code that renders the observation."""
        builder = self._next_id()
        self._note(fate, tool, builder)
        self.step(StepKind.CONTEXT_BUILD, "render", parent=root)
        self._update(builder, output=(self.part("value", observation),))
        self.owner[self.pool.put(observation)] = builder
        return builder

    def _note(self, fate: str, tool: str, target: str) -> None:
        kind = FATES[fate].kind
        if kind is None or (kind is LinkKind.OMITTED and self.style.builder):
            self.truth.neutral.add(tool)
        else:
            self.truth.links.add((kind, tool, target))

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
            (LinkKind.DELEGATED_TO, ROOT, task),
            (LinkKind.TERMINATED_BY, task, call),
            (LinkKind.COPIED, ask, task),
            (LinkKind.COPIED, task, call),
            (LinkKind.COPIED, call, task),
            (LinkKind.COPIED, task, ask),
        }

    def _style(self) -> Style:
        choose = self.random.choice
        role = choose(("tool", "user"))
        single = self.random.random() < 0.15
        return Style(
            call_ids=role == "tool" or self.random.random() < 0.5,
            role=role,
            template=choose(("{}", "Observation:\n{}\n", "<output>\n{}</output>", f"{self.writer.prose(150)}\n{{}}\n")),
            fates=(*(choose(list(FATES)) for _ in range(9)), "copy", "copy"),
            window=0 if single else choose((0, 0, 0, 9)),
            single=single,
            turns_nested=self.random.random() < 0.2,
            header=choose(("", "", self.writer.prose(90))),
            builder=self.random.random() < 0.2,
            times=self.random.random() < 0.8,
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
                started_ns=self.clock if self.style.times else None,
                ended_ns=self.clock + SECOND if self.style.times else None,
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
        wraps = self.style.times and self.steps[at].kind in WRAPPING
        ended = self.clock if wraps else self.steps[at].ended_ns
        self.steps[at] = self.steps[at].model_copy(update={**fields, "ended_ns": ended})

    def _request_id(self) -> str:
        """Id of the next model call, which comes after a step around it where turns are steps."""
        return f"s{len(self.steps) + 1 + self.style.turns_nested}"

    def _next_id(self) -> str:
        return f"s{len(self.steps) + 1}"
