"""A sync in a process of its own, which dies without a word at a chosen moment."""

from __future__ import annotations

import itertools
import logging
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import dlt
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from chatbotx_source import sync
from chatbotx_source.sandbox import Request
from tests.support.loading import Job

Kind = Literal["request", "file", "statement"]
"""What is counted until the process dies: requests that it sends, changes of files in the directory
of the pipelines (the steps of dlt), statements that it sends to DuckDB (the loading, and the
marking of removals)."""

FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"})

_processes = get_context("forkserver")  # a fork of a process that has imported dlt costs nothing
_processes.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Death:
    """When to die: before the `at`-th event of a kind, of those in whose text `about` is found.

    The text is the path of a request or of a file, or the statement; `about` is a regular
    expression.
    """

    kind: Kind
    at: int = 1
    about: str = ""


@dataclass(frozen=True)
class Report:
    """How a sync ended that was not killed.

    Attributes:
        complete: whether everything is read.
        error: the traceback; None when it did not fail.
    """

    complete: bool
    error: str | None


def sync_apart(job: Job, death: Death | None = None, **options: Any) -> Report | None:
    """Syncs a job in a process of its own.

    Args:
        job: what to sync.
        death: when the process dies; None is never.
        **options: of the sync and of the source.

    Returns:
        How it ended; None when it died.
    """
    receiver, sender = _processes.Pipe(duplex=False)
    pipelines = job.file.parent / "pipelines"
    arguments = (job.file, pipelines, {**job.options, **options}, death, dict(os.environ), sender)
    process = _processes.Process(target=_work, args=arguments)
    count = _Counter("request", death, lambda: os.kill(process.pid or 0, signal.SIGKILL))

    def arrive(request: Request) -> None:
        count(request.path)

    job.sandbox.before.append(arrive)
    process.start()
    sender.close()
    try:
        report: Report = receiver.recv()
    except EOFError:
        return None
    finally:
        process.join()
        job.sandbox.before.remove(arrive)
    return report


def _work(
    file: Path,
    pipelines: Path,
    options: dict[str, Any],
    death: Death | None,
    environment: dict[str, str],
    report: Connection,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    logging.disable(logging.CRITICAL)
    _count_files(str(pipelines), _Counter("file", death, _die))
    _count_statements(_Counter("statement", death, _die))
    complete, error = False, None
    try:
        # Under the names that Job gives, so that it may go on with this pipeline.
        pipeline = dlt.pipeline(
            file.stem,
            pipelines_dir=str(pipelines),
            destination=dlt.destinations.duckdb(str(file)),
            dataset_name="data",
        )
        complete = sync(pipeline, **options).complete
    except BaseException:
        error = traceback.format_exc()
    report.send(Report(complete, error))
    report.close()
    os._exit(0)


class _Counter:
    def __init__(self, kind: Kind, death: Death | None, die: Callable[[], None]) -> None:
        self._death = death if death and death.kind == kind else None
        self._numbers = itertools.count(1)  # its next() is atomic among threads
        self._die = die

    def __call__(self, text: str) -> None:
        death = self._death
        if death and re.search(death.about, text) and next(self._numbers) == death.at:
            self._die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _count_files(directory: str, count: Callable[[str], None]) -> None:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in FILE_EVENTS:
            return
        path = str(arguments[0])
        # What a removed directory holds has no path in these events, but a name.
        if not path.startswith(directory) and (Path(path).is_absolute() or event == "open"):
            return
        if event != "open" or arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            count(path)

    sys.addaudithook(hook)


def _count_statements(count: Callable[[str], None]) -> None:
    execute = DuckDbSqlClient.execute_query

    def counted(self: DuckDbSqlClient, query: str, *args: Any, **kwargs: Any) -> Any:
        count(query)
        return execute(self, query, *args, **kwargs)

    DuckDbSqlClient.execute_query = counted  # type: ignore[method-assign, assignment]
