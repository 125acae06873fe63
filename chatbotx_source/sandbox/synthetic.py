"""Makes a workspace that looks like a real one, from a seed: people, and what they wrote."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from chatbotx_source.sandbox import phrases
from chatbotx_source.sandbox.state import Row, timestamp
from chatbotx_source.sandbox.workspace import Clock, Workspace, utc_now

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SPAN = 120 * DAY
"""How far back the oldest contact goes."""

MESSAGES_PER_CONTACT = 25
LONG_TEXT_FROM = 1_000
"""So many messages make room for one of 105,000 characters."""

# How likely people are to write in each hour (UTC) and on each weekday from Monday.
_HOURS = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 9, 10, 11, 11, 10, 9, 9, 10, 11, 8, 4, 2)
_WEEKDAYS = (10, 10, 9, 9, 10, 5, 4)
_FILE_TYPES = ("image", "video", "audio", "gif", "file")
_COMMENT = {"type": "comment", "attributes": {"liked": True, "hidden": False}}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

Step = tuple[int, Callable[[], object]]
"""Something that happens at a time, in milliseconds since 1970."""


def synthetic(
    seed: int = 7,
    contacts: int = 200,
    messages: int | None = None,
    now: datetime | None = None,
    clock: Clock | None = None,
    number: int = 0,
) -> Workspace:
    """Makes a workspace full of conversations; the same seed and `now` give the same rows.

    Args:
        seed: what everything is drawn from.
        contacts: how many contacts.
        messages: how many messages in all; default: 25 a contact. A few contacts have most of
            them, some have none.
        now: when the last of them was written at the latest; default: the last full hour.
        clock: the workspace's clock from then on; default: the real time.
        number: which of the workspaces of an installation it is.

    Returns:
        The workspace; its events are in the order in which all this happened.
    """
    moment = (now or (clock or utc_now)()).astimezone(timezone.utc)
    if now is None:
        moment = moment.replace(minute=0, second=0, microsecond=0)
    end = round((moment - _EPOCH) / timedelta(milliseconds=1))
    workspace = Workspace(lambda: moment, number)
    rng = random.Random(seed)
    total = contacts * MESSAGES_PER_CONTACT if messages is None else messages
    counts = _shares(rng, contacts, total)
    agents = [_agent(number, name, end) for number, name in enumerate(phrases.AGENTS, 1)]
    campaigns = sorted(rng.randrange(end - SPAN, end) // HOUR * HOUR for _ in range(6))
    steps: list[Step] = []
    busiest = max(range(contacts), key=counts.__getitem__, default=None)
    hardest = (phrases.NUL_TEXT, phrases.LONG_TEXT)[: 2 if total >= LONG_TEXT_FROM else 1]
    for number, count in enumerate(counts):
        life = _Life(workspace, random.Random(f"{seed}/{number}"), number, end)
        steps += life.plan(count, campaigns, agents, hardest if number == busiest else ())
    for at, act in sorted(steps, key=lambda step: step[0]):
        moment = _EPOCH + timedelta(milliseconds=at)
        act()
    workspace.clock = clock or utc_now
    return workspace


def _shares(rng: random.Random, contacts: int, total: int) -> list[int]:
    """Shares messages out so that a few contacts get most; about one in ten gets none."""
    weights = [min(rng.paretovariate(1.1), 400.0) for _ in range(contacts)]
    for number in range(contacts):
        if number % 10 == 9:
            weights[number] = 0.0
    whole = sum(weights) or 1.0
    counts = [int(total * weight / whole) for weight in weights]
    talkers = [number for number, weight in enumerate(weights) if weight]
    for number in range(total - sum(counts)) if talkers else ():
        counts[talkers[number % len(talkers)]] += 1
    return counts


def _agent(number: int, name: str, end: int) -> Row:
    joined = _iso(end - 2 * SPAN)
    return {
        "id": f"2000000000000000{number}",
        "createdAt": joined,
        "updatedAt": joined,
        "name": name,
        "email": f"agent{number}@example.com",
        "emailVerified": True,
        "image": None,
        "isAnonymous": False,
        "mustChangePassword": False,
        "tenantId": None,
    }


def _team(workspace_id: str, end: int) -> Row:
    formed = _iso(end - 2 * SPAN)
    return {
        "id": "50000000000000001",
        "createdAt": formed,
        "updatedAt": formed,
        "workspaceId": workspace_id,
        "name": "Chăm sóc khách hàng",
    }


def _iso(at: int) -> str:
    return timestamp(_EPOCH + timedelta(milliseconds=at))


class _Life:
    """One contact, from the day it is known: plans what happens, and makes it happen."""

    def __init__(self, workspace: Workspace, rng: random.Random, number: int, end: int) -> None:
        self.workspace = workspace
        self.rng = rng
        self.number = number
        self.end = end
        # Five contacts were imported at one moment, as the first of all: they tie on createdAt.
        self.born = end - SPAN
        if number >= 5:
            day = rng.randrange(end - SPAN + DAY, end - 2 * DAY) // DAY * DAY
            self.born = day + rng.choices(range(24), _HOURS)[0] * HOUR + rng.randrange(HOUR)
        self.contact_id = ""
        self.second_conversation: str | None = None
        self.sent: dict[int, str] = {}
        self.steps: list[Step] = []

    def plan(
        self, count: int, campaigns: list[int], agents: list[Row], last_texts: Sequence[str]
    ) -> list[Step]:
        """Returns all that happens to this contact, with `count` messages among it."""
        self.agent = self.rng.choice(agents)
        silent = count == 0 and self.number % 20 == 19
        self._at(self.born, self._join, silent)
        self._plan_profile()
        if silent:
            return self.steps
        said: list[tuple[int, dict[str, Any]]] = []
        for at in campaigns:
            if at > self.born and len(said) < count // 4 and self.rng.random() < 0.5:
                said.append((at, self._says("api", phrases.CAMPAIGNS)))
        while len(said) < count:
            said += self._talk(first=len(said) == 0)[: count - len(said)]
        said.sort(key=lambda message: message[0])
        for (_, fields), text in zip(reversed(said), last_texts, strict=False):
            fields["text"] = text
        self._plan_messages(said)
        self._plan_conversation(said)
        return self.steps

    def _at(self, at: int, act: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        self.steps.append((min(at, self.end), partial(act, *args, **kwargs)))

    # What the contact is.

    def _join(self, silent: bool) -> None:
        rng = self.rng
        first_name, last_name = rng.choice(phrases.NAMES)
        country, locale = rng.choice(phrases.COUNTRIES)
        channels = [rng.choice(phrases.CHANNELS)]
        if self.number == 2:
            channels = ["whatsapp", "webchat"]
        has_phone = channels[0] == "whatsapp" or rng.random() < 0.4
        self.contact_id = self.workspace.add_contact(
            channels=[] if silent else channels,
            conversation=not silent,
            # Contacts 3 and 4 share one phone.
            phoneNumber=f"+8490{min(self.number, 10**6) - (self.number == 4):07}"
            if has_phone or self.number in (3, 4)
            else None,
            email=f"user{self.number:04}+chat@example.com" if rng.random() < 0.5 else None,
            emailVerified=rng.random() < 0.3,
            emailOptIn=rng.random() < 0.8,
            firstName=first_name,
            lastName=last_name,
            gender=rng.choice(("male", "female", "unknown", None)),
            avatar=f"public/avatars/{self.number}.png" if rng.random() < 0.4 else None,
            ref=rng.choice(("ad-42", "qr code", None, None, None)),
            country=country,
            state=rng.choice(("SP", "California", None, None)),
            city=rng.choice(("Hà Nội", "São Paulo", None, None)),
            location=rng.choice(phrases.LOCATIONS) if rng.random() < 0.2 else None,
            locale=locale,
            timezone=rng.choice(("Asia/Ho_Chi_Minh", "America/Sao_Paulo", None)),
            subscribedAt=_iso(self.born) if rng.random() < 0.3 else None,
            broadcastSubscribedAt=_iso(self.born) if rng.random() < 0.2 else None,
        )

    def _plan_profile(self) -> None:
        rng, change = self.rng, partial(self._do, self.workspace.update_contact)
        if rng.random() < 0.4:
            for name in rng.sample(phrases.TAGS, rng.randint(1, 3)):
                self._at(self._later(), self._do, self.workspace.add_tag, name=name)
        if rng.random() < 0.3:
            name = rng.choice(tuple(phrases.CUSTOM_FIELDS))
            value = rng.choice(phrases.CUSTOM_FIELDS[name])
            set_field = self.workspace.set_custom_field
            self._at(self._later(), self._do, set_field, name=name, value=value)
        if rng.random() < 0.15:
            note, agent = rng.choice(phrases.NOTES), self.agent["id"]
            add_note = self.workspace.add_note
            self._at(self._later(), self._do, add_note, text=note, created_by=agent)
        if rng.random() < 0.2:
            at = self._later()
            self._at(at, change, lastReadAt=_iso(at), city="Đà Nẵng")
        if self.number % 40 == 7:
            at = self._later()
            self._at(at, change, blockedAt=_iso(at))

    def _plan_conversation(self, said: list[tuple[int, dict[str, Any]]]) -> None:
        change = partial(self._do, self.workspace.update_conversation)
        if self.number % 40 == 13:
            at = self._later()
            self._at(at, change, archivedAt=_iso(at))
        if self.rng.random() < 0.3:
            value = self.rng.choice(phrases.JSON_VALUES)
            self._at(self._later(), change, additionalAttributes=value, followed=True)
        answered = [at for at, fields in said if fields["sender_type"] == "user"]
        if answered and self.rng.random() < 0.6:
            at, agent = answered[-1], self.agent
            fields = {"assignedUserId": agent["id"], "assignedUser": agent, "botEnabled": False}
            self._at(at, change, adminRepliedAt=_iso(at), agentLastReadAt=_iso(at), **fields)
        elif answered:
            team = _team(self.workspace.id, self.end)
            self._at(answered[0], change, assignedInboxTeamId=team["id"], assignedInboxTeam=team)

    def _do(self, act: Callable[..., object], **fields: Any) -> None:
        act(self.contact_id, **fields)

    def _later(self) -> int:
        return self.rng.randrange(self.born, self.end)

    # What is said.

    def _talk(self, *, first: bool) -> list[tuple[int, dict[str, Any]]]:
        """Talks once: turns of the contact, each answered by the bot, by a person or by nobody."""
        rng = self.rng
        at = self.born + rng.randrange(SECOND, MINUTE) if first else self._talk_start()
        said: list[tuple[int, dict[str, Any]]] = []
        while True:
            for _ in range(rng.choices((1, 2, 3, 4), (50, 30, 15, 5))[0]):
                said.append((at, self._says("contact", phrases.QUESTIONS)))
                if rng.random() > 0.04:  # else two messages of one millisecond
                    at += rng.randrange(2 * SECOND, 45 * SECOND)
            if rng.random() < 0.15:
                break
            if rng.random() < 0.6:
                at += rng.randrange(900, 6 * SECOND)
                said.append((at, self._says("bot", phrases.BOT_REPLIES)))
            if rng.random() < 0.65:
                at += self._answer_time(at)
                said.append((at, self._says("user", phrases.REPLIES)))
                if rng.random() < 0.25:
                    at += rng.randrange(15 * SECOND, 90 * SECOND)
                    said.append((at, self._says("user", phrases.REPLIES)))
            if rng.random() < 0.4:
                break
            at += rng.randrange(MINUTE, 30 * MINUTE)
        if rng.random() < 0.2:
            said.append((at + 20 * SECOND, self._says("system", phrases.ACTIVITIES)))
        if rng.random() < 0.08:
            said.append((at + 30 * SECOND, self._says("user", phrases.COMMENTS) | _COMMENT))
        return [message for message in said if message[0] < self.end]

    def _talk_start(self) -> int:
        while True:
            hour = self.rng.choices(range(24), _HOURS)[0]
            at = self._later() // DAY * DAY + hour * HOUR + self.rng.randrange(HOUR)
            # 1970 began on a Thursday.
            weight = _WEEKDAYS[(at // DAY + 3) % 7]
            if self.born < at < self.end and self.rng.random() * max(_WEEKDAYS) < weight:
                return at
            if self.end - self.born < 2 * DAY:
                return self._later()

    def _answer_time(self, at: int) -> int:
        """Draws how long a person takes: minutes by day, hours by night and at weekends."""
        took = min(int(self.rng.lognormvariate(12.6, 1.1)), 20 * HOUR)  # half within 5 minutes
        weekend = (at // DAY + 3) % 7 >= 5
        night = not 8 <= at % DAY // HOUR < 18
        return took + (self.rng.randrange(HOUR, 9 * HOUR) if night else 0) + took * 2 * weekend

    def _says(self, sender: str, texts: tuple[str, ...]) -> dict[str, Any]:
        rng = self.rng
        chance = rng.random()
        text = rng.choice(phrases.ODD_TEXTS if chance < 0.02 else texts)
        if "{" in text and chance >= 0.02:
            text = text.format(number=rng.randrange(1000, 9999), agent=self.agent["name"])
        fields: dict[str, Any] = {"text": text, "sender_type": sender}
        if sender == "system":
            return fields | {"message_type": "activity", "sourceId": None}
        if sender != "contact":
            fields |= {"message_type": "outgoing", "sourceId": None}
        if sender == "user":
            fields["senderId"] = self.agent["id"]
        if chance > 0.64:
            fields["attachments"] = [self._attachment() for _ in range(rng.choice((1, 1, 2, 3)))]
            if chance > 0.90:
                fields["text"] = None
        elif chance > 0.57:
            where = {"name": "Office", "latitude": 10.77, "longitude": 106.7}
            fields |= {"contentType": "location", "text": None, "contentAttributes": where}
        elif chance > 0.55:
            fields |= {"contentType": "refLink", "contentAttributes": {"ref": "ad-42"}}
        elif chance > 0.45:
            fields["contentAttributes"] = rng.choice(phrases.JSON_VALUES)
        elif chance > 0.42:
            fields["attributes"] = rng.choice(phrases.JSON_VALUES)
        return fields

    def _attachment(self) -> dict[str, Any]:
        rng = self.rng
        file_type = rng.choice(_FILE_TYPES)
        fields: dict[str, Any] = {"fileType": file_type, "size": rng.randrange(5_000_000)}
        if file_type in ("image", "video", "gif"):
            fields |= {"width": rng.choice((640, 1080, None)), "height": 480}
        if file_type == "video":
            fields["thumbnailPath"] = f"public/thumbnails/{rng.randrange(10**9)}.png"
        pending = rng.random()
        if pending < 0.05:
            fields["originPath"] = f"wa-media:{rng.randrange(10**15)}"
        elif pending < 0.08:
            fields["originPath"] = f"https://media.example.com/{rng.randrange(10**9)}.jpg"
        fields["name"] = rng.choice(("фото 1.png", "hóa đơn.pdf", "voice", None))
        return fields

    # What happens to what was said.

    def _plan_messages(self, said: list[tuple[int, dict[str, Any]]]) -> None:
        rng = self.rng
        imported = len(said) // 4 if self.number % 50 == 21 else 0
        for place, (at, fields) in enumerate(said):
            if place < imported:
                old = _iso(at - 2 * SPAN)
                fields = {**fields, "created_at": old}
                self._at(self.born + place, self._import, fields)
                continue
            if self.number == 2:
                # Its last message comes through the first inbox, as a first page ends there.
                fields["inbox"] = int(place < len(said) // 2 and rng.random() < 0.6)
            if self.number == 1 and place == len(said) // 2:
                self._at(at, self._start_second_conversation)
            second = self.number == 1 and place >= len(said) // 2 and rng.random() < 0.4
            self._at(at, self._say, fields, place, second)
            chance = rng.random()
            if chance < 0.02:
                self._at(at + rng.randrange(5 * SECOND, HOUR), self._edit, place)
            elif chance < 0.03:
                self._at(at + rng.randrange(5 * SECOND, DAY), self._soft_delete, place)
            elif chance < 0.035 and fields.get("attachments"):
                self._at(at + rng.randrange(5 * SECOND, DAY), self._remove_attachment, place)

    def _start_second_conversation(self) -> None:
        self.second_conversation = self.workspace.start_conversation(self.contact_id)

    def _import(self, fields: dict[str, Any]) -> None:
        self.workspace.import_message(self.contact_id, **fields)

    def _say(self, fields: dict[str, Any], place: int, second: bool) -> None:
        if fields.get("type") == "comment" and self.sent:
            fields["parentId"] = self.sent[max(self.sent)]
        conversation_id = self.second_conversation if second else None
        self.sent[place] = self.workspace.add_message(
            self.contact_id, conversation_id=conversation_id, **fields
        )

    def _edit(self, place: int) -> None:
        self.workspace.edit_message(self.sent[place], text="(edited) never mind", attributes=None)

    def _soft_delete(self, place: int) -> None:
        self.workspace.soft_delete_message(self.sent[place])

    def _remove_attachment(self, place: int) -> None:
        self.workspace.remove_attachment(self.sent[place])
