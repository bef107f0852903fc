"""From the inbox to runs: a trace that has fallen silent is read, and becomes a run of the store.

A span that comes later makes its run anew, with all that was held of it; nothing is doubled, since equal messages and
spans of the same id count once.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from harnessfix.store import Store
from harnessfix.store.inbox import Inbox, Pending, inbox_of
from harnessfix_ir.errors import HarnessfixError, StoreError

FORMAT = "otlp-received"
FILENAME = "received"
LARGEST = 256 * 1024 * 1024
QUIET, QUIET_WITHOUT_ROOT = 2.0, 60.0

Tell = Callable[[str], None]


def take_received(store: Store, folder: Path, tell: Tell = lambda line: None) -> list[str]:
    """Make runs of everything in the inbox of a store; returns their ids. Costs nothing where there is no inbox.

    Args:
        store: open for writing.
        folder: where the inbox of a store on a server lies.
        tell: told of traces that could not be read.
    """
    path = inbox_of(store.place, folder)
    if not path.exists():
        return []
    with Inbox(path) as inbox:
        return settle(store, inbox, inbox.pending(), tell)


def settle(store: Store, inbox: Inbox, waiting: Iterable[Pending], tell: Tell) -> list[str]:
    """Make runs of these traces. One that cannot be read is put aside and told, and keeps its messages.

    Raises:
        StoreError: the store cannot be written; what waits then goes on waiting.
    """
    made = []
    for pending in waiting:
        with inbox.alone():
            try:
                made += _settle_one(store, inbox, pending)
            except StoreError:
                raise
            except HarnessfixError as error:
                inbox.put_aside(pending, str(error))
                tell(f"trace {pending.trace} could not be made a run: {error}")
            except Exception as error:  # a trace is anything that anyone sent; one must not stop the others
                inbox.put_aside(pending, f"{type(error).__name__}: {error}")
                tell(f"trace {pending.trace} could not be made a run: {type(error).__name__}: {error}")
    return made


def _settle_one(store: Store, inbox: Inbox, pending: Pending) -> list[str]:
    from harnessfix_collectors.otlp.frames import read_frames, write_frames
    from harnessfix_collectors.readers import read_bytes

    new = inbox.messages(pending)
    if not new:  # another process was faster
        return []
    held = _held(store, pending.trace)
    before = list(read_frames(held[0])) if held is not None and held[1] == FORMAT else []
    together = list(dict.fromkeys([*before, *new]))
    if len(together) > len(before):
        if sum(len(message) for _, message in together) > LARGEST:
            raise HarnessfixError(f"it has more than {LARGEST} bytes")
        block = write_frames(together)
        recordings = list(read_bytes(block, FILENAME, FORMAT))
        store.add(block, format=FORMAT, filename=FILENAME, recordings=recordings, supersedes=bool(before))
        if held is not None and not before:
            # `record` or an import knows more of this run than its spans say: that stays the run, the spans beside it.
            data, format_name, filename = held
            known = list(read_bytes(data, filename, format_name))
            store.add(data, format=format_name, filename=filename, recordings=known)
    inbox.drop(pending)
    return [pending.trace]


def _held(store: Store, run_id: str) -> tuple[bytes, str, str] | None:
    return store.blob(run_id) if store.has_run(run_id) else None


class Silence:
    """Which traces have fallen silent. No clock is asked but the one that never goes back.

    Args:
        quiet: seconds without anything new after which a trace whose root has come is complete.
        quiet_without_root: the same for one whose root has not.
    """

    def __init__(self, quiet: float = QUIET, quiet_without_root: float = QUIET_WITHOUT_ROOT) -> None:
        self._quiet, self._without_root = quiet, quiet_without_root
        self._seen: dict[str, tuple[int, float]] = {}

    def fallen(self, waiting: Iterable[Pending]) -> list[Pending]:
        """Those of the traces that wait which are silent."""
        now, seen, due = time.monotonic(), self._seen, []
        self._seen = {}
        for pending in waiting:
            last, since = seen.get(pending.trace, (0, now))
            since = since if last == pending.last else now
            self._seen[pending.trace] = (pending.last, since)
            if now - since >= (self._quiet if pending.rooted else self._without_root):
                due.append(pending)
        return due
