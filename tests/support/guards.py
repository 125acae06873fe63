"""What the tests of the guards share: contacts with a past, and a listing told otherwise."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from chatbotx_source.sandbox import Fault, Request, Workspace
from tests.support.loading import SPRING, Job
from tests.support.sandbox import Clock

Serve = Callable[..., Job]

CONTACTS_PER_PAGE = 50
MINUTE = timedelta(minutes=1)


class World(Workspace):
    """A workspace in a past whose time stands still until it is moved.

    Attributes:
        time: the clock.
    """

    def __init__(self) -> None:
        self.time = Clock(SPRING)
        super().__init__(self.time)

    def writer(self, messages: int = 1, *, every: timedelta = MINUTE, **fields: Any) -> str:
        """Adds a contact who has written so many messages, the last one just now; its id."""
        contact = self.add_contact(created_at=self.time() - every * messages, **fields)
        self.writes(contact, messages, every=every)
        return contact

    def writes(
        self, contact: str, messages: int = 1, *, every: timedelta = MINUTE, **fields: Any
    ) -> list[str]:
        """Lets a contact have written so many messages, the last one just now; their ids."""
        now = self.time()
        return [
            self.add_message(contact, created_at=now - every * back, **fields)
            for back in reversed(range(messages))
        ]


class Retold(Fault):
    """The listing as another server would tell it.

    Args:
        workspace: what it is about.
        change: changes the body of an answer.
        **how: what else a `Fault` takes.
    """

    def __init__(
        self, workspace: Workspace, change: Callable[[dict[str, Any]], None], **how: Any
    ) -> None:
        super().__init__("status", on="contacts", status=200, **{"times": None, **how})
        self._workspace = workspace
        self._change = change

    def strikes(self, request: Request) -> bool:
        """Writes the answer to a request that it is to strike."""
        if not super().strikes(request):
            return False
        ids = list(self._workspace.state.contacts)
        start = CONTACTS_PER_PAGE * (int(request.page or 1) - 1)
        shown = ids[start : start + CONTACTS_PER_PAGE]
        body = {
            "data": [self._workspace.state.contact_row(contact) for contact in shown],
            "pageCount": -(-len(ids) // CONTACTS_PER_PAGE),
        }
        self._change(body)
        self.params |= {"body": orjson.dumps(body), "content_type": "application/json"}
        return True


def asked(job: Job, contact: str) -> list[Request]:
    """The requests for messages of a contact."""
    return [each for each in job.requests("messages") if each.contact_id == contact]


def sizes(job: Job, contact: str) -> list[int]:
    """The page sizes that a contact's messages were asked for with."""
    return [int(each.per_page or 0) for each in asked(job, contact)]


def loaded(job: Job, contact: str) -> int:
    """How many messages of a contact are in the table."""
    [(count,)] = job.query("SELECT count(*) FROM messages WHERE contact_id = ?", contact)
    return int(count)


def reasons(job: Job) -> dict[str, str]:
    """Why each contact that is unfinished is so, as the table tells."""
    return dict(job.query("SELECT contact_id, reason FROM _chatbotx_unfinished"))


def warnings(caplog: pytest.LogCaptureFixture) -> str:
    """What the source has warned of."""
    return "\n".join(
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("chatbotx_source") and record.levelno >= logging.WARNING
    )
