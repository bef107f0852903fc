"""`value or default`: what the probe tells of a value that was there and false."""

from collections.abc import Callable
from typing import Any

Play = Callable[..., Any]

HEAD = """
from dataclasses import dataclass

class Counted:
    def __init__(self, items):
        self.items = items
    def __repr__(self):
        return f"Counted({self.items})"
    def __len__(self):
        return len(self.items)

class Asked:
    asked = 0
    def __bool__(self):
        Asked.asked += 1
        return False

@dataclass
class Settings:
    size: object = None

def tool(function):
    return function

@tool
def choose(given, default):
    "Take one of two."
    return given or default

@tool
async def wait(given, default):
    "Take one of two, later."
    return given or await default()
"""
# A call, and what is told of it. They are made one after another: what one leaves behind must not count for the next.
CALLS: list[tuple[str, list[dict[str, Any]]]] = [
    ("choose(0, 5)", [{"value": 0, "default": 5}]),
    ("choose(False, 'x')", [{"value": False, "default": {"$type": "builtins.str"}}]),
    (
        "choose(Counted([]), Counted([1]))",
        [{"value": {"$type": "__main__.Counted"}, "default": {"$type": "__main__.Counted"}}],
    ),
    ("choose([], [1])", [{"value": [], "default": {"$type": "builtins.list"}}]),
    ("choose(None, 5)", []),
    ("choose('', 'x')", []),
    ("choose(3, 5)", []),
    ("choose(Counted([1]), 5)", []),
    ("choose(None, 5)", []),
    ("choose([], [])", []),
    ("choose(0, None)", [{"value": 0, "default": {"$type": "builtins.NoneType"}}]),
    ("choose(False, None)", []),
    ("choose([], None)", []),
    ("choose(0, 0)", []),
    ("choose(False, True)", []),
]


def fallen(played: Any) -> list[dict[str, Any]]:
    events = [event for step in played.steps for event in step.events if event.name == "fell_back"]
    return [{key: event.attributes[key] for key in ("value", "default")} for event in events]


def test_what_is_told_of_a_choice(play: Play, python: str) -> None:
    played = play(python, HEAD + "".join(f"print({call})\n" for call, _ in CALLS))
    played.assert_same()
    assert fallen(played) == [told for _, each in CALLS for told in each]


def test_a_choice_outside_of_any_step_is_a_step(play: Play, python: str) -> None:
    source = "class Settings:\n    def size(self, given):\n        return given or 7\nprint(Settings().size(0))\n"
    played = play(python, source, include=())
    played.assert_same()
    assert fallen(played) == [{"value": 0, "default": 7}]
    [step] = [step for step in played.steps if step.events]
    assert (step.name, step.parent, step.anchors[0].start_line) == ("Settings.size", None, 3)


def test_a_default_that_is_awaited_is_not_looked_at(play: Play, python: str) -> None:
    played = play(python, HEAD + "import asyncio\nasync def five(): return 5\nprint(asyncio.run(wait(0, five)))\n")
    played.assert_same()
    assert fallen(played) == [{"value": 0, "default": None}]


def test_nothing_is_asked_whether_it_is_true_twice(play: Play, python: str) -> None:
    played = play(python, HEAD + "choose(Asked(), 5)\nprint(Asked.asked)\n")
    played.assert_same()
    assert fallen(played) == [{"value": {"$type": "__main__.Asked"}, "default": 5}]
