"""The clock of this machine, which the rules may not read: they are told the time."""

from __future__ import annotations

from datetime import datetime, timezone

from chatbotx_source.instants import Instant, from_datetime


def now() -> datetime:
    """Reads the clock as an aware datetime."""
    return datetime.now(timezone.utc)


def present() -> Instant:
    """Reads the clock as the API writes instants."""
    return from_datetime(now())
