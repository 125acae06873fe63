"""On every destination the tables hold what the workspace holds, load after load."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import dlt
import pytest

from chatbotx_source import SyncSummary, sync
from chatbotx_source.sandbox import Fault, Workspace, synthetic
from chatbotx_source.sandbox.phrases import JSON_VALUES, LONG_TEXT, NUL_TEXT
from chatbotx_source.shards import Shard
from chatbotx_source.tables.columns import TABLES
from tests.destinations.loading import StoredJob
from tests.destinations.stores import DATASET, Store
from tests.support.durability import Town, living_differences, lose_message
from tests.support.loading import SPRING
from tests.support.oracle import KEYS
from tests.support.sandbox import Clock

Stored = Callable[[Workspace], StoredJob]

TEXTS = (
    *("", " ", "NULL", "null", "\\N", "\\", "\\\\n", "'", "''", '"', '""', ";--", "%s {} $1 :id"),
    *("a,b", "a\tb", "a\nb", "a\r\nb", "\r", "\x01\x1f\x7f\x85", "\u2028\u2029", "\ufeff\ufffe"),
    *("👩‍👩‍👧", "שלום", "\u202eabc", "e\u0301", "\U0010fffd", NUL_TEXT, LONG_TEXT),
)


@pytest.fixture
def town() -> Town:
    return Town(Random(1), contacts=5)


def marked(store: Store, table: str) -> set[str]:
    return {row["id"] for row in store.rows(table) if row["removed_at"] is not None}


def test_a_load_brings_everything_as_it_is(stored: Stored) -> None:
    job = stored(synthetic(contacts=20, now=SPRING))
    assert job.sync().reconciled
    assert job.differences() == []


def test_any_text_and_any_json_arrive_as_they_are(stored: Stored) -> None:
    workspace = Workspace()
    contact = workspace.add_contact(location={"NUL": NUL_TEXT}, firstName=NUL_TEXT)
    for text in TEXTS:
        workspace.add_message(
            contact, text=text, contentAttributes=text, attachments=[{"name": text}]
        )
    for value in (*JSON_VALUES, {"n": 2**70, "deep": [[[[{}]]]]}, "12", "null", [NUL_TEXT]):
        workspace.add_message(contact, contentAttributes=value, attributes=[value])
    job = stored(workspace)
    job.sync()
    assert job.differences() == []


def test_an_empty_workspace_makes_every_column_of_its_type(stored: Stored, store: Store) -> None:
    clock = Clock(SPRING)
    workspace = Workspace(clock)
    job = stored(workspace)
    assert job.sync().complete
    for name, table in TABLES.items():
        found = store.types(name)
        assert found.keys() - {"_dlt_id"} == {column.name for column in table.columns}
        for column in table.columns:
            assert found[column.name] == store.types_of.get(column.type, found[column.name])
        left = [row for row in store.rows(name) if not row.get("_removed")]
        assert left == [] or name == "_chatbotx_syncs"
    clock.tick(hours=1)
    workspace.add_message(workspace.add_contact(), attachments=2)
    assert job.sync().complete
    assert job.differences() == []


def test_what_was_edited_added_or_deleted_is_replaced(
    stored: Stored, store: Store, town: Town
) -> None:
    job = stored(town.workspace)
    job.sync()
    for _ in range(2):
        town.live(12)
        assert job.sync(reconcile_share=0).complete
        assert job.differences() == []
    for name, key in KEYS.items():
        keys = [tuple(row[part] for part in key) for row in store.rows(name)]
        assert len(keys) == len(set(keys)), name


def test_removed_attachments_and_tags_are_gone_or_can_be_told(stored: Stored, store: Store) -> None:
    clock = Clock(SPRING)
    workspace = Workspace(clock)
    contact = workspace.add_contact()
    workspace.add_tag(contact, "vip")
    one, two = (workspace.add_message(contact, attachments=number) for number in (1, 2))
    clock.tick(minutes=1)
    job = stored(workspace)
    job.sync()
    workspace.remove_attachment(one)
    workspace.remove_attachment(two)
    workspace.remove_tag(contact, "vip")
    clock.tick(minutes=1)
    job.sync()
    assert job.differences() == []
    real = [row for row in store.rows("messages__attachments") if not row["_removed"]]
    tags = [row for row in store.rows("contacts__tags") if not row["_removed"]]
    assert (len(real), len(tags)) == ((3, 1) if store.upserts else (1, 0))


def test_what_is_gone_for_good_gets_removed_at_as_long_as_it_is(
    stored: Stored, store: Store, town: Town
) -> None:
    contact = town.workspace.add_contact()
    job = stored(town.workspace)
    job.sync()
    lost = lose_message(town)
    town.workspace.delete_contact(contact)
    job.sandbox.faults.add(Fault("drop_rows", on="messages"))
    job.sync(reconcile=True)
    assert marked(store, "messages") > {lost}
    assert job.sync(reconcile=True).complete
    assert marked(store, "messages") == {lost}
    assert marked(store, "contacts") == {contact}
    assert living_differences(job) == []
    assert store.rows("_chatbotx_walks") == []


def test_a_fresh_worker_goes_on_where_the_last_one_stopped(
    stored: Stored, town: Town, tmp_path: Path
) -> None:
    job = stored(town.workspace)
    assert not job.sync(max_requests=3).complete
    shutil.rmtree(tmp_path / "pipelines")
    assert job.sync().complete
    assert len(job.requests()) <= 10
    assert job.differences() == []
    shutil.rmtree(tmp_path / "pipelines")
    assert job.cost() == (2, 0)


def test_a_load_that_was_killed_after_its_record_is_recorded_once(
    stored: Stored, store: Store, town: Town, tmp_path: Path
) -> None:
    job = stored(town.workspace)
    job.sync()
    town.live(6)
    job.run()
    packages = tmp_path / "pipelines" / "job" / "load"
    last = max((packages / "loaded").iterdir())
    (last / "package_completed.json").unlink()
    last.rename(packages / "normalized" / last.name)
    assert job.sync().complete
    assert job.differences() == []
    if not store.table_format:  # such a store keeps the record in a file, named after the load
        recorded = [row["load_id"] for row in store.rows("_dlt_loads")]
        assert len(recorded) == len(set(recorded))


def test_a_full_refresh_begins_anew(stored: Stored, store: Store, town: Town) -> None:
    job = stored(town.workspace)
    job.sync()
    town.workspace.delete_contact(town.contacts[0])
    assert job.sync(full_refresh=True).reconciled
    assert job.differences() == []
    assert len(store.rows("_chatbotx_syncs")) == 1


def test_a_plain_run_of_the_source_does_as_well(stored: Stored, town: Town) -> None:
    job = stored(town.workspace)
    job.run()
    town.live(6)
    job.run()
    assert job.differences() == []


def test_two_pipelines_share_a_dataset(stored: Stored, store: Store, tmp_path: Path) -> None:
    job = stored(synthetic(contacts=12, now=SPRING))

    def sync_shard(index: int, **options: object) -> SyncSummary:
        pipeline = dlt.pipeline(
            f"shard_{index}",
            pipelines_dir=str(tmp_path / "pipelines"),
            destination=store.destination(),
            dataset_name=DATASET,
        )
        return sync(pipeline, shard=f"{index}/2", **{**job.options, **options})

    assert sync_shard(1, max_requests=4).unfinished
    assert sync_shard(2).complete
    assert who_left_something(store) == {"shard_1"}
    assert sync_shard(1).complete
    assert who_left_something(store) == set()
    assert job.differences() == []
    gone = next(filter(Shard(2, 2).holds, job.workspace.truth().contacts))
    job.workspace.delete_contact(gone)
    sync_shard(1)
    assert marked(store, "contacts") == set()
    sync_shard(2)
    assert marked(store, "contacts") == {gone}


def who_left_something(store: Store) -> set[str]:
    """The pipelines that name unfinished contacts, by the rule that the columns' text gives."""
    rows = store.rows("_chatbotx_unfinished")
    assert store.upserts or not any(row["_removed"] for row in rows)
    loads = store.rows("_chatbotx_syncs")
    last = {
        row["pipeline"]: max(
            load["_dlt_load_id"] for load in loads if load["pipeline"] == row["pipeline"]
        )
        for row in rows
    }
    return {
        row["pipeline"]
        for row in rows
        if not row["_removed"]
        and (not store.upserts or row["_dlt_load_id"] == last[row["pipeline"]])
    }
