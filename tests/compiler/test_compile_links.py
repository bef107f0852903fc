"""Links of small hand-made runs: each family, and each relation of the data family, with its ranges."""

import json
from collections.abc import Iterator, Sequence

import pytest

from harnessfix_ir.compiler import compile_run
from harnessfix_ir.compiler.occurrences import Sink
from harnessfix_ir.compiler.provenance.joining import Candidate
from harnessfix_ir.compiler.provenance.matching import Matcher, MatchLink
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.steps import Effect, ErrorInfo, Part, Source, Span, StepEvent, TraceLink, TraceStep
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import Evidence, LinkKind, Status, StepKind

OUTPUT = "\n".join(f"line {n}: the {word} depot reports {n * 7919 % 1000} parcels" for n, word in enumerate(
    ("northern", "southern", "harbour", "airport", "central", "island", "valley", "mountain", "river", "market") * 6
))  # fmt: skip


class Run:
    """Builds a recording step by step; each step begins when the one before has ended unless told otherwise."""

    def __init__(self) -> None:
        self.pool = TextPool()
        self.steps: list[TraceStep] = []
        self.clock = 0

    def part(self, role: str, text: str, kind: str = "text", name: str | None = None, call: str | None = None) -> Part:
        return Part(role=role, text=self.pool.put(text), kind=kind, name=name, call_id=call)

    def add(
        self,
        kind: StepKind,
        name: str = "",
        *,
        input: tuple[Part, ...] = (),
        output: tuple[Part, ...] = (),
        parent: str | None = None,
        status: Status = Status.OK,
        error: ErrorInfo | None = None,
        effects: tuple[Effect, ...] = (),
        agent: str | None = None,
        times: tuple[int, int] | None = None,
    ) -> TraceStep:
        started, ended = times or (self.clock, self.clock + 5)
        self.clock = max(self.clock, ended + 1)
        step = TraceStep(
            id=f"s{len(self.steps) + 1}",
            parent=parent,
            kind=kind,
            name=name or kind.value,
            agent=agent,
            started_ns=started * 1_000_000_000,
            ended_ns=ended * 1_000_000_000,
            input=input,
            output=output,
            status=status,
            error=error,
            effects=effects,
            source=Source(format="test"),
        )
        self.steps.append(step)
        return step

    def compile(self) -> Htir:
        compiled = compile_run(Recording(run=RunInfo(id="r"), steps=tuple(self.steps), texts=self.pool.texts))
        compiled.check_citations()
        return compiled


def only(links: list[TraceLink]) -> TraceLink:
    assert len(links) == 1, links
    return links[0]


def sent(run: Run, observation: str, output: str = OUTPUT) -> tuple[Htir, TraceLink]:
    """A tool's output and the observation that the next request makes of it; returns the link between them."""
    first = (run.part("system", "You sort parcels."), run.part("user", "How many parcels are there?"))
    call = run.part("assistant", '{"depot": "all"}', "tool_call", "count", "c1")
    run.add(StepKind.MODEL_CALL, input=first, output=(call,))
    run.add(StepKind.TOOL_CALL, "count", input=(run.part("arguments", '{"depot": "all"}', call="c1"),),
            output=(run.part("result", output),))  # fmt: skip
    run.add(StepKind.MODEL_CALL, input=(*first, call, run.part("tool", observation, "tool_result", "count", "c1")))
    compiled = run.compile()
    return compiled, only([link for link in compiled.links_to("s3") if link.source == "s2" and link.family == "data"])


def piece(compiled: Htir, step_id: str, span: Span | None) -> str:
    assert span is not None
    step = compiled.step(step_id)
    part = (step.input if span.side == "in" else step.output)[span.part]
    return compiled.text(part)[span.start : span.end]


def test_an_output_sent_as_it_is_is_copied_whole() -> None:
    compiled, link = sent(Run(), OUTPUT)
    assert link.kind is LinkKind.COPIED
    assert link.evidence is Evidence.OBSERVED
    assert piece(compiled, "s2", link.source_span) == OUTPUT == piece(compiled, "s3", link.target_span)


def test_an_output_inside_a_template_is_copied_with_its_place() -> None:
    compiled, link = sent(Run(), f"<result>\n{OUTPUT}\n</result>")
    assert link.kind is LinkKind.COPIED
    assert piece(compiled, "s3", link.target_span) == OUTPUT


