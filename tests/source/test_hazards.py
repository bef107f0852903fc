"""Shapes that look like hazards and are none; the hazards themselves are in the examples of their rules."""

import textwrap
from pathlib import Path

import pytest

from harnessfix_ir.source import read_harness
from harnessfix_ir.vocabulary import ElementRole

NONE = {
    "a helper adds the rest": """
        class Usage:
            sent: int = 0
            received: int = 0
            cached: int = 0

            def add(self, other):
                self.sent += other.sent
                self.received += other.received
                add_details(self, other)
        """,
    "a field that is set otherwise": """
        class Usage:
            sent: int = 0
            received: int = 0
            longest: int = 0

            def add(self, other):
                self.sent += other.sent
                self.received += other.received
                self.longest = max(self.longest, other.longest)
        """,
    "gathering begins anew with every round": """
        def turns(model, tasks):
            found = []
            for task in tasks:
                found = model.examples(task)
                found.append(task)
            return found
        """,
    "what was gathered is handed on first": """
        def batches(items, send, make):
            held = []
            for item in items:
                if len(item) > 9:
                    send(held)
                    held = make(item)
                held.append(item)
            return held
        """,
    "a cancellation is kept, too": """
        async def watched(work, listener):
            failure = None
            try:
                return await work()
            except BaseException as error:
                failure = error
                raise
            finally:
                listener.ended(failure)
        """,
    "success is said at the end of the attempt": """
        async def watched(work, listener):
            failure = "cancelled"
            try:
                result = await work()
                failure = None
                return result
            except Exception as error:
                failure = error
                raise
            finally:
                listener.ended(failure)
        """,
    "counts of this time alone": """
        def failures(names, before):
            return {name: before.get(name, 0) + 1 for name in names}
        """,
    "a decorator that hands the function back": """
        def tool(function):
            function.__name__ = "tool_" + function.__name__
            return function
        """,
    "a function that is there to change another": """
        def copy_names(made, source):
            made.__name__ = source.__name__
        """,
    "a request is taken away": """
        async def after_tools(store):
            chosen = await store.get("next_agent")
            if chosen:
                await store.set("current_agent", chosen)
                await store.delete("next_agent")
        """,
    "the count is set back where a run begins": """
        MAX_STEPS = 9

        def walk(node, state):
            if state.setdefault("step_count", 0) >= MAX_STEPS:
                raise ValueError
            state["step_count"] += 1

        def run(code, state):
            state["printed"] = list()
            state["step_count"] = 0
            for node in code:
                walk(node, state)
        """,
    "an empty list was asked for before": """
        def observation(output):
            if not output:
                return "nothing"
            if all(isinstance(item, Picture) for item in output):
                return [item.part() for item in output]
            return str(output)
        """,
    "texts of none are an empty text": """
        def observation(output):
            if all(isinstance(item, str) for item in output):
                return "".join(output)
            return str(output)
        """,
    "one twin hands on to the other": """
        class Desk:
            def ask(self, text):
                self.check_budget(text)
                return self.keep(self.shelf.find(self.clean(self.model.send(self.join(text)))))

            async def ask_async(self, text):
                self.join(text), self.clean(text), self.shelf.find(text), self.keep(text), self.model.send(text)
                return await to_thread(lambda: self.ask(text))
        """,
    "a helper of the twin has the guard": """
        class Desk:
            def ask(self, text):
                self.check_budget(text)
                return self.keep(self.shelf.find(self.clean(self.model.send(self.join(text)))))

            async def ask_async(self, text):
                self.prepare(text)
                return self.keep(self.shelf.find(self.clean(self.model.send(self.join(text)))))

            def prepare(self, text):
                self.check_budget(text)
        """,
    "called in the same turn": """
        def pick(items, names):
            for name in names:
                items.sort(key=lambda item: item[name])
        """,
    "called where it is made": """
        def kinds(names):
            found = []
            for name in names:
                def make(prefix):
                    return prefix + name
                found.append(make("a"))
            return found
        """,
    "bound when made": """
        def tools(client, names):
            found = {}
            for name in names:
                found[name] = lambda *given, name=name: client.call(name, given)
            return found
        """,
    "the loop ends in that turn": """
        def first(client, names):
            found = []
            for name in names:
                if name in client:
                    found.append(lambda: client.call(name))
                    break
            return found
        """,
    "the inner loop has the name to itself": """
        def merge(groups):
            for group in groups:
                for item in group:
                    yield item
                for item in group:
                    yield item
        """,
    "set anew in each turn": """
        def merge(groups, item):
            for group in groups:
                item = group[0]
                print(item)
                for item in group:
                    yield item
        """,
    "a comprehension's own name": """
        def merge(groups, call):
            for group in groups:
                names = [call.name for call in group]
                for call in group:
                    yield names, call
        """,
    "a copy that is given its own list": """
        from copy import copy

        class State:
            def next(self, note):
                following = copy(self)
                following.notes = list(self.notes)
                following.notes.append(note)
                return following
        """,
    "a class that says how it is copied": """
        from copy import copy

        class State:
            def __copy__(self):
                return State(list(self.notes))

            def next(self, note):
                following = copy(self)
                following.notes.append(note)
                return following
        """,
    "bound on both ways": """
        def plan(reply):
            if reply.usage:
                tokens = reply.usage.total
            else:
                tokens = 0
            return tokens
        """,
    "the other way leaves": """
        def plan(reply):
            if not reply.usage:
                return None
            tokens = reply.usage.total
            return tokens
        """,
    "bound by the test itself": """
        def plan(cache, make):
            if (found := cache.get("plan")) is None:
                found = make()
            return found
        """,
    "read where the same was asked again": """
        def plan(reply):
            if reply.usage:
                tokens = reply.usage.total
            if reply.usage:
                return tokens
            return None
        """,
    "a search among calls": """
        def find(tool_calls, name):
            for call in tool_calls:
                if call.name == name:
                    return call
            return None
        """,
    "an error ends the loop": """
        def act(self, tool_calls):
            for call in tool_calls:
                if call.name not in self.tools:
                    return error_of(call)
                self.run_tool(call)
        """,
    "the manager itself is exited": """
        def enter(manager):
            manager.__enter__()
            manager.__exit__(None, None, None)
        """,
    "the rest is cancelled": """
        import asyncio

        async def both(one, two):
            tasks = [asyncio.create_task(one()), asyncio.create_task(two())]
            try:
                return await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
        """,
    "failures are looked at": """
        import asyncio

        async def both(one, two):
            return await asyncio.gather(one(), two(), return_exceptions=True)
        """,
    "a blocking call in a thread": """
        import asyncio
        import time

        async def pause():
            await asyncio.to_thread(lambda: time.sleep(1))
        """,
    "a client's own `get` is awaited": """
        async def ask(requests):
            return await requests.get("/")
        """,
    "a coroutine is handed on": """
        class Agent:
            async def save(self):
                return 1

            def later(self, loop):
                loop.run(self.save())
                return self.save()
        """,
    "the method is put in from outside": """
        class Agent:
            def __init__(self, send):
                self.send = send

            async def send(self, text):
                return text

            def tell(self, text):
                self.send(text, 1, 2)
        """,
    "the name is another function here": """
        def ask(text):
            return text

        def tell(ask):
            return ask("a", "b")
        """,
    "the arguments are not known": """
        def ask(text, *, model):
            return text

        def tell(given, settings):
            return ask(*given, **settings)
        """,
    "zero is ruled out": """
        def recent(messages, window):
            if window < 1:
                raise ValueError("no window")
            return messages[-window:]
        """,
    "a template that is filled elsewhere": """
        def ask(name, model):
            text = "Say hello to {name}."
            return model.query(text.format(name=name))
        """,
    "the clause below is narrower than none above": """
        import asyncio

        async def ask(model):
            try:
                return await model.query()
            except ValueError:
                return None
            except asyncio.CancelledError:
                raise
            except Exception:
                return ""
        """,
    "an exception is made to be kept": """
        def errors(texts):
            found = []
            for text in texts:
                found.append(ValueError(text))
            return found
        """,
    "the loop ends when it has removed": """
        def forget(messages, name):
            for message in messages:
                if message["name"] == name:
                    messages.remove(message)
                    break
        """,
    "the cache is keyed by all": """
        def ask(prompt, temperature, model, cache):
            asked = (prompt, temperature)
            if asked in cache:
                return cache[asked]
            cache[asked] = model(prompt, temperature)
            return cache[asked]
        """,
    "what was given wins": """
        def settings_of(default_settings, settings):
            return {**default_settings, **settings}
        """,
    "another way counts": """
        class Agent:
            def step(self, ready):
                if not ready:
                    self.calls += 1
                    return None
                return self.ask()

            def ask(self):
                self.calls += 1
                return self.calls
        """,
    "seconds are converted": """
        def ask(client, timeout):
            return client.get(timeout_ms=int(timeout * 1000))
        """,
    "no answer is told from a false one": """
        def run(tool, arguments):
            result = tool(**arguments)
            return "none" if result is None else result
        """,
    "a parameter is said to be ignored": """
        class Agent:
            def __init__(self, model, retries=3):
                \"\"\"`retries` is deprecated and ignored.\"\"\"
                self.model = model
        """,
    "a clause that always ends": """
        def ask(model, log):
            try:
                reply = model.query()
            except ValueError as error:
                log.warning("failed")
                refuse(error)
            return reply
        """,
    "a clause hands over to the parser of the command line": """
        import argparse

        def main():
            parser = argparse.ArgumentParser()
            try:
                task = read(parser.parse_args().task)
            except OSError as error:
                parser.error(str(error))
            return run(task)
        """,
    "a clause binds it further in": """
        def ask(model):
            try:
                reply = model.query()
            except ValueError as error:
                if error.final:
                    reply = None
                else:
                    reply = ""
            return reply
        """,
    "bound before the try": """
        def ask(model):
            reply = None
            try:
                reply = model.query()
            except ValueError:
                pass
            return reply
        """,
    "the arguments are looked at": """
        import json

        def run(tool, call):
            arguments = json.loads(call.arguments)
            if not isinstance(arguments, dict):
                raise TypeError("no object")
            return tool(**arguments)
        """,
    "what an object is not made from goes back whole": """
        class Step:
            def __init__(self, one, two, three, four):
                self.one, self.two, self.three, self.four = one, two, three, four

            def to_dict(self):
                return {"one": self.one, "two": self.two, "three": self.three, "four": self.four}

            @classmethod
            def from_dict(cls, saved):
                saved["one"], saved["two"], saved["three"]
                return cls(**saved)
        """,
    "the failure is recorded": """
        import traceback

        def run(agent, save):
            status = None
            try:
                status = agent.run()
            finally:
                save(status, traceback.format_exc())
        """,
    "the field is asked for": """
        class Step:
            calls: list | None = None

            def first(self):
                return self.calls[0] if self.calls else None
        """,
    "the method has left when the field is None": """
        class Step:
            calls: list | None = None

            def first(self):
                if self.calls is None:
                    return None
                return self.calls[0]
        """,
    "a loop of its own in a finally": """
        def close(parts):
            try:
                return parts[0]
            finally:
                for part in parts:
                    if part.closed:
                        continue
                    part.settle()
        """,
    "a text with at most one mark, by the way it is split": """
        def pair(spec):
            key, value = spec.split("=", 1)
            return key, value
        """,
    "an error there is expected": """
        def pair(spec):
            try:
                key, value = spec.split("=")
            except ValueError:
                return None
            return key, value
        """,
    "a function that also does something": """
        def add(total, usage):
            total.update(usage)
            return dict(total)

        def count(total, usage):
            add(total, usage)
        """,
    "what is no text is a sequence": """
        from collections.abc import Sequence

        def modes(given: str | Sequence[str]):
            return [given] if isinstance(given, str) else list(given)
        """,
    "each is closed on its own": """
        class Desk:
            async def close(self):
                for client in self.clients:
                    try:
                        await client.close()
                    except OSError:
                        continue
        """,
    "a copy that says what it leaves out": """
        class Settings:
            model: str
            tools: list
            steps: int
            stop: str

            def merged(self, other: "Settings"):
                stop = other.stop
                made = Settings(model=other.model, tools=other.tools, steps=other.steps)
                made.stop = stop
                return made
        """,
    "an iterable in branches that exclude each other": """
        from collections.abc import Iterable

        def names(tools: Iterable, short):
            if short:
                return [tool.name for tool in tools]
            return {tool.name: tool for tool in tools}
        """,
    "a list made of an iterable first": """
        from collections.abc import Iterable

        def names(tools: Iterable):
            tools = list(tools)
            return [tool.name for tool in tools], len(list(tools))
        """,
    "a count that a run sets back": """
        class Agent:
            def __init__(self, max_steps):
                self.max_steps, self.step_count = max_steps, 0

            def run(self, task):
                self.step_count = 0
                while self.step_count < self.max_steps:
                    self.step_count += 1
        """,
    "a default that is only read": """
        def ask(model, extra={}):
            return model.query({**extra, "n": 1})
        """,
    "containers of a class that each object makes anew": """
        class Agent:
            history = []

            def __init__(self):
                self.history = []

            def add(self, message):
                self.history.append(message)
        """,
    "a method that works on something else than its siblings": """
        class Session:
            def _check_open(self):
                if self._closed:
                    raise RuntimeError("closed")

            def add(self, item):
                self._check_open()
                self._items.append(item)

            def take(self):
                self._check_open()
                return self._items.pop()

            def empty(self):
                self._check_open()
                self._items.clear()

            def title(self):
                return self._name.upper()
        """,
    "what is left in a buffer is handed on behind the loop": """
        def lines(stream):
            text = ""
            for piece in stream:
                text += piece
                if text.endswith("!"):
                    yield text
                    text = ""
            yield text
        """,
    "an option that a base class prescribes": """
        class Quiet(Loud):
            def ask(self, messages, stop=None):
                reply = self.model.query(messages)
                return reply
        """,
    "what was read is looked at before it is given back": """
        import json

        def parse_arguments(arguments: str) -> dict:
            found = json.loads(arguments)
            if not isinstance(found, dict):
                raise ValueError("no object")
            return found
        """,
    "what was read may be a text as well, and that is said": """
        import json

        def tool_content(output: str) -> dict[str, int] | str | None:
            return json.loads(output)
        """,
    "what was gathered only says that something came": """
        def show(stream):
            chunks = []
            for message in stream:
                if message.is_chunk:
                    print(message.text, end="")
                    chunks.append(message.content)
                else:
                    if chunks:
                        chunks.clear()
                        print()
                    print(message)
        """,
    "only the id of the first call is asked for": """
        def same_turn(step, earlier):
            return step.tool_calls[0].tool_call_id == earlier.id
        """,
    "a function that says it takes the first": """
        def run_first_tool(reply, tools):
            call = reply.tool_calls[0]
            return tools[call.name](**call.arguments)
        """,
    "what begins with a brace is read as an object": """
        import json

        def parse_response_line(line: str) -> dict | None:
            if not line.startswith("{"):
                return None
            return json.loads(line)
        """,
    "the record knows that there may be nothing": """
        class Agent:
            def run(self, task, log):
                answer = None
                try:
                    answer = self.ask(task)
                finally:
                    self.save(log, answer)

            def save(self, log, answer):
                if answer is None:
                    log.failed()
                    return
                log.write(answer)
        """,
    "a lock is given back on failure, too": """
        async def work(self, message):
            await self.lock.acquire()
            try:
                return await self.answer(message)
            finally:
                self.lock.release()
        """,
    "nothing can go wrong under the lock": """
        def count(self):
            self.lock.acquire()
            self.calls += 1
            self.lock.release()
        """,
    "another gives the lock back": """
        def enter(self):
            self.lock.acquire()
            return self.open()
        """,
    "an empty reply fills the answer and is told": """
        def read(reply, fields, parse):
            text = reply["content"]
            if not text:
                value = dict.fromkeys(fields)
                raise NoAnswer(value)
            else:
                value = parse(text)
            return value
        """,
    "counters that are all zero have counted nothing": """
        class Usage:
            details: dict[str, int]

            def has_values(self):
                return any(self.details.values())
        """,
}


