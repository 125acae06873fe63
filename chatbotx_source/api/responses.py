"""Reads what a ChatbotX server answered: a body, or the reason why there is none."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any

import orjson
import requests
import urllib3

from chatbotx_source.api.addresses import suggest_base_url
from chatbotx_source.api.shape import shape
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
    UnreadablePageError,
    WrongAddressError,
)
from chatbotx_source.redaction import hide_people, hide_token, redact_links
from chatbotx_source.texts import beginning, one_line

A_YEAR = 366 * 86400.0
SHOWN = 200  # characters of the server's own words in an error text
READ = 2_000  # characters of them that are looked at

# Decoded, one value takes 170 bytes at most (measured: an object's member with a name of its own),
# and 2 bytes of JSON suffice for it. 4,000 messages are 200,000 values.
MOST_VALUES = 1_000_000
_VALUE_OR_TEXT = re.compile(rb'[{\[,]|"[^"]*"?')

LONGEST_INTEGER = 640  # digits that Python reads in no time, and whatever limit it was given

# Backslashes, then one half of a pair of surrogates or, as a group of its own, a whole one.
_SURROGATES = re.compile(
    r"(?<!\\)(\\+)u"
    r"(?:([dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|[dD][89a-fA-F][0-9a-fA-F]{2})"
)

# Nineteen digits are the fewest that 64 bits may not hold. With every digit made a 0, and all that
# can stand before a number made a comma, one search finds them, 7 times as fast as a regular
# expression. Ids do not match: they stand in quotes.
_DIGITS = bytes.maketrans(b"0123456789:[- \t\r\n", b"0000000000,,,,,,,")
_LONG_INTEGER = b"," + b"0" * 19


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked for.

    Attributes:
        name: how texts name the request: its path, without secrets.
        base_url: the server asked.
        scope: the token scope it needs.
        fits: tells whether a decoded object is what the API promises here.
        token: never shown, should the server repeat it.
        proven: whether this address has answered as the API before.
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


class TooMuchError(ValueError):
    """JSON that would take too much memory, or is nested more deeply than can be read."""


def judge(status: int, location: str | None, body: bytes, call: Call) -> dict[str, Any] | Refusal:
    """Tells an answer from a refusal.

    The error `code` in the body decides, not the status alone: a wrong token, a poisoned page and
    a passing fault can all be a 500.

    Args:
        status: HTTP status.
        location: `Location` header, or None.
        body: the body as received.
        call: what was asked for.

    Returns:
        The decoded body of a good answer, else the refusal.
    """
    value, trouble = _decoded(body)
    decoded = value if isinstance(value, dict) else None
    code = _text(decoded, "code")
    code = code and _said(code, call)
    message = _said(_text(decoded, "message") or "", call)
    said = f" ({message})" if message else ""

    if 300 <= status < 400:
        return _wrong_address(call, f"redirects to {_place(location or 'nowhere', call)}")
    if status < 400:
        if decoded is not None and call.fits(decoded):
            return decoded
        if _is_web_page(body):
            return _wrong_address(call, "answers with a web page")
        if isinstance(trouble, TooMuchError):
            return _unreadable(call, str(trouble), status)
        about = _about(body, value, trouble)
        text = f"The answer to GET {call.name} is not what the API promises: {about}"
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
        text = f"The server does not accept GET {call.name}: {status}{said}{_issues(decoded)}"
        return Refusal(InvalidRequestError(text, status, code))
    told = said or (f" ({_about(body, value, trouble)})" if body else "")
    text = f"The server failed at GET {call.name}: {status}{told}"
    return Refusal(ServerFaultError(text, status, code), retry=True)


def judge_oversized(status: int, location: str | None, limit: int, call: Call) -> Refusal:
    """Tell what an answer says of which only the beginning was read.

    Args:
        status: HTTP status.
        location: `Location` header, or None.
        limit: Bytes that a body may have.
        call: What was asked for.
    """
    verdict = None if 200 <= status < 300 else judge(status, location, b"", call)
    if isinstance(verdict, Refusal):
        return verdict
    return _unreadable(call, f"it exceeds {limit:,} bytes", status)


def judge_silence(error: Exception, call: Call) -> Refusal:
    """Tells why no answer came, or not all of it.

    Without a connection every request would fail alike. Once connected, the silence may be this
    request's own, such as a page that takes the server too long: it must not stop the others.

    Args:
        error: what requests or urllib3 raised.
        call: what was asked for.
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
    """Decode JSON: integers of any size exactly, texts as they can be written again.

    orjson takes half the time of the standard library, but turns integers beyond 64 bits into
    floats and refuses lone surrogates, infinities and bytes that are not UTF-8. Such bodies go to
    the standard library, with U+FFFD for each lone surrogate and for what is not UTF-8: neither
    can be stored, or sent to anybody, so neither gets further than here.

    Args:
        body: JSON as received.

    Returns:
        What `json.loads` makes of it, with integers of more than 640 digits as `Decimal`: Python's
        own type takes time by the square of their length.

    Raises:
        TooMuchError: It holds more than a million values, or is nested too deeply.
        ValueError: It is no JSON.
    """
    if _holds_more(body, MOST_VALUES):
        raise TooMuchError(f"it holds more than {MOST_VALUES:,} values")
    if not _holds_a_long_integer(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    text = _SURROGATES.sub(_whole, body.decode("utf-8-sig", errors="replace"))
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        raise TooMuchError("it is nested too deeply") from None


def _holds_a_long_integer(body: bytes) -> bool:
    marked = body.translate(_DIGITS)
    return _LONG_INTEGER in marked or marked.startswith(_LONG_INTEGER[1:])


def _holds_more(body: bytes, most: int) -> bool:
    """Whether JSON holds more values than that, empty texts and numbers counted as well."""
    if len(body) <= most or body.count(b",") + body.count(b"{") + body.count(b"[") <= most:
        return False
    # The commas and brackets may stand in texts. Without escapes, texts are easily told from them.
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    values = (part for part in _VALUE_OR_TEXT.finditer(plain) if plain[part.start()] != _QUOTE)
    return next(islice(values, most, None), None) is not None


_QUOTE = ord('"')


def _whole(found: re.Match[str]) -> str:
    """Writes U+FFFD for a lone surrogate; pairs of them are characters."""
    backslashes, pair = found[1], found[2]
    if len(backslashes) % 2 == 0:  # they escape each other, and what follows is text
        return found[0][:-6] + "\\ufffd" if pair else found[0]
    return found[0] if pair else backslashes[:-1] + "\\ufffd"


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= LONGEST_INTEGER else Decimal(digits)


def parse_date(value: str | None) -> datetime | None:
    """Reads an HTTP date; None when there is none, or none that can be read."""
    try:
        date = parsedate_to_datetime(value or "")
        return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, TypeError, OverflowError):
        return None


