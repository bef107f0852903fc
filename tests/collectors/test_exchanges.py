"""HTTP exchanges are written whole, without secrets, and played back to the same program and to a changed one."""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from threading import Thread

import pytest

from harnessfix_collectors.probe.exchanges import Exchange, exchanges_of, played_of
from harnessfix_collectors.record import RecordResult, record
from harnessfix_ir.harness import HarnessModel

SECRET = "sk-abcdefghijklmnopqrstuvwx0123"
CLIENTS = {
    "httpx": """
        import httpx
        def ask(body):
            return httpx.post(url, content=body, headers=headers).text
        def stream(body):
            with httpx.stream("POST", url, content=body, headers=headers) as response:
                return "".join(response.iter_text())
        """,
    "httpx-async": """
        import asyncio, httpx
        async def post(body):
            async with httpx.AsyncClient() as client:
                return (await client.post(url, content=body, headers=headers)).text
        async def streamed(body):
            async with httpx.AsyncClient() as client:
                async with client.stream("POST", url, content=body, headers=headers) as response:
                    return "".join([part async for part in response.aiter_text()])
        ask = lambda body: asyncio.run(post(body))
        stream = lambda body: asyncio.run(streamed(body))
        """,
    "requests": """
        import requests
        session = requests.Session()
        def ask(body):
            return session.post(url, data=body, headers=headers).text
        def stream(body):
            response = session.post(url, data=body, headers=headers, stream=True)
            return "".join(part.decode() for part in response.iter_content(3))
        """,
    "aiohttp": """
        import aiohttp, asyncio
        async def post(body):
            async with aiohttp.ClientSession() as session:
                async with session.post(url, data=body, headers=headers) as response:
                    return await response.text()
        async def streamed(body):
            async with aiohttp.ClientSession() as session:
                async with session.post(url, data=body, headers=headers) as response:
                    return "".join([part.decode() async for part in response.content.iter_any()])
        ask = lambda body: asyncio.run(post(body))
        stream = lambda body: asyncio.run(streamed(body))
        """,
    "urllib": """
        from urllib.request import Request, urlopen
        def ask(body):
            return urlopen(Request(url, data=body, headers=headers)).read().decode()
        stream = ask
        """,
}
PROGRAM = """
import json, sys
url, more = sys.argv[1], sys.argv[2]
headers = {"authorization": "Bearer SECRET", "x-api-key": "SECRET", "accept-encoding": "identity"}
CLIENT
said = []
history = ["x" * 500]
for turn in range(3):
    body = json.dumps({"model": "m", "messages": history, "key": "SECRET"}).encode()
    said.append((stream if turn == 1 else ask)(body))
    history.append(f"turn {turn}" + (more if turn == 1 else ""))
print(json.dumps(said))
"""


@pytest.fixture
def served() -> Iterator[tuple[str, list[bytes]]]:
    """A loopback model: its address, and the bodies that reached it."""
    seen: list[bytes] = []

    class Model(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            seen.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "text/plain")
            self.send_header("set-cookie", f"session={SECRET}")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for part in (b"answer ", b"%d" % len(seen)):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://user:{SECRET}@127.0.0.1:{server.server_port}/v1/chat/completions?api_key={SECRET}", seen
    server.shutdown()
    server.server_close()
    thread.join()


def _record(folder: Path, client: str, url: str, more: str = "", replay: list[Exchange] | None = None) -> RecordResult:
    program = folder / "program.py"
    program.write_text(PROGRAM.replace("CLIENT", dedent(CLIENTS[client])).replace("SECRET", SECRET))
    command = [sys.executable, "-W", "ignore", str(program), url.replace(f"user:{SECRET}@", ""), more]
    model = HarnessModel(root=str(folder / "none"))
    result = record(command, model=model, spool_root=folder / "spool", replay=replay, quiet=True)
    assert result.exit_code == 0
    return result


@pytest.mark.parametrize("client", CLIENTS)
def test_exchanges_are_written_whole_and_without_secrets(
    client: str, tmp_path: Path, served: tuple[str, list[bytes]]
) -> None:
    pytest.importorskip(client.partition("-")[0])
    url, seen = served
    data = _record(tmp_path, client, url).data
    found = exchanges_of(data)
    assert [one.asked for one in found] == [body.decode().replace(SECRET, "<redacted>") for body in seen]
    assert [one.body.get("text") for one in found] == ["answer 1", "answer 2", "answer 3"]
    assert all(one.whole and one.status == 200 and not one.playable for one in found)
    assert found[0].headers == {"content-type": "text/plain"}
    assert SECRET.encode() not in data.replace(json.dumps(_argument(data)).encode(), b"")


def _argument(data: bytes) -> str:
    """The header holds the command line as it was given, which the user typed."""
    return str(json.loads(data.partition(b"\n")[0])["command"][4])


@pytest.mark.parametrize("client", CLIENTS)
def test_replay_asks_nobody_and_names_the_first_difference(
    client: str, tmp_path: Path, served: tuple[str, list[bytes]]
) -> None:
    pytest.importorskip(client.partition("-")[0])
    url, seen = served
    recorded = exchanges_of(_record(tmp_path, client, url).data)
    asked = len(seen)
    same = played_of(_record(tmp_path, client, url, replay=recorded).data)
    assert [(one.number, one.same) for one in same] == [(1, True), (2, True), (3, True)]
    changed = played_of(_record(tmp_path, client, url, more=", changed", replay=recorded).data)
    assert [(one.number, one.same) for one in changed] == [(1, True), (2, True), (3, False)]
    assert "turn 1" not in changed[2].difference  # what is the same is not shown
    assert "', changed" in changed[2].difference
    assert len(seen) == asked


def test_requests_beyond_the_recording_are_refused(tmp_path: Path, served: tuple[str, list[bytes]]) -> None:
    url, seen = served
    recorded = exchanges_of(_record(tmp_path, "httpx", url).data)[:2]
    played = played_of(_record(tmp_path, "httpx", url, replay=recorded).data)
    assert [one.number for one in played] == [1, 2, 0]
    assert played[2].difference.startswith("one more request than was recorded")
    assert len(seen) == 3


def test_growing_requests_are_written_as_differences(tmp_path: Path, served: tuple[str, list[bytes]]) -> None:
    data = _record(tmp_path, "httpx", served[0]).data
    assert data.count(b"x" * 500) == 1
