"""Cursors of a walk through messages, written and read as the server does."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from chatbotx_source.sandbox.state import Position, timestamp

_SHARD = "__main_db__"


def encode_cursor(position: Position) -> str:
    """Writes the cursor that leads to the rows older than this position."""
    created_at, number = position
    fields = {"direction": "prev", "createdAt": created_at, "id": str(number), "shardId": _SHARD}
    return base64.b64encode(orjson.dumps(fields)).decode()


def decode_cursor(cursor: str) -> Position | None:
    """Reads a cursor.

    Returns:
        The position, or None when the cursor is JSON of another shape, which is ignored.

    Raises:
        ValueError: it is not JSON in base64, or has a year beyond what the server takes.
    """
    letters = re.sub(r"[^A-Za-z0-9+/]", "", cursor.translate(str.maketrans("-_", "+/")))
    shape = json.loads(base64.b64decode(letters + "=" * (-len(letters) % 4)))
    if not isinstance(shape, dict) or shape.get("direction") not in ("prev", "next"):
        return None
    number, shard = shape.get("id"), shape.get("shardId", _SHARD)
    if not (isinstance(number, str) and number.isdecimal() and isinstance(shard, str)):
        return None
    created_at = _time(shape.get("createdAt", ""))
    return None if created_at is None else (created_at, int(number))


def _time(moment: Any) -> str | None:
    """Reads a time as JavaScript does: text, or milliseconds since 1970, of which null is 0."""
    if isinstance(moment, str) and re.match(r"[+-]\d{6}-", moment):
        raise ValueError(f"year out of range: {moment}")
    try:
        if moment is None or isinstance(moment, (int, float)):
            since = datetime(1970, 1, 1, tzinfo=timezone.utc)
            return timestamp(since + timedelta(milliseconds=moment or 0))
        parsed = datetime.fromisoformat(moment.replace("Z", "+00:00"))
        return timestamp(parsed.replace(tzinfo=parsed.tzinfo or timezone.utc))
    except (AttributeError, ValueError, OverflowError):
        return None
