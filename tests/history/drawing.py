"""Draws histories from a source of randomness: one seed, one history."""

from __future__ import annotations

from random import Random
from typing import Any, get_args

from tests.history.steps import (
    Change,
    ChangeContact,
    Clocks,
    DeleteContact,
    Deliver,
    Edit,
    Event,
    Fault,
    Flip,
    FreshWorker,
    HardDelete,
    Heal,
    History,
    Import,
    Kill,
    NewContact,
    Options,
    Poison,
    Run,
    StartConversation,
    Step,
    Sync,
    Table,
    Wait,
)

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
AGES = (0.0, 1.0, 5 * MINUTE, HOUR, HOUR + 1, 3 * HOUR, DAY, DAY + 1, 3 * DAY, 40 * DAY)
WAITS = (1.0, 5 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 2 * DAY, 14 * DAY)

FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("status", {"status": 500}),
    ("status", {"status": 503, "retry_after": 2}),
    ("status", {"status": 429}),
    ("status", {"status": 429, "retry_after": 30}),
    ("status", {"status": 429, "retry_after": 4_000}),
    ("status", {"status": 400}),
    ("status", {"status": 500, "code": "INVALID_CHATBOT_TOKEN"}),
    ("empty", {}),
    ("empty", {}),
    ("cut", {}),
    ("truncate", {}),
    ("not_json", {}),
    ("not_found", {}),
    ("stale_cursor", {}),
    ("repeat_cursor", {}),
    ("flip", {}),
    ("unordered", {}),
    ("drop_rows", {}),
    ("null_cursor", {}),
)
ON_MESSAGES = {"drop_rows", "null_cursor", "unordered"}
"""Rows missing from the listing cannot be told from contacts that are gone."""

BUDGETS: tuple[dict[str, Any], ...] = (
    {"load_messages": 3},
    {"load_messages": 8},
    {"max_requests": 1},
    {"max_requests": 3},
    {"max_requests": 8},
    {"max_messages": 2},
    {"full_refresh": True},
)
TABLES: tuple[tuple[Table, ...], ...] = (
    ("contacts",),
    ("contacts__tags",),
    ("messages",),
    ("messages__attachments",),
    ("messages", "messages__attachments"),
    ("contacts", "contacts__tags", "messages__attachments"),
)


def draw_history(random: Random, rounds: int = 4) -> History:
    """A few contacts, often known and quiet for days, then rounds of events and a load.

    Args:
        random: draws.
        rounds: at most so many.
    """
    return _Drawing(random).history(rounds)


class _Drawing:
    """One history in the making.

    Most of what happens happens to one contact, or else it would seldom come to anything. In a
    calm history the server is well: what comes of a load is then due to the load alone.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.calm = random.random() < 0.5

    def history(self, rounds: int) -> History:
        random = self.random
        steps: list[Step] = [self._newcomer() for _ in range(random.randint(1, 4))]
        if random.random() < 0.6:  # or all that happens would be news
            steps += (Wait(3 * DAY), Sync(), Wait(3 * DAY))
        for _ in range(random.randint(1, rounds)):
            steps += [self._event() for _ in range(random.randint(1, 5))]
            if random.random() < 0.15:
                steps.append(FreshWorker())
            if random.random() < 0.15:
                steps.append(self._clocks())
            steps.append(self._sync() if random.random() < 0.75 else self._run())
        return History(
            tuple(steps),
            lookback=random.choice((86_400, 3_600, 0)),
            reconcile_share=random.choice((0.0, 0.0, 0.5)),
            listing_page=random.choice((1, 3, 50)),
            batch_rows=random.choice((10_000, 3, 1)),
            outage=random.choice((3, 20)),
        )

    def _newcomer(self) -> Event:
        return NewContact(self.random.choice((None, 0, 1, 1, 3, 7)))

    def _contact(self) -> int:
        return self.random.choice((0, 0, 0, 1, 2, 3))

    def _event(self) -> Event:
        random = self.random
        contact, message = self._contact(), random.randrange(7)
        what = random.randrange(20 if self.calm else 26)
        if what < 4:
            return Wait(random.choice(WAITS))
        if what < 9:
            return Deliver(
                contact,
                age=random.choice((0.0, random.choice(AGES))),
                count=random.choice((1, 1, 2, 6)),
                apart=random.choice((0.0, 0.0, 1.0, HOUR, DAY)),
                incoming=random.random() < 0.6,
                attachments=random.randrange(3),
            )
        if what < 12:
            return Edit(contact, message, random.choice(("text", "attachment", "soft delete")))
        if what == 12:
            return self._newcomer()
        if what == 13:
            age = random.choice(AGES)
            return Import(contact, age, random.choice((1, 3)), random.choice((0.0, DAY)))
        if what < 16:
            return ChangeContact(contact, random.choice(get_args(Change)))
        if what == 16:
            return HardDelete(contact, message)
        if what == 17:
            return DeleteContact(contact)
        if what == 18:
            return StartConversation(contact)
        if what == 19:
            return Flip(contact)
        if what == 20:
            return Poison(contact, message)
        if what < 23:
            return Heal()
        return self._fault()

    def _fault(self) -> Fault:
        random = self.random
        kind, params = random.choice(FAULTS)
        times = random.choice((1, 1, 2, 5, 8, None))
        on = random.choice((None, "messages", "contacts"))
        if kind in ON_MESSAGES or times is None:
            on = "messages"
        contact = self._contact() if random.random() < 0.4 else None
        return Fault(kind, times, contact, on, tuple(params.items()))

    def _clocks(self) -> Clocks:
        return Clocks(
            self.random.choice((0.0, None, 299.0, -HOUR, 5 * HOUR)),
            self.random.choice((0.0, 0.0, -HOUR, 299.0)),
        )

    def _during(self) -> tuple[tuple[int, Event], ...]:
        random = self.random
        events = [self._event() for _ in range(random.choice((0, 0, 1, 3)))]
        if not self.calm:
            events += [self._fault() for _ in range(random.choice((0, 1, 2, 3)))]
        return tuple((random.randint(1, 9), event) for event in events)

    def _options(self) -> Options:
        random = self.random
        drawn: dict[str, Any] = {
            "page_size": random.choice((1, 2, 3, 500)),
            "max_wait": random.choice((100.0, 0.01)),
            "workers": random.choice((1, 1, 3)),
        }
        if random.random() < 0.15:
            drawn["reconcile"] = True
        return tuple(drawn.items())

    def _sync(self) -> Sync:
        random = self.random
        options = self._options()
        if random.random() < 0.5:
            options += tuple(random.choice(BUDGETS).items())
        kill: Kill | None = random.choice(get_args(Kill)) if random.random() < 0.3 else None
        if kill is None:
            return Sync(options, self._during())
        table: Table = random.choice(("messages", "messages", "contacts", "messages__attachments"))
        at, batch = random.choice((1, 1, 2)), random.randint(1, 3)
        return Sync(options, self._during(), kill, at, table, batch)

    def _run(self) -> Run:
        random = self.random
        return Run(
            random.choice(((), random.choice(TABLES))),
            random.choice((None, None, "drop_resources", "drop_data")),
            self._options(),
            self._during(),
        )