@pytest.mark.parametrize(
    ("observation", "part", "marked"),
    [
        (OUTPUT[:900], "head", "not marked"),
        (OUTPUT[:900] + "\n[output truncated]", "head", "is marked"),
        (OUTPUT[-900:], "tail", "not marked"),
        ("... earlier output omitted ...\n" + OUTPUT[-900:], "tail", "is marked"),
        (OUTPUT[:400] + "\n<1 500 characters elided>\n" + OUTPUT[-400:], "head and tail", "is marked"),
        (OUTPUT[:400] + OUTPUT[-400:], "head and tail", "not marked"),
    ],
)
def test_a_cut_output_is_truncated_and_says_what_was_kept(observation: str, part: str, marked: str) -> None:
    compiled, link = sent(Run(), observation)
    assert link.kind is LinkKind.TRUNCATED
    assert f"({part})" in link.detail
    assert marked in link.detail
    kept, of = link.detail.replace("2 789", "2789").split()[0:3:2]
    assert abs(int(kept) - (800 if part == "head and tail" else 900)) <= 2
    assert int(of) == len(OUTPUT)
    if part in ("head", "tail"):
        assert piece(compiled, "s2", link.source_span) == piece(compiled, "s3", link.target_span)


@pytest.mark.parametrize(
    ("observation", "how"),
    [
        (json.dumps({"output": OUTPUT}), "escaped as a JSON string"),
        (" ".join(OUTPUT.split()), "re-wrapped"),
        ("\n".join(f"> {line}" for line in OUTPUT.splitlines()), "quoted"),
        ("\n".join(f"{n:4} | {line}" for n, line in enumerate(OUTPUT.splitlines(), 1)), "line-numbered"),
    ],
)
def test_a_rewritten_output_is_transformed(observation: str, how: str) -> None:
    _, link = sent(Run(), observation)
    assert link.kind is LinkKind.TRANSFORMED
    assert link.detail.startswith(how)


def test_reserialised_json_is_transformed() -> None:
    record = {"depots": [{"name": f"depot {n}", "parcels": n * 31, "open": n % 2 == 0} for n in range(20)]}
    _, link = sent(Run(), json.dumps(record, indent=2, sort_keys=True), json.dumps(record))
    assert link.kind is LinkKind.TRANSFORMED


def test_what_a_call_id_names_and_the_message_holds_whole_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    steps_looked_at = []
    claims = Matcher._claims

    def noted(
        matcher: Matcher, sink: Sink, candidates: Sequence[Candidate], linked: set[tuple[int, int]]
    ) -> list[MatchLink]:
        steps_looked_at.append(sink.step)
        return claims(matcher, sink, candidates, linked)

    monkeypatch.setattr(Matcher, "_claims", noted)
    compiled, link = sent(Run(), f"Observation:\n{OUTPUT}\n")
    assert (link.kind, link.evidence) == (LinkKind.COPIED, Evidence.DERIVED)
    assert piece(compiled, "s2", link.source_span) == piece(compiled, "s3", link.target_span) == OUTPUT
    assert 2 not in steps_looked_at
    sent(Run(), f"This is what the tool has printed, as far as it got:\n{OUTPUT}\n")
    assert 2 in steps_looked_at  # what is around it may come from somewhere else


def test_unlike_texts_are_not_linked() -> None:
    run = Run()
    run.add(StepKind.TOOL_CALL, "count", output=(run.part("result", OUTPUT),))
    run.add(StepKind.MODEL_CALL, input=(run.part("user", "An unrelated question about the weather in June." * 9),))
    assert not [link for link in run.compile().links if link.family == "data"]


def test_resent_history_is_linked_once() -> None:
    run = Run()
    history = [run.part("user", "How many parcels are there in all depots together?")]
    for n in range(4):
        answer = run.part("assistant", f"Turn number {n} looks at another depot first.")
        run.add(StepKind.MODEL_CALL, input=tuple(history), output=(answer,))
        output = run.part("result", f"{n} {OUTPUT}")
        run.add(StepKind.TOOL_CALL, "count", output=(output,))
        history += [answer, run.part("user", f"{n} {OUTPUT}")]
    compiled = run.compile()
    copies = [(link.source, link.target) for link in compiled.links if link.kind is LinkKind.COPIED]
    assert copies == [("s1", "s3"), ("s2", "s3"), ("s3", "s5"), ("s4", "s5"), ("s5", "s7"), ("s6", "s7")]
    assert not any(event.name == "prefix_broken" for step in compiled.steps for event in step.events)


