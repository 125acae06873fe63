"""Holds and checks the settings; gives each default and the reason for it."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatbotx_source.errors import ConfigurationError
from chatbotx_source.instants import Instant, from_datetime
from chatbotx_source.shards import Shard

BASE_URL = "https://app.chatbotx.io/api"
"""The hosted service; a self-hosted server answers under `https://{its domain}/api`."""

PAGE_SIZE = 500
"""Messages per request. A page of 500 takes the server about 130 ms and 450 KB: hardly more than a
small page, and cheap to repeat after a fault."""

LARGEST_PAGE = 4_000
"""Where doubling the page size stops; from 32,768 up the server returns an empty list."""

LISTING_PAGE = 50
"""Contacts per request: the server silently caps a larger `perPage` at 50."""

LOOKBACK_DAYS = 1.0
"""Edits and soft deletes leave no trace in the listing: messages younger than this are re-read."""

RECONCILE_SHARE = 0.01
"""Share of the contacts whose full history each pass re-reads: all of them in a hundred passes."""

REQUESTS_PER_SECOND = 12.0
"""The newest servers allow a workspace 120 requests in 10 seconds."""

WORKERS = 4
"""Requests in flight at once: enough for the pace of the newest servers if an answer takes 300 ms.
On the same machine as a server without a limit, more than two gain nothing."""

MOST_WORKERS = 64
"""The largest number of workers, and the number of idle connections that a client keeps."""

MAX_WAIT = 300.0
"""Seconds. A longer wait ends the load: a scheduler waits more cheaply than a process."""

REQUEST_TIMEOUT = 120.0
"""Seconds. A page of 4,000 messages, dripped at 256 kbit/s, takes as long."""

GRACE = 5.0
"""Seconds. `docker stop` waits for 10 before it kills, Kubernetes for 30: some are for the load."""

LOAD_MESSAGES = 200_000
"""Messages between two checkpoints of `sync`: bounds what has to be re-read after a crash, and the
memory of the destination; each checkpoint takes 0.7 s of its own."""

LOAD_DURATION = 300.0
"""Seconds between two checkpoints of `sync`."""


@dataclass(frozen=True)
class Settings:
    """The checked settings of one load.

    The attributes are the options of `chatbotx_source.chatbotx`, which documents them.
    """

    base_url: str
    contacts: tuple[str, ...] | None = None
    limit_contacts: int | None = None
    shard: Shard | None = None
    start_date: Instant | None = None
    page_size: int = PAGE_SIZE
    lookback_days: float = LOOKBACK_DAYS
    reconcile_share: float = RECONCILE_SHARE
    reconcile: bool = False
    max_requests: int | None = None
    max_messages: int | None = None
    max_duration: float | None = None
    load_duration: float | None = None
    grace: float = GRACE
    keep_signed_urls: bool = False
    table_format: str | None = None
    workers: int = WORKERS

    def __post_init__(self) -> None:
        """Refuses values that cannot work, each in one sentence.

        Raises:
            ConfigurationError: a value is out of its range.
        """
        _in_range("page_size", self.page_size, 1, LARGEST_PAGE)
        _in_range("lookback_days", self.lookback_days, 0, 3_650)
        _in_range("reconcile_share", self.reconcile_share, 0, 1)
        _in_range("workers", self.workers, 1, MOST_WORKERS)
        for name in ("limit_contacts", "max_requests", "max_messages"):
            _in_range(name, getattr(self, name), 1, None)
        for name in ("max_duration", "load_duration", "grace"):
            _in_range(name, getattr(self, name), 0, None)
        if self.contacts and self.shard:
            raise ConfigurationError(
                "contacts already says which contacts to read, which leaves nothing for shard to "
                "choose: leave out one of the two."
            )
        if self.table_format not in (None, "delta", "iceberg"):
            raise ConfigurationError(
                f"table_format is {self.table_format!r}, but must be 'delta' or 'iceberg': correct "
                "the setting, or leave it out for a database."
            )


def start_instant(start_date: str | datetime | None) -> Instant | None:
    """Reads the setting `start_date`.

    Args:
        start_date: an ISO 8601 date or time; without a zone it is UTC.

    Returns:
        The instant; None if there is no bound.

    Raises:
        ConfigurationError: the text is neither a date nor a time.
    """
    if start_date is None or start_date == "":
        return None
    try:
        # str() of a date, a datetime and a pendulum instance are all ISO 8601.
        return from_datetime(datetime.fromisoformat(str(start_date).strip().replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"start_date is {start_date!r}, which is not a date: write it as 2026-01-31 "
            "or 2026-01-31T08:00:00Z."
        ) from None


def refuse_unknown(given: Iterable[str], *functions: Callable[..., Any]) -> None:
    """Refuses an option that does not exist, which is usually a misspelled one.

    Args:
        given: the names of the options given.
        *functions: whose parameters are the options that exist.

    Raises:
        ConfigurationError: there is no such option; the text names the nearest.
    """
    known = [
        name
        for function in functions
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    for name in given:
        if name not in known:
            [nearest] = difflib.get_close_matches(name, known, n=1, cutoff=0)
            raise ConfigurationError(
                f"There is no option {name!r}: correct its name; the nearest is {nearest!r}."
            )


def _in_range(name: str, value: float | None, low: float, high: float | None) -> None:
    if value is None or (value >= low and (high is None or value <= high)):
        return
    bounds = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
    raise ConfigurationError(f"{name} is {value!r}, but must be {bounds}: correct the setting.")
