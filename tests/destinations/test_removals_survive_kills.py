"""`removed_at`: what a reconcile proves gone gets it, nothing else, whatever dies on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from chatbotx_source.sandbox import Fault
from tests.kills.worker import Death, sync_apart
from tests.support.durability import Town, living_differences, lose_message
from tests.support.loading import SPRING, Job
from tests.support.oracle import visible
from tests.support.sandbox import Caller

Serve = Callable[..., Job]

MERGE = 'DELETE FROM "data"."messages" '
COMMIT = 'INSERT INTO "data"."_dlt_loads"'
MARKING = "UPDATE"


@pytest.fixture
def town() -> Town:
    return Town(Random(3), contacts=3)


def marked(job: Job, table: str = "messages") -> set[str]:
    """Ids of the rows that are marked as removed."""
    return {id_ for (id_,) in job.query(f"SELECT id FROM {table} WHERE removed_at IS NOT NULL")}


def test_a_message_is_marked_by_a_reconcile_and_not_before(serve: Serve, town: Town) -> None:
    job = serve(town.workspace)
    job.sync()
    lost = lose_message(town)
    assert job.sync(reconcile_share=0).complete
    assert marked(job) == set()
    assert job.sync(reconcile=True).complete
    assert marked(job) == {lost}
    assert living_differences(job) == []


def test_a_contact_is_marked_by_the_next_listing(serve: Serve, town: Town) -> None:
    job = serve(town.workspace)
    job.sync()
    lost = town.contacts[1]
    town.workspace.delete_contact(lost)
    assert job.sync(reconcile_share=0).complete
    assert marked(job, "contacts") == {lost}
    assert living_differences(job) == []


@pytest.mark.long
def test_a_walk_over_many_loads_proves_as_much_as_one(serve: Serve, town: Town) -> None:
    job = serve(town.workspace)
    job.sync()
    lost = {lose_message(town), lose_message(town)}
    loads = 0
    while not job.sync(reconcile=True, max_requests=2, page_size=2).complete:
        loads += 1
    assert loads > 1
    assert marked(job) == lost
    assert living_differences(job) == []


@pytest.mark.parametrize(
    "kind",
    [
        "stale_cursor",
        *(
            pytest.param(kind, marks=pytest.mark.long)
            for kind in ("repeat_cursor", "empty", "unordered")
        ),
    ],
)
def test_a_walk_that_met_a_fault_proves_nothing(serve: Serve, town: Town, kind: str) -> None:
    job = serve(town.workspace)
    job.sync()
    lost = lose_message(town)
    job.sandbox.faults.add(Fault(kind, when=lambda request: request.cursor is not None, times=9))
    job.sync(reconcile=True, page_size=3)
    job.sandbox.faults.clear()
    assert job.sync(reconcile_share=0).complete
    assert marked(job) <= {lost}
    assert job.sync(reconcile=True).complete
    assert marked(job) == {lost}
    assert living_differences(job) == []


@pytest.mark.long
def test_a_message_that_a_shard_was_hiding_is_marked_and_cleared(serve: Serve, town: Town) -> None:
    job = serve(town.workspace)
    job.sync()
    job.sandbox.faults.add(Fault("drop_rows", on="messages"))
    job.sync(reconcile=True)
    assert len(marked(job)) == 1
    assert job.sync(reconcile=True).complete
    assert marked(job) == set()
    assert living_differences(job) == []


def test_messages_beyond_the_window_of_the_first_page_are_not_marked(
    serve: Serve, town: Town
) -> None:
    contact = town.contacts[-1]
    shown = town.workspace.add_message(contact)
    town.clock.tick(hours=3)
    job = serve(town.workspace)
    job.sync()
    town.workspace.add_message(contact, created_at=SPRING)  # late: the window moves back to it
    assert shown not in visible(town.workspace)
    assert job.sync(reconcile=True).complete
    assert marked(job) == set()
    assert job.query("SELECT count(*) FROM messages WHERE id = ?", shown) == [(1,)]
    town.clock.tick(hours=3)
    town.workspace.add_message(contact)
    assert job.sync(reconcile_share=0).complete
    assert marked(job) == set()
    assert job.differences() == []


def test_a_contact_that_is_listed_again_is_cleared(serve: Serve, town: Town) -> None:
    job = serve(town.workspace)
    job.sync()
    page = Caller(job.sandbox).get("/v1/contacts", sort='[{"id":"id","desc":false}]').json
    page["data"].pop()
    job.sandbox.faults.add(
        Fault(
            "status",
            on="contacts",
            when=lambda request: request.page == "1",
            status=200,
            body=json.dumps(page).encode(),
            content_type="application/json",
        )
    )
    job.sync(reconcile_share=0)
    assert marked(job, "contacts") == {town.contacts[-1]}
    assert job.sync(reconcile_share=0).complete
    assert marked(job, "contacts") == set()
    assert living_differences(job) == []


@pytest.mark.long
@pytest.mark.parametrize("fresh", [False, True], ids=["same worker", "fresh worker"])
@pytest.mark.parametrize("about", [MERGE, COMMIT, MARKING])
def test_a_reconcile_that_dies_marks_what_is_gone_and_nothing_else(
    serve: Serve,
    town: Town,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    about: str,
    fresh: bool,
) -> None:
    monkeypatch.setenv("LOAD__WORKERS", "1")  # the order of the jobs in a load is then the same
    job = serve(town.workspace)
    job.sync()
    lost = lose_message(town)
    assert sync_apart(job, Death("statement", about=about), reconcile=True) is None
    if fresh:
        shutil.rmtree(tmp_path / "pipelines")
    assert job.sync(reconcile_share=0).complete
    assert marked(job) <= {lost}
    if not fresh:
        assert marked(job) == {lost}
    assert job.sync(reconcile=True).complete
    assert marked(job) == {lost}
    assert living_differences(job) == []
