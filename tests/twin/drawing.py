"""Draws histories from a source of randomness: a seed's, or hypothesis's."""

from __future__ import annotations

from random import Random

from .events import (
    Cure,
    DeleteContact,
    Deliver,
    Edit,
    Event,
    Fault,
    Flip,
    ForgetCursors,
    HardDelete,
    History,
    Illness,
    Import,
    Load,
    NewContact,
    NewConversation,
    Outage,
    Poison,
    Step,
    UpdateContact,
    Wait,
)
from .records import FaultKind

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
AGES = (0.0, 0.001, 1.0, 30.0, MINUTE, 5 * MINUTE, HOUR, 3 * HOUR, DAY, DAY + 1, 3 * DAY, 40 * DAY)
WAITS = (0.001, 1.0, MINUTE, 5 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 2 * DAY, 10 * DAY)
ILLNESSES: tuple[FaultKind, ...] = (
    "fails",
    "empty",
    "page 1 again",
    "same cursor",
    "flips",
    "not found",
    "bad request",
)
SKEWS = (0.0, 0.0, 0.0, 299.999, 299.999, -HOUR, -DAY, -300.0)
FAULTS: tuple[FaultKind, ...] = (
    "fails",
    "fails",
    "empty",
    "empty",
    "empty",
    "page 1 again",
    "same cursor",
    "not found",
    "bad request",
    "rate limit",
    "unreachable",
    "kill",
)


def draw_history(random: Random) -> History:
    """A history: a few contacts, mostly read once, then loads among events."""
    return _Drawing(random).history()


class _Drawing:
    """One history in the making.

    Most of what happens happens to one contact, or else it would seldom come to anything.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.calm = random.random() < 0.45
        self.lookback = random.choice((0, 3_600, 86_400, 86_400))
        self.ages = (*AGES, *(self.lookback + more for more in (-0.001, 0.0, 0.001, 1.0, MINUTE)))
        self.contact = random.randrange(6)

    def history(self) -> History:
        random = self.random
        steps: list[Step] = [self._newcomer() for _ in range(random.randrange(1, 6))]
        if random.random() < 0.2:
            steps += [NewConversation(self.contact), Deliver(self.contact, count=2), Wait(2 * DAY)]
        if random.random() < 0.6:
            steps.append(Load(skew=random.choice(SKEWS)))
        for _ in range(random.randrange(2, 9)):
            for _ in range(random.choice((0, 1, 1, 2, 4))):
                steps.append(self._event())
            steps.append(self._load())
        return History(
            tuple(steps),
            lookback=self.lookback,
            reconcile_share=random.choice((0.0, 0.0, 0.0, 0.0, 1 / 2, 1 / 3)),
            listing_page=random.randrange(1, 4),
            outage=random.choice((3, 20, 20)),
            budget_at_rest=1 if random.random() < 0.1 else None,
            shard=random.choice(("1/2", "2/2", "2/3")) if random.random() < 0.15 else None,
        )

    def _newcomer(self) -> Event:
        return NewContact(self.random.choice((0, 1, 1, 3, 8)), incoming=self.random.random() < 0.7)

    def _event(self) -> Event:
        random = self.random
        contact = self.contact if random.random() < 0.6 else random.randrange(6)
        message = random.choice((0, 1, 2, 3, 5, 8))
        what = random.randrange(21 if self.calm else 29)
        if what < 6:
            return Wait(random.choice(WAITS))
        if what < 12:
            return Deliver(
                contact,
                age=max(random.choice((0.0, random.choice(self.ages))), 0.0),
                count=random.choice((1, 1, 2, 5, 12)),
                incoming=random.random() < 0.6,
                apart=random.choice((0.0, 0.0, 1.0, HOUR, DAY)),
            )
        if what < 14:
            return Edit(contact, message)
        if what == 14:
            return self._newcomer()
        if what == 15:
            return DeleteContact(contact)
        if what == 16:
            return HardDelete(contact, message)
        if what == 17:
            age = max(random.choice(self.ages), 0.0)
            return Import(contact, age, random.choice((1, 4)), random.choice((0.0, DAY)))
        if what == 18:
            return NewConversation(contact)
        if what == 19:
            return UpdateContact(contact)
        if what < 23:
            return Flip(contact)
        if what == 23:
            return Poison(contact, message)
        if what == 24:
            return Cure()
        if what == 25:
            return ForgetCursors()
        if what < 28:
            return Illness(contact, random.choice(ILLNESSES))
        return Outage(random.choice(("fails", "empty", None, None)))

    def _load(self) -> Load:
        random = self.random
        during: list[tuple[int, Event]] = []
        for _ in range(random.choice((0, 0, 1, 2, 4))):
            during.append((random.randrange(1, 12), self._event()))
        for _ in range(0 if self.calm else random.choice((0, 0, 1, 2, 5))):
            during.append((random.randrange(1, 12), Fault(random.choice(FAULTS))))
        budgeted = random.random() < (0.25 if self.calm else 0.5)
        return Load(
            page_size=random.choice((1, 1, 2, 3, 5, 500)),
            max_requests=random.choice((1, 2, 3, 5, 10)) if budgeted else None,
            max_messages=random.choice((None, None, None, 1, 4)) if budgeted else None,
            reconcile=random.random() < 0.06,
            start_date=random.choice((0.0, -DAY, 3 * DAY)) if random.random() < 0.04 else None,
            skew=random.choice(SKEWS),
            workers=random.choice((1, 1, 2, 4)),
            order=random.randrange(1_000),
            during=tuple(sorted(during, key=lambda each: each[0])),
        )
