"""Every kind of fault, seen by a plain HTTP client."""

import http.client
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chatbotx_source.sandbox import Fault, Sandbox, Workspace, faults
from chatbotx_source.sandbox.faults import KINDS
from tests.support.sandbox import NOON, Caller, Clock

EMPTY_PAGE = b'{"data":[],"nextCursor":null,"prevCursor":null}'


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    workspace = Workspace(clock=Clock())
    contact_id = workspace.add_contact()
    for minute in range(10):
        workspace.add_message(contact_id, created_at=NOON - timedelta(minutes=9 - minute))
    with Sandbox(workspace) as running:
        yield running


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


@pytest.fixture
def contact_id(sandbox: Sandbox) -> str:
    return next(iter(sandbox.workspace.state.contacts))


def test_every_kind_is_documented() -> None:
    told = {line.split("`")[1] for line in str(faults.__doc__).splitlines() if line[:3] == "- `"}
    assert told == KINDS


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault of kind 'flood'"):
        Fault("flood")


def test_status_answers_an_error_in_the_shape_of_the_api(
    sandbox: Sandbox, caller: Caller, contact_id: str
) -> None:
    fault = sandbox.faults.add(Fault("status", status=429, retry_after="1.5"))
    reply = caller.messages(contact_id)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "1.5")
    assert reply.json["code"] == "tooManyRequests"
    assert fault.hits == 1
    assert caller.messages(contact_id).status == 200


