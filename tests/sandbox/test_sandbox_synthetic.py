"""The synthetic workspace: the same from the same seed, and as varied as a real one."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import orjson
import pytest

from chatbotx_source.sandbox import Sandbox, Truth, Workspace, synthetic
from chatbotx_source.sandbox.phrases import LONG_TEXT
from tests.support.sandbox import NOON, Caller


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return synthetic(now=NOON)


@pytest.fixture(scope="module")
def truth(workspace: Workspace) -> Truth:
    return workspace.truth()


def values(truth: Truth, name: str) -> set[Any]:
    return {row[name] for row in truth.messages.values()}


def test_the_same_seed_gives_the_same_bytes(workspace: Workspace, truth: Truth) -> None:
    again = synthetic(now=NOON)
    assert again.events == workspace.events
    assert orjson.dumps(again.truth().messages) == orjson.dumps(truth.messages)


def test_another_seed_gives_other_conversations(truth: Truth) -> None:
    other = synthetic(seed=8, now=NOON).truth()
    texts = [{row["text"] for row in t.messages.values()} for t in (truth, other)]
    assert texts[0] != texts[1]


@pytest.mark.parametrize(("contacts", "messages"), [(0, 0), (1, 30), (3, 0), (40, 999)])
def test_the_numbers_are_as_asked_for(contacts: int, messages: int) -> None:
    truth = synthetic(contacts=contacts, messages=messages, now=NOON).truth()
    assert (len(truth.contacts), len(truth.messages)) == (contacts, messages)


def test_a_contact_has_25_messages_on_average_and_some_have_most(truth: Truth) -> None:
    assert len(truth.messages) == 25 * len(truth.contacts) == 5000
    counts = Counter(truth.contact_of.values())
    heavy = sum(count for _, count in counts.most_common(20))
    assert heavy > 0.35 * len(truth.messages)
    assert 0 < len(truth.contacts) - len(counts) < 40
    assert 0 < list(truth.served.values()).count(None) < 20


def test_everything_happened_in_order_and_before_now(workspace: Workspace) -> None:
    times = [event.at for event in workspace.events]
    assert times == sorted(times)
    assert NOON - timedelta(days=120) <= times[0] < times[-1] <= NOON


def test_the_default_end_is_the_last_full_hour() -> None:
    workspace = synthetic(contacts=5, clock=lambda: NOON + timedelta(minutes=59))
    assert workspace.events[-1].at <= NOON
    assert workspace.clock() == NOON + timedelta(minutes=59)


def test_every_value_of_every_enumeration_occurs(truth: Truth) -> None:
    assert values(truth, "messageType") == {"incoming", "outgoing", "activity"}
    assert values(truth, "contentType") == {"text", "location", "refLink"}
    assert values(truth, "senderType") == {"bot", "contact", "system", "user", "api"}
    assert values(truth, "type") == {"message", "comment"}
    attachments = [a for row in truth.messages.values() for a in row["attachments"]]
    assert {a["fileType"] for a in attachments} == {"image", "video", "audio", "gif", "file"}
    channels = {i["channel"] for row in truth.contacts.values() for i in row["contactInboxes"]}
    assert len(channels) == 5


def test_json_fields_hold_every_type_of_json(truth: Truth) -> None:
    for name in ("contentAttributes", "attributes"):
        types = {type(row[name]) for row in truth.messages.values()}
        assert types == {dict, list, str, int, float, bool, type(None)}
        assert any(row[name] == 9007199254740993 for row in truth.messages.values())
    assert len({type(row["location"]) for row in truth.contacts.values()}) >= 5


def test_texts_are_as_odd_as_people_write(truth: Truth) -> None:
    texts = [row["text"] for row in truth.messages.values() if row["text"] is not None]
    assert len(texts) < len(truth.messages)
    whole = "".join(texts)
    for character in "\x00\x01\x1b\n\u202b\u2028👩שع庫é":
        assert character in whole
    assert sum("\x00" in text for text in texts) == 1
    assert max(texts, key=len) == LONG_TEXT
    assert len(LONG_TEXT) == 105_000
    assert "" in texts


def test_attachments_come_in_all_shapes(truth: Truth) -> None:
    numbers = Counter(len(row["attachments"]) for row in truth.messages.values())
    assert set(numbers) == {0, 1, 2, 3}
    assert 0.25 < 1 - numbers[0] / len(truth.messages) < 0.45
    paths = [a["originPath"] for row in truth.messages.values() for a in row["attachments"]]
    starts = {path.split(":")[0].split("/")[0] for path in paths}
    assert starts == {"public", "wa-media", "https"}


def test_messages_are_edited_deleted_imported_tied_and_commented_on(
    workspace: Workspace, truth: Truth
) -> None:
    kinds = Counter(event.kind for event in workspace.events)
    assert (
        min(
            kinds[kind]
            for kind in (
                "message_edited",
                "message_soft_deleted",
                "attachment_removed",
                "message_imported",
                "conversation_updated",
                "contact_updated",
                "tag_added",
                "custom_field_set",
                "note_added",
            )
        )
        > 0
    )
    places = Counter((row["conversationId"], row["createdAt"]) for row in truth.messages.values())
    assert max(places.values()) > 1
    comments = [row for row in truth.messages.values() if row["type"] == "comment"]
    assert any(row["parentId"] in truth.messages for row in comments)


def test_contacts_are_as_odd_as_they_come(workspace: Workspace, truth: Truth) -> None:
    rows = list(truth.contacts.values())
    phones = Counter(row["phoneNumber"] for row in rows if row["phoneNumber"])
    assert list(phones.values()).count(2) == 1
    assert any(row["blockedAt"] for row in rows)
    assert any((row["conversation"] or {}).get("archivedAt") for row in rows)
    for name in ("assignedUser", "assignedInboxTeam"):
        assert any((row["conversation"] or {}).get(name) for row in rows)
    assert [len(row["contactInboxes"]) for row in rows].count(2) == 1
    assert [len(them) for them in workspace.state.conversations.values()].count(2) == 1
    assert max(Counter(row["createdAt"] for row in rows).values()) > 1


def test_the_bot_answers_in_seconds_and_people_in_minutes_or_hours(truth: Truth) -> None:
    waits: dict[str, list[float]] = {"bot": [], "user": []}
    rows = sorted(
        truth.messages.values(), key=lambda row: (row["conversationId"], row["createdAt"])
    )
    for before, row in pairwise(rows):
        same = before["conversationId"] == row["conversationId"]
        if same and before["senderType"] == "contact" and row["senderType"] in waits:
            began, ended = (
                datetime.fromisoformat(r["createdAt"].replace("Z", "+00:00")) for r in (before, row)
            )
            waits[row["senderType"]].append((ended - began).total_seconds())
    assert 1 < median(waits["bot"]) < 60
    assert 120 < median(waits["user"]) < 3 * 3600
    assert max(waits["user"]) > 4 * 3600


def test_every_row_reaches_a_client_on_the_first_walk(workspace: Workspace, truth: Truth) -> None:
    with Sandbox(workspace) as sandbox:
        caller = Caller(sandbox)
        got = {
            row["id"]: row
            for contact_id, conversation_id in truth.served.items()
            if conversation_id
            for row in caller.everything(contact_id, 500)
        }
    served = set(truth.served.values())
    expected = {i: row for i, row in truth.messages.items() if row["conversationId"] in served}
    assert got == expected
    assert len(expected) < len(truth.messages), "one conversation is not served"
