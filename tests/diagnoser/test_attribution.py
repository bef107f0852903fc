"""Whose fault a failed run is: the walk back, the verdict, ties, and what is said when evidence is missing."""

import hashlib
from collections.abc import Sequence

from harnessfix.diagnoser import Leading, consolidate
from harnessfix.diagnoser.attribution import attribute, settle
from harnessfix.diagnoser.attribution.slicing import slice_back
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.attribution import Attribution
from harnessfix_ir.document import JsonValue
from harnessfix_ir.findings import Diagnosis, Support
from harnessfix_ir.harness import Element, Fact, HarnessModel, SourceFile
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import RunInfo
from harnessfix_ir.steps import ErrorInfo, Part, Source, StepEvent, TraceLink, TraceStep
from harnessfix_ir.vocabulary import (
    AnchorKind,
    ElementRole,
    Evidence,
    Layer,
    LinkKind,
    Outcome,
    Severity,
    Status,
    StepKind,
    Verdict,
)

AGENT, ASKED, TOOL, SUBMIT = StepKind.TASK, StepKind.MODEL_CALL, StepKind.TOOL_CALL, StepKind.SUBMIT
KNOWN = HarnessModel(root="/x", files=(SourceFile(path="agent.py", sha256="0", lines=50),))


class Run:
    """Collects steps and links; `build()` makes the HTIR."""

    def __init__(self, run_id: str = "r1", task: str = "add up", outcome: Outcome = Outcome.FAILED) -> None:
        self.info = RunInfo(id=run_id, task=task, outcome=outcome, outcome_by="user")
        self.steps: list[TraceStep] = []
        self.links: list[TraceLink] = []
        self.texts: dict[str, str] = {}

    def text(self, words: str) -> str:
        digest = hashlib.sha256(words.encode()).hexdigest()[:16]
        self.texts[digest] = words
        return digest

    def step(
        self,
        kind: StepKind,
        name: str,
        *,
        parent: str | None = None,
        said: str = "",
        given: Sequence[tuple[str, str]] = (),
        calls: Sequence[tuple[str, str]] = (),
        error: ErrorInfo | None = None,
        place: tuple[str, int] | None = None,
        status: Status | None = None,
        events: Sequence[StepEvent] = (),
    ) -> str:
        step_id = f"s{len(self.steps) + 1}"
        parts = (
            [Part(role="assistant" if kind is StepKind.MODEL_CALL else "result", text=self.text(said))] if said else []
        )
        for tool, arguments in calls:
            parts.append(Part(role="assistant", kind="tool_call", name=tool, text=self.text(arguments)))
        anchors = (Anchor(path="agent.py", qualname=place[0], start_line=place[1], end_line=place[1]),) if place else ()
        self.steps.append(
            TraceStep(
                id=step_id,
                parent=parent,
                kind=kind,
                name=name,
                input=tuple(Part(role=role, text=self.text(words)) for role, words in given),
                output=tuple(parts),
                error=error,
                status=status or (Status.ERROR if error is not None else Status.OK),
                anchors=anchors,
                events=tuple(events),
                source=Source(format="test"),
            )
        )
        return step_id

    def raised(self, type_: str, message: str, parent: str, *, cause: ErrorInfo | None = None) -> ErrorInfo:
        error = ErrorInfo(type=type_, message=message, cause=cause)
        self.step(StepKind.ERROR, f"raise {type_}", parent=parent, error=error, place=("Agent.run", 9))
        return error

    def fail(self, step_id: str, error: ErrorInfo) -> None:
        index = next(i for i, step in enumerate(self.steps) if step.id == step_id)
        self.steps[index] = self.steps[index].model_copy(update={"error": error, "status": Status.ERROR})

    def link(self, source: str, target: str, kind: LinkKind, detail: str = "") -> None:
        self.links.append(TraceLink(source=source, target=target, kind=kind, detail=detail))

    def build(self) -> Htir:
        return Htir(run=self.info, steps=tuple(self.steps), links=tuple(self.links), texts=self.texts)


