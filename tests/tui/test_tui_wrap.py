"""Lines break where they fit, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from harnessfix.tui.source_file import shown
from harnessfix.tui.widgets.wrap import breaks

TEXTS = st.text(st.characters(codec="utf-8"), max_size=300).map(shown)


@given(TEXTS, st.integers(2, 60))
def test_pieces_cover_the_line_and_fit(text: str, width: int) -> None:
    pieces = list(breaks(text, width))
    assert "".join(text[start:end] for start, end in pieces) == text
    assert all(cell_len(text[start:end].rstrip(" ")) <= width for start, end in pieces)


def test_breaks_after_spaces_where_there_are_any() -> None:
    text = "the quick brown fox jumps over"
    assert [text[start:end] for start, end in breaks(text, 12)] == ["the quick ", "brown fox ", "jumps over"]


def test_a_long_word_is_cut_at_the_width() -> None:
    assert list(breaks("x" * 25, 10)) == [(0, 10), (10, 20), (20, 25)]


def test_wide_characters_count_twice() -> None:
    assert list(breaks("字" * 5, 4)) == [(0, 2), (2, 4), (4, 5)]


def test_an_empty_line_is_a_line() -> None:
    assert list(breaks("", 10)) == [(0, 0)]
