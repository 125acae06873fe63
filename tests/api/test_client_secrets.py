"""The token leaves in one header of our own requests, and by no other way."""

import json
import logging
import traceback
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from chatbotx_source.api.client import Client
from chatbotx_source.errors import ChatbotXError, ConfigurationError
from tests.support.client import EMPTY_LISTING, TOKEN, client_at, reply, scripted

ECHO = f"Bearer {TOKEN} is bad"
ECHOES = [
    reply(status, json.dumps({"code": code, "message": ECHO, "data": data}).encode())
    for status, code, data in [
        (500, "INVALID_CHATBOT_TOKEN", None),
        (500, "INTERNAL_SERVER_ERROR", None),
        (401, "UNAUTHORIZED", None),
        (403, "FORBIDDEN", None),
        (404, "notFound", None),
        (429, "tooManyRequests", None),
        (422, "invalidRequestData", {"issues": [{"path": ["token", TOKEN], "message": ECHO}]}),
    ]
]
STRANGE = [
    reply(502, f"<html>{ECHO}</html>".encode()),
    reply(503, b"x" + b" " * 382 + ECHO.encode()),  # an excerpt could cut the token in two
    reply(200, f"<html>{ECHO}</html>".encode()),
    reply(200, f'"{ECHO}'.encode()),
    reply(307, b"", f"Location: /sign-in/{TOKEN}?token={TOKEN}"),
    reply(200, EMPTY_LISTING, "Connection: close", length=1000),
    f"{ECHO}\r\nConnection: close\r\n\r\n".encode(),
    b"Connection: close\r\n",
]


def everything_said(client: Client, ask: Callable[[], object]) -> str:
    with pytest.raises(ChatbotXError) as caught:
        ask()
    error = caught.value
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return "\n".join([shown, str(error), repr(error), repr(vars(error)), repr(client), str(client)])


