"""Texts of others can be stored, and shown without doing anything to a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbotx_source.texts import beginning, clean, one_line

ANY = st.text(st.characters(exclude_categories=()))


@given(ANY)
def test_what_is_cleaned_can_be_stored_and_is_as_long(text: str) -> None:
    cleaned = clean(text)
    assert "\0" not in cleaned
    assert len(cleaned.encode("utf-8").decode("utf-8")) == len(text)


@given(ANY)
def test_a_line_is_printable_and_has_the_same_visible_characters(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert line.replace(" ", "") == "".join(c for c in text if c.isprintable() and c != " ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\x1b[31mb", "a [31mb"),
        ("a\u202eb\u2066c\u200fd", "a b c d"),
        ("a\x9bb\x07", "a b"),
        (" two\r\n\tlines\u2028", "two lines"),
    ],
)
def test_a_space_stands_where_a_control_was(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("four", "four"), ("two words", "two"), ("twowords", ""), ("a b words", "a b")],
)
def test_a_beginning_ends_with_a_whole_word(text: str, shown: str) -> None:
    assert beginning(text, 4) == shown
