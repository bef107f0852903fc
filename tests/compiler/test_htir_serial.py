"""HTIR as a file: nothing is lost, nothing false is accepted, and the file grows with what is new."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harnessfix_ir.compiler import compile_run
from harnessfix_ir.errors import BadDocumentError
from harnessfix_ir.findings import Diagnosis
from harnessfix_ir.htir import Htir
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.serial import document_schema, dump_document, dump_htir, json_schema, load_document, load_htir
from harnessfix_ir.steps import Part, Source, Span, TraceLink, TraceStep, new_link, new_span
from harnessfix_ir.texts import TextPool
from harnessfix_ir.vocabulary import LinkKind, StepKind

SOURCE = Source(format="test")


def history(turns: int) -> Htir:
    pool = TextPool()
    parts = [Part(role="system", text=pool.put("Count parcels."))]
    steps = []
    for n in range(turns):
        parts.append(Part(role="user", text=pool.put(f"Depot {n}?")))
        answer = Part(role="assistant", text=pool.put(f"{n * 7} parcels"))
        steps.append(
            TraceStep(
                id=f"s{n}", kind=StepKind.MODEL_CALL, name="chat", input=tuple(parts), output=(answer,), source=SOURCE
            )
        )
        parts.append(answer)
    return compile_run(Recording(run=RunInfo(id="r"), steps=tuple(steps), texts=pool.texts))


def test_a_resent_history_is_written_once() -> None:
    htir = history(40)
    written = dump_htir(htir)
    assert load_htir(written) == htir
    assert json.loads(written)["steps"][-1]["input_from"] == {"step": "s38", "parts": 78}
    assert len(dump_htir(history(80))) < 2.2 * len(written)


def test_unknown_fields_of_a_later_version_are_kept() -> None:
    data = json.loads(dump_htir(history(2)))
    data["weather"] = "fine"
    data["steps"][0]["mood"] = {"good": True}
    again = json.loads(dump_htir(load_htir(json.dumps(data))))
    assert again["weather"] == "fine"
    assert again["steps"][0]["mood"] == {"good": True}


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from('a\ud83d\ude00\udc00\uffff"\\\n'), max_size=12))
def test_any_text_survives(text: str) -> None:
    run = RunInfo(id="r", name=text, attributes={text: [text]})
    htir = Htir(run=run, texts={"d": text}, incomplete=(text,))
    written = dump_htir(htir)
    assert load_htir(written.encode("utf-8").decode("utf-8")) == htir


def broken() -> dict[str, str]:
    good = json.loads(dump_htir(history(3)))
    link = good["links"][0]

    def changed(**fields: object) -> str:
        return json.dumps({**good, **fields})

    first = good["steps"][0]
    return {
        "not JSON": "{",
        "too deep": "[" * 100_000,
        "a list": "[]",
        "another format": changed(schema_version="someone.else/1"),
        "a later version": changed(schema_version="harnessfix.htir/2"),
        "two steps of one id": changed(steps=[*good["steps"], first]),
        "an unknown parent": changed(steps=[{**first, "parent": "s77"}, *good["steps"][1:]]),
        "a circle": changed(steps=[{**first, "parent": "s0"}, *good["steps"][1:]]),
        "an unknown text": changed(texts={}),
        "a prefix from nowhere": changed(steps=good["steps"][1:]),
        "a link to nowhere": changed(links=[{**link, "target": "s77"}]),
        "a span past the end": changed(
            links=[{**link, "source_span": {"side": "out", "part": 0, "start": 0, "end": 99_999}}]
        ),
        "a span of no part": changed(links=[{**link, "source_span": {"side": "up", "part": 0, "start": 0, "end": 0}}]),
        "a wrong kind": changed(links=[{**link, "kind": "admires"}]),
        "steps that are none": changed(steps=[1, "two"]),
    }


@pytest.mark.parametrize("trouble", sorted(broken()))
def test_what_is_wrong_is_refused(trouble: str) -> None:
    with pytest.raises(BadDocumentError):
        load_htir(broken()[trouble])


def test_the_schema_names_its_version_and_the_shortened_input() -> None:
    schema = json_schema()
    assert schema["$id"] == "harnessfix.htir/1"
    assert "input_from" in schema["$defs"]["TraceStep"]["properties"]
    assert document_schema(Diagnosis)["title"] == "Diagnosis"


def test_other_documents_round_trip() -> None:
    run = RunInfo(id="r", name="\ud800", attributes={"b": 1.5, "a": None})
    assert load_document(RunInfo, dump_document(run)) == run
    with pytest.raises(BadDocumentError, match="at id"):
        load_document(RunInfo, "{}")


def test_unchecked_documents_are_like_validated_ones_and_do_not_leak_into_each_other() -> None:
    span: dict[str, Any] = {"side": "in", "part": 0, "start": 3, "end": 9}
    fields: dict[str, Any] = {"source": "s1", "target": "s2", "kind": LinkKind.COPIED}
    made = new_link(**fields, source_span=new_span(**span), detail="whole")
    checked = TraceLink(**fields, source_span=Span(**span), detail="whole")
    assert made == checked
    assert (made.model_dump_json(), repr(made), hash(made.kind)) == (
        checked.model_dump_json(),
        repr(checked),
        hash(checked.kind),
    )
    other = made.model_copy(update={"later_field": 1})
    assert other.model_extra == {"later_field": 1}
    assert made.model_extra == new_link(**fields).model_extra == {}