def conversation(run: Run, kept: slice) -> Htir:
    """Five turns; the last request holds only the `kept` part of the messages after the task."""
    task = run.part("user", "How many parcels are there in all depots together?")
    later: list[Part] = []
    for n in range(5):
        answer = run.part("assistant", f"Turn number {n} looks at another depot first.")
        messages = later[kept] if n == 4 else later
        run.add(StepKind.MODEL_CALL, input=(task, *messages), output=(answer,))
        later += [answer, run.part("user", f"The depot {n} holds {n * 77} parcels and {n * 13} letters.")]
    return run.compile()


def test_messages_dropped_from_the_history_are_omitted() -> None:
    compiled = conversation(Run(), slice(2, None))
    lost = compiled.links_to("s5", LinkKind.OMITTED)
    assert {link.source for link in lost} == {"s1", "s4"}
    assert "Turn number 0" in piece(compiled, "s1", next(li for li in lost if li.source == "s1").source_span)
    [event] = [event for event in compiled.step("s5").events if event.name == "prefix_broken"]
    assert event.attributes["part"] == 1
    assert event.attributes["dropped"] == 2


def test_a_whole_history_omits_nothing() -> None:
    assert not [link for link in conversation(Run(), slice(None)).links if link.kind is LinkKind.OMITTED]


def test_a_tool_output_that_reaches_no_request_is_omitted() -> None:
    compiled, link = sent(Run(), "The tool failed.")
    assert link.kind is LinkKind.OMITTED
    assert compiled.links_to("s3", LinkKind.OMITTED) == [link]


def test_an_output_of_a_tool_that_no_call_names_is_missed_too() -> None:
    run = Run()
    history = (run.part("user", "How many parcels are there in all depots together?"),)
    answer = run.part("assistant", "I will count them with the counting machine.")
    run.add(StepKind.MODEL_CALL, input=history, output=(answer,))
    run.add(StepKind.TOOL_CALL, "count", output=(run.part("result", OUTPUT),))
    run.add(StepKind.MODEL_CALL, input=(*history, answer, run.part("user", "Go on, please.")))
    lost = only([link for link in run.compile().links if link.kind is LinkKind.OMITTED])
    assert (lost.source, lost.target, lost.evidence) == ("s2", "s3", Evidence.HEURISTIC)


def test_a_lost_turn_is_omitted_and_a_resampled_one_is_not() -> None:
    run = Run()
    history = (run.part("user", "How many parcels are there in all depots together?"),)
    run.add(StepKind.MODEL_CALL, input=history, output=(run.part("assistant", "{malformed: answer of nine parcels"),))
    run.add(StepKind.MODEL_CALL, input=history, output=(run.part("assistant", "Nine parcels, all in all."),))
    run.add(StepKind.MODEL_CALL, input=(*history, run.part("user", "Your last answer was no JSON.")))
    lost = [link for link in run.compile().links if link.kind is LinkKind.OMITTED]
    assert [(link.source, link.target) for link in lost] == [("s2", "s3")]


def test_a_reference_in_place_of_a_text_omits_nothing() -> None:
    run = Run()
    first = (run.part("user", "How many parcels are there?"),)
    call = run.part("assistant", "{}", "tool_call", "count", "c1")
    run.add(StepKind.MODEL_CALL, input=first, output=(call,))
    run.add(StepKind.TOOL_CALL, "count", input=(run.part("arguments", "{}", call="c1"),),
            output=(run.part("result", OUTPUT),))  # fmt: skip
    reference = run.part("tool", "attachment://0a1b2c3d", "tool_result", "count", "c1")
    run.add(StepKind.MODEL_CALL, input=(*first, call, reference))
    assert not [link for link in run.compile().links if link.kind is LinkKind.OMITTED]


def test_a_rare_value_leads_from_the_output_to_the_argument() -> None:
    run = Run()
    first = (run.part("user", "Open the newest parcel list."),)
    run.add(
        StepKind.TOOL_CALL, "list", output=(run.part("result", "old: lists/2030-11.csv\nnew: lists/2031-04_b.csv"),)
    )
    call = run.part("assistant", '{"path": "lists/2031-04_b.csv", "lines": 20}', "tool_call", "open", "c1")
    run.add(StepKind.MODEL_CALL, input=first, output=(call,))
    run.add(StepKind.TOOL_CALL, "open", input=(run.part("arguments", '{"path": "lists/2031-04_b.csv", "lines": 20}'),))
    compiled = run.compile()
    value = only([link for link in compiled.links_to("s3", LinkKind.COPIED) if link.source == "s1"])
    assert piece(compiled, "s1", value.source_span) == "lists/2031-04_b.csv"
    assert piece(compiled, "s3", value.target_span) == "lists/2031-04_b.csv"
    assert value.evidence is Evidence.HEURISTIC


