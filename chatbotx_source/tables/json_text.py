"""Texts and JSON as every destination can store them, with nothing else changed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

from chatbotx_source.redaction import redact_url

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # PostgreSQL refuses NUL, UTF-8 lone surrogates


def clean(text: str) -> str:
    """The text with U+FFFD in the place of each NUL and each lone surrogate."""
    # None of them is printable, and asking that is much faster than a search.
    return text if text.isprintable() else _UNSTORABLE.sub("\ufffd", text)


def free_key(key: str, taken: Mapping[str, Any]) -> str:
    """The key, with as many primes as it takes to be another than those taken."""
    while key in taken:
        key += "'"
    return key


def json_text(value: Any, *, redact: bool = False) -> str:
    """Writes a value as compact JSON that every destination takes, its numbers exact.

    Args:
        value: what a JSON text was decoded to.
        redact: take the credentials out of the URLs in it.

    Returns:
        The JSON text, its strings and keys cleaned, NaN and infinities as strings.
    """
    try:
        written = orjson.dumps(value)
    except TypeError:  # integers beyond 64 bits, lone surrogates, very deep nesting
        return _careful(value, redact)
    if (
        b"\\u0000" in written
        or (redact and b"://" in written)
        or (b"null" in written and orjson.loads(written) != value)  # NaN and infinities
    ):
        return _careful(value, redact)
    return written.decode()


class _Written(str):
    """Finished JSON, as opposed to a string that is still to be written."""

    __slots__ = ()


def _careful(value: Any, redact: bool) -> str:
    finished: list[str] = []
    pending = [value]  # a stack of our own, because recursion ends at a depth that JSON can reach
    while pending:
        item = pending.pop()
        if isinstance(item, _Written):
            finished.append(item)
        elif isinstance(item, dict):
            members: dict[str, Any] = {}
            for key, member in item.items():
                members[free_key(clean(key), members)] = member
            parts: list[Any] = []
            for key, member in members.items():
                parts += (_Written(f"{',' if parts else ''}{_quoted(key)}:"), member)
            pending += (_Written("}"), *reversed(parts), _Written("{"))
        elif isinstance(item, list):
            parts = [part for member in item for part in (_Written(","), member)][1:]
            pending += (_Written("]"), *reversed(parts), _Written("["))
        elif isinstance(item, str):
            finished.append(_quoted(clean(redact_url(item) if redact and "://" in item else item)))
        elif isinstance(item, float) and not math.isfinite(item):
            finished.append(_quoted(json.dumps(item)))
        else:
            finished.append(json.dumps(item))
    return "".join(finished)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
