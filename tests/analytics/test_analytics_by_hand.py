"""The analytics tables of small histories say what anyone would work out by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chatbotx_source.sandbox import Workspace
from tests.support.analytics import AGENTS, Rows, Talk, at, dbt, table
from tests.support.loading import Job

pytestmark = pytest.mark.analytics

NOW = "2026-03-31T12:00:00"
BERLIN = "berlin_analytics"
LENIENT = "lenient_analytics"

TALKS = {
    # 2 March 2026 is a Monday.
    "agent first": "2026-03-02 10:00:00 Ana\n10:05:00 contact\n10:06:30 Ana",
    "bot then person": (
        "2026-03-02 10:00:00 contact\n10:00:20 contact\n10:00:30 bot\n10:10:00 Ana\n"
        "10:12:00 contact\n10:13:00 bot"
    ),
    "unanswered": "2026-03-02 10:00:00 contact\n10:01:00 contact",
    "answered too late": ("2026-03-02 10:00:00 contact\n2026-03-04 11:00:00 contact\n11:30:00 Ben"),
    "edited": "2026-03-02 10:00:00 contact\n10:01:00 Ana",
    "deleted": "2026-03-02 10:00:00 contact\n10:01:00 bot\n10:05:00 Ana",
    "removed": "2026-03-02 10:00:00 contact\n10:02:00 Ana\n10:10:00 Ben",
    "tied": "2026-03-02 10:00:00 contact\n10:00:00 bot\n10:00:00 contact",
    "midnight": "2026-03-02 23:59:50 contact\n2026-03-03 00:00:10 Ana",
    "weekend": "2026-03-06 17:30:00 contact\n2026-03-09 09:45:00 Ana",
    "early and late": "2026-03-10 08:30:00 contact\n18:30:00 Ben",
    "program": "2026-03-02 10:00:00 contact\n10:01:00 api",
    "note": "2026-03-02 10:00:00 contact\n10:01:00 system\n10:02:00 Ben",
    "two inboxes": (
        "2026-03-05 10:00:00 contact\n10:00:10 bot\n10:10:00 contact\n10:11:00 Ana\n"
        "10:20:00 contact"
    ),
    "two persons": "2026-03-02 10:00:00 contact\n10:01:00 Ana\n10:02:00 Ben",
    "campaign": "2026-03-02 10:00:00 api",
    "blocked": "2026-03-02 10:00:00 contact",
    "archived": "2026-03-02 10:00:00 contact",
    "written again": "2026-03-02 10:00:00 contact\n10:30:00 contact",
    "tester": "2026-03-02 10:00:00 contact\n10:01:00 bot",
    # In Berlin, clocks go from 02:00 to 03:00 on 29 March 2026, which is 01:00 in UTC.
    "spring": "2026-03-29 00:30:00 contact\n01:30:00 Ana",
    "day before spring": "2026-03-28 22:30:00 contact\n23:30:00 Ana",
}


@pytest.fixture(scope="module", autouse=True)
def contacts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """All talks, loaded and built in three ways; the ids of the contacts by name."""
    folder = tmp_path_factory.mktemp("by_hand")
    workspace = Workspace(clock=lambda: at(NOW))
    talks = {
        name: Talk(
            workspace,
            name,
            lines,
            channels=("whatsapp", "webchat") if name == "two inboxes" else ("whatsapp",),
            inboxes="00110" if name == "two inboxes" else "",
        )
        for name, lines in TALKS.items()
    }
    silent = workspace.add_contact(firstName="silent", lastName=None, created_at=at("2026-03-05"))
    workspace.edit_message(talks["edited"].messages[1], text="better")
    workspace.soft_delete_message(talks["deleted"].messages[1])
    workspace.update_contact(talks["blocked"].contact, blockedAt="2026-03-20T00:00:00.000Z")
    for name, archived in (("archived", "10:15"), ("written again", "09:59")):
        moment = f"2026-03-02T{archived}:00.000Z"
        workspace.update_conversation(talks[name].contact, archivedAt=moment)
    workspace.update_conversation(
        talks["agent first"].contact,
        assignedUser={"id": AGENTS["Ana"], "name": "Ana", "email": "ana@example.com"},
    )
    with pytest.MonkeyPatch.context() as patch, Job(workspace, folder, "chatbotx") as job:
        patch.chdir(folder)
        patch.setenv("DLT_DATA_DIR", str(folder / "dlt"))
        patch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        job.sync()
        workspace.hard_delete_message(talks["removed"].messages[1])
        job.sync(reconcile=True)
        ids = {name: talk.contact for name, talk in talks.items()} | {"silent": silent}
        dbt("build", internal_ids=[ids["tester"]])
        every_day = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        dbt(
            "run",
            schema=BERLIN,
            timezone="Europe/Berlin",
            session_gap_hours=0.25,
            business_hours={day: ["00:00", "24:00"] for day in every_day},
            holidays=["2026-03-06"],
        )
        dbt(
            "run",
            schema=LENIENT,
            count_deleted=True,
            count_removed=True,
            answering_senders=["agent", "bot"],
        )
        yield ids


@pytest.fixture(autouse=True)
def there(
    contacts: dict[str, str], tmp_path_factory: pytest.TempPathFactory, clean_environment: None
) -> None:
    os.chdir(next(Path(tmp_path_factory.getbasetemp()).glob("by_hand*")))


def of(contacts: dict[str, str], name: str, mart: str, schema: str = "data_analytics") -> Rows:
    """The rows of a contact, in their order."""
    rows = [row for row in table(mart, schema) if row["contact_id"] == contacts[name]]
    return sorted(rows, key=lambda row: row.get("session_number") or row.get("turn_number") or 0)


def values(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


REPLIES = (
    "questions",
    "first_reply_by",
    "first_reply_seconds",
    "first_bot_reply_seconds",
    "first_agent_reply_seconds",
)


@pytest.mark.parametrize(
    ("name", "turns"),
    [
        ("agent first", [(1, "agent", 90, None, 90)]),
        ("bot then person", [(2, "bot", 30, 30, 600), (1, "bot", 60, 60, None)]),
        ("unanswered", [(2, None, None, None, None)]),
        ("answered too late", [(2, "agent", 49.5 * 3600, None, 49.5 * 3600)]),
        ("edited", [(1, "agent", 60, None, 60)]),
        ("deleted", [(1, "agent", 300, None, 300)]),
        ("removed", [(1, "agent", 600, None, 600)]),
        ("tied", [(1, "bot", 0, 0, None), (1, None, None, None, None)]),
        ("midnight", [(1, "agent", 20, None, 20)]),
        ("program", [(1, "api", 60, None, None)]),
        ("note", [(1, "agent", 120, None, 120)]),
        (
            "two inboxes",
            [(1, "bot", 10, 10, None), (1, "agent", 60, None, 60), (1, None, None, None, None)],
        ),
        ("two persons", [(1, "agent", 60, None, 60)]),
        ("campaign", []),
        ("tester", []),
        ("silent", []),
    ],
)
def test_reply_times(contacts: dict[str, str], name: str, turns: list[tuple[Any, ...]]) -> None:
    assert [values(row, *REPLIES) for row in of(contacts, name, "chatbotx__reply_times")] == turns


@pytest.mark.parametrize(
    ("name", "turns"),
    [
        ("deleted", [(1, "bot", 60, 60, 300)]),
        ("removed", [(1, "agent", 120, None, 120)]),
        ("program", [(1, None, None, None, None)]),
        ("tester", [(1, "bot", 60, 60, None)]),
    ],
)
def test_variables_say_what_counts_and_what_answers(
    contacts: dict[str, str], name: str, turns: list[tuple[Any, ...]]
) -> None:
    rows = of(contacts, name, "chatbotx__reply_times", LENIENT)
    assert [values(row, *REPLIES) for row in rows] == turns


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        ("bot then person", 10),
        ("midnight", 0),
        ("weekend", 30 + 45),
        ("early and late", 9 * 60),
        ("answered too late", 8 * 60 + 9 * 60 + 2.5 * 60),
    ],
)
def test_business_minutes(contacts: dict[str, str], name: str, minutes: float) -> None:
    row = of(contacts, name, "chatbotx__reply_times")[0]
    assert row["first_agent_reply_business_minutes"] == minutes


def test_business_minutes_know_daylight_saving_and_holidays(contacts: dict[str, str]) -> None:
    minutes = {
        name: of(contacts, name, "chatbotx__reply_times", BERLIN)[0][
            "first_agent_reply_business_minutes"
        ]
        for name in ("spring", "day before spring", "weekend")
    }
    # The Friday was a holiday, and on Monday it was 10:45 in Berlin.
    weekend = 2 * 24 * 60 + 10 * 60 + 45
    assert minutes == {"spring": 60, "day before spring": 60, "weekend": weekend}


def test_local_dates_and_hours_are_those_of_the_time_zone(contacts: dict[str, str]) -> None:
    told = {
        name: [
            (row["local_date"].isoformat(), row["local_weekday"], row["local_hour"])
            for row in sorted(
                of(contacts, name, "chatbotx__messages", BERLIN), key=lambda row: row["sent_at"]
            )
        ]
        for name in ("spring", "day before spring")
    }
    assert told == {
        "spring": [("2026-03-29", 7, 1), ("2026-03-29", 7, 3)],
        "day before spring": [("2026-03-28", 6, 23), ("2026-03-29", 7, 0)],
    }


SESSION = (
    "started_by",
    "ended_by",
    "handled_by",
    "messages_in",
    "messages_out",
    "first_response_seconds",
    "first_agent_response_seconds",
    "is_handed_over",
    "resolution_seconds",
)


@pytest.mark.parametrize(
    ("name", "sessions"),
    [
        ("agent first", [("agent", "agent", "agent", 1, 2, 90, 90, False, 90)]),
        ("bot then person", [("contact", "bot", "bot and agent", 3, 3, 30, 600, True, 780)]),
        ("unanswered", [("contact", "contact", "nobody", 2, 0, None, None, False, None)]),
        (
            "answered too late",
            [
                ("contact", "contact", "nobody", 1, 0, None, None, False, None),
                ("contact", "agent", "agent", 1, 1, 1800, 1800, False, 1800),
            ],
        ),
        ("tied", [("contact", "contact", "bot", 2, 1, 0, None, False, None)]),
        ("note", [("contact", "agent", "agent", 1, 1, 120, 120, False, 120)]),
        ("two persons", [("contact", "agent", "agent", 1, 2, 60, 60, False, 120)]),
        ("campaign", [("api", "api", "api", 0, 1, None, None, False, None)]),
    ],
)
def test_sessions(contacts: dict[str, str], name: str, sessions: list[tuple[Any, ...]]) -> None:
    rows = of(contacts, name, "chatbotx__conversation_sessions")
    assert [values(row, *SESSION) for row in rows] == sessions


def test_a_shorter_gap_makes_more_sessions(contacts: dict[str, str]) -> None:
    rows = of(contacts, "written again", "chatbotx__conversation_sessions", BERLIN)
    assert [row["messages"] for row in rows] == [1, 1]
    assert rows[0]["next_session_at"] == rows[1]["started_at"]
    assert of(contacts, "bot then person", "chatbotx__conversation_sessions", BERLIN)[0][
        "messages"
    ] == len(TALKS["bot then person"].split("\n"))


def test_who_waits_and_since_when(contacts: dict[str, str]) -> None:
    waiting = {
        row["contact_name"]: (row["waiting_since"], row["waiting_seconds"])
        for row in table("chatbotx__conversations")
        if row["is_waiting"]
    }
    assert {name: since.strftime("%d %H:%M") for name, (since, _) in waiting.items()} == {
        "unanswered": "02 10:00",
        "tied": "02 10:00",
        "two inboxes": "05 10:20",
        "written again": "02 10:00",
    }
    (ended,) = {
        (since.timestamp() + seconds) // 60 for since, seconds in waiting.values()
    }  # all of them wait until the end of the last load
    by_contact = {row["name"]: row for row in table("chatbotx__contacts")}
    assert {name for name, row in by_contact.items() if row["is_waiting"]} == set(waiting)
    assert by_contact["unanswered"]["waiting_seconds"] == waiting["unanswered"][1]
    assert ended > 0


def test_deleted_and_removed_messages_are_flagged(contacts: dict[str, str]) -> None:
    for name, flag in (("deleted", "is_deleted"), ("removed", "is_removed")):
        rows = of(contacts, name, "chatbotx__messages")
        assert [(row[flag], row["is_counted"]) for row in rows].count((True, False)) == 1
        assert all(row["is_counted"] for row in of(contacts, name, "chatbotx__messages", LENIENT))
    assert {row["text"] for row in of(contacts, "edited", "chatbotx__messages")} == {
        "Hello",
        "better",
    }


def test_a_day_is_counted_by_channel_and_inbox(contacts: dict[str, str]) -> None:
    rows = [row for row in table("chatbotx__daily") if row["local_date"] == date(2026, 3, 5)]
    found = {
        row["channel"]: values(
            row,
            "messages_in",
            "messages_out",
            "active_contacts",
            "new_contacts",
            "sessions",
            "turns",
        )
        for row in rows
    }
    assert found == {"whatsapp": (2, 1, 1, 1, 1, 2), "webchat": (1, 1, 1, 0, 0, 1)}
    by_channel = {row["channel"]: row for row in rows}
    assert by_channel["whatsapp"]["share_answered_within_1m"] == 0.5
    assert by_channel["whatsapp"]["first_response_seconds_median"] == 10
    assert by_channel["whatsapp"]["first_agent_response_seconds_p90"] == 660
    assert by_channel["webchat"]["turns_answered_within_1m"] == 1
    assert by_channel["webchat"]["inbox_name"] == "Inbox webchat"


def test_the_percentiles_of_a_day_interpolate(contacts: dict[str, str]) -> None:
    (monday,) = (row for row in table("chatbotx__daily") if row["local_date"] == date(2026, 3, 2))
    # agent first 90, bot then person 30, edited 60, deleted 300, removed 600, tied 0, midnight 20,
    # program 60, note 120, two persons 60
    assert monday["sessions_responded"] == 10
    assert monday["first_response_seconds_median"] == 60
    assert monday["first_response_seconds_p90"] == 300 + 0.1 * 300
    assert monday["first_bot_response_seconds_median"] == 15


def test_agents_are_counted_by_the_day_on_which_they_wrote(contacts: dict[str, str]) -> None:
    days = {
        (row["agent_name"], row["local_date"].day): values(
            row, "messages", "conversations", "replies", "reply_seconds_median"
        )
        for row in table("chatbotx__agents_daily")
    }
    assert days["Ana", 3] == (1, 1, 1, 20)
    assert days["Ana", 9] == (1, 1, 1, 2 * 86400 + 16 * 3600 + 15 * 60)
    # Ben is known by his messages alone. His answer after Ana's is no reply of his.
    assert days["72", 2] == (3, 3, 2, 360)


def test_the_heatmap_has_weekdays_and_hours(contacts: dict[str, str]) -> None:
    cells = {
        (row["weekday"], row["hour"], row["channel"]): values(row, "messages_in", "messages_out")
        for row in table("chatbotx__hourly_heatmap")
    }
    assert cells[1, 23, "whatsapp"] == (1, 0)
    assert cells[2, 0, "whatsapp"] == (0, 1)
    assert cells[5, 17, "whatsapp"] == (1, 0)
    assert cells[4, 10, "webchat"] == (1, 1)


def test_contacts_without_a_word_are_there(contacts: dict[str, str]) -> None:
    (row,) = of(contacts, "silent", "chatbotx__contacts")
    assert values(row, "channel", "messages", "conversations", "is_waiting") == (
        "whatsapp",
        0,
        1,
        False,
    )
