"""Instants as the API writes them: fixed-width UTC texts, so that text order is time order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

Instant = str
"""`YYYY-MM-DDTHH:MM:SS.mmmZ`, as measured in every answer: compares as it stands."""

_WRITTEN_BY_THE_API = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def instant(value: Any) -> Instant | None:
    """Reads an instant from an answer.

    Args:
        value: whatever the API sent; forms other than the API's own are converted to it.

    Returns:
        The instant, or None for null and for what is no time.
    """
    if not isinstance(value, str):
        return None
    try:
        if _WRITTEN_BY_THE_API.fullmatch(value):
            datetime.fromisoformat(value[:-1])
            return value
        return from_datetime(_parsed(value))
    except (ValueError, OverflowError):
        return None


def are_instants(values: Sequence[Any]) -> bool:
    """Whether all values are written as the API writes instants, and so compare as they stand."""
    return set(map(type, values)) <= {str} and all(map(_WRITTEN_BY_THE_API.fullmatch, values))


def from_datetime(moment: datetime) -> Instant:
    """Writes a datetime (naive: UTC) as the API does, cut to milliseconds."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    utc = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def to_datetime(value: Instant) -> datetime:
    """The aware datetime of an instant."""
    return _parsed(value)


def minus(value: Instant, **duration: float) -> Instant:
    """An earlier instant.

    Args:
        value: where to start.
        **duration: as `datetime.timedelta` takes it, `days=1.5`.

    Returns:
        The instant that much earlier, no earlier than year 1.
    """
    try:
        return from_datetime(_parsed(value) - timedelta(**duration))
    except OverflowError:
        return "0001-01-01T00:00:00.000Z"


def _parsed(value: str) -> datetime:
    parsed = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
