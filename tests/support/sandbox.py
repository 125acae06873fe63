"""What the tests of the sandbox share: a clock that stands still, and a plain HTTP client."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlsplit

from chatbotx_source.sandbox import Sandbox

NOON = datetime(2026, 3, 4, 12, tzinfo=timezone.utc)


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **duration: float) -> datetime:
        self.now += timedelta(**duration)
        return self.now


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.json["data"]]


class Caller:
    """Sends requests to a sandbox exactly as they are given, redirects not followed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.connection = http.client.HTTPConnection(str(urlsplit(sandbox.base_url).netloc))
        self.authorization: str | None = f"Bearer {sandbox.token}"

    def send(self, target: str, method: str = "GET", **headers: str) -> Reply:
        """Send one request; the target is the path and query, raw."""
        if self.authorization is not None:
            headers.setdefault("Authorization", self.authorization)
        self.connection.request(method, target, headers=headers)
        response = self.connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())

    def get(self, path: str, **query: object) -> Reply:
        """Send a GET to a path below the base URL."""
        pairs = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        return self.send(f"/api{path}" + (f"?{pairs}" if pairs else ""))

    def messages(self, contact_id: str, **query: object) -> Reply:
        return self.get(f"/v1/contacts/id:{contact_id}/messages", **query)

    def walk(self, contact_id: str, per_page: int = 20) -> Iterator[Reply]:
        """Follow `nextCursor` from the newest page to the oldest."""
        query: dict[str, object] = {"perPage": per_page}
        while True:
            reply = self.messages(contact_id, **query)
            yield reply
            if reply.json["nextCursor"] is None:
                return
            query["cursor"] = reply.json["nextCursor"]

    def everything(self, contact_id: str, per_page: int = 20) -> list[dict[str, Any]]:
        """Return all rows of a walk, their URLs without the signature."""
        rows = [row for reply in self.walk(contact_id, per_page) for row in reply.json["data"]]
        for row in rows:
            for attachment in row["attachments"]:
                attachment["url"] = attachment["url"].partition("?X-Amz-")[0]
        return rows
