"""Tries a mutant: a copy of the package with the mistake in it, and a search that plays it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "chatbotx_source"

KILLED = ("BrokenPromise", "EndlessError")
"""How a line speaks of a history that a search refuses. Any other failure proves nothing."""


class SearchError(Exception):
    """A search that says neither that it found something nor that it did not."""


@dataclass(frozen=True)
class Search:
    """A search for histories that break a promise.

    Attributes:
        name: of its package within the tests.
        mutants: those that it has to find.
        histories: in so many random ones, after those written by hand.
    """

    name: str
    mutants: tuple[Mutant, ...]
    histories: int


async def found(
    search: Search, mutant: Mutant | None, *, histories: int, seed: int, seconds: float | None
) -> str | None:
    """Searches the package with a mistake in it.

    Args:
        search: the search.
        mutant: the mistake; None for the package as it is.
        histories: how many random ones are played.
        seed: of the first of them.
        seconds: after which it is given up.

    Returns:
        The line by which the search refuses the package; empty if it finds nothing; None if the
        time did not suffice.

    Raises:
        StaleMutantError: the mutant does not fit the source.
        SearchError: the search failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / PACKAGE.name
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant:
            mutant.path(copy).write_text(mutant.changed(copy))
        # The working directory comes before PYTHONPATH, and so the copy before the package.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"tests.{search.name}", "--quick"),
            *(f"--histories={histories}", f"--seed={seed}"),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": folder},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            output, errors = await asyncio.wait_for(process.communicate(), seconds)
        except asyncio.TimeoutError:
            return None
        finally:
            if process.returncode is None:  # it has processes of its own
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
    line = output.decode().partition("\n")[0]
    if process.returncode == 0:
        return ""
    if not any(word in line for word in KILLED):
        raise SearchError(f"{mutant and mutant.what}: {output.decode()}{errors.decode()}")
    return line
