"""What the tables look like: every column of every table, its type, its meaning and its origin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from dlt.common.schema.typing import TColumnSchema, TTableSchemaColumns

DataType = Literal["text", "timestamp", "bool", "bigint", "double", "json"]
"""dlt's names of the types in use."""

Form = Literal["plain", "id", "url"]
"""What a text holds: an id may arrive as a JSON number, a URL may carry a signature."""

_ARROW_TYPES: dict[DataType, pa.DataType] = {
    "text": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "bool": pa.bool_(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "json": pa.string(),  # pa.json_() would say more, but dlt refuses extension types
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: its name at the destination.
        type: its dlt data type.
        description: what it holds, for whoever reads the table.
        path: the API's own keys that lead to the value; empty for a column made by the source.
        form: what a text holds.
        nullable: whether rows without a value are possible.
    """

    name: str
    type: DataType
    description: str
    path: tuple[str, ...] = ()
    form: Form = "plain"
    nullable: bool = True

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type: texts and JSON are strings, times are microseconds in UTC."""
        return _ARROW_TYPES[self.type]


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: its name at the destination.
        description: what one row of it is.
        columns: its columns in their order.
        primary_key: the columns that identify a row.
        write_disposition: what dlt does with the rows of earlier loads.
        merge_key: the column whose rows a load replaces as a whole.
        children: the API's keys of the lists in a row, each with the table of its elements.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    write_disposition: Literal["merge", "append"] = "merge"
    merge_key: str | None = None
    children: Mapping[str, str] = field(default_factory=dict)

    @property
    def hints(self) -> TTableSchemaColumns:
        """The columns as a dlt resource takes them in `columns=`, keys included."""
        return {column.name: self._hint(column) for column in self.columns}

    @property
    def schema(self) -> pa.Schema:
        """The columns as an Arrow schema."""
        return pa.schema(
            [pa.field(c.name, c.arrow_type, nullable=c.nullable) for c in self.columns]
        )

    def _hint(self, column: Column) -> TColumnSchema:
        hint: TColumnSchema = {
            "name": column.name,
            "data_type": column.type,
            "nullable": column.nullable,
            "description": column.description,
        }
        if column.name in self.primary_key:
            hint["primary_key"] = True
        if column.name == self.merge_key:
            hint["merge_key"] = True
        if column.name == REMOVED.name:
            hint["hard_delete"] = True
        return hint


def _text(key: str, description: str) -> Column:
    return Column(_snake_case(key), "text", description, (key,))


def _id(key: str, description: str) -> Column:
    return replace(_text(key, description), form="id")


def _url(key: str, description: str) -> Column:
    return replace(_text(key, description), form="url")


def _time(key: str, description: str) -> Column:
    return replace(_text(key, description), type="timestamp")


def _flag(key: str, description: str) -> Column:
    return replace(_text(key, description), type="bool")


def _count(key: str, description: str) -> Column:
    return replace(_text(key, description), type="bigint")


def _json(key: str, description: str) -> Column:
    return replace(_text(key, description), type="json")


def _made(name: str, data_type: DataType, description: str, *, nullable: bool = True) -> Column:
    return Column(name, data_type, description, nullable=nullable)


def _inside(key: str, role: str, columns: Iterable[Column]) -> tuple[Column, ...]:
    """The columns of an object that is itself the value of `key`, flattened."""
    return tuple(
        replace(
            column,
            name=f"{_snake_case(key)}__{column.name}",
            path=(key, *column.path),
            description=f"{role}: {column.description}",
        )
        for column in columns
    )


def _snake_case(key: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), key)


def _required(column: Column) -> Column:
    return replace(column, nullable=False)


REMOVED = _made(
    "_removed",
    "bool",
    "True on a marker that its parent has no such rows any more. Destinations that merge by key "
    "delete the marker with the rows; filter it out (`not _removed`) on those that only upsert.",
)

_REMOVED_AT = _made(
    "removed_at",
    "timestamp",
    "When a reconcile found the row gone from the API; null while it is there.",
)

_EXTRA = _made(
    "extra",
    "json",
    "What the API sent beyond the declared columns, or that did not fit its column, by its path "
    "in the row; null when there was nothing.",
)

_LOAD_ID = _made(
    "_dlt_load_id",
    "text",
    "The load that wrote the row; joins `_chatbotx_syncs` and `_dlt_loads.load_id`.",
    nullable=False,
)

_CREATED_AND_UPDATED = (
    _time("createdAt", "When the record was created, by the server's clock."),
    _time("updatedAt", "When the record was last changed, by the server's clock."),
)

_CONTACT = (
    _id("id", "Id of the contact."),
    *_CREATED_AND_UPDATED,
    _text("avatar", "Path or address of the profile picture."),
    _text("phoneNumber", "Phone number, with a leading plus."),
    _text("email", "E-mail address; upper and lower case matter to the API."),
    _flag("emailVerified", "Whether the e-mail address was confirmed."),
    _flag("emailOptIn", "Whether the contact agreed to receive e-mail."),
    _text("firstName", "First name."),
    _text("lastName", "Last name."),
    _text("fullName", "Full name."),
    _text("gender", "Gender: male, female or unknown."),
    _time("lastReadAt", "When the contact last read the conversation."),
    _text("ref", "Reference of the link or campaign that the contact came through."),
    _text("country", "Country."),
    _text("state", "State or region."),
    _text("city", "City."),
    _json("location", "Location as the channel sent it: an object, a text or any other JSON."),
    _text("locale", "Language and region, such as en_US."),
    _text("timezone", "Time zone."),
    _time("subscribedAt", "When the contact subscribed."),
    _time("broadcastSubscribedAt", "When the contact subscribed to broadcasts."),
    _time("blockedAt", "When the contact was blocked; null when it is not."),
    _id("workspaceId", "Id of the workspace."),
)

_USER = (
    _id("id", "Id of the user."),
    *_CREATED_AND_UPDATED,
    _text("name", "Name."),
    _text("email", "E-mail address."),
    _flag("emailVerified", "Whether the e-mail address was confirmed."),
    _text("image", "Path or address of the profile picture."),
    _flag("isAnonymous", "Whether the account is an anonymous one."),
    _flag("mustChangePassword", "Whether the password has to be changed at the next sign-in."),
    _id("tenantId", "Id of the tenant that the account belongs to."),
)

_TEAM = (
    _id("id", "Id of the team."),
    *_CREATED_AND_UPDATED,
    _id("workspaceId", "Id of the workspace."),
    _text("name", "Name."),
)

_INBOX = (
    _id("id", "Id of the inbox."),
    *_CREATED_AND_UPDATED,
    _text("name", "Name."),
    _text("channel", "Channel, such as whatsapp or telegram."),
    _id("sourceId", "Id of the account at the channel."),
    _id("workspaceId", "Id of the workspace."),
    _text("status", "State of the connection, such as connected."),
)

_CONVERSATION = (
    _id("id", "Id of the conversation; joins `messages.conversation_id`."),
    _time("createdAt", "When the conversation was created, by the server's clock."),
    _time(
        "updatedAt", "When the record last changed, by the server's clock, new messages included."
    ),
    _flag("botEnabled", "Whether the bot answers."),
    _time("botResumeAt", "When a paused bot starts to answer again."),
    _time("archivedAt", "When the conversation was archived; null when it is not."),
    _json("additionalAttributes", "Attributes set by the workspace: any JSON."),
    _time("contactLastReadAt", "When the contact last read it."),
    _time("agentLastReadAt", "When an agent last read it."),
    _id("aiContextLastMessageId", "Id of the last message that the AI agent has taken in."),
    _time(
        "lastActivityAt",
        "Time of the message that arrived last, by the channel's clock: a message delivered late "
        "moves it back.",
    ),
    _flag("followed", "Whether the conversation is followed."),
    _id("assignedUserId", "Id of the agent it is assigned to."),
    _id("assignedInboxTeamId", "Id of the team it is assigned to."),
    _id("workspaceId", "Id of the workspace."),
    _id("contactId", "Id of the contact."),
    _id("sourceId", "Id of the conversation at the channel."),
    _time("adminRepliedAt", "When an agent last replied."),
    _time("contactRepliedAt", "When the contact last replied."),
    *_inside("assignedUser", "Assigned agent", _USER),
    *_inside("assignedInboxTeam", "Assigned team", _TEAM),
    *_inside("inbox", "Inbox", _INBOX),
)


def _element(table: str, description: str, columns: Iterable[Column], parent: Column) -> Table:
    """The table of the elements of a list: keyed by `id`, replaced by `parent` as a whole."""
    record_id = _required(_id("id", "Id of the record."))
    return Table(
        name=table,
        description=description,
        columns=(_required(parent), record_id, *columns, REMOVED, _EXTRA, _LOAD_ID),
        primary_key=(parent.name, "id"),
        merge_key=parent.name,
    )


_OF_CONTACT = _id("contactId", "Id of the contact; joins `contacts.id`.")
_OF_CONTACT_MADE = _made(
    "contact_id",
    "text",
    "Id of the contact; joins `contacts.id`. The API does not say it in the row: it is the "
    "contact that the row was read for.",
    nullable=False,
)

_CONTACTS = Table(
    name="contacts",
    description="One row per contact, with its conversation.",
    columns=(
        _required(_CONTACT[0]),
        *_CONTACT[1:],
        *_inside("conversation", "Conversation", _CONVERSATION),
        _REMOVED_AT,
        _EXTRA,
        _LOAD_ID,
    ),
    primary_key=("id",),
    children={
        "tags": "contacts__tags",
        "contactCustomFields": "contacts__contact_custom_fields",
        "contactNotes": "contacts__contact_notes",
        "contactInboxes": "contacts__contact_inboxes",
    },
)

_TAGS = _element(
    "contacts__tags",
    "One row for each tag that a contact carries.",
    (
        *_CREATED_AND_UPDATED,
        _text("name", "Name of the tag."),
        _time("deletedAt", "When the tag was deleted; null when it is not."),
        _id("folderId", "Id of the folder that the tag is kept in."),
        _id("workspaceId", "Id of the workspace."),
    ),
    _OF_CONTACT_MADE,
)

_CUSTOM_FIELDS = _element(
    "contacts__contact_custom_fields",
    "One row for each custom field that is set on a contact.",
    (
        *_CREATED_AND_UPDATED,
        _text("value", "Value of the field, as text."),
        _id("customFieldId", "Id of the field's definition in the workspace."),
    ),
    _OF_CONTACT,
)

_NOTES = _element(
    "contacts__contact_notes",
    "One row for each note that agents wrote about a contact; not every server sends them.",
    (
        *_CREATED_AND_UPDATED,
        _text("text", "Text of the note."),
        _id("createdById", "Id of the user who wrote it."),
    ),
    _OF_CONTACT,
)

_CONTACT_INBOXES = _element(
    "contacts__contact_inboxes",
    "One row for each inbox (an account at a channel) that a contact has written through.",
    (
        _id("inboxId", "Id of the inbox."),
        _text("channel", "Channel, such as whatsapp or telegram."),
        _time(
            "lastIncomingMessageAt",
            "Time of the message of the contact that arrived last, by the channel's clock.",
        ),
        _time("contactLastReadAt", "When the contact last read in this inbox."),
        *_inside("inbox", "Inbox", _INBOX),
    ),
    _OF_CONTACT,
)

_MESSAGES = Table(
    name="messages",
    description="One row per message. Messages deleted in ChatbotX stay, with `deleted_at` set.",
    columns=(
        _required(_id("id", "Id of the message; later messages of an instant have larger ids.")),
        _OF_CONTACT_MADE,
        _time("createdAt", "When the message was sent, by the channel's clock."),
        _time("updatedAt", "When the message was last edited or deleted, by the server's clock."),
        _id("conversationId", "Id of the conversation; joins `contacts.conversation__id`."),
        _id("contactInboxId", "Id of the contact's inbox; joins `contacts__contact_inboxes.id`."),
        _id("workspaceId", "Id of the workspace."),
        _text("text", "Text of the message, exact but for NUL characters, which become U+FFFD."),
        _json("contentAttributes", "Content beyond the text (buttons, cards, ...): any JSON."),
        _text("messageType", "Direction: incoming, outgoing, or activity (a note of the system)."),
        _text("contentType", "Kind of content: text, location or refLink."),
        _text("senderType", "Who sent it: bot, contact, system, user (an agent) or api."),
        _id("senderId", "Id of the sender; what it refers to depends on `sender_type`."),
        _id("sourceId", "Id of the message at the channel."),
        _time("deletedAt", "When the message was deleted in ChatbotX; null when it is not."),
        _text("type", "message, or comment (on a post)."),
        _id("parentId", "Id of the message or comment that it replies to."),
        _json("attributes", "Attributes of the message: any JSON."),
        _id("clientId", "Id given by the sending client; published, not sent by every server."),
        *_inside("user", "Agent who sent it (published, not sent by every server)", _USER),
        *_inside("contact", "Contact (published, not sent by every server)", _CONTACT),
        _REMOVED_AT,
        _EXTRA,
        _LOAD_ID,
    ),
    primary_key=("id",),
    children={"attachments": "messages__attachments"},
)

_ATTACHMENTS = Table(
    name="messages__attachments",
    description="One row per file attached to a message.",
    columns=(
        _required(_id("id", "Id of the attachment.")),
        _required(_id("messageId", "Id of the message; joins `messages.id`.")),
        _OF_CONTACT_MADE,
        _made("list_index", "bigint", "Place of the attachment in its message, from 0."),
        *_CREATED_AND_UPDATED,
        _id("workspaceId", "Id of the workspace."),
        _id("conversationId", "Id of the conversation."),
        _time("messageCreatedAt", "When the message was sent."),
        _text("fileType", "Kind of file: image, video, audio, gif or file."),
        _id("sourceId", "Id of the attachment at the channel."),
        _text("mimeType", "MIME type, such as image/png."),
        _count("width", "Width in pixels."),
        _count("height", "Height in pixels."),
        _count("size", "Size in bytes; 0 when it is not known."),
        _url("thumbnailPath", "Path or address of the preview, without a signature."),
        _url("originPath", "Path or address of the file, without a signature."),
        _text("name", "Name of the file."),
        _url(
            "url",
            "Address of the file. Its signature, which expires within the hour and gives access, "
            "is left out unless the source was told to keep it.",
        ),
        REMOVED,
        _EXTRA,
        _LOAD_ID,
    ),
    # The id alone is unique. But dlt deletes by `primary key OR merge key`, and databases join on
    # that fast only where the one implies the other: 0.02 s against 9 s for 60,000 rows in DuckDB.
    primary_key=("message_id", "id"),
    merge_key="message_id",
)

_PIPELINE = _made("pipeline", "text", "Name of the dlt pipeline that made the load.")
_WORKSPACE_ID_MADE = _made("workspace_id", "text", "Id of the workspace.")
_SHARD = _made(
    "shard",
    "text",
    "The part of the contacts that the load was to read, such as 3/8; null for all of them.",
)

_SYNCS = Table(
    name="_chatbotx_syncs",
    description="One row per load: how far the tables can be trusted, and since when.",
    columns=(
        _made("pass", "bigint", "Number of the pass over all contacts that the load belongs to."),
        _PIPELINE,
        _WORKSPACE_ID_MADE,
        _SHARD,
        _made("base_url", "text", "Address of the API."),
        _made("began", "timestamp", "When the load began to read."),
        _made("ended", "timestamp", "When the load had read its last row."),
        _made("mode", "text", "full, incremental, reconcile, contacts (a list) or sample."),
        _made(
            "complete", "bool", "Whether all that the mode is about is read; never so for a sample."
        ),
        _made("reconciled", "bool", "Whether, in addition, every contact's full history was read."),
        _made("contacts", "bigint", "Contacts whose messages were read."),
        _made("requests", "bigint", "Requests sent."),
        _made("messages", "bigint", "Rows of `messages` in the load."),
        _made("attachments", "bigint", "Rows of `messages__attachments` in the load."),
        _made("contacts_listed", "bigint", "Rows of `contacts` in the load."),
        _made("unfinished", "bigint", "Contacts whose messages are not all read yet."),
        _made("believed_empty", "bigint", "Contacts that look active but answer with no messages."),
        _made(
            "pages_left", "bigint", "Pages of the contact listing that the pass has yet to read."
        ),
        _made("synced_through", "timestamp", "Changes before this time are in the tables."),
        _made(
            "ended_by", "text", "What ended the load before its pass was over; null for nothing."
        ),
        _made("retry_after", "double", "Seconds that the API asked to wait before the next load."),
        _LOAD_ID,
    ),
    primary_key=("_dlt_load_id",),
)

_UNFINISHED = Table(
    name="_chatbotx_unfinished",
    description="One row per contact whose messages are not all read: what is missing, and why.",
    columns=(
        _required(_PIPELINE),
        _WORKSPACE_ID_MADE,
        _SHARD,
        _made("contact_id", "text", "Id of the contact; joins `contacts.id`.", nullable=False),
        _made("reason", "text", "Why the rest is missing."),
        _made("conversation_id", "text", "Id of the conversation."),
        _made("position", "timestamp", "`created_at` of the last message read; null for none."),
        _made("position_id", "text", "Id of the last message read; null for none."),
        _made("floor", "timestamp", "Read back to here; null for the whole history."),
        _made("since", "timestamp", "Since when the contact is unfinished."),
        _made("believed_empty", "bool", "Whether the contact counts as having no messages."),
        replace(
            REMOVED,
            description="True on a marker that a pipeline writes in every load, in the place of "
            "what it has said before. Destinations that merge by key delete both; on those that "
            "only upsert, the rows that count are `not _removed`, and of the last load of their "
            "pipeline in `_chatbotx_syncs`.",
        ),
        _LOAD_ID,
    ),
    primary_key=("pipeline", "contact_id"),
    merge_key="pipeline",
)

_WALKS = Table(
    name="_chatbotx_walks",
    description="Full readings of contacts whose removals are still to be marked; usually empty.",
    columns=(
        _made("contact_id", "text", "Id of the contact.", nullable=False),
        _made("conversation_id", "text", "Id of the conversation."),
        _made("first_at", "timestamp", "`created_at` of the newest message of the reading."),
        _made("first_id", "text", "Id of the newest message of the reading."),
        _made("first_load_id", "text", "The load that the reading began in."),
        _made("ended", "timestamp", "When the reading reached the oldest message."),
        _LOAD_ID,
    ),
    primary_key=(),
    write_disposition="append",
)

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        _CONTACTS,
        _TAGS,
        _CUSTOM_FIELDS,
        _NOTES,
        _CONTACT_INBOXES,
        _MESSAGES,
        _ATTACHMENTS,
        _SYNCS,
        _UNFINISHED,
        _WALKS,
    )
}
"""The tables by name, in reading order."""

DATA_TABLES = tuple(name for name in TABLES if not name.startswith("_"))
"""The names of those that hold data of the workspace; the others tell how the loading went."""
