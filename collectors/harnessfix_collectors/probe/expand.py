"""Put texts and lists back where a recording refers to them."""

from collections.abc import Mapping
from typing import Any

from harnessfix_collectors.histories import MessagePool
from harnessfix_ir.errors import BadInputError

DEEPEST = 40
# Lists that continue one another, and texts that are referred to often, expand to more than the file holds; a run of a
# thousand steps needs a fraction of this.
MOST_ITEMS = 10_000_000
MOST_CHARACTERS = 200_000_000
MOST_NODES = 2_000_000
LARGE, MOST_JOINED = 100_000, 8_000_000_000
NOT_RECORDED = "<text not recorded>"
DEEPER = "some values were nested deeper than is recorded, or too many"


class BoundedPool(MessagePool):
    """A pool for texts that are put together from a recording.

    Raises:
        BadInputError: from `put`, when they grow past what an honest recording comes to.
    """

    def __init__(self) -> None:
        super().__init__()
        self._joined = 0

    def put(self, text: str) -> str:
        """As `MessagePool.put`."""
        if len(text) > LARGE:
            self._joined += len(text)
            if self._joined > MOST_JOINED:
                raise BadInputError(
                    f"the recording grows to more than {MOST_JOINED // 10**9} GB when it is read",
                    hint="Record a shorter run, or leave out functions with `probe.exclude`.",
                )
        return super().put(text)


class Expander:
    """Expands the values of one document.

    Args:
        texts: digest to text.
        lists: name to the list it continues and the items it adds.
        values: name to a large object.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        lists: Mapping[str, tuple[str | None, list[Any]]],
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self._texts, self._lists, self._values = texts, lists, values or {}
        self._objects: dict[str, tuple[Any, int, tuple[str, ...]]] = {}
        self._busy: set[str] = set()
        self._nodes = 0
        self._expanded: dict[str, tuple[list[Any], tuple[str, ...]]] = {}
        self._left = MOST_ITEMS
        self._characters = 0
        self._lacking: dict[str, None] = {}

    def expand(self, value: Any) -> Any:
        """`value` with every reference replaced (the same text or list object each time)."""
        self._characters, self._nodes = MOST_CHARACTERS, 0
        return self._expand(value, 0)

    def take_lacking(self) -> tuple[str, ...]:
        """What was not there, in words, since this was asked last."""
        found = tuple(self._lacking)
        self._lacking = {}
        return found

    def _expand(self, value: Any, depth: int) -> Any:
        self._nodes += 1
        if isinstance(value, dict):
            if "$value" in value and len(value) == 1:
                return self._object(value["$value"], depth)
            if "$" in value and len(value) == 1:
                return self._text(value["$"])
            if "$list" in value and len(value) == 1:
                return self._list(value["$list"], depth)
            if "$plain" in value and len(value) == 1:
                return self._plain(value["$plain"], depth)
            if value.get("more") is True and "$type" in value and len(value) == 2:
                self._lacking[DEEPER] = None
            left_out = value.get("$left_out")
            if isinstance(left_out, int):
                self._lacking[f"{left_out:,} items of a value were not recorded"] = None
            if depth >= DEEPEST:
                return None
            return {key: self._expand(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self._expand(item, depth + 1) for item in value] if depth < DEEPEST else None
        return value

    def _plain(self, value: object, depth: int) -> Any:
        """A dictionary of the program with keys that are signs here."""
        if not isinstance(value, dict) or depth >= DEEPEST:
            return None
        return {key: self._expand(item, depth + 1) for key, item in value.items()}

    def _object(self, name: object, depth: int) -> Any:
        """The object of that name, expanded once; none that grows past what an honest one comes to."""
        if not isinstance(name, str) or name in self._busy or name not in self._values:
            self._lacking["a value was not recorded"] = None
            return None
        if name not in self._objects:
            nodes, lacking = self._nodes, self._lacking
            self._nodes, self._lacking = 0, {}
            self._busy.add(name)
            expanded = self._expand(self._values[name], depth + 1)
            self._busy.discard(name)
            self._objects[name] = (expanded, self._nodes, tuple(self._lacking))
            self._nodes, self._lacking = nodes, lacking
        expanded, size, lacking_inside = self._objects[name]
        self._nodes += size
        self._lacking |= dict.fromkeys(lacking_inside)
        if self._nodes > MOST_NODES:
            self._lacking["a value was too large to be read"] = None
            return None
        return expanded

    def _text(self, name: object) -> str:
        text = self._texts.get(name) if isinstance(name, str) else None
        if text is None:
            self._lacking["a text was not recorded"] = None
            return NOT_RECORDED
        self._characters -= len(text)
        if self._characters < 0:
            self._lacking["a value was too long to be read"] = None
            return NOT_RECORDED
        return text

    def _list(self, name: object, depth: int) -> list[Any] | None:
        """The list of that name: those that it continues are expanded first, each once."""
        if self._left < 0:
            self._lacking["lists were too long to be read"] = None
            return None
        chain: list[str] = []
        at = name if isinstance(name, str) else None
        while at is not None and at not in self._expanded:
            if at not in self._lists or at in chain[-1:] or len(chain) > len(self._lists):
                self._lacking["a list was not recorded"] = None
                break
            chain.append(at)
            at = self._lists[at][0]
        if depth >= DEEPEST or not isinstance(name, str):
            return None
        items, lacking = self._expanded.get(at or "", ([], ()))
        for link in reversed(chain):
            self._left -= len(items) + len(self._lists[link][1])
            if self._left < 0:
                self._lacking["lists were too long to be read"] = None
                return items
            before, self._lacking = self._lacking, dict.fromkeys(lacking)
            items = [*items, *(self._expand(item, depth + 1) for item in self._lists[link][1])]
            lacking = tuple(self._lacking)
            self._lacking = before
            self._expanded[link] = (items, lacking)
        self._lacking |= dict.fromkeys(lacking)
        return items
