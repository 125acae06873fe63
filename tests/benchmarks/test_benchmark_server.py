"""The benchmark's server answers as the sandbox does, and its workspace holds what it says."""

import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import pytest

from benchmarks.server import Api, Limit
from benchmarks.workspace import Workspace
from chatbotx_source.sandbox import synthetic

SORT = quote('[{"id":"id","desc":false}]')


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(contacts=120, messages=3_000)


def get(api: Api, target: str) -> tuple[int, Any, bytes]:
    head, _, body = api.answer(f"/api/v1/contacts{target}").partition(b"\r\n\r\n")
    assert int(re.findall(rb"Content-Length: (\d+)", head)[0]) == len(body)
    return int(head.split()[1]), json.loads(body), head


def walk(api: Api, contact_id: str, per_page: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?perPage={per_page}" + (f"&cursor={cursor}" if cursor else "")
        _, page, _ = get(api, f"/id%3A{contact_id}/messages{query}")
        rows += page["data"]
        cursor = page["nextCursor"]
    return rows


def listing(api: Api) -> list[dict[str, Any]]:
    _, first, _ = get(api, f"?perPage=50&sort={SORT}")
    rows: list[dict[str, Any]] = first["data"]
    for page in range(2, first["pageCount"] + 1):
        rows += get(api, f"?perPage=50&page={page}&sort={SORT}")[1]["data"]
    return rows


def test_the_listing_shows_every_contact_once_by_id(workspace: Workspace) -> None:
    ids = [int(row["id"]) for row in listing(Api(workspace, None))]
    assert ids == sorted(set(ids))
    assert len(ids) == workspace.counts["contacts"] == 120


@pytest.mark.parametrize("per_page", [7, 500])
def test_walks_show_every_message_once_newest_first(workspace: Workspace, per_page: int) -> None:
    api = Api(workspace, None)
    messages: list[dict[str, Any]] = []
    for row in listing(api):
        if row["conversation"] is None:
            assert get(api, f"/id:{row['id']}/messages")[0] == 404
            continue
        found = walk(api, row["id"], per_page)
        order = [(message["createdAt"], int(message["id"])) for message in found]
        assert order == sorted(order, reverse=True)
        if found:
            assert row["conversation"]["lastActivityAt"] == found[0]["createdAt"]
        messages += found
    counts = workspace.counts
    assert len({message["id"] for message in messages}) == len(messages) == counts["messages"]
    attachments = [each["id"] for message in messages for each in message["attachments"]]
    assert len(set(attachments)) == len(attachments) == counts["attachments"]


def test_rows_have_the_fields_of_the_sandbox(workspace: Workspace) -> None:
    api, real = Api(workspace, None), synthetic(contacts=10).state
    contact = listing(api)[0]
    message = next(row for row in walk(api, contact["id"], 500) if row["attachments"])
    expected = next(row for row in real.messages.values() if row["attachments"])
    expected_contact = real.contact_row(next(iter(real.contacts)))
    assert contact.keys() == expected_contact.keys() - {"contactNotes"}
    assert contact["conversation"].keys() == expected_contact["conversation"].keys()
    assert message.keys() == expected.keys()
    assert message["attachments"][0].keys() == expected["attachments"][0].keys()


def test_a_change_puts_new_messages_on_top_and_shows_in_the_listing() -> None:
    workspace, now = Workspace(contacts=50, messages=500, even=True), datetime.now(timezone.utc)
    api = Api(workspace, None)
    before = {row["id"]: row for row in listing(api)}
    workspace.change(0.1, messages=3)
    changed = [row for row in listing(api) if row != before[row["id"]]]
    assert len(changed) == 5
    assert workspace.counts["messages"] == 515
    for row in changed:
        assert len(walk(api, row["id"], 500)) == 13
        newest = row["conversation"]["lastActivityAt"]
        assert f"{now - timedelta(minutes=1):%Y-%m-%dT%H:%M}" <= newest


def test_a_limit_refuses_what_is_too_much_and_says_when_to_come_back(workspace: Workspace) -> None:
    api = Api(workspace, Limit(2, 10.0))
    statuses = [get(api, "")[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
    _, body, head = get(api, "")
    assert body["code"] == "tooManyRequests"
    assert 1 <= int(re.findall(rb"Retry-After: (\d+)", head)[0]) <= 10
    told = json.loads(api.answer("/control/counts").partition(b"\r\n\r\n")[2])
    assert (told["requests"], told["refused"]) == (4, 2)