def finding(
    step: str | None,
    *path: str,
    run: str | None = "r1",
    rule: str = "C102",
    confidence: float = 0.9,
    flaw: str = "aaaaaaaa",
    layer: Layer = Layer.CONTEXT,
    name: str = "Agent.run",
) -> Diagnosis:
    """A diagnosis as a rule would make it."""
    return Diagnosis(
        flaw=flaw,
        rule=rule,
        name="test-rule",
        layer=layer,
        severity=Severity.ERROR,
        run=run,
        responsible_step=step,
        symptom_step=path[-1] if path else step,
        path=path,
        anchors=(Anchor(path="agent.py", qualname=name, start_line=5, end_line=9),),
        message="Something was cut.",
        confidence=confidence,
        evidence=Evidence.OBSERVED,
        verdict=Verdict.HARNESS,
    )


def answered(outcome: Outcome = Outcome.FAILED, *, kept: LinkKind = LinkKind.COPIED) -> tuple[Run, str, str, str]:
    """A run that read a file, asked again and submitted: the run, the tool step, the last reply, the submission."""
    run = Run(outcome=outcome)
    root = run.step(AGENT, "run")
    asked = run.step(ASKED, "chat", parent=root, given=[("user", "sum")], calls=[("read", '{"path": "a"}')])
    tool = run.step(TOOL, "read", parent=root, said="1 2 3")
    last = run.step(
        ASKED, "chat", parent=root, given=[("user", "sum"), ("tool", "1 2 3")], calls=[("submit", '{"x": 6}')]
    )
    done = run.step(SUBMIT, "submit", parent=root, given=[("arguments", "6")], said="6")
    run.link(asked, tool, LinkKind.TRANSFORMED)
    run.link(tool, last, kept, "3 of 90 characters kept")
    run.link(last, done, LinkKind.TRANSFORMED)
    return run, tool, last, done


def verdict(run: Htir, *found: Diagnosis, model: HarnessModel = KNOWN, **more: object) -> Attribution:
    """The attribution of a run that failed."""
    made = attribute(run, model, found, **more)  # type: ignore[arg-type]
    assert made is not None
    return made


# --- the walk back ---------------------------------------------------------------------------------------------------


def test_the_way_prefers_what_was_lost_to_what_was_only_near() -> None:
    run, tool, last, done = answered(kept=LinkKind.TRUNCATED)
    back = slice_back(run.build(), done)
    assert [step for step, _ in back.way(tool)] == [tool, last, done]
    assert back.leads(tool)


def test_mere_order_in_time_leads_nowhere() -> None:
    run = Run()
    first, second = run.step(TOOL, "one"), run.step(SUBMIT, "submit")
    run.link(first, second, LinkKind.FOLLOWS)
    back = slice_back(run.build(), second)
    assert [step for step, _ in back.way(first)] == [first, second]
    assert not back.leads(first)


def test_findings_on_the_way_to_the_failure_come_before_those_beside_it() -> None:
    run, tool, _, _ = answered(kept=LinkKind.TRUNCATED)
    beside = run.step(TOOL, "beside")
    found = [finding(beside, flaw="bbbbbbbb", name="Agent.aside", confidence=0.95), finding(tool, confidence=0.9)]
    marked = list(Leading(run.build()).marked(found))
    assert [each.leads for each in marked] == [False, True]
    records = consolidate(marked, {"r1": Outcome.FAILED}, [KNOWN], {})
    assert [record.flaw for record in records] == ["aaaaaaaa", "bbbbbbbb"]
    assert [record.flaw for record in consolidate(found, {"r1": Outcome.FAILED}, [KNOWN], {})] == [
        "bbbbbbbb",
        "aaaaaaaa",
    ]


def test_a_run_that_passed_has_no_way_to_a_failure() -> None:
    run, tool, _, _ = answered(Outcome.PASSED)
    assert [each.leads for each in Leading(run.build()).marked([finding(tool)])] == [None]


