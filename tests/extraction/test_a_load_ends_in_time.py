"""A load ends in time whatever a peer does, with what was read; what has no answer is as before."""

from __future__ import annotations

import time

import pytest

from chatbotx_source.extraction.patience import Patience
from chatbotx_source.sandbox import Fault
from tests.support.guards import Serve, World, asked, loaded, reasons
from tests.support.loading import Job
from tests.support.peers import drips_a_header, peer

NEVER = 600.0
"""Seconds after which the sandbox would answer."""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job(serve: Serve, world: World) -> Job:
    return serve(world)


def test_patience_lasts_as_long_as_its_grace_from_when_the_load_has_to_end() -> None:
    times = iter([0.0, 4.9, 5.0])
    patience = Patience(5.0, monotonic=lambda: next(times))
    assert not patience.is_over(must_end=False)
    assert [patience.is_over(must_end=True) for _ in range(3)] == [False, False, True]


def test_max_duration_ends_a_load_though_a_contact_has_no_answer(job: Job, world: World) -> None:
    waiting, *others = [world.writer(3) for _ in range(5)]
    job.sandbox.faults.add(Fault("slow", contact_id=waiting, seconds=NEVER, times=None))
    began = time.monotonic()
    summary = job.sync(max_duration=2, grace=0)
    assert time.monotonic() - began < 2 + 10
    assert summary.ended_by == "max_duration"
    assert reasons(job) == {waiting: "not begun"}
    assert [loaded(job, each) for each in others] == [3] * 4
    job.sandbox.faults.clear()
    assert job.sync().complete
    assert job.differences() == []
    assert [len(asked(job, each)) for each in (waiting, *others)] == [2, 1, 1, 1, 1]


def test_max_duration_ends_a_load_that_has_no_answer_at_all(job: Job) -> None:
    with peer(drips_a_header) as server:
        summary = job.sync(base_url=server.base_url, max_duration=0.1, grace=0)
        assert (summary.ended_by, summary.requests) == ("max_duration", 1)
        assert server.gone.acquire(timeout=20)


def test_a_load_that_ends_to_save_what_was_read_waits_for_what_is_under_way(
    job: Job, world: World
) -> None:
    world.writer()
    job.sandbox.faults.add(Fault("slow", on="messages", seconds=1))
    assert job.sync(load_duration=0.5, grace=0).complete
    assert len(job.requests("messages")) == 1
