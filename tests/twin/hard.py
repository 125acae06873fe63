"""Histories that once broke a promise, or that drawing seldom comes upon."""

from __future__ import annotations

from .events import (
    Deliver,
    Flip,
    HardDelete,
    History,
    Import,
    Load,
    NewContact,
    NewConversation,
    Outage,
    Poison,
    Wait,
)

DAY, HOUR = 86_400.0, 3_600.0

HARD = {
    "a reconcile is asked for in the middle of a pass": History(
        (
            NewContact(messages=8),
            Load(page_size=2, max_messages=4),
            Load(max_requests=1, reconcile=True),
            Load(max_messages=4),
        )
    ),
    "19 contacts in a row never answer": History(
        (*[NewContact() for _ in range(19)], *[HardDelete(each) for each in range(19)]),
        listing_page=50,
    ),
    "an earlier start_date begins in the second of the last pass": History(
        (
            NewContact(),
            Load(during=((1, Wait(HOUR)),)),
            Deliver(0, count=2, apart=DAY),
            Wait(HOUR),
            Load(page_size=1, max_messages=1, start_date=-DAY),
            Load(page_size=1),
        ),
        lookback=0,
    ),
    "a contact believed empty is poisoned": History(
        (
            NewContact(),
            Outage("empty"),
            Load(),
            Load(),
            Load(),
            Outage(None),
            Poison(0),
            Load(),
        )
    ),
    "a contact believed empty answers after a pass called reconciled": History(
        (
            NewContact(incoming=False),
            Wait(2 * DAY),
            Load(),
            Outage("empty"),
            Wait(HOUR),
            Import(0, age=DAY, count=3, apart=DAY),
            Wait(HOUR),
            Load(),
            Load(),
            Load(),
            Outage(None),
            Wait(HOUR),
            Load(page_size=1),
        )
    ),
    "a conversation never read is served in the middle of a walk": History(
        (
            NewContact(messages=8),
            Wait(DAY),
            NewConversation(0),
            Deliver(0, count=2),
            Wait(10 * DAY),
            Load(),
            Deliver(0, count=3, incoming=False),
            Wait(HOUR),
            Load(page_size=1, during=((4, Flip(0)),)),
            Load(page_size=1),
        ),
        lookback=0,
    ),
}