def test_what_a_tool_raises_is_of_the_tool_interface_and_what_a_parser_raises_too() -> None:
    for kind, layer in ((TOOL, Layer.TOOL_INTERFACE), (StepKind.PARSE, Layer.TOOL_INTERFACE), (AGENT, Layer.LIFECYCLE)):
        run = Run()
        run.step(kind, "work", error=ErrorInfo(type="TypeError", message="no"), place=("Agent.work", 3))
        found = verdict(run.build())
        assert next(cause.layer for cause in found.causes if cause.verdict is Verdict.HARNESS) is layer


def test_a_circle_of_parts_and_wholes_ends() -> None:
    run, _, _, done = answered()
    run.link("s5", "s1", LinkKind.COPIED)
    run.link("s1", "s2", LinkKind.COPIED)
    assert set(slice_back(run.build(), "s1").cost) == {"s1", "s2", "s3", "s4", done}


# --- verdicts --------------------------------------------------------------------------------------------------------


def test_a_finding_that_leads_to_the_answer_makes_it_the_harness_and_shows_the_way() -> None:
    run, tool, last, done = answered(kept=LinkKind.TRUNCATED)
    found = verdict(run.build(), finding(tool, tool, last))
    assert found.verdict is Verdict.HARNESS
    assert found.origin == tool
    assert [hop.step for hop in found.path] == [tool, last, done]
    assert [hop.link for hop in found.path] == ["truncated", "transformed", ""]
    assert found.path[0].detail == "3 of 90 characters kept"


def test_the_earliest_of_equal_findings_is_the_origin() -> None:
    run, tool, last, done = answered()
    later = finding(last, last, done, flaw="bbbbbbbb", rule="C104")
    assert verdict(run.build(), later, finding(tool, tool, last)).origin == tool


def test_without_findings_the_model_is_left_and_that_is_said_with_little_confidence() -> None:
    run, _, _, _ = answered()
    found = verdict(run.build())
    assert found.verdict is Verdict.MODEL
    assert found.confidence <= 0.5
    assert found.evidence is Evidence.HEURISTIC
    assert found.causes[0].reason.endswith("; s2 was the first to do anything")
    assert found.origin == "s2"
    assert found.path[-1].step == found.symptom


def test_a_model_that_is_left_is_read_from_the_reply_whose_call_was_the_first_to_fail() -> None:
    run = Run()
    root = run.step(AGENT, "run")
    run.step(ASKED, "chat", parent=root, given=[("user", "add up")], said="I shall read the file.")
    run.step(TOOL, "read", parent=root, said="1\n2\n3")
    wrong = run.step(ASKED, "chat", parent=root, given=[("user", "add up")], said="I run sum.")
    failed = run.step(TOOL, "sum", parent=root, status=Status.ERROR)
    last = run.step(ASKED, "chat", parent=root, given=[("user", "add up")], said="The answer is 7.")
    run.link(last, run.step(SUBMIT, "done", parent=root, said="The answer is 7."), LinkKind.COPIED)
    found = verdict(run.build())
    assert found.verdict is Verdict.MODEL
    assert found.origin == wrong
    assert f"{wrong} came before {failed}, the first call that failed" in found.causes[0].reason


def test_a_call_that_failed_is_the_matter_of_the_reply_that_asked_for_it() -> None:
    run = Run()
    root = run.step(AGENT, "run")
    asking = run.step(ASKED, "chat", parent=root, given=[("user", "a")], calls=[("make", '{"n": 1}')])
    other = run.step(ASKED, "chat", parent=root, given=[("user", "b")], calls=[("look", '{"n": 2}')])
    run.step(TOOL, "look", parent=root, given=[("arguments", '{"n": 2}')], said="fine")
    failed = run.step(TOOL, "make", parent=root, given=[("arguments", '{"n": 1}')], status=Status.ERROR)
    last = run.step(ASKED, "chat", parent=root, given=[("user", "a")], said="The answer is 7.")
    run.link(last, run.step(SUBMIT, "done", parent=root, said="The answer is 7."), LinkKind.COPIED)
    found = verdict(run.build())
    assert found.origin == asking != other
    assert f"{asking} asked for {failed}, the first call that failed" in found.causes[0].reason


