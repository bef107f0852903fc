"""What a model call lacks, from the HTTP exchange that it made.

Finish reason and usage where the harness keeps only the text; the messages where an instrumentation keeps content off
its spans, or where the harness hands them to its client in objects that are not known.
"""

from collections.abc import Mapping
from typing import Any

from harnessfix_collectors.dialects.base import message_parts, parse_json
from harnessfix_collectors.merge import NO_MESSAGES
from harnessfix_ir.steps import Part
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Status, StepKind

from .attempts import ANSWER_OF, CONVERSATION, MESSAGES_OF, take_input, tells_conversation
from .draft import Draft
from .exchanges import asked_of
from .lines import SpoolDocument, integer, mapping, string
from .parts import finish_of, model_output, usage_of
from .shapes import messages_of
from .streamed import streamed

FROM = "http answer"
SAID_BY = "http exchange"
ASKED_BY = "http request"
LONGEST = 2_000_000
MOST_BODIES = 64
INSTRUCTIONS = ("system", "instructions", "system_instruction", "systemInstruction")
MESSAGES = ("messages", "input", "contents", "prompt")


def lift_exchanges(drafts: Mapping[str, Draft], document: SpoolDocument, pool: TextPool) -> None:
    """Give model calls what their last successful exchange says, where they have it not.

    Args:
        drafts: steps by span.
        document: with its requests and answers.
        pool: where texts go.
    """
    bodies: dict[str, str | None] = {}
    wanted = any(
        step.kind is StepKind.MODEL_CALL and (_is_bare(step, pool) or _is_silent(step)) for step in drafts.values()
    )
    for ask in document.asks:
        name = string(ask.get("id")) or ""
        if wanted:
            bodies[name] = asked_of(ask, bodies, document)
            if len(bodies) > MOST_BODIES:  # one that is like another is like one shortly before it
                del bodies[next(iter(bodies))]
        step = _model(string(ask.get("up")), drafts)
        if step is None or step.status is not Status.OK:
            continue
        bare, silent = _is_bare(step, pool), _is_silent(step)
        if not bare and not silent and not _lacks(step):
            continue
        answer = _body(mapping(document.answers.get(name)), document)
        if answer is None:
            continue
        if bare:
            _say(step, parse_json(bodies.get(name) or ""), answer, pool)
        elif silent:
            _ask(step, parse_json(bodies.get(name) or ""), pool)
        finish, usage = finish_of(answer), usage_of(answer)
        if finish is not None and (step.finish_reason is None or step.attributes.get(ANSWER_OF) == FROM):
            step.finish_reason, step.attributes[ANSWER_OF] = finish, FROM
        if usage is not None and (step.usage is None or step.attributes.get(ANSWER_OF) == FROM):
            step.usage, step.attributes[ANSWER_OF] = usage, FROM


def _lacks(step: Draft) -> bool:
    return step.finish_reason is None or step.usage is None or step.attributes.get(ANSWER_OF) == FROM


def _is_bare(step: Draft, pool: TextPool) -> bool:
    """Whether a step has no words of its own: of calls without content only names and ids are told."""
    mine = step.attributes.get(MESSAGES_OF) == SAID_BY
    return mine or not any(pool.texts.get(part.text) for part in (*step.input, *step.output))


def _is_silent(step: Draft) -> bool:
    """Whether a step does not tell what the model was asked, but for values that hold it somewhere."""
    return step.attributes.get(MESSAGES_OF) == ASKED_BY or not tells_conversation(step)


def _ask(step: Draft, asked: Any, pool: TextPool) -> None:
    said = _request(asked, pool) if isinstance(asked, dict) else []
    if any(part.role in CONVERSATION for part in said):
        take_input(step, said, ASKED_BY, pool)


def _say(step: Draft, asked: Any, answer: dict[str, Any], pool: TextPool) -> None:
    said = _request(asked, pool) if isinstance(asked, dict) else []
    if not said:
        return
    step.input, step.output = said, model_output(answer, pool)
    step.attributes[MESSAGES_OF] = SAID_BY
    step.missing = [what for what in step.missing if what != NO_MESSAGES]


def _request(asked: dict[str, Any], pool: TextPool) -> list[Part]:
    parts: list[Part] = []
    for role, keys in (("system", INSTRUCTIONS), ("user", MESSAGES)):
        told = next((asked[key] for key in keys if asked.get(key)), None)
        if told is not None:
            parts += message_parts(messages_of(told) or told, pool, role)
    return parts


def _model(name: str | None, drafts: Mapping[str, Draft]) -> Draft | None:
    """The model call that a request was made in, with no agent and no tool between."""
    seen: set[str] = set()
    while name is not None and name in drafts and name not in seen:
        seen.add(name)
        if drafts[name].kind is StepKind.MODEL_CALL:
            return drafts[name]
        if drafts[name].kind in (StepKind.TASK, StepKind.TOOL_CALL):
            return None
        name = drafts[name].up
    return None


def _body(answer: Mapping[str, Any], document: SpoolDocument) -> dict[str, Any] | None:
    text = answer.get("text")
    if isinstance(text, dict):
        text = document.texts.get(string(text.get("$")) or "")
    if (integer(answer.get("status")) or 0) // 100 != 2 or not isinstance(text, str) or len(text) > LONGEST:
        return None
    parsed = parse_json(text)
    return parsed if isinstance(parsed, dict) else streamed(text)
