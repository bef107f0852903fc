"""Two shapes that look alike, of which one is a hazard and the other is not."""

from pathlib import Path
from textwrap import dedent

import pytest

from harnessfix_ir.source import read_harness
from harnessfix_ir.vocabulary import ElementRole


def _twins(plainly: str, awaited: str) -> str:
    """Two ways to do one work, with a step of each."""
    return f"""
        class Desk:
            def answer(self, ask):
                {plainly}
                pages = self.find(ask)
                prompt = self.join(pages)
                reply = self.query(prompt)
                self.keep(reply)
                return reply.strip()

            async def answer_async(self, ask):
                {awaited}
                pages = await self.find_async(ask)
                prompt = self.join(pages)
                reply = await self.query_async(prompt)
                await self.keep_async(reply)
                return reply.strip()
        """


def _device(otherwise: str) -> str:
    """Three methods that begin with a check, and one that does not and ends so."""
    checked = "".join(
        f"""
            def {name}(self):
                self._validate()
                return {name}(self._one, self._many)
        """
        for name in ("first", "second", "third")
    )
    return f"""
        class Device:
            {checked}
            def to_dict(self):
                if self._one is not None:
                    return dict(self._one)
                {otherwise}
        """


def _two_ways(other: str, plainly: str, awaited: str, before: str = "pass") -> str:
    """Two ways to run, each with its call of what both use."""
    return f"""
        class Desk:
            def run(self, ask, limit=None, **options):
                {before}
                return self.prepare({plainly})

            async def {other}(self, ask, limit=None, **options):
                return await self.query(self.prepare({awaited}))
        """


def _sums(third: str) -> str:
    """A mapping of counts, two of which are added up, and what happens to the third."""
    return f"""
        def fresh():
            return {{"sent": 0, "received": 0, "cached": 0}}

        def add(total, usage):
            total["sent"] += usage["sent"]
            total["received"] += usage.get("received") or 0
            {third}
        """


def _tries(clause: str, answer: str = "return ask()") -> str:
    """A loop over attempts, with what it does with an answer and with a failure."""
    return f"""
        def patient(ask, attempts):
            for attempt in range(attempts):
                try:
                    {answer}
                except ValueError as error:
                    {clause}
        """


def _desk(last: str, before: str = "pass") -> str:
    """A class whose calls of what it holds say for whom, and one more."""
    return f"""
        class Desk:
            def take(self, path):
                {before}
                return self.box.read(path, user=self.user) + self.box.list(user=self.user)

            def drop(self, path):
                self.box.remove(path, user=self.user)

            def clear(self, path):
                self.box.{last}
        """


def _model(streamed: str, more: str = "") -> str:
    """A class that asks at once and piece by piece, with what the second gives."""
    return f"""
        class Model:
            def query(self, messages):
                return self.client.complete(messages=messages, model=self.name, address=self.address)

            def query_stream(self, messages):
                {more or "pass"}
                yield from self.client.complete({streamed})
        """


def _rounds(first: str, second: str, last: str) -> str:
    """A function with two early ways out and a last one."""
    return f"""
        def finish(agent, reply, begun):
            if reply.cancelled:
                {first}
                return
            if reply.final:
                agent.answer = reply.text
                {second}
                return
            agent.run_tools(reply)
            {last}
        """


def _limited(test: str, ended: str = "self.scope.__exit__(kind, error, trace)") -> str:
    """What a limit on time does when its block ends."""
    return f"""
        class TimeLimit:
            def __exit__(self, kind, error, trace):
                {ended}
                if {test}:
                    raise TimeoutError(self.seconds)
        """


_END = "agent.metrics.end_round(begun)"

