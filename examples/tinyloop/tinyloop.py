"""Tinyloop: a whole agent in one file, for any OpenAI-compatible endpoint."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any, ClassVar

ATTEMPTS, TURNS, SHOWN = 3, 8, 400
BUSY = {429, 502, 503}
SYSTEM = "You are a clerk in a hardware shop. Use the tools; then answer in one line."


class AgentError(Exception):
    """The agent could not come to an answer."""


class Tool:
    """A tool that a model may call; subclasses are offered by the `tool` decorator."""

    offered: ClassVar[dict[str, "Tool"]] = {}
    parameters: ClassVar[dict[str, str]] = {}

    async def call(self, **arguments: Any) -> str:
        """Do it, and say what came of it."""
        raise NotImplementedError

    def schema(self, name: str) -> dict[str, Any]:
        """The tool as the model is offered it."""
        properties = {key: {"type": kind} for key, kind in self.parameters.items()}
        parameters = {"type": "object", "properties": properties, "required": list(properties)}
        return {"type": "function", "function": {"name": name, "description": self.__doc__, "parameters": parameters}}


def tool(cls: type[Tool]) -> type[Tool]:
    """Offer a class to the model, under its own name in lower case."""
    name = cls.__name__.lower()
    if name in Tool.offered:
        raise ValueError(f"there are two tools called {name}")
    Tool.offered[name] = cls()
    return cls


@tool
class Convert(Tool):
    """Convert a length in feet to metres."""

    parameters = {"feet": "number"}

    async def call(self, feet: float) -> str:
        return f"{feet * 0.3048:.2f} m"


@tool
class Stock(Tool):
    """Say where an item lies and how many there are; "all" lists everything."""

    parameters = {"item": "string"}
    shelves: ClassVar[dict[str, tuple[int, int]]] = {f"bolt-{n}": (n % 7, 10 * n) for n in range(1, 60)}

    async def call(self, item: str) -> str:
        if item != "all" and item not in self.shelves:
            raise LookupError(f"no item {item!r}; items are called bolt-1 to bolt-{len(self.shelves)}")
        names = self.shelves if item == "all" else [item]
        return "\n".join(f"{name}: shelf {self.shelves[name][0]}, {self.shelves[name][1]} pieces" for name in names)


def shorten(text: str, limit: int = SHOWN) -> str:
    """Both ends of a long text, with a note of how much is missing between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send JSON, get JSON. Raises `urllib.error.URLError`, or `AgentError` when the answer is something else."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as response:
        raw = response.read()
    try:
        reply = json.loads(raw)
    except ValueError as error:
        raise AgentError("the provider's answer is not JSON") from error
    if not isinstance(reply, dict):
        raise AgentError("the provider's answer is not a JSON object")
    return reply


async def chat(url: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The first choice of a chat completion; a busy provider is asked again, a bounded number of times."""
    body = {"model": "any", "messages": messages, "tools": [t.schema(name) for name, t in Tool.offered.items()]}
    for attempt in range(1, ATTEMPTS + 1):
        try:
            reply = await asyncio.to_thread(post, f"{url}/chat/completions", body)
            break
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in BUSY or attempt == ATTEMPTS:
                raise AgentError(f"the provider answered {error.code} {error.reason}, attempt {attempt}") from error
            await asyncio.sleep(0.01 * attempt)
    if not reply.get("choices"):
        raise AgentError("the provider sent no choices")
    choice: dict[str, Any] = reply["choices"][0]
    return choice


async def answer(call: dict[str, Any]) -> str:
    """What came of one tool call, for the model to read."""
    name = call["function"]["name"]
    try:
        arguments = json.loads(call["function"]["arguments"])
        if not isinstance(arguments, dict):
            raise TypeError("the arguments must be a JSON object")
        if name not in Tool.offered:
            raise LookupError(f"no tool {name!r}, only {', '.join(Tool.offered)}")
        return shorten(await Tool.offered[name].call(**arguments))
    except Exception as error:
        return shorten(f"error: {type(error).__name__}: {error}")


async def solve(url: str, question: str) -> str:
    """The model's answer to a question. Raises `AgentError` when it gives none within its turns."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    for _ in range(TURNS):
        choice = await chat(url, messages)
        message = choice["message"]
        if choice["finish_reason"] == "length":
            messages += [
                {"role": "assistant", "content": message.get("content") or "(cut off)"},
                {"role": "user", "content": "That was cut off; nothing of it was run. Please be shorter."},
            ]
            continue
        messages.append(message)
        calls = message.get("tool_calls") or []
        if not calls and message.get("content"):
            return str(message["content"])
        if not calls:
            messages.append({"role": "user", "content": "Your turn was empty. Call a tool, or answer in one line."})
        for call in calls:
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": await answer(call)})
    raise AgentError(f"no answer within {TURNS} turns")
