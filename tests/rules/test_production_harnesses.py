"""Rules on harnesses of a build unlike that of their examples."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="recordings here run POSIX programs")

Run = Callable[[Mapping[str, str]], Any]

EDITOR = r'''import json, os, tempfile
from model import Model, say, call

os.chdir(tempfile.mkdtemp())


class Editor:
    def apply_edits(self, edits):
        """Apply a list of edits."""
        done = []
        for e in edits:
            with open(e["path"]) as f:
                src = f.read()
            if src.count(e["old"]) != 1:
                return {"ok": False, "error": f"{e['path']}: old text not found"}
            with open(e["path"], "w") as f:
                f.write(src.replace(e["old"], e["new"]))
            done.append(e["path"])
        return {"ok": True, "changed": done}


class Agent:
    def __init__(self, llm):
        self.llm = llm
        self.tools = {"apply_edits": Editor().apply_edits}

    def run(self, task):
        msgs = [{"role": "user", "content": task}]
        for _ in range(4):
            r = self.llm.query(msgs)
            msgs.append(r)
            if not r.get("tool_calls"):
                return r["content"]
            for c in r["tool_calls"]:
                out = self.tools[c["function"]["name"]](**json.loads(c["function"]["arguments"]))
                msgs.append({"role": "tool", "tool_call_id": c["id"], "content": json.dumps(out)})


for n, t in (("a.py", "x = 1"), ("b.py", "y = 2"), ("c.py", "z = 3")):
    open(n, "w").write(t)
ed = [
    {"path": "a.py", "old": "1", "new": "9"},
    {"path": "b.py", "old": "2", "new": "9"},
    {"path": "c.py", "old": "7", "new": "9"},
]
print(Agent(Model(call("apply_edits", {"edits": ed}), say("gave up"))).run("change"))
raise SystemExit(1)
'''

BOOKING = r'''import json, os, tempfile, shutil, sqlite3
from model import Model, say, call

os.chdir(tempfile.mkdtemp())


class Booking:
    def __init__(self):
        self.flights, self.hotels, self.charges = {}, {}, []

    def book_trip(self, flight, hotel):
        """Book a flight and a hotel."""
        self._reserve_flight(flight)
        self._charge(100)
        self._reserve_hotel(hotel)
        return "booked"

    def _save(self, name, what):
        with open(name, "w") as f:
            json.dump(what, f)

    def _reserve_flight(self, f):
        self.flights[f] = "reserved"
        self._save("flights.json", self.flights)

    def _charge(self, n):
        self.charges.append(n)
        self._save("charges.json", self.charges)

    def _reserve_hotel(self, h):
        if h != "Ritz":
            raise LookupError(f"no room in {h}")
        self.hotels[h] = "reserved"
        self._save("hotels.json", self.hotels)


class Agent:
    def __init__(self, llm):
        self.llm = llm
        self.b = Booking()
        self.tools = {"book_trip": self.b.book_trip}

    def run(self, task):
        msgs = [{"role": "user", "content": task}]
        for _ in range(4):
            r = self.llm.query(msgs)
            msgs.append(r)
            if not r.get("tool_calls"):
                return r["content"]
            for c in r["tool_calls"]:
                try:
                    out = self.tools[c["function"]["name"]](**json.loads(c["function"]["arguments"]))
                except LookupError as e:
                    out = f"failed: {e}"
                msgs.append({"role": "tool", "tool_call_id": c["id"], "content": out})


print(Agent(Model(call("book_trip", {"flight": "LH1", "hotel": "Plaza"}), say("sorry"))).run("book"))
raise SystemExit(1)
'''

TRACED = r'''import json
from model import Model, say, call


class Tracer:
    def __init__(self):
        self.open = []

    def before_tool(self, name):
        self.open.append(name)

    def after_tool(self, name, result):
        self.open.remove(name)

    def run_started(self, task):
        self.open.append("run")

    def run_finished(self, answer):
        self.open.remove("run")


def lookup(city):
    """Weather of a city."""
    if city != "Oslo":
        raise KeyError(city)
    return "rain"


class Agent:
    def __init__(self, llm, callbacks):
        self.llm, self.callbacks = llm, callbacks
        self.tools = {"lookup": lookup}

    def _notify(self, event, *args):
        for callback in self.callbacks:
            getattr(callback, event)(*args)

    def call_tool(self, c):
        name, args = c["function"]["name"], json.loads(c["function"]["arguments"])
        self._notify("before_tool", name)
        result = self.tools[name](**args)
        self._notify("after_tool", name, result)
        return result

    def run(self, task):
        self._notify("run_started", task)
        msgs = [{"role": "user", "content": task}]
        for _ in range(5):
            r = self.llm.query(msgs)
            msgs.append(r)
            if not r.get("tool_calls"):
                break
            for c in r["tool_calls"]:
                try:
                    out = self.call_tool(c)
                except Exception as e:
                    out = f"error: {type(e).__name__}: {e}"
                msgs.append({"role": "tool", "tool_call_id": c["id"], "content": out})
        self._notify("run_finished", r["content"])
        return r["content"]


t = Tracer()
print(Agent(Model(call("lookup", {"city": "Rome"}), say("unknown")), [t]).run("weather in Rome?"))
assert not t.open, t.open
'''

CLIENT = r"""import time, random
from model import Model, say


class HTTPStatusError(Exception):
    def __init__(self, response):
        super().__init__(
            f"Client error '{response['status']} {response['reason']}' for url 'https://api.example/v1/chat'"
        )
        self.response = response


