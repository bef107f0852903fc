"""The normalised form of texts, its way back, and winnowing's guarantee."""

import json
import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from harnessfix_ir.compiler.provenance.alignment import extend_seeds, local_seeds
from harnessfix_ir.compiler.provenance.escapes import unescaped
from harnessfix_ir.compiler.provenance.fingerprints import CHUNK, WINDOW, K, fingerprint
from harnessfix_ir.compiler.provenance.joining import SourceIndex
from harnessfix_ir.compiler.provenance.normal import Normal, normalise
from harnessfix_ir.compiler.provenance.records import leaves_of, place_for_record, record_before, record_of

anything = st.text(alphabet=st.one_of(st.characters(), st.sampled_from('\\nu"{} \n0041dé\ud83d\ude00')), max_size=80)


@settings(deadline=None)
@given(anything)
def test_escaping_a_text_does_not_change_its_normalised_form(text: str) -> None:
    # A backslash of the text's own is doubled by escaping, and what follows it is then read in another way.
    plain = text.replace("\\", "/")
    for ascii_only in (True, False):
        escaped = json.dumps(plain, ensure_ascii=ascii_only)
        pairs_apart = any("\ud800" <= a <= "\udbff" and "\udc00" <= b <= "\udfff" for a, b in pairwise(plain))
        control = any(c < " " and c not in "\n\r\t\b\f" for c in plain) or "\x7f" in plain
        if not pairs_apart and not control:
            assert normalise(escaped) == normalise(plain)


@settings(deadline=None)
@given(anything)
def test_every_normalised_byte_leads_back_to_its_character(text: str) -> None:
    normal = Normal(text)
    offsets = normal.offsets().tolist()
    assert len(offsets) == len(normal.data)
    assert offsets == sorted(offsets)
    for position, offset in enumerate(offsets):
        byte = normal.data[position : position + 1]
        if byte.isalnum() and text[offset] != "\\":
            assert text[offset].lower().encode("utf-8", "surrogatepass")[:1] == byte


def test_any_shared_run_of_thirty_one_leaves_a_common_fingerprint() -> None:
    rng = random.Random(3)

    def noise(length: int) -> bytes:
        return bytes(rng.choice(b"abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(length))

    for _ in range(300):
        shared = noise(K + WINDOW - 1)
        first, second = [noise(rng.randrange(200)) + shared + noise(rng.randrange(200)) for _ in range(2)]
        prints = printed([first, second])
        hashes = [{code for code, place in prints if (place < len(first)) is here} for here in (True, False)]
        assert hashes[0] & hashes[1]


def printed(texts: list[bytes]) -> set[tuple[int, int]]:
    """Fingerprints: hash, and place in the texts laid end to end."""
    return {pair for prints in fingerprint(texts) for pair in zip(prints.hash.tolist(), prints.place.tolist())}


def test_fingerprints_of_a_text_do_not_depend_on_its_neighbours_or_on_chunks() -> None:
    rng = random.Random(4)
    long = bytes(rng.choice(b"abcdefgh") for _ in range(3 * CHUNK + 77))
    alone = printed([long])
    among = printed([b"x" * 40, long, b"", b"short"])
    assert {(code, place + 40) for code, place in alone} == {pair for pair in among if 40 <= pair[1] < 40 + len(long)}
    for code, place in sorted(alone)[:200]:
        assert printed([long[place : place + K]]) == {(code, 0)}


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 7), max_size=12), min_size=2, max_size=6))
def test_candidates_are_earlier_texts_and_their_seeds_are_shared(paragraphs: list[list[int]]) -> None:
    rng = random.Random(5)
    stock = [bytes(rng.choice(b"abcdefghijklmnop") for _ in range(40)) for _ in range(8)]
    texts = [b"".join(stock[n] for n in numbers) for numbers in paragraphs]
    ranks = list(range(len(texts)))
    index = SourceIndex(ranks, ranks, texts)
    found = list(index.candidates(ranks, ranks, texts))
    for candidate in found:
        assert candidate.source < candidate.sink
        for source, sink in candidate.seeds.tolist():
            assert texts[candidate.source][source : source + K] == texts[candidate.sink][sink : sink + K]
    for n in range(1, len(texts)):
        if any(set(paragraphs[n]) & set(earlier) for earlier in paragraphs[:n]):
            assert any(candidate.sink == n for candidate in found)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["\\", "u", "\\ud83d", "\\ude00", "\\u00e9", "\\u4e2d", "00", "\\n", "\ud83d", "é"])))
