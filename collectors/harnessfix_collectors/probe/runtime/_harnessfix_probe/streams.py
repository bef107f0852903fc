"""Answers that a model call hands out piece by piece: each piece is told as it passes, and none is held on to.

A generator function tells what it yields. Any other stream is known by identity, through a weak reference, once a model
call has returned it; a loop of the harness that goes through it then has its pieces told. The program goes on holding
the very object, and no frame of ours gets in its way: `for` goes through iterators that are written in C, and
`async for` asks the object itself.
"""

from __future__ import annotations

from _thread import RLock
from _weakref import ref
from itertools import chain

from .jsontext import quote
from .system import System

MOST_HELD, MOST_CHARACTERS, SECONDS = 64, 16_000, 1.0
MOST_PIECES, MOST_WRITTEN, LAST = 20_000, 4_000_000, 4
MOST_FIELDS = 20
_GIVES = ("__next__", "__anext__", "__aiter__")
_TELLING = (*_GIVES, "__iter__", "__len__", "close")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any, TypeVar

    from .probe import Probe

    T = TypeVar("T")


async def _asynchronous() -> AsyncIterator[None]:
    yield


_GENERATORS = (type(_ for _ in ()), type(_asynchronous()))


class Stream:
    """The pieces of one answer.

    Args:
        probe: the probe.
        identity: id of the step that they belong to.
    """

    __slots__ = (
        "_held",
        "_last",
        "_lock",
        "_lost",
        "_number",
        "_probe",
        "_since",
        "_size",
        "_texts",
        "_written",
        "id",
        "over",
    )

    def __init__(self, probe: Probe, identity: str) -> None:
        self._probe, self.id = probe, identity
        self._lock = RLock()
        self._held: list[str] = []
        self._texts: list[str] = []
        self._last: list[str] = []
        self._size = self._written = self._number = self._lost = 0
        self._since = System.steady()
        self.over = False

    def piece(self, value: T) -> T:
        """One piece passes."""
        if not self.over:
            try:
                self._take(value)
            except Exception as error:
                self._probe.failed("piece", error)
        return value

    def _take(self, value: Any) -> None:
        self._number += 1
        text = value if type(value) is str else None
        told = "" if text is not None else self._probe.encoder.encode(value)
        if self._number > MOST_PIECES or self._written > MOST_WRITTEN:
            # How it ended, and what it cost, is what the last ones say.
            self._last.append(told if text is None else self._probe.spool.text(text))
            if len(self._last) > LAST:
                del self._last[0]
                self._lost += 1
            return
        with self._lock:
            if text is not None:
                self._texts.append(text)
            else:
                self._join()
                self._held.append(told)
            self._size += len(told if text is None else text)
        self._wait()

    def _join(self) -> None:
        """Texts that follow one another become one: a secret may lie across them."""
        texts, self._texts = self._texts, []
        if texts:
            self._held.append(quote(self._probe.spool.scrub("".join(texts))))

    def _wait(self) -> None:
        """Have what is held written before the next line of this process, or now."""
        spool = self._probe.spool
        full = self._size > MOST_CHARACTERS or len(self._held) + len(self._texts) >= MOST_HELD
        if full or System.steady() - self._since > SECONDS:
            self.write()
        elif spool.waiting is not self:
            spool.flush()
            spool.waiting = self

    def write(self) -> None:
        """Write what waits to be written."""
        with self._lock:
            self._join()
            items, self._held = self._held, []
            self._written += self._size
            self._size = 0
        self._since = System.steady()
        self._tell(items)

    def _tell(self, items: list[str]) -> None:
        if items:
            self._probe.spool.line(f'{{"t":"pieces","id":"{self.id}","items":[{",".join(items)}]}}')

    def forget(self) -> None:
        """What waits is not to be written here, nor what comes."""
        self._held, self._texts, self._last = [], [], []
        self.over = True

    def end(self, why: str) -> None:
        """No more is told: `exhausted`, `break`, `closed`, `raised`, or `left` where it is not known how."""
        if self.over:
            return
        self.over = True
        try:
            self.write()
            self._tell(self._last)
            lost = f',"lost":{self._lost}' if self._lost else ""
            self._probe.spool.line(
                f'{{"t":"streamed","id":"{self.id}","n":{self._number}{lost},"why":"{why}","time":{System.now()}}}'
            )
        except Exception as error:
            self._probe.failed("streamed", error)


class Follow:
    """One loop over what may be a stream.

    Args:
        source: what the loop goes through; let go of when the loop begins.
        stream: None when it is no stream of a model.
    """

    __slots__ = ("_source", "_stream")

    def __init__(self, source: Any, stream: Stream | None) -> None:
        self._source, self._stream = source, stream

    def source(self) -> Any:
        """What `async for` goes through."""
        source, self._source = self._source, None
        return source

    def pieces(self) -> Any:
        """What `for` goes through."""
        source, stream = self.source(), self._stream
        return source if stream is None else map(stream.piece, chain(source, _End(self)))

    def piece(self, value: Any) -> None:
        """A round of `async for` begins."""
        if self._stream is not None:
            self._stream.piece(value)

    def left(self, number: int, why: str) -> None:
        """The loop ends."""
        if self._stream is not None:
            self._stream.end(why)

    def __del__(self) -> None:
        self.left(0, "left")


class _End:
    """Comes after the last piece; gone before, the loop was left before."""

    __slots__ = ("_follow",)

    def __init__(self, follow: Follow) -> None:
        self._follow = follow

    def __iter__(self) -> Iterator[Any]:
        self._follow.left(0, "exhausted")
        return iter(())

    def __del__(self) -> None:
        self._follow.left(0, "left")


class Streams:
    """Streams that model calls of this process returned and that are still there.

    Args:
        probe: the probe.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._known: dict[int, tuple[ref[Any], Stream]] = {}

    def returned(self, value: Any, number: int, identity: str) -> bool:
        """A model call returned this: a stream, or a small dictionary that holds one.

        Args:
            value: what it returned.
            number: of the element that was called.
            identity: id of the step.

        Returns:
            False for a generator whose function is recorded as what the call is: that one tells its pieces.
        """
        kind = type(value)
        code = getattr(value, "gi_code", None) or getattr(value, "ag_code", None) if kind in _GENERATORS else None
        if code is not None and self._probe.leads_to(number, code):
            return False
        if kind is dict:
            for field in list(value.values()) if len(value) <= MOST_FIELDS else ():
                self._know(field, identity)
        else:
            self._know(value, identity)
        return True

    def _know(self, value: Any, identity: str) -> None:
        if not _is_stream(type(value)):
            return
        number, known = id(value), self._known

        def gone(_: object) -> None:
            known.pop(number, None)

        try:
            known[number] = ref(value, gone), Stream(self._probe, identity)
        except TypeError:  # it takes no weak reference
            return

    def follow(self, value: Any) -> Follow:
        """A loop is about to go through this."""
        known = self._known.get(id(value)) if self._known else None
        return Follow(value, known[1] if known is not None and known[0]() is value else None)


def _is_stream(kind: type) -> bool:
    """Whether objects of a class give one thing after another and do not know how many; its code is not asked."""
    names = {name for base in kind.__mro__ for name in _TELLING if name in base.__dict__}
    if names.intersection(_GIVES):
        return "__len__" not in names
    return "__iter__" in names and "close" in names and "__len__" not in names
