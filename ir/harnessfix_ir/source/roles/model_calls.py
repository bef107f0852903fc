"""Functions that ask a model: by the client call they make, or by their shape."""

import ast
import re
from collections.abc import Iterator

from harnessfix_ir.source.expressions import assigned_value, callee, dotted, is_stub, keyword, last, passed_on, text_of
from harnessfix_ir.source.facts import Draft
from harnessfix_ir.source.nodes import walk
from harnessfix_ir.source.scopes import FileContext, Scope
from harnessfix_ir.source.words import (
    MESSAGES_PARAMS,
    MODEL_MODULE,
    MODEL_OWNER,
    MODEL_RECEIVER,
    MODEL_VERB,
    MODEL_VERBS,
    NOT_MODEL_OWNER,
    SCRIPTED_OWNER,
    STRICT_MESSAGES,
    words,
)
from harnessfix_ir.vocabulary import AnchorKind, ElementRole, Evidence

from .base import Role, at_function, at_node

_SDK = re.compile(
    r"(\.chat\.completions\.(create|parse|stream)|\.beta\.chat\.completions\.(parse|stream)|ChatCompletion\.a?create"
    r"|\.chat\.completions\.with_raw_response\.create|\.completions\.create|\.responses\.(create|parse|stream)"
    r"|\.messages\.(create|stream|parse)|\.generate_content(_stream)?(_async)?|\.chat\.complete(_async)?"
    r"|\.chat_completion|\.converse(_stream)?|\.invoke_model(_with_response_stream)?|\.text_generation"
    r"|^litellm\.(a?completion|a?responses|a?text_completion|acompletion_with_retries|completion_with_retries)"
    r"|^ollama\.(chat|generate)|^(anthropic|cohere|mistralai|groq)\.\w+\(\)\.\S+)(\(\))*$"
)
_ENDPOINT = re.compile(
    r"/(chat/completions|completions|v1/messages|v1/responses|api/chat|api/generate|responses|messages)\b"
)
_COUNTS = re.compile(r"token|embed|count|moderat|transcri|speech|image")
_POSTS = re.compile(r"(^(requests|httpx)\.(post|request|stream)|\.post|urlopen)$")
_SENDS = re.compile(r"post|request|send|fetch|call|query|urlopen|submit", re.IGNORECASE)
_REPLY_KEYS = frozenset(("content", "tool_calls", "choices", "message", "text"))
_HELD_VERBS = MODEL_VERBS - words("create request sample ask chat query _call __call__ infer respond")
# What clients of other things do, too: only where the conversation is handed in.
_ALSO_OTHERS = words("create __call__ request sample _call stream astream _stream _astream")
_REPLY_TYPE = re.compile(r"(Message|Response|Completion|Reply|ModelOutput|Generation|AIMessage|ChatResult)$")


class ModelCalls(Role):
    """One element per function that asks a model; a call at module level stands for itself."""

    def find(self, file: FileContext) -> Iterator[Draft]:
        for scope in file.functions:
            sdk = sdk_call(scope)
            shape = "" if sdk else model_shape(scope, file)
            if is_stub(scope.function) or not (sdk or shape):
                continue
            draft = at_function(ElementRole.MODEL_CALL, scope)
            if sdk:
                draft.add("sdk", sdk[0], sdk[1])
            else:
                draft.add("recognised-by", shape, 0, Evidence.HEURISTIC)
            owner = scope.owner
            draft.note("in-model-class", owner is not None and is_model_class(owner, file))
            draft.note("messages-param", messages_param(scope))
            describe_reading(draft, scope)
            draft.note("returns-choice", _returns_choice(scope))
            draft.note("sdk-returned", bool(sdk) and _returns_call(scope, sdk[1]) if sdk else False)
            yield draft
        found = sdk_call(file.root)
        if found:
            call = found[2]
            yield at_node(ElementRole.MODEL_CALL, file.root, call, AnchorKind.CALL, last(found[0])).add("sdk", found[0])


def sdk_call(scope: Scope) -> tuple[str, int, ast.Call] | None:
    """The call of a known model client directly in a scope: dotted name, line and node."""
    if _COUNTS.search(scope.name):
        return None
    for call in scope.of(ast.Call):
        name = passed_on(call, scope) or _looked_up(call, scope) or callee(call, scope)
        if not name:
            continue
        if _SDK.search(name) and _is_model_request(name, call):
            return name.removesuffix("()"), call.lineno, call
        if _POSTS.search(name) and _posts_messages(call, scope):
            return name, call.lineno, call
        if _SENDS.search(last(name)) and messages_param(scope) and any(_is_endpoint(a) for a in call.args):
            return name, call.lineno, call  # a helper that posts: the address says to whom
    return None


