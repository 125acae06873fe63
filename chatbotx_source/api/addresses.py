"""Checks how a server, its token and a contact are named, before anything is sent."""

import ipaddress
import re
from urllib.parse import quote, urlsplit

from chatbotx_source.errors import ConfigurationError
from chatbotx_source.redaction import redact_url

_IDENTIFIER = re.compile(
    r"id:[0-9]{1,19}|phone:\+[0-9]{1,20}|email:[^\s\x00-\x1f\x7f\ud800-\udfff]+"
)


def check_identifier(identifier: str) -> str:
    """Checks how a contact is named.

    Args:
        identifier: `id:<digits>`, `email:<address>` or `phone:+<digits>`; outer space is ignored.

    Returns:
        The identifier as the API takes it.

    Raises:
        ConfigurationError: it is none of the three; the text says what to write instead.
    """
    text = str(identifier).strip()  # a list in a TOML file may hold bare numbers
    if _IDENTIFIER.fullmatch(text):
        return text
    advice = _near_miss(text)
    if not _IDENTIFIER.fullmatch(advice):
        advice = "id:<digits>, email:<address> or phone:+<digits>"
    raise ConfigurationError(f"{text!r} does not name a contact: write {advice}.")


def contact_path(identifier: str) -> str:
    """Returns the path of a contact below the API's address.

    The identifier becomes one segment of it, whatever it holds: slashes and dots cannot lead out,
    because its prefix keeps it from being a segment of dots alone.

    Args:
        identifier: as `check_identifier` returns it.
    """
    return f"v1/contacts/{quote(identifier, safe='')}"


def check_base_url(base_url: str, *, allow_http: bool = False) -> str:
    """Checks the address of the API, and takes trailing slashes off it.

    Args:
        base_url: such as `https://app.chatbotx.io/api`.
        allow_http: accepts `http://` for hosts other than this machine.

    Returns:
        The address without a slash at its end.

    Raises:
        ConfigurationError: it is no such address, or would send the token unencrypted.
    """
    text = (base_url or "").strip()
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"base_url is not a URL: {error}.") from None
    if parts.username is not None:
        raise ConfigurationError("base_url must not hold a user name or password: set api_token.")
    if not host or parts.scheme not in ("https", "http"):
        raise ConfigurationError(
            f"base_url must be a URL such as https://app.chatbotx.io/api, not {redact_url(text)!r}."
        )
    if re.search(r"[?#\s\\\x00-\x1f\x7f]", text):
        raise ConfigurationError(
            f"base_url must end with its path, such as {suggest_base_url(text)}: "
            "it takes no query, fragment or space."
        )
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ConfigurationError(
            f"base_url must start with https://, or the token for {host} would travel "
            "unencrypted; allow_http = true permits it."
        )
    return text.rstrip("/")


def suggest_base_url(base_url: str) -> str:
    """Returns what the address of the API on the same server usually is."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}/api"


def check_token(api_token: str | None) -> str:
    """Checks that a token can be sent in a header, and takes the space around it off.

    Args:
        api_token: the token; None and empty are fine until it is needed.

    Returns:
        The token, or an empty text.

    Raises:
        ConfigurationError: it holds a character that no token has. The text does not show it.
    """
    token = (api_token or "").strip()
    if re.search(r"[^\x21-\x7e]", token):
        raise ConfigurationError(
            "The ChatbotX API token holds a space, a line break or another character that no "
            "token has: copy it again."
        )
    return token


def _near_miss(text: str) -> str:
    """The identifier that was probably meant; it may be none."""
    prefix, _, value = text.rpartition(":")
    kind, value = prefix.strip().lower(), value.strip()
    if kind == "phone" or (not kind and value.startswith("+")):
        return "phone:+" + re.sub(r"[\s().+-]", "", value)
    if kind == "email" or (not kind and "@" in value):
        return f"email:{value}"
    return f"id:{value}" if kind in ("id", "") else ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