def parse_seconds(value: str | None) -> float | None:
    """Reads seconds, decimals allowed, a year at most; None when missing or unreadable."""
    number = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*", value or "")
    return min(float(number[1]), A_YEAR) if number else None


def parse_retry_after(value: str | None, *, since: datetime) -> float | None:
    """Reads `Retry-After`, which is a number of seconds or a date.

    Args:
        value: the header, or None.
        since: when the server answered, by its own clock if known: ours may be off.

    Returns:
        Seconds to wait, 0 for a date gone by, None when missing or unreadable.
    """
    seconds = parse_seconds(value)
    if seconds is None and (date := parse_date(value)) is not None:
        seconds = min(max(0.0, (date - since).total_seconds()), A_YEAR)
    return seconds


def _decoded(body: bytes) -> tuple[Any, ValueError | None]:
    try:
        return decode(body), None
    except ValueError as error:
        return None, error


def _text(decoded: dict[str, Any] | None, key: str) -> str | None:
    value = (decoded or {}).get(key)
    return value if isinstance(value, str) else None


def _issues(decoded: dict[str, Any] | None) -> str:
    """What the server finds fault with, such as `; perPage: invalid_type`.

    Its own words on it may repeat what was sent, or what is stored: they are left out.
    """
    data = (decoded or {}).get("data")
    issues = data.get("issues") if isinstance(data, dict) else None
    texts = []
    for issue in issues if isinstance(issues, list) else []:
        path = issue.get("path") if isinstance(issue, dict) else None
        if isinstance(path, list):
            place = ".".join(map(_plain_name, path)) or "request"
            texts.append(f"; {place}: {_plain_name(issue.get('code'))}")
    return "".join(texts[:5])


def _plain_name(value: Any) -> str:
    """A name or a number such as a program gives; anything else may be what somebody wrote."""
    text = str(value) if isinstance(value, (str, int)) else ""
    return text if re.fullmatch(r"[A-Za-z][A-Za-z_]{0,39}|[0-9]{1,4}", text) else "?"


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


def _unreadable(call: Call, why: str, status: int) -> Refusal:
    text = f"The answer to GET {call.name} cannot be read: {why}"
    return Refusal(UnreadablePageError(text, status))


def _is_web_page(body: bytes) -> bool:
    return re.match(rb"\s*<", body) is not None


def _about(body: bytes, value: Any, trouble: ValueError | None) -> str:
    """What came, told without any value in it: it may be about a person."""
    if trouble is None:
        what = _short(f"JSON, {shape(value)}")
    elif isinstance(trouble, TooMuchError):
        what = str(trouble)
    else:
        what = "a web page" if _is_web_page(body) else "no JSON"
    return f"{len(body):,} bytes, {what}"


def _said(text: str, call: Call) -> str:
    """The server's words, as `_clean` makes them, without e-mail addresses and phone numbers."""
    return _short(hide_people(_harmless(text, call)))


def _clean(text: str, call: Call) -> str:
    """Somebody else's words on one short line, without the token and what makes a link a key."""
    return _short(_harmless(text, call))


def _harmless(text: str, call: Call) -> str:
    # Cut between words: half a link or half a token would not be known for what it is.
    return redact_links(hide_token(one_line(beginning(text, READ)), call.token))


def _short(line: str) -> str:
    return line if len(line) <= SHOWN else line[:SHOWN] + "..."


def _root_cause(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{type(error).__name__}: {error}"
