"""The token goes to the address that was configured, encrypted, and nowhere else."""

import pytest

from chatbotx_source.api.addresses import check_base_url
from chatbotx_source.errors import ConfigurationError, ServerFaultError, WrongAddressError
from chatbotx_source.sandbox import Sandbox, Workspace
from tests.support.client import EMPTY_LISTING, client_at, reply, scripted


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://app.chatbotx.io/api", "https://app.chatbotx.io/api"),
        ("https://chat.example.com:8443/api//", "https://chat.example.com:8443/api"),
        (" https://chat.example.com/api/\n", "https://chat.example.com/api"),
        ("HTTPS://chat.example.com/deep/api", "HTTPS://chat.example.com/deep/api"),
        ("http://localhost:3000/api", "http://localhost:3000/api"),
        ("http://127.8.9.1/api", "http://127.8.9.1/api"),
        ("http://[::1]:3000/api", "http://[::1]:3000/api"),
    ],
)
def test_an_address_is_taken_without_its_slashes(given: str, used: str) -> None:
    assert check_base_url(given) == used


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("", "such as https://app.chatbotx.io/api"),
        ("app.chatbotx.io/api", "such as https://app.chatbotx.io/api"),
        ("ftp://chat.example.com/api", "such as https://app.chatbotx.io/api"),
        ("https:///api", "such as https://app.chatbotx.io/api"),
        ("https://chat.example.com:port/api", "not a URL"),
        ("https://[::1/api", "not a URL"),
        ("https://chat.example.com/api?x=1", "such as https://chat.example.com/api:"),
        ("https://chat.example.com/api#x", "no query, fragment or space"),
        ("https://chat.example.com/a pi", "no query, fragment or space"),
        ("http://chat.example.com/api", "allow_http = true"),
        ("http://localhost.example.com/api", "must start with https://"),
        ("http://128.0.0.1/api", "must start with https://"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_with_a_better_one(given: str, advice: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        check_base_url(given)
    assert advice in str(caught.value)


@pytest.mark.parametrize("user_info", ["user:hunter2", "hunter2", ":hunter2"])
def test_credentials_in_the_address_are_refused_and_not_shown(user_info: str) -> None:
    with pytest.raises(ConfigurationError, match="user name or password") as caught:
        check_base_url(f"https://{user_info}@chat.example.com/api")
    assert "hunter2" not in str(caught.value)


def test_http_is_a_choice() -> None:
    assert check_base_url("http://chat.internal/api", allow_http=True) == "http://chat.internal/api"


def test_a_client_is_built_without_a_request_and_without_a_token() -> None:
    with scripted(reply(200, EMPTY_LISTING)) as server:
        client = client_at(server.base_url + "/", api_token=None)
    assert (client.base_url, client.requests) == (server.base_url, 0)
    assert (server.connections, server.heads) == (0, [])


@pytest.mark.parametrize("path", ["", "/v1", "/api/v1", "/api/"])
def test_an_address_with_another_path_than_the_api_is_told(path: str) -> None:
    with Sandbox(Workspace()) as sandbox:
        root = sandbox.base_url.removesuffix("/api")
        client = client_at(root + path, api_token=sandbox.token)
        if path == "/api/":
            assert client.contacts(1).body["data"] == []
        else:
            with pytest.raises(WrongAddressError, match=f"should probably be {root}/api$"):
                client.contacts(1)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_told_without_its_query(status: int) -> None:
    with scripted(reply(200, EMPTY_LISTING)) as other:
        location = f"Location: {other.base_url}/sign-in?callback=secret#part"
        redirect = reply(status, b"a body that nobody needs", location)
        with scripted(redirect) as server, pytest.raises(WrongAddressError) as caught:
            client_at(server.base_url).contacts(1)
    assert f"redirects to {other.base_url}/sign-in," in str(caught.value)
    assert "secret" not in str(caught.value)
    assert (len(server.heads), other.connections) == (1, 0)


def test_only_get_is_ever_sent() -> None:
    with scripted(reply(500, b"")) as server:
        client = client_at(server.base_url, max_attempts=2)
        with pytest.raises(ServerFaultError):
            client.contacts(2)
        with pytest.raises(ServerFaultError):
            client.contact("id:7")
        with pytest.raises(ServerFaultError):
            client.messages("id:7", per_page=500, cursor="a+/=")
    assert {head.split(" ")[0] for head in server.heads} == {"GET"}
    assert server.targets[::2] == [
        "/api/v1/contacts?page=2&perPage=50"
        "&sort=%5B%7B%22id%22%3A%22id%22%2C%22desc%22%3Afalse%7D%5D",
        "/api/v1/contacts/id%3A7",
        "/api/v1/contacts/id%3A7/messages?perPage=500&cursor=a%2B%2F%3D",
    ]


def test_a_request_says_who_asks_and_what_it_takes() -> None:
    with scripted(reply(200, EMPTY_LISTING)) as server:
        client_at(server.base_url).contacts(1)
    headers = server.heads[0].splitlines()
    assert "Accept: application/json" in headers
    assert any(line.startswith("User-Agent: chatbotx-source/") for line in headers)
    assert any(line.endswith(" (dlt)") for line in headers)
