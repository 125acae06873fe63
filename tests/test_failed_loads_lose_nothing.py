"""A load may fail anywhere: a later one completes the tables."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from chatbotx_source.sandbox import Fault, Request, Sandbox, Workspace, synthetic
from tests.support.loading import SPRING, Job
from tests.support.sandbox import Clock

Serve = Callable[..., Job]

WRONG_TOKEN: dict[str, Any] = {"status": 500, "code": "INVALID_CHATBOT_TOKEN"}
NO_SCOPE: dict[str, Any] = {"status": 403, "code": "FORBIDDEN"}


@pytest.fixture
def clock() -> Clock:
    return Clock(SPRING + timedelta(days=200))


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    """A workspace that has been quiet for months: only what is remembered decides what is read."""
    return synthetic(contacts=12, now=SPRING, clock=clock)


@pytest.mark.parametrize("fault", [WRONG_TOKEN, NO_SCOPE], ids=["wrong token", "no scope"])
def test_a_refusal_at_any_request_leaves_nothing_out(
    serve: Serve, workspace: Workspace, fault: dict[str, Any]
) -> None:
    job = serve(workspace)
    for after in (0, 2, 6):
        job.sandbox.faults.add(Fault("status", after=after, **fault))
        with pytest.raises(PipelineStepFailed):
            job.run(page_size=20)
        job.sandbox.faults.clear()
    job.run(page_size=20)
    assert job.differences() == []


def test_loads_before_the_one_that_failed_are_kept(serve: Serve, workspace: Workspace) -> None:
    job = serve(workspace)
    job.sandbox.faults.add(Fault("status", after=9, **WRONG_TOKEN))
    with pytest.raises(PipelineStepFailed):
        job.sync(page_size=20, load_messages=60, workers=1)
    assert job.query("SELECT count(*) > 0 FROM messages") == [(True,)]
    job.sandbox.faults.clear()
    job.sandbox.requests.clear()
    assert job.sync(page_size=20, load_messages=60).complete
    assert job.differences() == []
    tops = [each.contact_id for each in job.requests("messages") if each.cursor is None]
    assert len(tops) < 10


@pytest.mark.parametrize("after", [1, pytest.param(6, marks=pytest.mark.long)])
def test_a_server_that_goes_away_leaves_nothing_out(
    serve: Serve, workspace: Workspace, after: int
) -> None:
    job = serve(workspace)
    job.sandbox.faults.add(Fault("cut", after=after, times=None))
    with suppress(PipelineStepFailed):
        assert not job.sync(page_size=20).complete
    job.sandbox.faults.clear()
    assert job.sync().complete
    assert job.differences() == []


def test_a_server_that_is_shut_down_leaves_nothing_out(
    serve: Serve, workspace: Workspace, tmp_path: Path
) -> None:
    job = serve(workspace)
    port = job.sandbox.port
    assert job.sync(page_size=20, max_requests=5).ended_by == "max_requests"
    job.sandbox.__exit__(None, None, None)
    with pytest.raises(PipelineStepFailed, match="No connection"):
        job.sync()
    job.sandbox = Sandbox(workspace, port=port)
    job.sandbox.__enter__()
    assert job.sync(page_size=20).complete
    assert job.differences() == []


@contextmanager
def failing_destination(job: Job) -> Iterator[None]:
    """Lets the loading fail, after everything is read: somebody else has opened the file."""
    with ExitStack() as opened:

        def lock(request: Request) -> None:
            job.sandbox.before.remove(lock)
            opened.enter_context(duckdb.connect(str(job.file), config={"threads": 1}))

        job.sandbox.before.append(lock)
        yield


def test_a_destination_that_fails_gets_the_same_rows_later(
    serve: Serve, workspace: Workspace
) -> None:
    job = serve(workspace)
    job.sync(max_requests=5)
    with failing_destination(job), pytest.raises(PipelineStepFailed, match="step=load"):
        job.sync()
    asked = len(job.requests("messages"))
    assert job.pipeline.has_pending_data
    assert job.sync(reconcile_share=0).complete
    assert not job.pipeline.has_pending_data
    assert len(job.requests("messages")) == asked
    assert job.differences() == []


def test_a_machine_without_a_past_goes_on_from_the_destination(
    serve: Serve, workspace: Workspace, tmp_path: Path
) -> None:
    job = serve(workspace)
    job.sync()
    shutil.rmtree(tmp_path / "pipelines")
    assert job.cost() == (2, 0)
    assert job.differences() == []


def test_a_load_that_was_lost_on_its_way_is_read_again(
    serve: Serve, workspace: Workspace, clock: Clock, tmp_path: Path
) -> None:
    job = serve(workspace)
    job.sync()
    contact = next(id_ for id_, row in workspace.truth().contacts.items() if row["conversation"])
    workspace.add_message(contact)
    clock.tick(days=1)
    with failing_destination(job), pytest.raises(PipelineStepFailed, match="step=load"):
        job.sync()
    shutil.rmtree(tmp_path / "pipelines")
    clock.tick(days=1)
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []


def test_settings_that_would_lose_rows_in_silence_are_refused(
    serve: Serve, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD__RAISE_ON_FAILED_JOBS", "false")
    job = serve(workspace)
    for load in (job.run, job.sync):
        with pytest.raises(PipelineStepFailed, match="raise_on_failed_jobs"):
            load()
    assert job.requests() == []


def test_a_first_load_that_the_destination_refused_is_not_read_again(
    serve: Serve, workspace: Workspace
) -> None:
    job = serve(workspace)
    with failing_destination(job), pytest.raises(PipelineStepFailed, match="step=load"):
        job.sync()
    asked = len(job.requests("messages"))
    assert job.sync(reconcile_share=0).complete
    assert len(job.requests("messages")) == asked
    assert job.differences() == []
