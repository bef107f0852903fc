"""A scripted model on loopback, for all scenarios: Chat Completions, and Responses where a framework prefers it.

Every scenario plays the same story. The model asks for the weather in Rome, then in Atlantis, then says that it is
done; the tool answers `sunny in Rome` and raises `ValueError("station offline")`.
"""

import contextlib
import importlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "none"
TASK = "What is the weather in Rome and in Atlantis?"
CALLS = ({"city": "Rome"}, {"city": "Atlantis"})
END = "done: sunny in Rome, nobody knows about Atlantis"
USAGE = (11, 7)

Turn = str | tuple[str, dict[str, Any]]
STORY: tuple[Turn, ...] = (("weather", CALLS[0]), ("weather", CALLS[1]), END)


def report(city: str) -> str:
    """What the tool does."""
    if city == "Rome":
        return "sunny in Rome"
    raise ValueError("station offline")


def instrument(module: str, instrumentor: str) -> None:
    """Switch an instrumentation on, as its documentation says, where it is installed."""
    with contextlib.suppress(ImportError):
        getattr(importlib.import_module(module), instrumentor)().instrument()


@contextlib.contextmanager
def scripted(turns: tuple[Turn, ...] = STORY) -> Iterator[str]:
    """A server that answers with these turns, the last one for ever; yields its base URL."""
    count = iter(range(10**6))

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            asked = json.loads(self.rfile.read(length) or b"{}")
            number = next(count)
            turn = turns[min(number, len(turns) - 1)]
            make = _response if self.path.endswith("/responses") else _completion
            if asked.get("stream"):
                self._send("text/event-stream", _chunks(_completion(turn, number)))
            else:
                self._send("application/json", json.dumps(make(turn, number)))

        def _send(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def _completion(turn: Turn, number: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": turn if isinstance(turn, str) else None}
    if not isinstance(turn, str):
        function = {"name": turn[0], "arguments": json.dumps(turn[1])}
        message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [
            {"index": 0, "message": message, "finish_reason": "stop" if isinstance(turn, str) else "tool_calls"}
        ],
        "usage": {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1], "total_tokens": sum(USAGE)},
    }


def _chunks(whole: dict[str, Any]) -> str:
    choice = whole["choices"][0]
    message = dict(choice["message"])
    if "tool_calls" in message:
        message["tool_calls"] = [{**call, "index": place} for place, call in enumerate(message["tool_calls"])]
    base = {key: whole[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    ends = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    chunks = [
        {**base, "choices": [{"index": 0, "delta": message}]},
        {**base, "choices": [ends], "usage": whole["usage"]},
    ]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _response(turn: Turn, number: int) -> dict[str, Any]:
    if isinstance(turn, str):
        content = [{"type": "output_text", "text": turn, "annotations": []}]
        item = {
            "type": "message",
            "id": f"msg_{number}",
            "role": "assistant",
            "status": "completed",
            "content": content,
        }
    else:
        call = {"call_id": f"call_{number}", "name": turn[0], "arguments": json.dumps(turn[1])}
        item = {"type": "function_call", "id": f"fc_{number}", "status": "completed", **call}
    usage = {"input_tokens": USAGE[0], "output_tokens": USAGE[1], "total_tokens": sum(USAGE)}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1,
        "model": "scripted",
        "status": "completed",
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage | details,
    }
