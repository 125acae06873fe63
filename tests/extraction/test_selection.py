"""Some of the resources, or one of them anew: never at the cost of rows in the next full sync."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from dlt.common.typing import TRefreshMode

from chatbotx_source.sandbox import Workspace, synthetic
from tests.support.loading import SPRING, Job
from tests.support.sandbox import Clock

Serve = Callable[..., Job]

OF_CONTACTS = ("contacts", "contacts__tags", "contacts__contact_inboxes")


@pytest.fixture
def clock() -> Clock:
    return Clock(SPRING + timedelta(days=200))


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    """A workspace that has been quiet for months: only what is remembered decides what is read."""
    return synthetic(contacts=12, now=SPRING, clock=clock)


def test_contacts_alone_cost_no_request_for_messages(serve: Serve, workspace: Workspace) -> None:
    job = serve(workspace)
    job.run(*OF_CONTACTS)
    assert job.requests("messages") == []
    [(tables,)] = job.query(
        "SELECT list(table_name) FROM information_schema.tables "
        "WHERE table_schema = 'data' AND table_name NOT LIKE '\\_dlt%' ESCAPE '\\'"
    )
    assert set(tables) == set(OF_CONTACTS)
    assert job.query("SELECT count(*) FROM contacts") == [(12,)]


@pytest.mark.parametrize("names", [("messages",), OF_CONTACTS])
def test_a_part_does_not_pass_for_the_whole(
    serve: Serve, workspace: Workspace, names: tuple[str, ...]
) -> None:
    job = serve(workspace)
    job.run(*names)
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []


@pytest.mark.long
def test_news_that_a_part_has_read_are_news_to_the_whole(
    serve: Serve, workspace: Workspace, clock: Clock
) -> None:
    job = serve(workspace)
    job.sync()
    contact = next(id_ for id_, row in workspace.truth().contacts.items() if row["conversation"])
    workspace.add_message(contact, attachments=2)
    clock.tick(days=1)
    job.run("messages")
    clock.tick(days=5)
    job.run(*OF_CONTACTS)
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []


@pytest.mark.parametrize(
    ("name", "refresh"),
    [
        ("messages", "drop_resources"),
        pytest.param("messages__attachments", "drop_data", marks=pytest.mark.long),
        pytest.param("contacts__tags", "drop_resources", marks=pytest.mark.long),
    ],
)
def test_a_resource_that_was_begun_anew_is_whole_after_the_next_sync(
    serve: Serve, workspace: Workspace, name: str, refresh: TRefreshMode
) -> None:
    job = serve(workspace)
    job.sync()
    job.run(name, refresh=refresh, limit_contacts=1)
    assert job.differences() != []
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []


@pytest.mark.parametrize("refresh", ["drop_sources", "drop_data"])
def test_a_refresh_of_everything_reads_everything(
    serve: Serve, workspace: Workspace, refresh: TRefreshMode
) -> None:
    job = serve(workspace)
    job.sync()
    before = len(job.requests("messages"))
    job.run(refresh=refresh)
    assert len(job.requests("messages")) == 2 * before
    assert job.differences() == []


def test_tables_that_were_lost_are_brought_again(serve: Serve, workspace: Workspace) -> None:
    job = serve(workspace)
    job.sync()
    job.file.unlink()
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []


def test_the_whole_source_does_not_depend_on_the_order_of_selection(
    serve: Serve, workspace: Workspace
) -> None:
    job = serve(workspace)
    names = sorted(job.source().selected_resources, reverse=True)
    job.run(*names)
    assert job.differences() == []
    assert job.cost() == (2, 0)
