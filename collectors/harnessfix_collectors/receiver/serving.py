"""Both doors open: sockets, the event loop in a thread of its own, and an orderly end."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from harnessfix_ir.errors import HarnessfixError

from .http_app import HttpApp
from .receiver import Receiver

GRACE = 10
BACKLOG = 1024
CONNECTIONS = 512
KEEP_ALIVE = 75


class Serving:
    """A receiver that listens from the moment it is made until `stop`.

    Args:
        receiver: takes the requests.
        host: address to listen on.
        port: of HTTP; 0 for any that is free.
        grpc_port: of gRPC, as `port`; None to leave gRPC out.
        token: that clients have to bear; None where none is needed.

    Raises:
        HarnessfixError: an address cannot be used.
        ImportError: gRPC was asked for and `grpcio` is not installed.
    """

    def __init__(
        self, receiver: Receiver, *, host: str, port: int, grpc_port: int | None = None, token: str | None = None
    ) -> None:
        self._receiver, self._grpc = receiver, None
        self._socket = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.grpc_port: int | None = None
        if grpc_port is not None:
            try:
                from .grpc_service import grpc_server

                self._grpc, self.grpc_port = grpc_server(receiver, host, grpc_port, token)
            except OSError as error:
                self._socket.close()
                raise _taken(str(error)) from None
            except ImportError:
                self._socket.close()
                raise
        config = uvicorn.Config(
            HttpApp(receiver, token),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
            limit_concurrency=CONNECTIONS,
        )
        self._server = uvicorn.Server(config)
        self._log = _Told(receiver.tell)
        self._thread = threading.Thread(target=self._run, name="harnessfix-http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take nothing new, answer what came, commit what waits."""
        stopped: Any = self._grpc.stop(GRACE) if self._grpc is not None else None
        self._server.should_exit = True
        self._thread.join()
        if stopped is not None:
            stopped.wait()
        self._receiver.close()
        self._log.close()

    def _run(self) -> None:
        # Not in the main thread, where uvicorn would take the signals for itself.
        asyncio.run(self._server.serve(sockets=[self._socket]))


class _Told(logging.Handler):
    """Hands on what the HTTP server complains about, broken requests for instance."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._logger = logging.getLogger("uvicorn.error")
        self._logger.addHandler(self)
        self._propagated, self._logger.propagate = self._logger.propagate, False

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(f"http: {record.getMessage()}")

    def close(self) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate = self._propagated
        super().close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, number)
    except OSError as error:
        raise _taken(f"{host}: {error.strerror}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)  # a client that comes before the loop has started waits instead of being refused
    except OSError as error:
        listening.close()
        raise _taken(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listening


def _taken(what: str) -> HarnessfixError:
    return HarnessfixError(
        what, hint="Does another receiver run there? Choose other ports, with --port and --grpc-port."
    )