def _looked_up(call: ast.Call, scope: Scope) -> str:
    """Dotted name of a method that was got by its name (`ask = getattr(client.completions, name)`), empty for others.

    A name that is not in the code is taken for `create`, which every endpoint of a client has.
    """
    value = assigned_value(call.func.id, scope, call.lineno) if isinstance(call.func, ast.Name) else None
    if not isinstance(value, ast.Call) or callee(value, scope) != "getattr" or len(value.args) < 2:
        return ""
    owner = dotted(value.args[0], scope)
    return f"{owner}.{text_of(value.args[1]) or 'create'}" if owner else ""


def _is_model_request(name: str, call: ast.Call) -> bool:
    """`.messages.create`, `.completions.create` and `.converse` also exist in other clients."""
    if not name.endswith((".messages.create", ".messages.stream", ".messages.parse", ".text_generation")):
        return True
    given = {k.arg for k in call.keywords}
    return bool(given & {"messages", "model", "max_tokens", None})


def _is_endpoint(node: ast.expr) -> bool:
    """Whether an expression holds the address that a model is asked at."""
    texts = (text_of(inner) for inner in walk(node))
    return any(text and " " not in text and _ENDPOINT.search(text) for text in texts)


def _posts_messages(call: ast.Call, scope: Scope) -> bool:
    given = [*call.args, *(k.value for k in call.keywords if k.arg in ("url", "json", "data", "content"))]
    if any(_is_endpoint(node) for node in given):
        return True
    payload = keyword(call, "json") or keyword(call, "data") or keyword(call, "content")
    if isinstance(payload, ast.Call) and payload.args:
        payload = payload.args[0]
    if isinstance(payload, ast.Name):
        payload = assigned_value(payload.id, scope, call.lineno)
    return isinstance(payload, ast.Dict) and any(text_of(k) in ("messages", "prompt") for k in payload.keys)


def messages_param(scope: Scope) -> str:
    """The parameter that takes the conversation, empty without one."""
    params = [p for p in scope.params if p not in ("self", "cls")]
    return next((p for p in params if p in STRICT_MESSAGES), next((p for p in params if p in MESSAGES_PARAMS), ""))


def model_shape(scope: Scope, file: FileContext) -> str:
    """Why a function looks like one that asks a model (`method of …`, `name and reply`), empty when it does not."""
    name = scope.name
    named = MODEL_VERB.match(name) is not None
    if not (named or name in MODEL_VERBS):
        return ""
    param = messages_param(scope)
    strict = param in STRICT_MESSAGES
    if named and _asks_held_model(scope):
        return "name and call"
    owner = scope.owner
    if owner is not None:
        if not param or NOT_MODEL_OWNER.search(owner.name):
            return ""
        model_class = is_model_class(owner, file)
        if model_class and (strict or name not in _ALSO_OTHERS):
            return f"method of {owner.name}"
        if name == "__call__" and not SCRIPTED_OWNER.search(owner.name):
            return ""
        if strict and param != "input" and (named or replies(scope) or SCRIPTED_OWNER.search(owner.name)):
            return "name, parameter and reply" if replies(scope) else ("name and parameter" if named else "")
        return ""
    if named and strict:
        return "name and parameter"
    if (named or strict) and param and replies(scope):
        return "name, parameter and reply"
    return ""


def _asks_held_model(scope: Scope) -> bool:
    """Whether a function calls a method that asks, of an object that is named like a model: `chat_model.invoke(…)`."""
    for call in scope.of(ast.Call):
        receiver, _, verb = callee(call, scope).rpartition(".")
        if verb in _HELD_VERBS and MODEL_RECEIVER.search(receiver):
            return True
    return False


def is_model_class(owner: Scope, file: FileContext) -> bool:
    """Whether a class is named like a model or its client."""
    if NOT_MODEL_OWNER.search(owner.name):
        return False
    assert isinstance(owner.node, ast.ClassDef)
    names = [owner.name, *(last(b) for base in owner.node.bases if (b := _base_name(base)))]
    if any(MODEL_OWNER.search(n) and not NOT_MODEL_OWNER.search(n) for n in names):
        return True
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", owner.name)
    return (
        bool({"Model", "LLM", "Llm"} & set(words)) and MODEL_MODULE.search(file.module.rpartition(".")[2]) is not None
    )


