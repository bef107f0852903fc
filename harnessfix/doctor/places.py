"""Where things go: the store, the receiver, the sandbox."""

import shutil
import socket
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from harnessfix.cut_off import cut_off
from harnessfix.words import counted
from harnessfix_ir.errors import HarnessfixError

from .check import Check

NEEDED = ("ahocorasick-rs", "googleapis-common-protos", "httptools", "opentelemetry-proto", "uvicorn")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PORTS = {"http": 80, "https": 443}


def store_checks(start: Path, store: str | None) -> Iterator[Check]:
    """The store that a recording would go to."""
    from harnessfix.settings import load_settings
    from harnessfix.store import Store, find_store

    try:
        settings = load_settings(start, {})
        place = store or settings.store or find_store(start)
        if place is None or ("://" not in str(place) and not Path(place).exists()):
            found = "none yet; the first recording makes .harnessfix/ here"
            yield Check(what="store", state="note", found=found)
            return
        with Store.open(place, create=False) as held:
            info = held.info()
        yield Check(
            what="store",
            state="ok",
            found=f"{info.place} ({info.engine}): {counted(info.runs, 'run')}, {counted(info.steps, 'step')}",
        )
        yield from _inbox(info.place, settings.root / ".harnessfix")
        yield from _cut_off(settings.root / ".harnessfix" / "spool")
    except HarnessfixError as error:
        yield Check(what="store", state="problem", found=str(error), advice=error.hint)


def _inbox(place: str, folder: Path) -> Iterator[Check]:
    from harnessfix.store.inbox import Inbox, inbox_of

    path = inbox_of(place, folder)
    if not path.exists():
        return
    with Inbox(path) as inbox:
        waiting, aside = inbox.pending(), inbox.aside()
    if waiting:
        items = sum(each.items for each in waiting)
        yield Check(
            what="inbox",
            state="note",
            found=f"{items} received spans of {len(waiting)} traces are no runs yet",
            advice="`harnessfix runs` makes runs of them.",
        )
    for trace, why in aside:
        yield Check(
            what="inbox",
            state="loss",
            found=f"trace {trace} could not be made a run: {why}",
            advice="Its messages are kept, and tried again when more of it comes.",
        )


def _cut_off(spool: Path) -> Iterator[Check]:
    for each in cut_off(spool):
        yield Check(what="recording", state="loss", found=each.what, advice=f"{each.advice}.")


def receiver_checks(environment: Mapping[str, str]) -> Iterator[Check]:
    """Whether `collect` can work, and whether what the program sends has somewhere to go."""
    missing = [name for name in NEEDED if not _installed(name)]
    if missing:
        yield Check(
            what="receiver",
            state="note",
            found=f"`harnessfix collect` needs what is not installed here: {', '.join(missing)}",
            advice="pip install 'harnessfix[collect]'; 'harnessfix[grpc]' for gRPC, too.",
        )
    elif not _installed("grpcio"):
        yield Check(
            what="receiver",
            state="note",
            found="`harnessfix collect` receives over HTTP; gRPC needs grpcio",
            advice="pip install 'harnessfix[grpc]', or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.",
        )
    else:
        yield Check(what="receiver", state="ok", found="`harnessfix collect` receives over HTTP and gRPC")
    for name in ENDPOINTS:
        url = environment.get(name, "").strip()
        if url:
            yield from _endpoint(name, url, environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip())
            return


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _endpoint(name: str, url: str, protocol: str) -> Iterator[Check]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 4317)
    except ValueError:
        yield Check(
            what="exporter",
            state="loss",
            found=f"{name}={url} is no URL: spans go nowhere",
            advice="Correct it.",
            way="collect",
        )
        return
    shown = f"{host}:{port}"
    # Only on this machine: to look at another one would tell it that somebody is there.
    if host in ("localhost", "127.0.0.1", "::1") and not _listens(host, port):
        yield Check(
            what="exporter",
            state="loss",
            found=f"{name}={url}: nobody listens at {shown}, so spans are lost",
            advice="Start `harnessfix collect`, or unset it.",
            way="collect",
        )
    if port == 4318 and protocol in ("", "grpc"):
        yield Check(
            what="exporter",
            state="loss",
            found=f"{name} names port 4318, which is for HTTP; the protocol is gRPC{'' if protocol else ' by default'}",
            advice="Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.",
            way="collect",
        )


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def sandbox_checks() -> Iterator[Check]:
    """What the system offers to see processes, and to keep validation apart."""
    if not Path("/proc/self/environ").exists():
        text = "no /proc: processes that outlive their step cannot be seen"
        yield Check(what="processes", state="loss", found=text, advice="Rule E102 then relies on the source alone.")
    if shutil.which("bwrap") is None:
        text = "bubblewrap is not installed: validation runs in a worktree with limits, without a sandbox"
        yield Check(what="sandbox", state="note", found=text, advice="Install bubblewrap to have one (Linux).")
    else:
        yield Check(what="sandbox", state="ok", found="bubblewrap")
