"""The HTTP side of the sandbox: a server on loopback whose answers can be broken at will."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from email.utils import format_datetime
from types import EllipsisType, TracebackType
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler

from chatbotx_source.sandbox.answers import Answer, error
from chatbotx_source.sandbox.api import PROFILES, Api
from chatbotx_source.sandbox.faults import Fault, FaultList, Request
from chatbotx_source.sandbox.workspace import Workspace


class Sandbox:
    """A ChatbotX server on loopback, in a thread of its own; use it in a `with` statement.

    Args:
        workspace: what it tells about; it may change at any time, also between two requests.
        profile: `measured` (the server of July 2026) or `newer` (as newer servers are said to be).
        token: the API token it takes.
        port: TCP port on 127.0.0.1; 0: any that is free.
        rate_limit: requests and seconds of a fixed window, instead of the profile's.
        max_per_page: most rows of a page of messages, instead of the profile's.
        monotonic: seconds that the window is counted in; default: the workspace's clock.

    Attributes:
        requests: every request, in order of arrival.
        faults: which of them are answered wrongly.
        before: called with each request before it is answered, in this order, while the
            workspace is locked: change it at will, but do not call the sandbox.
        scopes: what the token may do under the profile `newer`.
        clock_skew: how far the server's clock, as its `Date` header shows it, is ahead.
        date_header: what to send as `Date` instead; None: no such header.
        age_header: what to send as `Age`, as a cache would; None: no such header.
    """

    def __init__(
        self,
        workspace: Workspace,
        profile: str = "measured",
        token: str = "sandbox-token",  # noqa: S107 - opens nothing but this sandbox
        port: int = 0,
        *,
        rate_limit: tuple[int, float] | None = None,
        max_per_page: int | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        chosen = PROFILES[profile]
        self.workspace = workspace
        self.token = token
        self.port = port
        self.requests: list[Request] = []
        self.faults = FaultList()
        self.before: list[Callable[[Request], None]] = []
        self.clock_skew = timedelta(0)
        self.date_header: str | EllipsisType | None = ...
        self.age_header: str | None = None
        self._rate_limit = rate_limit or chosen.rate_limit
        self._monotonic = monotonic or (lambda: workspace.clock().timestamp())
        self._window: tuple[int, int] = (0, 0)
        self._api = Api(workspace, chosen, token)
        if max_per_page is not None:
            self._api.profile = replace(chosen, max_per_page=max_per_page)
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def base_url(self) -> str:
        """Base URL of the API, as a user would configure it."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def scopes(self) -> set[str]:
        """What the token may do under the profile `newer`: `contacts`, `inbox`."""
        return self._api.scopes

    def __enter__(self) -> Sandbox:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        except OSError:  # the port is taken
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        # A middleware sees every request, also those that no route could match.
        app = web.Application(middlewares=[self._respond])
        app.on_response_prepare.append(self._put_headers)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._api.host = f"127.0.0.1:{self.port}"

    async def _put_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.pop("Server", None)
        if self.date_header is None:
            response.headers.pop("Date", None)
        elif isinstance(self.date_header, str):
            response.headers["Date"] = self.date_header
        else:
            now = self.workspace.clock().astimezone(timezone.utc) + self.clock_skew
            response.headers["Date"] = format_datetime(now, usegmt=True)
        if self.age_header is not None:
            response.headers["Age"] = self.age_header

    @web.middleware
    async def _respond(
        self,
        request: web.Request,
        handler: Handler,  # noqa: ARG002 - there are no routes to hand on to
    ) -> web.StreamResponse:
        with self.workspace.lock:
            received, fault, answer = self._answer(request)
        kind = fault.kind if fault else ""
        received.status = answer.status
        if fault and kind == "huge":
            answer.body += b" " * int(fault.params.get("size", 1_000_000))
        if kind == "cut":
            received.status = 0
            return _close(request, web.Response())
        if kind == "truncate":
            return await _send(request, answer, len(answer.body) // 2)
        if fault and kind == "slow":
            seconds = float(fault.params.get("seconds", 1.0))
            pieces = int(fault.params.get("pieces", 0))
            if pieces:
                return await _send(request, answer, pieces=pieces, seconds=seconds)
            await asyncio.sleep(seconds)
        return _response(answer)

    def _answer(self, http: web.Request) -> tuple[Request, Fault | None, Answer]:
        path, _, raw_query = http.raw_path.partition("?")
        pairs = parse_qsl(raw_query, keep_blank_values=True)
        query = dict(pairs)
        kind, rest = self._api.route(http.method, path)
        request = Request(
            number=len(self.requests) + 1,
            method=http.method,
            path=path,
            query=query,
            kind=kind,
            contact_id=self._api.resolve(rest[0]) if rest else None,
            page=query.get("page"),
            cursor=query.get("cursor"),
            per_page=query.get("perPage"),
            at=self.workspace.clock(),
        )
        self.requests.append(request)
        for prepare in self.before:
            prepare(request)
        request.contact_id = self._api.resolve(rest[0]) if rest else None
        fault = self.faults.strike(request)
        answer = fault.instead(kind) if fault else None
        if answer is None and self._over_limit():
            answer = error(429, "tooManyRequests", "Too many requests")
        if answer is None:
            answer = self._api.answer(request, rest, pairs, http.headers, fault)
        return request, fault, answer

    def _over_limit(self) -> bool:
        if self._rate_limit is None:
            return False
        most, seconds = self._rate_limit
        window = int(self._monotonic() // seconds)
        counted = self._window[1] + 1 if self._window[0] == window else 1
        self._window = (window, counted)
        return counted > most


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    response.headers["Content-Type"] = answer.content_type
    return response


def _close(http: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if http.transport is not None:
        http.transport.abort()
    return response


async def _send(
    http: web.Request,
    answer: Answer,
    length: int | None = None,
    *,
    pieces: int = 1,
    seconds: float = 0.0,
) -> web.StreamResponse:
    """Sends an answer bit by bit; with a length only so many bytes, and then closes."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.headers["Content-Type"] = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(http)
    body = answer.body[:length]
    step = max(-(-len(body) // pieces), 1)
    for start in range(0, len(body), step):
        await response.write(body[start : start + step])
        await asyncio.sleep(seconds / pieces)
    if length is None:
        await response.write_eof()
        return response
    if http.transport is not None:
        http.transport.close()
    return response
