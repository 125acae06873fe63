"""Peers that keep a client waiting: each does the same to every connection, until the test ends."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PACE = 0.01
"""Seconds between two bytes of a peer that drips."""


class Peer:
    """A server on loopback that a behaviour answers for.

    Attributes:
        port: where it listens.
        received: what clients have sent over all connections.
        met: counts the connections that have been accepted.
        gone: counts those that the client has ended.
        over: whether the test is.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.received = b""
        self.met = threading.Semaphore(0)
        self.gone = threading.Semaphore(0)
        self.over = threading.Event()
        self._behaviour = behaviour
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    @property
    def base_url(self) -> str:
        """What a user would configure."""
        return f"http://127.0.0.1:{self.port}/api"

    def accept(self) -> None:
        """Serves connections until it is closed."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.met.release()
                for serve in (self._listen, self._answer):
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Ends all."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _listen(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while received := connection.recv(65_536):
                self.received += received
        self.gone.release()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self._behaviour(connection, self.over)
            self.over.wait()


Behaviour = Callable[[socket.socket, threading.Event], None]


@contextmanager
def peer(behaviour: Behaviour) -> Iterator[Peer]:
    """Runs a peer of that behaviour."""
    made = Peer(behaviour)
    thread = threading.Thread(target=made.accept, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join()


def silent(_connection: socket.socket, _over: threading.Event) -> None:
    """Says nothing, ever."""


def drips_a_header(connection: socket.socket, over: threading.Event) -> None:
    """Sends a header that has no end, byte by byte."""
    _drip(connection, over, b"HTTP/1.1 200 OK\r\nX-Endless: ", b"a")


def drips_a_body(connection: socket.socket, over: threading.Event) -> None:
    """Sends a body that takes for ever, byte by byte."""
    _drip(connection, over, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ")


def sends_interim_answers(connection: socket.socket, over: threading.Event) -> None:
    """Answers that an answer is to come, again and again."""
    _drip(connection, over, b"", b"HTTP/1.1 100 Continue\r\n\r\n")


def drips_a_handshake(connection: socket.socket, over: threading.Event) -> None:
    """Begins to answer the first message of TLS, byte by byte."""
    _drip(connection, over, b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb", b"\x03")


def _drip(connection: socket.socket, over: threading.Event, first: bytes, then: bytes) -> None:
    connection.sendall(first)
    while not over.wait(PACE):
        connection.sendall(then)
