"""Messages that are made with keys of the harness's own, in a history that goes to the provider as it is."""

import ast
from collections.abc import Iterator

from harnessfix_ir.source.expressions import callee, dotted, keyword, last, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.roles.base import Role
from harnessfix_ir.source.scopes import FileContext
from harnessfix_ir.source.words import words

from .base import hazard

# What chat providers take in a message, all of them together.
_TAKEN = words(
    """
    role content name tool_calls tool_call_id function_call refusal audio annotations reasoning reasoning_content
    thinking_blocks reasoning_details cache_control id type status call_id output arguments provider_specific_fields
    images prefix phase
    """
)


class BookkeepingKey(Role):
    """`self.messages.append({"role": …, "content": …, "cost": …})` and then `create(messages=self.messages)`."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        sent = {
            dotted(given, scope)
            for scope, call in file.all(ast.Call)
            if last(callee(call, scope)) in ("create", "completion", "acompletion", "chat")
            and isinstance(given := keyword(call, "messages"), (ast.Name, ast.Attribute))
        }
        for scope, call in file.all(ast.Call) if sent else ():
            owner, _, method = callee(call, scope).rpartition(".")
            if method != "append" or owner not in sent or not call.args or not isinstance(call.args[0], ast.Dict):
                continue
            keys = [text for key in call.args[0].keys if (text := text_of(key)) is not None]
            own = [key for key in keys if key not in _TAKEN]
            if "role" in keys and own:
                yield hazard("bookkeeping-key", scope, call).add("keys", [*own])
