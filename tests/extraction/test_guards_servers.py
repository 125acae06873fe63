"""Servers differ, and so does what one server says from one day to the next."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chatbotx_source.sandbox import Fault, Request, Sandbox, synthetic
from tests.support.guards import Serve, World, asked, loaded, sizes, warnings
from tests.support.loading import Job


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job(serve: Serve, world: World) -> Job:
    return serve(world)


def test_a_newer_server_is_loaded_in_full(serve: Serve) -> None:
    world = World()
    workspace = synthetic(contacts=30, now=world.time(), clock=world.time)
    job = serve(workspace, profile="newer")

    def pass_time(_: Request) -> None:
        world.time.tick(seconds=0.1)  # its window of 10 seconds lets 120 requests pass

    job.sandbox.before.append(pass_time)
    assert job.sync().complete
    assert {each.status for each in job.requests()} == {200}
    assert job.differences() == []


def test_a_walk_does_not_end_at_a_page_shorter_than_asked_for(serve: Serve) -> None:
    world = World()
    contact = world.writer(10)
    job = serve(world, max_per_page=3)
    assert job.sync().complete
    assert sizes(job, contact) == [500] * 4
    assert job.differences() == []


def test_a_newer_server_refuses_a_token_without_the_scope_for_messages(serve: Serve) -> None:
    world = World()
    world.writer()
    job = serve(world, profile="newer")
    job.sandbox.scopes.discard("inbox")
    with pytest.raises(Exception, match="scope `inbox`"):
        job.sync()
    assert len(job.requests("messages")) == 1
    job.sandbox.scopes.add("inbox")
    assert job.sync().complete
    assert job.differences() == []


@pytest.mark.parametrize("kind", ["drop_rows", pytest.param("null_cursor", marks=pytest.mark.long)])
def test_what_a_missing_shard_hid_is_found_by_a_reconcile(
    job: Job, world: World, kind: str
) -> None:
    contact = world.writer(12)
    job.sandbox.faults.add(Fault(kind, contact_id=contact, after=1))
    assert job.sync(page_size=4).complete
    assert loaded(job, contact) < 12
    world.time.tick(days=60)
    assert job.sync(reconcile=True).reconciled
    assert job.differences() == []


def test_the_page_size_may_change_between_loads(job: Job, world: World) -> None:
    contacts = [world.writer(11, every=timedelta(hours=5)) for _ in range(2)]
    job.sync(page_size=3, max_requests=5, workers=1)
    job.sync(page_size=1, max_requests=2, workers=1)
    assert job.sync(page_size=500).complete
    assert [size for contact in contacts for size in sizes(job, contact)] == [3, 3, 1, 1, 500, 500]
    assert job.differences() == []


def test_new_signatures_of_the_same_links_are_no_change(job: Job, world: World) -> None:
    contact = world.add_contact()
    world.add_message(contact, attachments=2)
    job.sync()
    before = job.tables()
    assert job.sync(reconcile=True).complete
    assert len(asked(job, contact)) == 2
    assert job.tables() == before
    assert job.query("SELECT count(*) FROM messages__attachments WHERE url LIKE '%?%'") == [(0,)]


def test_another_server_is_read_from_nothing(job: Job, world: World) -> None:
    contact = world.writer(3)
    world.time.tick(days=60)
    job.sync()
    with Sandbox(world) as other:
        assert job.sync(base_url=other.base_url, reconcile_share=0).complete
        assert [each.contact_id for each in other.requests if each.kind == "messages"] == [contact]
    assert job.differences() == []


def test_another_workspace_is_read_from_nothing(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    contact = world.writer(3, workspaceId="4000")
    world.time.tick(days=60)
    job = serve(world)
    job.sync()
    world.update_contact(contact, workspaceId="5000")
    world.time.tick(days=60)
    assert job.sync(reconcile_share=0).complete
    assert len(asked(job, contact)) == 2
    assert "workspace 5000, but 4000 was loaded before" in warnings(caplog)


def test_progress_in_another_format_is_not_gone_on_with(job: Job, world: World) -> None:
    contact = world.writer(3)
    world.time.tick(days=60)
    job.sync()
    with job.pipeline.managed_state() as state:
        messages = state["sources"]["chatbotx"]["resources"]["messages"]
        messages["format"] = 1
    assert job.sync(reconcile_share=0).complete
    assert len(asked(job, contact)) == 2
    assert job.differences() == []
