"""L110: the words that mean "done" stood in a text that nobody meant as the answer."""

import re
from collections.abc import Iterable, Iterator

from harnessfix.rules._examples import edited, harness
from harnessfix.rules._handed_in import episodes
from harnessfix.rules._own import loop_around, nearest_own, tool_call_around
from harnessfix.rules._query import as_anchor, events, one_of_each, quote, requests
from harnessfix.rules.base import Finding, Rule
from harnessfix_ir.harness import HarnessModel
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep
from harnessfix_ir.vocabulary import Evidence, Property, Severity, Status, StepKind

# A stop phrase is spelled to be found: capitals, often with underscores, or an XML-like tag.
_PHRASE = re.compile(r"\b[A-Z][A-Z_]{3,}(?: [A-Z_]{2,}){0,4}\b|</?[a-z_]*(?:answer|done|finish|submit|stop)[a-z_]*>")
_MEANS_END = re.compile(r"done|complet|finish|final|submit|terminat|stop|end|answer|exit", re.IGNORECASE)
MAX_PHRASES = 40

_AGENT = '''\
import pathlib

SYSTEM = "Name a file to read it. When the task is done, say TASK_COMPLETE."


def read_file(path):
    """Read a text file."""
    return pathlib.Path(path).read_text()


TOOLS = {"read_file": read_file}


class Agent:
    def __init__(self, model):
        self.model = model

    def run(self, task):
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": task}]
        for _ in range(6):
            reply = self.model.query(messages)
            messages.append(reply)
            if not reply.get("tool_calls"):
                return reply["content"]
            for wanted in reply["tool_calls"]:
                output = TOOLS[wanted["function"]["name"]]("notes.txt")
                messages.append({"role": "tool", "tool_call_id": wanted["id"], "content": output})
            if any("TASK_COMPLETE" in message["content"] for message in messages[2:]):
                return "done"
        return None
'''
_MAIN = """\
import pathlib

from agent import Agent
from model import Model, call, say

pathlib.Path("notes.txt").write_text("Agents say TASK_COMPLETE at the end. The total is 7.")
print(Agent(Model(call("read_file", {"path": "notes.txt"}), say("The total is 7."))).run("What is the total?"))
"""


class PrematureStop(Rule):
    code = "L110"
    name = "premature-stop"
    keeps = Property.INERTNESS
    severity = Severity.ERROR
    summary = "The run stopped because a tool's output, not the model, held the stop phrase."
    why = (
        "A file, a web page or the program under test mentions the phrase that ends the run, and the harness "
        "takes it for the model's word. The task counts as finished with nothing done, and any text the agent "
        "reads can end it."
    )
    fix = (
        "Look for the phrase in the model's own reply only, as a whole line, a tool call or a structured field; "
        "never in tool output, in the history or in the prompt."
    )
    references = (
        "https://github.com/sierra-research/tau-bench",
        "https://genai.owasp.org/llmrisk/llm01-prompt-injection/",
    )
    operator = "scope-sentinel"
    bad = harness(_AGENT, _MAIN)
    good = edited(bad, "agent.py", ("for message in messages[2:])", "for message in [reply])"))

    def check_run(self, run: Htir, model: HarnessModel) -> Iterable[Finding]:
        """Episodes left right after a tool call whose output holds a stop phrase that the model never wrote."""
        for episode in episodes(run) if run.with_event("loop_ended") else ():
            last = _last_work(run, episode)
            if last is None or episode.status is not Status.OK or not _left_early(run, episode):
                continue
            for phrase in _phrases(run, episode):
                if phrase not in run.output_text(last) or _said(run, episode, phrase, last):
                    continue
                loop = loop_around(run, model, last)
                anchors = [as_anchor(loop, "the loop that was left")] if loop is not None else []
                yield Finding(
                    f"{episode.name} ({episode.id}) ended right after {last.name} ({last.id}), whose output holds the "
                    f"stop phrase {phrase!r}; the model had not said it, nor asked for it.",
                    one_of_each([*anchors, *nearest_own(run, last)]),
                    responsible_step=last.id,
                    symptom_step=episode.id,
                    path=[last.id, episode.id],
                    confidence=0.8,
                    evidence=Evidence.DERIVED,
                    quotes=[(f"{last.id} output", quote(_around(run.output_text(last), phrase)))],
                    parameters={"sentinel": phrase},
                    key="phrase",
                )
                break


def _last_work(run: Htir, episode: TraceStep) -> TraceStep | None:
    """The tool call after which the model was not asked again."""
    last = None
    for step in run.descendants(episode.id):
        if step.kind is StepKind.MODEL_CALL:
            last = None
        elif step.kind is StepKind.TOOL_CALL and tool_call_around(run, step) is None:
            last = step
    return last


def _left_early(run: Htir, episode: TraceStep) -> bool:
    """Whether the loop was left by a statement in it, not by its bound."""
    inside = (episode, *run.descendants(episode.id))
    return any(
        e.attributes.get("why") in ("break", "return", "condition") for s in inside for e in events(s, "loop_ended")
    )


def _phrases(run: Htir, episode: TraceStep) -> Iterator[str]:
    """Stop phrases that the instructions of the first request speak of."""
    inside = {step.id for step in run.descendants(episode.id)}
    first = next((request for request in requests(run) if request.id in inside), None)
    found: list[str] = []
    for part in first.input if first is not None else ():
        if part.role in ("system", "developer", "user"):
            found += _PHRASE.findall(run.text(part))
    yield from [phrase for phrase in dict.fromkeys(found) if _MEANS_END.search(phrase)][:MAX_PHRASES]


def _said(run: Htir, episode: TraceStep, phrase: str, last: TraceStep) -> bool:
    """Whether the model wrote the phrase, in a reply or in what it asked the tool to do."""
    replies = [step for step in run.descendants(episode.id) if step.kind is StepKind.MODEL_CALL]
    return any(phrase in run.output_text(step) for step in replies) or phrase in run.input_text(last)


def _around(text: str, phrase: str) -> str:
    at = text.find(phrase)
    return text[max(0, at - 80) : at + len(phrase) + 80]
