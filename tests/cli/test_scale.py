"""A hundred workspaces, and one in eight shards, side by side into one DuckDB file: by the command.

`docs/scale.md` says what that costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbotx_source.sandbox import Sandbox, synthetic
from tests.support.installation import installation, truth
from tests.support.loading import SPRING, reading
from tests.support.oracle import Tables, difference, expected, loaded

COMMAND = [sys.executable, "-m", "chatbotx_source.cli"]
SHARDS = [f"{index}/8" for index in range(1, 9)]

pytestmark = pytest.mark.long


def tables() -> Tables:
    with reading(Path("chatbotx.duckdb"), "chatbotx_data") as connection:
        return loaded(connection)


def query(sql: str) -> list[tuple[object, ...]]:
    with reading(Path("chatbotx.duckdb"), "chatbotx_data") as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def hundred() -> Iterator[dict[str, Sandbox]]:
    """A hundred workspaces of one installation."""
    workspaces = {
        f"w{number:02}": synthetic(number, contacts=5, now=SPRING, number=number)
        for number in range(100)
    }
    with installation(workspaces) as sandboxes:
        yield sandboxes


def test_a_hundred_workspaces_are_their_union(hundred: dict[str, Sandbox]) -> None:
    run = subprocess.run(
        [*COMMAND, "--workspace", "all", "--parallel", "4"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.splitlines()[-1].startswith("100 complete: w00, w01, ")
    assert run.returncode == 0
    assert difference(truth(hundred), tables()) == []
    assert query("SELECT count(*), count(DISTINCT workspace_id) FROM _chatbotx_syncs") == [
        (100, 100)
    ]


@pytest.fixture
def large() -> Iterator[Sandbox]:
    """A workspace of 20 pages of contacts."""
    with Sandbox(synthetic(contacts=1_000, messages=20_000, now=SPRING)) as sandbox:
        os.environ |= {
            "SOURCES__CHATBOTX__BASE_URL": sandbox.base_url,
            "SOURCES__CHATBOTX__API_TOKEN": sandbox.token,
            "SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND": "0",
        }
        yield sandbox


def test_eight_shards_are_the_workspace(large: Sandbox) -> None:
    sync_all_shards()
    assert difference(expected(large.workspace), tables()) == []
    # Every shard lists all the contacts, and each contact is walked by one of them.
    pages = [each for each in large.requests if each.kind == "contacts"]
    assert len(pages) == len(SHARDS) * (20 + 2)
    walked = [each for each in large.requests if each.kind == "messages" and not each.cursor]
    assert len(walked) == len({each.contact_id for each in walked})
    assert query("SELECT shard, complete FROM _chatbotx_syncs ORDER BY shard") == [
        (shard, True) for shard in SHARDS
    ]
    assert query("SELECT sum(contacts_listed) FROM _chatbotx_syncs") == [(1_000,)]

    gone = next(iter(large.workspace.truth().contacts))
    large.workspace.delete_contact(gone)
    sync_all_shards()
    assert query("SELECT id FROM contacts WHERE removed_at IS NOT NULL") == [(gone,)]


def sync_all_shards() -> None:
    workers = [
        subprocess.Popen([*COMMAND, "--shard", shard], stdout=subprocess.PIPE, text=True)
        for shard in SHARDS
    ]
    for shard, worker in zip(SHARDS, workers, strict=True):
        said, _ = worker.communicate()
        assert worker.returncode == 0
        assert f"shard {shard}: complete" in said