@pytest.mark.parametrize("shape", NONE)
def test_no_hazard(shape: str, tmp_path: Path) -> None:
    (tmp_path / "harness.py").write_text("\n".join(line[8:] for line in NONE[shape].split("\n")), encoding="utf-8")
    model = read_harness([tmp_path])
    assert not [file.error for file in model.files if file.error]
    assert not [(element.name, element.facts) for element in model.of_role(ElementRole.HAZARD)]


def test_a_default_that_is_changed_is_told_from_the_source_too(tmp_path: Path) -> None:
    source = """
    def ask(model, messages=[]):
        messages.append("hello")
        return model.query(messages)

    class Agent:
        headers = {}

        def run(self, task):
            self.headers["task"] = task
    """
    (tmp_path / "harness.py").write_text("\n".join(line[4:] for line in source.split("\n")), encoding="utf-8")
    found = [e for e in read_harness([tmp_path]).of_role(ElementRole.HAZARD) if e.name == "changed-default"]
    assert [(e.value("name"), e.anchor.qualname) for e in found] == [("messages", "ask"), ("headers", "Agent")]


@pytest.mark.parametrize(("base", "shared"), [("BaseModel", []), ("Keeper", ["notes"])])
def test_a_base_in_another_file_may_copy_defaults_for_each_object(base: str, shared: list[str], tmp_path: Path) -> None:
    (tmp_path / "records.py").write_text(f"from elsewhere import {base}\n\nclass Record({base}):\n    pass\n", "utf-8")
    notes = (
        "class Notes(Record):\n    notes: list[str] = []\n\n    def add(self, text):\n        self.notes.append(text)\n"
    )
    (tmp_path / "harness.py").write_text(f"from records import Record\n\n{notes}", "utf-8")
    found = [e for e in read_harness([tmp_path]).of_role(ElementRole.HAZARD) if e.name == "changed-default"]
    assert [e.value("name") for e in found] == shared


