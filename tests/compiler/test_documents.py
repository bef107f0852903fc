"""Every kind of document as a file: nothing is lost, what a later version adds is read, what dangles is refused."""

import json
import types
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessfix.cli.commands.schema_command import DOCUMENTS
from harnessfix.cli.commands.schema_command import command as schema_command
from harnessfix_ir.anchors import Anchor
from harnessfix_ir.document import Document, JsonValue
from harnessfix_ir.errors import BadDocumentError
from harnessfix_ir.findings import Diagnosis, FlawRecord, RepairSpec
from harnessfix_ir.harness import CallEdge, Element, Fact, HarnessModel, SourceFile
from harnessfix_ir.htir import Htir
from harnessfix_ir.integrity import check_model
from harnessfix_ir.recording import Recording, RunInfo
from harnessfix_ir.serial import dump_document, dump_htir, load_document, load_htir
from harnessfix_ir.source import read_harness
from harnessfix_ir.steps import Part, Source, TraceLink, TraceStep
from harnessfix_ir.vocabulary import ElementRole, Layer, LinkKind, Route, StepKind
from harnessfix_repairs.patch import Patch

KINDS: tuple[type[Document], ...] = (
    *(Htir, Recording, HarnessModel, Diagnosis, FlawRecord, RepairSpec, Patch),
    *(TraceStep, TraceLink, Anchor, Element, Fact, CallEdge, SourceFile, RunInfo),
)
TEXT = st.text(alphabet=st.sampled_from('ab\n"\\é\u2028\ud83d\ude00\udc00'), max_size=6)
NUMBERS = st.integers(-(2**63), 2**63)
LEAVES = st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2), max_leaves=4
)


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of the type of a field."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is JsonValue:
        return VALUES
    if origin is Annotated:
        return values(arguments[0])
    if origin in (Union, types.UnionType):
        return st.one_of([values(argument) for argument in arguments])
    if (origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis) or origin in (list, Sequence):
        return st.lists(later_made(arguments[0]), max_size=2).map(origin if origin is list else tuple)
    if origin is tuple:
        return st.tuples(*map(values, arguments))
    if origin is dict:
        return st.dictionaries(values(arguments[0]), later_made(arguments[1]), max_size=2)
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return documents(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    plain = {str: TEXT, int: NUMBERS, float: st.floats(allow_nan=False), bool: st.booleans(), type(None): st.none()}
    return plain[annotation]


def later_made(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a type that may hold itself."""
    return st.deferred(lambda: values(annotation))


def documents(kind: type[Document]) -> st.SearchStrategy[Any]:
    """Documents of a kind, with required fields and any of the others."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in kind.model_fields.items():
        made = later_made(field.annotation)
        (required if field.is_required() else optional)[name] = made
    return st.fixed_dictionaries(required, optional=optional).map(kind.model_validate)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_document_survives_being_written_and_read(kind: type[Document], data: st.DataObject) -> None:
    document = data.draw(documents(kind))
    written = dump_document(document)
    assert load_document(kind, written.encode().decode()) == document
    assert dump_document(load_document(kind, written)) == written


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_fields_of_a_later_version_are_kept(kind: type[Document], data: st.DataObject) -> None:
    plain = json.loads(dump_document(data.draw(documents(kind))))
    plain["weather"] = {"of": ["a", "later", "version"]}
    again = json.loads(dump_document(load_document(kind, json.dumps(plain))))
    assert again["weather"] == plain["weather"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_kind_has_a_schema_that_names_its_fields(name: str) -> None:
    printed = json.loads(CliRunner().invoke(schema_command, [name]).output)
    kind = KINDS[DOCUMENTS.index(name)]
    assert printed["$schema"].endswith("2020-12/schema")
    assert set(kind.model_fields) <= set(printed["properties"])


# --- words of a later version --------------------------------------------------------------------------------------

RUN = Htir(
    run=RunInfo(id="r"),
    texts={"t": "hello"},
    steps=(
        TraceStep(
            id="s1",
            kind=StepKind.TOOL_CALL,
            name="look",
            output=(Part(role="result", text="t"),),
            anchors=(Anchor(path="a.py", qualname="look", start_line=1, end_line=2, route=Route.PROBE),),
            source=Source(format="test"),
        ),
        TraceStep(id="s2", kind=StepKind.MODEL_CALL, name="ask", source=Source(format="test")),
    ),
    links=(TraceLink(source="s1", target="s2", kind=LinkKind.FOLLOWS),),
)


def later(version: str, **changed: str) -> str:
    """The run with words that nobody knows yet."""
    data = json.loads(dump_htir(RUN))
    data["schema_version"] = version
    data["steps"][0]["kind"] = changed.get("step", "tool_call")
    data["steps"][0]["anchors"][0]["route"] = changed.get("route", "probe")
    data["links"][0]["kind"] = changed.get("link", "follows")
    return json.dumps(data)


def test_words_of_a_later_version_are_read_as_what_comes_nearest_and_said() -> None:
    read = load_htir(later("harnessfix.htir/1.4", step="dream", route="telepathy", link="admires"))
    first, second = read.steps
    assert (first.kind, first.anchors, second.kind) == (StepKind.LIFECYCLE, (), StepKind.MODEL_CALL)
    assert read.links == ()
    assert sorted(read.incomplete) == [
        "a later version's anchor route telepathy",
        "a later version's link kind admires",
        "a later version's step kind dream",
    ]


def test_what_is_wrong_in_every_version_is_refused_in_a_later_one() -> None:
    data = json.loads(later("harnessfix.htir/1.4", link="admires"))
    data["steps"][0]["output"] = "none"
    with pytest.raises(BadDocumentError, match=r"steps\.0\.output"):
        load_htir(json.dumps(data))


@pytest.mark.parametrize("changed", [{"step": "dream"}, {"route": "telepathy"}, {"link": "admires"}])
def test_in_this_version_an_unknown_word_is_an_error(changed: dict[str, str]) -> None:
    with pytest.raises(BadDocumentError):
        load_htir(later("harnessfix.htir/1", **changed))


# --- harness models ------------------------------------------------------------------------------------------------

AT = Anchor(path="a.py", qualname="f", start_line=1, end_line=2, content_hash="0" * 16)
F = Element(id="function:a.py:f", role=ElementRole.FUNCTION, layer=Layer.LIFECYCLE, name="f", anchor=AT)
FILE = SourceFile(path="a.py", sha256="0" * 64, lines=2)
CALL = CallEdge(caller="a.py:f", callee="f", line=2, resolved="a.py:f")


def model(
    files: tuple[SourceFile, ...] = (FILE,), elements: tuple[Element, ...] = (F,), calls: tuple[CallEdge, ...] = (CALL,)
) -> HarnessModel:
    """A small model with something changed."""
    return HarnessModel(root="/", files=files, elements=elements, calls=calls)


def element(**place: object) -> tuple[Element, ...]:
    """The function somewhere else."""
    return (F.model_copy(update={"anchor": AT.model_copy(update=place)}),)


def test_a_model_whose_citations_resolve_passes(tmp_path: Path) -> None:
    check_model(model())
    (tmp_path / "a.py").write_text("def f():\n    return g()\n\ndef g():\n    raise ValueError('no')\n")
    (tmp_path / "b.py").write_text("def f(:\n")
    (tmp_path / "c.yaml").write_text("agent:\n  limit: 3\n")
    check_model(read_harness([tmp_path]))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (model(elements=(F, F)), "two elements"),
        (model(files=()), "stands in a.py, which is not in the model"),
        (model(files=(FILE.model_copy(update={"error": "not Python"}),)), "could not be read"),
        (model(elements=element(end_line=3)), "cites lines 1 to 3 of 2"),
        (model(elements=element(start_line=0)), "cites lines 0 to 2"),
        (model(elements=element(start_line=2, end_line=1)), "cites lines 2 to 1"),
        (model(elements=(F.model_copy(update={"facts": (Fact(name="x", line=9),)}),)), "cites line 9"),
        (model(calls=(CALL.model_copy(update={"caller": "b.py:f"}),)), "is in b.py:f"),
        (model(calls=(CALL.model_copy(update={"resolved": "a.py:g"}),)), "calls a.py:g"),
    ],
)
def test_a_model_that_cites_what_it_does_not_hold_is_refused(wrong: HarnessModel, words: str) -> None:
    with pytest.raises(BadDocumentError, match=words):
        check_model(wrong)
