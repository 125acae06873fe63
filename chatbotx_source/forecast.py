"""Estimates the cost of a sync from two requests: contacts, requests and hours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import dlt
from dlt.common.configuration import with_config
from dlt.common.typing import TSecretStrValue

from chatbotx_source import settings
from chatbotx_source.api.client import Client

HOURLY_LIMIT = 30
"""Requests per hour over all endpoints: the limit that the API reference publishes."""


@dataclass(frozen=True)
class Forecast:
    """The estimated cost of a sync.

    Attributes:
        pages: pages of the contact listing.
        contacts: contacts, counted in full pages.
        with_conversation: share of the contacts on the sampled page that have a conversation.
        requests: requests of a first run, if every contact's messages fit one page.
        quiet_requests: requests of a run in which nothing has changed.
        sample: messages on the first page of one contact, and whether there are more; None if no
            contact has a conversation.
        per_second: the pace that is set; 0 for none.
    """

    pages: int
    contacts: int
    with_conversation: float
    requests: int
    quiet_requests: int
    sample: tuple[int, bool] | None
    per_second: float

    def __str__(self) -> str:
        lines = [
            f"about {self.contacts:,} contacts, {self.with_conversation:.0%} of those sampled with "
            "a conversation",
            f"first run: requests: {self.requests:,} or more, as a contact with more than one page "
            f"of messages takes several; {self._hours(self.requests)}",
            f"run without news: requests: about {self.quiet_requests:,}; "
            f"{self._hours(self.quiet_requests)}",
        ]
        if self.sample:
            count, more = self.sample
            lines.append(f"one contact sampled: {count:,} messages{' and more' if more else ''}")
        return "\n".join(lines)

    def _hours(self, requests: int) -> str:
        slow = f"{requests / HOURLY_LIMIT:,.1f} hours under a limit of {HOURLY_LIMIT} an hour"
        if not self.per_second:
            return slow
        return f"{requests / self.per_second / 3600:,.2f} hours at the pace set; {slow}"


def under_a_limit(answered: int, seconds: float, pages: int) -> str:
    """Tells what a rate limit means for a workspace, once the server has asked to wait.

    Args:
        answered: requests that were answered before the server did.
        seconds: seconds from the first of them until the next may be sent.
        pages: pages of the contact listing; 0 if not yet known.

    Returns:
        One sentence: the rate that the server allows, and the hours of a run at that rate.
    """
    per_hour = answered / seconds * 3600 if answered else HOURLY_LIMIT
    rate = f"{answered:,} requests in {seconds:,.0f} s" if answered else f"{HOURLY_LIMIT} an hour"
    if not pages:
        return f"at {rate}, {per_hour * settings.LISTING_PAGE:,.0f} contacts are listed an hour"
    contacts = pages * settings.LISTING_PAGE
    return (
        f"at {rate}, a run without news takes {(pages + 1) / per_hour:,.1f} hours, as it costs "
        f"{pages + 1:,} requests to list the contacts; reading {contacts:,} contacts takes "
        f"{(pages + 1 + contacts) / per_hour:,.1f} hours or more"
    )


def forecast(workspace: str | None = None, **options: Any) -> Forecast:
    """Estimates the cost of a sync from one page of contacts and the messages of one of them.

    Args:
        workspace: name of the workspace, as in `chatbotx_source.sync`; None for the only one.
        **options: `api_token`, `base_url`, `page_size`, `reconcile_share`,
            `max_requests_per_second` and `allow_http`, as in `chatbotx_source.chatbotx`.

    Returns:
        The cost of a first run, and of a run without news.

    Raises:
        ChatbotXError: the server cannot be read.
    """
    sections = ("sources", "chatbotx", workspace) if workspace else ("sources", "chatbotx")
    made: Forecast = with_config(_forecast, sections=sections)(**options)
    return made


def _forecast(
    api_token: TSecretStrValue | None = dlt.secrets.value,
    base_url: str = settings.BASE_URL,
    page_size: int = settings.PAGE_SIZE,
    reconcile_share: float = settings.RECONCILE_SHARE,
    max_requests_per_second: float = settings.REQUESTS_PER_SECOND,
    allow_http: bool = False,
) -> Forecast:
    client = Client(base_url, api_token, allow_http=allow_http)
    listing = client.contacts(1).body
    rows: list[dict[str, Any]] = listing["data"]
    pages = int(listing.get("pageCount") or 0)
    talking = [row for row in rows if row.get("conversation")]
    share = len(talking) / len(rows) if rows else 0.0
    contacts = len(rows) if pages <= 1 else pages * settings.LISTING_PAGE
    sample = None
    if talking:
        page = client.messages(f"id:{talking[-1]['id']}", per_page=page_size, cursor=None).body
        sample = (len(page["data"]), page.get("nextCursor") is not None)
    return Forecast(
        pages=pages,
        contacts=contacts,
        with_conversation=share,
        requests=(pages + 2 if pages else 1) + math.ceil(contacts * share),
        quiet_requests=pages + 1 + math.ceil(contacts * share * reconcile_share),
        sample=sample,
        per_second=max_requests_per_second,
    )
