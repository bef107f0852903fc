"""An OpenAI-compatible endpoint on loopback that plays scripted turns and reacts to what it is sent."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Turn = dict[str, Any]


def next_turn(turns: list[Turn], shown: str) -> Turn:
    """Take the next turn off the script; one with `when` is played only if the last message matches it."""
    while turns:
        turn = turns.pop(0)
        if re.search(turn.get("when", ""), shown):
            return turn
    return {"say": "I do not know."}


def completion(turn: Turn, number: int) -> dict[str, Any]:
    """A chat completion with one choice."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.get("say")}
    if "call" in turn:
        name, arguments = turn["call"]
        raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call = {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": raw}}
        message["tool_calls"] = [call]
    finish = turn.get("finish", "tool_calls" if "call" in turn else "stop")
    return {"id": f"chat_{number}", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


@contextmanager
def serve(turns: list[Turn]) -> Iterator[str]:
    """Play `turns` on a free port of 127.0.0.1 while the block runs; gives the base URL."""
    script = list(turns)
    sent = 0

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal sent
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            turn = next_turn(script, str(request["messages"][-1]["content"]))
            sent += 1
            body = json.dumps(completion(turn, sent)).encode()
            self.send_response(turn.get("status", 200))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep standard error free."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()
