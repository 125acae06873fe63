"""What is new since the last sync is brought by the next one, and costs what it has to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from chatbotx_source.sandbox import Workspace, synthetic
from tests.support.loading import SPRING, Job
from tests.support.sandbox import Clock

Serve = Callable[..., Job]


class Quiet:
    """Contacts that wrote long ago, and a clock.

    Attributes:
        clock: the server's; it has moved on by two months.
        workspace: the workspace.
        contacts: ids of the contacts.
        silent: id of one more contact, with a tag and without a conversation.
        messages: ids of the messages, one a contact.
    """

    def __init__(self, contacts: int = 3) -> None:
        self.clock = Clock(SPRING)
        self.workspace = Workspace(self.clock)
        self.contacts = [self.workspace.add_contact() for _ in range(contacts)]
        self.messages = [self.workspace.add_message(contact) for contact in self.contacts]
        self.silent = self.workspace.add_contact(conversation=False)
        self.workspace.add_tag(self.silent, "old")
        self.clock.tick(days=60)


@pytest.mark.long
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
    """What can happen to a contact between two syncs; every method is one case.

    Args:
        clock: the server's.
        workspace: the workspace, now quiet for two months.
        contact: the contact.
        messages: its two messages of six hours ago; the second has two attachments.
    """

    def __init__(
        self, clock: Clock, workspace: Workspace, contact: str, messages: list[str]
    ) -> None:
        self.clock, self.workspace = clock, workspace
        self.contact, self.messages = contact, messages

    def new_message(self) -> None:
        self.workspace.add_message(self.contact, attachments=1)

    def late_delivery(self) -> None:
        # It moves the last activity back.
        self.workspace.add_message(self.contact, created_at=self.clock() - timedelta(hours=8.5))

    def import_within_the_lookback(self) -> None:
        self.workspace.import_message(self.contact, self.clock() - timedelta(hours=12))

    def edit(self) -> None:
        self.workspace.edit_message(self.messages[0], text="edited", attributes={"a": [None]})

    def soft_delete(self) -> None:
        self.workspace.soft_delete_message(self.messages[0])

    def removed_attachment(self) -> None:
        self.workspace.remove_attachment(self.messages[1])

    def changed_contact(self) -> None:
        self.workspace.update_contact(self.contact, city="Porto", location=["x"])

    def changed_tags_fields_and_notes(self) -> None:
        self.workspace.remove_tag(self.contact, "old")
        self.workspace.set_custom_field(self.contact, "plan", "pro")
        self.workspace.add_note(self.contact, "Prefers the evening")


CASES = [name for name in vars(Changes) if not name.startswith("_")]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[list[str]]]]:
    """By case, how the tables differ from the truth before and after the next sync."""
    quiet = Quiet(contacts=len(CASES))
    quiet.clock.tick(minutes=40)
    cases = {}
    for name, contact in zip(CASES, quiet.contacts, strict=True):
        quiet.workspace.add_tag(contact, "old")
        messages = [quiet.workspace.add_message(contact, attachments=each) for each in (0, 2)]
        cases[name] = Changes(quiet.clock, quiet.workspace, contact, messages)
    quiet.clock.tick(hours=6)
    with Job(quiet.workspace, tmp_path_factory.mktemp("changed")) as job:
        assert job.sync(reconcile_share=0).complete
        quiet.clock.tick(hours=2)
        for name, case in cases.items():
            getattr(case, name)()
        quiet.clock.tick(hours=2)
        before = {name: job.differences(case.contact) for name, case in cases.items()}
        assert job.sync(reconcile_share=0).complete
        yield {name: [before[name], job.differences(case.contact)] for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_next_sync_brings_a(changed: dict[str, list[list[str]]], case: str) -> None:
    before, after = changed[case]
    assert before != []
    assert after == []


def test_first_messages_are_brought_however_old_they_are(serve: Serve) -> None:
    quiet = Quiet()
    job = serve(quiet.workspace)
    job.sync()
    quiet.clock.tick(days=3)
    quiet.workspace.start_conversation(quiet.silent)
    quiet.workspace.add_message(quiet.silent, created_at=SPRING)
    quiet.workspace.import_message(quiet.workspace.add_contact(), SPRING)
    quiet.workspace.add_message(quiet.contacts[0], created_at=SPRING + timedelta(days=20))
    quiet.clock.tick(hours=1)
    assert job.cost() == (2, 3)
    assert job.differences() == []


def test_all_attachments_of_a_message_can_go(serve: Serve) -> None:
    quiet = Quiet()
    message = quiet.workspace.add_message(quiet.contacts[0], attachments=2)
    job = serve(quiet.workspace)
    job.sync()
    for left in (1, 0):
        quiet.clock.tick(minutes=30)
        quiet.workspace.remove_attachment(message)
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


@pytest.mark.parametrize(
    "whole", [{"reconcile": True}, pytest.param({"reconcile_share": 1}, marks=pytest.mark.long)]
)
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


def test_what_is_gone_stays_and_is_marked_by_reading_whole(serve: Serve) -> None:
    quiet = Quiet()
    job = serve(quiet.workspace)
    job.sync()
    quiet.clock.tick(days=1)
    later = quiet.workspace.add_message(quiet.contacts[0])
    quiet.workspace.hard_delete_message(quiet.messages[0])
    quiet.workspace.delete_contact(quiet.contacts[1])
    quiet.clock.tick(hours=1)
    job.sync(reconcile=True)
    messages = dict(job.query("SELECT id, removed_at IS NOT NULL FROM messages"))
    assert messages[quiet.messages[0]]
    assert not messages[quiet.messages[2]]
    assert not messages[later]
    contacts = dict(job.query("SELECT id, removed_at IS NOT NULL FROM contacts"))
    assert [contacts[contact] for contact in quiet.contacts] == [False, True, False]


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
