"""A signal ends the command within its bounds, whatever a peer does; the second one at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.peers import Behaviour, drips_a_header, peer, sends_interim_answers, silent

COMMAND = "from chatbotx_source.cli import script; script()"
STUCK_LOOKUP = f"""
import socket, sys, threading
def stuck(*asked, **options):
    print("looking up", file=sys.stderr, flush=True)
    threading.Event().wait()
socket.getaddrinfo = stuck
{COMMAND}
"""
PIPELINE = """
import dlt, chatbotx_source
dlt.pipeline("mine", destination="duckdb").run(chatbotx_source.chatbotx())
"""

BOUND = 10.0
"""Seconds from the first signal to the end of reading; nothing was read that would be loaded."""


@pytest.fixture(autouse=True)
def settings() -> None:
    os.environ |= {"SOURCES__CHATBOTX__API_TOKEN": "a-token", "SOURCES__CHATBOTX__GRACE": "0.1"}


@contextmanager
def started(program: str, base_url: str) -> Iterator[subprocess.Popen[str]]:
    """A program in a process of its own."""
    os.environ["SOURCES__CHATBOTX__BASE_URL"] = base_url
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[str], *signals: signal.Signals) -> tuple[str, str]:
    """Sends signals, and waits for the end: what was said on the way."""
    sent = time.monotonic()
    for number in signals:
        process.send_signal(number)
    said = process.communicate(timeout=60)
    assert time.monotonic() - sent < BOUND
    return said


@pytest.mark.parametrize(
    "behaviour",
    [
        silent,
        pytest.param(drips_a_header, marks=pytest.mark.long),
        pytest.param(sends_interim_answers, marks=pytest.mark.long),
    ],
)
def test_a_signal_ends_the_load_of_a_peer_that_never_answers(behaviour: Behaviour) -> None:
    with peer(behaviour) as server, started(COMMAND, server.base_url) as process:
        assert server.met.acquire(timeout=60)
        out, err = end(process, signal.SIGTERM)
    assert process.returncode == 130
    assert "an interrupt" in out
    assert "Traceback" not in err


@pytest.mark.long
def test_a_signal_ends_the_load_while_a_name_is_looked_up() -> None:
    with started(STUCK_LOOKUP, "https://chat.example.com/api") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "looking up\n"
        out, _err = end(process, signal.SIGTERM)
    assert process.returncode == 130
    assert "an interrupt" in out


def test_the_second_signal_ends_the_command_at_once() -> None:
    os.environ["SOURCES__CHATBOTX__GRACE"] = "600"
    with peer(silent) as server, started(COMMAND, server.base_url) as process:
        assert server.met.acquire(timeout=60)
        _out, err = end(process, signal.SIGTERM, signal.SIGINT)
    assert process.returncode == 130
    assert err.startswith("Interrupted: what was loaded is kept")


@pytest.mark.long
def test_ctrl_c_ends_a_script_that_runs_the_source_itself() -> None:
    with started(
        STUCK_LOOKUP.replace(COMMAND, PIPELINE), "https://chat.example.com/api"
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "looking up\n"
        _out, err = end(process, signal.SIGINT)
    assert "KeyboardInterrupt" in err.rstrip().splitlines()[-1]
