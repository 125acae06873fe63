"""Answers that take too much to read, or hold what no text can: one contact's trouble at most."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from chatbotx_source.errors import ServerFaultError
from chatbotx_source.sandbox import Fault
from tests.support.guards import Serve, World, loaded, reasons, sizes, warnings
from tests.support.loading import Job
from tests.support.sandbox import Caller

TOO_MUCH: dict[str, dict[str, Any]] = {
    "deep": {"attributes": orjson.Fragment(b"[" * 10_000 + b"]" * 10_000)},
    "dense": {"attributes": orjson.Fragment(b"[" + b"{}," * 1_000_000 + b"{}]")},
    "large": {"text": "x" * 34_000_000},
}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def job(serve: Serve, world: World) -> Job:
    return serve(world)


def changed(world: World, message: str, **fields: Any) -> None:
    """Stores something in a message that no honest server would."""
    world.state.messages[message] = {**world.state.messages[message], **fields}


@pytest.mark.parametrize("kind", ["deep", pytest.param("dense", marks=pytest.mark.long), "large"])
def test_everything_newer_than_a_message_that_cannot_be_read_is_loaded(
    job: Job, world: World, kind: str
) -> None:
    contact = world.writer(6)
    other = world.writer(3)
    messages = [id_ for id_, owner in world.state.contact_of.items() if owner == contact]
    changed(world, messages[2], **TOO_MUCH[kind])
    summary = job.sync(page_size=4)
    assert (summary.complete, summary.pages_left) == (False, 0)
    assert sizes(job, contact) == [4, 2, 2, 1, 1]
    assert (loaded(job, contact), loaded(job, other)) == (3, 3)
    assert job.query("SELECT contact_id, reason, position_id FROM _chatbotx_unfinished") == [
        (contact, "a message is too large, or nested too deeply, to be read", messages[3])
    ]


def test_a_page_that_is_too_much_as_a_whole_is_read_in_smaller_ones(job: Job, world: World) -> None:
    contact = world.writer()
    for _ in range(4):
        attributes = orjson.Fragment(b"[" + b"{}," * 150_000 + b"{}]")
        changed(world, world.add_message(contact), attributes=attributes)
    assert job.sync(page_size=4).complete
    assert sizes(job, contact) == [4, 2, 2, 4]
    assert loaded(job, contact) == 5


@pytest.mark.parametrize(
    ("page", "cursor"),
    [
        (1, "\ud800"),
        pytest.param(2, "\ud800", marks=pytest.mark.long),
        pytest.param(1, "MQ\0", marks=pytest.mark.long),
        pytest.param(2, "x" * 5_000, marks=pytest.mark.long),
    ],
)
def test_a_cursor_that_cannot_be_sent_back_stops_one_contact_until_another_one_comes(
    job: Job, world: World, page: int, cursor: str
) -> None:
    contact, other = world.writer(6), world.writer(3)
    caller = Caller(job.sandbox)
    body = list(caller.walk(contact, per_page=2))[page - 1].json
    caller.connection.close()
    job.sandbox.requests.clear()
    body["nextCursor"] = cursor
    broken = Fault("status", contact_id=contact, status=200, body=json.dumps(body).encode())
    broken.after = page - 1
    job.sandbox.faults.add(broken)
    assert not job.sync(page_size=2).complete
    assert reasons(job) == {contact: "the server's cursor cannot be sent back to it"}
    assert (loaded(job, contact), loaded(job, other)) == (2 * page, 3)
    assert job.sync(page_size=2).complete
    assert job.differences() == []


def test_ids_that_no_text_can_hold_are_remembered_and_stored_alike(job: Job, world: World) -> None:
    contact = world.writer(6)
    for message in list(world.state.messages):
        changed(world, message, conversationId="\ud800\0" + "7")
    assert not job.sync(page_size=2, max_messages=2).complete
    assert job.sync(page_size=2).complete
    assert job.query("SELECT DISTINCT conversation_id FROM messages") == [("\ufffd\ufffd7",)]
    del next(iter(world.state.order.values()))[2]  # gone for good
    assert job.sync(reconcile=True).complete
    removed = "SELECT count(*), count(removed_at) FROM messages WHERE contact_id = ?"
    assert job.query(removed, contact) == [(6, 1)]


@pytest.mark.parametrize("digits", [20, pytest.param(5_000, marks=pytest.mark.long)])
def test_an_id_of_any_number_of_digits_is_remembered(job: Job, world: World, digits: int) -> None:
    contact = world.writer(4)
    for message in list(world.state.messages):
        changed(world, message, id=message[:1] * digits + message)
    assert not job.sync(page_size=2, max_messages=2).complete
    assert job.sync(page_size=2).complete
    assert loaded(job, contact) == 4


def test_a_page_count_of_400_digits_ends_the_load_with_one_sentence(job: Job) -> None:
    body = b'{"data":[],"pageCount":%b}' % (b"9" * 400)
    job.sandbox.faults.add(Fault("status", on="contacts", times=None, status=200, body=body))
    with pytest.raises(PipelineStepFailed) as caught:
        job.run()
    errors = [caught.value.__cause__, getattr(caught.value.__cause__, "__cause__", None)]
    assert any(isinstance(error, ServerFaultError) for error in errors)


def test_100000_unknown_fields_are_one_warning(
    job: Job, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.writer()
    [message] = world.state.messages
    changed(world, message, **{f"field{n}": n for n in range(100_000)})
    assert job.sync().complete
    told = [line for line in warnings(caplog).splitlines() if "column" in line]
    assert told == [
        "messages: fields that no column is declared for: 100,000 (field0, field1, field2); "
        "kept in the column extra."
    ]
