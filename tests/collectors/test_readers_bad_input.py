"""Files that are cut, broken, foreign, hostile or full of secrets."""

import gzip
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harnessfix_collectors.archive import entries
from harnessfix_collectors.files import TraceFile, Trouble
from harnessfix_collectors.pieces import pieces
from harnessfix_collectors.readers import all_readers, read_bytes, reader_of
from harnessfix_collectors.redaction import Scrubber
from harnessfix_ir.errors import BadInputError

FILES = Path(__file__).parent / "samples" / "files"
LINES = ["ag-ui.jsonl", "claude-code.jsonl", "codex.jsonl", "langsmith.jsonl", "openai-agents.jsonl"]
DOCUMENTS = sorted(path.name for path in FILES.iterdir() if path.suffix in (".json", ".traj"))
KEY = "sk-" + "a1B2" * 8


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_loses_only_itself(name: str) -> None:
    lines = (FILES / name).read_bytes().splitlines()
    format_name = reader_of(TraceFile.at(FILES / name)).name
    lines.insert(2, b'{"type": "user", "mess')
    lines.insert(4, b"\xff\xfe garbage")
    runs = list(read_bytes(b"\n".join(lines), name, format_name))
    notes = " ".join(note for run in runs for note in run.incomplete)
    assert f"{name}, line 3: not JSON" in notes
    assert f"{name}, line 5" in notes
    assert sum(len(run.steps) for run in runs) == sum(
        len(run.steps) for run in read_bytes((FILES / name).read_bytes(), name)
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_cut_document_is_one_error_with_its_place(name: str) -> None:
    data = (FILES / name).read_bytes()
    with pytest.raises(BadInputError, match=rf"{name}: not a whole JSON document: .*char \d+") as caught:
        list(read_bytes(data[: len(data) * 2 // 3], name, reader_of(TraceFile.at(FILES / name)).name))
    assert "cut" in caught.value.hint


@pytest.mark.parametrize("reader", all_readers(), ids=lambda reader: reader.name)
@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"hello", b"[[[", b'{"a": 1}\n{"b": 2}', b"\x00\x01\x02"])
def test_what_is_not_of_a_format_is_refused_by_name(reader: Any, data: bytes) -> None:
    with pytest.raises(BadInputError) as caught:
        list(read_bytes(data, "some.file", reader.name))
    assert "some.file" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello", "not a trace format"),
        (b'{"recipes": [], "author": 1}', "keys: author, recipes"),
        (b"   ", "nothing in it"),
        (b"PK\x03\x04rest", "a ZIP archive, but not an Inspect log"),
    ],
)
def test_an_unknown_file_is_described_and_the_formats_are_listed(data: bytes, words: str) -> None:
    with pytest.raises(BadInputError) as caught:
        list(read_bytes(data, "some.file"))
    assert words in str(caught.value)
    assert all(reader.name in caught.value.hint for reader in all_readers())


def test_empty_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    empty, damaged = tmp_path / "empty.jsonl", tmp_path / "cut.jsonl.gz"
    empty.touch()
    damaged.write_bytes(gzip.compress((FILES / "codex.jsonl").read_bytes())[:-200])
    for path, words in ((tmp_path / "none", "No such file"), (empty, "is empty"), (tmp_path, "directory")):
        with pytest.raises(BadInputError, match=words):
            TraceFile.at(path)
    file = TraceFile.at(damaged)
    (run,) = reader_of(file, "codex").read(file)
    assert "cut or damaged" in " ".join(run.incomplete)


def test_compressed_files_are_read_as_plain_ones(tmp_path: Path) -> None:
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress((FILES / "atif.json").read_bytes()))
    file = TraceFile.at(packed)
    (run,) = reader_of(file).read(file)
    assert run.run.format == "atif"


def test_an_archive_that_would_exhaust_memory_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", b"{}")
        archive.writestr("samples/1_epoch_1.json", b"0" * 1000)
    data = bytearray(made.getvalue())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (3 << 30).to_bytes(4, "little")  # the directory says 3 GiB
    with pytest.raises(BadInputError, match="says it has 3221225472 bytes"):
        list(read_bytes(bytes(data), "bomb.eval", "inspect"))
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")  # … and lies the other way round
    with pytest.raises(BadInputError, match=r"bomb\.eval: entry 'samples/1_epoch_1\.json' cannot be unpacked"):
        list(entries(bytes(data), "bomb.eval"))


def test_a_file_nested_without_end_is_refused() -> None:
    deep = b'{"schema_version": "ATIF-v1.8", "steps": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    with pytest.raises(BadInputError, match="nested too deeply"):
        list(read_bytes(deep, "deep.json", "atif"))


def test_secrets_are_replaced_whatever_the_format() -> None:
    scrubber = Scrubber(patterns=(r"hunter\d+",), environment={"SHOP_TOKEN": 'quo"ted-value'})
    line = json.dumps({"text": f'first\nBearer {KEY} and quo"ted-value', "n": 1.5, "password": "hunter22"}).encode()
    clean = scrubber.scrub(line + b"\n" + line)
    assert KEY.encode() not in clean
    assert b"ted-value" not in clean
    assert b"hunter22" not in clean
    assert [json.loads(each)["n"] for each in clean.splitlines()] == [1.5, 1.5]
    assert scrubber.count == 6
    plain = b'{"nothing": "risk-free, task-sized"}'
    assert Scrubber(environment={}).scrub(plain) is plain