def test_a_value_that_stands_everywhere_leads_nowhere() -> None:
    run = Run()
    for n in range(9):
        run.add(StepKind.TOOL_CALL, "list", output=(run.part("result", f"{n}: lists/2031-04_b.csv"),))
    run.add(StepKind.TOOL_CALL, "open", input=(run.part("arguments", '{"path": "lists/2031-04_b.csv"}'),))
    assert not run.compile().links_to("s10", LinkKind.COPIED)


def test_a_value_of_a_record_is_told_from_its_wrapper() -> None:
    record = json.dumps({"type": "tool", "data": {"content": "17 parcels", "name": None, "status": "success"}})
    _, link = sent(Run(), "17 parcels", record)
    assert link.kind is LinkKind.TRANSFORMED
    record = json.dumps({"output": OUTPUT, "returncode": 0})
    _, link = sent(Run(), OUTPUT[:1000] + " [cut]", record)
    assert link.kind is LinkKind.TRUNCATED
    assert "(head)" in link.detail


def test_siblings_follow_each_other_and_parallel_ones_do_not() -> None:
    run = Run()
    run.add(StepKind.MODEL_CALL, times=(0, 1))
    run.add(StepKind.TOOL_CALL, "a", times=(2, 6))
    run.add(StepKind.TOOL_CALL, "b", times=(3, 5))
    run.add(StepKind.MODEL_CALL, times=(7, 8))
    follows = [(link.source, link.target) for link in run.compile().links if link.kind is LinkKind.FOLLOWS]
    assert follows == [("s1", "s2"), ("s1", "s3"), ("s2", "s4")]


def test_parallel_calls_branch_from_their_turn() -> None:
    run = Run()
    calls = tuple(run.part("assistant", f'{{"n": {n}}}', "tool_call", "look", f"c{n}") for n in range(2))
    run.add(StepKind.MODEL_CALL, output=calls)
    for n in (1, 0):
        run.add(StepKind.TOOL_CALL, "look", input=(run.part("arguments", f'{{"n": {n}}}', call=f"c{n}"),))
    compiled = run.compile()
    assert [(li.source, li.target) for li in compiled.links if li.kind is LinkKind.BRANCH] == [
        ("s1", "s2"),
        ("s1", "s3"),
    ]
    copied = only(compiled.links_to("s2", LinkKind.COPIED))
    assert copied.source_span is not None
    assert copied.source_span.part == 1


def test_a_repeated_call_after_an_error_is_a_retry() -> None:
    run = Run()
    question = (run.part("user", "How many?"),)
    run.add(StepKind.MODEL_CALL, input=question, status=Status.ERROR, error=ErrorInfo(type="Timeout"))
    run.add(StepKind.MODEL_CALL, input=question)
    run.add(StepKind.MODEL_CALL, input=question)
    retry = only([link for link in run.compile().links if link.kind is LinkKind.RETRY_OF])
    assert (retry.source, retry.target) == ("s1", "s2")


def test_raised_exceptions_lead_to_their_handlers() -> None:
    run = Run()
    for name in ("raise KeyError", "raise ValueError", "except KeyError"):
        run.add(StepKind.ERROR, name, error=ErrorInfo(type=name.split()[1], message="'depot'"))
    run.steps[0] = run.steps[0].model_copy(update={"attributes": {"exc_id": 7}})
    run.steps[2] = run.steps[2].model_copy(update={"attributes": {"exc_id": 7}})
    handled = only([link for link in run.compile().links if link.kind is LinkKind.HANDLED_BY])
    assert (handled.source, handled.target, handled.evidence) == ("s1", "s3", Evidence.OBSERVED)


def test_rounds_are_observed_from_iteration_events() -> None:
    run = Run()
    run.add(StepKind.TASK, times=(0, 100))
    for n in range(3):
        run.add(StepKind.CONTEXT_BUILD, parent="s1", times=(10 * n + 1, 10 * n + 2))
        run.add(StepKind.MODEL_CALL, parent="s1", times=(10 * n + 3, 10 * n + 4))
    ticks = tuple(StepEvent(name="iteration", time_ns=10 * n * 1_000_000_000, attributes={"n": n}) for n in range(3))
    run.steps[0] = run.steps[0].model_copy(update={"events": ticks})
    rounds = [link for link in run.compile().links if link.kind is LinkKind.ITERATION]
    assert [(link.source, link.target) for link in rounds] == [("s2", "s4"), ("s4", "s6")]
    assert {link.evidence for link in rounds} == {Evidence.OBSERVED}


