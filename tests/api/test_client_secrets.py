"""The token leaves in one header of our own requests, and by no other way."""

import json
import logging
import traceback
from collections.abc import Callable
from pathlib import Path

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
