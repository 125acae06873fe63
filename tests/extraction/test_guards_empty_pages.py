"""An empty page is the end of a list or a fault of the database: nothing is taken on trust."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatbotx_source import cli
from chatbotx_source.sandbox import Fault
from chatbotx_source.sandbox.state import timestamp
from tests.support.guards import Serve, World, asked, loaded, reasons, sizes
from tests.support.loading import Job

SUSPICION = "empty, although the listing shows activity"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job(serve: Serve, world: World) -> Job:
    return serve(world)


def test_a_swallowed_fault_on_the_first_page_is_asked_again_with_one_row_after_others(
    job: Job, world: World
) -> None:
    first, victim, last = (world.writer(3) for _ in range(3))
    job.sandbox.faults.add(Fault("empty", contact_id=victim))
    assert job.sync(workers=1).complete
    assert [each.contact_id for each in job.requests("messages")] == [
        *(first, victim, last),
        *(victim, victim),
    ]
    assert sizes(job, victim) == [500, 1, 500]
    assert job.differences() == []


def test_three_suspicions_block_one_contact_and_no_other(job: Job, world: World) -> None:
    victim, other = world.writer(), world.writer()
    job.sandbox.faults.add(Fault("empty", contact_id=victim, times=None))
    summary = job.sync()
    assert not summary.complete
    assert summary.pages_left == 0
    assert reasons(job) == {victim: SUSPICION}
    assert (sizes(job, victim), loaded(job, other)) == ([500, 1, 500], 1)


def test_an_empty_contact_is_believed_after_three_passes_until_it_answers(
    job: Job, world: World
) -> None:
    victim, _ = world.writer(), world.writer()
    job.sandbox.faults.add(Fault("empty", contact_id=victim, times=None))
    verdicts, costs = [], []
    for _ in range(4):
        before = len(asked(job, victim))
        summary = job.sync(reconcile_share=0)
        verdicts.append((summary.complete, len(summary.unfinished), summary.believed_empty))
        costs.append(len(asked(job, victim)) - before)
    assert verdicts == [(False, 1, 0), (False, 1, 0), (True, 0, 1), (True, 0, 1)]
    assert costs == [3, 3, 3, 1]
    assert cli.statuses.status_of(summary) == 0
    assert "assumed empty despite apparent activity" in str(summary)
    assert job.query("SELECT contact_id, believed_empty FROM _chatbotx_unfinished") == [
        (victim, True)
    ]
    job.sandbox.faults.clear()
    summary = job.sync(reconcile_share=0)
    assert (summary.complete, summary.believed_empty) == (True, 0)
    assert job.differences() == []


def test_an_honest_empty_answer_is_asked_for_once(job: Job, world: World) -> None:
    silent = world.add_contact()
    greeted = world.add_contact()
    world.time.tick(seconds=30)
    world.update_conversation(greeted, lastActivityAt=timestamp(world.time()))
    world.writer()
    assert job.sync().complete
    assert [len(asked(job, contact)) for contact in (silent, greeted)] == [1, 1]
    assert job.differences() == []


def test_a_contact_without_a_conversation_costs_no_request(job: Job, world: World) -> None:
    nobody = world.add_contact(conversation=False)
    world.writer()
    assert job.sync().complete
    assert asked(job, nobody) == []
    assert job.differences() == []


def test_an_empty_page_below_a_cursor_is_read_from_the_top_in_the_next_load(
    job: Job, world: World
) -> None:
    contact = world.writer(30, every=timedelta(days=2))
    job.sync()
    world.time.tick(days=60)
    world.writes(contact, 6)
    job.sandbox.requests.clear()
    job.sandbox.faults.add(Fault("empty", contact_id=contact, after=1))
    summary = job.sync(page_size=4, reconcile_share=0)
    assert (summary.complete, summary.loads) == (True, 2)
    # Two pages, of which the second is empty; then two pages, of which the second has the floor.
    tops = [each.cursor is None for each in asked(job, contact)]
    assert tops == [True, False, True, False]
    assert job.differences() == []
