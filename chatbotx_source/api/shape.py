"""Describes what a server sent by its shape alone, for errors: kinds, names and sizes, no value."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

_DEPTH = 3
_NAMES = 8
# As the API names its fields. Anything else may be a value that somebody made a key of.
_NAME = re.compile(r"[a-z]{1,24}(?:[A-Z][a-z]{0,23}){0,5}")


def shape(value: Any, depth: int = _DEPTH) -> str:
    """Describe a value decoded from JSON.

    Args:
        value: The value.
        depth: Levels of objects and lists to look into.

    Returns:
        Such as `{data: list of 2 {id: text, text: null}, nextCursor: null}`.
    """
    if isinstance(value, dict):
        return _shape_of_object(value, depth)
    if isinstance(value, list):
        inside = f" {shape(value[0], depth - 1)}" if value and depth else ""
        return f"list of {len(value):,}{inside}"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _shape_of_object(value: dict[str, Any], depth: int) -> str:
    if not depth:
        return f"object of {len(value):,}"
    named = [
        f"{key if _NAME.fullmatch(key) else '?'}: {shape(member, depth - 1)}"
        for key, member in islice(value.items(), _NAMES)
    ]
    more = [f"{len(value) - _NAMES:,} more"] if len(value) > _NAMES else []
    return "{" + ", ".join(named + more) + "}"
