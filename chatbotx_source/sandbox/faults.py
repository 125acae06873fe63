"""Faults on demand: which requests are answered wrongly, and how.

Kinds, with the parameters each takes (and its defaults):

- `status`: an error answer: `status=503`, `code`, `message`, `retry_after=None`, further `headers`
  (a dict), or a raw `body` (bytes) with its `content_type="text/html"`.
- `empty`: the database fails: messages are 200 and the empty page, anything else an honest 500.
- `not_found`: 404 with `message="Contact not found"` (or `"Conversation not found"`).
- `not_json`: 200 with `body=b"<html>..."`, which is no JSON.
- `cut`: the connection is closed without an answer.
- `truncate`: the whole length is declared, half of the body is sent, the connection is closed.
- `slow`: the answer comes after `seconds=1.0`; with `pieces=n` its body drips in n pieces over
  that time.
- `huge`: the body is padded with blanks to more than `size=1_000_000` bytes.
- `repeat_cursor`: `nextCursor` leads to the same page again.
- `stale_cursor`: the cursor is ignored: page 1 again.
- `null_cursor`: `nextCursor` is null although more rows follow.
- `drop_rows`: `rows=1` rows out of the middle of the page are missing.
- `unordered`: the first and the last row of the page are swapped.
- `flip`: from this answer on the contact's other conversation is served.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from chatbotx_source.sandbox.answers import (
    EMPTY_PAGE,
    Answer,
    error,
    internal_error,
    not_found,
)

WALK_KINDS = frozenset({"repeat_cursor", "stale_cursor", "null_cursor", "flip"})
"""Kinds that make sense for pages of messages alone, and hit nothing else."""

KINDS = WALK_KINDS | {
    *("status", "empty", "not_found", "not_json", "cut", "truncate", "slow", "huge"),
    *("drop_rows", "unordered"),
}


@dataclass
class Request:
    """One request as the sandbox received it, and the status it was answered with.

    Attributes:
        number: place in order of arrival, from 1.
        method: HTTP method.
        path: path as received, percent-encoding untouched, without the query.
        query: query parameters (the last one of a name).
        kind: `contacts`, `contact`, `messages`, `message` or `other`.
        contact_id: the contact that the identifier in the path resolved to, if any.
        page: query parameter as received, None when absent.
        cursor: as `page`.
        per_page: as `page`.
        at: when it arrived, by the workspace's clock.
        status: status of the answer; 0 until there is one, and when the connection was cut.
    """

    number: int
    method: str
    path: str
    query: dict[str, str]
    kind: str
    contact_id: str | None
    page: str | None
    cursor: str | None
    per_page: str | None
    at: datetime
    status: int = 0


class Fault:
    """One way to answer wrongly, and the requests it applies to.

    Args:
        kind: what goes wrong, see the module's text.
        on: only requests of this kind (`contacts`, `messages`, ...).
        contact_id: only requests about this contact.
        requests: only requests with these numbers.
        when: only requests for which this is true.
        after: how many requests that fit are answered rightly first.
        times: how many requests are hit; None: every one.
        **params: what the kind takes.

    Attributes:
        hits: how many requests it was applied to.
    """

    def __init__(
        self,
        kind: str,
        *,
        on: str | None = None,
        contact_id: str | None = None,
        requests: Collection[int] | None = None,
        when: Callable[[Request], bool] | None = None,
        after: int = 0,
        times: int | None = 1,
        **params: Any,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"no fault of kind {kind!r}; there are {', '.join(sorted(KINDS))}")
        self.kind = kind
        self.on = "messages" if kind in WALK_KINDS else on
        self.contact_id = contact_id
        self.requests = requests
        self.when = when
        self.after = after
        self.times = times
        self.params = params
        self.hits = 0

    def fits(self, request: Request) -> bool:
        """Tells whether the fault is about this request, however often it applied before."""
        return (
            (self.on is None or self.on == request.kind)
            and (self.contact_id is None or self.contact_id == request.contact_id)
            and (self.requests is None or request.number in self.requests)
            and (self.when is None or self.when(request))
        )

    def strikes(self, request: Request) -> bool:
        """Counts a request that fits, and tells whether it is to be answered wrongly."""
        if not self.fits(request) or self.hits == self.times:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.hits += 1
        return True

    def instead(self, kind: str) -> Answer | None:
        """Returns what is answered in place of the server's own answer; None: it stays."""
        params = self.params
        if self.kind == "empty":
            return Answer(200, EMPTY_PAGE) if kind == "messages" else internal_error()
        if self.kind == "not_found":
            return not_found(params.get("message", "Contact not found"))
        if self.kind == "not_json":
            body = params.get("body", b"<html><body>Just a moment...</body></html>")
            return Answer(200, body, params.get("content_type", "text/html"))
        if self.kind != "status":
            return None
        status = params.get("status", 503)
        if "body" in params:
            answer = Answer(status, params["body"], params.get("content_type", "text/html"))
        else:
            phrase = HTTPStatus(status).phrase
            code = params.get("code", "tooManyRequests" if status == 429 else phrase.upper())
            answer = error(status, code.replace(" ", "_"), params.get("message", phrase))
        answer.headers |= params.get("headers", {})
        if params.get("retry_after") is not None:
            answer.headers["Retry-After"] = str(params["retry_after"])
        return answer


@dataclass
class FaultList:
    """The faults of a sandbox; of several that fit a request the first one added strikes."""

    faults: list[Fault] = field(default_factory=list)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)

    def add(self, fault: Fault) -> Fault:
        """Adds a fault and returns it."""
        self.faults.append(fault)
        return fault

    def clear(self) -> None:
        """Removes every fault."""
        self.faults.clear()

    def strike(self, request: Request) -> Fault | None:
        """Returns the fault that this request is answered with, if any."""
        return next((fault for fault in self.faults if fault.strikes(request)), None)
