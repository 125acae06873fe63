"""Runs the command against the bundled stand-in of the API."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path

from chatbotx_source.dlt_internals.configuration import pipelines_apart
from chatbotx_source.errors import ConfigurationError

SANDBOX_NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
"""A fixed date, so that every run sees the same workspace and a second one finds nothing new."""

SANDBOX_PORT = 8787
"""A fixed port: progress belongs to a base URL, so a second run continues where one ended."""


@contextmanager
def sandbox_running() -> Iterator[None]:
    """Runs the stand-in of the API and points the source to it.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        from chatbotx_source.sandbox import Sandbox, synthetic
    except ImportError:
        raise ConfigurationError(
            "The sandbox needs an extra: pip install 'chatbotx-source[sandbox]'."
        ) from None
    workspace = synthetic(seed=7, contacts=200, now=SANDBOX_NOW)
    with ExitStack() as stack:
        try:
            sandbox = stack.enter_context(Sandbox(workspace, port=SANDBOX_PORT))
        except OSError:  # the port is taken
            sandbox = stack.enter_context(Sandbox(workspace))
        stack.enter_context(
            _environment(
                SOURCES__CHATBOTX__BASE_URL=sandbox.base_url,
                SOURCES__CHATBOTX__API_TOKEN=sandbox.token,
                SOURCES__CHATBOTX__MAX_REQUESTS_PER_SECOND="0",
                **pipelines_apart(_name_here()),
            )
        )
        yield


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _name_here() -> str:
    """Names the folder where dlt keeps the pipelines of this directory alone.

    In dlt's usual place, which all directories share, a pipeline stays with the files of the
    directory in which it first ran; the sandbox should work in any number of directories.
    """
    here = hashlib.sha256(os.fsencode(Path.cwd())).hexdigest()[:16]
    return f"sandbox_{here}"
