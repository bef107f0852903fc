"""Exceptions: raised, passed on, caught, swallowed; each object once, and the program's own tracebacks unchanged."""

from collections.abc import Callable
from typing import Any

import pytest

Play = Callable[..., Any]

FAILURES = """
import asyncio, contextlib, json, traceback

def parse(text):
    return json.loads(text)

def passes_on(text):
    return parse(text)

def swallows(text):
    try:
        passes_on(text)
    except ValueError:
        pass

def raises_again(text):
    try:
        parse(text)
    except ValueError:
        raise

def wraps(text):
    try:
        parse(text)
    except ValueError as error:
        raise RuntimeError("wrapped") from error

def outer():
    for function in (raises_again, wraps):
        try:
            function("{")
        except (ValueError, RuntimeError) as error:
            print(traceback.format_exc())

def flaky():
    raise ConnectionError("busy")

def retries():
    for attempt in range(3):
        try:
            flaky()
        except ConnectionError as error:
            last = error.args
    return last

def once(n):
    if n:
        raise KeyError("same")

def many():
    for n in (1, 1, 0, 1):
        try:
            once(n)
        except KeyError:
            continue

def nested():
    try:
        try:
            flaky()
        except ConnectionError:
            raise
    except ConnectionError as error:
        kept = error
    try:
        raise kept
    except ConnectionError:
        return str(kept)

def starred():
    try:
        raise ExceptionGroup("both", [ValueError(1), TypeError("t")])
    except* ValueError as group:
        print("values", group.exceptions)
    except* TypeError as group:
        print("types", group.exceptions)

class Rude(Exception):
    def __str__(self):
        raise TypeError("no text for you")

def rude():
    try:
        raise Rude()
    except Rude:
        return "rude"

async def fails(n):
    await asyncio.sleep(0)
    raise LookupError(f"task {n}")

async def gathers():
    found = await asyncio.gather(*(fails(n) for n in range(2)), return_exceptions=True)
    return [str(each) for each in found]

def suppressed():
    with contextlib.suppress(ConnectionError):
        flaky()

swallows("[")
outer()
print(retries())
many()
print(nested())
starred()
print(rude())
print(asyncio.run(gathers()))
suppressed()
"""


def test_every_exception_is_seen_once(play: Play, python: str) -> None:
    played = play(python, FAILURES)
    played.assert_same()
    names = [step.name for step in played.steps if step.kind == "error"]
    inside: dict[str, list[str]] = {}
    for step in played.steps:
        if step.kind == "error":
            inside.setdefault(played.above(step)[-1], []).append(step.name)
    assert inside["swallows"] == ["raise JSONDecodeError", "except JSONDecodeError"]
    assert inside["outer"] == [
        "raise JSONDecodeError",
        "except JSONDecodeError",
        "except JSONDecodeError",
        "raise JSONDecodeError",
        "except JSONDecodeError",
        "raise RuntimeError",
        "except RuntimeError",
    ]
    assert inside["retries"] == ["raise ConnectionError", "except ConnectionError"] * 3
    assert inside["many"] == ["raise KeyError", "except KeyError"] * 3
    assert inside["nested"] == ["raise ConnectionError", *["except ConnectionError"] * 3]
    assert inside["starred"].count("except ExceptionGroup") == 2
    assert inside["rude"] == ["raise Rude", "except Rude"]
    assert inside["gathers"] == ["raise LookupError"] * 2
    assert inside["suppressed"] == ["raise ConnectionError"]
    assert names.count("raise JSONDecodeError") == 3


def test_an_exception_knows_where_it_comes_from(play: Play, python: str) -> None:
    played = play(python, FAILURES, both=False)
    raised = played.step("raise RuntimeError")
    assert (raised.error.type, raised.error.message) == ("RuntimeError", "wrapped")
    assert raised.error.cause.type == "json.decoder.JSONDecodeError"
    assert raised.attributes["chained"] is True
    assert (raised.anchors[0].qualname, raised.anchors[0].start_line) == ("wraps", 26)
    assert "agent.py:26 in wraps" in raised.error.traceback
    first = played.step("raise JSONDecodeError")
    assert played.above(first) == ["parse", "passes_on", "swallows"]
    assert first.anchors[0].qualname == "parse"
    assert first.attributes["raised_in"][0].endswith("decoder.py")
    caught = played.step("except JSONDecodeError")
    assert (caught.anchors[0].kind, caught.anchors[0].qualname) == ("handler", "swallows")
    assert caught.attributes["exc_id"] == first.attributes["exc_id"]
    assert played.step("parse").status == "error"
    assert played.step("swallows").status == "ok"
    assert played.step("raise Rude").error.message == "<its message could not be made>"


UNCAUGHT = """
import sys

class Model:
    def ask(self, text):
        return text.upper() + {}[text]

def inner(model, n):
    with open(__file__):
        return [model.ask(f"question {n}") for n in range(n)]

def outer():
    try:
        return inner(Model(), 2)
    except KeyError as error:
        raise ValueError("outer failed",
                         len("x" * 3)) from error

if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.excepthook = lambda kind, error, trace: print("hook", kind.__name__, trace.tb_frame.f_code.co_name)
    outer()
"""


