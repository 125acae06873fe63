"""A server that fails for all is told from contacts that fail alone, and costs no progress."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from chatbotx_source.sandbox import Fault, Request, Sandbox
from tests.support.guards import Serve, World, asked, loaded, reasons
from tests.support.loading import Job

OUTAGE = 20  # contacts in a row


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job(serve: Serve, world: World) -> Job:
    return serve(world)


def test_an_outage_ends_the_load_and_leaves_no_gaps(job: Job, world: World) -> None:
    for _ in range(200):
        world.writer()
    job.sandbox.faults.add(Fault("empty", on="messages", after=60, times=None))
    summary = job.sync(workers=1)
    assert (summary.complete, summary.ended_by) == (False, "outage")
    assert summary.rows["messages"] == 60
    # One page of the listing is remembered as not begun; the other contacts are not.
    assert set(reasons(job).values()) == {"not begun"}
    assert len(summary.unfinished) <= 50
    assert len(job.requests("messages")) == 60 + OUTAGE + 1
    job.sandbox.faults.clear()
    assert job.sync().complete
    assert len(job.requests("messages")) == 200 + OUTAGE + 1
    assert job.differences() == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "status", "status": 503}, marks=pytest.mark.long),
        {"kind": "not_found"},
    ],
)
def test_an_outage_is_one_whatever_the_server_answers(
    job: Job, world: World, fault: dict[str, Any]
) -> None:
    for _ in range(45):
        world.writer()
    job.sandbox.faults.add(Fault(on="messages", after=5, times=None, **fault))
    summary = job.sync(workers=1)
    assert (summary.ended_by, len(summary.unfinished)) == ("outage", 40)
    assert set(reasons(job).values()) == {"not begun"}
    job.sandbox.faults.clear()
    assert job.sync().complete
    assert job.differences() == []


def test_contacts_that_never_answer_are_no_outage_while_others_do(job: Job, world: World) -> None:
    well = [world.writer(), *(world.writer() for _ in range(3))]
    emptied = [world.writer() for _ in range(45)]
    for message_id, contact in world.truth().contact_of.items():
        if contact in emptied:
            world.hard_delete_message(message_id)
    summary = job.sync(workers=1)
    assert (summary.ended_by, summary.pages_left) == (None, 0)
    assert {row["contact_id"] for row in summary.unfinished} == set(emptied)
    assert [len(asked(job, contact)) for contact in emptied] == [3] * len(emptied)
    # One request for each 20 faults asks whether the server is well.
    assert sum(len(asked(job, contact)) for contact in well) == 4 + 3 * 45 // OUTAGE


def test_contacts_that_never_answer_keep_no_pass_for_ever_where_nobody_does(
    job: Job, world: World
) -> None:
    for _ in range(8):
        world.hard_delete_message(world.add_message(world.add_contact()))
    ends = [job.sync(reconcile_share=0).ended_by]
    while ends[-1] == "outage" and len(ends) < 5:
        ends.append(job.sync(reconcile_share=0).ended_by)
    assert ends == ["outage", None]
    assert set(reasons(job).values()) == {"empty, although the listing shows activity"}


def test_a_rate_limit_beyond_max_wait_ends_the_load_and_is_gone_on_from_later(
    job: Job, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(6):
        world.writer(3)
    job.sandbox.faults.add(Fault("status", on="messages", status=429, retry_after=3_600, after=4))
    summary = job.sync(page_size=2, workers=1)
    assert (summary.complete, summary.ended_by) == (False, "rate limit")
    # 7 requests in the hour and a bit that is to be waited, for a listing of 1 page.
    assert "a run without news takes 0.3 hours, as it costs 2 requests to list" in caplog.text
    assert summary.retry_after == 3_600
    assert summary.rows["messages"] == 6
    assert "the server asks to wait 3,600 s" in summary.verdict
    summary = job.sync(page_size=2)
    assert (summary.complete, summary.retry_after) == (True, None)
    assert len(job.requests("messages")) == 12 + 1
    assert job.differences() == []


def test_a_server_that_goes_away_in_the_middle_costs_nothing_that_was_read(
    job: Job, world: World
) -> None:
    for _ in range(30):
        world.writer()
    gone = threading.Thread(target=job.sandbox.__exit__, args=(None, None, None))

    def leave(request: Request) -> None:
        if request.number == 13:
            gone.start()

    job.sandbox.before.append(leave)
    with pytest.raises(PipelineStepFailed, match="No connection to http"):
        job.sync()
    gone.join()
    assert job.query("SELECT count(*) >= 10, count(*) < 30 FROM messages") == [(True, True)]
    assert job.query("SELECT ended_by, complete FROM _chatbotx_syncs") == [("fault", False)]
    job.sandbox = Sandbox(world, port=job.sandbox.port)
    job.sandbox.__enter__()
    assert job.sync().complete
    assert job.differences() == []


def test_a_contact_whose_requests_fail_stops_nobody_and_is_tried_again(
    job: Job, world: World
) -> None:
    victim, other = world.writer(), world.writer()
    job.sandbox.faults.add(Fault("status", contact_id=victim, times=5))
    assert not job.sync().complete
    assert reasons(job) == {victim: "the request fails"}
    assert loaded(job, other) == 1
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []
