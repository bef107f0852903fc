"""Documents in words."""

from collections.abc import Iterable

import pytest
from textual.content import Content

from harnessfix.tui.library import Advice
from harnessfix.tui.patch_view import PatchView, patch_view
from harnessfix.tui.widgets.text_view import Block
from harnessfix.tui.words import flaws as flaw_words
from harnessfix.tui.words import links as link_words
from harnessfix.tui.words import steps as step_words
from harnessfix.tui.words.plainly import beginning, count
from harnessfix_ir.findings import Diagnosis, FlawRecord, Support
from harnessfix_ir.htir import Htir
from harnessfix_ir.steps import Span, TraceLink
from harnessfix_ir.vocabulary import LinkFamily, LinkKind, Safety, StepKind, Verdict


def said(blocks: Iterable[Block]) -> str:
    return "\n".join(f"{block.heading.plain}{block.text}" for block in blocks)


def test_every_word_of_the_vocabulary_has_a_look() -> None:
    from harnessfix.tui import looks
    from harnessfix_ir.vocabulary import Layer, Outcome, Severity, Status

    for words, table in (
        (Layer, looks.LAYER),
        (Severity, looks.SEVERITY),
        (Outcome, looks.OUTCOME_MARK),
        (Status, looks.STATUS_MARK),
        (LinkFamily, looks.FAMILY),
        (Safety, looks.SAFETY),
    ):
        assert set(table) == set(words)
    assert len(set(looks.LAYER.values())) == len(Layer)


def test_every_link_reads_from_both_ends() -> None:
    assert set(link_words.BACKWARD) == set(link_words.FORWARD) == set(link_words.ORDER) == set(LinkKind)


def test_links_of_a_step_say_why(run: Htir) -> None:
    (row,) = link_words.link_rows(run, run.step("s6"))
    assert row.back
    assert row.words == "cut from"
    assert row.other.id == "s3"
    quote = link_words.link_quote(run, row).plain
    assert "2 000 of 28 000 characters kept" in quote
    assert "s3 output 1, characters 0–2,000 → s6 input 2, characters 0–2,000" in quote
    assert "report report" in quote
    assert [row.words for row in link_words.link_rows(run, run.step("s3"))] == ["cut in", "ended by"]


@pytest.mark.parametrize("span", [Span(side="out", part=7, start=0, end=9), Span(side="out", part=0, start=-5, end=-1)])
def test_a_span_that_fits_nothing_quotes_nothing(run: Htir, span: Span) -> None:
    link = TraceLink(source="s3", target="s6", kind=LinkKind.COPIED, source_span=span)
    row = link_words.LinkRow(link, run.step("s3"), True)
    assert link_words.link_quote(run, row).plain.endswith("\n")


def test_output_shows_error_causes_and_traceback(run: Htir) -> None:
    text = said(step_words.output_blocks(run, run.step("s5")))
    assert "ValueError" in text
    assert "no such line" in text
    assert "agent.py:6 in observe" in text


def test_a_missing_text_is_said_to_be_missing(run: Htir) -> None:
    run = run.model_copy(update={"texts": {}})
    assert "not held" in said(step_words.part_blocks(run, run.step("s6").input, "nothing"))


def test_facts_hold_events_attributes_and_origin(run: Htir) -> None:
    text = said(step_words.fact_blocks(run.step("s6")))
    for expected in ("event · cut", '"after": 2000', "gen_ai.system", "run.jsonl", "0af7"):
        assert expected in text


def test_gist_is_the_answer_of_a_model_and_the_error_of_a_failure(run: Htir) -> None:
    assert step_words.gist(run, run.step("s6")) == "None of them."
    assert step_words.gist(run, run.step("s5")) == "ValueError: no such line"
    assert len(step_words.gist(run, run.step("s3"))) <= step_words.GIST + 1


def test_story_of_a_flaw(flaw: FlawRecord) -> None:
    text = said(flaw_words.story_blocks(flaw, Advice(why="It matters.")))
    for expected in (
        "2 000 of 28 000 characters",
        "s3 output",
        "observed, confidence 0.90, in 1 failed run, 1 passed run",
        "not known: a recording of the cut itself",
        "pkg/other.py:3",
        "It matters.",
    ):
        assert expected in text
    assert "at fault" not in text


