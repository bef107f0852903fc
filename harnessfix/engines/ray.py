"""A Ray cluster: the one that `RAY_ADDRESS` names, else one of this machine's own that ends with the command.

Ray runs a task again when its worker or machine is lost. Only small things travel: the job once for each worker, parts
(run ids and digests) with each task.
"""

import importlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from harnessfix_ir.errors import HarnessfixError, SettingsError

from .base import Done, P, R, WorkerDiedError

ADDRESS = "RAY_ADDRESS"
AHEAD = 4
"""Tasks handed out for each core, so that none waits and none piles up."""
ATTEMPTS = 3
ANSWERS_WITHIN = 20.0  # seconds for a cluster's head to take a connection
WAIT = 1.0  # seconds between looks for Ctrl-C while nothing is done


class Ray:
    """Tasks on a Ray cluster.

    Args:
        jobs: tasks at a time; 0 for as many as the cluster has cores.

    Raises:
        SettingsError: Ray is not installed.
        HarnessfixError: the cluster cannot be reached.
    """

    shared = True

    def __init__(self, jobs: int = 0) -> None:
        self._ray = _imported()
        self._own = not self._ray.is_initialized()
        if self._own:
            _begin(self._ray, jobs)
        self.workers = jobs or max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def run(self, job: Callable[[P], R], parts: Iterable[P]) -> Iterator[Done[P, R]]:
        """As `Engine.run`. A part that Ray gave up after several lost workers is given up here."""
        ray = self._ray
        shipped = [ray.put(job)]  # in a list, or each task would unpack it anew
        execute = ray.remote(_execute).options(max_retries=ATTEMPTS, num_cpus=1)
        pending: dict[Any, P] = {}
        source = iter(parts)
        try:
            while True:
                while len(pending) < self.workers * AHEAD and (part := next(source, None)) is not None:
                    pending[execute.remote(shipped, part)] = part
                if not pending:
                    return
                ready, _ = ray.wait(list(pending), timeout=WAIT)
                for reference in ready:
                    yield self._done(reference, pending.pop(reference))
        finally:
            for reference in pending:
                ray.cancel(reference, force=True)

    def _done(self, reference: Any, part: P) -> Done[P, Any]:
        ray = self._ray
        try:
            return Done(part, ray.get(reference))
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            return Done(part, error=cause if isinstance(cause, Exception) else HarnessfixError(str(error)))
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError):
            return Done(part, error=WorkerDiedError(f"{ATTEMPTS + 1} workers were lost at it"))

    def close(self) -> None:
        """Leave the cluster, and end it if it was this command's own."""
        if self._own:
            self._ray.shutdown()


@cache
def _job(reference: Any) -> Callable[[Any], Any]:
    """The job, unpacked once for each worker."""
    job: Callable[[Any], Any] = importlib.import_module("ray").get(reference)
    return job


def _execute(shipped: list[Any], part: Any) -> Any:
    return _job(shipped[0])(part)


def _imported() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a debugger of private traces tells nobody that it runs
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise SettingsError("the engine `ray` is not installed", hint="pip install 'harnessfix[ray]'") from error


def _start(ray: Any, tasks: int, quiet: dict[str, Any]) -> None:
    """Start a cluster here; again when it did not come up in Ray's half minute, as on a machine that has much to do."""
    for attempt in range(ATTEMPTS):
        try:
            ray.init(address="local", num_cpus=tasks, _node_ip_address="127.0.0.1", include_dashboard=False, **quiet)
            return
        except Exception:
            ray.shutdown()
            if attempt + 1 == ATTEMPTS:
                raise


def knock(address: str) -> None:
    """Raise `OSError` when nobody listens at `host:port`: Ray would try for more than ten minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_WITHIN).close()


def _begin(ray: Any, jobs: int) -> None:
    """Join the cluster that was named, and no other that happens to be there; without a name, start one."""
    from .choose import cores

    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    address = os.environ.get(ADDRESS, "local")
    try:
        if address != "local":
            knock(address)
            ray.init(address=address, **quiet)
        else:
            _start(ray, jobs or cores(), quiet)
    except Exception as error:  # a cluster that does not come up in time is a bare one
        named = f"Set {ADDRESS} to the head's host:port, with the same Ray and Python as here, or unset it."
        raise HarnessfixError(
            f"the Ray cluster cannot be reached: {' '.join(str(error).split())[:300]}",
            hint=named if address != "local" else "Ray did not start here; try again when the machine is less busy.",
        ) from error
