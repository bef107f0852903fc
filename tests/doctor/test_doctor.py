"""What `doctor` says of an interpreter with these packages and an environment with these variables."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harnessfix.doctor import Check, examine, instrumentation, interpreter, requirements, variables
from harnessfix.store import Store
from harnessfix.store.inbox import Inbox, inbox_of

Install = Callable[..., None]


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable that telemetry looks at is set."""
    families = ("OPENINFERENCE_", "TRACELOOP_", "OPENAI_AGENTS_", "LANGSMITH_", "LOGFIRE_")
    for name in [*os.environ]:
        if name.startswith(("OTEL_", "TRACEPARENT", *families)):
            monkeypatch.delenv(name)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: None) -> Install:
    """Puts the metadata of a package where the interpreter finds it."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(site))

    def put(name: str, *entries: str, instruments: str = "", home: str = "", version: str = "1.0") -> None:
        folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        if instruments:
            lines += ["Provides-Extra: instruments", f"Requires-Dist: {instruments}; extra == 'instruments'"]
        if home:
            lines.append(f"Project-URL: Repository, {home}")
        (folder / "METADATA").write_text("\n".join(lines) + "\n")
        sections: dict[str, list[str]] = {}
        for entry in entries:
            group, _, rest = entry.partition(":")
            sections.setdefault(group, []).append(f"{rest} = module:Class")
        text = "".join(f"[{group}]\n" + "\n".join(named) + "\n" for group, named in sections.items())
        (folder / "entry_points.txt").write_text(text)

    return put


def bare_python(tmp_path: Path) -> str:
    """An interpreter that sees only what the test installs."""
    folder = tmp_path / "venv"
    if not folder.exists():
        import venv

        venv.create(folder, with_pip=False)
    return str(folder)


def told(checks: list[Check], what: str, state: str) -> list[str]:
    return [check.found for check in checks if (check.what, check.state) == (what, state)]


def asked(tmp_path: Path) -> interpreter.Installed:
    _, found = interpreter.ask(bare_python(tmp_path))
    assert found is not None
    return found


INSTRUMENTOR = "opentelemetry_instrumentor"


def test_families_that_share_a_name_collide(install: Install, tmp_path: Path) -> None:
    install("opentelemetry-sdk")
    install("openai", version="3.57.0")
    install("openinference-instrumentation-openai", f"{INSTRUMENTOR}:openai", instruments="openai>=1.69")
    install(
        "opentelemetry-instrumentation-openai",
        f"{INSTRUMENTOR}:openai",
        instruments="openai>=1",
        home="https://github.com/traceloop/openllmetry",
    )
    install("opentelemetry-instrumentation-genai-openai", f"{INSTRUMENTOR}:openai", instruments="openai<4,>=1.26")
    found = list(instrumentation.checks(asked(tmp_path), {}))
    (loss,) = [check for check in found if check.state == "loss"]
    assert "3 packages instrument openai" in loss.found
    for family in ("of OpenInference", "of OpenLLMetry", "of OpenTelemetry"):
        assert family in loss.found
    assert "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=openai" in loss.advice


def test_what_is_idle_and_what_is_switched_off(install: Install, tmp_path: Path) -> None:
    install("opentelemetry-sdk", version="1.45.2")
    install("opentelemetry-distro", "opentelemetry_distro:distro")
    install("openai")
    install("opentelemetry-instrumentation-genai-openai", f"{INSTRUMENTOR}:openai", instruments="openai>=1")
    install("openinference-instrumentation-langchain", f"{INSTRUMENTOR}:langchain", instruments="langchain_core>=0.3")
    there = asked(tmp_path)
    found = list(instrumentation.checks(there, {}))
    assert told(found, "opentelemetry", "ok") == ["SDK 1.45.2, set up by opentelemetry-distro"]
    assert "openai (OpenTelemetry)" in told(found, "instrumentation", "ok")[0]
    assert told(found, "instrumentation", "note")[0].endswith("is not installed: langchain")
    found = list(instrumentation.checks(there, {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "redis, openai"}))
    assert (
        "openai (opentelemetry-instrumentation-genai-openai) is switched off"
        in told(found, "instrumentation", "loss")[0]
    )
    assert told(found, "instrumentation", "ok") == []


def test_one_for_another_version_is_passed_over_and_no_part_of_a_collision(install: Install, tmp_path: Path) -> None:
    install("opentelemetry-sdk")
    install("openai", version="1.50.1")
    install("openinference-instrumentation-openai", f"{INSTRUMENTOR}:openai", instruments="openai>=2.8.0")
    install("opentelemetry-instrumentation-genai-openai", f"{INSTRUMENTOR}:openai", instruments="openai<4,>=1.26.0")
    found = list(instrumentation.checks(asked(tmp_path), {}))
    assert told(found, "instrumentation", "loss") == [
        "openai (openinference-instrumentation-openai) asks for openai>=2.8.0, and 1.50.1 is installed: "
        "it is passed over"
    ]
    assert told(found, "instrumentation", "ok")[0].endswith(": openai (OpenTelemetry)")


ALLOWED = [
    ("openai", "1.0", True),
    ("openai<4,>=1.26.0; extra == 'instruments'", "3.57.0", True),
    ("openai<4,>=1.26.0; extra == 'instruments'", "4.0", False),
    ("openai (>=1.26,<4)", "1.3", False),
    ("openai[aiohttp] ~= 1.4.2", "1.4.9", True),
    ("openai[aiohttp] ~= 1.4.2", "1.5.0", False),
    ("openai~=1.4", "1.9", True),
    ("openai==2.*", "2.7.1", True),
    ("openai!=2.*", "2.7.1", False),
    ("openai==2.0", "2", True),
    ("openai>2", "2.0.1", True),
    ("openai<=2", "2.0.1", False),
    ("openai @ file:///x", "1", True),
    ("openai>=2", "2.0rc1", True),
    ("openai>=2", "unknown", True),
    ("", "1", True),
]


@pytest.mark.parametrize(("requirement", "version", "allowed"), ALLOWED)
def test_versions_that_a_requirement_allows(requirement: str, version: str, allowed: bool) -> None:
    assert requirements.allows(requirement, version) is allowed


def test_a_client_under_a_framework_makes_two_spans(install: Install, tmp_path: Path) -> None:
    install("opentelemetry-sdk")
    install("a-openai", f"{INSTRUMENTOR}:openai")
    install("a-agents", f"{INSTRUMENTOR}:openai_agents")
    found = list(instrumentation.checks(asked(tmp_path), {}))
    assert "openai_agents and openai are both instrumented" in told(found, "instrumentation", "note")[0]


def test_instrumentors_without_an_sdk(install: Install, tmp_path: Path) -> None:
    install("a-openai", f"{INSTRUMENTOR}:openai")
    found = list(instrumentation.checks(asked(tmp_path), {}))
    assert "their spans go nowhere" in told(found, "instrumentation", "loss")[0]


LOSSES = [
    ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "128"}, "limits", "lose their first messages"),
    ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4096"}, "limits", "long messages are cut"),
    ({"OTEL_SPAN_EVENT_COUNT_LIMIT": "8"}, "limits", "exceptions among them"),
    ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "no_content"}, "content", "leaves messages out"),
    ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "YES"}, "content", "is no value that it knows"),
    ({"OPENINFERENCE_HIDE_INPUTS": "True"}, "content", "hold no inputs"),
    ({"TRACELOOP_TRACE_CONTENT": "false"}, "content", "hold no content"),
    ({"OTEL_SDK_DISABLED": "true"}, "switches", "makes no spans"),
    ({"OTEL_TRACES_SAMPLER": "always_off"}, "sampling", "not all runs are sent"),
    ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}, "sampling", "(0.1 of them are)"),
    ({"LOGFIRE_TRACE_SAMPLE_RATE": "0.5"}, "sampling", "LOGFIRE_TRACE_SAMPLE_RATE=0.5"),
    ({"TRACEPARENT": f"00-{1:032x}-{1:016x}-00"}, "sampling", "is not sampled"),
]


@pytest.mark.parametrize(
    ("environment", "what", "words"), LOSSES, ids=["-".join(case[0]) + str(i) for i, case in enumerate(LOSSES)]
)
def test_variables_that_lose_evidence(environment: dict[str, str], what: str, words: str) -> None:
    (check,) = [each for each in variables.checks(environment, None) if each.state == "loss"]
    assert (check.what, check.way) == (what, "" if "OTEL_SDK_DISABLED" in environment else "collect")
    assert words in check.found
    assert check.advice


HARMLESS = [
    {},
    {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "10000", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ""},
    {"OTEL_TRACES_SAMPLER": "parentbased_always_on"},
    {"TRACEPARENT": f"00-{1:032x}-{1:016x}-01", "LOGFIRE_TRACE_SAMPLE_RATE": "1.0"},
    {"TRACEPARENT": "no such thing", "OTEL_TRACES_SAMPLER": "traceidratio"},
    {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.0"},
    {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only", "TRACELOOP_TRACE_CONTENT": "true"},
]


@pytest.mark.parametrize("environment", HARMLESS)
def test_variables_that_lose_nothing(environment: dict[str, str]) -> None:
    assert list(variables.checks(environment, None)) == []


def test_content_is_left_out_by_default(install: Install, tmp_path: Path) -> None:
    install("opentelemetry-instrumentation-genai-openai", f"{INSTRUMENTOR}:openai")
    (check,) = variables.checks({}, asked(tmp_path))
    assert "is not set" in check.found
    assert "SPAN_ONLY" in check.advice


def test_instrumentation_of_other_things_says_nothing_of_content(install: Install, tmp_path: Path) -> None:
    install("opentelemetry-instrumentation-logging", f"{INSTRUMENTOR}:logging")
    assert list(variables.checks({}, asked(tmp_path))) == []


def test_the_default_limit_cuts_spans_that_flatten_their_messages(install: Install, tmp_path: Path) -> None:
    install("openinference-instrumentation-openai", f"{INSTRUMENTOR}:openai")
    there = asked(tmp_path)
    (check,) = variables.checks({}, there)
    assert (check.what, check.state, check.way) == ("limits", "loss", "collect")
    assert "128 attributes" in check.found
    assert list(variables.checks({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "10000"}, there)) == []


def test_hidden_content_is_said_for_each_way(clean: None) -> None:
    checks = list(variables.checks({"TRACELOOP_TRACE_CONTENT": "false"}, None))
    assert [(check.state, check.way) for check in checks] == [("loss", "collect"), ("note", "record")]
    assert "from the requests to the model" in checks[1].found


def test_logfire_and_traceloop_have_ways_of_their_own(install: Install, tmp_path: Path) -> None:
    home = "https://github.com/traceloop/openllmetry"
    install("opentelemetry-sdk")
    install("logfire")
    install("traceloop-sdk")
    install("opentelemetry-instrumentation-openai", f"{INSTRUMENTOR}:openai", home=home)
    install("openinference-instrumentation-openai", f"{INSTRUMENTOR}:openai")
    there = asked(tmp_path)
    found = list(instrumentation.checks(there, {}))
    (loss,) = [check for check in found if check.state == "loss"]
    assert "block_instruments={Instruments.OPENAI}" in loss.advice
    assert any("Logfire brings instrumentation of its own for openai" in check.found for check in found)
    assert any("Scrubbed" in check.found for check in variables.checks({}, there))


def test_what_holds_for_one_way_comes_under_its_heading(clean: None, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from harnessfix.cli.commands.doctor_command import HEADINGS, command

    done = CliRunner().invoke(
        command, ["--python", sys.executable], env={"OPENINFERENCE_HIDE_INPUTS": "true", "COLUMNS": "400"}
    )
    before, _, after = done.output.partition(HEADINGS["record"])
    own, _, sent = after.partition(HEADINGS["collect"])
    assert "interpreter" in before
    assert "from the requests to the model" in own
    assert "OPENINFERENCE_HIDE_INPUTS=true: OpenInference spans hold no inputs" in sent


@pytest.mark.parametrize(
    ("python", "reason"),
    [("/nowhere/python", "No such file"), ("/bin/false", "exit code 1"), ("/bin/true", "it gives no answer")],
)
def test_an_interpreter_that_gives_no_answer(clean: None, tmp_path: Path, python: str, reason: str) -> None:
    checks = examine(tmp_path, python=python, harness=(), store=None)
    (found,) = told(checks, "interpreter", "problem")
    assert f"{python} does not run: {reason}" in found
    assert told(checks, "store", "note")


def test_packages_named_by_the_settings_are_found(clean: None, install: Install, tmp_path: Path) -> None:
    package = tmp_path / "site" / "someharness"
    package.mkdir()
    (package / "__init__.py").write_text("def run(client):\n    return client.chat.completions.create(messages=[])\n")
    here = tmp_path / "project"
    here.mkdir()
    (here / "harnessfix.toml").write_text('harness = ["someharness"]\n')
    checks = examine(here, python=bare_python(tmp_path), harness=(), store=None)
    (found,) = told(checks, "harness", "ok")
    assert str(package) in found
    assert "1 model call," in found


def test_an_endpoint_where_nobody_listens(clean: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        assert told(examine(tmp_path, python=sys.executable, harness=(), store=None), "exporter", "loss") == []
    (found,) = told(examine(tmp_path, python=sys.executable, harness=(), store=None), "exporter", "loss")
    assert f"nobody listens at 127.0.0.1:{port}" in found


def test_what_lies_in_the_inbox(clean: None, tmp_path: Path) -> None:
    from types import SimpleNamespace
    from typing import Any

    place = tmp_path / ".harnessfix" / "store.db"
    Store.open(place).close()
    chunk: Any = SimpleNamespace(trace=bytes(15) + b"\x01", signal="traces", items=3, rooted=True, data=b"x")
    with Inbox(inbox_of(place, tmp_path)) as inbox:
        inbox.keep([chunk])
        checks = examine(tmp_path, python=sys.executable, harness=(), store=None)
        assert told(checks, "inbox", "note") == ["3 received spans of 1 traces are no runs yet"]
        inbox.put_aside(inbox.pending()[0], "it is broken")
    checks = examine(tmp_path, python=sys.executable, harness=(), store=None)
    assert told(checks, "inbox", "loss") == [f"trace {'0' * 31}1 could not be made a run: it is broken"]
