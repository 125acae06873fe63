"""Histories written by hand: each is about one thing that keeps a row from being lost.

They are played before random ones. Most of the mutants of `tests.mutants.handling` are such a
thing left out.
"""

from __future__ import annotations

from tests.history.steps import (
    ChangeContact,
    DeleteContact,
    Deliver,
    Edit,
    Fault,
    FreshWorker,
    HardDelete,
    History,
    NewContact,
    Run,
    Sync,
    Wait,
)

DAY = 86_400.0
SMALL = (("page_size", 1),)
"""What is not asked for is then not read by the way."""

EXAMPLES: dict[str, History] = {
    "attachments are dropped alone": History(
        (
            NewContact(7),
            Wait(3 * DAY),
            Sync(),
            Run(("messages__attachments",), "drop_resources"),
            Wait(14 * DAY),
            Deliver(0),
            Sync(SMALL),
        )
    ),
    "messages are loaded without their attachments": History(
        (NewContact(3), Sync(), Deliver(0, attachments=1), Run(("messages",)), Wait(DAY), Sync()),
        lookback=0,
    ),
    "a load dies with some batches handed over": History(
        (
            NewContact(7),
            NewContact(7),
            Wait(3 * DAY),
            Sync((("page_size", 2),), kill="extract", batch=3),
            Wait(3_600.0),
            Sync((("page_size", 2),)),
        ),
        batch_rows=1,
    ),
    "what was read is loaded by the next process": History(
        (
            NewContact(3),
            Sync(),
            Deliver(0, attachments=1),
            Sync(kill="normalized"),
            Wait(14 * DAY),
            Deliver(0),
            Sync(kill="extracted"),
            Sync(),
        )
    ),
    "what was read is lost with the worker": History(
        (
            NewContact(3),
            Sync(),
            Deliver(0),
            Sync(kill="normalized"),
            FreshWorker(),
            Wait(14 * DAY),
            Sync(),
        )
    ),
    "a full refresh takes several loads": History(
        (
            NewContact(7),
            NewContact(7),
            Sync((("full_refresh", True),)),
            Wait(3_600.0),
            Sync((("full_refresh", True), ("load_messages", 4), ("page_size", 2))),
        )
    ),
    "an attachment is removed in the middle of a pass": History(
        (
            NewContact(None),
            Deliver(0, count=4, attachments=1),
            Wait(3_600.0),
            Sync((("page_size", 2), ("max_messages", 2))),
            Edit(0, 0, "attachment"),
            Wait(3_600.0),
            Sync((("reconcile", True),)),
        ),
        batch_rows=1,
    ),
    "lists of a contact shrink": History(
        (
            NewContact(1),
            ChangeContact(0, "tag"),
            ChangeContact(0, "tag"),
            Deliver(0, attachments=2),
            Sync(),
            ChangeContact(0, "no tag"),
            Edit(0, 0, "attachment"),
            Wait(3_600.0),
            Sync(),
            ChangeContact(0, "no tag"),
            Edit(0, 0, "attachment"),
        )
    ),
    "messages vanish between the loads of a reconcile": History(
        (
            NewContact(7),
            NewContact(7),
            Sync(),
            HardDelete(0, 3),
            HardDelete(1, 0),
            Sync((("reconcile", True), ("page_size", 2), ("max_requests", 3)), kill="loaded"),
            Deliver(0),
            Sync((("page_size", 2), ("load_messages", 2))),
        )
    ),
    "contacts vanish between the loads of a pass": History(
        (
            NewContact(3),
            NewContact(3),
            NewContact(3),
            Sync(),
            DeleteContact(1),
            Wait(3_600.0),
            Sync((("max_requests", 2),)),
            DeleteContact(0),
            Sync(),
        ),
        listing_page=1,
    ),
    "a fault leaves a contact unfinished": History(
        (
            NewContact(3),
            NewContact(3),
            Fault("status", None, 0, "messages", (("status", 500),)),
            Fault("empty", 3, 1, "messages"),
            Sync(),
            Wait(3_600.0),
            Sync(),
        )
    ),
}
