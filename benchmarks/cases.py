"""What is measured: the workspace, the server, and who takes part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FIRST_LOADS = ("chatbotx", "rest-api", "rest-api-parquet", "singer", "airbyte", "bare-loop")
LEAN = ("chatbotx", "rest-api-parquet", "singer", "airbyte", "bare-loop")
SECOND_LOADS = (
    *("chatbotx", "chatbotx-share-0", "rest-api-parquet", "rest-api-incremental"),
    *("rest-api-quiet", "singer", "singer-quiet", "airbyte-process", "airbyte-quiet"),
)


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        title: what it is called in the results.
        contenders: who takes part; the first one is what the others are compared with.
        contacts: contacts of the workspace.
        messages: messages of the workspace, in one table for each number.
        even: whether every contact has the same number of messages.
        latency: seconds that the server takes for an answer.
        limit: requests that the server allows in 10 seconds; None: no limit.
        load: which load is measured: the `first` one, `again` without news, or after a share of
            the contacts `changed`.
    """

    title: str
    contenders: tuple[str, ...]
    contacts: int = 200
    messages: tuple[int, ...] = (100_000,)
    even: bool = False
    latency: float = 0.0
    limit: int | None = None
    load: Literal["first", "again", "changed"] = "first"

    def server(self, messages: int) -> tuple[str, ...]:
        """The options of the server."""
        return (
            *("--contacts", str(self.contacts), "--messages", str(messages)),
            *(("--even",) if self.even else ()),
            *(("--latency", str(self.latency)) if self.latency else ()),
            *(("--limit", str(self.limit)) if self.limit else ()),
        )


CHANGED_SHARE = 0.01
CHANGED_MESSAGES = 3

CASES = {
    "first-load": Case("First load", FIRST_LOADS),
    "no-change": Case(
        "Second load, every contact quiet",
        (*SECOND_LOADS, "bare-listing"),
        contacts=20_000,
        even=True,
        load="again",
    ),
    "changes": Case(
        f"Second load, {CHANGED_MESSAGES} new messages with {CHANGED_SHARE:.0%} of the contacts",
        SECOND_LOADS,
        contacts=20_000,
        even=True,
        load="changed",
    ),
    "one-contact": Case("First load, one contact", LEAN, contacts=1, even=True),
    "many-contacts": Case("First load, 5 messages a contact", LEAN, contacts=20_000, even=True),
    "latency": Case(
        "First load, every answer takes 50 ms",
        ("chatbotx", "chatbotx-one-worker", "rest-api-parquet", "singer", "airbyte", "bare-loop"),
        latency=0.05,
    ),
    "limit": Case(
        "First load, the server allows 120 requests in 10 seconds",
        ("chatbotx-paced", "rest-api-parquet", "singer", "airbyte"),
        contacts=1_500,
        messages=(15_000,),
        even=True,
        limit=120,
    ),
    "sizes": Case(
        "First load, by the number of messages",
        ("chatbotx", "bare-loop"),
        messages=(10_000, 100_000, 1_000_000),
    ),
}
