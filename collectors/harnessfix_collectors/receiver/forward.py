"""Passing on what was received to the user's own backend, never in the way of keeping it here."""

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from harnessfix_collectors.otlp.frames import Signal
from harnessfix_ir.errors import SettingsError

RETRIED = {429, 502, 503, 504}
ATTEMPTS = 6
LONGEST_PAUSE = 30.0
TIMEOUT = 10.0
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Parcel:
    """One request as it came in."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    items: int


class Forwarder:
    """One thread that posts to an OTLP/HTTP endpoint, and a bounded queue before it.

    Args:
        url: base of the endpoint; `/v1/traces` and `/v1/logs` are added.
        headers: sent with every request, for the backend's own authorisation.
        tell: told what was not forwarded, and why.
        grace: seconds that `close` gives what still waits.

    Raises:
        SettingsError: the URL is none of http or https.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str], tell: Callable[[str], None], grace: float = 5.0
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(f"{url}: cannot forward to that", hint="Give a URL such as http://127.0.0.1:4319.")
        self._parts, self._headers, self._tell, self._grace = parts, dict(headers), tell, grace
        self._parcels: deque[Parcel] = deque()
        self._bytes = 0
        self._change = threading.Condition()
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._connection: http.client.HTTPConnection | None = None
        self.sent = self.lost = 0
        self._thread = threading.Thread(target=self._work, name="harnessfix-forwarder", daemon=True)
        self._thread.start()

    def pass_on(self, signal: Signal, body: bytes, encoding: str, *, json: bool, items: int) -> None:
        """Queue one request; returns at once. When the queue is full it is not forwarded, which is told."""
        headers = {"Content-Type": "application/json" if json else "application/x-protobuf", **self._headers}
        if encoding:
            headers["Content-Encoding"] = encoding
        parcel = Parcel(f"{self._parts.path.rstrip('/')}/v1/{signal}", body, headers, items)
        with self._change:
            if self._bytes + len(body) <= MOST_BYTES or not self._parcels:
                self._parcels.append(parcel)
                self._bytes += len(body)
                self._change.notify()
                return
        self._lose(parcel, "too much waits to be forwarded")

    def close(self) -> None:
        """Forward what waits for as long as the grace allows, then say what was not."""
        with self._change:
            self._deadline = time.monotonic() + self._grace
            self._closing.set()
            self._change.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._change:
                while not self._parcels and not self._closing.is_set():
                    self._change.wait()
                if not self._parcels:
                    break
                parcel = self._parcels[0]
            trouble = self._deliver(parcel)
            with self._change:
                self._parcels.popleft()
                self._bytes -= len(parcel.body)
            if trouble:
                self._lose(parcel, trouble)
            else:
                self.sent += parcel.items
        if self._connection is not None:
            self._connection.close()

    def _deliver(self, parcel: Parcel) -> str:
        """Why it could not be delivered; empty when it was."""
        trouble, pause = "", 0.5
        for attempt in range(1, ATTEMPTS + 1):
            if time.monotonic() > self._deadline:
                return trouble or "the receiver was stopped"
            try:
                status, wait = self._post(parcel)
            except (OSError, ValueError, http.client.HTTPException) as error:
                self._connection = None
                trouble, wait = f"{type(error).__name__}: {error}", None
            else:
                if 200 <= status < 300:
                    return ""
                trouble = f"it answered {status}"
                if status not in RETRIED:
                    return trouble
            if attempt < ATTEMPTS:
                self._sleep(min(LONGEST_PAUSE, pause if wait is None else wait))
                pause *= 2
        return trouble

    def _post(self, parcel: Parcel) -> tuple[int, float | None]:
        """Status, and the seconds of `Retry-After` where there are any. Redirections are not followed."""
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(self._parts.hostname or "", self._parts.port, timeout=TIMEOUT)
        self._connection.request("POST", parcel.path, parcel.body, dict(parcel.headers))
        response = self._connection.getresponse()
        response.read()
        after = response.getheader("Retry-After", "")
        return response.status, float(after) if after.isdecimal() else None

    def _sleep(self, seconds: float) -> None:
        """Pause; once the receiver is closing no longer than until the deadline."""
        if not self._closing.wait(seconds):
            return
        time.sleep(max(0.0, min(seconds, self._deadline - time.monotonic())))

    def _lose(self, parcel: Parcel, why: str) -> None:
        self.lost += parcel.items
        self._tell(f"{parcel.items} items were not forwarded to {self._parts.hostname}: {why}; they are kept here")
