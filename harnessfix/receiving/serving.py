"""`collect`: a receiver over the inbox of a workspace's store, and the process that makes runs of it."""

import contextlib
import importlib.util
import ipaddress
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from harnessfix_ir.errors import HarnessfixError, SettingsError

if TYPE_CHECKING:
    from harnessfix.settings import Settings
    from harnessfix_collectors.receiver.limits import Limits
    from harnessfix_collectors.receiver.receiver import Counts

SHORTEST_TOKEN = 16
SETTLE_SECONDS = 60
BUSY_SECONDS = 5.0  # less than the 10 that exporters wait, so that they hear why
NEEDED = "pip install 'harnessfix[collect]'"
GRPC_NEEDED = "pip install 'harnessfix[grpc]', or leave gRPC out with --no-grpc."


@dataclass(frozen=True)
class Doors:
    """Where a receiver listens, and to whom.

    Args:
        host: name or address.
        port: of HTTP; 0 for any that is free.
        grpc_port: as `port`; None for no gRPC.
        token: that clients have to bear; needed for any address that is not loopback.
        forward: URL of an OTLP/HTTP endpoint that gets everything, too.
        forward_headers: for that endpoint.
    """

    host: str = "127.0.0.1"
    port: int = 4318
    grpc_port: int | None = 4317
    token: str | None = None
    forward: str | None = None
    forward_headers: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `SettingsError` where the doors would be open to anybody."""
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise SettingsError(
                f"the token has fewer than {SHORTEST_TOKEN} characters",
                hint="`python -c 'import secrets; print(secrets.token_urlsafe())'` makes a good one.",
            )
        if self.forward is not None and self._is_this(self.forward):
            raise SettingsError(f"{self.forward} is this receiver itself", hint="Forward to another address.")
        if self.token is None and not is_loopback(self.host):
            raise SettingsError(
                f"{self.host} can be reached from other machines, so clients need a token",
                hint="Set HARNESSFIX_TOKEN, or listen on 127.0.0.1.",
            )

    def _is_this(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            return parts.port == self.port and (parts.hostname == self.host or is_loopback(parts.hostname or ""))
        except ValueError:
            return False


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Collecting:
    """A receiver at work; a context manager that ends it in order: nothing that was answered for is lost.

    Args:
        address: of the store.
        settings: for redaction, and for the folder of the inbox.
        doors: where to listen.
        tell: told, in one line each, what was refused, rejected or not forwarded.
        limits: bounds; the usual ones when None.

    Raises:
        HarnessfixError: an address or the store cannot be used, or a package is missing.
    """

    def __init__(
        self,
        address: str,
        settings: "Settings",
        doors: Doors,
        tell: Callable[[str], None],
        *,
        limits: "Limits | None" = None,
    ) -> None:
        doors.check()
        try:
            from harnessfix_collectors.receiver.forward import Forwarder
            from harnessfix_collectors.receiver.limits import Limits
            from harnessfix_collectors.receiver.receiver import Receiver
            from harnessfix_collectors.receiver.scrub import Scrubber
            from harnessfix_collectors.receiver.serving import Serving
        except ImportError as error:
            raise HarnessfixError(f"a receiver needs {error.name}, which is not installed", hint=NEEDED) from None
        from harnessfix.store.inbox import Inbox, inbox_of

        folder = settings.root / ".harnessfix"
        if doors.grpc_port is not None and importlib.util.find_spec("grpc") is None:
            raise HarnessfixError("gRPC needs grpcio, which is not installed", hint=GRPC_NEEDED)
        scrubber = Scrubber(enabled=settings.redact.enabled, patterns=settings.redact.patterns)
        with contextlib.ExitStack() as opened:
            self._inbox = opened.enter_context(Inbox(inbox_of(address, folder), timeout=BUSY_SECONDS))
            self.forwarder = (
                Forwarder(doors.forward, headers=doors.forward_headers, tell=tell)
                if doors.forward is not None
                else None
            )
            self.receiver = Receiver(self._inbox, scrubber, limits or Limits(), forwarder=self.forwarder, tell=tell)
            opened.callback(self.receiver.close)
            self.serving = Serving(
                self.receiver, host=doors.host, port=doors.port, grpc_port=doors.grpc_port, token=doors.token
            )
            opened.pop_all()  # from here on `close` does it
        self._address, self._folder, self._tell = address, folder, tell
        self._settling = _start_settling(address, folder)

    @property
    def counts(self) -> "Counts":
        """What came in so far."""
        return self.receiver.counts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def look_after(self) -> None:
        """Start the process that makes runs again if something ended it; to be called now and then."""
        if self._settling.poll() is not None:
            self._tell(f"the process that makes runs ended with {self._settling.returncode}; it is started again")
            self._settling = _start_settling(self._address, self._folder)

    def close(self) -> None:
        """Take nothing new, answer what came, commit it, make runs of all of it."""
        self.serving.stop()
        self._inbox.close()
        _stop_settling(self._settling)


def _start_settling(address: str, folder: Path) -> "subprocess.Popen[bytes]":
    # -P: nothing of the current folder is imported
    command = [sys.executable, "-P", "-m", "harnessfix.receiving.settling"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(json.dumps({"address": address, "folder": str(folder)}).encode() + b"\n")
    process.stdin.flush()
    return process


def _stop_settling(process: "subprocess.Popen[bytes]") -> None:
    """Let it come to an end; what it does not come to waits in the inbox for the next command."""
    assert process.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"stop\n")
            process.stdin.flush()
        process.wait(SETTLE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # also when a second Ctrl-C ended the wait: then it ends after the run it is at
        process.wait()