def test_status_can_answer_anything(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    page = b"<html>Bad gateway</html>"
    sandbox.faults.add(Fault("status", status=502, body=page))
    sandbox.faults.add(Fault("status", status=400, code="systemError", message="no"))
    elsewhere = {"Location": "https://elsewhere.example.com/"}
    sandbox.faults.add(Fault("status", status=302, headers=elsewhere))
    first, second, third = (caller.messages(contact_id) for _ in range(3))
    assert (first.status, first.body, first.headers["Content-Type"]) == (502, page, "text/html")
    assert (second.json["code"], second.json["message"]) == ("systemError", "no")
    assert (third.status, third.headers["Location"]) == (302, elsewhere["Location"])


def test_empty_swallows_the_rows_of_messages_and_is_honest_elsewhere(
    sandbox: Sandbox, caller: Caller, contact_id: str
) -> None:
    sandbox.faults.add(Fault("empty", times=2))
    reply = caller.messages(contact_id)
    assert (reply.status, reply.body) == (200, EMPTY_PAGE)
    assert caller.get("/v1/contacts").status == 500


def test_not_found_names_what_is_missing(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    sandbox.faults.add(Fault("not_found"))
    sandbox.faults.add(Fault("not_found", message="Conversation not found"))
    replies = [caller.messages(contact_id) for _ in range(2)]
    assert [reply.status for reply in replies] == [404, 404]
    messages = [reply.json["message"] for reply in replies]
    assert messages == ["Contact not found", "Conversation not found"]


def test_not_json_is_200_and_no_json(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    sandbox.faults.add(Fault("not_json"))
    reply = caller.messages(contact_id)
    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = reply.json


def test_cut_gives_no_answer(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    sandbox.faults.add(Fault("cut"))
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        caller.messages(contact_id)
    assert sandbox.requests[0].status == 0
    assert Caller(sandbox).messages(contact_id).status == 200


def test_truncate_stops_in_the_middle(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    sandbox.faults.add(Fault("truncate"))
    with pytest.raises(http.client.IncompleteRead) as caught:
        caller.messages(contact_id)
    assert len(caught.value.partial) > 100
    assert Caller(sandbox).messages(contact_id).status == 200


@pytest.mark.parametrize("pieces", [0, 4])
def test_slow_answers_late_but_whole(
    sandbox: Sandbox, caller: Caller, contact_id: str, pieces: int
) -> None:
    sandbox.faults.add(Fault("slow", seconds=0.2, pieces=pieces))
    caller.connection.timeout = 0.04 if not pieces else 5.0
    if pieces:
        assert len(caller.messages(contact_id).ids) == 10
    else:
        with pytest.raises(TimeoutError):
            caller.messages(contact_id)


def test_huge_is_valid_but_big(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    sandbox.faults.add(Fault("huge", size=3_000_000))
    reply = caller.messages(contact_id)
    assert len(reply.body) > 3_000_000
    assert len(reply.ids) == 10


def test_repeat_cursor_never_moves(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    sandbox.faults.add(Fault("repeat_cursor", times=None))
    first = caller.messages(contact_id, perPage=3)
    second = caller.messages(contact_id, perPage=3, cursor=first.json["nextCursor"])
    assert second.json == first.json


def test_repeat_cursor_in_the_middle_of_a_walk(
    sandbox: Sandbox, caller: Caller, contact_id: str
) -> None:
    cursor = caller.messages(contact_id, perPage=3).json["nextCursor"]
    sandbox.faults.add(Fault("repeat_cursor"))
    assert caller.messages(contact_id, perPage=3, cursor=cursor).json["nextCursor"] == cursor


def test_stale_cursor_is_page_1_again(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    first = caller.messages(contact_id, perPage=3)
    sandbox.faults.add(Fault("stale_cursor"))
    again = caller.messages(contact_id, perPage=3, cursor=first.json["nextCursor"])
    assert again.json == first.json


def test_null_cursor_ends_a_walk_too_early(
    sandbox: Sandbox, caller: Caller, contact_id: str
) -> None:
    sandbox.faults.add(Fault("null_cursor", after=1))
    assert [len(page.ids) for page in caller.walk(contact_id, 3)] == [3, 3]


def test_drop_rows_leaves_no_trace_but_the_missing_rows(
    sandbox: Sandbox, caller: Caller, contact_id: str
) -> None:
    whole = caller.everything(contact_id, 5)
    sandbox.faults.add(Fault("drop_rows", rows=2))
    rest = caller.everything(contact_id, 5)
    assert [row for row in whole if row in rest] == rest
    assert len(rest) == 8


def test_unordered_swaps_two_rows(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    right = caller.messages(contact_id, perPage=3).ids
    sandbox.faults.add(Fault("unordered"))
    assert caller.messages(contact_id, perPage=3).ids == [right[2], right[1], right[0]]


def test_flip_serves_the_other_conversation_from_now_on(
    sandbox: Sandbox, caller: Caller, contact_id: str
) -> None:
    workspace = sandbox.workspace
    other = workspace.start_conversation(contact_id)
    message_id = workspace.add_message(contact_id, conversation_id=other)
    sandbox.faults.add(Fault("flip", after=1))
    assert len(caller.messages(contact_id).ids) == 10
    assert caller.messages(contact_id).ids == [message_id]
    assert caller.messages(contact_id).ids == [message_id]
    assert workspace.truth().served == {contact_id: other}
    assert workspace.events[-1].kind == "conversation_flipped"


def test_a_fault_strikes_only_the_requests_it_is_meant_for(
    sandbox: Sandbox, caller: Caller, contact_id: str
) -> None:
    other = sandbox.workspace.add_contact()
    sandbox.faults.add(Fault("status", status=500, on="contacts"))
    sandbox.faults.add(Fault("status", status=502, contact_id=other))
    sandbox.faults.add(Fault("status", status=503, requests={5}))
    sandbox.faults.add(Fault("status", status=504, when=lambda r: r.per_page == "7", times=None))
    assert caller.messages(contact_id).status == 200
    assert caller.messages(other).status == 502
    assert caller.messages(other).status == 200
    assert caller.get("/v1/contacts").status == 500
    assert caller.messages(contact_id).status == 503
    assert [caller.messages(contact_id, perPage=7).status for _ in range(2)] == [504, 504]
    assert [request.status for request in sandbox.requests][4:] == [503, 504, 504]
    sandbox.faults.clear()
    assert caller.messages(contact_id, perPage=7).status == 200


def test_a_fault_can_wait_and_come_back(sandbox: Sandbox, caller: Caller, contact_id: str) -> None:
    sandbox.faults.add(Fault("status", after=1, times=2))
    assert [caller.messages(contact_id).status for _ in range(4)] == [200, 503, 503, 200]
