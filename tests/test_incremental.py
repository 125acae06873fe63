"""What is new since the last sync is brought by the next one, and costs what it has to."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from loading_support import SPRING, Job
from sandbox_support import Clock

from chatbotx_source.sandbox import Workspace, synthetic

Serve = Callable[..., Job]


class Quiet:
    """Contacts that wrote long ago, and a clock.

    Attributes:
        clock: the server's; it has moved on by two months.
        workspace: the workspace.
        contacts: ids of the contacts.
        silent: id of one more contact, with a tag and without a conversation.
        messages: ids of the messages of the first contact: the oldest is of long ago, two are of
            this morning.
    """

    def __init__(self, contacts: int = 3) -> None:
        self.clock = Clock(SPRING)
        self.workspace = Workspace(self.clock)
        self.contacts = [self.workspace.add_contact() for _ in range(contacts)]
        said = [self.workspace.add_message(contact) for contact in self.contacts]
        self.silent = self.workspace.add_contact(conversation=False)
        self.workspace.add_tag(self.silent, "old")
        self.clock.tick(days=60)
        self.messages = said[:1]

    def wakes(self) -> Quiet:
        """Lets the first contact write two messages, the second with two attachments."""
        self.clock.tick(minutes=40)
        for attachments in (0, 2):
            message = self.workspace.add_message(self.contacts[0], attachments=attachments)
            self.messages.append(message)
        self.clock.tick(hours=6)
        return self


def test_contacts_without_news_cost_nothing_but_the_listing(serve: Serve) -> None:
    quiet = Quiet(contacts=119)
    job = serve(quiet.workspace)
    pages = 3
    assert job.cost() == (pages + 2, 119)
    quiet.clock.tick(days=1)
    assert job.cost() == (pages + 1, 0)
    quiet.clock.tick(days=1)
    quiet.workspace.add_message(quiet.contacts[60])
    quiet.clock.tick(hours=1)
    assert job.cost() == (pages + 1, 1)
    quiet.clock.tick(days=3)
    assert job.cost() == (pages + 1, 1)  # what was fresh is read once more, for late edits
    quiet.clock.tick(days=3)
    assert job.cost() == (pages + 1, 0)
    assert job.differences() == []


class Changes:
    """What can happen between two syncs; every method is one case."""

    def new_message(self, quiet: Quiet) -> None:
        quiet.workspace.add_message(quiet.contacts[0])

    def message_to_a_quiet_contact(self, quiet: Quiet) -> None:
        quiet.workspace.add_message(quiet.contacts[1], attachments=1)

    def late_delivery_that_moves_the_last_activity_back(self, quiet: Quiet) -> None:
        before = quiet.workspace.truth().messages[quiet.messages[1]]["createdAt"]
        at = datetime.fromisoformat(before.replace("Z", "+00:00")) - timedelta(minutes=30)
        quiet.workspace.add_message(quiet.contacts[0], created_at=at)

    def late_delivery_of_long_ago(self, quiet: Quiet) -> None:
        at = SPRING + timedelta(days=20)
        quiet.workspace.add_message(quiet.contacts[1], created_at=at)

    def import_within_the_lookback(self, quiet: Quiet) -> None:
        quiet.workspace.import_message(quiet.contacts[0], quiet.clock() - timedelta(hours=12))

    def edit(self, quiet: Quiet) -> None:
        quiet.workspace.edit_message(quiet.messages[1], text="edited", attributes={"a": [None]})

    def soft_delete(self, quiet: Quiet) -> None:
        quiet.workspace.soft_delete_message(quiet.messages[1])

    def removed_attachment(self, quiet: Quiet) -> None:
        quiet.workspace.remove_attachment(quiet.messages[2])

    def first_conversation(self, quiet: Quiet) -> None:
        quiet.workspace.start_conversation(quiet.silent)
        quiet.workspace.add_message(quiet.silent, created_at=SPRING)

    def new_contact_with_a_past(self, quiet: Quiet) -> None:
        quiet.workspace.import_message(quiet.workspace.add_contact(), SPRING)

    def changed_tags_fields_and_notes(self, quiet: Quiet) -> None:
        quiet.workspace.remove_tag(quiet.silent, "old")
        quiet.workspace.set_custom_field(quiet.silent, "plan", "pro")
        quiet.workspace.add_note(quiet.silent, "Prefers the evening")

    def changed_contact(self, quiet: Quiet) -> None:
        quiet.workspace.update_contact(quiet.contacts[0], city="Porto", location=["x"])


@pytest.mark.parametrize("change", [name for name in vars(Changes) if not name.startswith("_")])
def test_the_next_sync_brings_a(serve: Serve, change: str) -> None:
    quiet = Quiet().wakes()
    job = serve(quiet.workspace)
    assert job.sync(reconcile_share=0).complete
    quiet.clock.tick(hours=2)
    getattr(Changes(), change)(quiet)
    quiet.clock.tick(hours=2)
    assert job.differences() != []
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []


def test_all_attachments_of_a_message_can_go(serve: Serve) -> None:
    quiet = Quiet().wakes()
    job = serve(quiet.workspace)
    job.sync()
    for left in (1, 0):
        quiet.clock.tick(minutes=30)
        quiet.workspace.remove_attachment(quiet.messages[2])
        job.sync(reconcile_share=0)
        assert job.query("SELECT count(*) FROM messages__attachments") == [(left,)]
    assert job.differences() == []


def test_a_walk_ends_where_the_news_do(serve: Serve) -> None:
    quiet = Quiet(contacts=1)
    for _ in range(30):
        quiet.workspace.import_message(quiet.contacts[0], SPRING)
    job = serve(quiet.workspace)
    job.sync()
    quiet.clock.tick(days=5)
    for _ in range(10):
        quiet.clock.tick(minutes=1)
        quiet.workspace.add_message(quiet.contacts[0])
    quiet.clock.tick(minutes=10)
    assert job.cost(page_size=3) == (2, 4)
    assert job.differences() == []


@pytest.mark.parametrize("whole", [{"reconcile": True}, {"reconcile_share": 1}])
def test_what_leaves_no_sign_is_found_by_reading_whole(
    serve: Serve, whole: dict[str, float]
) -> None:
    quiet = Quiet()
    job = serve(quiet.workspace)
    job.sync()
    quiet.clock.tick(days=1)
    quiet.workspace.edit_message(quiet.messages[0], text="edited long after")
    quiet.workspace.import_message(quiet.contacts[1], SPRING - timedelta(days=100))
    assert job.cost() == (2, 0)
    assert len(job.differences()) == 3
    assert job.sync(**whole).complete
    assert job.differences() == []


def test_older_messages_wait_until_the_start_date_is_lowered(serve: Serve) -> None:
    quiet = Quiet(contacts=1)
    contact = quiet.contacts[0]
    for days in range(1, 10):
        quiet.workspace.add_message(contact, created_at=SPRING + timedelta(days=days))
    quiet.clock.tick(days=2)
    job = serve(quiet.workspace)
    job.sync(page_size=1, start_date="2025-03-10T12:00:00Z")
    [(wanted, all_)] = job.query(
        "SELECT count(*) FILTER (created_at >= '2025-03-10 12:00:00Z'), count(*) FROM messages"
    )
    assert wanted == 4
    assert all_ <= 5
    quiet.clock.tick(days=2)
    assert job.cost(start_date="2025-03-12") == (2, 0)
    job.sync(start_date="2025-01-01")
    assert job.differences() == []


def test_life_goes_on_and_the_tables_follow(serve: Serve) -> None:
    rng = random.Random(5)
    clock = Clock(SPRING + timedelta(days=130))
    workspace = synthetic(contacts=20, now=SPRING + timedelta(days=130), clock=clock)
    # Served conversations and windows that change hide messages, which no later sync could know.
    contacts = [
        contact
        for contact, row in workspace.truth().contacts.items()
        if row["conversation"] and len(row["contactInboxes"]) == 1
    ][2:]
    job = serve(workspace)
    job.sync()
    for _ in range(3):
        fresh: list[str] = []
        for _ in range(25):
            clock.tick(minutes=rng.randrange(1, 30))
            contact = rng.choice(contacts)
            fresh.append(workspace.add_message(contact, attachments=rng.randrange(3)))
            message = rng.choice(fresh)
            rng.choice((workspace.edit_message, workspace.soft_delete_message))(message)
            if workspace.truth().messages[message]["attachments"]:
                workspace.remove_attachment(message)
        clock.tick(minutes=10)
        assert job.sync(page_size=rng.choice((2, 9, 500))).complete
        assert job.differences() == []
