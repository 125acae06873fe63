"""What the tests of the scheduled jobs share: workers that come and go, and what they leave."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatbotx_source.sandbox import Request, Sandbox
from tests.support.loading import reading
from tests.support.oracle import difference, expected, loaded

JOBS = Path(__file__).parents[2] / "pipelines"

OTHERS = re.compile("AIRFLOW|DAGSTER")
"""Names of variables that belong to another installation than the test's."""

WATCHED = """
import json, sys, time
{framework}
calls = {{"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}}
events = []
sys.addaudithook(lambda event, _: event in calls and events.append(event))
began = time.process_time()
{job}
seconds = time.process_time() - began
print(json.dumps({{"seconds": seconds, "network": events, "found": found}}))
"""


@dataclass
class Worker:
    """A machine without a past: it shares the place with others, but no file of dlt's.

    Attributes:
        place: its working directory, where DuckDB files stay.
        name: of this worker.
        settings: what is in the environment of all that it runs.
    """

    place: Path
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts Python with these arguments, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.place,
            env={
                **{name: value for name, value in os.environ.items() if not OTHERS.match(name)},
                "DLT_DATA_DIR": str(self.place / self.name),
                "SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND": "0",
                "SOURCES__CHATBOTX__MAX_WAIT": "1",
                **self.settings,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def run(self, *arguments: str, kill: tuple[Sandbox, int] | None = None) -> tuple[int, str]:
        """Runs Python with these arguments.

        Args:
            *arguments: its arguments.
            kill: the sandbox, and the number of the request to it, at which all dies.

        Returns:
            The status, and what was printed.
        """
        with self.start(*arguments) as process:

            def count(request: Request) -> None:
                if kill and request.number == kill[1]:
                    os.killpg(process.pid, signal.SIGKILL)

            if kill:
                kill[0].before.append(count)
            printed, _ = process.communicate()
            if kill:
                kill[0].before.remove(count)
        return process.returncode, printed

    def parse(self, framework: str, job: str) -> dict[str, Any]:
        """Runs what a framework imports by itself, and then watches it read a job.

        Args:
            framework: statements.
            job: statements that read the job, and assign to `found` what is to be told.

        Returns:
            `seconds` of computing that the job took, its calls of the `network`, what was `found`.
        """
        status, printed = self.run("-c", WATCHED.format(framework=framework, job=job))
        assert status == 0, printed
        told: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return told


def differences(place: Path, name: str, sandbox: Sandbox) -> list[str]:
    """How the tables of a workspace differ from the truth; empty when they do not."""
    with reading(place / f"chatbotx_{name}.duckdb", f"chatbotx_data_{name}") as connection:
        return difference(expected(sandbox.workspace), loaded(connection))
