"""Sends one request to the ChatbotX API and brings back its answer, or one typed error.

Authentication, pacing, time limits and retries happen here, and nothing else: what to ask for next
is decided elsewhere, and `answers` says what an answer means.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlencode

import requests
import urllib3

from chatbotx_source import clock
from chatbotx_source.api.addresses import (
    check_base_url,
    check_identifier,
    check_token,
    contact_path,
)
from chatbotx_source.api.exchange import Adapter, Exchange
from chatbotx_source.api.pacing import Pace, backoff_delay, rate_limit_delay
from chatbotx_source.api.responses import (
    Call,
    Refusal,
    judge,
    judge_delay,
    judge_oversized,
    judge_silence,
    parse_date,
    parse_retry_after,
    parse_seconds,
)
from chatbotx_source.errors import (
    ChatbotXError,
    ConfigurationError,
    RateLimitError,
    StoppedError,
)
from chatbotx_source.settings import (
    LISTING_PAGE,
    MAX_WAIT,
    MOST_WORKERS,
    REQUEST_TIMEOUT,
    REQUESTS_PER_SECOND,
)

logger = logging.getLogger(__name__)

# 4,000 messages are 3.6 MB. A page beyond this is asked for again as smaller ones.
MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_PAGE_COUNT = 2**31 - 1  # beyond it `pageCount` is no count of pages
CHUNK_BYTES = 256 * 1024
LONG_WAIT = 30.0  # seconds from which a wait is worth a warning
STOP_CHECK_INTERVAL = 1.0  # seconds


_Received = tuple[int, Mapping[str, str], bytes] | Refusal
"""Status, headers and body of an answer as they came, or why it was not read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A page or a row as the server gave it.

    Attributes:
        body: the decoded JSON object. Pages hold a list of objects in `data`.
        date: the server's clock (`Date` header), aware; None when missing or unreadable.
        age: seconds the answer lay in a cache (`Age` header), None when missing.
        attempts: requests it took, retries included.
    """

    body: dict[str, Any]
    date: datetime | None
    age: float | None
    attempts: int = 1


class Client:
    """A connection to one ChatbotX workspace for reading: it sends nothing but GET.

    Threads may share a client. They use one `requests.Session`: nothing in it changes after
    construction, since no cookie is kept, and its connection pool has its own locks. They share
    one pace, too: a rate limit that one of them meets holds all of them back.

    Building a client sends nothing and needs no token; the first request does.

    Args:
        base_url: address of the API, such as `https://app.chatbotx.io/api`.
        api_token: token of the workspace; None or empty fails at the first request.
        allow_http: accepts `http://` for hosts other than this machine.
        max_requests_per_second: pace of all threads together; fractions are fine, 0 sets none.
        max_wait: seconds that one wait may last, and all waits of one request for a rate limit
            together. What would take longer is a `RateLimitError`.
        connect_timeout: seconds to connect.
        read_timeout: seconds of silence while an answer is awaited or read.
        request_timeout: seconds for a whole request, from the name lookup to the last byte of its
            answer, whatever the peer does. Each attempt has as many.
        max_body_bytes: size beyond which a body is not read on.
        max_attempts: requests sent before a fault is final. Rate limits do not count here:
            `max_wait` bounds them.
        sleep: waits that many seconds.
        monotonic: clock in seconds, which must move on during `sleep`.
        now: the time of day, aware, for a `Retry-After` that is a date.
        stop: asked at least once a second during a wait; true ends it with a `StoppedError`.

    Attributes:
        base_url: the address, without a slash at its end.
        requests: requests sent so far, retries included.

    Raises:
        ConfigurationError: an argument cannot be used; the text says which and why.
    """

    def __init__(
        self,
        base_url: str,
        api_token: str | None,
        *,
        allow_http: bool = False,
        max_requests_per_second: float = REQUESTS_PER_SECOND,
        max_wait: float = MAX_WAIT,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        request_timeout: float = REQUEST_TIMEOUT,
        max_body_bytes: int = MAX_BODY_BYTES,
        max_attempts: int = 5,
        sleep: Callable[[float], object] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = clock.now,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        _check_at_least(0, max_requests_per_second=max_requests_per_second, max_wait=max_wait)
        _check_at_least(0.001, connect_timeout=connect_timeout, read_timeout=read_timeout)
        _check_at_least(0.001, request_timeout=request_timeout)
        _check_at_least(1, max_body_bytes=max_body_bytes, max_attempts=max_attempts)
        self.base_url = check_base_url(base_url, allow_http=allow_http)
        self.requests = 0
        self._token = check_token(api_token)
        self._max_wait = max_wait
        self._timeouts = (connect_timeout, read_timeout)
        self._request_timeout = request_timeout
        self._max_body_bytes = max_body_bytes
        self._max_attempts = max_attempts
        self._sleep = sleep
        self._monotonic = monotonic
        self._now = now
        self._stop = stop
        self._pace = Pace(max_requests_per_second, monotonic)
        self._lock = threading.Lock()
        self._under_way: set[Exchange[_Received]] = set()
        self._given_up = threading.Event()
        self._proven = False
        self._session = _Session(self._token)

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def close(self) -> None:
        """Gives up what is under way, and closes the idle connections."""
        self.give_up()
        self._session.close()

    def give_up(self) -> None:
        """Ends the requests under way, each with a `StoppedError`; none of them is sent again."""
        with self._lock:
            self._given_up.set()
            self._given_up = threading.Event()
            for exchange in self._under_way:
                exchange.cut()

    def contacts(self, page: int) -> Answer:
        """Reads one page of the contact listing, 50 contacts by ascending id.

        The server's default order loses contacts where creation times tie; by id it is exact.

        Args:
            page: number of the page, from 1. A page beyond the last has an empty `data`.

        Returns:
            An answer whose body has `data` (list of objects) and `pageCount` (integer).

        Raises:
            ChatbotXError: as the tree in `errors` says.
        """
        query = {
            "page": str(page),
            "perPage": str(LISTING_PAGE),
            "sort": '[{"id":"id","desc":false}]',
        }
        call = self._call(f"v1/contacts?page={page}", "contacts", _is_listing)
        return self._get("v1/contacts", query, call)

    def contact(self, identifier: str) -> Answer:
        """Reads one contact.

        Args:
            identifier: `id:<digits>`, `email:<address>` or `phone:+<digits>`.

        Returns:
            An answer whose body is a row of the contact listing.

        Raises:
            NotFoundError: the workspace has no such contact.
            ChatbotXError: as the tree in `errors` says.
        """
        identifier = check_identifier(identifier)
        call = self._call(f"v1/contacts/{identifier}", "contacts", _is_contact)
        return self._get(contact_path(identifier), {}, call)

    def messages(self, identifier: str, *, per_page: int, cursor: str | None) -> Answer:
        """Reads one page of a contact's messages, newest first.

        Args:
            identifier: `id:<digits>`, `email:<address>` or `phone:+<digits>`.
            per_page: messages wanted; a server may give fewer. From 32,768 up it gives none.
            cursor: `nextCursor` of the page before, None for the newest messages.

        Returns:
            An answer whose body has `data` (list of objects) and `nextCursor` (text or None).

        Raises:
            NotFoundError: The contact is unknown or has no conversation: `message` says which.
            InvalidOutputError: A stored row spoils this page; smaller pages isolate it.
            UnreadablePageError: The page is too large; smaller ones may be read.
            ChatbotXError: As the tree in `errors` says.
        """
        identifier = check_identifier(identifier)
        query = {"perPage": str(per_page)} | ({} if cursor is None else {"cursor": cursor})
        call = self._call(f"v1/contacts/{identifier}/messages", "inbox", _is_page)
        return self._get(f"{contact_path(identifier)}/messages", query, call)

    def _call(self, name: str, scope: str, fits: Callable[[dict[str, Any]], bool]) -> Call:
        return Call(name, self.base_url, scope, fits, self._token, self._proven)

    def _get(self, path: str, query: dict[str, str], call: Call) -> Answer:
        """Sends a request until it is answered or nothing is left to try."""
        if not self._token:
            raise ConfigurationError(
                "The ChatbotX API token is missing: set SOURCES__CHATBOTX__API_TOKEN in the "
                "environment, or api_token under [sources.chatbotx] in .dlt/secrets.toml."
            )
        url = f"{self.base_url}/{path}" + (f"?{urlencode(query)}" if query else "")
        given_up = self._given_up
        attempts = faults = limits = 0
        limited_for = 0.0
        try:
            while True:
                self._take_turn(call, given_up)
                attempts += 1
                outcome, retry_after = self._send(url, call, given_up)
                if isinstance(outcome, Answer):
                    return replace(outcome, attempts=attempts)
                if not outcome.retry:
                    raise outcome.error
                if isinstance(outcome.error, RateLimitError):
                    limits += 1
                    delay = rate_limit_delay(limits, retry_after)
                    limited_for += delay
                    self._pace.hold(delay)
                    if limited_for > self._max_wait:
                        raise self._too_long(call, delay, in_all=limited_for)
                    _report_wait(call, delay, outcome.error)
                else:
                    faults += 1
                    if faults >= self._max_attempts:
                        raise outcome.error
                    if retry_after is not None and retry_after > self._max_wait:
                        raise self._too_long(call, retry_after)
                    jitter = random.random()  # noqa: S311 (no secret)
                    backoff = min(backoff_delay(faults, jitter), self._max_wait)
                    delay = max(retry_after or 0.0, backoff)
                    _report_wait(call, delay, outcome.error)
                    self._wait(call, delay, given_up)
        except ChatbotXError as error:
            error.attempts = attempts
            raise

    def _send(
        self, url: str, call: Call, given_up: threading.Event
    ) -> tuple[Answer | Refusal, float | None]:
        """Sends a request once: what came of it, and when the server wants to be asked again."""
        began = self._monotonic()
        try:
            received = self._exchange(url, call, given_up)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return judge_silence(error, call), None
        if isinstance(received, Refusal):
            return received, None
        status, headers, body = received
        seconds = self._monotonic() - began
        logger.debug("GET %s: %d, %d bytes in %.3f s", call.name, status, len(body), seconds)

        date = parse_date(headers.get("Date"))
        verdict = judge(status, headers.get("Location"), body, call)
        if isinstance(verdict, Refusal):
            return verdict, parse_retry_after(headers.get("Retry-After"), since=date or self._now())
        self._proven = True
        return Answer(verdict, date, parse_seconds(headers.get("Age"))), None

    def _exchange(self, url: str, call: Call, given_up: threading.Event) -> _Received:
        """Makes a request and waits for its answer, no longer than it may take."""
        with self._lock:
            if given_up.is_set():
                raise StoppedError(f"GET {call.name} was given up before it was sent")
            self.requests += 1
            exchange = Exchange(lambda: self._get_once(url, call))
            self._under_way.add(exchange)
        try:
            received = exchange.result(self._request_timeout)
        finally:
            with self._lock:
                self._under_way.discard(exchange)
            exchange.cut()
        if received is not None:
            return received
        if given_up.is_set():
            raise StoppedError(f"GET {call.name} was given up before it was answered")
        return judge_delay(self._request_timeout, call, connected=exchange.connected)

    def _get_once(self, url: str, call: Call) -> _Received:
        with self._session.get(
            url, timeout=self._timeouts, stream=True, allow_redirects=False
        ) as response:
            # read1 returns what has arrived; read waits for a full chunk.
            body = bytearray()
            while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > self._max_body_bytes:
                    status, location = response.status_code, response.headers.get("Location")
                    return judge_oversized(status, location, self._max_body_bytes, call)
            return response.status_code, response.headers, bytes(body)

    def _take_turn(self, call: Call, given_up: threading.Event) -> None:
        """Waits until the pace that all threads share lets a request go."""
        while (seconds := self._pace.claim()) > 0:
            if seconds > self._max_wait:
                raise self._too_long(call, seconds)
            self._wait(call, seconds, given_up)

    def _wait(self, call: Call, seconds: float, given_up: threading.Event) -> None:
        until = self._monotonic() + seconds
        while (left := until - self._monotonic()) > 0:
            if self._stop() or given_up.is_set():
                raise StoppedError(f"Asked to stop while GET {call.name} was waiting to be sent")
            self._sleep(min(left, STOP_CHECK_INTERVAL))

    def _too_long(self, call: Call, seconds: float, in_all: float = 0.0) -> RateLimitError:
        total = f" ({in_all:,.0f} s in all)" if in_all > seconds else ""
        return RateLimitError(
            f"GET {call.name} would have to wait {seconds:,.0f} s{total} for its turn, longer "
            f"than max_wait = {self._max_wait:g} s: run again after that, or raise max_wait",
            retry_after=seconds,
        )


class _BearerAuth(requests.auth.AuthBase):
    """The token as an auth object: a bare header would give way to an entry in `.netrc`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Session(requests.Session):
    """A session that keeps no cookies, and takes a redirect for an answer."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.auth = _BearerAuth(token)
        self.headers["Accept"] = "application/json"
        self.headers["User-Agent"] = f"chatbotx-source/{_version()} (dlt)"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            # Each request of a thread beyond the idle connections would log a warning.
            self.mount(scheme, Adapter(pool_maxsize=MOST_WORKERS))

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        # Told not to follow, requests still prepares the next request, and for that reads the
        # whole body without a bound.
        return None


def _report_wait(call: Call, seconds: float, why: ChatbotXError) -> None:
    level = logging.WARNING if seconds >= LONG_WAIT else logging.INFO
    logger.log(level, "GET %s is sent again in %.1f s: %s", call.name, seconds, why)


def _check_at_least(least: float, **options: float) -> None:
    for name, value in options.items():
        if not value >= least:
            raise ConfigurationError(f"{name} must be {least:g} or more, not {value!r}.")


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _is_listing(body: dict[str, Any]) -> bool:
    count = body.get("pageCount")
    return _is_rows(body.get("data")) and type(count) is int and 0 <= count <= MAX_PAGE_COUNT


def _is_page(body: dict[str, Any]) -> bool:
    return _is_rows(body.get("data")) and isinstance(body.get("nextCursor", 0), str | None)


def _is_contact(body: dict[str, Any]) -> bool:
    return isinstance(body.get("id"), str)


def _version() -> str:
    try:
        return version("chatbotx-source")
    except PackageNotFoundError:  # the package was copied into a project, as dlt users do
        return "unknown"
