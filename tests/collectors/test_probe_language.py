"""Programs do not notice that they are recorded: what Python's language and introspection show stays the same."""

from collections.abc import Callable
from typing import Any

import pytest

LANGUAGE = '''
"""Docstring of the module."""
from __future__ import annotations

import contextlib, copy, dataclasses, functools, inspect, json, pickle, sys, typing

REGISTRY = {}


def register(name=None):
    def wrap(function):
        REGISTRY[name or function.__name__] = function
        return function
    return wrap


@register()
def registered(x: int = 3, /, *rest: str, key: "list[int]" = (), **more) -> str:
    """Docstring of a function."""
    return f"{x} {rest} {key} {sorted(more)}"


def timed(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner


@timed
@register("other")
def decorated(a, b=2):
    return a + b


class Mangled:
    __slots__ = ("__hidden", "seen")

    def __init__(self, __hidden):
        self.__hidden = __hidden
        self.seen = [__x for __x in range(2)]

    def __method(self, __argument):
        return self.__hidden, __argument

    def call(self):
        return self.__method(5), super().__repr__()[:9], __class__.__name__


class Meta(type):
    def __new__(mcls, name, bases, space, **kwargs):
        fields = dict(space.get("__annotations__", {}))
        made = super().__new__(mcls, name, bases, space)
        made.fields = fields
        return made

    def __call__(cls, **values):
        self = super().__call__()
        for name in cls.fields:
            setattr(self, name, values.pop(name, None))
        return self


class Model(metaclass=Meta):
    name: str
    size: int

    def describe(self):
        return f"{self.name} {self.size}"


@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: int = 0

    def __post_init__(self):
        self.x += 1

    @property
    def both(self):
        return self.x, self.y

    @both.setter
    def both(self, value):
        self.x, self.y = value

    @classmethod
    def origin(cls):
        return cls(0)

    @staticmethod
    def plain(x):
        return x


def counter():
    n = 0

    def up(by=1):
        nonlocal n
        n += by
        return n

    return up


TOTAL = 0


def add(value):
    global TOTAL
    TOTAL += value
    return TOTAL


def matched(value):
    match value:
        case {"tool": str(name), **rest}:
            return name, rest
        case [first, *_, last]:
            return first, last
        case Point(x=0):
            return "point"
        case _ if (n := len(str(value))) > 3:
            return n
        case _:
            return None


def final():
    try:
        return "try"
    finally:
        return "finally"


def continued():
    seen = []
    for i in range(4):
        try:
            if i == 1:
                continue
            if i == 3:
                break
            seen.append(i)
        finally:
            seen.append(-i)
    else:
        seen.append("else")
    return seen


def recursive(n):
    return 1 if n == 0 else n * recursive(n - 1)


def looks():
    secret = 4
    return sorted(locals()), sorted(vars()), dir(), eval("secret + 1")


def looks_deeper():
    a = 1
    frame = sys._getframe()
    return sorted(frame.f_locals)


def comprehensions(rows):
    return [x for row in rows for x in row if x], {k: v for k, v in zip("ab", rows)}, sum(x for x in rows[0])


def lambdas():
    return [(lambda x, y=i: x + y)(1) for i in range(2)], sorted([3, 1], key=lambda v: -v)


def slices(text, items):
    head = text[:3] + text[-2:] + text[::2]
    items[1:2] = [9, 9]
    del items[0:1]
    return head, items, text[1:][:2], (text + "!")[:4]


@contextlib.contextmanager
def managed(log):
    log.append("in")
    try:
        yield log
    except KeyError as error:
        log.append(f"caught {error}")
    finally:
        log.append("out")


def uses_manager():
    log = []
    with managed(log) as same:
        same.append("body")
        raise KeyError("k")
    return log


class Order:
    def __init__(self, name, log):
        self.name, self.log = name, log

    def __enter__(self):
        self.log.append(f"+{self.name}")
        return self

    def __exit__(self, kind, error, traceback):
        self.log.append(f"-{self.name} {getattr(kind, '__name__', None)}")
        return kind is ValueError


def order():
    log = []
    with Order("a", log), Order("b", log):
        for i in range(3):
            with Order(i, log):
                if i == 1:
                    break
    with Order("c", log):
        raise ValueError("swallowed by __exit__")
    return log


def two_way():
    got = []
    while True:
        try:
            received = yield len(got)
        except LookupError as error:
            received = f"thrown {error}"
        got.append(received)
        if received == "stop":
            return got


def delegates():
    result = yield from two_way()
    yield result


def drive(generator):
    told = [next(generator), generator.send("a"), generator.throw(LookupError("x"))]
    try:
        told.append(generator.send("stop"))
    except StopIteration as stop:
        told.append(stop.value)
    generator.close()
    return told


class Odd:
    """Its special methods tell who called them."""

    calls = []

    def __repr__(self):
        self.calls.append("repr")
        return "Odd()"

    def __str__(self):
        self.calls.append("str")
        return "odd"

    def __eq__(self, other):
        self.calls.append("eq")
        return True

    def __hash__(self):
        self.calls.append("hash")
        return 1

    def __iter__(self):
        self.calls.append("iter")
        return iter(())

    def __len__(self):
        self.calls.append("len")
        return 3

    def __bool__(self):
        self.calls.append("bool")
        return False

    def __getattr__(self, name):
        self.calls.append(name)
        raise AttributeError(name)

    @property
    def __class__(self):
        self.calls.append("class")
        return dict

    @property
    def touchy(self):
        self.calls.append("touchy")
        raise RuntimeError("do not look")


def takes(odd, /, *more, **named):
    return odd


class Shouting(dict):
    def items(self):
        raise RuntimeError("no")

    __iter__ = keys = values = items


def wrong(f):
    try:
        f()
    except Exception as error:
        return type(error).__name__, str(error), error.__context__ is None, error.__cause__ is None


def raises_from():
    try:
        {}["missing"]
    except KeyError as error:
        raise ValueError("from") from error


print(__doc__, sorted(name for name in globals() if "@" in name), __name__, __spec__, __package__, __cached__)
print(registered(1, "a", key=[2], z=1), registered.__doc__, inspect.signature(registered), registered.__annotations__)
print(decorated(1), decorated.__wrapped__ is REGISTRY["other"], sorted(REGISTRY), inspect.signature(decorated))
print(Mangled(7).call(), Mangled(1).seen)
print(Model(name="n", size=2).describe(), Model.fields)
point = Point(1, 2)
point.both = (4, 5)
print(point, Point.origin(), Point.plain(1), point > Point(0), dataclasses.asdict(point), copy.deepcopy(point) == point)
print(pickle.loads(pickle.dumps(point)), pickle.loads(pickle.dumps(registered)) is registered)
up = counter()
print(up(), up(2), add(2), add(3), TOTAL)
print([matched(v) for v in ({"tool": "sh", "a": 1}, [1, 2, 3], Point(-1), 123456, 1)])
print(final(), continued(), recursive(30), looks(), looks_deeper())
print(comprehensions([[1, 0], [2]]), lambdas(), slices("abcdefgh", [1, 2, 3]))
print(uses_manager(), order(), drive(two_way()), drive(delegates()))
print(inspect.getsource(add), inspect.getsourcelines(final)[1], inspect.isgeneratorfunction(two_way))
print(add.__code__.co_firstlineno, add.__code__.co_argcount, add.__code__.co_name, add.__module__, add.__qualname__)
odd = Odd()
takes(odd, odd, x=odd), takes([odd]), takes({"k": odd}), takes(Shouting(a=1))
print(Odd.calls)
print(wrong(raises_from), wrong(lambda: registered(1, 2, *3)), wrong(lambda: Point()), wrong(lambda: "a" + 1))
print(wrong(lambda: slices(5, [])), sys.exc_info(), [name for name in dir(typing) if "hf" in name])
print(sorted(vars(Point)), sorted(set(vars(sys.modules[__name__])) & {"@hf", "@s"}))
print(typing.get_type_hints(Model.describe), add.__code__.co_varnames[: add.__code__.co_argcount])
'''

