"""Several workspaces: how they are named in the configuration, and a process for each of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any

import dlt

from chatbotx_source.dlt_internals.configuration import secret_sections
from chatbotx_source.errors import ConfigurationError

ALL = "all"
"""Stands for every workspace that has a token of its own."""

NOT_STARTED = -signal.SIGTERM
"""The status of a process that was not even started, because the others were asked to end."""

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.IGNORECASE)


def chosen(names: Iterable[str]) -> list[str]:
    """Finds the workspaces that were asked for.

    Args:
        names: of sections of the configuration, or `all`.

    Returns:
        Their names, each once.

    Raises:
        ConfigurationError: there is no such workspace, or none at all.
    """
    asked = dict.fromkeys(names)
    known = configured()
    if ALL in asked:
        asked = dict.fromkeys(known)
    for name in asked:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} cannot name a workspace: write it with letters, digits and underscores."
            )
        if name not in known and dlt.secrets.get(f"sources.chatbotx.{name}.api_token") is None:
            raise ConfigurationError(
                f"The workspace {name!r} has no token: set api_token under "
                f"[sources.chatbotx.{name}] in .dlt/secrets.toml, or "
                f"SOURCES__CHATBOTX__{name.upper()}__API_TOKEN."
            )
    if not asked:
        raise ConfigurationError(
            "No workspace is configured: give each of them a section [sources.chatbotx.NAME] in "
            ".dlt/secrets.toml, with an api_token."
        )
    return list(asked)


def configured() -> list[str]:
    """The names of the workspaces that have a token in dlt's files or in the environment."""
    in_environment = (
        re.fullmatch(r"SOURCES__CHATBOTX__(\w+)__API_TOKEN", key) for key in os.environ
    )
    names = {match[1].lower() for match in in_environment if match}
    for section in secret_sections("chatbotx", "sources"):
        names |= {
            name
            for name, values in section.items()
            if isinstance(values, Mapping) and "api_token" in values
        }
    return sorted(names)


def setting(name: str, given: Any, type_: type, workspace: str | None = None) -> Any:
    """What holds of an option, where it has to be known before the source is made.

    Args:
        name: of the option.
        given: an argument, which wins.
        type_: of its value.
        workspace: whose own section comes before that of all.

    Returns:
        The value; None where nothing is given or configured.
    """
    if given is None and workspace is not None:
        given = dlt.config.get(f"sources.chatbotx.{workspace}.{name}", type_)
    return dlt.config.get(f"sources.chatbotx.{name}", type_) if given is None else given


def run_each(
    commands: Mapping[str, Sequence[str]], *, parallel: int, tell: Callable[[str, str], None]
) -> dict[str, int]:
    """Runs a command for each workspace, a few at a time; what becomes of one is its own affair.

    SIGINT and SIGTERM are passed on to those that run, and no other is started after that.

    Args:
        commands: by the name of the workspace.
        parallel: how many at a time.
        tell: called with the name and each line that the command prints.

    Returns:
        The exit status of each; negative for the signal that ended it.
    """
    running: dict[str, subprocess.Popen[str]] = {}
    ending = threading.Event()
    starting = threading.Lock()

    def run(name: str) -> int:
        with starting:
            if ending.is_set():
                return NOT_STARTED
            running[name] = process = subprocess.Popen(  # noqa: S603 - the commands are our own
                commands[name],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
                start_new_session=True,  # or else Ctrl-C would reach it twice
            )
        for line in process.stdout or ():
            tell(name, line.rstrip("\n"))
        return process.wait()

    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()
        for process in tuple(running.values()):
            process.send_signal(signal.SIGTERM)

    with _on_signals(end), ThreadPoolExecutor(parallel) as pool:
        return dict(zip(commands, pool.map(run, commands), strict=True))


@contextmanager
def _on_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)
