"""The listing of contacts: read so that none is lost, whatever happens while it is read."""

from __future__ import annotations

from typing import Any

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from chatbotx_source.sandbox import Fault, Request
from tests.support.guards import Retold, Serve, World, asked, loaded, reasons
from tests.support.loading import Job

SORTED = '[{"id":"id","desc":false}]'


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job(serve: Serve, world: World) -> Job:
    return serve(world)


def silent_contacts(world: World, count: int) -> list[str]:
    """Adds contacts who cost no request for messages, all of them created at the same time."""
    return [world.add_contact(conversation=False) for _ in range(count)]


def pages(job: Job) -> list[int]:
    """The pages of the listing that were asked for."""
    return [int(each.page or 0) for each in job.requests("contacts")]


def test_the_listing_is_read_from_its_last_page_to_its_first(job: Job, world: World) -> None:
    silent_contacts(world, 120)
    assert job.sync().complete
    assert pages(job) == [1, 4, 3, 2, 1]
    job.sandbox.requests.clear()
    assert job.sync().complete
    assert pages(job) == [4, 3, 2, 1]


def test_contacts_created_at_the_same_time_are_all_listed_by_their_id(
    job: Job, world: World
) -> None:
    silent_contacts(world, 120)
    assert job.sync().complete
    assert {each.query["sort"] for each in job.requests("contacts")} == {SORTED}
    assert job.differences() == []


def test_contacts_deleted_during_the_listing_cost_no_other_contact(job: Job, world: World) -> None:
    contacts = silent_contacts(world, 170)
    writers = [world.writer() for _ in range(3)]
    # One from each page, before each page is asked for: all that follows moves to lower pages.
    doomed = [contacts[place] for place in (3, 49, 20, 60, 90, 140, 7, 101)]

    def delete(request: Request) -> None:
        if request.kind == "contacts" and request.number > 2:
            for contact in doomed[:2]:
                world.delete_contact(contact)
                doomed.remove(contact)

    job.sandbox.before.append(delete)
    summary = job.sync()
    assert (summary.complete, doomed) == (True, [])
    listed = [each for (each,) in job.query("SELECT id FROM contacts")]
    assert set(listed) >= world.truth().contacts.keys()
    assert summary.rows["contacts"] == len(listed) == len(set(listed))
    assert [len(asked(job, writer)) for writer in writers] == [1, 1, 1]


def test_a_contact_that_appears_during_a_pass_belongs_to_the_next_one(
    job: Job, world: World
) -> None:
    silent_contacts(world, 50)
    added: list[str] = []

    def add(request: Request) -> None:
        if not added and pages(job) == [1, 2, 1]:
            added.append(world.writer(2))

    job.sandbox.before.append(add)
    assert job.sync().complete
    assert (len(added), asked(job, added[0])) == (1, [])
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []


def test_a_listed_contact_that_is_not_found_waits_until_the_listing_no_longer_shows_it(
    job: Job, world: World
) -> None:
    victim, other = world.writer(), world.writer()
    job.sandbox.faults.add(Fault("not_found", contact_id=victim, times=None))
    for passes in (1, 2):
        assert not job.sync(reconcile_share=0).complete
        assert reasons(job) == {victim: "not found, although it is listed"}
        assert len(asked(job, victim)) == passes
    assert loaded(job, other) == 1
    world.delete_contact(victim)
    assert job.sync(reconcile_share=0).complete
    assert reasons(job) == {}


def test_an_empty_page_in_the_middle_of_the_listing_is_asked_for_again(
    job: Job, world: World
) -> None:
    silent_contacts(world, 120)
    swallowed = job.sandbox.faults.add(
        Retold(
            world, lambda body: body.update(data=[]), when=lambda each: each.page == "2", times=1
        )
    )
    assert job.sync().complete
    assert swallowed.hits == 1
    assert pages(job) == [1, 4, 3, 2, 2, 1]
    assert job.differences() == []


def test_a_page_count_that_is_capped_is_not_believed(job: Job, world: World) -> None:
    silent_contacts(world, 170)

    def cap(body: dict[str, Any]) -> None:
        body.update(pageCount=min(body["pageCount"], 2), totalCount=100, totalCountCapped=True)

    job.sandbox.faults.add(Retold(world, cap))
    assert job.sync().complete
    assert pages(job) == [1, 3, 4, 5, 4, 3, 2, 1]
    assert job.differences() == []


def test_a_server_that_does_not_sort_by_id_is_refused(job: Job, world: World) -> None:
    silent_contacts(world, 120)
    job.sandbox.faults.add(Retold(world, lambda body: body["data"].reverse()))
    with pytest.raises(PipelineStepFailed, match="does not list contacts by ascending id"):
        job.sync()
    assert len(pages(job)) == 3


def test_a_fault_while_contacts_are_listed_ends_the_load_and_loses_nothing(
    job: Job, world: World
) -> None:
    silent_contacts(world, 60)
    writer = world.writer()
    job.sandbox.faults.add(Fault("empty", on="contacts", after=3, times=5))
    assert job.sync().complete
    assert len(asked(job, writer)) == 1
    assert job.differences() == []