ASYNC = """
import asyncio, inspect

async def ask(n):
    await asyncio.sleep(0)
    return n

async def stream(n):
    try:
        for i in range(n):
            yield i
            await asyncio.sleep(0)
        return
    finally:
        print("closed", n)

class Client:
    async def __aenter__(self):
        return self
    async def __aexit__(self, *error):
        print("exit", error[0])
        return error[0] is KeyError
    async def __aiter__(self):
        yield 1

async def slow():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        print("cancelled")
        raise

async def main():
    print([x async for x in stream(3)], {x: await ask(x) async for x in stream(2) if x})
    async with Client() as client:
        async for x in client:
            print(x)
        raise KeyError("swallowed")
    async for x in stream(5):
        if x == 1:
            break
    print(await asyncio.gather(ask(1), ask(2), return_exceptions=True))
    try:
        await asyncio.wait_for(slow(), 0.01)
    except asyncio.TimeoutError:
        print("timed out")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(ask(1))
            group.create_task(fails())
    except* ValueError as caught:
        print(caught.exceptions)
    closing = ask(3)
    closing.close()
    thrown = stream(3)
    print(await anext(thrown))
    try:
        await thrown.athrow(LookupError("x"))
    except LookupError as error:
        print("thrown", error)
    print(inspect.iscoroutinefunction(ask), inspect.isasyncgenfunction(stream), asyncio.iscoroutinefunction(ask))

async def fails():
    await asyncio.sleep(0)
    raise ValueError("v")

asyncio.run(main())
"""


