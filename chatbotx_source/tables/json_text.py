"""Texts and JSON as every destination can store them, with nothing else changed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from chatbotx_source.redaction import may_open_something, redact_links
from chatbotx_source.texts import clean


def free_key(key: str, taken: Mapping[str, Any]) -> str:
    """The key, with a prime, and if need be a number, where it is one of those taken."""
    if key not in taken:
        return key
    free, number = f"{key}'", len(taken)
    while free in taken:
        # Doubled, not counted up: whoever chooses the keys could make every search a long one.
        free, number = f"{key}'{number}", 2 * number
    return free


def json_text(value: Any, *, redact: bool = False) -> str:
    """Writes a value as compact JSON that every destination takes, its numbers exact.

    Args:
        value: what a JSON text was decoded to.
        redact: take the credentials out of the links in it.

    Returns:
        The JSON text, its strings and keys cleaned, NaN and infinities as strings.
    """
    try:
        written = orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits, lone surrogates, very deep nesting
        return _careful(value, redact)
    if (
        "\\u0000" in written
        or (redact and may_open_something(written))
        or ("null" in written and orjson.loads(written) != value)  # NaN and infinities
    ):
        return _careful(value, redact)
    return written


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
            finished.append(_quoted(clean(redact_links(item) if redact else item)))
        elif isinstance(item, Decimal):  # an integer too long for Python's own type
            finished.append(str(item))
        elif isinstance(item, float) and not math.isfinite(item):
            finished.append(_quoted(json.dumps(item)))
        else:
            finished.append(json.dumps(item))
    return "".join(finished)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