# What sets them apart: the hazard, the shape that is none, the shape that is one.
PAIRS = {
    "a clause that hands its error to the command line's parser": (
        "unbound-name",
        """
        def fetch(parser, name):
            try:
                folder = download(name)
            except OSError as error:
                parser.error(error)
            print(folder)
        """,
        """
        def fetch(log, name):
            try:
                folder = download(name)
            except OSError as error:
                log.error(error)
            print(folder)
        """,
    ),
    "a loop that looks for one call": (
        "dropped-calls",
        """
        def pair(results, tool_calls):
            messages = []
            for result in results:
                for call in tool_calls:
                    if call.id == result.call_id:
                        messages.append({"role": "tool", "name": call.name})
                        break
            return messages
        """,
        """
        def pair(results, tool_calls):
            messages = []
            for call in tool_calls:
                if call.name == "finish":
                    messages.append({"role": "tool", "name": call.name})
                    break
                messages.append(call)
            return messages
        """,
    ),
    "a table of calls that is the harness's own": (
        "dropped-calls",
        """
        def check(name, found):
            for method, message in DANGEROUS_CALLS:
                if method == name:
                    found.append(message)
                    return True
            return False
        """,
        """
        def check(name, found, tool_calls):
            for method, message in tool_calls:
                if method == name:
                    found.append(message)
                    return True
            return False
        """,
    ),
    "a method that only stands for others": (
        "wrong-arguments",
        """
        class Model:
            def answer(self):
                raise NotImplementedError

            def ask(self, prompt):
                return self.answer(prompt)
        """,
        """
        class Model:
            def answer(self):
                pass

            def ask(self, prompt):
                return self.answer(prompt)
        """,
    ),
    "a class whose metaclass makes one object": (
        "changed-default",
        """
        class Telemetry(metaclass=ThreadSafeSingleton):
            metrics = {}

            def add(self, name, metric):
                self.metrics[name] = metric
        """,
        """
        class Telemetry(metaclass=Recorded):
            metrics = {}

            def add(self, name, metric):
                self.metrics[name] = metric
        """,
    ),
    "a field that a validator fills": (
        "unguarded-optional",
        """
        class Splitter(BaseModel):
            headers: list[str] | None = None

            @model_validator(mode="after")
            def fill(self):
                if self.headers is None:
                    self.headers = list(DEFAULT)
                return self

            def split(self, text):
                return [text.split(header) for header in self.headers]
        """,
        """
        class Splitter(BaseModel):
            headers: list[str] | None = None

            def split(self, text):
                return [text.split(header) for header in self.headers]
        """,
    ),
    "a search that keeps the most of all": (
        "searched-past",
        """
        def best(replies):
            found = None
            for reply in reversed(replies):
                if reply.role == "assistant" and (found is None or reply.score > found.score):
                    found = reply
            return found
        """,
        """
        def best(replies):
            found = None
            for reply in reversed(replies):
                if reply.role == "assistant" and reply.score > 0:
                    found = reply
            return found
        """,
    ),
    "a search backwards that stops": (
        "searched-past",
        """
        class State:
            def answer(self):
                for message in self.messages[::-1]:
                    if isinstance(message, Reply):
                        self.last = message.said
                        break
                return self.last
        """,
        """
        class State:
            def answer(self):
                for message in self.messages[::-1]:
                    if isinstance(message, Reply):
                        self.last = message.said
                return self.last
        """,
    ),
    "a search forwards": (
        "searched-past",
        """
        def last(messages):
            for message in messages:
                if message["role"] == "assistant":
                    found = message
            return found
        """,
        """
        def last(messages):
            for message in reversed(messages):
                if message["role"] == "assistant":
                    found = message
            return found
        """,
    ),
    "layers, of which the first counts": (
        "searched-past",
        """
        def model_of(layers):
            for layer in reversed(layers):
                if layer.kind == "model":
                    model = layer.model
            return model
        """,
        """
        def model_of(steps):
            for step in reversed(steps):
                if step.kind == "model":
                    model = step.model
            return model
        """,
    ),
    "what each round works with": (
        "searched-past",
        """
        def undo(self):
            for step in reversed(self.steps):
                if step.kind == "edit":
                    self.current = step
                    self.revert()
            return self.current
        """,
        """
        def undo(self):
            for step in reversed(self.steps):
                if step.kind == "edit":
                    self.current = Edit(
                        step.copy(),
                    )
            return self.current
        """,
    ),
    "a mark that any text may have": (
        "unpacked-split",
        "def read(text):\n    head, body = text.split('-->')\n    return head, body\n",
        "def read(text):\n    head, body = text.split('---')\n    return head, body\n",
    ),
    "a module that copies": (
        "thrown-away",
        "import copy\n\ndef keep(state):\n    held = copy.deepcopy(state)\n    return held\n",
        "import copy\n\ndef keep(state):\n    copy.deepcopy(state)\n    return state\n",
    ),
    "a hook of another moment": (
        "unlike-twins",
        _twins("self.on_tool_end(ask)", "self.on_tool_end(ask)"),
        _twins("self.on_tool_start(ask)", "self.on_tool_end(ask)"),
    ),
    "a field that the start may leave unset": (
        "unguarded-optional",
        """
        class Reply:
            calls: list | None = None

            def __init__(self, calls):
                self.calls = calls

            def first(self):
                return self.calls[0].id
        """,
        """
        class Reply:
            calls: list | None = None

            def __init__(self, calls=None):
                self.calls = calls

            def first(self):
                return self.calls[0].id
        """,
    ),
    "a class whose `__new__` keeps what it makes": (
        "changed-default",
        """
        class Desk:
            calls = []

            def __new__(cls):
                cls.only = super().__new__(cls)
                return cls.only

            def add(self, call):
                self.calls.append(call)
        """,
        """
        class Desk:
            calls = []

            def __new__(cls):
                made = super().__new__(cls)
                made.name = "desk"
                return made

            def add(self, call):
                self.calls.append(call)
        """,
    ),
    "options whose name only holds a word": (
        "kept-override",
        """
        def run(task, usage_data):
            task.score = usage_data.score
            task.reason = usage_data.reason
            task.cost = usage_data.cost
        """,
        """
        def run(task, browser_options):
            task.score = browser_options.score
            task.reason = browser_options.reason
            task.cost = browser_options.cost
        """,
    ),
    "which call, and which tool": (
        "dropped-calls",
        """
        def pair(results, tool_calls):
            for call in tool_calls:
                results.append(run(call))
                if call.id == results.wanted:
                    return results
        """,
        """
        def pair(results, tool_calls):
            for call in tool_calls:
                results.append(run(call))
                if call.tool_id == results.wanted:
                    return results
        """,
    ),
    "two things that are no files": (
        "key-leaves-out",
        """
        def read(self, path, full_path):
            if path not in self.cache:
                self.cache[path] = load(path, full_path)
            return self.cache[path]
        """,
        """
        def read(self, schema, full_schema):
            if schema not in self.cache:
                self.cache[schema] = load(schema, full_schema)
            return self.cache[schema]
        """,
    ),
    "a parser that is no command line's": (
        "unbound-name",
        """
        def read(parser, text):
            try:
                data = load(text)
            except ValueError as error:
                parser.error("bad")
            return data
        """,
        """
        def read(output_parser, text):
            try:
                data = load(text)
            except ValueError as error:
                output_parser.error("bad")
            return data
        """,
    ),
    "what goes wrong is only told": (
        "result-dropped",
        """
        def add(total, usage):
            try:
                merged(total, usage)
            except AttributeError:
                return None

        def merged(total, usage):
            return total + usage
        """,
        """
        def add(total, usage):
            try:
                merged(total, usage)
            except AttributeError:
                print("no usage")

        def merged(total, usage):
            return total + usage
        """,
    ),
    "a numeric text that is read with care": (
        "numeric-text",
        """
        def number(word):
            if word.isnumeric():
                try:
                    return float(word)
                except ValueError:
                    return None
        """,
        """
        def number(word):
            if word.isnumeric():
                return float(word)
        """,
    ),
    "decimal digits": (
        "numeric-text",
        "def number(word):\n    if word.isdecimal():\n        return int(word)\n",
        "def number(word):\n    if word.strip().isnumeric():\n        return int(word)\n",
    ),
    "a message that the next round takes": (
        "unsent-message",
        """
        def talk(model, messages):
            answer = None
            while True:
                if answer is not None:
                    messages.append(answer)
                reply = model(messages)
                answer = {"role": "assistant", "content": reply}
                if reply == "":
                    return messages
        """,
        """
        def talk(model, messages):
            answer = None
            while True:
                reply = model(messages)
                answer = {"role": "assistant", "content": reply}
                if reply == "":
                    return messages
        """,
    ),
    "a message that all ways take": (
        "unsent-message",
        """
        def history(step):
            if step.error:
                answer = {"role": "user", "content": step.error}
            else:
                answer = {"role": "tool", "content": step.output}
            return [answer]
        """,
        """
        def history(step, sent):
            if step.error:
                answer = {"role": "user", "content": step.error}
            answer = {"role": "tool", "content": step.output}
            return [answer]
        """,
    ),
    "a message that a clause or an inner function takes": (
        "unsent-message",
        """
        def ask(model, sent):
            question = {"role": "user", "content": "go on"}
            try:
                return model(lambda: question)
            finally:
                sent.append(1)
        """,
        """
        def ask(model, sent):
            question = {"role": "user", "content": "go on"}
            try:
                return model(lambda: sent)
            finally:
                sent.append(1)
        """,
    ),
    "a clause that ends a generator before a yield that makes it one": (
        "unbound-name",
        """
        def scan(folder):
            try:
                agents = read(folder)
            except OSError:
                return
                yield
            yield len(agents)
        """,
        """
        def scan(folder):
            try:
                agents = read(folder)
            except OSError:
                print(folder)
            yield len(agents)
        """,
    ),
    "an account that has another name": (
        "unlike-twins",
        _twins("self.update_usage_metrics(ask)", "self.add_response_usage_to_metrics(ask)"),
        _twins("self.tell(ask)", "self.add_response_usage_to_metrics(ask)"),
    ),
    "a mark that is made up": (
        "unpacked-split",
        "def read(line):\n    begin, end = line.split(' --> ')\n    return begin, end\n",
        "def read(line):\n    begin, end = line.split('-')\n    return begin, end\n",
    ),
    "a piece of a stream": (
        "first-call-only",
        "def read(chunk):\n    call = chunk.choices[0].delta.tool_calls[0]\n    return run(call.name, call)\n",
        "def read(reply):\n    call = reply.choices[0].message.tool_calls[0]\n    return run(call.name, call)\n",
    ),
    "one call that was asked for by name": (
        "first-call-only",
        """
        def classify(client, messages):
            chosen = {"type": "function", "function": {"name": "label"}}
            reply = client.create(messages=messages, tool_choice={"type": "function", "function": {"name": "label"}})
            call = reply.message.tool_calls[0]
            return run(call.name, call)
        """,
        """
        def classify(client, messages):
            reply = client.create(messages=messages, tool_choice="auto")
            call = reply.message.tool_calls[0]
            return run(call.name, call)
        """,
    ),
    "a cache that is handed in": (
        "key-leaves-out",
        """
        def convert(model, cache, strict):
            if model in cache:
                return cache[model]
            cache[model] = make(model, strict)
            return cache[model]
        """,
        """
        def convert(self, model, strict):
            if model in self.cache:
                return self.cache[model]
            self.cache[model] = make(model, strict)
            return self.cache[model]
        """,
    ),
    "other lists that have a branch of their own": (
        "all-of-nothing",
        """
        def write(found):
            if all(isinstance(item, dict) for item in found):
                return [dict(item) for item in found]
            elif isinstance(found, list):
                return [item for item in found]
            else:
                return str(found)
        """,
        """
        def write(found):
            if all(isinstance(item, dict) for item in found):
                return [dict(item) for item in found]
            else:
                return str(found)
        """,
    ),
    "a class of which there is one object": (
        "changed-default",
        """
        class Registry:
            _one = None
            backends = {}

            def __new__(cls):
                if cls._one is None:
                    cls._one = super().__new__(cls)
                return cls._one

            def add(self, name, backend):
                self.backends[name] = backend
        """,
        """
        class Desk:
            backends = {}

            def add(self, name, backend):
                self.backends[name] = backend
        """,
    ),
    "what a lock of the class guards": (
        "changed-default",
        """
        class Handler:
            traces = {}
            guard = threading.Lock()

            def add(self, name, trace):
                with self.guard:
                    self.traces[name] = trace
        """,
        """
        class Handler:
            traces = {}

            def add(self, name, trace):
                self.traces[name] = trace
        """,
    ),
    "results that are written where they belong": (
        "kept-override",
        """
        def hydrate(metric, cached_data):
            metric.score = cached_data.score
            metric.reason = cached_data.reason
            metric.cost = cached_data.cost
        """,
        """
        def run(task, options):
            task.score = options.score
            task.reason = options.reason
            task.cost = options.cost
        """,
    ),
    "a text that is stripped in place": (
        "thrown-away",
        "from rich.text import Text\n\ndef show(line: Text) -> Text:\n    line.rstrip()\n    return line\n",
        "def show(line: str) -> str:\n    line.rstrip()\n    return line\n",
    ),
    "a function of a module that is called like a text's": (
        "thrown-away",
        "import streamlit as st\n\ndef show(page):\n    st.title('Runs')\n    return page.strip()\n",
        "def show(page):\n    page.title()\n    return page\n",
    ),
    "an answer that is worked out to see whether that raises": (
        "result-dropped",
        """
        class Hour:
            def is_valid(self, reply):
                try:
                    self.clean(reply)
                except ValueError:
                    return False
                return True

            def clean(self, reply):
                return int(reply.strip())
        """,
        """
        class Hour:
            def ask(self, reply):
                try:
                    said = reply.strip()
                    self.clean(said)
                except ValueError:
                    return 0
                return said

            def clean(self, reply):
                return int(reply.strip())
        """,
    ),
    "an iterator whose items are kept as it is gone through": (
        "spent-iterator",
        """
        class Replies:
            def __init__(self, source):
                self._source = iter(source)
                self._kept = []

            def __iter__(self):
                yield from self._kept
                for item in self._source:
                    self._kept.append(item)
                    yield item
        """,
        """
        class Replies:
            def __init__(self, source):
                self._source = iter(source)
                self._kept = []

            def __iter__(self):
                for item in self._source:
                    yield item
        """,
    ),
    "two forms of one path": (
        "key-leaves-out",
        """
        def render(self, abs_file, rel_file):
            if rel_file not in self.cache:
                self.cache[rel_file] = read(abs_file)
            return self.cache[rel_file]
        """,
        """
        def render(self, text, rel_file):
            if rel_file not in self.cache:
                self.cache[rel_file] = draw(text)
            return self.cache[rel_file]
        """,
    ),
    "what a try binds before anything can go wrong": (
        "unbound-name",
        """
        def install(command):
            try:
                output = []
                output.append(run(command))
            except OSError as error:
                print(error)
            return output
        """,
        """
        def install(command):
            try:
                output: list[str]
                output = run(command)
            except OSError as error:
                print(error)
            return output
        """,
    ),
    "a package that one way alone needs": (
        "unlike-twins",
        _twins(
            "pass",
            "try:\n                    import aiofiles\n                except ImportError:\n"
            "                    raise ImportError('install aiofiles')",
        ),
        _twins("pass", "if not ask:\n                    raise ValueError('ask something')"),
    ),
    "a setting that is given in another way": (
        "not-handed-on",
        _model("messages=messages, model=self.name, **options", more='options = {"address": self.address}'),
        _model("messages=messages, model=self.name"),
    ),
    "calls that have little in common": (
        "not-handed-on",
        _model("messages=messages, model='small'"),
        _model("messages=messages, model=self.name"),
    ),
    "what is for one way alone": (
        "not-handed-on",
        _model("messages=messages, model=self.name").replace("address", "stream_options"),
        _model("messages=messages, model=self.name"),
    ),
    "a last way out that hands over what is open": (
        "unlike-exit",
        _rounds(_END, _END, "return begun"),
        _rounds(_END, _END, "return None"),
    ),
    "a last way out that says that nothing was done": (
        "unlike-exit",
        _rounds(_END, _END, "return False"),
        _rounds(_END, _END, "return"),
    ),
    "what nobody handed in": (
        "unlike-exit",
        _rounds("agent.log.close()", "agent.log.close()", "agent.go_on()"),
        _rounds(_END, _END, "agent.go_on()"),
    ),
    "one early way out of two": (
        "unlike-exit",
        _rounds(_END, "pass", "agent.go_on()"),
        _rounds(_END, _END, "agent.go_on()"),
    ),
    "a last way out that ends it too": (
        "unlike-exit",
        _rounds(_END, _END, _END),
        _rounds(_END, _END, "agent.go_on()"),
    ),
    "a deadline that was the cause": (
        "deadline-for-cause",
        _limited("self.scope.cancelled_caught"),
        _limited("self.scope.cancel_called"),
    ),
    "a deadline where nothing else happened": (
        "deadline-for-cause",
        _limited("self.scope.cancel_called and error is None"),
        _limited("self.scope.cancel_called and self.seconds"),
    ),
    "a deadline after what left the block was looked at": (
        "deadline-for-cause",
        _limited(
            "self.scope.cancel_called",
            ended="self.scope.__exit__(kind, error, trace)\n                if error: return",
        ),
        _limited(
            "self.scope.cancel_called", ended="self.scope.__exit__(kind, error, trace)\n                self.over()"
        ),
    ),
    "a deadline that says what it took": (
        "deadline-for-cause",
        _limited("self.scope.cancel_called and took", ended="took = self.scope.__exit__(kind, error, trace)"),
        _limited("self.scope.cancel_called"),
    ),
    "a deadline of somebody else": (
        "deadline-for-cause",
        _limited("self.scope.cancel_called", ended="pass"),
        _limited("self.scope.cancel_called"),
    ),
    "a check for one class": (
        "always-instance",
        "def wrapped(output, kind):\n    return kind is object or isinstance(output, kind)\n",
        "def wrapped(output, kind):\n    return isinstance(output, (kind, object))\n",
    ),
    "a level of one's own": (
        "effective-restored",
        "def quiet(log):\n    level = log.level\n    log.setLevel(40)\n    log.setLevel(level)\n",
        "def quiet(log):\n    level = log.getEffectiveLevel()\n    log.setLevel(40)\n    log.setLevel(level)\n",
    ),
    "a level that the program follows from then on": (
        "effective-restored",
        "def pin(log):\n    level = log.getEffectiveLevel()\n    log.propagate = False\n    log.setLevel(level)\n",
        "def pin(log):\n    level = log.getEffectiveLevel()\n    log.setLevel(40)\n    log.setLevel(level)\n",
    ),
    "the level of another": (
        "effective-restored",
        "def like(log, other):\n    level = other.getEffectiveLevel()\n    log.setLevel(40)\n    log.setLevel(level)\n",
        "def like(log, other):\n    level = log.getEffectiveLevel()\n    log.setLevel(40)\n    log.setLevel(level)\n",
    ),
    "a method that is never told for whom": ("unlike-call", _desk("close(path)"), _desk("remove(path)")),
    "what is given by place": ("unlike-call", _desk("remove(path, self.user)"), _desk("remove(path)")),
    "what may be among others": ("unlike-call", _desk("remove(path, **self.more)"), _desk("remove(path, force=True)")),
    "calls that say different things": (
        "unlike-call",
        _desk("remove(path)", "self.box.read(path, user=self.guest)"),
        _desk("remove(path)", "self.box.read(path, user=self.user)"),
    ),
    "as many that say it as not": (
        "unlike-call",
        _desk("remove(path)", "self.box.read(path)"),
        _desk("remove(path)", "self.shelf.read(path)"),
    ),
    "a count that is added too": ("sum-leaves-out", _sums('total["cached"] += usage["cached"]'), _sums("pass")),
    "a count that is taken as it is": ("sum-leaves-out", _sums('total["cached"] = usage["cached"]'), _sums("pass")),
    "counts that a helper may add": ("sum-leaves-out", _sums("rest(total, usage)"), _sums("rest(usage)")),
    "a failure that goes on": ("never-tried-again", _tries("print(error)"), _tries("raise")),
    "a failure that sometimes goes on": (
        "never-tried-again",
        _tries("if attempt: raise"),
        _tries("raise RuntimeError from error"),
    ),
    "an answer that is asked for again": (
        "never-tried-again",
        _tries("raise", "reply = ask(); print(reply)"),
        _tries("raise", "reply = ask(); break"),
    ),
    "a call in a clause": (
        "unlike-call",
        _desk(
            "name",
            "try: pass\n                except TypeError: self.box.remove(path)",
        ),
        _desk("remove(path)"),
    ),
    "a call where the value was looked at": (
        "unlike-call",
        _desk("name", "self.user or self.box.name" + "\n                if self.user is None: self.box.remove(path)"),
        _desk("remove(path)"),
    ),
    "what only one method is told": (
        "unlike-call",
        _desk("remove(path)").replace(
            "self.box.read(path, user=self.user) + self.box.list(user=self.user)",
            "2 * (self.box.remove(path, user=self.user) + self.box.remove(path, user=self.user))",
        ),
        _desk("remove(path)"),
    ),
    "calls of a logger": ("unlike-call", _desk("remove(path)").replace("box", "log"), _desk("remove(path)")),
    "calls before there is a value": (
        "unlike-call",
        _desk("remove(path)").replace("def clear(self, path)", "def __init__(self, path)"),
        _desk("remove(path)"),
    ),
    "an answer that is asked for again unless it is good": (
        "never-tried-again",
        _tries("raise", "reply = ask()\n                    if reply: return reply"),
        _tries(
            "raise", "reply = ask()\n                    if reply: return reply\n                    else: return None"
        ),
    ),
    "a loop that counts no attempts": (
        "never-tried-again",
        _tries("raise").replace("attempt", "part"),
        _tries("raise"),
    ),
    "a failure behind which the loop goes on": (
        "never-tried-again",
        _tries("continue"),
        _tries("break"),
    ),
    "a count that another function adds": (
        "sum-leaves-out",
        _sums("pass") + "    \n        def cache(total, usage):\n            total['cached'] += 1\n",
        _sums("pass"),
    ),
    "counts that are gone through": (
        "sum-leaves-out",
        _sums("for key in usage: total[key] += usage[key]"),
        _sums("pass"),
    ),
    "counts that are put in together": ("sum-leaves-out", _sums("total.update(usage)"), _sums("usage.update({})")),
    "a mapping with other counts": (
        "sum-leaves-out",
        _sums("pass").replace("def add(total, usage):", "def add(usage):\n            total = {}"),
        _sums("pass"),
    ),
    "two counts that are left out": (
        "sum-leaves-out",
        _sums("pass").replace('"cached": 0', '"cached": 0, "kept": 0'),
        _sums("pass"),
    ),
    "what does not begin at nothing": (
        "sum-leaves-out",
        _sums("pass").replace('"cached": 0', '"cached": 1'),
        _sums("pass"),
    ),
    "time since the first": (
        "first-of-gathered",
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                log(call.time - found[0].time)
        """,
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                log(call.time, found[0].time)
        """,
    ),
    "a list that a helper empties": (
        "first-of-gathered",
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                log(found[0])
                flush(found)
        """,
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                log(found[0], len(found))
        """,
    ),
    "the first one ends the loop": (
        "first-of-gathered",
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.extend(call())
                if found:
                    return found[0]
        """,
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.extend(call())
                if found:
                    log(found[0])
        """,
    ),
    "a list of each turn": (
        "first-of-gathered",
        """
        def run(calls, log):
            for call in calls:
                found = []
                found.extend(call())
                log(found[0])
        """,
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.extend(call())
                log(found[0])
        """,
    ),
    "the first that is meant": (
        "first-of-gathered",
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                if len(found) == 1:
                    log(found[0])
        """,
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                if found:
                    log(found[0])
        """,
    ),
    "what is compared with the first": (
        "first-of-gathered",
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                log(call.kind == found[0].kind)
        """,
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                log(call.kind, found[0].kind)
        """,
    ),
    "a queue": (
        "first-of-gathered",
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                log(found[0])
                found.pop(0)
        """,
        """
        def run(calls, log):
            found = []
            for call in calls:
                found.append(call())
                log(found[0])
            found.pop(0)
        """,
    ),
    "a copy that takes the rest over": (
        "bare-function-copy",
        """
        import functools
        from types import FunctionType

        def copied(tool):
            made = FunctionType(tool.__code__, tool.__globals__, tool.__name__)
            return functools.wraps(tool)(made)
        """,
        """
        import functools
        from types import FunctionType

        def copied(tool):
            made = FunctionType(tool.__code__, tool.__globals__, tool.__name__)
            return functools.partial(made)
        """,
    ),
    "two counts of what differs": (
        "distinct-over-all",
        """
        def share(truths, got):
            wanted = set(truths)
            found = wanted & set(got)
            return len(found) / len(wanted)
        """,
        """
        def share(truths, got):
            wanted = set(truths)
            found = wanted & set(got)
            return len(found) / len(truths)
        """,
    ),
    "a share of something else": (
        "distinct-over-all",
        """
        def share(truths, got):
            found = {t.text for t in truths}.intersection(got)
            wanted = set(truths) & found
            return len(wanted) / len(got)
        """,
        """
        def share(truths, got):
            found = {t.text for t in truths}
            wanted = found & set(got)
            return len(wanted) / len(truths)
        """,
    ),
    "how many of a list differ": (
        "distinct-over-all",
        """
        def share(truths, got):
            found = set(truths)
            return len(found) / len(truths)
        """,
        """
        def share(truths, got):
            wanted = set(truths)
            found = wanted.intersection(got)
            return len(found) / len(truths)
        """,
    ),
    "an answer that one way reads": (
        "unread-answer",
        """
        def ask(model, fast):
            reply = model.small()
            if fast:
                reply = model.large()
            return reply
        """,
        """
        def ask(model, fast):
            reply = model.small()
            if fast:
                reply = model.large()
            else:
                reply = model.medium()
            return reply
        """,
    ),
    "an answer that the next round reads": (
        "unread-answer",
        """
        def ask(model, fast):
            reply = None
            for _ in range(3):
                if fast and reply:
                    return reply
                reply = model.small()
            reply = model.large()
            return reply
        """,
        """
        def ask(model, fast):
            reply = None
            for _ in range(3):
                if fast:
                    return None
                reply = model.small()
            reply = model.large()
            return reply
        """,
    ),
    "an answer that a handler reads": (
        "unread-answer",
        """
        def ask(model, fast):
            try:
                reply = model.small()
                reply = model.large()
            except ValueError:
                return reply
            return reply
        """,
        """
        def ask(model, fast):
            try:
                reply = model.small()
                reply = model.large()
            except ValueError:
                return None
            return reply
        """,
    ),
    "an answer that a decorator reads": (
        "unread-answer",
        """
        def ask(model, fast):
            if fast:
                reply = model.small()
            else:
                reply = model.large()

            @fast(reply)
            def shown():
                return model
            return shown
        """,
        """
        def ask(model, fast):
            if fast:
                reply = model.small()
            else:
                reply = model.large()

            @fast(model)
            def shown():
                return model
            return shown
        """,
    ),
    "an answer that an inner function reads": (
        "unread-answer",
        """
        async def ask(model, fast):
            def shown():
                return reply
            reply = await model.small()
            fast(shown)
            reply = await model.large()
            return reply
        """,
        """
        async def ask(model, fast):
            def shown():
                return "reply"
            reply = await model.small()
            fast(shown)
            reply = await model.large()
            return reply
        """,
    ),
    "what only one of two ways makes up": (
        "not-handed-on",
        _two_ways("run_async", "ask", "ask, waits=True"),
        _two_ways("run_async", "ask", "ask, limit=limit"),
    ),
    "two ways that hand on other things": (
        "not-handed-on",
        _two_ways("arun", "ask, limit=limit", "ask, **options"),
        _two_ways("arun", "ask, limit=limit", "ask, limit=limit, **options"),
    ),
    "a function of another name": (
        "not-handed-on",
        _two_ways("await_turn", "ask", "ask, **options"),
        _two_ways("arun", "ask", "ask, **options"),
    ),
    "a parameter that goes by its place": (
        "not-handed-on",
        _two_ways("arun", "ask, limit", "ask, limit=limit"),
        _two_ways("arun", "ask", "ask, limit=limit"),
    ),
    "a limit that is kept in another way": (
        "not-handed-on",
        _two_ways("arun", "ask", "ask, limit=limit", "ask = ask[:limit]"),
        _two_ways("arun", "ask", "ask, limit=limit", "self.count(ask, limit=limit)"),
    ),
    "options that are written into": (
        "not-handed-on",
        _two_ways("arun", "ask", "ask, **options", "options['limit'] = limit"),
        _two_ways("arun", "ask", "ask, **options", "self.note(options['limit'])"),
    ),
    "what each way is told of itself": (
        "not-handed-on",
        _two_ways("arun", "ask, waits=False", "ask, waits=True, limit=limit"),
        _two_ways("arun", "ask, waits=False", "ask, waits=False, limit=limit"),
    ),
    "a name of an inner loop": (
        "not-handed-on",
        _two_ways("arun", "ask", "ask, limit=limit", "several = [limit for limit in ask]"),
        _two_ways("arun", "ask", "ask, limit=limit", "several = [each for each in ask]"),
    ),
    "a logger that fills the text from keywords": (
        "forgotten-f",
        """
        def run(self, name):
            logger.warning("no tool {name} here", name=name)
        """,
        """
        def run(self, name):
            logger.warning("no tool {name} here", tool=name)
        """,
    ),
    "a hole that no keyword can fill": (
        "forgotten-f",
        """
        def told(errors, inputs):
            logger.warning("{errors} of {len} failed", errors=errors, len=len(inputs))
        """,
        """
        def told(errors, inputs):
            logger.warning("{errors} of {len(inputs)} failed", errors=errors, len=len(inputs))
        """,
    ),
    "the copy takes the place of what was changed before": (
        "shared-copy",
        """
        def run(self, urls):
            if len(urls) == 1:
                meta, stream = self.fetch(urls[0])
                stream.meta.update(meta)
                stream = replace(stream, kind="text")
                return [stream]
            found = []
            for meta, stream in map(self.fetch, urls):
                stream.meta.update(meta)
                stream = replace(stream, kind="text")
                found.append(stream)
            return found
        """,
        """
        def run(self, urls):
            found = []
            for meta, original in map(self.fetch, urls):
                stream = replace(original, kind="text")
                stream.meta.update(meta)
                found.append(stream)
            return found
        """,
    ),
    "a name that a loop does not bind anew": (
        "shared-copy",
        """
        def run(self, state, turns):
            for turn in turns:
                state = self.fresh()
                state.notes.append(turn)
                state = replace(state, turn=turn)
        """,
        """
        def run(self, state, turns):
            for turn in turns:
                state.notes.append(turn)
                state = replace(state, turn=turn)
        """,
    ),
    "an attribute beside the one with all calls": (
        "first-call-only",
        """
        class Message:
            @property
            def tool_calls(self):
                return [part for part in self.parts if part.kind == "call"]

            @property
            def tool_call(self):
                return self.tool_calls[0] if self.tool_calls else None
        """,
        """
        class Message:
            @property
            def tool_calls(self):
                return [part for part in self.parts if part.kind == "call"]

            def run(self, tools):
                return tools.run(self.tool_calls[0])
        """,
    ),
    "an answer in the form of a call": (
        "first-call-only",
        """
        def ask(self, model, form):
            reply = self.client.create(tools=[form.schema], tool_choice="required")
            call = reply.message.tool_calls[0]
            given = call.function.arguments
            return form(**json.loads(call.function.arguments))
        """,
        """
        def ask(self, model, tools):
            reply = self.client.create(tools=tools)
            call = reply.message.tool_calls[0]
            return tools[call.function.name](**json.loads(call.function.arguments))
        """,
    ),
    "a call that is only told from the others": (
        "first-call-only",
        """
        def run(self, tool_calls, groups):
            for group in groups:
                for call in group:
                    self.answer(call, begins=call is tool_calls[0])
        """,
        """
        def run(self, tool_calls, groups):
            for group in groups:
                self.answer(group, tool_calls[0])
        """,
    ),
    "as many as were asked for": (
        "dropped-calls",
        """
        def calls(self, count=None):
            found = []
            for message in self.messages:
                for call in message.tool_calls:
                    found.append(call)
                    if count and len(found) >= count:
                        return found
            return found
        """,
        """
        def calls(self, reply):
            found = []
            for call in reply.tool_calls:
                found.append(call)
                if len(found) >= self.most:
                    break
            return found
        """,
    ),
    "the last is handed on inside the loop": (
        "unflushed-buffer",
        """
        def chunks(sentences, limit):
            found, chunk = [], []
            chunk = []
            for at, sentence in enumerate(sentences):
                chunk.append(sentence)
                if len(chunk) > limit or at == len(sentences) - 1:
                    found.append(chunk)
                    chunk = []
            return found
        """,
        """
        def chunks(sentences, limit):
            found = []
            chunk = []
            for at, sentence in enumerate(sentences):
                chunk.append(sentence)
                if len(chunk) > limit:
                    found.append(chunk)
                    chunk = []
            return found
        """,
    ),
    "emptied before it is filled": (
        "unflushed-buffer",
        """
        def panel(calls, show):
            text = ""
            show(text)
            for call in calls:
                if call.waits:
                    text = ""
                    for name, value in call.arguments:
                        text += f"{name}={value}"
                    show(text)
        """,
        """
        def panel(calls, show):
            text = ""
            for call in calls:
                text += call.arguments
                if call.waits:
                    show(text)
                    text = ""
        """,
    ),
    "an empty object that nobody works with": (
        "empty-for-unreadable",
        """
        def calls(reply):
            found = []
            for item in reply.output:
                try:
                    arguments = json.loads(item.arguments)
                    found.append((item.name, arguments))
                except json.JSONDecodeError:
                    logger.warning("left out")
                    arguments = {}
            return found
        """,
        """
        def calls(reply):
            found = []
            for item in reply.output:
                try:
                    arguments = json.loads(item.arguments)
                except json.JSONDecodeError:
                    logger.warning("left out")
                    arguments = {}
                found.append((item.name, arguments))
            return found
        """,
    ),
    "a conversation that is written out for another provider": (
        "empty-for-unreadable",
        """
        def worded(self, messages):
            parts = []
            for message in messages:
                for call in message.tool_calls:
                    try:
                        arguments = json.loads(call.arguments)
                    except ValueError:
                        arguments = {}
                    parts.append(part(call.name, arguments))
            return parts
        """,
        """
        def run(self, response):
            parts = []
            for message in response.messages:
                for call in message.tool_calls:
                    try:
                        arguments = json.loads(call.arguments)
                    except ValueError:
                        arguments = {}
                    parts.append(self.tools[call.name](**arguments))
            return parts
        """,
    ),
    "the same refusal under another name": (
        "unlike-twins",
        _twins('raise ConnectionError("not ready")', 'raise OSError("not ready")'),
        _twins("pass", 'raise OSError("not ready")'),
    ),
    "a failure that is raised again is no refusal": (
        "unlike-twins",
        _twins('raise ConnectionError("not ready")', 'raise OSError("not ready")'),
        _twins("raise self.failure", 'raise OSError("not ready")'),
    ),
    "a refusal of what only the other way can do": (
        "unlike-twins",
        _twins("pass", "if iscoroutinefunction(ask): raise TypeError(ask)"),
        _twins("pass", "if not callable(ask): raise TypeError(ask)"),
    ),
    "a step that not every object has": (
        "unlike-twins",
        _twins("pass", 'if hasattr(self.meter, "take_usage"): self.meter.take_usage()'),
        _twins("pass", "self.meter.take_usage()"),
    ),
    "a document that is the same for all that the cache holds": (
        "key-leaves-out",
        """
        def resolved(document):
            cache = {}

            def resolve(node, source, seen=None):
                if seen is None:
                    seen = set()
                place = node.place
                if place in cache:
                    return cache[place]
                cache[place] = resolve(find(place, source), source, seen)
                return cache[place]

            return resolve(document, document)
        """,
        """
        def resolved(documents):
            cache = {}

            def resolve(node, source):
                place = node.place
                if place in cache:
                    return cache[place]
                cache[place] = resolve(find(place, source), source)
                return cache[place]

            return [resolve(one, one) for one in documents]
        """,
    ),
    "tasks that the object keeps": (
        "abandoned-siblings",
        """
        async def wait(self):
            tasks = self._tasks
            await asyncio.gather(*tasks)
        """,
        """
        async def wait(self):
            tasks = [asyncio.create_task(self.say(text)) for text in self._texts]
            await asyncio.gather(*tasks)
        """,
    ),
    "work of others that is only waited for": (
        "abandoned-siblings",
        """
        async def told(self):
            await asyncio.gather(*[asyncio.wrap_future(future) for future in self.futures])
        """,
        """
        async def told(self):
            await asyncio.gather(*[self.tell(listener) for listener in self.listeners])
        """,
    ),
    "tasks that cannot fail": (
        "abandoned-siblings",
        """
        async def cards(agents):
            async def card(agent):
                name = agent.name
                try:
                    return name, await agent.card()
                except Exception as error:
                    return name, error

            return await asyncio.gather(*[card(agent) for agent in agents])
        """,
        """
        async def cards(agents):
            async def card(agent):
                name = agent.name
                try:
                    return name, await agent.card()
                except Exception as error:
                    raise LookupError(name) from error

            return await asyncio.gather(*[card(agent) for agent in agents])
        """,
    ),
    "parts that the mark cannot be in": (
        "unpacked-split",
        """
        def seconds(text):
            hours, minutes, rest = text.split(":")
            return float(hours) * 3600 + float(minutes) * 60 + float(rest)
        """,
        """
        def place(text):
            host, port = text.split(":")
            return host, int(port)
        """,
    ),
    "a reader that refuses what is not of the form": (
        "unpacked-split",
        """
        def device(text):
            kind, number = text.split(":")
            if not number.isdigit():
                raise ValueError(f"the number must be one, not {number}")
            return kind, int(number)
        """,
        """
        def header(text, limit):
            name, value = text.split(":")
            if limit < 0:
                raise ValueError(f"no limit: {limit}")
            return name, value
        """,
    ),
    "what all objects share on purpose": (
        "changed-default",
        """
        class Model:
            costs = {}

            def ask(self, name):
                self.costs[name] = 1

            @classmethod
            def total(cls):
                return sum(cls.costs.values())
        """,
        """
        class Model:
            costs = {}

            def ask(self, name):
                self.costs[name] = 1

            def total(self):
                return sum(self.costs.values())
        """,
    ),
    "a method that refuses by itself": (
        "unguarded-sibling",
        _device("raise AssertionError(self._many)"),
        _device("return {}"),
    ),
}


def test_a_test_that_is_made_twice_is_told_once(tmp_path: Path) -> None:
    asked = "".join(f"    elif kind == {name!r}:\n        pass\n" for name in ("a", "b", "c", "a"))
    source = f"def pick(kind):\n    if kind == 'd':\n        pass\n{asked}"
    (tmp_path / "harness.py").write_text(source, encoding="utf-8")
    found = [e for e in read_harness([tmp_path]).of_role(ElementRole.HAZARD) if e.name == "dead-branch"]
    assert [e.anchor.start_line for e in found] == [10]


def _hazards(source: str, folder: Path) -> set[str]:
    (folder / "harness.py").write_text(dedent(source), encoding="utf-8")
    model = read_harness([folder])
    assert not [file.error for file in model.files if file.error]
    return {element.name for element in model.of_role(ElementRole.HAZARD)}


@pytest.mark.parametrize("pair", PAIRS)
def test_told_apart(pair: str, tmp_path: Path) -> None:
    hazard, sound, flawed = PAIRS[pair]
    assert hazard not in _hazards(sound, tmp_path)
    assert hazard in _hazards(flawed, tmp_path)
