"""A workspace as the bytes that the API answers with, rendered before anybody asks.

A contact's messages are one byte string, newest first, so that a page is a slice of it.
"""

from __future__ import annotations

import json
import random
from array import array
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

WORKSPACE_ID = "30000000000000001"
FIRST_ID = 10**16  # above 2^53, as the ids of real servers are
IDS_A_CONTACT = 10**7
QUIET = timedelta(days=3)
"""Nothing is younger at the start: longer than any contender looks back."""

TEXTS = (
    "Hi! Is the order shipped already? I have been waiting since Monday.",
    "Xin chào, mình muốn đổi địa chỉ giao hàng 🏠",
    "Olá, o boleto venceu ontem, como faço para pagar?",
    "Thank you, I found it in the meantime 🙏",
    "مرحبا، متى تفتحون غداً؟",
    "Your order is on its way. You can follow it under the link in our e-mail, day and night.",
    "A colleague of mine will look into it and answer within the hour.",
    "ok",
)
SENDERS = (("incoming", "contact"), ("outgoing", "bot"), ("outgoing", "user"))
FILE_TYPES = (
    ("image", "image/png", "png"),
    ("video", "video/mp4", "mp4"),
    ("audio", "audio/ogg", "ogg"),
    ("file", "application/pdf", "pdf"),
)
SIGNATURE = (
    "X-Amz-Expires=3600&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-SignedHeaders=host"
    "&X-Amz-Credential=chatbotx%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Signature="
)


@dataclass
class Contact:
    """One contact: its row in the listing, and its messages.

    Attributes:
        number: place in the workspace, from 0.
        has_conversation: whether the API knows a conversation of it.
        created_at: when it, and its conversation, came into being.
        messages: JSON of the messages, newest first, each with a comma behind it.
        starts: where each message begins in `messages`, and where the last one ends.
        attachments: how many attachments the messages have.
        newest: time of the newest message.
        row: JSON of its row in the listing.
    """

    number: int
    has_conversation: bool
    created_at: str
    messages: bytes = b""
    starts: array[int] = field(default_factory=lambda: array("Q", [0]))
    attachments: int = 0
    newest: str | None = None
    row: bytes = b""

    @property
    def id(self) -> str:
        """The id; other ids of the contact follow it."""
        return str(FIRST_ID + self.number * IDS_A_CONTACT)

    def page(self, size: int, older: int | None) -> tuple[bytes, int]:
        """Cuts out a page of messages.

        Args:
            size: messages wanted.
            older: start where so many are left; None: with the newest.

        Returns:
            The rows, separated by commas, and how many older ones are left.
        """
        count = len(self.starts) - 1
        first = count - min(count if older is None else older, count)
        last = min(first + size, count)
        return self.messages[self.starts[first] : max(self.starts[last] - 1, 0)], count - last