@pytest.mark.parametrize("answer", ECHOES + STRANGE)
def test_no_error_and_no_log_shows_the_token(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with scripted(answer) as server:
        client = client_at(server.base_url, max_attempts=2, max_wait=20)
        said = everything_said(client, lambda: client.contacts(1))
    assert f"Authorization: Bearer {TOKEN}" in server.heads[0]
    logged = "\n".join(f"{r.name} {r.getMessage()} {r.args} {r.exc_text}" for r in caplog.records)
    assert "v1/contacts?page=1" in logged
    assert TOKEN[:8] not in said + logged


PERCENT = "".join(f"%{ord(char):02X}" for char in TOKEN)
ESCAPED = "".join(f"\\u{ord(char):04x}" for char in TOKEN)
SPELLINGS = [
    TOKEN,
    PERCENT,
    PERCENT.lower(),
    quote(PERCENT),
    ESCAPED,
    TOKEN[:5] + PERCENT[15:],
    *(b64encode(before + TOKEN.encode()).decode() for before in (b"", b"a", b"Bearer ", b"ab")),
    b64encode(f"user:{TOKEN}:x".encode()).decode().rstrip("="),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("text", ["{0}", "a{0}b", "x?y={0}&z", "{0}{0}", "x" * 1_999 + " {0}"])
def test_a_token_that_comes_back_in_another_spelling_is_not_shown(
    spelling: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = json.dumps({"code": "FORBIDDEN", "message": text.format(spelling)})
    with scripted(reply(403, body.encode())) as server:
        client = client_at(server.base_url, max_attempts=1)
        said = everything_said(client, lambda: client.contacts(1))
    # The first characters of Base64 tell of what stands before the token, too.
    assert spelling[4:12] not in said + caplog.text


PRIVATE = ["Anna Example", "anna@example.com", "+84 90 123 45 67", "84901234567", "My secret text"]
PERSON = {"id": "84901234567", "fullName": PRIVATE[0], "email": PRIVATE[1], "phone": PRIVATE[2]}
PERSONAL = [
    reply(200, json.dumps({"data": [PERSON], "pageCount": "one"}).encode()),
    reply(200, json.dumps([PERSON]).encode()),
    reply(200, json.dumps({PRIVATE[1]: 1, "a": {PRIVATE[0]: {PRIVATE[4]: 2}}}).encode()),
    reply(200, f"{PRIVATE[0]} {PRIVATE[4]}".encode()),
    reply(500, json.dumps(PERSON).encode()),
    reply(500, f"<html>{PRIVATE[0]}</html>".encode()),
    reply(502, json.dumps(PRIVATE[4]).encode()),
    reply(404, json.dumps({"code": "a", "message": f"No {PRIVATE[1]}, {PRIVATE[2]}"}).encode()),
    reply(500, json.dumps({"message": "x" * 190 + f" {PRIVATE[1]} {PRIVATE[3]}"}).encode()),
    reply(
        422,
        json.dumps(
            {
                "message": "Invalid",
                "data": {
                    "issues": [
                        {"path": ["email"], "code": "invalid_format", "message": PRIVATE[4]},
                        {"path": [PRIVATE[0], PRIVATE[3]], "code": PRIVATE[4]},
                    ]
                },
            }
        ).encode(),
    ),
]


@pytest.mark.parametrize("answer", PERSONAL)
def test_no_error_and_no_log_shows_what_an_answer_says_of_a_person(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with scripted(answer) as server:
        client = client_at(server.base_url, max_attempts=2, max_wait=20)
        said = everything_said(client, lambda: client.contacts(1)) + caplog.text
    assert [value for value in PRIVATE if value.split()[0] in said] == []


def test_an_answer_that_is_none_is_told_by_its_shape() -> None:
    with scripted(PERSONAL[0]) as server:
        client = client_at(server.base_url, max_attempts=1)
        said = everything_said(client, lambda: client.contacts(1))
    size = len(PERSONAL[0].split(b"\r\n\r\n")[1])
    assert (
        f"{size} bytes, JSON, {{data: list of 1 {{id: text, fullName: text, email: text, "
        "phone: text}, pageCount: text}"
    ) in said


CONTROLS = (
    "\x1b[2J\x1b]0;title\x07 \x9b31m \u202egnp.exe \u2066 \x00 \x85 \u2028 \r\nWARNING forged"
)


@pytest.mark.parametrize("status", [404, 403, 422, 429, 500])
def test_what_a_terminal_would_obey_reaches_no_error(status: int) -> None:
    body = {
        "code": CONTROLS,
        "message": CONTROLS,
        CONTROLS: CONTROLS,
        "data": {"issues": [{"path": [CONTROLS], "code": CONTROLS}]},
    }
    location = f"Location: /{CONTROLS.encode('utf-8').decode('latin-1').splitlines()[0]}"
    for answer in (reply(status, json.dumps(body).encode()), reply(307, b"", location)):
        with scripted(answer) as server:
            client = client_at(server.base_url, max_attempts=1, max_wait=0)
            with pytest.raises(ChatbotXError) as caught:
                client.contacts(1)
        assert str(caught.value).isprintable()


def test_an_unreachable_server_does_not_show_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with scripted(b"") as gone:
        pass
    client = client_at(gone.base_url, max_attempts=2)
    said = everything_said(client, lambda: client.contacts(1))
    assert TOKEN not in said + caplog.text


@pytest.mark.parametrize("token", ["two words", "new\nline", "tab\tbed", "nul\x00", "ünicode"])
def test_a_token_that_cannot_be_sent_is_told_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigurationError, match="token") as caught:
        client_at("https://app.chatbotx.io/api", api_token=token)
    assert token not in str(caught.value)
    assert "copy it again" in str(caught.value)


def test_space_around_the_token_is_not_sent() -> None:
    with scripted(reply(200, EMPTY_LISTING)) as server:
        client_at(server.base_url, api_token=f" {TOKEN}\r\n").contacts(1)
    assert f"\r\nAuthorization: Bearer {TOKEN}\r\n" in server.heads[0]
    assert TOKEN not in server.targets[0]


def test_an_entry_in_netrc_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted(reply(200, EMPTY_LISTING)) as server:
        client_at(server.base_url).contacts(1)
    assert f"Authorization: Bearer {TOKEN}\r\n" in server.heads[0]
    assert "Basic" not in server.heads[0]


def test_cookies_are_not_kept() -> None:
    cookies = ("Set-Cookie: session=1; Path=/", "Set-Cookie: other=2; Path=/; Domain=127.0.0.1")
    with scripted(reply(200, EMPTY_LISTING, *cookies)) as server:
        client = client_at(server.base_url)
        client.contacts(1)
        client.contacts(2)
    assert len(server.heads) == 2
    assert "cookie" not in server.heads[1].lower()


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(reply(200, EMPTY_LISTING)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/api"))
        monkeypatch.setenv("no_proxy", "")
        client_at("http://chat.example.com/api", allow_http=True).contacts(1)
    assert proxy.targets[0].startswith("http://chat.example.com/api/v1/contacts?")


def test_the_password_of_a_proxy_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(b"") as gone:
        pass
    host = gone.base_url.removeprefix("http://").removesuffix("/api")
    monkeypatch.setenv("https_proxy", f"http://user:hunter2@{host}")
    monkeypatch.setenv("no_proxy", "")
    client = client_at("https://chat.example.com/api", max_attempts=1)
    said = everything_said(client, lambda: client.contacts(1))
    assert "Connection refused" in said
    assert "hunter2" not in said


def test_a_ca_bundle_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    client = client_at("https://127.0.0.1:9/api")
    with pytest.raises(ConfigurationError, match=r"/nowhere/bundle\.pem") as caught:
        client.contacts(1)
    assert caught.value.attempts == 1
