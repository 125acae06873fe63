"""Values of one column as decoded from JSON, into an Arrow array; and which of them do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from types import NoneType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatbotx_source.tables.columns import Column
from chatbotx_source.tables.json_text import json_text
from chatbotx_source.texts import clean

_PYTHON_TYPES: dict[str, type] = {
    "text": str,
    "timestamp": str,
    "bool": bool,
    "bigint": int,
    "double": float,
}
_YEAR_1, _YEAR_10000 = -62_135_596_800_000_000, 253_402_300_800_000_000  # us since 1970
_EXACT_IN_A_DOUBLE = 2**53
_DIGITS = (int, Decimal)
"""What a JSON number without a fraction is decoded to: the latter beyond 640 digits."""


def converted(column: Column, values: Sequence[Any]) -> tuple[pa.Array, list[int]]:
    """Makes a column, in bulk where all values are alike, else value by value.

    Args:
        column: the column.
        values: what the API sent for it, None for nothing.

    Returns:
        The array, with nulls for what does not fit, and the positions of that.
    """
    if column.type == "json":
        return pa.array(
            [None if value is None else json_text(value) for value in values], pa.string()
        ), []
    kinds = set(map(type, values)) - {NoneType}
    if not kinds:
        return pa.nulls(len(values), column.arrow_type), []
    if kinds == {_PYTHON_TYPES[column.type]}:
        try:
            return _bulk(column, values), []
        except (ValueError, OverflowError):
            pass  # some value is not what its type promises: look at each
    taken = [None if value is None else fitted(column, value) for value in values]
    misfits = [n for n, value in enumerate(values) if value is not None and taken[n] is None]
    return pa.array(taken, column.arrow_type), misfits


def _bulk(column: Column, values: Sequence[Any]) -> pa.Array:
    """Converts values of the one Python type that the column is for, and nulls."""
    if column.type not in ("text", "timestamp"):
        return pa.array(values, column.arrow_type)
    texts = pa.array(values, pa.string())
    if column.type == "timestamp":
        return _within_years(texts.cast(column.arrow_type))
    if pc.any(pc.match_substring(texts, "\0")).as_py():
        return pc.replace_substring(texts, "\0", "\ufffd")
    return texts


def fitted(column: Column, value: Any) -> Any:
    """The value as the column takes it, or None if it does not fit."""
    kind = type(value)
    if column.type == "text":
        if kind is str:
            return clean(value)
        return str(value) if kind in _DIGITS and column.form == "id" else None
    if column.type == "timestamp":
        return _microseconds(value)
    if column.type == "bool":
        return value if kind is bool else None
    if column.type == "double":
        return float(value) if kind in (int, float) else None
    if kind is float and value.is_integer() and abs(value) <= _EXACT_IN_A_DOUBLE:
        return int(value)
    return value if kind is int and -(2**63) <= value < 2**63 else None


def _microseconds(value: Any) -> int | None:
    """Reads an ISO 8601 text (without an offset: UTC) or a datetime, in microseconds since 1970."""
    utc = pa.timestamp("us", tz="UTC")
    for form in (utc, pa.timestamp("us")):
        try:
            if isinstance(value, str):
                instant = pa.array([value], pa.string()).cast(form)
            elif isinstance(value, datetime):
                instant = pa.array([value], form)
            else:
                return None
            return int(_within_years(instant)[0].value)
        except (ValueError, OverflowError):
            continue
    return None


def _within_years(instants: pa.Array) -> pa.Array:
    """Refuses, with a ValueError, times that Python and most databases cannot hold."""
    ends = pc.min_max(instants)
    low, high = ends["min"].value, ends["max"].value
    if low is not None and (low < _YEAR_1 or high >= _YEAR_10000):
        raise ValueError("a time outside of the years 1 to 9999")
    return instants


def usable_id(value: Any) -> str | None:
    """The id as text, or None if the value cannot identify a row."""
    if type(value) is str:
        return clean(value) or None
    return str(value) if type(value) in _DIGITS else None
