"""A ChatbotX workspace in memory: what can happen in it, and a log of what did.

The log (`Workspace.events`) is the truth that a sync is judged by. The live rows are the fold of
that log: every change is first written down as an `Event` and then applied by `State.apply`, so
`Workspace.truth()` can rebuild the workspace as it was after any event.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime, timezone
from typing import Any, TypeVar, cast

from chatbotx_source.sandbox.state import Event, Row, State, Truth, replay, timestamp

Clock = Callable[[], datetime]

FILES_URL = "https://files.example.com/chatbotx/"
WORKSPACE_ID = "30000000000000001"

FIRST_ID = 9_999_999_999_999_960
"""Above 2^53, and 40 ids before the number of digits grows: ids ordered as text come out wrong."""

IDS_OF_A_WORKSPACE = 1_000_000_000
"""How far the ids of two workspaces of an installation lie apart."""

MIME_TYPES = {
    "image": "image/png",
    "video": "video/mp4",
    "audio": "audio/ogg",
    "gif": "image/gif",
    "file": "application/pdf",
}

_Method = TypeVar("_Method", bound=Callable[..., Any])


def utc_now() -> datetime:
    """Returns the real time, aware, in UTC."""
    return datetime.now(timezone.utc)


def _locked(method: _Method) -> _Method:
    @functools.wraps(method)
    def call(self: Workspace, *args: Any, **kwargs: Any) -> Any:
        with self.lock:
            return method(self, *args, **kwargs)

    return cast(_Method, call)


def _said(contact_id: str, text: str | None, message_type: str, sender_type: str) -> Row:
    return {
        "text": text,
        "messageType": message_type,
        "senderType": sender_type,
        "senderId": contact_id if sender_type == "contact" else None,
    }


class Workspace:
    """A workspace that starts empty and changes by its methods only.

    Every method takes further fields by the API's own names (`phoneNumber="+84..."`), also names
    the API does not have. Times are datetimes or strings as the API writes them.

    Args:
        clock: gives the current time (aware); the real time by default.
        number: which of the workspaces of an installation it is; ids are unique among them.

    Attributes:
        id: its id.
    """

    def __init__(self, clock: Clock | None = None, number: int = 0) -> None:
        self.clock: Clock = clock or utc_now
        self.id = str(int(WORKSPACE_ID) + number)
        self.lock = threading.RLock()
        self.events: list[Event] = []
        self.state = State()
        self._last_id = FIRST_ID + number * IDS_OF_A_WORKSPACE
        self._inboxes: dict[str, Row] = {}
        self._tags: dict[str, Row] = {}
        self._custom_fields: dict[str, str] = {}
        self._inbox_of: dict[str, str] = {}

    @_locked
    def new_id(self) -> str:
        """Gives out the next id: digits above 2^53, above every id given out before."""
        self._last_id += 1
        return str(self._last_id)

    @_locked
    def add_contact(
        self,
        *,
        channels: Sequence[str] = ("whatsapp",),
        conversation: bool = True,
        created_at: datetime | str | None = None,
        **fields: Any,
    ) -> str:
        """Adds a contact with one inbox a channel, and a conversation unless told otherwise.

        Returns:
            The contact's id, above every earlier one.
        """
        contact_id = self.new_id()
        at = self._time(created_at)
        first_name = fields.get("firstName", "Contact")
        last_name = fields.get("lastName", contact_id[-4:])
        row = {
            "id": contact_id,
            "createdAt": at,
            "updatedAt": at,
            "avatar": None,
            "phoneNumber": None,
            "email": None,
            "emailVerified": False,
            "emailOptIn": True,
            "firstName": first_name,
            "lastName": last_name,
            "fullName": " ".join(filter(None, (first_name, last_name))) or None,
            "gender": None,
            "lastReadAt": None,
            "ref": None,
            "country": None,
            "state": None,
            "city": None,
            "location": None,
            "locale": None,
            "timezone": None,
            "subscribedAt": None,
            "broadcastSubscribedAt": None,
            "blockedAt": None,
            "workspaceId": self.id,
            "contactCustomFields": [],
            "tags": [],
            **deepcopy(fields),
            "contactInboxes": [self._contact_inbox(contact_id, c) for c in channels],
            "conversation": None,
        }
        self._record("contact_added", contact_id, row)
        if conversation:
            self.start_conversation(contact_id, created_at=at)
        return contact_id

    @_locked
    def start_conversation(
        self,
        contact_id: str,
        *,
        created_at: datetime | str | None = None,
        inbox: int = 0,
        **fields: Any,
    ) -> str:
        """Starts a conversation; it is served at once when it is the contact's first.

        Args:
            contact_id: whose conversation.
            created_at: default: now.
            inbox: which of the contact's inboxes it belongs to; the first-page window follows it.
            **fields: further fields of the conversation.

        Returns:
            The conversation's id.
        """
        conversation_id = self.new_id()
        at = self._time(created_at)
        row = {
            "id": conversation_id,
            "createdAt": at,
            "updatedAt": at,
            "botEnabled": True,
            "botResumeAt": None,
            "archivedAt": None,
            "additionalAttributes": None,
            "contactLastReadAt": None,
            "agentLastReadAt": None,
            "aiContextLastMessageId": None,
            "lastActivityAt": None,
            "followed": False,
            "assignedUserId": None,
            "assignedInboxTeamId": None,
            "workspaceId": self.id,
            "contactId": contact_id,
            "sourceId": None,
            "adminRepliedAt": None,
            "contactRepliedAt": None,
            "assignedUser": None,
            "assignedInboxTeam": None,
            **deepcopy(fields),
        }
        inboxes = self.state.inboxes[contact_id]
        if inboxes:
            self._inbox_of[conversation_id] = inboxes[inbox]["id"]
        self._record("conversation_started", contact_id, row)
        return conversation_id

    @_locked
    def flip(self, contact_id: str) -> str:
        """Serves the contact's next conversation instead of the one served now; returns its id.

        Raises:
            ValueError: the contact has fewer than two conversations.
        """
        conversations = list(self.state.conversations[contact_id])
        if len(conversations) < 2:
            raise ValueError(f"contact {contact_id} has no other conversation to flip to")
        place = conversations.index(str(self.state.served[contact_id]))
        flipped = conversations[(place + 1) % len(conversations)]
        row = self.state.conversations[contact_id][flipped]
        self._record("conversation_flipped", contact_id, row)
        return flipped

    @_locked
    def update_conversation(
        self, contact_id: str, *, conversation_id: str | None = None, **fields: Any
    ) -> None:
        """Changes fields of a conversation (default: the one served); its updatedAt becomes now."""
        row = self.state.conversations[contact_id][
            conversation_id or str(self.state.served[contact_id])
        ]
        row = {**row, "updatedAt": self._time(None), **deepcopy(fields)}
        self._record("conversation_updated", contact_id, row)

    @_locked
    def update_contact(self, contact_id: str, **fields: Any) -> None:
        """Changes fields of a contact; its updatedAt becomes now, nothing else moves."""
        fields = {"updatedAt": self._time(None), **deepcopy(fields)}
        self._change_contact("contact_updated", contact_id, fields)

    @_locked
    def delete_contact(self, contact_id: str) -> None:
        """Removes a contact, its conversations and its messages."""
        self._record("contact_deleted", contact_id, None)

    @_locked
    def add_tag(self, contact_id: str, name: str) -> str:
        """Gives a contact the tag of this name (made on first use); returns the tag's id."""
        if name not in self._tags:
            at = self._time(None)
            self._tags[name] = {
                "id": self.new_id(),
                "createdAt": at,
                "updatedAt": at,
                "name": name,
                "deletedAt": None,
                "folderId": None,
                "workspaceId": self.id,
            }
        tags = [t for t in self.state.contacts[contact_id]["tags"] if t["name"] != name]
        self._change_contact("tag_added", contact_id, {"tags": [*tags, self._tags[name]]})
        return str(self._tags[name]["id"])

    @_locked
    def remove_tag(self, contact_id: str, name: str) -> None:
        """Takes the tag of this name away from a contact."""
        tags = [t for t in self.state.contacts[contact_id]["tags"] if t["name"] != name]
        self._change_contact("tag_removed", contact_id, {"tags": tags})

    @_locked
    def set_custom_field(self, contact_id: str, name: str, value: str) -> str:
        """Sets a contact's custom field (made on first use); returns the custom field's id.

        The API shows the value and the id of the field, never its name.
        """
        custom_field_id = self._custom_fields.setdefault(name, "") or self.new_id()
        self._custom_fields[name] = custom_field_id
        at = self._time(None)
        new = {
            "id": self.new_id(),
            "createdAt": at,
            "updatedAt": at,
            "value": value,
            "contactId": contact_id,
            "customFieldId": custom_field_id,
        }
        values = []
        for old in self.state.contacts[contact_id]["contactCustomFields"]:
            if old["customFieldId"] == custom_field_id:
                new = {**old, "updatedAt": at, "value": value}
            else:
                values.append(old)
        fields = {"contactCustomFields": [*values, new]}
        self._change_contact("custom_field_set", contact_id, fields)
        return custom_field_id

    @_locked
    def add_note(self, contact_id: str, text: str, *, created_by: str | None = None) -> str:
        """Writes a note on a contact; returns its id. Rows without notes have no `contactNotes`."""
        at = self._time(None)
        note = {
            "id": self.new_id(),
            "createdAt": at,
            "updatedAt": at,
            "text": text,
            "contactId": contact_id,
            "createdById": created_by,
        }
        notes = self.state.contacts[contact_id].get("contactNotes", [])
        self._change_contact("note_added", contact_id, {"contactNotes": [*notes, note]})
        return str(note["id"])

    @_locked
    def add_message(
        self,
        contact_id: str,
        *,
        created_at: datetime | str | None = None,
        text: str | None = "Hello",
        message_type: str = "incoming",
        sender_type: str = "contact",
        attachments: int | Sequence[Mapping[str, Any]] = 0,
        conversation_id: str | None = None,
        inbox: int | None = None,
        **fields: Any,
    ) -> str:
        """Delivers a message, as a channel or an agent does.

        The conversation's lastActivityAt and the inbox's times are set to the message's own time,
        also when that is in the past (a late delivery); the conversation's updatedAt becomes now.

        Args:
            contact_id: whose conversation.
            created_at: the channel's time of the message; default: now.
            text: its text.
            message_type: `incoming`, `outgoing` or `activity`.
            sender_type: `contact`, `bot`, `user`, `api` or `system`.
            attachments: how many, or the fields of each.
            conversation_id: default: the one that is served.
            inbox: which of the contact's inboxes it came through; default: the conversation's.
            **fields: further fields of the message.

        Returns:
            The message's id.

        Raises:
            ValueError: the contact has no conversation or no inbox.
        """
        row = self._message(contact_id, created_at, conversation_id, inbox, attachments)
        row |= _said(contact_id, text, message_type, sender_type) | deepcopy(fields)
        self._record("message_added", contact_id, row, row["id"])
        return str(row["id"])

    @_locked
    def import_message(
        self,
        contact_id: str,
        created_at: datetime | str,
        *,
        text: str | None = "Hello",
        message_type: str = "incoming",
        sender_type: str = "contact",
        attachments: int | Sequence[Mapping[str, Any]] = 0,
        conversation_id: str | None = None,
        inbox: int | None = None,
        **fields: Any,
    ) -> str:
        """Imports a message of the past: it only ever advances the conversation's lastActivityAt.

        The arguments are those of `add_message`.

        Returns:
            The message's id.
        """
        row = self._message(contact_id, created_at, conversation_id, inbox, attachments)
        row |= _said(contact_id, text, message_type, sender_type) | deepcopy(fields)
        self._record("message_imported", contact_id, row, row["id"])
        return str(row["id"])

    @_locked
    def edit_message(self, message_id: str, **fields: Any) -> None:
        """Changes fields of a message; its updatedAt becomes now, nothing else moves."""
        self._change_message("message_edited", message_id, deepcopy(fields))

    @_locked
    def remove_attachment(self, message_id: str, attachment_id: str | None = None) -> None:
        """Takes an attachment (default: the first) from a message; its updatedAt becomes now."""
        attachments = self.state.messages[message_id]["attachments"]
        gone = attachment_id or attachments[0]["id"]
        kept = [a for a in attachments if a["id"] != gone]
        self._change_message("attachment_removed", message_id, {"attachments": kept})

    @_locked
    def soft_delete_message(self, message_id: str) -> None:
        """Marks a message as deleted; the API goes on to return it."""
        self._change_message("message_soft_deleted", message_id, {"deletedAt": self._time(None)})

    @_locked
    def hard_delete_message(self, message_id: str) -> None:
        """Removes a message for good; no time anywhere moves."""
        contact_id = self.state.contact_of[message_id]
        self._record("message_hard_deleted", contact_id, None, message_id)

    @_locked
    def poison_message(self, message_id: str) -> None:
        """Spoils the stored URL of the message's attachment: pages that hold it answer 500."""
        row = self.state.messages[message_id]
        self._record("message_poisoned", self.state.contact_of[message_id], row, message_id)

    @_locked
    def cure_message(self, message_id: str) -> None:
        """Undoes `poison_message`."""
        row = self.state.messages[message_id]
        self._record("message_cured", self.state.contact_of[message_id], row, message_id)

    @_locked
    def truth(self, at_event: int | None = None) -> Truth:
        """Tells what is in the workspace after event number `at_event` (default: the last one).

        It is computed from the events alone, in time that grows with their number.
        """
        state = replay(self.events[:at_event])
        return Truth(
            contacts={i: state.contact_row(i) for i in state.contacts},
            messages=state.messages,
            contact_of=state.contact_of,
            served=state.served,
        )

    @_locked
    def window_end(self, conversation_id: str) -> str | None:
        """Tells up to which time (inclusive) a first page shows rows; None: without a bound.

        It is the end of the hour of the last message in the conversation's inbox.
        """
        last = self.state.last_message_at.get(self._inbox_of.get(conversation_id, ""))
        return f"{last[:13]}:59:59.999Z" if last else None

    def _time(self, moment: datetime | str | None) -> str:
        return timestamp(self.clock() if moment is None else moment)

    def _record(
        self, kind: str, contact_id: str, row: Row | None, message_id: str | None = None
    ) -> None:
        event = Event(len(self.events) + 1, self.clock(), kind, contact_id, message_id, row)
        self.state.apply(event)
        self.events.append(event)

    def _change_contact(self, kind: str, contact_id: str, fields: Row) -> None:
        self._record(kind, contact_id, {**self.state.contact_row(contact_id), **fields})

    def _change_message(self, kind: str, message_id: str, fields: Row) -> None:
        row = {**self.state.messages[message_id], "updatedAt": self._time(None), **fields}
        self._record(kind, self.state.contact_of[message_id], row, message_id)

    def _contact_inbox(self, contact_id: str, channel: str) -> Row:
        if channel not in self._inboxes:
            at = self._time(None)
            self._inboxes[channel] = {
                "id": self.new_id(),
                "createdAt": at,
                "updatedAt": at,
                "name": f"Inbox {channel}",
                "channel": channel,
                "sourceId": f"src-{channel}",
                "workspaceId": self.id,
                "status": "connected",
            }
        return {
            "id": self.new_id(),
            "contactId": contact_id,
            "inboxId": self._inboxes[channel]["id"],
            "channel": channel,
            "lastIncomingMessageAt": None,
            "contactLastReadAt": None,
            "inbox": self._inboxes[channel],
        }

    def _message(
        self,
        contact_id: str,
        created_at: datetime | str | None,
        conversation_id: str | None,
        inbox: int | None,
        attachments: int | Sequence[Mapping[str, Any]],
    ) -> Row:
        conversation_id = conversation_id or self.state.served[contact_id]
        inboxes = [row["id"] for row in self.state.inboxes[contact_id]]
        if conversation_id is None or not inboxes:
            raise ValueError(f"contact {contact_id} has no conversation or no inbox to write to")
        message_id = self.new_id()
        at = self._time(created_at)
        row: Row = {
            "id": message_id,
            "createdAt": at,
            "updatedAt": at,
            "conversationId": conversation_id,
            "contactInboxId": (
                self._inbox_of[conversation_id] if inbox is None else inboxes[inbox]
            ),
            "workspaceId": self.id,
            "text": None,
            "contentAttributes": None,
            "messageType": None,
            "contentType": "text",
            "senderType": None,
            "senderId": None,
            "sourceId": f"wamid.{message_id}",
            "deletedAt": None,
            "type": "message",
            "parentId": None,
            "attributes": None,
        }
        wanted = [{}] * attachments if isinstance(attachments, int) else attachments
        row["attachments"] = [self._attachment(row, place, a) for place, a in enumerate(wanted)]
        return row

    def _attachment(self, message: Row, place: int, fields: Mapping[str, Any]) -> Row:
        file_type = fields.get("fileType", "image")
        mime_type = fields.get("mimeType", MIME_TYPES[file_type])
        path = f"public/space/{self.id}/conversations/{message['conversationId']}"
        row = {
            "id": self.new_id(),
            "createdAt": message["createdAt"],
            "updatedAt": message["createdAt"],
            "workspaceId": self.id,
            "conversationId": message["conversationId"],
            "messageId": message["id"],
            "messageCreatedAt": message["createdAt"],
            "fileType": file_type,
            "sourceId": f"att-{message['id']}",
            "mimeType": mime_type,
            "width": None,
            "height": None,
            "size": 12345,
            "thumbnailPath": None,
            "originPath": f"{path}/{message['id']}-{place}.{mime_type.split('/')[1]}",
            "name": f"{file_type} {place + 1}",
            **fields,
        }
        stored = row["originPath"].startswith("public/")
        row.setdefault("url", FILES_URL + row["originPath"] if stored else row["originPath"])
        return row
