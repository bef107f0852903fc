"""Documents that are made when they are asked for."""

import copy
import pickle
from collections.abc import Callable, Sequence

import pytest

from harnessfix_ir.harness import CallEdge, HarnessModel
from harnessfix_ir.rows import Rows
from harnessfix_ir.serial import document_schema
from harnessfix_ir.vocabulary import ElementRole

Send = Callable[[HarnessModel], HarnessModel]
CALLERS = ["a.py:f", "a.py:f", "b.py:g", "a.py:h"]


class Making:
    """Makes calls and remembers which."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def __call__(self, places: Sequence[int]) -> list[CallEdge]:
        self.made += places
        return [CallEdge(caller=CALLERS[place], callee=f"self.c{place}", line=place + 1) for place in places]


@pytest.fixture
def making() -> Making:
    return Making()


@pytest.fixture
def rows(making: Making) -> Rows[CallEdge]:
    columns = {
        "path": lambda: [caller.partition(":")[0] for caller in CALLERS],
        "name": lambda: [f"c{place}" for place in range(len(CALLERS))],
    }
    return Rows(len(CALLERS), columns, making)


def test_only_what_is_asked_for_is_made_and_once(rows: Rows[CallEdge], making: Making) -> None:
    assert [call.line for call in rows.where("path", "b.py")] == [3]
    assert rows[2] is rows.where("path", "b.py")[0]
    assert making.made == [2]
    assert [call.line for call in rows] == [1, 2, 3, 4]
    assert sorted(making.made) == [0, 1, 2, 3]


def test_several_values_come_in_order(rows: Rows[CallEdge]) -> None:
    assert [call.line for call in rows.where_any("name", ("c3", "c0", "c3", "none"))] == [1, 4]


def test_they_are_a_sequence_like_the_tuple_of_the_same(rows: Rows[CallEdge]) -> None:
    same = tuple(Making()(range(4)))
    assert rows == same
    assert same == rows
    assert rows[-1] == same[-1]
    assert rows[1:3] == same[1:3]
    assert rows != same[:3]
    with pytest.raises(IndexError):
        rows[4]


def test_copies_are_plain(rows: Rows[CallEdge]) -> None:
    assert pickle.loads(pickle.dumps(rows)) == tuple(rows)
    assert copy.deepcopy(rows) == tuple(rows)


def test_a_model_of_rows_is_written_and_described_as_one_of_tuples(rows: Rows[CallEdge]) -> None:
    plain = HarnessModel(root="/x", calls=tuple(rows))
    kept = plain.model_copy(update={"calls": rows})
    assert kept == plain
    assert kept.model_dump_json() == plain.model_dump_json()
    assert HarnessModel.model_validate_json(kept.model_dump_json()) == plain
    assert document_schema(HarnessModel)["properties"]["calls"]["items"] == {"$ref": "#/$defs/CallEdge"}
    assert kept.calls_of("a.py:f") == plain.calls_of("a.py:f") == list(rows[:2])
    assert kept.calls_named("c2", "c1") == plain.calls_named("c1", "c2") == list(rows[1:3])


@pytest.mark.parametrize("send", [lambda model: pickle.loads(pickle.dumps(model)), copy.copy, copy.deepcopy])
def test_a_model_that_was_asked_can_be_sent_and_asked_again(rows: Rows[CallEdge], send: Send) -> None:
    model = HarnessModel.model_validate({"root": "/agent", "calls": rows, "made_by": "a later version"})
    assert model.calls_of("b.py:g")
    assert model.callees == {}
    sent = send(model)
    assert sent.calls_of("b.py:g") == model.calls_of("b.py:g")
    assert [*sent.of_role(ElementRole.TOOL)] == []
    assert sent == model
    assert sent.model_dump() == model.model_dump()
