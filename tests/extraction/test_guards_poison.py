"""A message that the server cannot serve: all around it is loaded, and its place is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.guards import Serve, World, loaded, reasons, sizes
from tests.support.loading import Job

A_DAY = timedelta(days=1)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job(serve: Serve, world: World) -> Job:
    return serve(world)


def test_everything_newer_than_a_poisoned_message_is_loaded_and_its_place_is_told(
    job: Job, world: World
) -> None:
    contact = world.add_contact()
    messages = world.writes(contact, 20)
    world.poison_message(messages[6])
    other = world.writer(4)
    summary = job.sync(page_size=8)
    assert not summary.complete
    assert summary.pages_left == 0
    assert (loaded(job, contact), loaded(job, other)) == (13, 4)
    # Newest first: 8 rows, then 4 and 1 of the next 8, among which it is.
    assert sizes(job, contact) == [8, 8, 4, 4, 2, 1, 1]
    last = world.truth().messages[messages[7]]
    assert job.query(
        "SELECT contact_id, reason, strftime(position, '%H:%M'), position_id "
        "FROM _chatbotx_unfinished"
    ) == [(contact, "a message cannot be served", last["createdAt"][11:16], last["id"])]


@pytest.mark.long
def test_what_lies_below_a_poisoned_message_is_loaded_once_it_is_cured(
    job: Job, world: World
) -> None:
    contact = world.add_contact()
    messages = world.writes(contact, 40, every=A_DAY)
    world.poison_message(messages[30])
    job.sync(page_size=8)
    world.time.tick(days=60)
    world.writes(contact, 3)
    job.sync(page_size=8, reconcile_share=0)
    assert loaded(job, contact) == 9 + 3
    world.cure_message(messages[30])
    job.sandbox.requests.clear()
    assert job.sync(page_size=8, reconcile_share=0).complete
    # The pages grow again as soon as the rows are read among which it was.
    assert sizes(job, contact) == [8, 1, 1, 8, 8, 8, 8]
    assert job.differences() == []


def test_a_message_that_is_poisoned_on_the_newest_page_blocks_nobody_else(
    job: Job, world: World
) -> None:
    contact = world.writer()
    world.poison_message(world.add_message(contact))
    others = [world.writer() for _ in range(3)]
    job.sync(page_size=4)
    assert reasons(job) == {contact: "a message cannot be served"}
    assert [loaded(job, other) for other in others] == [1, 1, 1]
    assert sizes(job, contact) == [4, 2, 1]