@pytest.mark.parametrize("program", [LANGUAGE, ASYNC], ids=["language", "async"])
def test_same_output(play: Callable[..., Any], python: str, program: str) -> None:
    played = play(python, program)
    played.assert_same()
    assert played.code == 0, played.err
    assert len(played.steps) > 20
    (run,) = played.runs
    assert run.incomplete == ()
    if program is LANGUAGE:
        assert "secret" in played.out_text(played.step("looks"))


LOCALS = """
class Model:
    def complete(self, messages):
        return "reply"

def agent(task):
    messages = [{"role": "user", "content": task}]
    while True:
        messages.append({"role": "assistant", "content": Model().complete(messages)})
        if len(messages) > 3:
            break
    return sorted(locals())

def formats(task):
    return "{task}".format(**vars())

def generates(task):
    yield dir()
    yield sorted(locals())

print(agent("a"), formats("b"), list(generates("c")))
"""


def test_functions_that_look_at_their_names(play: Callable[..., Any], python: str) -> None:
    played = play(python, LOCALS)
    played.assert_same()
    agent = played.step("agent")
    assert [event.attributes["why"] for event in agent.events if event.name == "loop_ended"] == ["break"]
    assert played.out_text(played.step("formats")) == "b"
    assert played.runs[0].incomplete == ("agent.py:generates was not recorded: it looks at its own local names",)


DEBUGGED = """
import io, pdb, sys
import harness

steps = ["b harness.py:6", "c", "p city", "n", "p found", "u", "p place", "d", "b harness.py:8", "c", "p found", "w"]
commands = "\\n".join([*steps, "n", "n", "n", "n", "c", ""])
out = io.StringIO()
debugger = pdb.Pdb(stdin=io.StringIO(commands), stdout=out, nosigint=True, readrc=False)
debugger.use_rawinput = 0
debugger.runcall(harness.run, "Rome")
print(out.getvalue())
"""

HARNESS = """
def weather(city):
    '''The weather.'''
    found = []
    for day in range(2):
        found.append(f"{city} {day}")
    if found:
        return found
    return None

def run(place):
    return weather(place)
"""


def test_a_debugger_stops_steps_and_looks_as_it_does_alone(play: Callable[..., Any], python: str) -> None:
    played = play(python, {"agent.py": DEBUGGED, "harness.py": HARNESS})
    played.assert_same()
    assert "'Rome'" in played.out
    assert played.step("weather").ended_ns is not None