class Workspace:
    """Contacts with messages, drawn from a seed.

    Args:
        contacts: how many.
        messages: how many in all.
        even: give every contact the same number. Else a few have most, one in twenty has a
            conversation without messages, and one in forty no conversation.
        now: the time to which it is quiet.
        seed: what is drawn from.
    """

    def __init__(
        self,
        contacts: int,
        messages: int,
        *,
        even: bool = False,
        now: datetime | None = None,
        seed: int = 7,
    ) -> None:
        self._rng = random.Random(seed)
        shares = [messages // contacts] * contacts if even else self._shares(contacts, messages)
        shares[0] += messages - sum(shares)
        end = (now or datetime.now(timezone.utc)) - QUIET
        self.contacts = []
        for number, share in enumerate(shares):
            began = end - timedelta(days=200) + timedelta(days=100) * number / contacts
            contact = Contact(number, even or number % 40 != 39, _iso(began))
            self.contacts.append(contact)
            self._write(contact, share, began, (end - began) * self._rng.uniform(0.5, 1))

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are, by table."""
        return {
            "contacts": len(self.contacts),
            "messages": sum(len(contact.starts) - 1 for contact in self.contacts),
            "attachments": sum(contact.attachments for contact in self.contacts),
        }

    def change(self, share: float, messages: int, now: datetime | None = None) -> None:
        """Lets a share of the contacts write again, a few seconds ago."""
        talkers = [contact for contact in self.contacts if contact.has_conversation]
        began = (now or datetime.now(timezone.utc)) - timedelta(seconds=10)
        for contact in self._rng.sample(talkers, max(round(len(talkers) * share), 1)):
            self._write(contact, messages, began, timedelta(seconds=5))

    def _shares(self, contacts: int, messages: int) -> list[int]:
        weights = [min(self._rng.paretovariate(1.2), 30.0) for _ in range(contacts)]
        for number in range(19, contacts, 20):
            weights[number] = 0.0
        return [int(messages * weight / sum(weights)) for weight in weights]

    def _write(self, contact: Contact, count: int, began: datetime, span: timedelta) -> None:
        """Puts messages on top of those that a contact has."""
        known = len(contact.starts) - 1
        rows: list[bytes] = []
        for place in range(count):
            at = _iso(began + span * (place + 1) / count)
            rows.append(self._message(contact, known + place, at) + b",")
            contact.newest = at
        rows.reverse()
        contact.messages = b"".join(rows) + contact.messages
        starts = array("Q", [0])
        for row in rows:
            starts.append(starts[-1] + len(row))
        contact.starts = starts[:-1] + array("Q", (starts[-1] + old for old in contact.starts))
        contact.row = _contact_row(contact)

    def _message(self, contact: Contact, place: int, at: str) -> bytes:
        rng = self._rng
        chance = rng.random()
        # Ten ids for each message leave room for its attachments.
        id_ = FIRST_ID + contact.number * IDS_A_CONTACT + 10 * (place + 1)
        message_type, sender = SENDERS[int(chance * 1_000) % 3]
        attachments = (1 + (chance < 0.09)) if chance < 0.31 else 0
        contact.attachments += attachments
        files = ",".join(_attachment(contact, id_, n, at, rng.random()) for n in range(attachments))
        text = "null" if chance < 0.05 else f'"{TEXTS[int(chance * 10_000) % len(TEXTS)]}"'
        attributes = '{"ref":"ad-42","retries":0}' if chance > 0.9 else "null"
        return (
            f'{{"id":"{id_}","createdAt":"{at}","updatedAt":"{at}",'
            f'"conversationId":"{_conversation_id(contact)}",'
            f'"contactInboxId":"{_inbox_id(contact)}",'
            f'"workspaceId":"{WORKSPACE_ID}","text":{text},"contentAttributes":{attributes},'
            f'"messageType":"{message_type}","contentType":"text","senderType":"{sender}",'
            f'"senderId":{_sender_id(contact, sender)},"sourceId":"wamid.{id_}",'
            '"deletedAt":null,"type":"message","parentId":null,"attributes":null,'
            f'"attachments":[{files}]}}'
        ).encode()


def _attachment(contact: Contact, message_id: int, place: int, at: str, chance: float) -> str:
    kind, mime, suffix = FILE_TYPES[int(chance * 4)]
    path = f"public/space/{WORKSPACE_ID}/conversations/{_conversation_id(contact)}/{message_id}"
    path += f"-{place}.{suffix}"
    signature = f"{message_id:064x}"
    return (
        f'{{"id":"{message_id + 1 + place}","createdAt":"{at}","updatedAt":"{at}",'
        f'"workspaceId":"{WORKSPACE_ID}","conversationId":"{_conversation_id(contact)}",'
        f'"messageId":"{message_id}","messageCreatedAt":"{at}","fileType":"{kind}",'
        f'"sourceId":"att-{message_id}","mimeType":"{mime}","width":640,"height":null,'
        f'"size":{int(chance * 5_000_000)},"thumbnailPath":null,"originPath":"{path}",'
        f'"name":null,"url":"https://files.example.com/chatbotx/{path}?{SIGNATURE}{signature}"}}'
    )


def _contact_row(contact: Contact) -> bytes:
    number, at, newest = contact.number, contact.created_at, contact.newest
    row: dict[str, Any] = {
        "id": contact.id,
        "createdAt": at,
        "updatedAt": at,
        "avatar": f"public/avatars/{number}.png",
        "phoneNumber": f"+8490{number:07}",
        "email": f"user{number}@example.com",
        "emailVerified": False,
        "emailOptIn": True,
        "firstName": "Contact",
        "lastName": str(number),
        "fullName": f"Contact {number}",
        "gender": "unknown",
        "lastReadAt": None,
        "ref": "ad-42",
        "country": "VN",
        "state": None,
        "city": "Hà Nội",
        "location": None,
        "locale": "vi_VN",
        "timezone": "Asia/Ho_Chi_Minh",
        "subscribedAt": at,
        "broadcastSubscribedAt": None,
        "blockedAt": None,
        "workspaceId": WORKSPACE_ID,
        "contactCustomFields": [],
        "tags": [],
        "contactInboxes": [_contact_inbox(contact, at)],
        "conversation": _conversation(contact, at) if contact.has_conversation else None,
    }
    if newest is not None and row["conversation"]:
        row["conversation"] |= {"lastActivityAt": newest, "updatedAt": newest}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _contact_inbox(contact: Contact, at: str) -> dict[str, Any]:
    return {
        "id": _inbox_id(contact),
        "contactId": contact.id,
        "inboxId": str(FIRST_ID - 1),
        "channel": "whatsapp",
        "lastIncomingMessageAt": contact.newest,
        "contactLastReadAt": None,
        "inbox": {
            "id": str(FIRST_ID - 1),
            "createdAt": at,
            "updatedAt": at,
            "name": "Inbox whatsapp",
            "channel": "whatsapp",
            "sourceId": "src-whatsapp",
            "workspaceId": WORKSPACE_ID,
            "status": "connected",
        },
    }


def _conversation(contact: Contact, at: str) -> dict[str, Any]:
    return {
        "id": _conversation_id(contact),
        "createdAt": at,
        "updatedAt": at,
        "botEnabled": True,
        "botResumeAt": None,
        "archivedAt": None,
        "additionalAttributes": None,
        "contactLastReadAt": None,
        "agentLastReadAt": None,
        "aiContextLastMessageId": None,
        "lastActivityAt": at,
        "followed": False,
        "assignedUserId": None,
        "assignedInboxTeamId": None,
        "workspaceId": WORKSPACE_ID,
        "contactId": contact.id,
        "sourceId": None,
        "adminRepliedAt": None,
        "contactRepliedAt": None,
        "assignedUser": None,
        "assignedInboxTeam": None,
    }


def _conversation_id(contact: Contact) -> str:
    return str(int(contact.id) + 1)


def _inbox_id(contact: Contact) -> str:
    return str(int(contact.id) + 2)


def _sender_id(contact: Contact, sender: str) -> str:
    return f'"{contact.id}"' if sender == "contact" else "null"


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
