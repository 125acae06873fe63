"""What a sync costs in requests, which is what the API limits: the numbers that users rely on."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from chatbotx_source.sandbox import Fault
from tests.support.guards import Serve, World, asked, sizes
from tests.support.loading import Job


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job(serve: Serve, world: World) -> Job:
    return serve(world)


def remembered(job: Job) -> int:
    """Bytes of what is remembered between loads, written as tightly as dlt writes it."""
    return len(json.dumps(job.pipeline.state["sources"], separators=(",", ":")).encode())


def test_2000_quiet_contacts_cost_41_requests_and_one_more_for_each_that_has_news(
    job: Job, world: World
) -> None:
    contacts = [world.writer() for _ in range(2_000)]
    world.time.tick(days=60)
    assert job.cost() == (42, 2_000)
    assert remembered(job) < 1_000
    world.time.tick(days=1)
    assert job.cost() == (41, 0)
    world.time.tick(days=1)
    world.writes(contacts[700], 3)
    assert job.cost() == (41, 1)
    assert remembered(job) < 1_000
    assert job.query("SELECT count(*) FROM messages") == [(2_003,)]


def test_what_is_remembered_does_not_grow_with_the_contacts(serve: Serve) -> None:
    lengths = []
    for count in (20, 120):
        world = World()
        for _ in range(count):
            world.writer()
        job = serve(world, name=f"of_{count}")
        assert job.sync().complete
        lengths.append(remembered(job))
    # Counts have more digits.
    assert abs(lengths[1] - lengths[0]) < 20


def test_changes_of_contacts_alone_cost_no_request_for_messages(job: Job, world: World) -> None:
    contacts = [world.writer() for _ in range(30)]
    world.time.tick(days=60)
    job.sync()
    world.time.tick(days=1)
    for contact in contacts:
        world.update_contact(contact, city="Porto")
        world.add_tag(contact, "imported")
    assert job.cost() == (2, 0)
    assert job.differences() == []


@pytest.mark.long
def test_a_backfill_in_small_budgets_costs_one_request_a_load_more_at_most(serve: Serve) -> None:
    world = World()
    for _ in range(13):
        world.writer(36)
    whole = serve(world, name="whole")
    whole.sync(page_size=5, reconcile_share=0)
    assert len(whole.requests()) == 3 + 13 * 8
    frugal = serve(world, name="frugal")
    loads, complete = 0, False
    while not complete:
        summary = frugal.sync(page_size=5, reconcile_share=0, max_requests=30)
        assert summary.requests <= 30
        loads, complete = loads + summary.loads, summary.complete
    assert len(whole.requests()) <= len(frugal.requests()) <= len(whole.requests()) + loads
    assert loads == 4
    assert frugal.differences() == []


@pytest.mark.long
def test_one_request_a_load_gets_through_every_guard(job: Job, world: World) -> None:
    contact = world.add_contact()
    messages = world.writes(contact, 3)
    world.poison_message(messages[0])
    job.sandbox.faults.add(Fault("empty", contact_id=contact))
    loads = 1
    while (summary := job.sync(page_size=2, max_requests=1)).ended_by:
        loads += 1
        assert loads < 20
    assert [row["reason"] for row in summary.unfinished] == ["a message cannot be served"]
    # Empty; asked again, with one row; two rows, of which the server cannot serve the second.
    assert sizes(job, contact) == [2, 1, 2, 1, 1]
    assert len(job.requests()) == 3 + 5


def test_a_poisoned_message_costs_13_requests_and_three_in_later_passes(
    job: Job, world: World
) -> None:
    contact = world.add_contact(created_at=world.time() - timedelta(days=30))
    messages = world.writes(contact, 600, every=timedelta(hours=1))
    world.poison_message(messages[300])
    costs = []
    for _ in range(3):
        before = len(asked(job, contact))
        assert not job.sync(reconcile_share=0).complete
        costs.append(len(asked(job, contact)) - before)
        world.time.tick(days=1)
    # From 500 down to 1 are 9 requests, and 4 pages bring the rows above it.
    # Later: the newest page, which it spoils; half a page, which has the floor; and it alone.
    assert costs == [13, 3, 3]
