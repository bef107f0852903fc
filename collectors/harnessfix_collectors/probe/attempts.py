"""What a model call lacks, from the attempts in it.

A model class often keeps only the text of an answer, hands it on by `yield`, or is given the conversation inside an
object of its own; the request that it makes in the end has all of it.
"""

from collections.abc import Mapping
from typing import Any

from harnessfix_collectors.values import parse_json
from harnessfix_ir.steps import Part
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Status, StepKind

from .draft import Draft

CONVERSATION = ("user", "assistant", "tool")
ANSWER_OF, MESSAGES_OF = "answer_of", "messages_of"


def lift_attempts(drafts: Mapping[str, Draft], pool: TextPool) -> None:
    """Give model calls what their last attempt that was answered says, where they have it not.

    Args:
        drafts: steps by span, in the order in which they began.
        pool: with their texts.
    """
    for draft in drafts.values():
        if draft.kind is not StepKind.LIFECYCLE or draft.attributes.get("role") != "model_call":
            continue
        above = _asker(draft, drafts)
        if above is None or draft.status is not Status.OK:
            continue
        lifted = above.attributes.get(ANSWER_OF) is not None
        if draft.finish_reason is not None and (lifted or above.finish_reason is None):
            above.finish_reason, above.attributes[ANSWER_OF] = draft.finish_reason, draft.name
        if draft.usage is not None and (lifted or above.usage is None):
            above.usage, above.attributes[ANSWER_OF] = draft.usage, draft.name
        _lift_messages(draft, above, pool)


def tells_conversation(step: Draft) -> bool:
    """Whether a model call's input holds what was said, not only instructions and plain values."""
    return any(part.role in CONVERSATION for part in step.input)


def take_input(step: Draft, parts: list[Part], said_by: str, pool: TextPool) -> None:
    """Make these parts what the model was asked; values that were there before become arguments of the step."""
    known = {part.text for part in parts}
    rest: dict[str, Any] = {
        part.name or part.role: parse_json(pool.texts[part.text]) for part in step.input if part.text not in known
    }
    given = step.attributes.get("arguments")
    if rest and MESSAGES_OF not in step.attributes:
        step.attributes["arguments"] = {**(given if isinstance(given, dict) else {}), **rest}
    step.input, step.attributes[MESSAGES_OF] = parts, said_by


def _asker(draft: Draft, drafts: Mapping[str, Draft]) -> Draft | None:
    """The model call around an attempt."""
    seen = {draft.key}
    above = drafts.get(draft.up or "")
    while above is not None and above.kind is not StepKind.MODEL_CALL and above.key not in seen:
        seen.add(above.key)
        above = drafts.get(above.up or "")
    return above if above is not None and above.kind is StepKind.MODEL_CALL else None


def _lift_messages(draft: Draft, above: Draft, pool: TextPool) -> None:
    again = MESSAGES_OF in above.attributes
    if tells_conversation(draft) and (again or not tells_conversation(above)):
        take_input(above, list(draft.input), draft.name, pool)
    answered = above.attributes.get("output_of") is not None
    if draft.output and (answered or not above.output):
        above.output, above.attributes["output_of"] = list(draft.output), draft.name
