"""What the sandbox answers to odd requests, seen by a plain HTTP client."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chatbotx_source.sandbox import Request, Sandbox, Workspace
from tests.support.sandbox import NOON, Caller, Clock

EMPTY_PAGE = b'{"data":[],"nextCursor":null,"prevCursor":null}'
BY_ID = '[{"id":"id","desc":false}]'
BY_ID_DOWN = '[{"id":"id","desc":true}]'
NO_PREFIX = "Invalid identifier format"
BAD_PREFIX = "Invalid identifier format. Use id:, email:, or phone: prefix"
NO_CONTACT = "Contact not found"


@pytest.fixture
def workspace() -> Workspace:
    workspace = Workspace(clock=Clock())
    contact_id = workspace.add_contact(phoneNumber="+84900000001", email="mai+1@example.com")
    for minutes in range(30):
        workspace.add_message(contact_id, created_at=NOON - timedelta(minutes=30 - minutes // 3))
    return workspace


@pytest.fixture
def contact_id(workspace: Workspace) -> str:
    return next(iter(workspace.state.contacts))


@pytest.fixture
def sandbox(workspace: Workspace) -> Iterator[Sandbox]:
    with Sandbox(workspace) as running:
        yield running


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


def cursor(shape: object) -> str:
    return base64.b64encode(json.dumps(shape).encode()).decode()


@pytest.mark.parametrize(
    "identifier",
    [
        "email:mai+1@example.com",
        "email%3Amai%2B1%40example.com",
        "phone:+84900000001",
        "phone%3A%2B84900000001",
    ],
)
def test_an_identifier_is_understood_raw_and_encoded(
    caller: Caller, identifier: str, contact_id: str
) -> None:
    assert caller.get(f"/v1/contacts/{identifier}").json["id"] == contact_id
    assert caller.get(f"/v1/contacts/{identifier}/messages").status == 200
    assert [r.contact_id for r in caller.sandbox.requests] == [contact_id] * 2


def test_an_id_may_have_leading_zeros(caller: Caller, contact_id: str) -> None:
    assert caller.get(f"/v1/contacts/id:000{contact_id}").json["id"] == contact_id


@pytest.mark.parametrize(
    ("identifier", "status", "message"),
    [
        ("10000000000000000", 404, NO_PREFIX),
        (":", 404, NO_PREFIX),
        ("id:", 404, NO_PREFIX),
        ("%20", 404, NO_PREFIX),
        ("..%2F", 404, NO_PREFIX),
        ("ID:1", 404, BAD_PREFIX),
        ("contact:1", 404, BAD_PREFIX),
        ("id:1", 404, NO_CONTACT),
        ("id:-1", 404, NO_CONTACT),
        ("id:abc", 404, NO_CONTACT),
        ("email:MAI+1@example.com", 404, NO_CONTACT),
        ("email:a%2Fb", 404, NO_CONTACT),
        ("phone:84900000001", 404, NO_CONTACT),
        ("phone:%2084900000001", 404, NO_CONTACT),
        ("id:99999999999999999999999", 500, "Internal server error"),
        ("email:%00", 500, "Internal server error"),
    ],
)
def test_an_identifier_that_means_nobody_is_an_error(
    caller: Caller, identifier: str, status: int, message: str
) -> None:
    reply = caller.get(f"/v1/contacts/{identifier}/messages")
    assert (reply.status, reply.json["message"]) == (status, message)


@pytest.mark.parametrize("per_page", ["0", "-1", "2.5", "32768", "100000"])
def test_an_impossible_page_size_answers_an_empty_list(
    caller: Caller, contact_id: str, per_page: str
) -> None:
    reply = caller.messages(contact_id, perPage=per_page)
    assert (reply.status, reply.body) == (200, EMPTY_PAGE)


def test_the_largest_page_size_has_no_cap(caller: Caller, contact_id: str) -> None:
    reply = caller.messages(contact_id, perPage=32767)
    assert len(reply.ids) == 30
    assert reply.json["nextCursor"] is None


def test_a_page_has_20_rows_by_default(caller: Caller, contact_id: str) -> None:
    assert len(caller.messages(contact_id).ids) == 20


def test_a_page_size_that_is_no_number_is_bad_input(caller: Caller, contact_id: str) -> None:
    reply = caller.messages(contact_id, perPage="abc")
    assert (reply.status, reply.json["code"]) == (400, "BAD_REQUEST")
    assert reply.json["data"]["issues"][0]["path"] == ["perPage"]


@pytest.mark.parametrize(
    "odd",
    [
        "",
        cursor(None),
        cursor([]),
        cursor(42),
        cursor({"foo": 1}),
        cursor({"direction": "x", "createdAt": "2026-01-01T00:00:00.000Z", "id": "1"}),
        cursor({"direction": "prev", "createdAt": "nope", "id": "1"}),
        cursor({"direction": "prev", "createdAt": "2026-01-01T00:00:00.000Z", "id": 1}),
        cursor({"direction": "prev", "createdAt": "2026-01-01T00:00:00.000Z"}),
    ],
)
def test_a_cursor_of_another_shape_gives_page_1_again(
    caller: Caller, contact_id: str, odd: str
) -> None:
    first = caller.messages(contact_id, perPage=5)
    assert caller.messages(contact_id, perPage=5, cursor=odd).ids == first.ids


@pytest.mark.parametrize("odd", ["not-a-cursor", "%%%", base64.b64encode(b"hello").decode()])
def test_a_cursor_that_does_not_decode_is_an_internal_error(
    caller: Caller, contact_id: str, odd: str
) -> None:
    reply = caller.messages(contact_id, cursor=odd)
    assert (reply.status, reply.json["code"]) == (500, "INTERNAL_SERVER_ERROR")


def test_two_cursors_are_bad_input(caller: Caller, contact_id: str) -> None:
    assert caller.send(f"/api/v1/contacts/id:{contact_id}/messages?cursor=a&cursor=b").status == 400


def test_the_last_page_has_no_next_cursor_even_when_it_is_full(
    caller: Caller, contact_id: str
) -> None:
    assert [len(page.ids) for page in caller.walk(contact_id, 10)] == [10, 10, 10]


def test_a_contact_without_a_conversation_has_no_messages_to_ask_for(
    caller: Caller, workspace: Workspace
) -> None:
    lonely = workspace.add_contact(conversation=False)
    reply = caller.messages(lonely)
    assert (reply.status, reply.json["message"]) == (404, "Conversation not found")


def test_a_conversation_without_messages_is_an_empty_page(
    caller: Caller, workspace: Workspace
) -> None:
    assert caller.messages(workspace.add_contact()).body == EMPTY_PAGE


def test_one_message_is_found_by_its_id(caller: Caller, contact_id: str) -> None:
    row = caller.messages(contact_id).json["data"][3]
    found = caller.get(f"/v1/contacts/id:{contact_id}/messages/{row['id']}")
    assert found.json == row
    assert caller.get(f"/v1/contacts/id:{contact_id}/messages/1").status == 404


def test_every_answer_signs_urls_anew(
    caller: Caller, workspace: Workspace, contact_id: str
) -> None:
    pending = {"originPath": "wa-media:42"}
    workspace.add_message(contact_id, attachments=[{}, {}, pending])
    first, second = (
        [a["url"] for a in caller.messages(contact_id, perPage=1).json["data"][0]["attachments"]]
        for _ in range(2)
    )
    assert len({*first, *second}) == 5
    assert first[2] == second[2] == "wa-media:42"
    assert {url.split("?")[0] for url in first} == {url.split("?")[0] for url in second}


@pytest.mark.parametrize("text", ["\x00 \x01", "\ud800 lone", "🏳️‍🌈", "\u2028", "a" * 105_000])
def test_text_comes_back_exact(
    caller: Caller, workspace: Workspace, contact_id: str, text: str
) -> None:
    workspace.add_message(contact_id, text=text)
    assert caller.messages(contact_id, perPage=1).json["data"][0]["text"] == text


@pytest.mark.parametrize("value", [{}, [], [1], "text", 2**53 + 1, 2**80, -1.5e-7, True, None])
def test_attributes_are_any_json(
    caller: Caller, workspace: Workspace, contact_id: str, value: object
) -> None:
    workspace.add_message(contact_id, attributes=value)
    assert caller.messages(contact_id, perPage=1).json["data"][0]["attributes"] == value


def test_the_listing_caps_its_pages_silently(caller: Caller, workspace: Workspace) -> None:
    for _ in range(69):
        workspace.add_contact()
    reply = caller.get("/v1/contacts", perPage=1000)
    assert (len(reply.ids), reply.json["pageCount"]) == (50, 2)
    assert len(caller.get("/v1/contacts").ids) == 20
    beyond = caller.get("/v1/contacts", page=3, perPage=50)
    assert (beyond.status, beyond.json) == (200, {"data": [], "pageCount": 2})


def test_the_listing_sorted_by_id_is_exact_and_numeric(
    caller: Caller, workspace: Workspace
) -> None:
    for _ in range(69):
        workspace.add_contact(created_at=NOON)
    pages = [caller.get("/v1/contacts", page=p, perPage=9, sort=BY_ID).ids for p in range(1, 9)]
    listed = [contact_id for page in pages for contact_id in page]
    assert listed == sorted(workspace.state.contacts, key=int)
    assert listed != sorted(listed), "ids must differ in their number of digits"
    down = caller.get("/v1/contacts", perPage=50, sort=BY_ID_DOWN).ids
    assert down == listed[:-51:-1]


def test_the_default_order_loses_contacts_that_tie(caller: Caller, workspace: Workspace) -> None:
    for _ in range(69):
        workspace.add_contact(created_at=NOON)
    pages = [caller.get("/v1/contacts", page=p, perPage=7).ids for p in range(1, 11)]
    assert len({contact_id for page in pages for contact_id in page}) < 70


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", "bearer sandbox-token", "Basic abc"]
)
def test_a_wrong_token_is_an_error_500_with_its_code(
    caller: Caller, contact_id: str, authorization: str | None
) -> None:
    caller.authorization = authorization
    reply = caller.messages(contact_id, perPage="abc")
    assert (reply.status, reply.json["code"]) == (500, "INVALID_CHATBOT_TOKEN")


def test_the_token_is_taken_from_the_query_when_there_is_no_header(
    caller: Caller, contact_id: str
) -> None:
    caller.authorization = None
    assert caller.messages(contact_id, token=caller.sandbox.token).status == 200
    caller.authorization = "Bearer wrong"
    assert caller.messages(contact_id, token=caller.sandbox.token).status == 500


@pytest.mark.parametrize(
    ("target", "status", "location"),
    [
        ("/api/v1/contacts/", 308, "/api/v1/contacts"),
        ("/api//v1/contacts", 308, "/api/v1/contacts"),
        ("/v1/contacts", 307, "/auth/sign-in?callbackURL="),
    ],
)
def test_a_path_that_is_not_quite_right_is_redirected(
    caller: Caller, target: str, status: int, location: str
) -> None:
    reply = caller.send(target)
    assert reply.status == status
    assert reply.headers["location"].startswith(location)


@pytest.mark.parametrize(
    ("method", "status"),
    [("POST", 400), ("PUT", 404), ("PATCH", 404), ("DELETE", 404), ("HEAD", 404), ("OPTIONS", 204)],
)
def test_no_other_method_changes_anything(
    caller: Caller, workspace: Workspace, contact_id: str, method: str, status: int
) -> None:
    before = len(workspace.events)
    target = f"/api/v1/contacts/id:{contact_id}/messages"
    assert caller.send(target, method).status == status
    assert len(workspace.events) == before


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/api/v1/nope", 404),
        ("/api/v1/conversations", 400),
        ("/api/health", 200),
        ("/api/v1/contacts/email:%zz/messages", 400),
    ],
)
def test_other_paths_answer_as_measured(caller: Caller, target: str, status: int) -> None:
    assert caller.send(target).status == status


def test_the_date_header_follows_the_clock_and_can_be_spoilt(
    caller: Caller, sandbox: Sandbox
) -> None:
    assert caller.get("/v1/contacts").headers["Date"] == "Wed, 04 Mar 2026 12:00:00 GMT"
    sandbox.clock_skew = timedelta(hours=-2)
    sandbox.age_header = "3600"
    headers = caller.get("/v1/contacts").headers
    assert headers["Date"] == "Wed, 04 Mar 2026 10:00:00 GMT"
    assert headers["Age"] == "3600"
    sandbox.date_header = "yesterday"
    assert caller.get("/v1/contacts").headers["Date"] == "yesterday"
    sandbox.date_header = None
    assert "Date" not in caller.get("/v1/contacts").headers


def test_requests_are_remembered_in_order(
    caller: Caller, sandbox: Sandbox, contact_id: str
) -> None:
    caller.get("/v1/contacts", page=2, perPage=50)
    caller.messages(contact_id, perPage=5, cursor="x")
    caller.get("/v1/nope")
    seen = [(r.number, r.kind, r.page, r.per_page, r.cursor, r.status) for r in sandbox.requests]
    assert seen == [
        (1, "contacts", "2", "50", None, 200),
        (2, "messages", None, "5", "x", 500),
        (3, "other", None, None, None, 404),
    ]
    assert sandbox.requests[1].path == f"/api/v1/contacts/id:{contact_id}/messages"
    assert sandbox.requests[1].at == NOON


def test_the_workspace_can_change_just_before_an_answer(
    caller: Caller, sandbox: Sandbox, workspace: Workspace, contact_id: str
) -> None:
    def delete(request: Request) -> None:
        if request.number == 2:
            workspace.delete_contact(contact_id)

    sandbox.before.append(delete)
    assert [caller.messages(contact_id).status for _ in range(2)] == [200, 404]


def test_newer_servers_say_401_422_and_403(workspace: Workspace, contact_id: str) -> None:
    with Sandbox(workspace, profile="newer") as sandbox:
        caller = Caller(sandbox)
        assert caller.messages(contact_id, perPage="abc").json["code"] == "invalidRequestData"
        sandbox.scopes.discard("inbox")
        assert caller.messages(contact_id).json["code"] == "FORBIDDEN"
        assert caller.get("/v1/contacts").status == 200
        sandbox.scopes.clear()
        assert caller.get("/v1/contacts").status == 403
        caller.authorization = None
        assert caller.get("/v1/contacts").status == 401


def test_newer_servers_cap_pages_count_contacts_and_leave_out_relations(
    workspace: Workspace, contact_id: str
) -> None:
    for _ in range(100):
        workspace.add_message(contact_id)
    with Sandbox(workspace, profile="newer") as sandbox:
        caller = Caller(sandbox)
        assert len(caller.messages(contact_id, perPage=500).ids) == 100
        listing = caller.get("/v1/contacts").json
        assert (listing["totalCount"], listing["totalCountCapped"]) == (1, False)
        small = caller.get("/v1/contacts", withCount="false", include="tags").json
        assert "totalCount" not in small
        assert "tags" in small["data"][0]
        assert "conversation" not in small["data"][0]
    with Sandbox(workspace, profile="newer", max_per_page=30) as sandbox:
        assert len(Caller(sandbox).messages(contact_id, perPage=500).ids) == 30


def test_a_rate_limit_counts_in_fixed_windows(workspace: Workspace) -> None:
    seconds = 100.0
    limit = (2, 10.0)
    with Sandbox(workspace, rate_limit=limit, monotonic=lambda: seconds) as sandbox:
        caller = Caller(sandbox)
        replies = [caller.get("/v1/contacts") for _ in range(3)]
        assert [reply.status for reply in replies] == [200, 200, 429]
        assert replies[2].json["code"] == "tooManyRequests"
        assert "Retry-After" not in replies[2].headers
        seconds = 110.0
        assert caller.get("/v1/contacts").status == 200


def test_a_port_that_is_taken_is_an_error(sandbox: Sandbox, workspace: Workspace) -> None:
    with (
        pytest.raises(OSError, match="address already in use"),
        Sandbox(workspace, port=sandbox.port),
    ):
        pass
