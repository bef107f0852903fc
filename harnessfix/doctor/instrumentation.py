"""OpenTelemetry in the program's environment: which instrumentors would be active, and where they collide."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from harnessfix_ir.source.roles.hazards.double_instrumentation import THROUGH

from .check import Check
from .interpreter import Entry, Installed, normal
from .requirements import allows, asks_for, package_of

INSTRUMENTORS = "opentelemetry_instrumentor"
DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"

LOGFIRE = ("openai", "anthropic", "litellm", "google_genai", "mcp")
"""What `logfire.instrument_…()` watches that others watch, too."""


def checks(told: Installed, environment: Mapping[str, str]) -> Iterator[Check]:
    """What OpenTelemetry will see there.

    Args:
        told: about the interpreter.
        environment: of the program.
    """
    sdk = told.has("opentelemetry-sdk")
    entries = told.of(INSTRUMENTORS)
    if sdk is None:
        yield Check(
            what="opentelemetry",
            state="note",
            found="no OpenTelemetry SDK is installed; the probe records the harness by itself",
        )
    else:
        yield Check(what="opentelemetry", state="ok", found=f"SDK {sdk}{_distro(told)}")
    if not entries:
        yield Check(
            what="instrumentation",
            state="note",
            found="no instrumentor is installed: foreign code is seen only where the harness calls it",
        )
        return
    off = {name.strip() for name in environment.get(DISABLED, "").split(",") if name.strip()}
    active = [entry for entry in entries if not off & {"*", entry.name} and _present(entry, told)]
    for entry in entries:
        if entry not in active and off & {"*", entry.name}:
            yield Check(
                what="instrumentation",
                state="loss",
                found=f"{entry.name} ({entry.package}) is switched off by {DISABLED}",
                advice="Take it out of that variable while you debug.",
            )
    idle = [entry for entry in entries if not _installed(entry, told)]
    if active:
        shown = ", ".join(f"{entry.name} ({family(entry, told)})" for entry in active)
        yield Check(
            what="instrumentation", state="ok", found=f"active in a recorded program that starts OpenTelemetry: {shown}"
        )
    if idle:
        shown = ", ".join(dict.fromkeys(entry.name for entry in idle))
        yield Check(
            what="instrumentation", state="note", found=f"idle, since what they instrument is not installed: {shown}"
        )
    yield from _misfits(told, [entry for entry in entries if not off & {"*", entry.name}])
    yield from _missing_parts(told, active)
    yield from _collisions(told, active)


def family(entry: Entry, told: Installed) -> str:
    """Who made an instrumentor: the three families spell their spans differently."""
    home = told.homes.get(entry.package, "").lower()
    name = normal(entry.package)
    if name.startswith("openinference-"):
        return "OpenInference"
    if "traceloop" in home or name.startswith("traceloop-"):
        return "OpenLLMetry"
    return "OpenTelemetry" if name.startswith("opentelemetry-") else entry.package


def _distro(told: Installed) -> str:
    found = told.of("opentelemetry_distro")
    return f", set up by {', '.join(entry.package for entry in found)}" if found else ""


def _installed(entry: Entry, told: Installed) -> list[tuple[str, str]]:
    """Of what it instruments, the requirements whose package is installed, each with the version."""
    needed = told.instruments.get(entry.package, ())
    found = [(requirement, told.has(package_of(requirement))) for requirement in needed]
    if not needed:  # one that does not say is taken to fit
        return [("", "")]
    return [(requirement, version) for requirement, version in found if version is not None]


def _present(entry: Entry, told: Installed) -> bool:
    """Whether anything that it instruments is installed, in a version that it instruments."""
    return any(allows(requirement, version) for requirement, version in _installed(entry, told))


def _misfits(told: Installed, entries: list[Entry]) -> Iterator[Check]:
    """OpenTelemetry passes them over, and says so in its debug log alone."""
    for entry in entries:
        found = _installed(entry, told)
        if found and not _present(entry, told):
            requirement, version = found[0]
            yield Check(
                what="instrumentation",
                state="loss",
                found=f"{entry.name} ({entry.package}) asks for {asks_for(requirement)}, and {version} is installed: "
                "it is passed over",
                advice="Install a version of either that fits the other.",
            )


def _missing_parts(told: Installed, active: list[Entry]) -> Iterator[Check]:
    if active and told.has("opentelemetry-sdk") is None:
        yield Check(
            what="instrumentation",
            state="loss",
            found="instrumentors are installed, but the SDK is not: their spans go nowhere",
            advice="pip install opentelemetry-sdk in the program's environment.",
        )
    distros = told.of("opentelemetry_distro")
    if len(distros) > 1:
        yield Check(
            what="instrumentation",
            state="note",
            found=f"{len(distros)} packages want to set OpenTelemetry up: {', '.join(e.package for e in distros)}",
            advice="OTEL_PYTHON_DISTRO says which one does; without it, whichever is found first.",
        )


def _blocked(name: str, same: list[Entry], told: Installed) -> str:
    """How to switch only one of them off, where its family has a way."""
    theirs = any(family(entry, told) == "OpenLLMetry" for entry in same) and told.has("traceloop-sdk") is not None
    return (
        f", or block Traceloop's (`Traceloop.init(block_instruments={{Instruments.{name.upper()}}})`)" if theirs else ""
    )


def _collisions(told: Installed, active: list[Entry]) -> Iterator[Check]:
    by_name: dict[str, list[Entry]] = defaultdict(list)
    for entry in active:
        by_name[entry.name].append(entry)
    for name, same in by_name.items():
        if len(same) > 1:
            packages, number = ", ".join(f"{entry.package} of {family(entry, told)}" for entry in same), len(same)
            yield Check(
                what="instrumentation",
                state="loss",
                found=f"{number} packages instrument {name} ({packages}): each call may be recorded {number} times",
                advice=f"Uninstall all but one{_blocked(name, same, told)}: {DISABLED}={name} would switch all of them "
                "off. harnessfix makes one step of spans of the same call.",
            )
    if told.has("logfire") is not None:
        both = [name for name in LOGFIRE if name in by_name]
        if both:
            yield Check(
                what="instrumentation",
                state="note",
                found=f"Logfire brings instrumentation of its own for {', '.join(both)}: where the program asks for "
                "it, each call makes two spans",
                advice="Leave out either `logfire.instrument_…()` or the other package.",
            )
    for framework, clients in THROUGH.items():
        both = [name for name in clients if name in by_name]
        if framework in by_name and both:
            yield Check(
                what="instrumentation",
                state="note",
                found=f"{framework} and {', '.join(both)} are both instrumented: model calls make two spans each",
                advice="harnessfix merges spans of the same call; to have one, switch the client's instrumentor off.",
            )
