"""A list of contacts instead of the whole workspace: named in three ways, each read once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import unquote

import pytest

from chatbotx_source import ChatbotXError
from chatbotx_source.sandbox import Workspace
from tests.support.loading import SPRING, Job
from tests.support.sandbox import Clock

Serve = Callable[..., Job]

ODD_ADDRESSES = [
    "a/b@example.com",
    "../..@example.com",
    "what?@example.com",
    "no#1@example.com",
    "plus+tag@example.com",
    "100%41@example.com",
    "semi;colon:=&@example.com",
    "jürgen.漢字@example.com",
    "👩‍💻@example.com",
    "UPPER@example.com",
]


@pytest.fixture
def clock() -> Clock:
    return Clock(SPRING)


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    """Four contacts with a message each, of long ago, and one without a conversation."""
    workspace = Workspace(clock)
    for number in range(4):
        contact = workspace.add_contact(
            email=f"user{number}@example.com", phoneNumber=f"+8490000000{number}"
        )
        workspace.add_message(contact, attachments=number)
        workspace.add_tag(contact, f"tag {number}")
    workspace.add_contact(email="silent@example.com", conversation=False)
    clock.tick(days=60)
    return workspace


@pytest.fixture
def ids(workspace: Workspace) -> list[str]:
    return list(workspace.truth().contacts)


def loaded(job: Job) -> set[str]:
    """Ids of the contacts of which messages are loaded."""
    return {contact for (contact,) in job.query("SELECT DISTINCT contact_id FROM messages")}


def test_ids_addresses_and_phone_numbers_name_contacts(
    serve: Serve, workspace: Workspace, ids: list[str]
) -> None:
    job = serve(workspace)
    summary = job.sync(contacts=[f"id:{ids[0]}", "email:user1@example.com", "phone:+84900000002"])
    assert summary.complete
    assert loaded(job) == set(ids[:3])
    assert job.query("SELECT id FROM contacts ORDER BY id::BIGINT") == [(id_,) for id_ in ids[:3]]
    assert [len(job.requests(kind)) for kind in ("contact", "messages", "contacts")] == [3, 3, 0]


def test_odd_addresses_arrive_at_the_server_as_they_are(serve: Serve) -> None:
    workspace = Workspace()
    for address in ODD_ADDRESSES:
        workspace.add_message(workspace.add_contact(email=address))
    job = serve(workspace)
    assert job.sync(contacts=[f"email:{address}" for address in ODD_ADDRESSES]).complete
    assert job.differences() == []
    segments = {each.path.removeprefix("/api/v1/contacts/") for each in job.requests("contact")}
    assert {unquote(each) for each in segments} == {f"email:{each}" for each in ODD_ADDRESSES}
    assert not any(set(each) & set("/?#+;") or not each.isascii() for each in segments)


def test_one_contact_under_several_names_is_read_once(
    serve: Serve, workspace: Workspace, ids: list[str]
) -> None:
    job = serve(workspace)
    names = [f"id:{ids[0]}", "email:user0@example.com", "phone:+84900000000", f"id:{ids[0]}"]
    assert job.sync(contacts=names).complete
    assert len(job.requests("messages")) == 1
    assert [len(job.tables()[name]) for name in ("contacts", "messages")] == [1, 1]


def test_an_unknown_contact_does_not_keep_the_others_back(
    serve: Serve, workspace: Workspace, ids: list[str]
) -> None:
    job = serve(workspace)
    summary = job.sync(contacts=["email:nobody@example.com", f"id:{ids[0]}", "id:999"])
    assert not summary.complete
    assert loaded(job) == {ids[0]}
    missing = {row["contact_id"] for row in summary.unfinished}
    assert missing == {"email:nobody@example.com", "id:999"}
    rows = job.query("SELECT contact_id, reason FROM _chatbotx_unfinished")
    assert {name for name, _ in rows} == missing
    assert all("no such contact" in reason for _, reason in rows)


def test_an_unknown_contact_that_appears_is_read(
    serve: Serve, workspace: Workspace, ids: list[str]
) -> None:
    job = serve(workspace)
    names = [f"id:{ids[0]}", "email:new@example.com"]
    assert not job.sync(contacts=names).complete
    new = workspace.add_contact(email="new@example.com")
    workspace.add_message(new)
    assert job.sync(contacts=names).complete
    assert loaded(job) == {ids[0], new}
    assert job.query("SELECT * FROM _chatbotx_unfinished") == []


def test_nothing_but_unknown_contacts_is_an_error(serve: Serve, workspace: Workspace) -> None:
    job = serve(workspace)
    with pytest.raises(Exception, match="No contact of this workspace answers to") as error:
        job.sync(contacts=["email:USER1@example.com", "id:999"])
    causes = [error.value, error.value.__cause__]
    assert any("case-sensitive" in str(cause) for cause in causes)
    assert job.requests("messages") == []


def test_a_contact_without_a_conversation_is_no_fault(
    serve: Serve, workspace: Workspace, ids: list[str]
) -> None:
    job = serve(workspace)
    assert job.sync(contacts=["email:silent@example.com", f"id:{ids[0]}"]).complete
    assert loaded(job) == {ids[0]}
    assert len(job.tables()["contacts"]) == 2
    assert len(job.requests("messages")) == 1


@pytest.mark.parametrize("name", ["ana@example.com", "id:", "name:Ana", "phone:84900000000"])
def test_what_names_no_contact_is_refused_before_any_request(
    serve: Serve, workspace: Workspace, name: str
) -> None:
    job = serve(workspace)
    with pytest.raises(ChatbotXError, match="does not name a contact"):
        job.source(contacts=[name])
    assert job.requests() == []


def test_listed_contacts_are_remembered_one_by_one(
    serve: Serve, workspace: Workspace, ids: list[str], clock: Clock
) -> None:
    job = serve(workspace)
    names = [f"id:{id_}" for id_ in ids[:2]]
    assert job.cost(contacts=names) == (2, 2)
    clock.tick(days=2)
    assert job.cost(contacts=names) == (2, 0)
    workspace.add_message(ids[1])
    clock.tick(hours=1)
    assert job.cost(contacts=[f"id:{id_}" for id_ in ids[1:4]]) == (3, 3)
    assert len(job.tables()["messages"]) == 5
    assert job.query("SELECT DISTINCT mode FROM _chatbotx_syncs") == [("contacts",)]


def test_a_list_says_nothing_of_the_other_contacts(
    serve: Serve, workspace: Workspace, ids: list[str], clock: Clock
) -> None:
    job = serve(workspace)
    job.sync(contacts=[f"id:{ids[0]}"])
    clock.tick(days=2)
    assert job.cost() == (3, 4)
    assert job.differences() == []
    clock.tick(days=2)
    workspace.add_message(ids[1])
    workspace.add_message(ids[2])
    clock.tick(days=3)
    job.sync(contacts=[f"id:{ids[1]}"])
    clock.tick(days=3)
    assert job.cost() == (2, 2)
    assert job.differences() == []


@pytest.mark.long
def test_a_sample_remembers_nothing(
    serve: Serve, workspace: Workspace, ids: list[str], clock: Clock
) -> None:
    job = serve(workspace)
    assert job.cost(limit_contacts=2) == (3, 2)
    assert len(job.tables()["contacts"]) == 2
    assert job.cost() == (3, 4)
    assert job.differences() == []
    clock.tick(days=2)
    workspace.add_message(ids[0])
    clock.tick(days=2)
    job.cost(limit_contacts=1)
    assert job.cost() == (2, 1)
    assert job.differences() == []


def test_a_list_in_the_environment_is_read(
    serve: Serve, workspace: Workspace, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__CHATBOTX__CONTACTS", f'["id:{ids[0]}", "email:user1@example.com"]')
    job = serve(workspace)
    assert job.sync().complete
    assert loaded(job) == set(ids[:2])


def test_start_dates_bound_lists_too(
    serve: Serve, workspace: Workspace, ids: list[str], clock: Clock
) -> None:
    workspace.add_message(ids[0])
    start = (SPRING + timedelta(days=30)).isoformat()
    job = serve(workspace)
    job.sync(contacts=[f"id:{ids[0]}"], start_date=start, page_size=1)
    assert len(job.requests("messages")) == 2
    job.sync(contacts=[f"id:{ids[0]}", f"id:{ids[1]}"])
    assert len(job.tables()["messages"]) == 3
