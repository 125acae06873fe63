"""A stored link names its file and opens nothing."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbotx_source.redaction import hide_people, hide_token, redact_links, redact_url

FILE = "https://files.example.com/a/b%20c.png"
SIGNED = [
    "X-Amz-Date=20260301T120000Z&X-Amz-Signature=51c7",
    "AWSAccessKeyId=51c7&Expires=1&Signature=51c7",
    "X-Goog-Signature=51c7",
    "GoogleAccessId=51c7&Expires=1",
    "sv=2024-11-04&se=2026-03-01&sp=r&sig=51c7",
    "Expires=1&Key-Pair-Id=51c7&Policy=51c7",
    "x-oss-signature=51c7",
    "q-sign-algorithm=sha1&q-ak=51c7",
    "token=51c7",
    "access_token=51c7",
    "auth_token=51c7",
    "X-File-Token=51c7",
    "accessToken=51c7",
    "api_key=51c7",
    "oh=51c7&oe=6",
    "client_secret=51c7",
    "jwt=51c7",
    "X%2DAmz%2DSignature=51c7",
    "size=3;token=51c7",
]
HARMLESS = ["", "v=2", "size=3&page=7", "description=token", "signature", "tokens=3", "design=1"]


@pytest.mark.parametrize("query", SIGNED)
@pytest.mark.parametrize("more", ["", "v=2&"])
@pytest.mark.parametrize("fragment", ["", "#page=2"])
def test_a_signature_takes_the_whole_query_with_it(query: str, more: str, fragment: str) -> None:
    assert redact_url(f"{FILE}?{more}{query}{fragment}") == FILE
    assert redact_url(f"{FILE}?{more}{query.upper()}{fragment}") == FILE


@pytest.mark.parametrize("query", HARMLESS)
def test_a_link_without_a_signature_is_kept(query: str) -> None:
    assert redact_url(f"{FILE}?{query}") == f"{FILE}?{query}"
    assert redact_url(f"{FILE}?{query}#part") == f"{FILE}?{query}#part"


@pytest.mark.parametrize(
    "text", ["", "wa-media:1234567890", "public/av/15.png", "data:,x", "http://[", "a@example.com"]
)
def test_what_is_no_signed_link_is_kept(text: str) -> None:
    assert redact_url(text) == text


def test_a_signed_link_inside_a_link_is_found() -> None:
    inner = f"{FILE}?X-Amz-Signature=51c7"
    assert redact_url(f"https://example.com/show?{urlencode({'u': inner})}") == (
        "https://example.com/show"
    )
    assert "51c7" not in redact_url(f"https://example.com/show?u={quote(quote(inner, safe=''))}")


def test_a_token_in_the_fragment_is_found() -> None:
    assert redact_url("https://example.com/a#access_token=51c7&state=1") == "https://example.com/a"


def escaped(url: str) -> str:
    """A link as JSON within a text has it."""
    return url.replace("/", "\\/").replace("&", "\\u0026").replace("=", "\\u003d")


@pytest.mark.parametrize("query", SIGNED)
@pytest.mark.parametrize("start", ["https://", "//", ""])
def test_a_signed_link_is_known_without_a_scheme_and_escaped(query: str, start: str) -> None:
    bare = start + FILE.removeprefix("https://")
    link = f"{bare}?v=2&{query}"
    assert redact_url(link) == bare
    assert redact_url(link.replace("/", "\\/").replace("&", "\\u0026")) == bare.replace("/", "\\/")
    assert "51c7" not in redact_url(escaped(link))


@pytest.mark.parametrize("query", SIGNED)
def test_links_in_a_text_lose_their_signatures_and_nothing_else_is_lost(query: str) -> None:
    link = f"{FILE}?{query}"
    inner = escaped(link)
    text = f'See {link} (or <{link}>)\nand \'{link}\': {{"url":"{inner}","n":"a\\nb"}} ok?'
    assert redact_links(text) == (
        f'See {FILE} (or <{FILE}>)\nand \'{FILE}\': {{"url":"{escaped(FILE)}","n":"a\\nb"}} ok?'
    )
    json_in_json = text.replace('"', '\\"')
    assert "51c7" not in redact_links(json_in_json)
    assert redact_links(json_in_json).endswith('\\"n\\":\\"a\\nb\\"} ok?')


def test_a_text_without_signed_links_is_kept() -> None:
    text = "Really? a@example.com #1 https://example.com/a?page=2\\n \\\\ 'x' and/or"
    assert redact_links(text) == text


TOKEN = "tok/3f1c+9a77e2"


@pytest.mark.parametrize(
    "spelled",
    [TOKEN, quote(TOKEN, safe=""), quote(quote(TOKEN, safe="")), TOKEN.replace("/", "\\/")],
)
def test_a_token_is_hidden_with_what_stands_around_it_kept(spelled: str) -> None:
    assert hide_token(f"<{spelled}> {spelled}", TOKEN) == "<***> ***"


def test_without_a_token_nothing_is_hidden() -> None:
    assert hide_token("anything", "") == "anything"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("No a.b+c@example.com (x@y.example.com)!", "No *** (***)!"),
        ("to=anna%40example.com&x", "to=***"),
        ("+84 90 123-45-67 or 0901234567.", "*** or ***."),
        ("perPage must be 500, status 422, of 2026", "perPage must be 500, status 422, of 2026"),
    ],
)
def test_people_are_hidden(text: str, shown: str) -> None:
    assert hide_people(text) == shown


def test_credentials_before_the_query_are_taken_out() -> None:
    assert redact_url("https://me:51c7@example.com/a?v=1") == "https://example.com/a?v=1"
    assert redact_url("//me:51c7@example.com/a") == "//example.com/a"
    assert redact_links(r"x: https:\/\/me:51c7@example.com\/a") == r"x: https:\/\/example.com\/a"
    bot = redact_url("https://api.telegram.org/file/bot123456:AA-51c7_x/photos/1.jpg")
    assert "51c7" not in bot
    assert bot.endswith("/photos/1.jpg")
    assert redact_url("https://example.com/bots/7") == "https://example.com/bots/7"


@given(st.text())
def test_redaction_is_done_once_for_all(text: str) -> None:
    assert redact_url(redact_url(text)) == redact_url(text)
    assert redact_links(redact_links(text)) == redact_links(text)


@given(
    st.lists(st.sampled_from(SIGNED + HARMLESS), max_size=4),
    st.sampled_from(["&", ";"]),
    st.sampled_from(["?", "#", "??"]),
)
def test_no_signature_survives(parts: list[str], joint: str, mark: str) -> None:
    assert "51c7" not in redact_url(FILE + mark + joint.join(parts))
