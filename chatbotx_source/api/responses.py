"""Reads what a ChatbotX server answered: a body, or the reason why there is none."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
import urllib3

from chatbotx_source.api.addresses import suggest_base_url
from chatbotx_source.errors import (
    AuthenticationError,
    ChatbotXError,
    ConfigurationError,
    InvalidOutputError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerFaultError,
    UnreachableError,
    WrongAddressError,
)
from chatbotx_source.redaction import redact_url

_LINK = re.compile(r"""https?://[^\s"'<>]+""")
A_YEAR = 366 * 86400.0
SHOWN = 200  # characters of the server's own words in an error text

# Nineteen digits are the fewest that 64 bits may not hold. With every digit made a 0, and all that
# can stand before a number made a comma, one search finds them, 7 times as fast as a regular
# expression. Ids do not match: they stand in quotes.
_DIGITS = bytes.maketrans(b"0123456789:[- \t\r\n", b"0000000000,,,,,,,")
_LONG_INTEGER = b"," + b"0" * 19


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked for.

    Attributes:
        name: How texts name the request: its path, without secrets.
        base_url: The server asked.
        scope: The token scope it needs.
        fits: Tells whether a decoded object is what the API promises here.
        token: Never shown, should the server repeat it.
        proven: Whether this address has answered as the API before.
    """

    name: str
    base_url: str
    scope: str
    fits: Callable[[dict[str, Any]], bool]
    token: str
    proven: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """No answer: why, and whether the same request may be answered later."""

    error: ChatbotXError
    retry: bool = False


def judge(status: int, location: str | None, body: bytes, call: Call) -> dict[str, Any] | Refusal:
    """Tell an answer from a refusal.

    The error `code` in the body decides, not the status alone: a wrong token, a poisoned page and
    a passing fault can all be a 500.

    Args:
        status: HTTP status.
        location: `Location` header, or None.
        body: The body as received.
        call: What was asked for.

    Returns:
        The decoded body of a good answer, else the refusal.
    """
    decoded = _decode_object(body)
    code = _text(decoded, "code")
    message = _clean(_text(decoded, "message") or "", call)
    said = f" ({message})" if message else ""

    if 300 <= status < 400:
        return _wrong_address(call, f"redirects to {_place(location or 'nowhere', call)}")
    if status < 400:
        if decoded is not None and call.fits(decoded):
            return decoded
        if body.lstrip()[:1] == b"<":
            return _wrong_address(call, "answers with a web page")
        text = f"The answer to GET {call.name} is not what the API promises: {_glimpse(body, call)}"
        return Refusal(ServerFaultError(text, status, code), retry=True)
    if status in (401, 403) and decoded is None and call.proven:
        return _wrong_address(call, f"answers {status} with a text of its own")
    if status == 401 or code == "INVALID_CHATBOT_TOKEN":
        text = (
            f"{call.base_url} refused the API token{said}: check SOURCES__CHATBOTX__API_TOKEN, or "
            "api_token under [sources.chatbotx] in .dlt/secrets.toml, and that it is of this server"
        )
        return Refusal(AuthenticationError(text))
    if status == 403:
        text = (
            f"The API token may not GET {call.name}{said}: give it the scope `{call.scope}`. A "
            "workspace that is being deleted, or a firewall before the server, also answers so"
        )
        return Refusal(PermissionDeniedError(text))
    if status == 404 and code is None:
        return _wrong_address(call, "knows no such path")
    if status == 404:
        return Refusal(NotFoundError(f"GET {call.name}: {message}", status, code, message))
    if message == "Output validation failed":
        text = (
            f"A stored row, often an attachment with a malformed URL, keeps the server from "
            f"answering GET {call.name}{said}: correct that row in ChatbotX"
        )
        return Refusal(InvalidOutputError(text, status, code))
    if status == 429:
        text = f"The server limits the number of requests{said}"
        return Refusal(RateLimitError(text), retry=True)
    if status < 500 and status != 408:
        text = f"The server does not accept GET {call.name}: {status}{said}{_issues(decoded, call)}"
        return Refusal(InvalidRequestError(text, status, code))
    told = said or (f" {_glimpse(body, call)}" if body else "")
    text = f"The server failed at GET {call.name}: {status}{told}"
    return Refusal(ServerFaultError(text, status, code), retry=True)


def judge_silence(error: Exception, call: Call) -> Refusal:
    """Tell why no answer came, or not all of it.

    Without a connection every request would fail alike. Once connected, the silence may be this
    request's own, such as a page that takes the server too long: it must not stop the others.

    Args:
        error: What requests or urllib3 raised.
        call: What was asked for.
    """
    reason = _clean(_root_cause(error), call)
    if isinstance(error, _NOT_SENDABLE) or not isinstance(error, _HTTP_ERRORS):
        text = f"No request can be sent to {call.base_url}: {reason}"
        return Refusal(ConfigurationError(text))
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        text = (
            f"The certificate of {call.base_url} is not trusted: {reason}. Set REQUESTS_CA_BUNDLE "
            "to the authority that signed it"
        )
        return Refusal(UnreachableError(text))
    if error.args and isinstance(error.args[0], urllib3.exceptions.MaxRetryError):
        text = (
            f"No connection to {call.base_url} for GET {call.name}: {reason}. Check base_url, the "
            "network and the proxy settings"
        )
        return Refusal(UnreachableError(text), retry=True)
    text = f"No complete answer to GET {call.name} from {call.base_url}: {reason}"
    return Refusal(ServerFaultError(text), retry=True)


def judge_delay(seconds: float, call: Call, *, connected: bool) -> Refusal:
    """Tell what it means that a request was not over in time.

    Args:
        seconds: How many it had.
        call: What was asked for.
        connected: Whether it had a connection by then.
    """
    if connected:
        text = (
            f"The answer to GET {call.name} took more than {seconds:g} s: set a smaller page_size "
            "or a larger request_timeout"
        )
        return Refusal(ServerFaultError(text), retry=True)
    text = (
        f"No connection to {call.base_url} for GET {call.name} in {seconds:g} s. Check base_url, "
        "the name server, the network and the proxy settings"
    )
    return Refusal(UnreachableError(text), retry=True)


_HTTP_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError)
_NOT_SENDABLE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationValueError,
)


def decode(body: bytes) -> Any:
    """Decode JSON exactly: integers of any size, and escapes that are no valid unicode.

    orjson takes half the time of the standard library, but turns integers beyond 64 bits into
    floats and refuses lone surrogates, infinities and bytes that are not UTF-8. Such bodies go to
    the standard library, with U+FFFD for what is not UTF-8.

    Args:
        body: JSON as received.

    Returns:
        What `json.loads` makes of it.

    Raises:
        ValueError: It is no JSON, or nested too deeply to be read.
    """
    if _LONG_INTEGER not in (b"," + body).translate(_DIGITS):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    try:
        return json.loads(body.decode("utf-8-sig", errors="replace"))
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def parse_date(value: str | None) -> datetime | None:
    """Read an HTTP date; None when there is none, or none that can be read."""
    try:
        date = parsedate_to_datetime(value or "")
        return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, TypeError, OverflowError):
        return None


def parse_seconds(value: str | None) -> float | None:
    """Read seconds, decimals allowed, a year at most; None when missing or unreadable."""
    number = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*", value or "")
    return min(float(number[1]), A_YEAR) if number else None


def parse_retry_after(value: str | None, *, since: datetime) -> float | None:
    """Read `Retry-After`, which is a number of seconds or a date.

    Args:
        value: The header, or None.
        since: When the server answered, by its own clock if known: ours may be off.

    Returns:
        Seconds to wait, 0 for a date gone by, None when missing or unreadable.
    """
    seconds = parse_seconds(value)
    if seconds is None and (date := parse_date(value)) is not None:
        seconds = min(max(0.0, (date - since).total_seconds()), A_YEAR)
    return seconds


def _decode_object(body: bytes) -> dict[str, Any] | None:
    try:
        decoded = decode(body)
    except ValueError:
        return None
    return decoded if isinstance(decoded, dict) else None


def _text(decoded: dict[str, Any] | None, key: str) -> str | None:
    value = (decoded or {}).get(key)
    return value if isinstance(value, str) else None


def _issues(decoded: dict[str, Any] | None, call: Call) -> str:
    """What the server finds fault with, such as `; perPage: expected number`."""
    data = (decoded or {}).get("data")
    issues = data.get("issues") if isinstance(data, dict) else None
    texts = []
    for issue in issues if isinstance(issues, list) else []:
        path = issue.get("path") if isinstance(issue, dict) else None
        if isinstance(path, list):
            place = ".".join(map(str, path))
            texts.append(_clean(f"; {place}: {issue.get('message', '')}", call))
    return "".join(texts[:5])


def _wrong_address(call: Call, what: str) -> Refusal:
    if call.proven:  # a proxy or a firewall that steps in, perhaps for this request alone
        text = f"{call.base_url} {what} at GET {call.name}, where the ChatbotX API answered before"
        return Refusal(ServerFaultError(text), retry=True)
    text = (
        f"{call.base_url} {what}, so it is not the ChatbotX API: base_url should probably be "
        f"{suggest_base_url(call.base_url)}"
    )
    return Refusal(WrongAddressError(text))


def _place(url: str, call: Call) -> str:
    return _clean(re.split(r"[?#]", url)[0], call)


def _glimpse(body: bytes, call: Call) -> str:
    start = body.replace(call.token.encode(), b"***")[: 2 * SHOWN]
    return repr(_clean(start.decode("utf-8", errors="replace"), call))


def _clean(text: str, call: Call) -> str:
    """Somebody else's words on one short line, without the token and what makes a link a key."""
    line = " ".join(text.replace(call.token, "***").split())
    line = _LINK.sub(lambda link: redact_url(link.group()), line)
    return line if len(line) <= SHOWN else line[:SHOWN] + "..."


def _root_cause(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{type(error).__name__}: {error}"
