"""Serves a workspace over HTTP, so fast that the clients are what is measured.

A process of its own: `python -m benchmarks.server --contacts 200 --messages 100000` prints its
address, and ends when its input does. Under `/control` it tells what it was asked (`counts`,
which then begin anew, and so does a limit) and lets contacts write (`change`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from collections import Counter
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.workspace import Contact, Workspace

CONTACTS_A_PAGE = 50
Answer = tuple[int, list[bytes]]

NOT_FOUND = b'{"defined":false,"code":"notFound","status":404,"message":"%s not found"}'
LIMITED = b'{"defined":false,"code":"tooManyRequests","status":429,"message":"Too many requests"}'


class Limit:
    """A limit of requests in fixed windows, of which the first begins with a request.

    Args:
        requests: how many are allowed in a window.
        seconds: the length of a window.
    """

    def __init__(self, requests: int, seconds: float) -> None:
        self.requests = requests
        self.seconds = seconds
        self._began = -math.inf
        self._used = 0

    def begin_anew(self) -> None:
        """Lets the next request begin a window."""
        self._began = -math.inf

    def wait(self) -> float:
        """Counts a request: 0.0 when it is allowed, else the seconds to the next window."""
        now = time.monotonic()
        if now >= self._began + self.seconds:
            self._began, self._used = now, 0
        self._used += 1
        return 0.0 if self._used <= self.requests else self._began + self.seconds - now


class Api:
    """What is answered, and what was asked.

    Args:
        workspace: what to tell about.
        limit: the limit of requests, if any.
    """

    def __init__(self, workspace: Workspace, limit: Limit | None) -> None:
        self.workspace = workspace
        self.limit = limit
        self._contacts = {contact.id: contact for contact in workspace.contacts}
        self._counts: Counter[str] = Counter()
        self._first = self._last = 0.0
        self._day = (0, b"")

    def answer(self, target: str) -> bytes:
        """The whole answer to a request, its head included."""
        url = urlsplit(target)
        parts = unquote(url.path).split("/")[1:]
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if parts[0] == "control":
            return self._written(200, [self._control(parts[1], query)])
        self._count("requests")
        wait = self.limit.wait() if self.limit else 0.0
        if wait:
            self._count("refused")
            return self._written(429, [LIMITED], b"Retry-After: %d\r\n" % math.ceil(wait))
        status, pieces = self._found(parts, query)
        return self._written(status, pieces)

    def _found(self, parts: list[str], query: dict[str, str]) -> Answer:
        if parts == ["api", "v1", "contacts"]:
            self._count("listings")
            return self._listing(query)
        if parts[:3] == ["api", "v1", "contacts"] and parts[4:] == ["messages"]:
            contact = self._contacts.get(parts[3].removeprefix("id:"))
            if contact is None or not contact.has_conversation:
                return 404, [NOT_FOUND % (b"Conversation" if contact else b"Contact")]
            return self._messages(contact, query)
        return 404, [b"Not found"]

    def _listing(self, query: dict[str, str]) -> Answer:
        rows = self.workspace.contacts
        if query.get("sort") != '[{"id":"id","desc":false}]':
            rows = rows[::-1]  # the newest first
        size = min(int(query.get("perPage", 20)), CONTACTS_A_PAGE)
        start = (int(query.get("page", 1)) - 1) * size
        shown = b",".join(contact.row for contact in rows[start : start + size])
        return 200, [b'{"data":[', shown, b'],"pageCount":%d}' % -(-len(rows) // size)]

    def _messages(self, contact: Contact, query: dict[str, str]) -> Answer:
        size = int(query.get("perPage", 20))
        older = int(query["cursor"]) if "cursor" in query else None
        rows, left = contact.page(size, older)
        tail = b'],"nextCursor":"%d","prevCursor":null}' % left
        if not left:
            tail = b'],"nextCursor":null,"prevCursor":null}'
        return 200, [b'{"data":[', rows, tail]

    def _control(self, order: str, query: dict[str, str]) -> bytes:
        if order == "change":
            self.workspace.change(float(query["share"]), int(query["messages"]))
        told = {
            **self._counts,
            "seconds": self._last - self._first,
            "rows": self.workspace.counts,
        }
        self._counts.clear()
        if self.limit:
            self.limit.begin_anew()
        return json.dumps(told).encode()

    def _count(self, what: str) -> None:
        if not self._counts:
            self._first = time.monotonic()
        self._last = time.monotonic()
        self._counts[what] += 1

    def _written(self, status: int, pieces: list[bytes], headers: bytes = b"") -> bytes:
        now = int(time.time())
        if self._day[0] != now:
            self._day = (now, formatdate(now, usegmt=True).encode())
        head = (
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\nDate: %s\r\n"
            b"Connection: keep-alive\r\nContent-Length: %d\r\n%s\r\n"
        ) % (
            status,
            HTTPStatus(status).phrase.encode(),
            self._day[1],
            sum(map(len, pieces)),
            headers,
        )
        return b"".join([head, *pieces])


class Connection(asyncio.Protocol):
    """One keep-alive connection.

    Args:
        api: what answers.
        latency: seconds that every answer takes.
    """

    def __init__(self, api: Api, latency: float) -> None:
        self._api = api
        self._latency = latency
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers the requests that are complete."""
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            answer = self._api.answer(request.split(b" ", 2)[1].decode())
            if self._latency:
                loop = asyncio.get_running_loop()
                loop.call_later(self._latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def serve(api: Api, latency: float) -> None:
    """Serves on a free port of 127.0.0.1 until the input of the process ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(api, latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """Renders the workspace, and serves it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--contacts", type=int, default=200)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--even", action="store_true", help="as many messages for every contact")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--limit", type=int, help="requests in 10 seconds")
    options = parser.parse_args()
    workspace = Workspace(options.contacts, options.messages, even=options.even)
    limit = Limit(options.limit, 10.0) if options.limit else None
    asyncio.run(serve(Api(workspace, limit), options.latency))


if __name__ == "__main__":
    main()