def test_a_verdict_that_is_not_the_harness_is_said(flaw: FlawRecord) -> None:
    best = flaw.best.model_copy(update={"verdict": Verdict.MODEL})
    assert "at fault: model" in said(flaw_words.story_blocks(flaw.model_copy(update={"best": best}), None))


def test_a_static_flaw_is_in_the_source_alone(flaw: FlawRecord) -> None:
    flaw = flaw.model_copy(update={"runs": (), "support": Support()})
    assert "in the source alone" in said(flaw_words.story_blocks(flaw, None))
    met = flaw.model_copy(update={"reached": Support(failed=2)})
    assert "in the source, and 2 recorded runs went through it" in said(flaw_words.story_blocks(met, None))


def test_repair_names_operator_commands_and_safety(flaw: FlawRecord) -> None:
    text = said(flaw_words.repair_blocks(flaw, Advice(safety="unsafe", fix_safety="Look at it.")))
    for expected in (
        "operator bound-observation  unsafe",
        "harnessfix repair 3f9a2c71 --apply",
        "harnessfix validate 3f9a2c71",
        "harnessfix explain C101",
        "press p",
        "Look at it.",
    ):
        assert expected in text


def test_without_an_operator_it_is_for_a_person(flaw: FlawRecord) -> None:
    flaw = flaw.model_copy(update={"best": flaw.best.model_copy(update={"operator": None})})
    text = said(flaw_words.repair_blocks(flaw, Advice()))
    assert "for a person" in text
    assert "harnessfix repair" not in text
    assert "press p" not in text


def test_a_stored_patch_is_shown_with_its_verdict(flaw: FlawRecord) -> None:
    patch = PatchView(id="feed", diff="-old\n+new\n", verdict="rejected-newly-failing", reason="task b fails now")
    text = said(flaw_words.repair_blocks(flaw, Advice(patches=[patch])))
    for expected in ("patch feed", "not applied", "rejected-newly-failing", "task b fails now", "-old", "+new"):
        assert expected in text


def test_diff_lines_have_their_colours() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n same\n-old\n+new\n+more"
    blocks = list(flaw_words.diff_blocks(diff))
    assert "\n".join(block.text for block in blocks) == diff
    assert [block.style for block in blocks] == ["bold", "$text-accent", "", "$text-error", "$text-success"]


def test_patch_documents_of_any_form_can_be_read() -> None:
    odd = patch_view({"id": 7, "diff": None, "contract": "none", "added": "many"})
    assert odd == PatchView(id="", diff="")
    whole = patch_view(
        {"id": "a", "diff": "d", "safety": "safe", "added": 2, "contract": {"expected_effect": "e"}},
        {"outcome": "accepted", "reason": "gone"},
        applied=True,
    )
    assert (whole.expected, whole.verdict, whole.reason, whole.added) == ("e", "accepted", "gone", 2)


def test_beginning_is_harmless_and_short() -> None:
    assert beginning("a\nb\x1b[2J" + "x" * 10_000_000, 8) == "a b\\x1b[2Jx…"
    assert beginning("short") == "short"


def test_count() -> None:
    assert [count(number, "step") for number in (0, 1, 2, 1234)] == ["0 steps", "1 step", "2 steps", "1,234 steps"]


def test_part_of_a_step_in_a_diagnosis(diagnosis: Diagnosis) -> None:
    parts = [flaw_words.part_of(step, diagnosis) for step in ("s3", "s4", "s6")]
    assert parts == ["responsible", "on the path", "symptom"]


def test_cells_are_content_and_never_markup(flaw: FlawRecord, run: Htir) -> None:
    best = flaw.best.model_copy(update={"name": "[red]name[/]", "rule": "[b]"})
    cells = flaw_words.flaw_cells(flaw.model_copy(update={"best": best}))
    assert all(isinstance(cell, Content) for cell in cells)
    assert cells[2].plain == "[red]name[/]"
    step = run.step("s3").model_copy(update={"name": "[red]x[/]", "kind": StepKind.TOOL_CALL})
    assert "[red]x[/]" in step_words.heading(step).plain
