"""Draws histories from a source of randomness: a seed's, or hypothesis's."""

from __future__ import annotations

from random import Random

from tests.twin.events import (
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
from tests.twin.server import FaultKind

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
AGES = (0.0, 0.001, 1.0, 30.0, MINUTE, 5 * MINUTE, HOUR, 3 * HOUR, DAY, DAY + 1, 3 * DAY, 40 * DAY)
WAITS = (0.001, 1.0, MINUTE, 5 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 2 * DAY, 10 * DAY)
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
    """A history: a few contacts, then loads among events."""
    calm = random.random() < 0.4
    steps: list[Step] = [_newcomer(random) for _ in range(random.randrange(1, 6))]
    for _ in range(random.randrange(3, 10)):
        for _ in range(random.choice((0, 1, 1, 2, 4))):
            steps.append(_event(random, calm=calm))
        steps.append(_load(random, calm=calm))
    return History(
        tuple(steps),
        lookback=random.choice((0, 3_600, 86_400, 86_400)),
        reconcile_share=random.choice((0.0, 0.0, 0.0, 1 / 2, 1 / 3, 1.0)),
        listing_page=random.randrange(1, 4),
        outage=random.choice((3, 20, 20)),
    )


def _newcomer(random: Random) -> Event:
    return NewContact(random.choice((0, 1, 1, 3, 8)), incoming=random.random() < 0.7)


def _event(random: Random, *, calm: bool) -> Event:
    contact = random.randrange(6)
    message = random.choice((0, 1, 2, 3, 5, 8))
    what = random.randrange(20 if calm else 26)
    if what < 5:
        return Wait(random.choice(WAITS))
    if what < 11:
        return Deliver(
            contact,
            age=random.choice((0.0, random.choice(AGES))),
            count=random.choice((1, 1, 2, 5, 12)),
            incoming=random.random() < 0.6,
            apart=random.choice((0.0, 0.0, 1.0, HOUR, DAY)),
        )
    if what < 13:
        return Edit(contact, message)
    if what == 13:
        return _newcomer(random)
    if what == 14:
        return DeleteContact(contact)
    if what == 15:
        return HardDelete(contact, message)
    if what == 16:
        return Import(contact, random.choice(AGES), random.choice((1, 4)), random.choice((0.0, DAY)))
    if what == 17:
        return NewConversation(contact)
    if what == 18:
        return UpdateContact(contact)
    if what == 19:
        return Wait(random.choice(WAITS))
    if what < 22:
        return Flip(contact)
    if what == 22:
        return Poison(contact, message)
    if what == 23:
        return Cure()
    if what == 24:
        return ForgetCursors()
    return Outage(random.choice(("fails", "empty", None, None)))


def _load(random: Random, *, calm: bool) -> Load:
    during: list[tuple[int, Event]] = []
    for _ in range(random.choice((0, 0, 1, 2, 4))):
        during.append((random.randrange(1, 12), _event(random, calm=calm)))
    for _ in range(0 if calm else random.choice((0, 0, 1, 2, 5))):
        during.append((random.randrange(1, 12), Fault(random.choice(FAULTS))))
    budgeted = random.random() < 0.5
    return Load(
        page_size=random.choice((1, 1, 2, 3, 5, 500)),
        max_requests=random.choice((1, 2, 3, 5, 10)) if budgeted else None,
        max_messages=random.choice((None, None, None, 1, 4)),
        reconcile=random.random() < 0.08,
        start_date=random.choice((0.0, -DAY, 3 * DAY)) if random.random() < 0.04 else None,
        skew=random.choice(SKEWS),
        during=tuple(sorted(during, key=lambda each: each[0])),
    )
