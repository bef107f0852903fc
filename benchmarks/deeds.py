"""What tools of a made-up run do beside answering: files they touch, exceptions inside them, checks before them."""

import random

from harnessfix_ir.document import JsonValue
from harnessfix_ir.steps import Effect, ErrorInfo

FILES = ("notes/plan.md", "src/lamp.py", "out/table.csv", "state/queue.json")
RECORDS = ("redis://cache/harbour", "s3://bucket/ledger")
ERRORS = ("ValueError", "KeyError", "TimeoutError", "httpx.ReadTimeout")


class Deeds:
    """Draws of one run, from a stream of their own: what else is drawn stays as it was.

    Args:
        seed: everything follows from it.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed * 104_729 + 3)
        self.busy = self.random.random() < 0.6
        self.with_ids = self.random.random() < 0.5
        self.writers: dict[str, str] = {}
        self.count = 0

    def guards(self) -> bool:
        """Whether a check comes before this call."""
        return self.busy and self.random.random() < 0.2

    def tells_input(self) -> bool:
        """Whether the check was recorded with what it looked at."""
        return self.random.random() < 0.5

    def effect(self, tool: str) -> tuple[Effect | None, str]:
        """What a tool touches, and the step that wrote what it reads; a path is spelled in one of two ways."""
        if not self.busy or self.random.random() < 0.5:
            return None, ""
        resource = self.random.choice(FILES + RECORDS)
        spelled = f"./{resource}" if resource in FILES and self.random.random() < 0.5 else resource
        if self.random.random() < 0.4:
            self.writers[resource] = tool
            return Effect(effect="state" if resource in RECORDS else "artifact", resource=spelled), ""
        return Effect(effect="read", resource=spelled), self.writers.get(resource, "")

    def exceptions(self) -> list[tuple[ErrorInfo, dict[str, JsonValue], bool]]:
        """Exceptions with the id of the object, where ids are recorded, and whether they are caught.

        Without ids two of a tool are told apart by what they say, so they do not say the same.
        """
        if not self.busy or self.random.random() < 0.7:
            return []
        found: list[tuple[ErrorInfo, dict[str, JsonValue], bool]] = []
        for number in self.random.sample(range(3), self.random.choice((1, 1, 2))):
            self.count += 1
            words = "no entry" if self.with_ids else f"no entry {number}"
            error = ErrorInfo(type=self.random.choice(ERRORS), message=words)
            known: dict[str, JsonValue] = {"exc_id": 7000 + self.count} if self.with_ids else {}
            found.append((error, known, self.random.random() < 0.7))
        return found
