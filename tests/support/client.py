"""What the tests of the client share: a clock that only sleeping moves, and a scripted server."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from chatbotx_source.api.client import Client

TOKEN = "tok-3f1c9a77e2"
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
EMPTY_PAGE = b'{"data":[],"nextCursor":null,"prevCursor":null}'
EMPTY_LISTING = b'{"data":[],"pageCount":0}'


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.passed += seconds

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)


def client_at(base_url: str, clock: Clock | None = None, **options: Any) -> Client:
    """A client without a pace, on a clock of its own."""
    clock = clock or Clock()
    defaults: dict[str, Any] = {
        "api_token": TOKEN,
        "max_requests_per_second": 0,
        "sleep": clock.sleep,
        "monotonic": clock.monotonic,
        "now": clock.now,
    }
    return Client(base_url, **(defaults | options))


def reply(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """An HTTP answer in bytes; `length` declares another length than the body's."""
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {length or len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class ScriptedServer:
    """Answers requests with given bytes in turn, the last of them for ever.

    Attributes:
        base_url: Where it listens.
        heads: The requests as received, up to the empty line.
        connections: How many connections were accepted.
    """

    def __init__(self, answers: tuple[bytes, ...], port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/api"
        self.heads: list[str] = []
        self.connections = 0
        self._answers = answers
        self._lock = threading.Lock()

    @property
    def targets(self) -> list[str]:
        """Path and query of each request, as received."""
        return [head.split(" ")[1] for head in self.heads]

    def next_answer(self, head: str) -> bytes:
        with self._lock:
            self.heads.append(head)
            return self._answers[min(len(self.heads), len(self._answers)) - 1]


@contextmanager
def scripted(*answers: bytes) -> Iterator[ScriptedServer]:
    """Run a scripted server; it hangs up after an answer with `Connection: close`."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            server.connections += 1
            while head := self.read_head():
                answer = server.next_answer(head)
                self.wfile.write(answer)
                if b"Connection: close" in answer:
                    return

        def read_head(self) -> str:
            head = b""
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                head += line
            return head.decode("latin-1")

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Listener(("127.0.0.1", 0), Handler) as listener:
        server = ScriptedServer(answers, listener.server_address[1])
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
