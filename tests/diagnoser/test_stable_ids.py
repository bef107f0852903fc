"""A flaw keeps its id while others are mended around it."""

from pathlib import Path

from harnessfix.checking import check_paths

AGENT = """\
import time


class Agent:
    async def notify(self, text):
        print(text)

    async def step(self, messages, window):
        time.sleep(1)
        reply = self.model.chat(messages[-window:])
        self.notify(reply)
        for message in self.messages:
            if message.get("image"):
                self.messages.remove(message)
        return reply, messages[-window:]
"""
MENDED = AGENT.replace("time.sleep", "await asyncio.sleep").replace("import time", "import asyncio\nimport time")


def ids(folder: Path, text: str) -> dict[tuple[str, int], str]:
    (folder / "agent.py").write_text(text)
    found = check_paths(folder, [str(folder)])
    counted: dict[str, int] = {}
    named = {}
    for flaw in sorted(found.flaws, key=lambda one: one.best.anchors[0].start_line):
        counted[flaw.best.rule] = counted.get(flaw.best.rule, 0) + 1
        named[flaw.best.rule, counted[flaw.best.rule]] = flaw.flaw
    return named


def test_a_mended_neighbour_of_another_shape_changes_no_id(tmp_path: Path) -> None:
    before = ids(tmp_path, AGENT)
    assert {("C115", 1), ("C115", 2), ("E115", 1), ("L122", 1), ("L126", 1)} <= before.keys()
    assert before["C115", 1] != before["C115", 2]
    after = ids(tmp_path, MENDED.replace("self.notify(reply)", "await self.notify(reply)"))
    assert after == {place: flaw for place, flaw in before.items() if place[0] not in ("E115", "L122")}