def test_what_fails_after_the_answer_is_no_doing_of_the_reply() -> None:
    run, _, _, _ = answered()
    run.step(TOOL, "clean_up", parent="s1", status=Status.ERROR)
    assert verdict(run.build()).origin == "s2", "the first that did anything"


def test_a_model_that_did_nothing_but_answer_is_read_from_its_last_reply() -> None:
    run = Run()
    root = run.step(AGENT, "run")
    run.step(ASKED, "chat", parent=root, given=[("user", "add up")], said="Let me think.")
    last = run.step(ASKED, "chat", parent=root, given=[("user", "add up")], said="The answer is 7.")
    run.link(last, run.step(SUBMIT, "done", parent=root, said="The answer is 7."), LinkKind.COPIED)
    assert verdict(run.build()).origin == last


def test_a_weak_finding_and_nothing_else_is_a_tie() -> None:
    run, tool, last, _ = answered()
    found = verdict(run.build(), finding(tool, tool, last, confidence=0.35))
    assert found.verdict is Verdict.UNKNOWN
    assert set(found.tied) == {Verdict.HARNESS, Verdict.MODEL}
    assert found.origin is None


def test_a_place_to_look_at_explains_nothing() -> None:
    run, tool, _, done = answered()
    lead = finding(tool, tool, done, rule="O118").model_copy(update={"verdict": Verdict.UNKNOWN})
    assert not [cause for cause in verdict(run.build(), lead).causes if cause.rule]


def test_a_finding_of_observability_hides_a_failure_and_does_not_make_it() -> None:
    run, tool, last, _ = answered()
    found = verdict(run.build(), finding(tool, tool, last, rule="O102", layer=Layer.OBSERVABILITY, confidence=0.7))
    assert found.verdict is not Verdict.HARNESS


def test_a_provider_that_stays_down_is_the_environment() -> None:
    run = Run()
    root = run.step(AGENT, "run")
    asked = run.step(ASKED, "chat", parent=root, given=[("user", "hi")])
    refused = run.raised("urllib.error.HTTPError", "HTTP Error 503: Service Unavailable", asked)
    given_up = run.raised("AgentError", "no answer", asked, cause=refused)
    run.fail(asked, given_up)
    run.fail(root, given_up)
    found = verdict(run.build())
    assert found.verdict is Verdict.ENVIRONMENT
    assert found.origin == "s3"
    assert [hop.step for hop in found.path] == ["s3", "s4", asked, root]


def test_how_a_provider_words_its_answer_decides_who_is_to_blame() -> None:
    said = {
        "503 region eu-west is being drained": Verdict.ENVIRONMENT,
        "422 tools.0.name: too long": Verdict.HARNESS,
        '{"error": {"type": "insufficient_quota", "code": "insufficient_quota"}}': Verdict.ENVIRONMENT,
        '{"error": {"code": 400, "status": "INVALID_ARGUMENT"}}': Verdict.HARNESS,
        '{"type": "error", "error": {"type": "overloaded_error"}}': Verdict.ENVIRONMENT,
        "Error code: 400 - {'error': {'code': 'context_length_exceeded'}}": Verdict.HARNESS,
    }
    for words, whose in said.items():
        run = Run()
        root = run.step(AGENT, "run")
        asked = run.step(ASKED, "chat", parent=root)
        error = run.raised("ProviderSaidNo", words, asked)
        run.fail(asked, error)
        run.fail(root, error)
        assert verdict(run.build()).verdict is whose, words


def test_a_request_that_the_provider_calls_wrong_is_the_harness() -> None:
    run = Run()
    root = run.step(AGENT, "run")
    asked = run.step(ASKED, "chat", parent=root)
    error = run.raised(
        "openai.BadRequestError", "Error code: 400 - {'error': {'message': 'missing tool_call_id'}}", asked
    )
    run.fail(asked, error)
    run.fail(root, error)
    assert verdict(run.build()).verdict is Verdict.HARNESS


