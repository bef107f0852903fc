"""An OpenAI-compatible provider on loopback that plays scripted turns; standard library only."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Turn = dict[str, Any]


def say(text: str, **more: Any) -> Turn:
    """A turn of text."""
    return {"text": text, **more}


def call(name: str, arguments: Any, **more: Any) -> Turn:
    """A turn that calls a tool; a string is sent as it is, malformed or not."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"calls": [(name, raw)], **more}


def find(arguments: Any, **more: Any) -> Turn:
    """A call of `look`, the tool that the drivers give their agents."""
    return call("look", arguments, **more)


def completion(turn: Turn, number: int) -> dict[str, Any]:
    """A chat completion of one choice."""
    calls = [
        {"id": f"call_{number}_{n}", "type": "function", "function": {"name": name, "arguments": raw}}
        for n, (name, raw) in enumerate(turn.get("calls", ()))
    ]
    message = {"role": "assistant", "content": turn.get("text"), **({"tool_calls": calls} if calls else {})}
    finish = turn.get("finish", "tool_calls" if calls else "stop")
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    head = {"id": f"chat_{number}", "object": "chat.completion", "created": 1, "model": "scripted"}
    return {**head, "choices": [] if turn.get("empty") else [choice], "usage": usage}


def next_turn(script: list[Turn], shown: str, default: Turn | None = None) -> Turn:
    """Take the next turn of a script; one with `when` is passed over unless what is shown matches it."""
    while script and not re.search(script[0].get("when", ""), shown):
        script.pop(0)
    return script.pop(0) if script else (default or say("I do not know."))


@contextmanager
def serve(turns: list[Turn], default: Turn | None = None, last: int = 1) -> Iterator[str]:
    """Play `turns`, then `default`; a turn with `when` only if the `last` messages match it. Gives the base URL."""
    script, sent, lock = list(turns), 0, threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal sent
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            shown = "\n".join(str(message.get("content")) for message in request["messages"][-last:])
            with lock:
                turn = next_turn(script, shown, default)
                sent += 1
                number = sent
            status = turn.get("status", 200)
            error = {"message": turn.get("text", "scripted"), "type": "scripted", "code": turn.get("code", status)}
            body = json.dumps(completion(turn, number) if status == 200 else {"error": error}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep standard error free."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
