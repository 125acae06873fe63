"""What was read and not loaded is loaded first; what cannot be loaded is dropped and read again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import pytest

from chatbotx_source import cli
from chatbotx_source.errors import DestinationError
from chatbotx_source.sandbox import Request
from tests.kills.worker import Death, sync_apart
from tests.support.durability import Town, living_differences
from tests.support.loading import Job, reading
from tests.support.oracle import difference, expected, loaded

Serve = Callable[..., Job]

OPEN_AND_WAIT = """
import sys, duckdb
with duckdb.connect(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def town() -> Town:
    return Town(Random(5), contacts=3)


@pytest.fixture
def job(serve: Serve, town: Town) -> Job:
    """A workspace that was synced, and has news since."""
    job = serve(town.workspace)
    job.sync()
    town.live(6)
    return job


@contextmanager
def open_elsewhere(file: Path) -> Iterator[None]:
    """Another process has opened a DuckDB file, as a notebook does."""
    with subprocess.Popen(
        [sys.executable, "-c", OPEN_AND_WAIT, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield
        process.kill()


def leave_pending(job: Job) -> Path:
    """Reads the news, and dies before they are loaded; the place of the package."""
    assert sync_apart(job, Death("statement", about="read_parquet"), reconcile_share=0) is None
    [package] = (job.file.parent / "pipelines" / "job" / "load" / "normalized").iterdir()
    return package


def spoil(package: Path) -> None:
    """Damages the messages in a package, as a full disk does."""
    [messages] = package.rglob("messages.*.parquet")
    messages.write_bytes(messages.read_bytes()[:100])


def test_a_package_that_was_left_is_loaded_without_a_request(job: Job) -> None:
    leave_pending(job)
    asked = len(job.requests("messages"))
    assert job.sync(reconcile_share=0, lookback_days=0).complete
    assert len(job.requests("messages")) == asked
    assert job.differences() == []


def test_a_file_that_is_copied_a_second_time_doubles_no_row(job: Job) -> None:
    package = leave_pending(job)
    for table in ("messages", "messages__attachments", "contacts", "contacts__contact_inboxes"):
        [file] = package.rglob(f"{table}.*.parquet")
        _, file_id, _, _ = file.name.split(".")
        shutil.copy(file, file.with_name(file.name.replace(file_id, "0123456789")))
    assert job.sync(reconcile_share=0, lookback_days=0).complete
    assert job.differences() == []


def test_a_package_that_is_loaded_into_another_dataset_arrives_whole(serve: Serve) -> None:
    job = serve(Town(Random(5), contacts=3).workspace)
    job.sync(max_requests=3)  # leaves rows in the staging dataset of the first one
    pipeline = job.pipeline
    pipeline.extract(job.source(reconcile=True))
    pipeline.normalize()
    pipeline.load(dataset_name="moved")
    with reading(job.file, "moved") as connection:
        assert difference(expected(job.workspace), loaded(connection)) == []


def test_a_file_that_is_open_elsewhere_is_named_and_what_was_read_is_kept(job: Job) -> None:
    with ExitStack() as opened:

        def intrude(request: Request) -> None:
            if request.kind == "messages":
                job.sandbox.before.remove(intrude)
                opened.enter_context(open_elsewhere(job.file))

        job.sandbox.before.append(intrude)
        with pytest.raises(DestinationError, match=r"Another process has .*duckdb open"):
            job.sync(reconcile_share=0)
        assert job.pipeline.has_pending_data
        with pytest.raises(DestinationError, match="What was read is kept, and loaded first"):
            job.sync(reconcile_share=0)
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []


def test_the_command_says_in_a_sentence_that_the_file_is_open_elsewhere(
    job: Job, capfd: pytest.CaptureFixture[str]
) -> None:
    os.environ["SOURCES__CHATBOTX__API_TOKEN"] = job.sandbox.token
    with open_elsewhere(Path("chatbotx.duckdb")):
        status = cli.main(["--base-url", job.sandbox.base_url])
    out, err = capfd.readouterr()
    assert (status, out) == (1, "")
    assert err.startswith("Error: Another process has")
    assert err.count("\n") == 1


@pytest.mark.long
@pytest.mark.parametrize("before", ["a first sync", "news"])
def test_a_package_that_cannot_be_loaded_is_dropped_by_the_command_that_is_told(
    serve: Serve, town: Town, job: Job, before: str
) -> None:
    if before == "a first sync":
        job.file.unlink()
        job.sync(max_requests=4)
    spoil(leave_pending(job))
    for _ in range(2):
        with pytest.raises(DestinationError, match="`dlt pipeline job abort-packages` drops it"):
            job.sync(reconcile_share=0)
    job.pipeline.abort_packages()
    assert not job.pipeline.has_pending_data
    assert job.sync(reconcile_share=0).complete
    assert living_differences(job) == []


@pytest.mark.long
def test_a_reconcile_that_is_dropped_half_loaded_removes_nothing(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD__WORKERS", "1")
    job.sync(reconcile_share=0)
    death = Death("statement", about='DELETE FROM "data"."messages" ')
    assert sync_apart(job, death, reconcile=True) is None
    job.pipeline.abort_packages()
    assert job.sync(reconcile_share=0).complete
    assert job.differences() == []
