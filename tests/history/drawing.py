"""Draws histories, as hypothesis strategies: what fails is shortened by hypothesis."""

from __future__ import annotations

from typing import Any

from history.steps import (
    ChangeContact,
    Clocks,
    DeleteContact,
    Deliver,
    Edit,
    Fault,
    Flip,
    FreshWorker,
    HardDelete,
    Heal,
    History,
    Import,
    NewContact,
    Poison,
    Run,
    StartConversation,
    Step,
    Sync,
    Wait,
)
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

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

contact = st.integers(0, 4)
message = st.integers(0, 6)
age = st.sampled_from(AGES)


def _fault(kind: tuple[str, dict[str, Any]], times: int | None, of: int | None, on: Any) -> Fault:
    name, params = kind
    where = "messages" if name in ON_MESSAGES or times is None else on
    return Fault(name, times, of, where, tuple(params.items()))


waits = st.builds(Wait, st.sampled_from(WAITS))
newcomers = st.builds(NewContact, st.sampled_from((None, 0, 1, 1, 3, 7)))
deliveries = st.builds(
    Deliver,
    contact,
    age=st.sampled_from((0.0, *AGES)),
    count=st.sampled_from((1, 1, 2, 6)),
    apart=st.sampled_from((0.0, 0.0, 1.0, HOUR, DAY)),
    incoming=st.booleans(),
    attachments=st.integers(0, 2),
)
edits = st.builds(Edit, contact, message, st.sampled_from(("text", "attachment", "soft delete")))
faults = st.builds(
    _fault,
    st.sampled_from(FAULTS),
    st.sampled_from((1, 1, 2, 5, 8, None)),
    st.none() | contact,
    st.sampled_from((None, "messages", "contacts")),
)
events = st.one_of(
    waits,
    waits,
    deliveries,
    deliveries,
    edits,
    newcomers,
    st.builds(Import, contact, age, st.sampled_from((1, 3)), st.sampled_from((0.0, DAY))),
    st.builds(ChangeContact, contact, st.sampled_from(("name", "tag", "no tag", "note", "field"))),
    st.builds(HardDelete, contact, message),
    st.builds(DeleteContact, contact),
    st.builds(StartConversation, contact) | st.builds(Flip, contact),
    st.builds(Poison, contact, message),
    faults,
    faults,
    st.just(Heal()),
)
during = st.lists(st.tuples(st.integers(1, 9), events), max_size=3).map(tuple)
page_size = st.sampled_from((1, 2, 3, 500))

options = st.fixed_dictionaries(
    {"page_size": page_size},
    optional={"max_wait": st.sampled_from((0.01, 100.0)), "reconcile": st.just(True)},
)
budgets = st.sampled_from(
    (
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
)
tables = st.sampled_from(
    (
        (),
        (),
        ("contacts",),
        ("messages",),
        ("messages", "messages__attachments"),
        ("contacts", "contacts__tags", "messages__attachments"),
    )
)


@st.composite
def syncs(draw: st.DrawFn) -> Sync:
    """A call of `sync`; the first ones in a history are the likeliest to die."""
    merged = {**draw(options), **draw(budgets)}
    kill = draw(st.sampled_from((None, None, None, "extract", "extracted", "normalized", "loaded")))
    return Sync(
        tuple(merged.items()),
        draw(during),
        kill,
        draw(st.sampled_from((1, 1, 2))) if kill else 1,
        draw(st.sampled_from(("messages", "messages", "contacts", "messages__attachments"))),
        draw(st.integers(1, 3)),
    )


runs = st.builds(
    Run,
    tables,
    st.sampled_from((None, None, None, "drop_resources", "drop_data")),
    options.map(lambda each: tuple(each.items())),
    during,
)
clocks = st.builds(
    Clocks,
    st.sampled_from((0.0, 0.0, None, 299.0, -HOUR, 5 * HOUR)),
    st.sampled_from((0.0, 0.0, -HOUR, 299.0)),
)
loads = st.one_of(syncs(), syncs(), syncs(), runs)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A few contacts, then a few rounds of events, each followed by a load."""
    steps: list[Step] = draw(st.lists(newcomers, min_size=1, max_size=4))
    for _ in range(draw(st.integers(1, 4))):
        steps += draw(st.lists(events, max_size=4))
        steps += draw(st.sampled_from(((), (), (), (FreshWorker(),))))
        if draw(st.integers(0, 4)) == 0:
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
