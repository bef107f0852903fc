"""Tool spans without a call id get the one of the model's tool call that asked for them.

Joined by name and arguments, in order: the first call that was asked for and not claimed yet. Some frameworks record no
id on their tool spans, and without one no rule can tell which result answers which call.
"""

import json
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harnessfix_collectors.values import parse_json
from harnessfix_ir.vocabulary import StepKind

if TYPE_CHECKING:
    from harnessfix_collectors.dialects.base import Normal


def join_call_ids(normals: "Sequence[Normal]", texts: dict[str, str]) -> None:
    """Fill in missing call ids.

    Args:
        normals: of one trace, in order of start; their tool calls' parts are replaced.
        texts: digest to text.
    """
    asked: dict[tuple[str, str], deque[str]] = defaultdict(deque)
    known: set[str] = set()
    for normal in normals:
        if normal.kind is StepKind.MODEL_CALL:
            for part in normal.output:
                if part.kind == "tool_call" and part.call_id and part.call_id not in known:
                    known.add(part.call_id)
                    asked[part.name or "", _plain(texts[part.text])].append(part.call_id)
        elif normal.kind is StepKind.TOOL_CALL and normal.input and not normal.input[0].call_id:
            waiting = asked.get((normal.name, _plain(texts[normal.input[0].text])))
            if waiting:
                call_id = waiting.popleft()
                normal.input = [part.model_copy(update={"call_id": call_id}) for part in normal.input]
                normal.output = [part.model_copy(update={"call_id": call_id}) for part in normal.output]


def _plain(arguments: str) -> str:
    """Arguments in one spelling: the same object, however it was written."""
    parsed = parse_json(arguments)
    return arguments if isinstance(parsed, str) else json.dumps(parsed, sort_keys=True)
