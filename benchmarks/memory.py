"""Seconds and peak memory of the command, by the number of messages in the workspace.

python benchmarks/memory.py 10000 200000
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(*sizes: str) -> None:
    """Prints a line for each size; every run is a process of its own, and so is the sandbox."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            seconds = loaded(int(size), folder)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        print(f"{int(size):>10,} messages {seconds:6.1f} s, at most {peak:,} MB so far", flush=True)


def loaded(messages: int, folder: str) -> float:
    """Loads a synthetic workspace into a fresh DuckDB file; the seconds it took."""
    arguments = ["--port", "0", "--contacts", "200", "--messages", str(messages)]
    server = [sys.executable, "-m", "chatbotx_source.sandbox", *arguments]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            told = iter(sandbox.stdout or ())
            url = next(word for line in told for word in line.split() if word.startswith("http"))
            command = [str(Path(sys.executable).parent / "chatbotx-pipeline"), "--base-url", url]
            environment = {
                **os.environ,
                "SOURCES__CHATBOTX__API_TOKEN": "sandbox-token",
                "SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND": "0",
                "DLT_DATA_DIR": folder,
            }
            began = time.monotonic()
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
            return time.monotonic() - began
        finally:
            sandbox.terminate()


if __name__ == "__main__":
    main(*sys.argv[1:])
