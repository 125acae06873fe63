"""Texts of others: as every destination can store them, and as a log can show them."""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # PostgreSQL refuses NUL, UTF-8 lone surrogates


def clean(text: str) -> str:
    """The text with U+FFFD in the place of each NUL and each lone surrogate."""
    # None of them is printable, and asking that is much faster than a search.
    return text if text.isprintable() else _UNSTORABLE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The text on one line, without characters that a terminal obeys instead of showing them.

    Control bytes, escape sequences and marks that turn the direction of writing are no printable
    characters; a space stands in their place, so that nothing new appears by their absence.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def beginning(text: str, most: int) -> str:
    """The text, or where it is longer, the whole words of its beginning."""
    if len(text) <= most:
        return text
    words = text[: most + 1].rsplit(None, 1)
    return words[0] if len(words) > 1 else ""