def _base_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def replies(scope: Scope) -> bool:
    """Whether a function returns what a model's reply looks like: content, tool calls, a message or response object."""
    for node in scope.of(ast.Return):
        value = node.value
        if isinstance(value, ast.Dict) and _REPLY_KEYS & {text_of(k) for k in value.keys}:
            return True
        if isinstance(value, ast.Attribute) and value.attr in ("content", "text", "choices", "message", "tool_calls"):
            return True
        if isinstance(value, ast.Call):
            func = value.func
            name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
            if _REPLY_TYPE.search(name) or name in ("pop", "popleft", "next"):
                return True
        if isinstance(value, ast.Name) and value.id in (
            "response",
            "reply",
            "completion",
            "content",
            "message",
            "output",
        ):
            return True
        if isinstance(value, ast.Subscript) and "content" in (text_of(value.slice) or ""):
            return True
        if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Attribute):
            # A scripted model plays back a list that it holds.
            return value.value.attr in ("outputs", "responses", "replies", "script", "messages", "turns", "completions")
    return False


def describe_reading(draft: Draft, scope: Scope) -> None:
    """What a function reads of the reply: why it ended, what it cost, whether there is one at all."""
    for name, line in reads_of_reply(scope).items():
        draft.add(name, True, line)
    draft.note("indexes-choices", _indexes_choices(scope))


def reads_of_reply(scope: Scope) -> dict[str, int]:
    """`reads-finish-reason`, `reads-usage` and `guards-empty-choices` of any function, with lines."""
    read = {node.attr: node.lineno for node in scope.of(ast.Attribute) if node.attr in _REPLY_FIELDS}
    for node in scope.of(ast.Constant):
        if isinstance(node.value, str) and node.value in _REPLY_FIELDS:
            read.setdefault(node.value, node.lineno)
    found: dict[str, int] = {}
    for name in _FINISH:
        if name in read:
            found.setdefault("reads-finish-reason", read[name])
    for name in ("usage", "usage_metadata"):
        if name in read:
            found.setdefault("reads-usage", read[name])
    if "choices" in read and _guards_choices(scope):
        found["guards-empty-choices"] = read["choices"]
    return found


_FINISH = ("finish_reason", "stop_reason", "finishReason", "incomplete_details", "done_reason")
_REPLY_FIELDS = frozenset((*_FINISH, "usage", "usage_metadata", "choices"))


def _indexes_choices(scope: Scope) -> int:
    for node in scope.of(ast.Subscript):
        value = node.value
        named = (isinstance(value, ast.Attribute) and value.attr == "choices") or (
            isinstance(value, ast.Subscript) and text_of(value.slice) == "choices"
        )
        if named and isinstance(node.slice, ast.Constant) and node.slice.value == 0:
            return node.lineno
    return 0


def _returns_choice(scope: Scope) -> bool:
    """Whether the caller gets the whole choice, with the reason why it ended: `return reply["choices"][0]`."""
    for node in scope.of(ast.Return):
        value = node.value
        if isinstance(value, ast.Name):
            value = assigned_value(value.id, scope, node.lineno)
        if isinstance(value, ast.Subscript):
            inner = value.value
            key = inner.attr if isinstance(inner, ast.Attribute) else None
            if key == "choices" or (isinstance(inner, ast.Subscript) and text_of(inner.slice) == "choices"):
                return True
    return False


def _guards_choices(scope: Scope) -> bool:
    tests: list[ast.expr] = [*scope.tests, *scope.of(ast.Compare)]
    for test in tests:
        # `choices[0]` in a condition trusts that there is one.
        indexed = {id(n.value) for n in walk(test) if isinstance(n, ast.Subscript)}
        for inner in walk(test):
            if isinstance(inner, ast.Attribute) and inner.attr == "choices" and id(inner) not in indexed:
                return True
            if isinstance(inner, (ast.Call, ast.Compare)) and _asks_for_choices(inner):
                return True
    for node in scope.tries:
        types = {last(_base_name(t)) for h in node.handlers for t in _types(h)}
        if types & {"IndexError", "LookupError", "Exception"} and any(
            isinstance(n, ast.Attribute) and n.attr == "choices" for s in node.body for n in walk(s)
        ):
            return True
    return False


def _asks_for_choices(node: ast.Call | ast.Compare) -> bool:
    """`reply.get("choices")` and `"choices" in reply`."""
    if isinstance(node, ast.Compare):
        return text_of(node.left) == "choices"
    return bool(node.args) and any(text_of(a) == "choices" for a in node.args)


def _types(handler: ast.ExceptHandler) -> list[ast.expr]:
    if handler.type is None:
        return [ast.Name("Exception")]
    return handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]


def _returns_call(scope: Scope, line: int) -> bool:
    for node in scope.of(ast.Return):
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call) and value.lineno == line:
            return True
    return False
