"""C111: what is put into a memory is never asked for."""

from collections import defaultdict
from collections.abc import Container, Iterable

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._own import own_function
from harnessfix.rules._query import as_anchor, names, one_of_each
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import Element, HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import ElementRole, Evidence, Property, Severity, StepKind

LEAST_WRITES = 2  # one may be meant for a later run

_AGENT = """\
class FactStore:
    def __init__(self):
        self.facts = []

    def remember(self, fact):
        self.facts.append(fact)

    def recall(self, words):
        return [fact for fact in self.facts if any(word in fact for word in words.split())]


class Agent:
    def __init__(self, model):
        self.model = model
        self.facts = FactStore()

    def run(self, questions):
        answers = []
        for question in questions:
            reply = self.model.query([{"role": "user", "content": question}])["content"]
            self.facts.remember(f"{question} {reply}")
            answers.append(reply)
        return answers
"""
_MAIN = """\
from agent import Agent
from model import Model, say

questions = ["Which port has the crane?", "When is high water at the port?", "May we berth there?"]
print(Agent(Model(say("Rostock"), say("At six"), say("Yes"))).run(questions))
"""


class MemoryWrittenNeverRead(Rule):
    code = "C111"
    name = "memory-written-never-read"
    keeps = Property.EFFECT
    severity = Severity.WARNING
    summary = "A memory is written turn by turn, and nothing ever reads it."
    why = (
        "Every write costs time, and often an embedding call; the agent behaves as if it had no memory at all, and "
        "the store grows without anyone noticing that it has no use. It is mostly a retrieval that was never wired in."
    )
    fix = "Read from the memory where the next request is built, or stop writing to it."
    by_hand = "Where the memory belongs in the next request, and how much of it, is a matter of design."
    references = (
        "https://arxiv.org/abs/2606.06324",
        "https://www.anthropic.com/engineering/effective-context-engineering-for-ai-agents",
    )
    bad = harness(_AGENT, _MAIN)
    good = edited(
        bad,
        "agent.py",
        (
            '            reply = self.model.query([{"role": "user", "content": question}])["content"]\n',
            '            known = "\\n".join(self.facts.recall(question))\n'
            '            reply = self.model.query([{"role": "user", "content": f"{known}\\n{question}"}])["content"]\n',
        ),
    )

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Backends that this run wrote to, and that neither the run nor any code of the harness reads."""
        writes: dict[str, list[tuple[TraceStep, Element]]] = defaultdict(list)
        read: set[str] = set()
        memories = {(e.anchor.path, e.anchor.qualname): e for e in model.of_role(ElementRole.MEMORY)}
        for step in run.of_kind(StepKind.MEMORY):
            function = own_function(model, step)
            memory = memories.get((function.anchor.path, function.anchor.qualname)) if function is not None else None
            if memory is None:
                continue
            if memory.value("operation") == "write":
                writes[_class(memory)].append((step, memory))
            else:
                read.add(_class(memory))
        for backend, steps in writes.items():
            if len(steps) < LEAST_WRITES:
                continue
            family = _family(model, _name(backend))
            if not any(_name(other) in family for other in read) and not _is_read(model, family, memories.values()):
                yield _finding(run, backend, steps)


def _class(memory: Element) -> str:
    return f"{memory.anchor.path}:{memory.anchor.qualname.rpartition('.')[0]}"


def _name(backend: str) -> str:
    return backend.rpartition(":")[2].rpartition(".")[2]


def _family(model: HarnessModel, name: str) -> set[str]:
    """Names of a class, of those above it and of those below: one of them may write what another reads."""
    above: dict[str, list[str]] = {}
    for element in model.of_role(ElementRole.CLASS):
        above.setdefault(element.name, []).extend(base.rpartition(".")[2] for base in names(element.value("bases")))
    below: dict[str, list[str]] = {}
    for child, bases in above.items():
        for base in bases:
            below.setdefault(base, []).append(child)
    family = {name}
    for related in (above, below):
        pending = [name]
        while pending:
            new = set(related.get(pending.pop(), ())) - family
            family |= new
            pending.extend(new)
    return family


def _is_read(model: HarnessModel, family: Container[str], memories: Iterable[Element]) -> bool:
    """Whether code of the harness calls a method that reads such a memory, as far as calls can be followed."""
    reading = [m for m in memories if m.value("operation") == "read" and _name(_class(m)) in family]
    called = model.callers
    methods = {m.anchor.qualname.rpartition(".")[2] for m in reading}
    followed = any(m.anchor.symbol in called for m in reading)
    return followed or any(not call.resolved for call in model.calls_named(*methods))


def _finding(run: Htir, backend: str, steps: list[tuple[TraceStep, Element]]) -> Finding:
    first, last = steps[0][0], steps[-1][0]
    characters = sum(len(run.input_text(step)) for step, _ in steps)
    return Finding(
        f"{backend.rpartition(':')[2]} was written to {len(steps)} times ({first.id} to {last.id}, {characters:,} "
        "characters) and read by no step; no code of the harness reads it either.",
        one_of_each([as_anchor(memory, "writes what nobody reads") for _, memory in steps]),
        responsible_step=first.id,
        symptom_step=last.id,
        path=list(dict.fromkeys(step.id for step, _ in steps))[:10],
        confidence=0.75,
        evidence=Evidence.DERIVED,
        key=backend.rpartition(":")[2],
    )
