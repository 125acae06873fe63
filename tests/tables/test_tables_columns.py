"""Every field of the API has a typed and described column, whatever the rows hold."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from dlt.common.normalizers.naming.snake_case import NamingConvention

from chatbotx_source.tables.arrow import TABLES, contact_tables, empty, message_tables
from chatbotx_source.tables.misfits import Misfits

TIME = "2026-07-28T05:43:24.674Z"
STAMPS = {"createdAt": TIME, "updatedAt": TIME}

USER = {
    **STAMPS,
    "id": "20000000000000001",
    "name": "Mira",
    "email": "mira@example.com",
    "emailVerified": True,
    "image": "public/mira.png",
    "isAnonymous": False,
    "mustChangePassword": False,
    "tenantId": "7",
}
INBOX = {
    **STAMPS,
    "id": "40000000000000002",
    "name": "Shop",
    "channel": "whatsapp",
    "sourceId": "wa-1",
    "workspaceId": "1",
    "status": "connected",
}
PERSON = {
    **STAMPS,
    "id": "11623261243179652",
    "avatar": "public/an.png",
    "phoneNumber": "+15550100",
    "email": "an@example.com",
    "emailVerified": True,
    "emailOptIn": False,
    "firstName": "An",
    "lastName": "Example",
    "fullName": "An Example",
    "gender": "female",
    "lastReadAt": TIME,
    "ref": "spring",
    "country": "VN",
    "state": "HCM",
    "city": "Saigon",
    "location": {"latitude": 10.7769},
    "locale": "vi_VN",
    "timezone": "Asia/Ho_Chi_Minh",
    "subscribedAt": TIME,
    "broadcastSubscribedAt": TIME,
    "blockedAt": TIME,
    "workspaceId": "1",
}
CONVERSATION = {
    **STAMPS,
    "id": "11623261243261573",
    "botEnabled": True,
    "botResumeAt": TIME,
    "archivedAt": TIME,
    "additionalAttributes": {"vip": True},
    "contactLastReadAt": TIME,
    "agentLastReadAt": TIME,
    "aiContextLastMessageId": "5",
    "lastActivityAt": TIME,
    "followed": False,
    "assignedUserId": USER["id"],
    "assignedInboxTeamId": "9",
    "workspaceId": "1",
    "contactId": PERSON["id"],
    "sourceId": "s",
    "adminRepliedAt": TIME,
    "contactRepliedAt": TIME,
    "assignedUser": USER,
    "assignedInboxTeam": {**STAMPS, "id": "9", "workspaceId": "1", "name": "Sales"},
    "inbox": INBOX,
}
CONTACT = {
    **PERSON,
    "conversation": CONVERSATION,
    "tags": [
        {
            **STAMPS,
            "id": "31",
            "name": "vip",
            "deletedAt": TIME,
            "folderId": "3",
            "workspaceId": "1",
        }
    ],
    "contactCustomFields": [
        {
            **STAMPS,
            "id": "51",
            "value": "blue",
            "contactId": PERSON["id"],
            "customFieldId": "5",
        }
    ],
    "contactNotes": [
        {**STAMPS, "id": "61", "text": "Call", "contactId": PERSON["id"], "createdById": "2"}
    ],
    "contactInboxes": [
        {
            "id": "71",
            "contactId": PERSON["id"],
            "inboxId": INBOX["id"],
            "channel": "whatsapp",
            "lastIncomingMessageAt": TIME,
            "contactLastReadAt": TIME,
            "inbox": INBOX,
        }
    ],
}
MESSAGE = {
    **STAMPS,
    "id": "11622971796292204",
    "conversationId": CONVERSATION["id"],
    "contactInboxId": "71",
    "workspaceId": "1",
    "text": "Where is my order?",
    "contentAttributes": {"buttons": []},
    "messageType": "incoming",
    "contentType": "text",
    "senderType": "contact",
    "senderId": PERSON["id"],
    "sourceId": "wamid.1",
    "deletedAt": TIME,
    "type": "message",
    "parentId": "4",
    "attributes": [1],
    "clientId": "8",
    "user": USER,
    "contact": PERSON,
    "attachments": [
        {
            **STAMPS,
            "id": "11622971796292205",
            "workspaceId": "1",
            "conversationId": CONVERSATION["id"],
            "messageId": "11622971796292204",
            "messageCreatedAt": TIME,
            "fileType": "image",
            "sourceId": "a",
            "mimeType": "image/png",
            "width": 640,
            "height": 480,
            "size": 5_000_000_000,
            "thumbnailPath": "public/t.png",
            "originPath": "public/o.png",
            "name": "фото.png",
            "url": "https://files.example.com/o.png",
        }
    ],
}
MADE_WHEN_NEEDED = {"removed_at", "extra"}


def full_tables(misfits: Misfits) -> dict[str, pa.Table]:
    return {
        **contact_tables([CONTACT], load_id="1", misfits=misfits),
        **message_tables([(str(PERSON["id"]), MESSAGE)], load_id="1", misfits=misfits),
    }


def nulled(row: dict[str, Any]) -> dict[str, Any]:
    return {key: None if key != "id" else value for key, value in row.items()}


def test_a_row_with_every_field_fills_every_column_and_leaves_nothing_over() -> None:
    misfits = Misfits()
    for name, table in full_tables(misfits).items():
        row = table.to_pylist()[0]
        assert {column for column, value in row.items() if value is None} <= MADE_WHEN_NEEDED, name
    assert not misfits.seen


def test_tables_come_in_reading_order() -> None:
    assert list(TABLES) == [
        "contacts",
        "contacts__tags",
        "contacts__contact_custom_fields",
        "contacts__contact_notes",
        "contacts__contact_inboxes",
        "messages",
        "messages__attachments",
        "_chatbotx_syncs",
        "_chatbotx_unfinished",
        "_chatbotx_walks",
    ]


def test_an_all_null_page_and_an_empty_one_have_the_schema_of_a_full_one() -> None:
    full = full_tables(Misfits())
    rows = {
        **contact_tables([nulled(CONTACT)], load_id="1"),
        **message_tables([("1", nulled(MESSAGE))], load_id="1"),
    }
    none = {**contact_tables([], load_id="1"), **message_tables([], load_id="1")}
    for name, table in full.items():
        assert table.schema == rows[name].schema == none[name].schema == empty(name).schema
        assert table.schema == TABLES[name].schema


@pytest.mark.parametrize("name", TABLES)
def test_dlt_keeps_the_names(name: str) -> None:
    naming = NamingConvention()
    assert naming.normalize_tables_path(name) == name
    for column in TABLES[name].columns:
        assert naming.normalize_path(column.name) == column.name


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_described_and_end_with_the_load(name: str) -> None:
    table = TABLES[name]
    assert table.description
    assert all(column.description for column in table.columns)
    assert table.columns[-1].name == "_dlt_load_id"
    assert len({column.name for column in table.columns}) == len(table.columns)


@pytest.mark.parametrize("name", TABLES)
def test_columns_made_by_the_source_have_no_path_and_others_are_named_after_it(name: str) -> None:
    for column in TABLES[name].columns:
        snake = ["".join(f"_{c.lower()}" if c.isupper() else c for c in k) for k in column.path]
        assert column.name == "__".join(snake) or not column.path


def test_hints_carry_keys_types_and_the_marker_of_removal() -> None:
    hints = TABLES["messages__attachments"].hints
    assert hints["id"] == {
        "name": "id",
        "data_type": "text",
        "nullable": False,
        "description": "Id of the attachment.",
        "primary_key": True,
    }
    assert hints["message_id"].get("merge_key") is True
    assert hints["_removed"].get("hard_delete") is True
    assert hints["width"].get("data_type") == "bigint"
    assert TABLES["messages"].hints["attributes"].get("data_type") == "json"


@pytest.mark.parametrize("name", TABLES)
def test_keys_are_columns_that_are_never_null(name: str) -> None:
    table = TABLES[name]
    nullable = {column.name: column.nullable for column in table.columns}
    keys = [*table.primary_key, *([table.merge_key] if table.merge_key else [])]
    assert not any(nullable[key] for key in keys)


def test_hints_are_a_copy_of_their_own_each_time() -> None:
    table = TABLES["contacts"]
    table.hints["id"]["nullable"] = True
    assert table.hints["id"]["nullable"] is False
