"""Finds the workspaces that the configuration names, and runs a process for each of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import dlt

from chatbotx_source.dlt_internals.configuration import secret_sections
from chatbotx_source.errors import ConfigurationError
from chatbotx_source.stopping import on_signals

ALL = "all"
"""Stands for every workspace with a token of its own."""

NOT_STARTED = -signal.SIGTERM
"""The status of a process that was never started, because the others were asked to end."""

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.IGNORECASE)


def chosen(names: Iterable[str]) -> list[str]:
    """Finds the workspaces that were asked for.

    Args:
        names: names of sections of the configuration, or `all`.

    Returns:
        Their names, each once.

    Raises:
        ConfigurationError: a workspace is not configured, or none is.
    """
    asked = dict.fromkeys(names)
    known = configured()
    if ALL in asked:
        asked = dict.fromkeys(known)
    for name in asked:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} cannot name a workspace: use letters, digits and underscores, and begin "
                "with a letter."
            )
        if name not in known and dlt.secrets.get(f"sources.chatbotx.{name}.api_token") is None:
            raise ConfigurationError(
                f"The workspace {name!r} has no token: set api_token under "
                f"[sources.chatbotx.{name}] in .dlt/secrets.toml, or "
                f"SOURCES__CHATBOTX__{name.upper()}__API_TOKEN."
            )
    if not asked:
        raise ConfigurationError(
            "No workspace is configured: give each a section [sources.chatbotx.NAME] with an "
            "api_token in .dlt/secrets.toml."
        )
    return list(asked)


def configured() -> list[str]:
    """Lists the workspaces that have a token in dlt's files or in the environment."""
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
    """Looks up an option whose value is needed before the source is made.

    Args:
        name: name of the option.
        given: value of the argument, which takes precedence.
        type_: type of the value.
        workspace: workspace whose own section comes before the common one.

    Returns:
        The value; None if nothing is given or configured.
    """
    if given is None and workspace is not None:
        given = dlt.config.get(f"sources.chatbotx.{workspace}.{name}", type_)
    return dlt.config.get(f"sources.chatbotx.{name}", type_) if given is None else given


def run_each(
    commands: Mapping[str, Sequence[str]], *, parallel: int, tell: Callable[[str, str], None]
) -> dict[str, int]:
    """Runs a command for each workspace, a few at a time; none affects the others.

    SIGINT and SIGTERM are passed on to the running ones, and no more are started.

    Args:
        commands: the command of each workspace.
        parallel: how many run at a time.
        tell: called with the workspace and each line that its command prints.

    Returns:
        The exit status of each workspace; negative for the signal that ended it.
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
                start_new_session=True,  # else Ctrl-C would reach it twice
            )
        for line in process.stdout or ():
            tell(name, line.rstrip("\n"))
        return process.wait()

    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()
        for process in tuple(running.values()):
            process.send_signal(signal.SIGTERM)

    with on_signals(end), ThreadPoolExecutor(parallel) as pool:
        return dict(zip(commands, pool.map(run, commands), strict=True))
