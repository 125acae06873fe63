"""One exchange with a server, in a thread of its own: whoever waits for it may go on without it."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import requests
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

Received = TypeVar("Received")

_here = threading.local()


class Exchange(Generic[Received]):
    """A request and its answer, under way from now on.

    No timeout of a socket ends a name lookup, or a peer that sends a byte now and then. So the
    request is made in a thread that nobody waits for, not even at the end of the process, as
    `concurrent.futures` would. What it says over a connection of an `Adapter` can be cut: that
    ends the thread, too, wherever it is in connecting, in TLS or in an answer.

    Args:
        act: makes the request.

    Attributes:
        connected: whether it has had a connection.
    """

    def __init__(self, act: Callable[[], Received]) -> None:
        self.connected = False
        self._act = act
        self._outcome: SimpleQueue[Received | BaseException | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._cut = False
        threading.Thread(target=self._run, name="chatbotx exchange", daemon=True).start()

    def result(self, seconds: float) -> Received | None:
        """Waits for the answer.

        Args:
            seconds: how long, at most.

        Returns:
            What `act` returned; None when it has not, by then or because it was cut.

        Raises:
            BaseException: what `act` raised.
        """
        try:
            outcome = self._outcome.get(timeout=min(seconds, threading.TIMEOUT_MAX))
        except Empty:
            return None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def cut(self) -> None:
        """Ends it, if it is still under way, and the waiting for it."""
        with self._lock:
            self._cut = True
            self._shut_down()
        self._outcome.put(None)

    def use(self, connection: socket.socket) -> None:
        """Goes on over this connection.

        Args:
            connection: stays the caller's; TLS may take its descriptor over.
        """
        line = socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        with self._lock:
            self._hang_up()
            self._line, self.connected = line, True
            if self._cut:
                self._shut_down()

    def _run(self) -> None:
        _here.exchange = self
        outcome: Received | BaseException
        try:
            outcome = self._act()
        except BaseException as error:
            outcome = error
        with self._lock:
            self._hang_up()  # first: the connection may be another exchange's from now on
        self._outcome.put(outcome)

    def _shut_down(self) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):  # the peer was faster
                self._line.shutdown(socket.SHUT_RDWR)

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class Adapter(requests.adapters.HTTPAdapter):
    """Gives a session connections, direct ones and through proxies, that an exchange can cut."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Prepares for direct connections."""
        super().init_poolmanager(*args, **options)
        _make_cuttable(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Finds what makes connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        _make_cuttable(manager)
        return manager


class _Connection(HTTPConnection):
    """Tells the exchange that it serves, each time, of its socket."""

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        _tell(connection)  # before TLS, and before a proxy is asked for a tunnel
        return connection

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is not None:
            _tell(self.sock)
        super().request(*args, **options)


def _tell(connection: socket.socket) -> None:
    exchange: Exchange[Any] | None = getattr(_here, "exchange", None)
    if exchange is not None:
        exchange.use(connection)


def _make_cuttable(manager: Any) -> None:
    manager.pool_classes_by_scheme = {
        scheme: _cuttable(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@functools.cache
def _cuttable(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    plain: Any = pool.ConnectionCls
    if issubclass(plain, _Connection):
        return pool
    connection = type(plain.__name__, (_Connection, plain), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
