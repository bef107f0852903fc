"""Replies of a model: how they ended, and whether they say of themselves that they are none."""

import json

from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import TraceStep

from ._own import model_steps
from ._query import quote

CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"})
REFUSED = frozenset({"content_filter", "error", "refusal", "safety", "recitation", "blocklist", "prohibited_content"})
MAX_CHARS = 400_000  # longer outputs are not parsed again here


def finish_reason(run: Htir, request: TraceStep) -> str:
    """The finish reason of a reply as the innermost step that knows it tells it, empty when none does."""
    return next((step.finish_reason for step in reversed(model_steps(run, request)) if step.finish_reason), "")


def was_cut_off(run: Htir, request: TraceStep) -> bool:
    """Whether a limit on tokens ended the reply."""
    return finish_reason(run, request).lower() in CUT_OFF


def texts_of(run: Htir, request: TraceStep) -> list[str]:
    """What the model said in a reply, tool calls and reasoning left out, as the innermost step saw it."""
    inner = next((step for step in reversed(model_steps(run, request)) if step.error is None), request)
    texts = (run.text(part).strip() for part in inner.output if part.kind == "text")
    return [text for text in texts if text]


def says_nothing(run: Htir, request: TraceStep) -> bool:
    """Whether a reply held neither text nor a tool call."""
    calls = any(part.kind == "tool_call" for step in model_steps(run, request) for part in step.output)
    return not calls and not texts_of(run, request)


def failure_of(run: Htir, request: TraceStep) -> str:
    """What a reply says went wrong with it, in words; empty for an ordinary one."""
    return next((words for step in model_steps(run, request) if (words := _failure(run, step))), "")


def _failure(run: Htir, step: TraceStep) -> str:
    if (step.finish_reason or "").lower() in REFUSED and not run.output_text(step).strip():
        return f"finish reason {step.finish_reason!r} and no text"
    for part in step.output:
        text = run.text(part)
        if text[:1] != "{" or len(text) > MAX_CHARS:
            continue
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if body.get("choices", "") in (None, []) or (body.get("error") and not body.get("choices")):
            return _words(body.get("error"), "choices" in body)
    return ""


def _words(error: object, has_choices: bool) -> str:
    if isinstance(error, dict) and error.get("message"):
        return f"error {quote(str(error['message']), 80)!r}"
    if error:
        return f"error {quote(str(error), 80)!r}"
    return "it holds no choices" if has_choices else ""