def test_escapes_are_what_they_stand_for_at_their_place(pieces: list[str]) -> None:
    text = "".join(pieces)
    plain = unescaped(text)
    assert len(plain) == len(text.encode("utf-8", "surrogatepass"))
    alone = "\\ud83d\\ude00, \\u00e9, \\ude00."
    smile = "\U0001f600".encode().ljust(12)
    assert unescaped(alone) == smile + b", " + "é".encode().ljust(6) + b", " + b"\xed\xb8\x80".ljust(6) + b"."


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"alpha", b"beta", b"gamma1", b"delta22", b"x"]), max_size=40), st.data())
def test_runs_are_equal_and_do_not_overlap_in_the_sink(words: list[bytes], data: st.DataObject) -> None:
    source = b"".join(words)
    sink = b"".join(data.draw(st.permutations(words)))
    end = 0
    for run in extend_seeds(source, sink, local_seeds(source, sink), 8):
        assert source[run.source : run.source + run.length] == sink[run.sink : run.sink + run.length]
        assert run.sink >= end
        end = run.sink + run.length


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=6), values, min_size=1, max_size=5), st.booleans())
def test_a_record_is_found_in_any_spelling(value: dict[str, object], ascii_only: bool) -> None:
    compact = json.dumps(value, separators=(",", ":"))
    pretty = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=ascii_only)
    record = record_of(compact)
    if record is None or not 0.3 * len(compact) <= len(pretty) <= 8 * len(compact):
        return
    sink = f"Result:\n{pretty}\n"
    place = place_for_record(len(compact), sink)
    assert place == (8, 8 + len(pretty))
    assert len(pretty) < 16 or record_of(pretty) == record


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=6), values, min_size=1, max_size=5), st.data())
def test_a_record_is_found_among_other_brackets(value: dict[str, object], data: st.DataObject) -> None:
    record = record_of(json.dumps(value))
    if record is None:
        return
    shown = json.dumps(value, indent=2, sort_keys=True)
    sink = f"called as f(x[, y]) or {{z}}:\n{shown}\nas {{said}} [above]"
    inside = data.draw(st.integers(0, shown.find("{", 1) if "{" in shown[1:] else len(shown) - 1))
    assert record_before(record, "{", sink, sink.index(shown) + inside) == (
        sink.index(shown),
        sink.index(shown) + len(shown),
    )


def test_numbered_short_lines_are_one_row_of_runs() -> None:
    lines = ["if busy:", "wait(9)", "else:", "go_on()", "tell(it)", "stop_all()", "return 7", "raise Odd"]
    source = "".join(c for c in "".join(lines) if c.isalnum()).encode()
    shown = "".join(c for n, line in enumerate(lines, 1) for c in f"{n}{line}" if c.isalnum()).encode()
    runs = extend_seeds(source, shown, local_seeds(source, shown), 8)
    assert runs == []  # each alone is too short
    longer = [f"{line}{word}" for line, word in zip(lines, ("carefully", "patiently", "otherwise", "forwards") * 2)]
    source = "".join(c for c in "".join(longer) if c.isalnum()).encode()
    shown = "".join(c for n, line in enumerate(longer, 1) for c in f"{n}{line}" if c.isalnum()).encode()
    runs = extend_seeds(source, shown, local_seeds(source, shown), 8)
    assert sum(run.length for run in runs) > 0.9 * len(source)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=6), values, min_size=1, max_size=5))
def test_leaves_stand_where_they_are_said_to(value: dict[str, object]) -> None:
    text = json.dumps(value)
    for leaf in leaves_of(text):
        assert json.loads(f'"{text[leaf.start : leaf.end]}"') == leaf.text
