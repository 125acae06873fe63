"""What can go wrong between this source and a ChatbotX server, as types.

ChatbotXError
├── ConfigurationError       a setting is missing or wrong
├── AuthenticationError      the server refused the API token
├── PermissionDeniedError    the token is known, but may not do this
├── WrongAddressError        something answers, but not the ChatbotX API
├── UnreachableError         no connection to the server
├── RateLimitError           the next request would have to wait longer than `max_wait`
├── SyncRunningError         another process syncs the same pipeline
├── DestinationError         the tables cannot be written: a lock, or a load package that fails
├── AnalyticsError           dbt cannot build the analytics tables, or finds them wrong
├── StoppedError             the run was asked to stop while a request was waiting
└── RequestFailedError       this one request has no answer; others may
    ├── NotFoundError        no such contact, or it has no conversation
    ├── InvalidRequestError  the server does not accept the request
    ├── InvalidOutputError   a stored row keeps the server from answering this page
    ├── UnreadablePageError  the answer is too large, holds too much, or is nested too deeply
    └── ServerFaultError     the server failed, or its answer arrived broken

Whatever is not a `RequestFailedError` concerns every request, so the run ends there. No text of
these errors holds the API token or a signed URL.
"""


class ChatbotXError(Exception):
    """Base of all errors of this source: catch it to catch them all.

    Attributes:
        attempts: Requests spent before giving up, retries included.
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
    """The server, or the pace that was set, asks for more patience than `max_wait`.

    Attributes:
        retry_after: Seconds until a request makes sense again.
    """

    def __init__(self, text: str, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class SyncRunningError(ChatbotXError):
    """Another process syncs this pipeline: met when a schedule overlaps itself."""


class DestinationError(ChatbotXError):
    """The database file is locked by another process, or a load package fails again and again."""


class AnalyticsError(ChatbotXError):
    """dbt could not build an analytics table, or one of its tests failed: met after a load."""


class StoppedError(ChatbotXError):
    """The run was asked to stop, and a request was waiting its turn: nothing is wrong."""


class RequestFailedError(ChatbotXError):
    """This one request has no answer: met as a contact that stays unfinished.

    Attributes:
        status: HTTP status of the last answer, None when there was none.
        code: The API's own error code in it, None when there was none.
    """

    def __init__(self, text: str, status: int | None = None, code: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class NotFoundError(RequestFailedError):
    """The contact is unknown to this workspace, or has no conversation.

    Attributes:
        message: What the server said, such as `Conversation not found`.
    """

    def __init__(
        self, text: str, status: int | None = None, code: str | None = None, message: str = ""
    ) -> None:
        super().__init__(text, status, code)
        self.message = message


class InvalidRequestError(RequestFailedError):
    """The server finds fault with the request itself: asking again would not help."""


class InvalidOutputError(RequestFailedError):
    """One stored row, such as a malformed attachment URL, spoils every page that holds it."""


class UnreadablePageError(RequestFailedError):
    """The answer would take too much memory to read: met where a row is huge, or a page of them.

    A smaller page may be read; asking for the same one again would not help.
    """


class ServerFaultError(RequestFailedError):
    """The server failed or stayed silent, or its answer was cut or not what it promises."""
