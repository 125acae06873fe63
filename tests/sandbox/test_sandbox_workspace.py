"""How a workspace changes, and that its log tells the whole story."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbotx_source.sandbox import Sandbox, Workspace
from chatbotx_source.sandbox.state import replay, timestamp
from tests.support.sandbox import NOON, Caller, Clock

EARLIER = NOON - timedelta(hours=5)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    return Workspace(clock=clock)


def signs(workspace: Workspace, contact_id: str) -> tuple[Any, Any, Any]:
    """Last activity and update of the conversation, last incoming message of the inbox."""
    row = workspace.truth().contacts[contact_id]
    conversation = row["conversation"]
    incoming = row["contactInboxes"][0]["lastIncomingMessageAt"]
    return conversation["lastActivityAt"], conversation["updatedAt"], incoming


def test_ids_grow_as_numbers_and_not_as_text(workspace: Workspace) -> None:
    ids = [workspace.add_contact() for _ in range(20)]
    assert ids == sorted(ids, key=int) != sorted(ids)
    assert int(ids[0]) > 2**53


def test_times_are_written_as_the_api_does() -> None:
    assert timestamp(NOON) == "2026-03-04T12:00:00.000Z"
    moment = datetime.fromisoformat("2026-03-04T14:00:00.123999+02:00")
    assert timestamp(moment) == "2026-03-04T12:00:00.123Z"


def test_a_new_contact_shows_no_activity(workspace: Workspace) -> None:
    assert signs(workspace, workspace.add_contact()) == (None, timestamp(NOON), None)


def test_an_incoming_message_moves_all_signs(workspace: Workspace, clock: Clock) -> None:
    contact_id = workspace.add_contact()
    now = timestamp(clock.tick(minutes=1))
    workspace.add_message(contact_id)
    assert signs(workspace, contact_id) == (now, now, now)


def test_an_outgoing_message_is_no_incoming_one(workspace: Workspace, clock: Clock) -> None:
    contact_id = workspace.add_contact()
    now = timestamp(clock.tick(minutes=1))
    workspace.add_message(contact_id, message_type="outgoing", sender_type="bot")
    assert signs(workspace, contact_id) == (now, now, None)


def test_a_late_delivery_moves_the_activity_back(workspace: Workspace, clock: Clock) -> None:
    contact_id = workspace.add_contact()
    workspace.add_message(contact_id)
    now, then = timestamp(clock.tick(minutes=1)), timestamp(EARLIER)
    workspace.add_message(contact_id, created_at=EARLIER)
    assert signs(workspace, contact_id) == (then, now, then)


def test_an_import_only_ever_advances_the_activity(workspace: Workspace, clock: Clock) -> None:
    contact_id = workspace.add_contact()
    began = timestamp(NOON)
    workspace.import_message(contact_id, EARLIER)
    assert signs(workspace, contact_id) == (timestamp(EARLIER), began, None)
    clock.tick(hours=1)
    workspace.import_message(contact_id, NOON)
    workspace.import_message(contact_id, EARLIER - timedelta(days=400))
    assert signs(workspace, contact_id) == (began, began, None)


@pytest.mark.parametrize(
    "change", ["edit_message", "remove_attachment", "soft_delete_message", "hard_delete_message"]
)
def test_what_happens_to_a_message_shows_nowhere_in_the_listing(
    workspace: Workspace, clock: Clock, change: str
) -> None:
    contact_id = workspace.add_contact()
    message_id = workspace.add_message(contact_id, attachments=2)
    before = workspace.truth().contacts
    now = timestamp(clock.tick(minutes=1))
    getattr(workspace, change)(message_id)
    assert workspace.truth().contacts == before
    row = workspace.truth().messages.get(message_id)
    assert (row["updatedAt"] if row else now) == now


def test_a_soft_delete_and_a_lost_attachment_show_in_the_message(workspace: Workspace) -> None:
    contact_id = workspace.add_contact()
    message_id = workspace.add_message(contact_id, attachments=[{"name": "a"}, {"name": "b"}])
    workspace.remove_attachment(message_id)
    workspace.soft_delete_message(message_id)
    row = workspace.truth().messages[message_id]
    assert [attachment["name"] for attachment in row["attachments"]] == ["b"]
    assert row["deletedAt"] == timestamp(NOON)


def test_a_changed_contact_moves_its_own_time_alone(workspace: Workspace, clock: Clock) -> None:
    contact_id = workspace.add_contact()
    before = signs(workspace, contact_id)
    now = timestamp(clock.tick(minutes=1))
    workspace.update_contact(contact_id, blockedAt=now, fieldNobodyKnows=1)
    row = workspace.truth().contacts[contact_id]
    assert (row["updatedAt"], row["blockedAt"], row["fieldNobodyKnows"]) == (now, now, 1)
    assert signs(workspace, contact_id) == before


def test_tags_custom_fields_and_notes_come_and_go(workspace: Workspace, clock: Clock) -> None:
    first, second = workspace.add_contact(), workspace.add_contact()
    assert workspace.add_tag(first, "vip") == workspace.add_tag(second, "vip")
    workspace.add_tag(first, "new")
    workspace.remove_tag(first, "vip")
    workspace.set_custom_field(first, "plan", "free")
    clock.tick(minutes=1)
    workspace.set_custom_field(first, "plan", "pro")
    assert "contactNotes" not in workspace.truth().contacts[first]
    workspace.add_note(first, "call back")
    row = workspace.truth().contacts[first]
    assert [tag["name"] for tag in row["tags"]] == ["new"]
    assert [(f["value"], f["createdAt"]) for f in row["contactCustomFields"]] == [
        ("pro", timestamp(NOON))
    ]
    assert [note["text"] for note in row["contactNotes"]] == ["call back"]


def test_a_second_conversation_is_served_after_a_flip(workspace: Workspace) -> None:
    contact_id = workspace.add_contact()
    first = workspace.truth().served[contact_id]
    second = workspace.start_conversation(contact_id)
    assert workspace.truth().served[contact_id] == first
    assert workspace.flip(contact_id) == second
    assert workspace.truth().contacts[contact_id]["conversation"]["id"] == second
    assert workspace.flip(contact_id) == first


def test_a_flip_needs_a_second_conversation(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="no other conversation"):
        workspace.flip(workspace.add_contact())


def test_a_message_needs_a_conversation(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="no conversation"):
        workspace.add_message(workspace.add_contact(conversation=False))


def test_a_deleted_contact_takes_its_messages_along(workspace: Workspace) -> None:
    gone, stays = workspace.add_contact(), workspace.add_contact()
    for contact_id in (gone, stays):
        workspace.add_message(contact_id)
    workspace.delete_contact(gone)
    truth = workspace.truth()
    assert list(truth.contacts) == [stays]
    assert set(truth.contact_of.values()) == {stays}
    assert workspace.events[-1].row is None


def test_rows_in_the_log_stay_as_they_were(workspace: Workspace) -> None:
    contact_id = workspace.add_contact()
    given = {"nested": ["a"]}
    message_id = workspace.add_message(contact_id, attributes=given, text="first")
    given["nested"].append("b")
    workspace.edit_message(message_id, text="second")
    texts = [(e.row["text"], e.row["attributes"]) for e in workspace.events[-2:] if e.row]
    assert texts == [("first", {"nested": ["a"]}), ("second", {"nested": ["a"]})]


def test_the_truth_can_be_asked_for_any_moment(workspace: Workspace) -> None:
    contact_id = workspace.add_contact()
    message_id = workspace.add_message(contact_id)
    then = len(workspace.events)
    workspace.hard_delete_message(message_id)
    assert list(workspace.truth(then).messages) == [message_id]
    assert not workspace.truth().messages
    assert not workspace.truth(0).contacts


def test_rows_after_the_hour_of_the_last_message_are_hidden_on_page_1(
    workspace: Workspace,
) -> None:
    contact_id = workspace.add_contact()
    for minutes in (0, 59, 60):
        workspace.add_message(contact_id, created_at=EARLIER + timedelta(minutes=minutes))
    with Sandbox(workspace) as sandbox:
        caller = Caller(sandbox)
        newest = caller.messages(contact_id, perPage=2)
        workspace.add_message(contact_id, created_at=EARLIER + timedelta(minutes=1))
        texts = [row["createdAt"][11:16] for row in caller.everything(contact_id)]
        assert texts == ["07:59", "07:01", "07:00"]
        # A cursor is not bound by the window.
        older = caller.messages(contact_id, cursor=newest.json["nextCursor"])
        assert len(older.ids) == 2
        workspace.add_message(contact_id)
        assert len(caller.everything(contact_id)) == 5


def test_a_poisoned_message_spoils_every_page_that_holds_it(workspace: Workspace) -> None:
    contact_id = workspace.add_contact()
    ids = [workspace.add_message(contact_id, attachments=1) for _ in range(5)]
    workspace.poison_message(ids[2])
    with Sandbox(workspace) as sandbox:
        caller = Caller(sandbox)
        spoilt = caller.messages(contact_id, perPage=3)
        assert (spoilt.status, spoilt.json["message"]) == (500, "Output validation failed")
        newer = caller.messages(contact_id, perPage=2)
        assert newer.ids == [ids[4], ids[3]]
        cursor = newer.json["nextCursor"]
        assert caller.messages(contact_id, perPage=1, cursor=cursor).status == 500
        workspace.cure_message(ids[2])
        assert caller.messages(contact_id, perPage=3).ids == [ids[4], ids[3], ids[2]]


minutes = st.integers(min_value=-300, max_value=0)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("add"), minutes),
        st.tuples(st.just("import"), minutes),
        st.tuples(
            st.sampled_from(["edit", "soft delete", "hard delete", "detach"]),
            st.integers(min_value=0, max_value=50),
        ),
    ),
    max_size=40,
)


def live(workspace: Workspace, contact_id: str, history: list[tuple[str, int]]) -> None:
    """Make a history happen; numbers are minutes from noon, or which message."""
    act = {
        "edit": lambda message_id: workspace.edit_message(message_id, text="edited"),
        "soft delete": workspace.soft_delete_message,
        "hard delete": workspace.hard_delete_message,
    }
    for kind, number in history:
        there = list(workspace.state.messages)
        if kind == "add":
            workspace.add_message(contact_id, created_at=NOON + timedelta(minutes=number))
        elif kind == "import":
            workspace.import_message(contact_id, NOON + timedelta(minutes=number), attachments=1)
        elif kind != "detach" and there:
            act[kind](there[number % len(there)])
        elif there and workspace.state.messages[there[number % len(there)]]["attachments"]:
            workspace.remove_attachment(there[number % len(there)])


@pytest.fixture(scope="module")
def served() -> Any:
    """One running sandbox for all examples; each brings a contact of its own."""
    with Sandbox(Workspace(clock=Clock())) as sandbox:
        yield sandbox


@settings(max_examples=40, deadline=None)
@given(history=histories, per_page=st.integers(min_value=1, max_value=12))
def test_a_walk_at_any_page_size_returns_each_row_once(
    served: Sandbox, history: list[tuple[str, int]], per_page: int
) -> None:
    workspace = served.workspace
    for contact in list(workspace.state.contacts):
        workspace.delete_contact(contact)
    contact_id = workspace.add_contact()
    live(workspace, contact_id, history)
    workspace.add_message(contact_id)  # the newest of all, so that page 1 hides nothing
    rows = Caller(served).everything(contact_id, per_page)
    assert {row["id"]: row for row in rows} == workspace.truth().messages
    places = [(row["createdAt"], int(row["id"])) for row in rows]
    assert places == sorted(set(places), reverse=True)


@settings(max_examples=60, deadline=None)
@given(history=histories)
def test_the_log_alone_gives_the_rows_that_are_there(history: list[tuple[str, int]]) -> None:
    workspace = Workspace(clock=Clock())
    live(workspace, workspace.add_contact(), history)
    assert replay(workspace.events) == workspace.state
