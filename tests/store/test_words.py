"""What counts as a word, and how many of a step's words are kept."""

from harnessfix.store.words import LONGEST_WORD, MOST_WORDS, most_of, words_of


def test_words_of_several_texts_are_those_of_each() -> None:
    texts = ["Read_File a.py", "Größe ﬁle", "日本 ok", "x" * (LONGEST_WORD + 9), ""]
    assert words_of(*texts) == set().union(*map(words_of, texts))
    assert words_of(*texts) == {"read", "file", "a", "py", "grösse", "日", "本", "ok", "x" * LONGEST_WORD}
    assert words_of() == words_of("", "-") == set()


def test_no_word_reaches_over_the_end_of_a_text() -> None:
    assert words_of("read", "file") == {"read", "file"}
    assert words_of("é", "e\u0301") == {"é"}


def test_of_very_many_words_the_first_by_alphabet_are_kept() -> None:
    words = {f"{number:06}" for number in range(MOST_WORDS + 10)}
    assert sorted(most_of(words)) == sorted(words)[:MOST_WORDS]
    assert sorted(most_of({"b", "a"})) == ["a", "b"]