def test_a_number_in_a_message_of_the_harness_is_no_status() -> None:
    run = Run()
    root = run.step(AGENT, "run")
    error = run.raised("KeyError", "response 503", root)
    run.fail(root, error)
    found = verdict(run.build())
    assert found.verdict is Verdict.HARNESS
    assert "not written for" in found.causes[0].reason


def test_what_cleans_up_after_a_task_does_not_hide_how_the_task_ended() -> None:
    run = Run()
    root = run.step(AGENT, "run")
    run.fail(root, run.raised("KeyError", "'answer'", root))
    run.step(SUBMIT, "Session.finish")
    found = verdict(run.build())
    assert found.symptom == root
    assert found.verdict is Verdict.HARNESS


def test_an_error_of_a_tool_that_ends_the_run_is_not_the_tools_alone() -> None:
    run = Run()
    root = run.step(AGENT, "run")
    tool = run.step(TOOL, "read", parent=root)
    error = run.raised("FileNotFoundError", "no such file", tool)
    run.fail(tool, error)
    run.fail(root, error)
    found = verdict(run.build())
    assert found.verdict is Verdict.HARNESS
    assert found.confidence <= 0.5


def test_a_model_that_repeats_malformed_calls_though_it_is_told_so_is_the_model() -> None:
    run = Run()
    loop = StepEvent(name="loop_ended", attributes={"loop": "agent_loop:agent.py:run", "n": 6, "why": "exhausted"})
    root = run.step(AGENT, "run", events=[loop])
    before = None
    for number in range(6):
        asked = run.step(
            ASKED, "chat", parent=root, given=[("user", f"turn {number}")], calls=[("read", f"{{oops {number}")]
        )
        if before is not None:
            run.link(before, asked, LinkKind.COPIED)
        before = asked
    run.step(TOOL, "last", parent=root)
    found = verdict(run.build())
    assert found.verdict is Verdict.MODEL
    assert "malformed" in found.causes[0].reason


def test_a_limit_that_stops_work_in_progress_is_a_tie() -> None:
    run = Run()
    loop = StepEvent(name="loop_ended", attributes={"loop": "agent_loop:agent.py:run", "n": 3, "why": "exhausted"})
    root = run.step(AGENT, "run", events=[loop])
    for number in range(3):
        run.step(ASKED, "chat", parent=root, given=[("user", f"{number}")], calls=[("read", f'{{"path": "{number}"}}')])
    found = verdict(run.build())
    assert found.verdict is Verdict.UNKNOWN
    assert set(found.tied) == {Verdict.HARNESS, Verdict.MODEL}
    assert "3 rounds" in found.noticed


def test_the_loop_of_an_inner_agent_that_handed_in_its_answer_is_no_limit() -> None:
    run = Run()
    ended = StepEvent(name="loop_ended", attributes={"loop": "agent_loop:agent.py:run", "n": 2, "why": "condition"})
    root = run.step(AGENT, "run", events=[ended])
    inner = run.step(AGENT, "run", parent=root, events=[ended])
    run.step(TOOL, "final_answer", parent=run.step(SUBMIT, "hand_in", parent=inner))
    run.step(ASKED, "chat", parent=root, given=[("user", "go")], said="done")
    run.step(TOOL, "final_answer", parent=root)
    assert "in an orderly way" in verdict(run.build()).noticed
    run.step(TOOL, "read", parent=root)
    assert "ended after 2 rounds" in verdict(run.build()).noticed


