"""`python -m harnessfix.receiving.settling`: the process beside a receiver; it makes runs of what has fallen silent.

In a process of its own so that reading long traces takes nothing from those who send. A line of JSON on its standard
input says where to work, the next line that it is time to stop; the end of the input, that the receiver is gone.
"""

import json
import os
import signal
import threading
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

from harnessfix.receiving.inbox_runs import Silence, Tell, settle
from harnessfix.store import Store
from harnessfix.store.inbox import Inbox, inbox_of
from harnessfix_ir.errors import HarnessfixError

LOOK_EVERY = 1.0
POLITE = 5


def settle_until(
    stopped: Callable[[float], bool], alone: Callable[[], bool], address: str, folder: Path, tell: Tell
) -> None:
    """Make runs of what falls silent, until it is time to stop; then of everything.

    Args:
        stopped: waits so many seconds at most and says whether to stop.
        alone: whether the receiver is gone, so that nothing more is to be done.
        address: of the store.
        folder: where the inbox of a store on a server lies.
        tell: told of trouble, once while it lasts.
    """
    silence, trouble, stop = Silence(), "", False
    while not stop:
        try:
            with Store.open(address) as store, Inbox(inbox_of(store.place, folder)) as inbox:
                while not stop:
                    stop = stopped(LOOK_EVERY)
                    waiting = inbox.pending()
                    due = waiting if stop else silence.fallen(waiting)
                    settle(store, inbox, takewhile(lambda _: not alone(), due), tell)
                    trouble = ""
        except HarnessfixError as error:
            if str(error) != trouble:
                trouble = str(error)
                tell(f"no runs are made for the moment: {trouble}; what comes in is kept")
            stop = stop or stopped(LOOK_EVERY)


def main() -> None:
    """Read where to work, and work until told to stop."""
    from harnessfix.cli import talk

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the receiver says when to stop
    if hasattr(os, "nice"):
        os.nice(POLITE)
    # Unbuffered: a thread that waits in a buffered read holds a lock that the interpreter needs in order to end.
    orders = os.fdopen(0, "rb", buffering=0)
    told = json.loads(orders.readline())
    stop, gone = threading.Event(), threading.Event()

    def listen() -> None:
        orders.readline()
        stop.set()
        orders.read()
        gone.set()

    threading.Thread(target=listen, daemon=True).start()
    settle_until(stop.wait, gone.is_set, told["address"], Path(told["folder"]), lambda line: talk.note(line, "yellow"))


if __name__ == "__main__":
    main()
