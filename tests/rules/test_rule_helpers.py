"""What rules share: quoting, templates found in texts, errors in outputs, credentials, arguments, requests."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessfix.rules import _secrets
from harnessfix.rules._calls import argument_flaw, asked_in
from harnessfix.rules._errors import error_lines, escaped_to, frames_of
from harnessfix.rules._layers import layer_of
from harnessfix.rules._query import added_messages, place_among, quote, reply_parts, requests, that_ran
from harnessfix.rules._secrets import secrets_in
from harnessfix.rules._templates import is_bounded, rendering
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.harness import Element, Fact
from harnessfix_ir.htir import Htir
from harnessfix_ir.reached import Reached
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import ElementRole, Layer, Status, StepKind

HERE = Source(format="test")


@given(st.text(max_size=2000))
def test_quotes_fit_on_one_short_line(text: str) -> None:
    assert len(quote(text)) <= 200
    assert quote(text).isprintable()


def test_quotes_show_controls_and_leave_the_middle_out() -> None:
    assert quote("a\x1b[31mb\n") == "a\\x1b[31mb\\n"
    assert quote("x" * 50 + "y" * 500, 60).startswith("xxx")
    assert quote("x" * 50 + "y" * 500, 60).endswith("yyy")
    assert " … " in quote("x" * 50 + "y" * 500, 60)


def test_frames_of_a_recorded_traceback_and_of_any_other_text() -> None:
    told = f"agent.py:12 in Agent.run\nC:\\tools.py:3 in look\nagent.py:² in x\nagent.py:{'9' * 5000} in y\nfoo\n"
    error = ErrorInfo(type="ValueError", traceback=told)
    step = TraceStep(id="s1", kind=StepKind.ERROR, name="raise ValueError", source=HERE, error=error)
    assert [tuple(frame) for frame in frames_of(step)] == [
        ("agent.py", 12, "Agent.run"),
        ("C:\\tools.py", 3, "look"),
        ("agent.py", None, "x"),
        ("agent.py", None, "y"),
        ("", None, ""),
    ]
    assert frames_of(step.model_copy(update={"error": None})) == []


def _prompt(text: str, engine: str, *placeholders: str, bounded: tuple[str, ...] = ()) -> Element:
    anchor = Anchor(path="agent.py", qualname="PROMPT", start_line=1, end_line=1)
    facts = [Fact(name="engine", value=engine), Fact(name="placeholders", value=[*placeholders])]
    facts += [Fact(name="bounded-placeholders", value=[*bounded])] if bounded else []
    return Element(
        id="p", role=ElementRole.PROMPT, layer=Layer.CONTEXT, name="p", anchor=anchor, facts=tuple(facts), text=text
    )


@pytest.mark.parametrize(
    ("prompt", "text", "holes"),
    [
        (_prompt("Output:\n{output}\nExit code {code}.", "format", "output", "code"), "Output:\na\nb\nExit code 3.",
         {"output": "a\nb", "code": "3"}),
        (_prompt("As JSON {{\"a\": 1}}: {value!r:>5} is it", "format", "value"), 'As JSON {"a": 1}:   \'x\' is it',
         {"value": "'x'"}),
        (_prompt("Seen {d['x']} in {len(names)} folders", "f-string", "d['x']", "len(names)"), "Seen cat in 12 folders",
         {"d['x']": "cat", "len(names)": "12"}),
        (_prompt("{% if warn %}Take care.{% endif %}<output>{{ output.text }}</output>", "jinja", "output.text"),
         "<output>fine</output>", {"output.text": "fine"}),
    ],
)  # fmt: skip
def test_what_stands_in_the_holes_of_a_template(prompt: Element, text: str, holes: dict[str, str]) -> None:
    fit = rendering(prompt, text)
    assert fit is not None
    assert {hole.placeholder: text[hole.start : hole.end].strip() for hole in fit.holes} == holes


def test_another_text_is_not_a_rendering() -> None:
    assert (
        rendering(_prompt("Output:\n{output}\nExit code {code}.", "format", "output", "code"), "All is well.") is None
    )
    assert rendering(_prompt("{output}", "format", "output"), "anything") is None


def test_a_template_that_cuts_a_placeholder_bounds_it() -> None:
    prompt = _prompt("{{ output[:100] }} {{ name }}", "jinja", "output", "name", bounded=("output",))
    assert is_bounded(prompt, "output[:100]")
    assert not is_bounded(prompt, "name")


def test_lines_that_report_an_error() -> None:
    log = "compiling\n  File x\nmain.c:3: error: expected ';'\nKeyError: 'a'\nFAILED tests/test_a.py\nno errors, fine\n"
    assert error_lines(log) == ["main.c:3: error: expected ';'", "KeyError: 'a'", "FAILED tests/test_a.py"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("key sk-" + "a1B2" * 8, True),
        *((f"a {kind}_" + "x" * 36, True) for kind in ("ghp", "gho", "ghu", "ghs", "ghr", "hf")),
        ("github_pat_" + "x1" * 24, True),
        ("glpat-" + "x1" * 12, True),
        ("AKIA" + "Q7" * 8, True),
        ("ASIA" + "Q7" * 8, True),
        ("AIza" + "Q7-_x" * 7, True),
        *((f"xox{kind}-" + "1a" * 12, True) for kind in "abprs"),
        *((f"MY_{kind}_1=" + "q" * 20, True) for kind in ("SECRET", "TOKEN", "PASSWORD")),
        ("the value was [redacted: a key] before", True),
        ("EXAMPLE_API_KEY=" + "q" * 20, True),
        ("the value was <redacted> before", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("the sk- prefix, MY_TOKEN=short, ask-nicely-about-tokens", False),
        ("AKIA is how such ids begin", False),
    ],
)
def test_shapes_of_credentials(text: str, found: bool) -> None:
    for around in ("{}", "an x-ray - and a _Token_ before\n{}\nAfter", "{}" + " Åse" * 3):
        assert bool(secrets_in(around.format(text))) is found
    assert not any("a1B2" in words or "qqqq" in words for words in secrets_in(text))


def test_a_text_is_searched_for_credentials_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def search(text: str) -> list[str]:
        searched.append(text)
        return ["a key"]

    monkeypatch.setattr(_secrets, "secrets_in", search)
    run, other = (Htir(run=RunInfo(id=name), texts={"t": name}) for name in ("run", "other"))
    part = Part(role="tool", text="t")
    assert [_secrets.secrets_of(one, part) for one in (run, run, other)] == [["a key"]] * 3
    assert searched == ["run", "other"]


@pytest.mark.parametrize(
    ("arguments", "flaw"),
    [
        ('{"a": 1}', None),
        ("{}", None),
        ("", "empty"),
        ('{"a": 1', "not JSON"),
        ("[1]", "an array and not an object"),
        ('"x"', "a string and not an object"),
        ("true", "a boolean and not an object"),
        ("null", "JSON null and not an object"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_with_arguments(arguments: str, flaw: str | None) -> None:
    assert argument_flaw(arguments) == flaw


def _call(
    pool: TextPool, number: int, *messages: tuple[str, str], reply: str = "", parent: str | None = None
) -> TraceStep:
    return TraceStep(
        id=f"s{number}",
        parent=parent,
        kind=StepKind.MODEL_CALL,
        name="query",
        input=tuple(Part(role=role, text=pool.put(text)) for role, text in messages),
        output=(Part(role="assistant", text=pool.put(reply)),) if reply else (),
        source=HERE,
    )


def test_new_messages_of_two_conversations_side_by_side() -> None:
    pool = TextPool()
    steps = (
        _call(pool, 1, ("system", "A at 9:00"), ("user", "count")),
        _call(pool, 2, ("system", "B"), ("user", "paint")),
        _call(pool, 3, ("system", "A at 9:01"), ("user", "count"), ("assistant", "one"), ("user", "go on")),
        _call(pool, 4, ("system", "B"), ("user", "paint"), ("user", "paint")),
    )
    run = Htir(run=RunInfo(id="r"), steps=steps, texts=pool.texts)
    told = [(step.id, before and before.id, [run.text(p) for p in new]) for step, before, new in added_messages(run)]
    assert told == [
        ("s1", None, ["A at 9:00", "count"]),
        ("s2", None, ["B", "paint"]),
        ("s3", "s1", ["A at 9:01", "one", "go on"]),
        ("s4", "s2", ["paint"]),
    ]


def test_a_wrapped_model_call_counts_once_and_its_attempt_has_the_reply() -> None:
    pool = TextPool()
    outer = _call(pool, 1, ("user", "go"), reply="{...}")
    asked = Part(role="assistant", kind="tool_call", name="look", call_id="c", text=pool.put(json.dumps({"a": 1})))
    attempt = TraceStep(
        id="s2", parent="s1", kind=StepKind.LIFECYCLE, name="_query", output=(asked,), source=HERE,
        attributes={"role": "model_call"},
    )  # fmt: skip
    run = Htir(run=RunInfo(id="r"), steps=(outer, attempt), texts=pool.texts)
    assert [step.id for step in requests(run)] == ["s1"]
    assert reply_parts(run, outer) == (asked,)
    assert [(call.name, call.arguments) for call in asked_in(run, outer)] == [("look", '{"a": 1}')]


def test_an_exception_escaped_when_all_steps_around_it_ended_by_it_or_by_what_it_caused() -> None:
    inner = ErrorInfo(type="KeyError", message="'a'")
    wrapped = ErrorInfo(type="agent.Failed", message="step failed", cause=inner)

    def chain(*errors: ErrorInfo | None) -> Htir:
        steps = [
            TraceStep(
                id=f"s{n}", parent=f"s{n - 1}" if n > 1 else None, kind=StepKind.LIFECYCLE, name="f", error=error,
                status=Status.ERROR if error else Status.OK, source=HERE,
            )
            for n, error in enumerate(errors, 1)
        ]  # fmt: skip
        return Htir(run=RunInfo(id="r"), steps=tuple(steps))

    def ended(*errors: ErrorInfo | None) -> str | None:
        run = chain(*errors)
        found = escaped_to(run, run.steps[-1])
        return found.id if found is not None else None

    assert ended(wrapped, inner, inner) == "s1"
    assert ended(None, inner, inner) is None
    assert ended(ErrorInfo(type="ValueError", message="another"), inner) is None


def test_a_part_is_found_among_others_where_it_stands_last() -> None:
    one, other = Part(role="user", text="t"), Part(role="user", text="t")
    assert place_among((one, other, one), one) == 2
    assert place_among((one, other, one), other) == 1
    assert place_among((one,), other) == -1


@pytest.mark.parametrize(
    ("path", "qualname", "told", "layer"),
    [
        ("kit/approval.py", "needs_approval", {}, Layer.GOVERNANCE),
        ("kit/loop.py", "Agent.run", {"parts": {ElementRole.AGENT_LOOP: 1}}, Layer.LIFECYCLE),
        ("kit/x.py", "Agent.run", {"shared": {"tracing": 3.0, "span": 2.0}}, Layer.OBSERVABILITY),
        ("kit/x.py", "f", {"called": ["json.parse_arguments"]}, Layer.TOOL_INTERFACE),
        ("kit/x.py", "f", {"program": {"truncate", "history"}}, Layer.CONTEXT),
        ("kit/x.py", "f", {"shared": {"runs": 1.0}}, Layer.LIFECYCLE),  # a short word in the plural
        ("kit/x.py", "f", {"shared": {"runtime_of_x": 1.0}, "program": {"sandbox"}}, Layer.EXECUTION),
        ("kit/x.py", "f", {}, Layer.LIFECYCLE),  # nothing is said
        ("kit/x.py", "f" * 100_000, {"program": {"sandbox"}}, Layer.EXECUTION),
    ],
)
def test_the_layer_of_a_function_is_told_from_words(path: str, qualname: str, told: dict, layer: Layer) -> None:  # type: ignore[type-arg]
    anchor = Anchor(path=path, qualname=qualname, start_line=1, end_line=9)
    assert layer_of(anchor, **told) is layer


def test_only_what_a_run_reached_is_named_where_the_capture_tells() -> None:
    def element(path: str, start: int, end: int) -> Element:
        anchor = Anchor(path=path, qualname="f", start_line=start, end_line=end)
        return Element(id=f"{path}:{start}", role=ElementRole.TRUNCATION, layer=Layer.CONTEXT, name="f", anchor=anchor)

    inside, passed, elsewhere = element("a.py", 12, 12), element("a.py", 30, 40), element("b.py", 1, 9)
    elements = [inside, passed, elsewhere]
    run = Htir(run=RunInfo(id="r"), reached={"a.py": Reached(hit=(10,), missed=(30,))})
    assert that_ran(run, elements) == [inside]
    assert that_ran(Htir(run=RunInfo(id="r")), elements) == elements


@pytest.mark.parametrize(
    ("closing", "escapes"),
    [
        (ErrorInfo(type="RuntimeError", message="closed", cause=ErrorInfo(type="GeneratorExit")), True),
        (ErrorInfo(type="asyncio.exceptions.CancelledError"), True),
        (ErrorInfo(type="RuntimeError", message="closed"), False),
    ],
)
def test_a_generator_that_was_given_up_did_not_contain_what_was_raised_while_it_was_read(
    closing: ErrorInfo, escapes: bool
) -> None:
    wrong = ErrorInfo(type="json.decoder.JSONDecodeError", message="Unterminated string")
    steps = [
        ("s1", None, StepKind.TASK, wrong),
        ("s2", "s1", StepKind.MODEL_CALL, closing),
        ("s3", "s2", StepKind.ERROR, wrong),
    ]
    run = Htir(
        run=RunInfo(id="r"),
        steps=tuple(
            TraceStep(id=i, parent=parent, kind=kind, name="raise", source=HERE, error=error, status=Status.ERROR)
            for i, parent, kind, error in steps
        ),
    )
    ended = escaped_to(run, run.step("s3"))
    assert (ended.id if ended is not None else None) == ("s1" if escapes else None)
