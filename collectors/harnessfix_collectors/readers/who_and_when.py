"""Who&When: failed runs of multi-agent systems with the agent and the message that people hold responsible.

Messages are counted from 0: the step of message `n` carries `index: n`.

https://github.com/ag2ai/Agents_Failure_Attribution
"""

import re
from collections.abc import Iterator
from typing import Any

from harnessfix_collectors.files import TraceFile, Trouble, document
from harnessfix_collectors.messages import message_parts
from harnessfix_collectors.opening import Opening
from harnessfix_collectors.transcript import Transcript, task_name
from harnessfix_collectors.values import as_text, mapping, name_of, objects, string
from harnessfix_ir.document import JsonValue
from harnessfix_ir.errors import BadInputError
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Part
from harnessfix_ir.texts import digest
from harnessfix_ir.vocabulary import Outcome, StepKind

from .base import EVALUATION, Reader

JUDGEMENT = ("is_correct", "is_corrected", "ground_truth", "mistake_agent", "mistake_step", "mistake_reason", "labels")
SHELL = "terminal"
_EXIT = re.compile(r"exitcode: (-?\d+)[^\n]*")


class WhoAndWhen(Reader):
    """One run a file."""

    name = "who-and-when"
    title = "Who&When failure log"
    maps = "Each message is a model call of its agent with the messages before it; those of a terminal are tool calls."
    keeps = (
        "Ground truth and the responsible agent, step and reason are `evaluation` of the run; the rest is with the run."
    )
    priority = 20

    def recognises(self, opening: Opening) -> bool:
        """By its judgement beside a history."""
        return opening.has("history.content") and (opening.has("mistake_agent") or opening.has("question_ID"))

    def read(self, file: TraceFile) -> Iterator[Recording]:
        """The one run of the file."""
        trouble = Trouble(file.name)
        value = mapping(document(file, trouble))
        if not isinstance(value.get("history"), list):
            raise BadInputError(f"{file.name}: no list `history` in it", hint="Expected a Who&When log.")
        yield _recording(value, file.name, trouble)


def _recording(value: dict[str, Any], filename: str, trouble: Trouble) -> Recording:
    script = Transcript(WhoAndWhen.name, filename, "team")
    prompts = {name: as_text(text) for name, text in mapping(value.get("system_prompt")).items()}
    used: set[str] = set()
    question = string(value.get("question"))
    if question and script.root is not None:
        script.root.input = [Part(role="user", text=script.pool.put(question))]
    for index, message in enumerate(objects(value["history"])):
        role = string(message.get("role"))
        agent = name_of(message.get("name")) or role or "agent"
        parts = list(message_parts({"role": "assistant", "content": message.get("content")}, script.pool))
        if SHELL in agent.lower():
            results = [part.model_copy(update={"role": "result", "name": agent}) for part in parts]
            step = script.result(results, message, asked=False, agent=agent)
            step.name = agent
            failed = _EXIT.match(script.pool.texts[results[0].text]) if results else None
            if failed and failed[1] != "0":
                step.fail("exit_code", failed[0])
        elif role.lower() in ("human", "user") and not message.get("name"):
            step = script.add(StepKind.CONTEXT_BUILD, agent, message, output=parts, agent=agent)
            script.context.extend(part.model_copy(update={"role": "user"}) for part in parts)
        else:
            step = script.reply(agent, parts, message, agent=agent)
            if agent in prompts:
                used.add(agent)
                step.input.insert(0, Part(role="system", text=script.pool.put(prompts[agent]), name=agent))
        step.attributes["index"] = index
    left = {key: item for key, item in value.items() if key not in (*JUDGEMENT, "history", "question", "system_prompt")}
    unused: dict[str, JsonValue] = {name: text for name, text in prompts.items() if name not in used}
    judged = {key: value[key] for key in JUDGEMENT if key in value}
    correct = value.get("is_correct", value.get("is_corrected"))
    outcome = {True: Outcome.PASSED, False: Outcome.FAILED}.get(correct) if isinstance(correct, bool) else None
    return script.recording(
        RunInfo(
            id=digest(as_text(value)),
            name=task_name(question) or str(value.get("question_ID") or filename),
            task=task_name(question) or str(value.get("question_ID") or ""),
            outcome=outcome or Outcome.UNKNOWN,
            outcome_by=EVALUATION if outcome else "",
            format=WhoAndWhen.name,
            attributes={**left, **({"system_prompt": unused} if unused else {}), EVALUATION: judged},
        ),
        trouble.notes,
    )