@pytest.mark.parametrize("work", ["answer = await self.answer(message)", "return await self.answer(message)"])
def test_a_lock_that_a_failure_leaves_held(work: str, tmp_path: Path) -> None:
    body = f"await self.lock.acquire()\n    {work}\n    self.lock.release()\n"
    (tmp_path / "harness.py").write_text(f"async def handle(self, message):\n    {body}", encoding="utf-8")
    (found,) = [e for e in read_harness([tmp_path]).of_role(ElementRole.HAZARD) if e.name == "unreleased-lock"]
    assert (found.value("name"), found.anchor.start_line) == ("self.lock", 2)


def test_an_empty_reply_is_found_whatever_the_other_branch_raises(tmp_path: Path) -> None:
    source = """
    def read(text, fields, parse):
        if not text:
            value = dict.fromkeys(fields)
        else:
            value = parse(text)
            if value is None:
                raise ValueError(text)
        return value
    """
    (tmp_path / "harness.py").write_text("\n".join(line[4:] for line in source.split("\n")), encoding="utf-8")
    (found,) = [e for e in read_harness([tmp_path]).of_role(ElementRole.HAZARD) if e.name == "nothing-for-no-answer"]
    assert (found.value("of"), found.anchor.start_line) == ("text", 4)


SOUND = {
    "a default that is overridden where something may be suppressed": """
        def answer(raw, messages):
            answer = {"role": "tool", "content": raw}
            with suppress(ValueError):
                answer = {"role": "tool", "content": loads(raw)["text"]}
            messages.append(answer)
        """,
    "a message that is sent in the end in any case": """
        def run(client, messages, log):
            try:
                note = {"role": "assistant", "content": "starting"}
                return client.run(messages)
            finally:
                log.append(note)
        """,
    "a message for a clause of its own": """
        def run(tool, messages):
            try:
                if not tool():
                    answer = {"role": "tool", "content": "no output"}
                    raise LookupError
            except LookupError:
                messages.append(answer)
        """,
    "a default for what may fail": """
        def run(tool, messages):
            try:
                answer = {"role": "tool", "content": "the tool failed"}
                answer = {"role": "tool", "content": tool()}
            except OSError:
                pass
            messages.append(answer)
        """,
    "a message that is sent when a loop has ended": """
        def run(ask, good, messages):
            for attempt in range(3):
                reply = ask(messages)
                if good(reply):
                    return reply
                complaint = {"role": "user", "content": reply}
            else:
                messages.append(complaint)
        """,
    "a message that the loop's own question reads": """
        def run(read, show):
            turn = {"role": "system", "content": "hello"}
            while turn["content"] != "quit":
                show()
                turn = {"role": "user", "content": read()}
        """,
    "a message that a lambda reads": """
        def run(messages, steps):
            send = lambda: messages.append(answer)
            for step in steps:
                answer = {"role": "user", "content": step}
                send()
        """,
    "a numeric text that is ASCII": """
        def number(word):
            if word.isascii() and word.isnumeric():
                return int(word)
        """,
    "a text that is not numeric": """
        def number(word):
            if not word.isnumeric():
                return float(word)
        """,
    "a numeric text or another": """
        def number(word):
            if word.isnumeric() or is_float(word):
                return is_float(word)
        """,
    "errors that have one name": """
        BAD = (ValueError, OverflowError)

        def number(word):
            if word.isnumeric():
                try:
                    return int(word)
                except BAD:
                    return None
        """,
}


@pytest.mark.parametrize("shape", SOUND)
def test_sound_shapes_of_messages_and_numbers(shape: str, tmp_path: Path) -> None:
    (tmp_path / "harness.py").write_text(textwrap.dedent(SOUND[shape]), encoding="utf-8")
    model = read_harness([tmp_path])
    assert not [file.error for file in model.files if file.error]
    assert not {e.name for e in model.of_role(ElementRole.HAZARD)} & {"unsent-message", "numeric-text"}


def test_a_message_before_hundreds_of_branches(tmp_path: Path) -> None:
    branches = "".join(f"    elif k == {n}:\n        x = {n}\n" for n in range(1, 900))
    source = f"def f(k, out):\n    m = {{'role': 'user', 'content': k}}\n    if k == 0:\n        pass\n{branches}"
    (tmp_path / "harness.py").write_text(f"{source}    out.append(m)\n", encoding="utf-8")
    model = read_harness([tmp_path])
    assert not [file.error for file in model.files if file.error]
    assert not [e.name for e in model.of_role(ElementRole.HAZARD) if e.name == "unsent-message"]
