"""Engines: where jobs are executed.

    base        the protocol: `run(job, parts)` yields what became of each part
    serial      here, one after the other
    processes   in processes of this machine (`--jobs`)
    lasting     one engine for several jobs
    ray         on a cluster (`--engine ray`, `pip install 'harnessfix[ray]'`)

A job is a picklable function of one part, without effects but writes that may be repeated. Engines therefore may run a
part again when a worker dies, and all of them come to the same result.
"""

from .base import Done, Engine, WorkerDiedError
from .choose import ENGINES, choose_engine
from .lasting import Lasting
from .serial import Serial

__all__ = ["ENGINES", "Done", "Engine", "Lasting", "Serial", "WorkerDiedError", "choose_engine"]
