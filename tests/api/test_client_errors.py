"""Each refusal of the server becomes the one error that tells the user what to do."""

import json
import re
from collections.abc import Callable

import pytest

from chatbotx_source import errors
from chatbotx_source.api.client import Answer
from chatbotx_source.errors import (
    AuthenticationError,
    ChatbotXError,
    ConfigurationError,
    InvalidOutputError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RequestFailedError,
    ServerFaultError,
    WrongAddressError,
)
from chatbotx_source.sandbox import Sandbox, Workspace
from tests.support.client import EMPTY_LISTING, EMPTY_PAGE, client_at, reply, scripted


def api_error(status: int, code: str, message: str, **more: object) -> bytes:
    body = {"defined": False, "code": code, "status": status, "message": message, **more}
    return reply(status, json.dumps(body).encode())


ISSUES = {
    "issues": [
        {"code": "invalid_type", "path": ["perPage"], "message": "Invalid input: expected number"}
    ]
}
FINAL = [
    (api_error(500, "INVALID_CHATBOT_TOKEN", "INVALID_CHATBOT_TOKEN"), AuthenticationError),
    (api_error(401, "UNAUTHORIZED", "Unauthorized"), AuthenticationError),
    (reply(401, b"<html>who are you?</html>"), AuthenticationError),
    (api_error(403, "FORBIDDEN", "Forbidden"), PermissionDeniedError),
    (reply(403, b"<html>blocked</html>"), PermissionDeniedError),
    (api_error(404, "notFound", "Contact not found"), NotFoundError),
    (api_error(404, "notFound", "Conversation not found"), NotFoundError),
    (api_error(400, "BAD_REQUEST", "Input validation failed", data=ISSUES), InvalidRequestError),
    (api_error(422, "invalidRequestData", "Invalid", data=ISSUES), InvalidRequestError),
    (reply(400, b"<!DOCTYPE html>Bad Request"), InvalidRequestError),
    (reply(414, b""), InvalidRequestError),
    (
        api_error(500, "INTERNAL_SERVER_ERROR", "Output validation failed"),
        InvalidOutputError,
    ),
    (reply(404, b"Not found", "Content-Type: text/plain"), WrongAddressError),
    (reply(404, b'{"detail":"Not Found"}'), WrongAddressError),
    (reply(200, b"<!DOCTYPE html>Welcome"), WrongAddressError),
    (reply(307, b"", "Location: /auth/sign-in?callbackURL=x"), WrongAddressError),
    (reply(302, b"", "Location: http://[broken"), WrongAddressError),
    (reply(308, b""), WrongAddressError),
]


@pytest.mark.parametrize(("answer", "error"), FINAL)
def test_a_final_refusal_is_asked_for_once(answer: bytes, error: type[ChatbotXError]) -> None:
    with scripted(answer) as server, pytest.raises(error) as caught:
        client_at(server.base_url).messages("id:7", per_page=20, cursor=None)
    assert type(caught.value) is error
    assert caught.value.attempts == len(server.heads) == 1


def test_not_found_says_what_the_server_said() -> None:
    workspace = Workspace()
    silent = workspace.add_contact(conversation=False)
    with Sandbox(workspace) as sandbox:
        client = client_at(sandbox.base_url, api_token=sandbox.token)
        with pytest.raises(NotFoundError, match="v1/contacts/id:1: Contact not found") as unknown:
            client.contact("id:1")
        with pytest.raises(NotFoundError) as no_conversation:
            client.messages(f"id:{silent}", per_page=20, cursor=None)
    assert unknown.value.message == "Contact not found"
    assert no_conversation.value.message == "Conversation not found"
    assert (unknown.value.status, unknown.value.code) == (404, "notFound")


def test_a_poisoned_page_is_told_from_a_passing_fault() -> None:
    workspace = Workspace()
    contact = workspace.add_contact()
    workspace.add_message(contact)
    workspace.poison_message(workspace.add_message(contact, attachments=1))
    with Sandbox(workspace) as sandbox:
        client = client_at(sandbox.base_url, api_token=sandbox.token)
        with pytest.raises(InvalidOutputError, match="correct that row in ChatbotX"):
            client.messages(f"id:{contact}", per_page=20, cursor=None)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("scope", ["contacts", "inbox"])
def test_a_missing_scope_is_named(scope: str) -> None:
    workspace = Workspace()
    contact = workspace.add_contact()
    with Sandbox(workspace, profile="newer") as sandbox:
        sandbox.scopes.remove(scope)
        client = client_at(sandbox.base_url, api_token=sandbox.token)
        ask: dict[str, Callable[[], Answer]] = {
            "contacts": lambda: client.contacts(1),
            "inbox": lambda: client.messages(f"id:{contact}", per_page=20, cursor=None),
        }
        with pytest.raises(PermissionDeniedError, match=f"give it the scope `{scope}`"):
            ask[scope]()


