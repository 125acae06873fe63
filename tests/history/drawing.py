"""Draws histories, as hypothesis strategies: what fails is shortened by hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from hypothesis import strategies as st

from history.steps import (
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
    {},
    {},
    {},
    {"load_messages": 3},
    {"load_messages": 8},
    {"max_requests": 1},
    {"max_requests": 3},
    {"max_requests": 8},
    {"max_messages": 2},
    {"full_refresh": True},
)
TABLES: tuple[tuple[Table, ...], ...] = (
    (),
    (),
    ("contacts",),
    ("contacts__tags",),
    ("messages",),
    ("messages__attachments",),
    ("messages", "messages__attachments"),
    ("contacts", "contacts__tags", "messages__attachments"),
)

contact = st.sampled_from((0, 0, 0, 1, 2, 3))
"""Most of what happens happens to one contact, or else it would seldom come to anything."""

message = st.integers(0, 6)
waits = st.builds(Wait, st.sampled_from(WAITS))
newcomers = st.builds(NewContact, st.sampled_from((None, 0, 1, 1, 3, 7)))


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """A fault, of the next few requests or of all of some kind."""
    kind, params = draw(st.sampled_from(FAULTS))
    times = draw(st.sampled_from((1, 1, 2, 5, 8, None)))
    on = draw(st.sampled_from((None, "messages", "contacts")))
    if kind in ON_MESSAGES or times is None:
        on = "messages"
    return Fault(kind, times, draw(st.none() | contact), on, tuple(params.items()))


deliveries = st.builds(
    Deliver,
    contact,
    age=st.sampled_from((0.0, 0.0, 0.0, 0.0, *AGES)),
    count=st.sampled_from((1, 1, 2, 6)),
    apart=st.sampled_from((0.0, 0.0, 1.0, HOUR, DAY)),
    incoming=st.booleans(),
    attachments=st.integers(0, 2),
)
events: st.SearchStrategy[Event] = st.one_of(
    waits,
    waits,
    deliveries,
    deliveries,
    newcomers,
    st.builds(Edit, contact, message, st.sampled_from(("text", "attachment", "soft delete"))),
    st.builds(
        Import,
        contact,
        st.sampled_from(AGES),
        st.sampled_from((1, 3)),
        st.sampled_from((0.0, DAY)),
    ),
    st.builds(ChangeContact, contact, st.sampled_from(("name", "tag", "no tag", "note", "field"))),
    st.builds(HardDelete, contact, message),
    st.builds(DeleteContact, contact),
    st.builds(StartConversation, contact) | st.builds(Flip, contact),
    st.builds(Poison, contact, message),
    faults(),
    st.just(Heal()),
)
during = st.lists(st.tuples(st.integers(1, 9), events | faults()), max_size=4).map(tuple)
clocks = st.builds(
    Clocks,
    st.sampled_from((0.0, None, 299.0, -HOUR, 5 * HOUR)),
    st.sampled_from((0.0, 0.0, -HOUR, 299.0)),
)


@st.composite
def options(draw: st.DrawFn) -> Mapping[str, Any]:
    """Options of the source."""
    drawn: dict[str, Any] = {
        "page_size": draw(st.sampled_from((1, 2, 3, 500))),
        "max_wait": draw(st.sampled_from((100.0, 0.01))),
    }
    if draw(st.integers(0, 5)) == 0:
        drawn["reconcile"] = True
    return drawn


@st.composite
def syncs(draw: st.DrawFn) -> Sync:
    """A call of `sync`, which may die."""
    given = {**draw(options()), **draw(st.sampled_from(BUDGETS))}
    kill: Kill | None = draw(st.sampled_from((None, None, None, None, *get_args(Kill))))
    happening = draw(during)
    if kill is None:
        return Sync(tuple(given.items()), happening)
    return Sync(
        tuple(given.items()),
        happening,
        kill,
        draw(st.sampled_from((1, 1, 2))),
        draw(st.sampled_from(("messages", "messages", "contacts", "messages__attachments"))),
        draw(st.integers(1, 3)),
    )


runs = st.builds(
    Run,
    st.sampled_from(TABLES),
    st.sampled_from((None, None, "drop_resources", "drop_data")),
    options().map(lambda given: tuple(given.items())),
    during,
)
loads = st.one_of(syncs(), syncs(), runs)


@st.composite
def histories(draw: st.DrawFn, rounds: int = 4) -> History:
    """A few contacts, often known and quiet for days, then rounds of events and a load.

    Args:
        draw: draws.
        rounds: at most so many.
    """
    steps: list[Step] = [*draw(st.lists(newcomers, min_size=1, max_size=4))]
    if draw(st.sampled_from((True, True, False))):
        steps += (Wait(3 * DAY), Sync(), Wait(3 * DAY))  # or all that happens would be news
    for _ in range(draw(st.integers(1, rounds))):
        steps += draw(st.lists(events, min_size=1, max_size=5))
        if draw(st.integers(0, 5)) == 0:
            steps.append(FreshWorker())
        if draw(st.integers(0, 5)) == 0:
            steps.append(draw(clocks))
        steps.append(draw(loads))
    return History(
        tuple(steps),
        lookback=draw(st.sampled_from((86_400, 3_600, 0))),
        reconcile_share=draw(st.sampled_from((0.0, 0.0, 0.5))),
        listing_page=draw(st.sampled_from((3, 1, 50))),
        batch_rows=draw(st.sampled_from((10_000, 3, 1))),
        outage=draw(st.sampled_from((20, 3))),
    )
