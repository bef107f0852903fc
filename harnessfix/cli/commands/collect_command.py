"""`harnessfix collect`."""

import click

from harnessfix.cli import data
from harnessfix.cli.options import folder, format_option, store_option
from harnessfix.words import counted


@click.command("collect")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others need a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=4318, show_default=True, help="Port of OTLP/HTTP.")
@click.option("--grpc-port", type=click.IntRange(0, 65535), default=4317, show_default=True, help="Port of OTLP/gRPC.")
@click.option("--no-grpc", is_flag=True, help="Listen on HTTP alone.")
@click.option("--token", envvar="HARNESSFIX_TOKEN", show_envvar=True, metavar="TEXT", help="What clients have to bear.")
@click.option("--forward", metavar="URL", help="Pass everything on to this OTLP/HTTP endpoint, too.")
@click.option("--forward-header", "headers", multiple=True, metavar="NAME=VALUE", help="For that; repeatable.")
@click.option("--max-rate", type=click.IntRange(min=1), metavar="MIB", help="Take at most so many MiB a second.")
@format_option("text", "json")
@store_option
def command(
    host: str,
    port: int,
    grpc_port: int,
    no_grpc: bool,
    token: str | None,
    forward: str | None,
    headers: tuple[str, ...],
    max_rate: int | None,
    output_format: str,
    store: str | None,
) -> None:
    """Receive traces and logs over OTLP (HTTP and gRPC) until Ctrl-C, and make runs of them.

    What is acknowledged is on the disk. Any OpenTelemetry SDK and the OpenTelemetry Collector can send here; secrets
    are taken out before anything is stored (see `redact` in docs/settings.md).

    \b
    harnessfix collect
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf python agent.py
    harnessfix collect --forward https://backend.example:4318
    """
    from harnessfix.cli import talk
    from harnessfix.cli.repeats import Repeats
    from harnessfix.cli.signals import wait_for_end
    from harnessfix.receiving.serving import Collecting, Doors
    from harnessfix.settings import load_settings
    from harnessfix.workspace import place_of_store
    from harnessfix_collectors.receiver.limits import MIB, Limits

    settings = load_settings(folder(None), {})
    place = str(place_of_store(folder(None), settings, store))
    doors = Doors(host, port, None if no_grpc else grpc_port, token, forward, _pairs(headers))
    limits = Limits(rate=max_rate * MIB if max_rate else None)
    tell = Repeats(lambda line: talk.note(line, "yellow"))
    with Collecting(place, settings, doors, tell, limits=limits) as collecting:
        serving = collecting.serving
        here = f"http://{f'[{host}]' if ':' in host else host}:{serving.port}"
        talk.note(f"OTLP/HTTP on {here} (/v1/traces, /v1/logs)")
        if serving.grpc_port is not None:
            talk.note(f"OTLP/gRPC on {host}:{serving.grpc_port}")
        talk.note(f"for programs: {_variables(here, bool(token))}", "dim")
        talk.note("Ctrl-C ends it", "dim")
        wait_for_end(collecting.look_after)
        talk.note("ending: making runs of what came last", "dim")
    tell.rest()
    counts, forwarder = collecting.counts, collecting.forwarder
    if output_format == "json":
        told = {name: getattr(counts, name) for name in NUMBERS}
        lost = forwarder.lost if forwarder is not None else 0
        data.dump({"schema": "harnessfix.collect/1", **told, "not_forwarded": lost})
        return
    data.show(
        f"{counted(counts.spans, 'span')} and {counted(counts.records, 'log record')} in "
        f"{counted(counts.requests, 'request')}; {counts.rejected} rejected, "
        f"{counted(counts.refused, 'request')} refused, {counted(counts.secrets, 'secret')} taken out"
    )
    if forwarder is not None:
        data.show(f"{forwarder.sent} forwarded, {forwarder.lost} not")
    talk.note("next: harnessfix runs   or   harnessfix check", "dim")


NUMBERS = ("requests", "spans", "records", "rejected", "refused", "secrets")


def _variables(here: str, token: bool) -> str:
    """What a program is told; of an address that stands for all of this machine's, by its name."""
    import socket

    for everywhere in ("//0.0.0.0:", "//[::]:"):
        here = here.replace(everywhere, f"//{socket.gethostname()}:")
    bearer = " OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN" if token else ""
    return f"OTEL_EXPORTER_OTLP_ENDPOINT={here} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf{bearer}"


def _pairs(headers: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for header in headers:
        name, sign, value = header.partition("=")
        if not sign or not name.strip():
            raise click.BadParameter("has to be NAME=VALUE", param_hint="--forward-header")
        pairs[name.strip()] = value.strip()
    return pairs
