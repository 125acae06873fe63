"""Takes out of texts and URLs what lets their reader in, before they are stored or shown."""

import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote

# Names of query parameters that make a URL a credential. Prefixes: presigned links of Amazon,
# Google, Alibaba and Tencent. Names: Azure SAS (sig with se, sp, sv), CloudFront (Key-Pair-Id,
# Policy), older S3 and Google links (..AccessKeyId, GoogleAccessId), Meta's CDN (oh), and what
# tokens are commonly called. JSON may have written the ampersand and the equals sign as escapes.
_CREDENTIAL = re.compile(
    r"(?:^|[?&;\#]|\\u0026)(?:"
    r"(?:x-amz-|x-goog-|x-oss-|q-sign)[^=&;?\#\\]*"
    r"|[\w-]*(?:signature|token|secret|password)"
    r"|sig|se|sp|sv|oh|jwt|auth|authorization|api[-_]?key|key-pair-id|policy"
    r"|awsaccesskeyid|googleaccessid|ossaccesskeyid"
    r")(?:=|\\u003d)",
    re.IGNORECASE,
)
_QUERY = re.compile(r"[?#].*", re.DOTALL)
_USER_INFO = re.compile(r"((?:^|:)(?:\\?/){2})[^/?#]*@")
# Telegram hands out files under a path that holds the bot's token.
_BOT_TOKEN = re.compile(r"/bot\d+(?::|%3a)[^/?#\\]+", re.IGNORECASE)

# A word that can be a link with credentials: others are many, and are left alone.
_WORD = re.compile(r"""(?<![^\s"'<>])[^\s"'<>?#@/]*[?#@/][^\s"'<>]*""")
# JSON inside a text: `\/` and `\u0026` belong to a link, any other backslash ends it.
_END_OF_LINK = re.compile(r"(\\(?![/u]))")

_E_MAIL = re.compile(
    r"""(?<![^\s@<>"'(),;:=])[^\s@<>"'(),;:=]+(?:@|%40)[^\s@<>"'(),;:=]+""", re.IGNORECASE
)
_LONG_NUMBER = re.compile(r"\+?\d(?:[ ().-]{0,2}\d){6,}")


def redact_url(url: str) -> str:
    """Returns the URL without what would let its reader in.

    The whole query string and fragment go as soon as one parameter looks like a signature or a
    token, since the others belong to it. A URL without credentials is returned as it is.

    Args:
        url: A link, such as the `url` of an attachment; also one without a scheme, or as JSON
            escapes it.

    Returns:
        The link without credentials. It no longer opens a presigned file, but still names it, and
        is the same in every answer of the server.
    """
    # What a pattern needs is looked for first: plain links are many, and patterns slow.
    if "@" in url:
        url = _USER_INFO.sub(r"\1", url)
    if "/bot" in url.lower():
        url = _BOT_TOKEN.sub("/bot-token-removed", url)
    query = _QUERY.search(url)
    return url[: query.start()] if query and _is_credential(query.group()) else url


def redact_links(text: str) -> str:
    """Return the text with each link in it as `redact_url` leaves it, and all else as it was."""
    if not may_open_something(text):
        return text
    return _WORD.sub(lambda word: _redact_word(word.group()), text)


def may_open_something(text: str) -> bool:
    """Tell whether there can be a link with credentials in a text: a quick look."""
    return "?" in text or "#" in text or "@" in text or "/bot" in text.lower()


def hide_token(text: str, token: str) -> str:
    """Return the text with stars in the place of a token, however its characters are written.

    Found are the token as it stands, percent-encoded, with the escapes of JSON, any mixture of
    these, and in Base64, alone or behind whatever precedes it there.

    Args:
        text: What somebody else said.
        token: The secret; empty when there is none.
    """
    return _spellings(token).sub("***", text) if token else text


def hide_people(text: str) -> str:
    """Return the text with stars in the place of e-mail addresses and numbers of 7 digits up."""
    return _LONG_NUMBER.sub("***", _E_MAIL.sub("***", text))


def _redact_word(word: str) -> str:
    if "\\" in word:
        return "".join(map(redact_url, _END_OF_LINK.split(word)))
    return redact_url(word)


def _is_credential(query: str) -> bool:
    if _CREDENTIAL.search(query):
        return True
    # Decoded twice: a link may carry another signed link as a parameter.
    return "%" in query and _CREDENTIAL.search(unquote(unquote(query))) is not None


@lru_cache(maxsize=8)
def _spellings(token: str) -> re.Pattern[str]:
    spelled = ["".join(map(_any_spelling, token))]
    written = token.encode()
    for before in range(3):  # Base64 writes three bytes at a time: a token may begin at each
        text = b64encode(b"\0" * before + written).decode()
        certain = text[-(-8 * before // 6) : 8 * (before + len(written)) // 6]
        if len(certain) >= 6:
            spelled.append("".join(map(_any_spelling_of_base64, certain)) + r"[\w+/=-]*")
    return re.compile("|".join(spelled))


def _any_spelling(char: str) -> str:
    code = "".join(
        f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{ord(char):02x}"
    )
    return rf"(?:\\{{0,3}}{re.escape(char)}|%(?:25)*{code}|\\{{1,3}}u00{code})"


def _any_spelling_of_base64(char: str) -> str:
    spellings = {"+": r"(?:[+-]|%2[bB])", "/": r"(?:\\?/|_|%2[fF])"}
    return spellings.get(char, char)