@pytest.mark.parametrize("profile", ["measured", "newer"])
def test_a_wrong_token_is_told_with_the_setting_to_check(profile: str) -> None:
    with Sandbox(Workspace(), profile=profile) as sandbox:
        client = client_at(sandbox.base_url, api_token="wrong")
        with pytest.raises(AuthenticationError, match="SOURCES__CHATBOTX__API_TOKEN"):
            client.contacts(1)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("token", [None, "", "  \n"])
def test_a_missing_token_is_told_before_anything_is_sent(token: str | None) -> None:
    with scripted(reply(200, EMPTY_LISTING)) as server:
        client = client_at(server.base_url, api_token=token)
        with pytest.raises(ConfigurationError, match="SOURCES__CHATBOTX__API_TOKEN") as caught:
            client.contacts(1)
    assert ".dlt/secrets.toml" in str(caught.value)
    assert "[sources.chatbotx]" in str(caught.value)
    assert (server.heads, client.requests, caught.value.attempts) == ([], 0, 0)


def test_issues_of_the_server_are_passed_on() -> None:
    answer = api_error(422, "invalidRequestData", "Invalid request data", data=ISSUES)
    with scripted(answer) as server, pytest.raises(InvalidRequestError) as caught:
        client_at(server.base_url).messages("id:7", per_page=20, cursor=None)
    assert "Invalid request data" in str(caught.value)
    assert "perPage: invalid_type" in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [None, 7, {"issues": None}, {"issues": 7}, {"issues": [7, {"path": 3}, {"path": [1, None]}]}],
)
def test_issues_of_any_shape_are_survived(data: object) -> None:
    answer = api_error(400, "BAD_REQUEST", "Input validation failed", data=data)
    with scripted(answer) as server, pytest.raises(InvalidRequestError):
        client_at(server.base_url).contacts(1)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"{}",
        b'{"data":{}}',
        b'{"data":[1],"nextCursor":null}',
        b'{"data":[]}',
        b'{"data":[],"nextCursor":7}',
    ],
)
def test_json_that_is_no_page_is_a_fault_and_no_answer(body: bytes) -> None:
    with scripted(reply(200, body)) as server:
        client = client_at(server.base_url, max_attempts=2)
        with pytest.raises(ServerFaultError, match="not what the API promises"):
            client.messages("id:7", per_page=20, cursor=None)


@pytest.mark.parametrize(
    "count",
    ["9" * 400, "9" * 5_000, "-1", "2147483648", "true", "3.0", "1e3", '"3"', "null", "NaN"],
)
def test_a_page_count_that_is_none_is_a_fault_and_no_answer(count: str) -> None:
    body = b'{"data":[],"pageCount":%b}' % count.encode()
    with scripted(reply(200, body)) as server:
        client = client_at(server.base_url, max_attempts=1)
        with pytest.raises(ServerFaultError, match="not what the API promises"):
            client.contacts(1)


@pytest.mark.parametrize(
    "strange",
    [
        reply(200, b"<html>Request rejected"),
        reply(302, b"", "Location: https://sso.example.com/"),
        reply(404, b"nothing here"),
        reply(401, b"<html>Sign in"),
        reply(403, b"<html>Blocked"),
    ],
)
def test_once_the_api_has_answered_a_strange_answer_speaks_of_one_request(strange: bytes) -> None:
    with scripted(reply(200, EMPTY_LISTING), strange) as server:
        client = client_at(server.base_url, max_attempts=3)
        client.contacts(1)
        with pytest.raises(ServerFaultError, match="answered before") as caught:
            client.messages("id:7", per_page=20, cursor=None)
    assert caught.value.attempts == 3


def test_the_date_and_age_of_an_answer_are_read() -> None:
    dated = reply(200, EMPTY_PAGE, "Date: Sun, 01 Mar 2026 12:00:00 GMT", "Age: 12")
    odd = reply(200, EMPTY_PAGE, "Date: yesterday", "Age: old")
    with scripted(dated, odd) as server:
        client = client_at(server.base_url)
        first = client.messages("id:7", per_page=20, cursor=None)
        second = client.messages("id:7", per_page=20, cursor=None)
    assert first.date is not None
    assert (first.date.isoformat(), first.age) == ("2026-03-01T12:00:00+00:00", 12.0)
    assert (second.date, second.age) == (None, None)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = set(re.findall(r"^[│├└─ ]*(\w+Error)\b", errors.__doc__ or "", re.MULTILINE))
    classes = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, ChatbotXError)
    }
    assert drawn == set(classes)
    assert {name for name, value in classes.items() if issubclass(value, RequestFailedError)} == {
        "RequestFailedError",
        "NotFoundError",
        "InvalidRequestError",
        "InvalidOutputError",
        "UnreadablePageError",
        "ServerFaultError",
    }
