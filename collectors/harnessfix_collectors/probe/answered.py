"""Finish reason and usage of a model call from the HTTP answer that it got, where the harness keeps only the text."""

from collections.abc import Mapping
from typing import Any

from harnessfix_collectors.dialects.base import parse_json
from harnessfix_ir.vocabulary import Status, StepKind

from .draft import Draft
from .lines import SpoolDocument, integer, mapping, string
from .parts import finish_of, usage_of

FROM = "http answer"
LONGEST = 2_000_000


def lift_exchanges(drafts: Mapping[str, Draft], document: SpoolDocument) -> None:
    """Give model calls what their last successful answer says, where they have it not."""
    for ask in document.asks:
        step = _model(string(ask.get("up")), drafts)
        if step is None or step.status is not Status.OK or not _lacks(step):
            continue
        answer = _body(mapping(document.answers.get(string(ask.get("id")) or "")), document)
        if answer is None:
            continue
        finish, usage = finish_of(answer), usage_of(answer)
        if finish is not None and (step.finish_reason is None or step.attributes.get("answer_of") == FROM):
            step.finish_reason, step.attributes["answer_of"] = finish, FROM
        if usage is not None and (step.usage is None or step.attributes.get("answer_of") == FROM):
            step.usage, step.attributes["answer_of"] = usage, FROM


def _lacks(step: Draft) -> bool:
    return step.finish_reason is None or step.usage is None or step.attributes.get("answer_of") == FROM


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
    return parsed if isinstance(parsed, dict) else None
