"""What the tests of loading share: a clean environment, and a workspace with a pipeline."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chatbotx_source.sandbox import Workspace
from tests.support.loading import Job

# A shell lets what it runs in the background ignore Ctrl-C, and the processes of that inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)

CONFIGURATION = ("SOURCES__", "DESTINATION__", "LOAD__", "RUNTIME__", "DLT_")


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of the user's configuration counts, and nothing that a test sets outlives it."""
    before = dict(os.environ)
    logger = logging.getLogger("chatbotx_source")
    level = logger.level
    for name in before:
        if name.startswith(CONFIGURATION):
            del os.environ[name]
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(tmp_path / "dlt")}
    monkeypatch.chdir(tmp_path)
    yield
    os.environ.clear()
    os.environ.update(before)
    logger.setLevel(level)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Job]]:
    """Serves a workspace, with a pipeline to load it; the arguments are those of `Job`."""
    with ExitStack() as stack:

        def serving(workspace: Workspace, **options: Any) -> Job:
            return stack.enter_context(Job(workspace, tmp_path, **options))

        yield serving