class Http:
    def post(self, body):
        raise HTTPStatusError({"status": 403, "reason": "Forbidden"})


class ChatClient:
    def __init__(self, http, max_retries=4):
        self.http, self.max_retries = http, max_retries

    def complete(self, messages):
        last = None
        for n in range(self.max_retries):
            try:
                return self.http.post({"messages": messages})
            except HTTPStatusError as e:
                last = e
                time.sleep(min(0.05, 0.01 * 2**n + random.random() / 100))
        raise RuntimeError("giving up") from last


class Agent:
    def __init__(self, client):
        self.client = client

    def run(self, task):
        return self.client.complete([{"role": "user", "content": task}])


Agent(ChatClient(Http())).run("hello")
"""

EXECUTOR = r'''import json
from model import Model, say, call


class ToolError(Exception):
    pass


class Tickets:
    def close(self, ticket):
        """Close a ticket."""
        raise PermissionError(f"403 Forbidden: token may not close {ticket}")


class Executor:
    def __init__(self, tools):
        self.tools = tools

    def execute(self, c, attempts=5):
        name, args = c["function"]["name"], json.loads(c["function"]["arguments"])
        while attempts:
            attempts -= 1
            try:
                return str(self.tools[name](**args))
            except Exception:
                continue
        return ""


class Agent:
    def __init__(self, llm):
        self.llm = llm
        self.executor = Executor({"close": Tickets().close})

    def run(self, task):
        msgs = [{"role": "user", "content": task}]
        for _ in range(4):
            r = self.llm.query(msgs)
            msgs.append(r)
            if not r.get("tool_calls"):
                return r["content"]
            for c in r["tool_calls"]:
                msgs.append({"role": "tool", "tool_call_id": c["id"], "content": self.executor.execute(c)})


print(Agent(Model(call("close", {"ticket": "T-1"}), say("Closed T-1."))).run("close T-1"))
raise SystemExit(1)
'''

SHELL = r'''import os, asyncio, json
from model import Model, say, call

os.environ["GITHUB_TOKEN"] = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


class Shell:
    def __init__(self):
        self.env = os.environ.copy()
        self.env["TERM"] = "dumb"

    async def bash(self, command: str) -> str:
        """Run a command in bash."""
        p = await asyncio.create_subprocess_exec(
            "bash", "-c", command, env=self.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await asyncio.wait_for(p.communicate(), 20)
        return out.decode(errors="replace")[:4000] + f"\n(exit {p.returncode})"


class Agent:
    def __init__(self, llm):
        self.llm = llm
        self.tools = {"bash": Shell().bash}

    async def run(self, task):
        msgs = [{"role": "user", "content": task}]
        for _ in range(5):
            r = self.llm.query(msgs)
            msgs.append(r)
            if not r.get("tool_calls"):
                return r["content"]
            for c in r["tool_calls"]:
                out = await self.tools[c["function"]["name"]](**json.loads(c["function"]["arguments"]))
                msgs.append({"role": "tool", "tool_call_id": c["id"], "content": out})


print(asyncio.run(Agent(Model(call("bash", {"command": "printenv GITHUB_TOKEN"}), say("ok"))).run("look")))
'''


@pytest.mark.parametrize(
    ("code", "text", "place"),
    [
        ("L113", EDITOR, "Editor.apply_edits"),
        ("L113", BOOKING, "Booking.book_trip"),
        ("L107", TRACED, "Agent.call_tool"),
        ("L104", CLIENT, "ChatClient.complete"),
        ("L104", EXECUTOR, "Executor.execute"),
        ("T102", EXECUTOR, "Executor.execute"),
        ("E108", SHELL, "Shell.bash"),
    ],
)
def test_a_flaw_is_named_in_its_place(run_harness: Run, code: str, text: str, place: str) -> None:
    found = run_harness({"main.py": text}).said(code)
    assert {diagnosis.anchors[0].qualname for diagnosis in found} == {place}


@pytest.mark.parametrize(
    ("code", "text", "flaw", "repair"),
    [
        ("L113", EDITOR, '"old": "7"', '"old": "3"'),
        ("L113", BOOKING, '"hotel": "Plaza"', '"hotel": "Ritz"'),
        (
            "L107",
            TRACED,
            "        result = self.tools[name](**args)\n",
            "        result = None\n        try:\n            result = self.tools[name](**args)\n        finally:\n"
            '            self._notify("after_tool", name, result)\n        return result\n',
        ),
        ("L104", CLIENT, '"status": 403, "reason": "Forbidden"', '"status": 503, "reason": "Service Unavailable"'),
        ("L104", EXECUTOR, "403 Forbidden: token", "429 Too Many Requests: token"),
        ("T102", EXECUTOR, 'return ""', 'return "the ticket could not be closed: 403 Forbidden"'),
        ("E108", SHELL, "os.environ.copy()", '{"PATH": os.environ["PATH"]}'),
    ],
)
def test_without_the_flaw_the_rule_is_silent(run_harness: Run, code: str, text: str, flaw: str, repair: str) -> None:
    assert text.count(flaw) == 1
    harness = run_harness({"main.py": text.replace(flaw, repair)})
    assert not harness.said(code)
    assert not harness.said_of_source(code)


def test_a_kept_copy_of_the_environment_is_seen_in_the_source(run_harness: Run) -> None:
    (found,) = run_harness({"shell.py": SHELL}).said_of_source("E108")
    assert found.anchors[0].qualname == "Shell.bash"