def test_a_dead_setting_that_bounds_the_loop_is_why_it_stopped() -> None:
    place = Anchor(path="agent.py", qualname="Agent.run", start_line=9, end_line=20, kind=AnchorKind.LOOP)
    loop = Element(
        id="agent_loop:agent.py:run",
        role=ElementRole.AGENT_LOOP,
        layer=Layer.LIFECYCLE,
        name="run",
        anchor=place,
        facts=(Fact(name="condition", value="range(self.config.max_steps)"),),
    )
    model = KNOWN.model_copy(update={"elements": (loop,)})
    run = Run()
    attributes: dict[str, JsonValue] = {"loop": "agent_loop:agent.py:run", "n": 3, "why": "exhausted"}
    root = run.step(AGENT, "run", events=[StepEvent(name="loop_ended", anchor=place, attributes=attributes)])
    for number in range(3):
        run.step(ASKED, "chat", parent=root, given=[("user", f"{number}")], calls=[("read", f'{{"path": "{number}"}}')])
    dead = finding(None, run=None, rule="C109").model_copy(update={"parameters": {"field": "max_steps"}})
    found = verdict(run.build(), model=model, static=[dead])
    assert found.verdict is Verdict.HARNESS
    assert found.causes[0].flaw == dead.flaw


def test_a_finding_of_the_source_counts_little_where_a_rule_looked_on() -> None:
    run, _, _, _ = answered()
    ran = Anchor(path="agent.py", qualname="Agent.run", start_line=5, end_line=9, route="probe")  # type: ignore[arg-type]
    run.steps[0] = run.steps[0].model_copy(update={"anchors": (ran,)})
    static = [finding(None, run=None)]
    unseen = verdict(run.build(), static=static, observing={"C102"})
    unasked = verdict(run.build(), static=static)
    assert unseen.verdict is Verdict.MODEL
    assert unasked.causes[0].weight > max(c.weight for c in unseen.causes if c.rule)


def test_a_check_that_breaks_is_the_evaluator() -> None:
    run, _, _, _ = answered()
    run.step(StepKind.VERIFY, "grade", error=ErrorInfo(type="FileNotFoundError", message="expected.txt"))
    assert verdict(run.build()).verdict is Verdict.EVALUATOR


def test_a_check_that_an_answer_went_through_did_not_break() -> None:
    run, _, _, _ = answered()
    run.step(StepKind.VERIFY, "check_result", error=ErrorInfo(type="loop.FinalAnswerException", message="4"))
    assert verdict(run.build()).verdict is not Verdict.EVALUATOR


def test_judges_that_disagree_put_the_evaluator_among_the_suspects() -> None:
    run, _, _, _ = answered()
    labels = [(Outcome.PASSED, "evaluation"), (Outcome.FAILED, "user"), (Outcome.PASSED, "exit")]
    found = verdict(run.build(), labels=labels)
    assert Verdict.EVALUATOR in {cause.verdict for cause in found.causes}
    assert not any(c.verdict is Verdict.EVALUATOR for c in verdict(run.build(), labels=labels[1:]).causes)


# --- when to be silent, and what is missing --------------------------------------------------------------------------


def test_passed_runs_and_unlabelled_ones_that_end_in_order_have_no_verdict() -> None:
    assert attribute(answered(Outcome.PASSED)[0].build(), KNOWN, []) is None
    assert attribute(answered(Outcome.UNKNOWN)[0].build(), KNOWN, []) is None


def test_missing_source_lowers_the_confidence_and_is_said() -> None:
    run, tool, last, _ = answered()
    told, untold = (verdict(run.build(), finding(tool, tool, last), model=m) for m in (KNOWN, HarnessModel(root="")))
    assert untold.confidence < told.confidence
    assert "the source of the harness" in untold.missing


def test_a_run_without_steps_is_unknown() -> None:
    found = verdict(Run().build())
    assert found.verdict is Verdict.UNKNOWN
    assert found.path == ()


def test_a_flaw_that_passed_runs_have_too_explains_less() -> None:
    run, tool, last, _ = answered()
    alone = verdict(run.build(), finding(tool, tool, last))
    among = settle(alone, {"aaaaaaaa": Support(failed=1, passed=9)})
    assert alone.verdict is Verdict.HARNESS
    assert among.verdict is not Verdict.HARNESS
    assert "9 passed runs" in " ".join(cause.reason for cause in among.causes)
