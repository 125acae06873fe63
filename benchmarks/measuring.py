"""Runs a contender as a process of its own beside a server, and takes the measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import duckdb

from benchmarks.contenders import TOKEN, Contender

CEILING_SECONDS = 1.0


class ContenderError(Exception):
    """A contender failed: the text has the end of its output."""


@dataclass(frozen=True)
class Run:
    """What one process took.

    Attributes:
        seconds: wall time from start to end.
        cpu: seconds that all its processes computed.
        megabytes: most memory that its largest process had at a time.
        asked: what the server counted: `requests`, `listings`, `refused`, and the `seconds` from
            the first to the last.
        rows: rows by table that are in the DuckDB file afterwards.
        missing: rows by table that the workspace has and the file has not.
        state: bytes that it remembers for the next run; None: unknown.
    """

    seconds: float
    cpu: float
    megabytes: float
    asked: dict[str, Any]
    rows: dict[str, int]
    missing: dict[str, int]
    state: int | None


class Server:
    """A running server of a workspace.

    Args:
        url: its address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = HTTPConnection(urlsplit(url).netloc)

    def counts(self) -> dict[str, Any]:
        """What was asked since the last call, and the rows of the workspace."""
        told: dict[str, Any] = json.loads(self._get("/control/counts"))
        return told

    def change(self, share: float, messages: int) -> None:
        """Lets a share of the contacts write so many messages each."""
        self._get("/control/change?" + urlencode({"share": share, "messages": messages}))

    def ceiling(self) -> tuple[float, float]:
        """What one client gets that does nothing but read: requests and megabytes a second."""
        pages = ["/api/v1/contacts?perPage=50"]
        for row in json.loads(self._get(pages[0]))["data"]:
            pages.append(f"/api/v1/contacts/id:{row['id']}/messages?perPage=500")
        requests = read = 0
        began = time.monotonic()
        while (took := time.monotonic() - began) < CEILING_SECONDS:
            read += len(self._get(pages[requests % len(pages)]))
            requests += 1
        self.counts()
        return requests / took, read / took / 1e6

    def _get(self, target: str) -> bytes:
        self._connection.request("GET", target)
        return self._connection.getresponse().read()


@contextmanager
def serving(options: tuple[str, ...]) -> Iterator[Server]:
    """Runs a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.server", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdin
        try:
            yield Server(process.stdout.readline().strip())
        finally:
            process.stdin.close()


def measure(contender: Contender, server: Server, folder: Path, variables: dict[str, str]) -> Run:
    """Runs a contender to its end.

    Args:
        contender: who.
        server: whom it asks.
        folder: where it runs; what an earlier run left there is its state.
        variables: environment variables that lead to its programs.

    Raises:
        ContenderError: it failed.
    """
    environment = {
        **os.environ,
        **variables,
        **contender.variables,
        "CHATBOTX_URL": f"{server.url}/api",
        "CHATBOTX_TOKEN": TOKEN,
        "SOURCES__CHATBOTX__BASE_URL": f"{server.url}/api",
        "SOURCES__CHATBOTX__API_TOKEN": TOKEN,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(folder / "dlt"),
    }
    # Where it is set, every start compiles every import anew: a second or more.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    server.counts()
    with (folder / "output.txt").open("w") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            contender.command, cwd=folder, env=environment, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        told = (folder / "output.txt").read_text()[-2_000:]
        raise ContenderError(f"{contender.title} ended with {process.returncode}:\n{told}")
    asked = server.counts()
    rows = _rows(contender, folder)
    missing = {table: asked["rows"][table] - count for table, count in rows.items()}
    state = (folder / contender.state).stat().st_size if contender.state else None
    cpu = usage.ru_utime + usage.ru_stime
    return Run(seconds, cpu, usage.ru_maxrss / 1024, asked, rows, missing, state)


def _rows(contender: Contender, folder: Path) -> dict[str, int]:
    if contender.rows is None:
        return {}
    with duckdb.connect(str(folder / contender.file), read_only=True) as connection:
        found = {
            table: connection.execute(query).fetchall()[0][0]
            for table, query in contender.rows.items()
        }
    return {table: int(count or 0) for table, count in found.items()}