@pytest.mark.parametrize(
    "words", [["agent.py"], ["agent.py", "own"], ["-m", "agent"], ["-c", "import agent; agent.outer()"]]
)
def test_tracebacks_stay_the_same(play: Play, python: str, words: list[str]) -> None:
    played = play(python, UNCAUGHT, *words)
    played.assert_same()
    assert played.code == 1
    assert [step.name for step in played.steps if step.kind == "error"] == [
        "raise KeyError",
        "except KeyError",
        "raise ValueError",
    ]
    (run,) = played.runs
    assert (run.run.outcome, run.run.exit_code) == ("failed", 1)


THREAD = """
import threading, warnings, logging

def work():
    logging.warning("in a thread")
    raise OSError("thread died")

def warned():
    warnings.warn("careful", stacklevel=2)

def main():
    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()
    warned()
    from concurrent.futures import ThreadPoolExecutor, wait
    import traceback
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        wait([future])
        try:
            future.result()
        except OSError:
            print(traceback.format_exc())
    import subprocess
    try:
        subprocess.run(["/nowhere/to/be/found"])
    except OSError:
        print(traceback.format_exc())
    subprocess.run(["/nowhere/to/be/found"], check=True)

main()
"""


def test_nothing_of_ours_in_tracebacks_of_threads_and_pools(play: Play, python: str) -> None:
    played = play(python, THREAD)
    played.assert_same()
    assert "thread died" in played.err
    assert "harnessfix" not in played.out + played.err


LEFT = """
class Model:
    def __init__(self, replies):
        self.replies = replies

    def complete(self, messages):
        return self.replies.pop(0)

def run(model, task, how):
    messages = [{"role": "user", "content": task}]
    while len(messages) < 3:
        reply = model.complete(messages)
        messages.append({"role": "assistant", "content": reply})
        if how == "break":
            break
        if how == "return":
            return reply
    return reply

def caught(model, task):
    messages = [{"role": "user", "content": task}]
    try:
        while True:
            reply = model.complete(messages)
            messages.append({"role": "assistant", "content": reply})
    except IndexError:
        messages.clear()
    return len(messages)

def stepped(model, task):
    messages = [{"role": "user", "content": task}]
    for step in range(2):
        try:
            reply = model.complete(messages)
            messages.append({"role": "assistant", "content": reply})
            if reply == "stop":
                break
        finally:
            messages.append({"role": "user", "content": "go on"})
    else:
        return "limit"
    return "stopped"

def streamed(model, task):
    messages = [{"role": "user", "content": task}]
    while True:
        reply = model.complete(messages)
        messages.append({"role": "assistant", "content": reply})
        yield reply

def fails(model, task):
    messages = [{"role": "user", "content": task}]
    while True:
        messages.append({"role": "assistant", "content": model.complete(messages)})

for how in ("break", "return", "condition"):
    print(run(Model(["a", "b", "c"]), "t", how))
print(caught(Model(["a"]), "t"))
print(stepped(Model(["a", "b"]), "t"), stepped(Model(["stop"]), "t"))
for reply in streamed(Model(["a", "b"]), "t"):
    print(reply)
    break
try:
    fails(Model([]), "t")
except IndexError:
    print("failed")
"""


def test_how_loops_end(play: Play, python: str) -> None:
    played = play(python, LEFT, include=())
    played.assert_same()
    ended = [
        (step.name, event.attributes["n"], event.attributes["why"])
        for run in played.runs
        for step in run.steps
        for event in step.events
        if event.name == "loop_ended"
    ]
    assert ended == [
        ("run", 1, "break"),
        ("run", 1, "return"),
        ("run", 2, "condition"),
        ("caught", 2, "exception"),
        ("stepped", 2, "exhausted"),
        ("stepped", 1, "break"),
        ("streamed", 1, "closed"),
        ("fails", 1, "exception"),
    ]
    assert len(played.runs) == len(ended)


LEAVES = """
    class Part:
        @property
        def missing(self):
            raise AttributeError("asked, not failed")

        def __getattr__(self, name):
            raise AttributeError(name)

        def read(self, reply):
            return self.inner(reply)

        def inner(self, reply):
            return reply["usage"]["total"]

        def careful(self, reply):
            try:
                return self.inner(reply)
            except TypeError:
                return 0


    def query_model(client, messages):
        return client.chat.completions.create(messages=messages)
"""
DRIVER = """
    import sys
    sys.path.insert(0, "harness")
    from part import Part

    part = Part()
    print(hasattr(part, "nothing"), part.careful({"usage": None}))
    try:
        part.read({"usage": None})
    except TypeError as error:
        print(error, error.__traceback__.tb_next.tb_lineno)
"""


def test_an_exception_that_leaves_the_harness_is_recorded_without_a_step_around(
    play: Callable[..., Any], python: str
) -> None:
    played = play(python, {"main.py": DRIVER, "harness/part.py": LEAVES}, "main.py", include=(), harness="harness")
    assert played.out == played.plain.stdout
    left = [step for step in played.steps if step.attributes.get("left_harness")]
    (step,) = left
    assert step.name == "raise TypeError"
    assert [anchor.qualname for anchor in step.anchors] == ["Part.inner"]
