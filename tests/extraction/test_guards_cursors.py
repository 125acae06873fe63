"""A cursor is followed only as long as it leads to older messages of the same conversation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatbotx_source.sandbox import Fault
from tests.support.guards import Serve, World, asked, loaded, reasons, sizes
from tests.support.loading import Job
from tests.support.sandbox import Caller

A_DAY = timedelta(days=1)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job(serve: Serve, world: World) -> Job:
    return serve(world)


def test_pages_are_doubled_to_4000_at_most(job: Job, world: World) -> None:
    contact = world.writer(2_501)
    job.sandbox.faults.add(Fault("stale_cursor", contact_id=contact, after=1))
    assert job.sync(page_size=2_500).complete
    assert sizes(job, contact) == [2_500, 2_500, 4_000]
    assert loaded(job, contact) == 2_501


def test_a_stale_cursor_keeps_the_floor(job: Job, world: World) -> None:
    contact = world.writer(40, every=A_DAY)
    job.sync()
    world.time.tick(days=60)
    world.writes(contact, 6)
    job.sandbox.requests.clear()
    job.sandbox.faults.add(Fault("stale_cursor", contact_id=contact, after=1))
    assert job.sync(page_size=4, reconcile_share=0).complete
    # Once more from the top: 6 new ones, 2 within the lookback, and older ones end the walk.
    assert sizes(job, contact) == [4, 4, 8, 8]
    assert job.differences() == []


@pytest.mark.long
def test_walks_that_have_to_begin_again_and_again_are_ended_and_reported(
    job: Job, world: World
) -> None:
    stale, flipping, other = world.writer(90), world.writer(90), world.writer()
    second = world.start_conversation(flipping)
    world.writes(flipping, 90, conversation_id=second)
    for kind, contact in (("stale_cursor", stale), ("flip", flipping)):
        job.sandbox.faults.add(
            Fault(kind, contact_id=contact, when=lambda each: bool(each.cursor), times=None)
        )
    assert not job.sync(page_size=1).complete
    for contact in (stale, flipping):
        assert sizes(job, contact) == [1, 1, 2, 2, 4, 4, 8, 8, 16, 16]
    assert reasons(job) == {
        stale: "the cursor leads to the newest messages again",
        flipping: "another conversation is served",
    }
    assert (loaded(job, stale), loaded(job, other)) == (16, 1)


@pytest.mark.parametrize("page", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_cursor_that_leads_to_its_own_page_again_ends_the_walk(
    job: Job, world: World, page: int
) -> None:
    contact = world.writer(12)
    repeated = job.sandbox.faults.add(Fault("repeat_cursor", contact_id=contact, after=page - 1))
    first = job.sync(page_size=3)
    assert repeated.hits == 1
    assert first.complete == (page == 1)
    assert len(asked(job, contact)) <= 5
    assert job.sync(page_size=3).complete
    assert job.differences() == []


def test_a_remembered_cursor_that_no_longer_decodes_is_given_up_for_the_top(
    job: Job, world: World
) -> None:
    contact = world.writer(9, every=5 * A_DAY)
    remembered = Caller(job.sandbox).messages(contact, perPage=6).json["nextCursor"]
    job.sync(page_size=6, max_requests=4)
    job.sandbox.faults.add(
        Fault("status", status=500, when=lambda each: each.cursor == remembered, times=None)
    )
    verdicts = []
    for _ in range(3):
        verdicts.append(job.sync(page_size=4, reconcile_share=0).complete)
        world.time.tick(days=1)
    assert verdicts == [False, False, True]
    assert job.differences() == []


def test_a_conversation_that_changes_within_a_walk_is_read_from_its_top(
    job: Job, world: World
) -> None:
    contact = world.writer(7)
    second = world.start_conversation(contact)
    world.writes(contact, 7, conversation_id=second)
    job.sandbox.faults.add(Fault("flip", contact_id=contact, after=1))
    summary = job.sync(page_size=3)
    assert (summary.complete, summary.loads) == (True, 2)
    assert sizes(job, contact) == [3, 3, 6, 6]
    served = f"SELECT count(*) FROM messages WHERE conversation_id = '{second}'"
    assert job.query(served) == [(7,)]


def test_messages_out_of_order_are_kept_and_end_the_walk_with_a_report(
    job: Job, world: World
) -> None:
    contact, other = world.writer(9), world.writer()
    job.sandbox.faults.add(Fault("unordered", contact_id=contact))
    summary = job.sync(page_size=3)
    assert not summary.complete
    assert reasons(job) == {contact: "the messages are not in order"}
    assert (loaded(job, contact), loaded(job, other)) == (3, 1)
    assert job.sync(page_size=3).complete
    assert job.differences() == []


def test_any_order_within_one_millisecond_is_taken(job: Job, world: World) -> None:
    contact = world.writer(6, every=timedelta(0))
    job.sandbox.faults.add(Fault("unordered", contact_id=contact))
    assert job.sync().complete
    assert len(asked(job, contact)) == 1
    assert job.differences() == []