def test_guards_hand_overs_and_ends() -> None:
    run = Run()
    run.add(StepKind.TASK, "lead", agent="lead", times=(0, 100))
    run.add(StepKind.GUARD, "approve", parent="s1", times=(1, 2))
    run.add(StepKind.TOOL_CALL, "ask", parent="s1", times=(3, 20))
    run.add(StepKind.TASK, "helper", parent="s3", agent="helper", times=(4, 19))
    run.add(StepKind.SUBMIT, parent="s1", times=(30, 31))
    found = {(li.kind.value, li.source, li.target) for li in run.compile().links if li.family == "control"}
    assert found == {
        ("guarded_by", "s2", "s3"),
        ("delegated_to", "s1", "s4"),
        ("terminated_by", "s1", "s5"),
    }


def test_an_agent_that_hands_over_at_its_end_delegates() -> None:
    run = Run()
    run.add(StepKind.TASK, "workflow", times=(0, 100))
    run.add(StepKind.TASK, "lead", parent="s1", agent="lead", times=(1, 20))
    run.add(StepKind.TOOL_CALL, "transfer_to_helper", parent="s2", times=(2, 3))
    run.add(StepKind.TASK, "helper", parent="s1", agent="helper", times=(21, 30))
    handed = only([link for link in run.compile().links if link.kind is LinkKind.DELEGATED_TO])
    assert (handed.source, handed.target, handed.evidence) == ("s2", "s4", Evidence.DERIVED)


def test_a_read_is_linked_to_the_last_write() -> None:
    def touch(effect: str, resource: str) -> tuple[Effect, ...]:
        return (Effect(effect=effect, resource=resource),)

    run = Run()
    run.add(StepKind.TOOL_CALL, "write", effects=touch("artifact", "/w/a.txt"))
    run.add(StepKind.TOOL_CALL, "write", effects=touch("artifact", "/w/a.txt"))
    run.add(StepKind.TOOL_CALL, "write", effects=touch("artifact", "/w/b.txt"))
    run.add(StepKind.TOOL_CALL, "read", effects=touch("read", "/w/./a.txt"))
    state = only([link for link in run.compile().links if link.kind is LinkKind.WROTE_READ])
    assert (state.source, state.target, state.evidence) == ("s2", "s4", Evidence.DERIVED)


def duplicates() -> Iterator[tuple[tuple[int, int], str | None]]:
    yield (1, 4), "s1"
    yield (1, 9), None


@pytest.mark.parametrize(("times", "parent"), list(duplicates()))
def test_a_model_call_recorded_twice_is_one_step(times: tuple[int, int], parent: str | None) -> None:
    run = Run()
    question, answer = run.part("user", "How many?"), run.part("assistant", "Nine parcels.")
    run.add(StepKind.MODEL_CALL, "chat", input=(question,), output=(answer,), times=(0, 5))
    run.add(StepKind.MODEL_CALL, "POST", input=(question,), output=(answer,), times=times, parent=parent)
    for n, scope in enumerate(("framework", "client")):
        source = Source(format="test", span_ids=(f"span{n}",))
        update = {"source": source, "attributes": {"otel.scope.name": scope}}
        run.steps[n] = run.steps[n].model_copy(update=update)
    compiled = run.compile()
    assert [step.source.span_ids for step in compiled.steps] == [("span0", "span1")]


def test_equal_answers_of_parallel_samples_stay_apart() -> None:
    run = Run()
    question, answer = run.part("user", "How many?"), run.part("assistant", "Nine parcels.")
    for n in range(3):
        run.add(StepKind.MODEL_CALL, "chat", input=(question,), output=(answer,), times=(n, n + 9))
    assert len(run.compile().steps) == 3


def test_renderings_of_one_template_are_not_cuts_of_each_other() -> None:
    template = "What the command printed is below; read it with care, and say what is to be done about it next.\n{}\n"
    run = Run()
    for printed in ("first file", "second file, and a little more of it"):
        run.add(StepKind.TOOL_CALL, output=(run.part("result", printed),))
        run.add(StepKind.CONTEXT_BUILD, "render", output=(run.part("value", template.format(printed)),))
    htir = run.compile()
    data = [(li.source, li.target) for li in htir.links if li.kind in (LinkKind.TRUNCATED, LinkKind.TRANSFORMED)]
    assert data == []
    assert [li.source for li in htir.links_to("s4", LinkKind.COPIED)] == ["s3"]
