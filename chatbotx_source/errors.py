"""Names what can go wrong in a run, as types.

ChatbotXError
├── ConfigurationError       a setting is missing or wrong
├── AuthenticationError      the server refused the API token
├── PermissionDeniedError    the token is known, but may not do this
├── WrongAddressError        something answers, but not the ChatbotX API
├── UnreachableError         no connection to the server
├── RateLimitError           the next request would have to wait longer than `max_wait`
├── SyncRunningError         another process is syncing the same pipeline
├── DestinationError         the tables cannot be written: a lock, or a load package that fails
├── AnalyticsError           dbt cannot build the analytics tables, or a test of them fails
├── StoppedError             the run was asked to stop while a request was waiting
└── RequestFailedError       this one request has no answer; others may
    ├── NotFoundError        no such contact, or it has no conversation
    ├── InvalidRequestError  the server does not accept the request
    ├── InvalidOutputError   a stored row keeps the server from answering this page
    ├── UnreadablePageError  the answer is too large, holds too much, or is nested too deeply
    └── ServerFaultError     the server failed, or its answer arrived broken

Any error but a `RequestFailedError` concerns every request and ends the run. None of their texts
holds the API token or a signed URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class ChatbotXError(Exception):
    """Base of all errors of this source: catch it to catch them all.

    Attributes:
        attempts: requests spent before giving up, retries included.
    """

    attempts: int = 0


class ConfigurationError(ChatbotXError):
    """A setting is missing or wrong: met before anything is sent."""


class AuthenticationError(ChatbotXError):
    """The token is wrong, revoked or of another server: met at the first request."""


class PermissionDeniedError(ChatbotXError):
    """The token lacks a scope, the workspace is being deleted, or a firewall refuses."""


class WrongAddressError(ChatbotXError):
    """A sign-in page, a redirect or another site answers: met when `base_url` lacks `/api`."""


class UnreachableError(ChatbotXError):
    """No connection after all retries: refused, unknown host, no route, TLS or proxy failure."""


class RateLimitError(ChatbotXError):
    """The server, or the pace that was set, asks for a longer wait than `max_wait`.

    Attributes:
        retry_after: seconds until another request makes sense.
    """

    def __init__(self, text: str, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class SyncRunningError(ChatbotXError):
    """Another process is syncing this pipeline: met when a schedule overlaps itself."""


class DestinationError(ChatbotXError):
    """Another process has locked the database file, or a load package fails in every run."""


class AnalyticsError(ChatbotXError):
    """dbt could not build an analytics table, or a test of one failed: met after a load."""


class StoppedError(ChatbotXError):
    """The run was asked to stop while a request was waiting its turn: nothing is wrong."""


class RequestFailedError(ChatbotXError):
    """This one request has no answer: met as a contact that stays unfinished.

    Attributes:
        status: HTTP status of the last answer; None if there was none.
        code: the API's own error code in it; None if there was none.
    """

    def __init__(self, text: str, status: int | None = None, code: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class NotFoundError(RequestFailedError):
    """The contact is unknown to this workspace, or has no conversation.

    Attributes:
        message: what the server said, such as `Conversation not found`.
    """

    def __init__(
        self, text: str, status: int | None = None, code: str | None = None, message: str = ""
    ) -> None:
        super().__init__(text, status, code)
        self.message = message


class InvalidRequestError(RequestFailedError):
    """The server objects to the request itself: sending it again would not help."""


class InvalidOutputError(RequestFailedError):
    """One stored row, such as a malformed attachment URL, spoils every page that holds it."""


class UnreadablePageError(RequestFailedError):
    """The answer would take too much memory to read: met where a row is huge, or a page of them.

    A smaller page may be read; asking for the same one again would not help.
    """


class ServerFaultError(RequestFailedError):
    """The server failed or stayed silent, or its answer was cut, or not what it promises."""


def cause_of(error: BaseException) -> ChatbotXError | None:
    """Finds the error of this source behind an error of dlt, which wraps what a load raises.

    Args:
        error: what a load raised.

    Returns:
        The outermost `ChatbotXError` among the error and its causes; None if there is none.
    """
    return next((each for each in causes(error) if isinstance(each, ChatbotXError)), None)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and its causes, the innermost last."""
    seen: set[int] = set()
    following: Any = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = getattr(following, "exception", None) or following.__cause__
