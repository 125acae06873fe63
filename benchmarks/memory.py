"""Seconds and peak memory of the command, by the number of messages in the workspace.

python benchmarks/memory.py 10000 200000
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(*sizes: str) -> None:
    """Prints a line for each size; every run is a process of its own, and so is the sandbox."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            seconds, peak = loaded(int(size), folder)
        print(f"{int(size):>10,} messages {seconds:6.1f} s {peak:6,.0f} MB", flush=True)


def loaded(messages: int, folder: str) -> tuple[float, float]:
    """Loads a synthetic workspace into a fresh DuckDB file; its seconds and peak megabytes."""
    arguments = ["--port", "0", "--contacts", "200", "--messages", str(messages)]
    server = [sys.executable, "-m", "chatbotx_source.sandbox", *arguments]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            told = iter(sandbox.stdout or ())
            url = next(word for line in told for word in line.split() if word.startswith("http"))
            url = url.partition("/api")[0] + "/api"
            command = [str(Path(sys.executable).parent / "chatbotx-pipeline"), "--base-url", url]
            environment = {
                **os.environ,
                "SOURCES__CHATBOTX__API_TOKEN": "sandbox-token",
                "SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND": "0",
                "DLT_DATA_DIR": folder,
            }
            began = time.monotonic()
            load = subprocess.Popen(command, cwd=folder, env=environment, stdout=sys.stderr)
            _, status, usage = os.wait4(load.pid, 0)
            if status:
                raise SystemExit(f"the command failed: {os.waitstatus_to_exitcode(status)}")
            return time.monotonic() - began, usage.ru_maxrss / 1024
        finally:
            sandbox.terminate()


if __name__ == "__main__":
    main(*sys.argv[1:])
