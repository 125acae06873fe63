"""Whatever is in the workspace is in the tables: once, and equal field by field."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chatbotx_source.sandbox import Workspace, synthetic
from chatbotx_source.sandbox.phrases import JSON_VALUES, LOCATIONS
from tests.support.loading import SPRING, Job
from tests.support.oracle import visible
from tests.support.sandbox import Clock

Serve = Callable[..., Job]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("page_size", "contacts"),
    [
        (1, 4),
        (7, 30),
        pytest.param(20, 30, marks=pytest.mark.long),
        pytest.param(500, 60, marks=pytest.mark.long),
    ],
)
def test_a_sync_brings_everything_once(serve: Serve, page_size: int, contacts: int) -> None:
    job = serve(synthetic(seed=page_size, contacts=contacts, now=SPRING))
    summary = job.sync(page_size=page_size)
    assert summary.complete
    assert summary.reconciled
    assert job.differences() == []


def test_a_plain_run_brings_everything_once(serve: Serve) -> None:
    job = serve(synthetic(seed=20, contacts=60, now=SPRING))
    job.run(page_size=20)
    assert job.differences() == []


@pytest.mark.long
def test_many_small_loads_bring_the_same_as_one(serve: Serve) -> None:
    job = serve(synthetic(contacts=8, now=SPRING))
    assert job.sync(page_size=20, load_messages=40, workers=1).loads > 3
    assert job.differences() == []


def test_running_again_changes_nothing(serve: Serve) -> None:
    job = serve(synthetic(contacts=30, now=SPRING))
    job.sync()
    once = job.tables()
    assert job.sync().complete
    assert job.tables() == once
    job.run(reconcile_share=1)
    assert job.tables() == once
    assert job.sync(reconcile=True).reconciled
    assert job.tables() == once


def test_newer_servers_with_smaller_pages_bring_the_same(serve: Serve) -> None:
    job = serve(
        synthetic(contacts=30, now=SPRING), profile="newer", rate_limit=(10**6, 1.0), max_per_page=9
    )
    assert job.sync().complete
    assert job.differences() == []


def test_messages_that_the_server_does_not_show_are_the_only_ones_missing(serve: Serve) -> None:
    clock = Clock(SPRING)
    workspace = Workspace(clock)
    contact = workspace.add_contact(channels=("whatsapp", "webchat"))
    shown = workspace.add_message(contact, created_at=SPRING - timedelta(hours=3))
    beyond = workspace.add_message(contact, inbox=1)
    other = workspace.add_message(contact, conversation_id=workspace.start_conversation(contact))
    workspace.add_message(contact, created_at=SPRING - timedelta(hours=3))
    assert shown in visible(workspace)
    assert not {beyond, other} & visible(workspace)
    job = serve(workspace)
    assert job.sync().complete
    assert job.differences() == []


def test_every_kind_of_json_can_be_told_and_taken_apart_in_sql(serve: Serve) -> None:
    workspace = Workspace()
    contact = workspace.add_contact(location=LOCATIONS[0])
    ids = [workspace.add_message(contact, contentAttributes=value) for value in JSON_VALUES]
    big = workspace.add_message(contact, attributes={"n": 2**70, "list": [1, 2**63 - 1]})
    job = serve(workspace)
    job.sync()
    kinds = dict(job.query("SELECT id, json_type(content_attributes) FROM messages"))
    assert [kinds[id_] for id_ in ids] == [
        *("OBJECT", "OBJECT", "OBJECT", "OBJECT", "ARRAY", "ARRAY", "VARCHAR", "VARCHAR"),
        *("UBIGINT", "UBIGINT", "DOUBLE", "DOUBLE", "BOOLEAN", "BOOLEAN"),
    ]
    assert job.query(
        "SELECT attributes->>'$.n', (attributes->'$.list[1]')::BIGINT FROM messages WHERE id = ?",
        big,
    ) == [(str(2**70), 2**63 - 1)]
    assert job.query("SELECT (location->>'$.latitude')::DOUBLE FROM contacts") == [(10.7769,)]


@settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.lists(texts, max_size=30), st.lists(json_values, max_size=30))
def test_any_text_and_any_json_arrive_as_they_are(said: list[str], values: list[Any]) -> None:
    workspace = Workspace()
    contact = workspace.add_contact(firstName=said[0] if said else None)
    for text in said:
        workspace.add_message(contact, text=text, attachments=[{"name": text}])
    for value in values:
        workspace.add_message(contact, attributes=value, contentAttributes=[value])
    with tempfile.TemporaryDirectory() as place, Job(workspace, Path(place)) as job:
        job.sync(page_size=25)
        assert job.differences() == []


def test_every_row_names_its_load_and_the_summary_counts_it(serve: Serve) -> None:
    job = serve(synthetic(contacts=12, now=SPRING))
    summary = job.sync()
    assert summary.rows == {name: len(rows) for name, rows in job.tables().items()}
    assert summary.requests == len(job.requests())
    assert summary.contacts == len({each.contact_id for each in job.requests("messages")})
    [(load_id,)] = job.query("SELECT load_id FROM _dlt_loads")
    for table in ("contacts", "messages", "messages__attachments", "_chatbotx_syncs"):
        assert job.query(f"SELECT DISTINCT _dlt_load_id FROM {table}") == [(load_id,)]