def test_secrets_in_an_archive_are_replaced() -> None:
    made = io.BytesIO()
    sample = {"id": 1, "messages": [{"role": "user", "content": KEY}]}
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"eval": {"task": "t", "model": "m"}}))
        archive.writestr("samples/1_epoch_1.json", json.dumps(sample))
    scrubber = Scrubber(environment={})
    clean = scrubber.scrub(made.getvalue())
    (run,) = read_bytes(clean, "a.eval")
    assert scrubber.count == 1
    assert KEY not in "".join(run.texts.values())
    assert "<redacted>" in run.texts.values()


def test_a_large_file_is_cut_where_its_runs_are(tmp_path: Path) -> None:
    whole = tmp_path / "many.jsonl"
    lines = (FILES / "langsmith.jsonl").read_text().splitlines()
    ids = sorted({json.loads(line)["trace_id"] for line in lines})
    other = [line.replace(ids[0][:8], "0123abcd") for line in lines]
    whole.write_text("\n".join([line for pair in zip(lines, other) for line in pair] + ["{broken"]))
    file = TraceFile.at(whole)
    reader, trouble = reader_of(file), Trouble(file.name)
    cut = list(pieces(file, reader, trouble, large=1))
    assert len(cut) == 2
    assert [len(next(iter(reader.read(piece))).steps) for piece in cut] == [4, 4]
    assert "line 9: not JSON" in trouble.notes[0]
    (same,) = pieces(file, reader, Trouble(file.name))
    assert same is file


def test_one_long_list_is_cut_item_by_item(tmp_path: Path) -> None:
    file = TraceFile.at(FILES / "tau-bench.json")
    reader = reader_of(file)
    cut = list(pieces(file, reader, Trouble(file.name), large=1))
    assert [run.run.score for piece in cut for run in reader.read(piece)] == [1.0, 0.0]
    short = tmp_path / "cut.json"
    short.write_bytes((FILES / "tau-bench.json").read_bytes()[:-300])
    trouble = Trouble("cut.json")
    (first,) = pieces(TraceFile.at(short), reader, trouble, large=1)
    assert next(iter(reader.read(first))).run.score == 1.0
    assert "the list breaks off after item 1" in trouble.notes[0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b'"' + b"7" * 20_000 + b'"', None),
        (b"9" * 20_000, "the list breaks off after item 1"),
        (b"[" * 20_000 + b"]" * 20_000, "item 2: nested too deeply"),
    ],
    ids=["digits that are text", "huge integer", "deep list"],
)
def test_an_item_that_exhausts_a_parser_loses_no_other(tmp_path: Path, value: bytes, said: str | None) -> None:
    first, second = json.loads((FILES / "tau-bench.json").read_bytes())[:2]
    path = tmp_path / "hostile.json"
    parts = (json.dumps(first).encode(), b'{"made": ' + value + b", " + json.dumps(second).encode()[1:])
    path.write_bytes(b"[" + b", ".join(parts) + b"]")
    file, trouble = TraceFile.at(path), Trouble("hostile.json")
    cut = list(pieces(file, reader_of(TraceFile.at(FILES / "tau-bench.json")), trouble, large=1))
    assert len(cut) == (1 if said else 2)
    assert (said in trouble.notes[0]) if said else not trouble.notes


def test_spans_of_one_trace_come_together_from_many_lines(tmp_path: Path) -> None:
    def line(*spans: tuple[str, int]) -> str:
        made = [{"traceId": trace * 32, "spanId": f"{n:016x}", "name": f"n{n}"} for trace, n in spans]
        return json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": made}]}]})

    path = tmp_path / "spans.jsonl"
    path.write_text("\n".join([line(("a", 1), ("b", 2)), line(("b", 3), ("a", 4)), line(("a", 5))]))
    file = TraceFile.at(path)
    reader = reader_of(file)
    runs = [run for piece in pieces(file, reader, Trouble(file.name), large=1) for run in reader.read(piece)]
    assert {run.run.id[0]: sorted(step.name for step in run.steps) for run in runs} == {
        "a": ["n1", "n4", "n5"],
        "b": ["n2", "n3"],
    }


@pytest.mark.parametrize(
    "data",
    [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 30_000 + b"1" + b"}" * 30_000, b'{"a": ' + b"9" * 10_000 + b"}"],
    ids=["deep list", "deep object", "huge integer"],
)
def test_what_exhausts_a_json_parser_is_refused(data: bytes) -> None:
    with pytest.raises(BadInputError):
        list(read_bytes(data, "hostile.json"))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "trace.json"
    os.mkfifo(pipe)
    with pytest.raises(BadInputError, match=r"trace\.json: not a regular file"):
        TraceFile.at(pipe)
