"""Whatever happens: increments, a build in full, PostgreSQL and a simpler reckoning agree."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import dlt
import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbotx_source import sync
from chatbotx_source.sandbox import Workspace
from tests.support.analytics import AGENTS, TABLES, Rows, at, dbt, postgres, postgres_table, table
from tests.support.loading import Job

pytestmark = pytest.mark.analytics

CONTACTS = 12
SENDERS = ("contact", "contact", "contact", "bot", "Ana", "Ben", "api", "system", "note")
ANSWERS = {("outgoing", sender) for sender in ("agent", "bot", "api")}
DAY = timedelta(days=1)


class History:
    """A workspace in which things happen at random, day after day."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = at("2026-03-23T08:00:00")
        self.workspace = Workspace(clock=lambda: self.now)
        self.contacts: list[str] = []
        self.messages: list[str] = []

    def days(self, number: int) -> None:
        """Lets so many days go by."""
        end = self.now + number * DAY
        while self.now < end:
            self.rng.choices(
                (self._contact, self._talk, self._change, self._rename, self._import),
                (2 if len(self.contacts) < CONTACTS else 0, 12, 4, 2, 1),
            )[0]()
            self.now += timedelta(milliseconds=self.rng.randrange(int(DAY.total_seconds() * 300)))
        self.now = end

    def _contact(self) -> None:
        channels = self.rng.choice([("whatsapp",), ("webchat",), ("whatsapp", "webchat")])
        self.contacts.append(self.workspace.add_contact(channels=channels))

    def _talk(self) -> None:
        """A burst of messages of one contact; some of them at the same millisecond."""
        if not self.contacts:
            return
        contact = self.rng.choice(self.contacts)
        for _ in range(self.rng.randrange(1, 7)):
            self.messages.append(self._says(self.workspace.add_message, contact, self.now))
            if self.rng.random() < 0.8:
                self.now += timedelta(milliseconds=self.rng.randrange(1, 4_000_000))

    def _import(self) -> None:
        """A message of the past, in the middle of what is known."""
        if self.contacts:
            past = self.now - timedelta(hours=self.rng.randrange(1, 200))
            contact = self.rng.choice(self.contacts)
            self.messages.append(self._says(self.workspace.import_message, contact, past))

    def _says(self, how: Callable[..., str], contact: str, moment: datetime) -> str:
        sender = self.rng.choice(SENDERS)
        fields: dict[str, Any] = {"message_type": "outgoing", "sender_type": sender}
        if sender in AGENTS:
            fields |= {"sender_type": "user", "senderId": AGENTS[sender]}
        elif sender == "contact":
            fields |= {"message_type": "incoming"}
        elif sender == "note":
            fields |= {"message_type": "activity", "sender_type": "system"}
        kinds = self.rng.choices(("image", "audio", "file"), k=self.rng.choice((0, 0, 1, 2)))
        fields["attachments"] = [
            {"fileType": kind, "size": self.rng.randrange(9999)} for kind in kinds
        ]
        return how(contact, created_at=moment, text=sender, **fields)

    def _change(self) -> None:
        """Something that happens to a message, or to one that is removed by it."""
        if not self.messages:
            return
        message = self.rng.choice(self.messages)
        row = self.workspace.state.messages[message]
        chance = self.rng.random()
        if chance < 0.3:
            self.workspace.edit_message(message, text="edited")
        elif chance < 0.6:
            self.workspace.soft_delete_message(message)
        elif chance < 0.8 and row["attachments"]:
            self.workspace.remove_attachment(message)
        else:
            self.workspace.hard_delete_message(message)
            self.messages.remove(message)

    def _rename(self) -> None:
        """Something that happens to a contact or its conversation."""
        if not self.contacts:
            return
        contact = self.rng.choice(self.contacts)
        stamp = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.rng.choice(
            (
                lambda: self.workspace.update_contact(contact, fullName=f"Named at {stamp}"),
                lambda: self.workspace.update_contact(contact, blockedAt=stamp),
                lambda: self.workspace.update_conversation(contact, archivedAt=stamp),
                lambda: self.workspace.add_tag(contact, name=f"tag {len(stamp)}"),
            )
        )()


@pytest.fixture
def here(tmp_path: Path, clean_environment: None) -> Path:
    return tmp_path


def fresh(folder: Path) -> Path:
    """Another empty folder, as the working directory."""
    place = folder / f"example {len(list(folder.glob('example *')))}"
    place.mkdir()
    os.chdir(place)
    return place


def loaded(here: Path, seed: int, days: int) -> History:
    """A workspace that has lived for some days, and was synced."""
    history = History(seed)
    with Job(history.workspace, fresh(here), "chatbotx") as job:
        history.days(days)
        job.sync()
    return history


examples = settings(
    max_examples=2,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
seeds = st.integers(0, 2**32)


@examples
@given(seed=seeds)
def test_increments_come_to_what_a_build_in_full_does(here: Path, seed: int) -> None:
    history = History(seed)
    with Job(history.workspace, fresh(here), "chatbotx") as job:
        for round_ in range(3):
            history.days(4)
            job.sync(reconcile=round_ > 0)
            dbt("run")
    incremental = {name: table(name) for name in TABLES}
    dbt("build", "--full-refresh")
    for name in TABLES:
        assert incremental[name] == table(name), name


REWRITES = {
    "a message moves": "conversation_id = (select max(conversation_id) from data.messages)",
    "a time changes": "created_at = created_at - interval '30 hours'",
    "a sender changes": "message_type = 'outgoing', sender_type = 'user', sender_id = '72'",
    "an inbox is lost": "contact_inbox_id = null",
}
FULL = "full_analytics"


@pytest.mark.parametrize("rewrite", [*REWRITES, "a conversation vanishes", "an inbox is renamed"])
def test_increments_follow_whatever_is_written(here: Path, rewrite: str) -> None:
    history = loaded(here, 11, days=6)
    dbt("run")
    with duckdb.connect("chatbotx.duckdb") as connection:
        if rewrite in REWRITES:
            connection.execute(
                f"update data.messages set {REWRITES[rewrite]}, _dlt_load_id = '2000000000.0' "
                "where list_contains(?, id)",
                [history.messages[:3]],
            )
            connection.execute(
                "insert into data._dlt_loads "
                "select * replace ('2000000000.0' as load_id) from data._dlt_loads limit 1"
            )
        elif rewrite == "a conversation vanishes":
            connection.execute(
                "update data.messages set removed_at = created_at "
                "where conversation_id = (select max(conversation_id) from data.messages)"
            )
        else:
            connection.execute(
                "update data.contacts__contact_inboxes set inbox__name = 'Chat', channel = 'chat' "
                "where channel = 'webchat'"
            )
    dbt("run")
    dbt("run", schema=FULL)
    for name in TABLES:
        assert table(name) == table(name, FULL), name


def test_a_load_that_is_still_being_written_is_read_again(here: Path) -> None:
    loaded(here, 12, days=4)
    with duckdb.connect("chatbotx.duckdb") as connection:
        connection.execute("create table late as from data.messages__attachments")
        connection.execute("create table done as from data._dlt_loads")
        connection.execute("delete from data.messages__attachments; delete from data._dlt_loads")
    dbt("run")
    assert table("chatbotx__attachments") == []
    with duckdb.connect("chatbotx.duckdb") as connection:
        connection.execute("insert into data.messages__attachments from late")
        connection.execute("insert into data._dlt_loads from done")
    dbt("build")
    assert len(table("chatbotx__attachments")) > 10


def test_a_load_that_is_recorded_twice_doubles_no_message(here: Path) -> None:
    loaded(here, 12, days=4)
    with duckdb.connect("chatbotx.duckdb") as connection:
        connection.execute("insert into data._dlt_loads from data._dlt_loads")
        [[messages]] = connection.execute("select count(*) from data.messages").fetchall()
    dbt("build")
    assert len(table("chatbotx__messages")) == messages


@examples
@given(seed=seeds)
def test_turns_and_sessions_are_those_of_a_simpler_reckoning(here: Path, seed: int) -> None:
    loaded(here, seed, days=8)
    dbt("run")
    turns, sessions = reckoned(table("chatbotx__messages"))
    assert {row["turn_id"]: turn_of(row) for row in table("chatbotx__reply_times")} == turns
    found = table("chatbotx__conversation_sessions")
    assert {row["session_id"]: session_of(row) for row in found} == sessions
    talks = defaultdict(list)
    for turn in table("chatbotx__reply_times"):
        talks[turn["conversation_id"]].append(turn)
    conversations = {row["conversation_id"]: row for row in table("chatbotx__conversations")}
    assert talks.keys() <= conversations.keys()
    for conversation, row in conversations.items():
        for reply in ("reply_seconds", "agent_reply_seconds"):
            seconds = [turn[f"first_{reply}"] for turn in talks[conversation]]
            known = [value for value in seconds if value is not None]
            assert row[f"{reply}_median"] == (pytest.approx(median(known)) if known else None)


def turn_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["message_id"],
        row["questions"],
        row["answers"],
        row["first_reply_by"],
        row["first_reply_at"],
        row["first_bot_reply_at"],
        row["first_agent_reply_at"],
        row["agent_id"],
    )


def session_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["message_id"],
        row["messages_in"],
        row["messages_out"],
        row["asked_at"],
        row["first_response_at"],
        row["first_bot_response_at"],
        row["first_agent_response_at"],
        row["is_handed_over"],
        row["is_resolved"],
    )


def reckoned(messages: Rows) -> tuple[dict[str, Any], dict[str, Any]]:
    """Turns and sessions, found by walking through the messages that count, one by one."""
    talks = defaultdict(list)
    for message in sorted(messages, key=lambda m: (m["sent_at"], int(m["message_id"]))):
        if message["is_counted"] and message["direction"] != "activity":
            talks[message["conversation_id"]].append(message)
    turns: dict[str, Any] = {}
    sessions: dict[str, Any] = {}
    for conversation, talk in talks.items():
        by_turn: list[Rows] = []
        by_session: list[Rows] = []
        answered = True
        for place, message in enumerate(talk):
            if message["direction"] == "incoming" and answered:
                by_turn.append([])
                answered = False
            if by_turn:
                by_turn[-1].append(message)
            answered = answered or is_answer(message)
            if not place or message["sent_at"] - talk[place - 1]["sent_at"] > DAY:
                by_session.append([])
            by_session[-1].append(message)
        for number, turn in enumerate(by_turn, 1):
            answers = [message for message in turn if is_answer(message)]
            turns[f"{conversation}:{number}"] = (
                turn[0]["message_id"],
                sum(message["direction"] == "incoming" for message in turn),
                len(answers),
                answers[0]["sender_kind"] if answers else None,
                first(answers),
                first(answers, "bot"),
                first(answers, "agent"),
                next((m["agent_id"] for m in answers if m["sender_kind"] == "agent"), None),
            )
        for number, session in enumerate(by_session, 1):
            incoming = [m for m in session if m["direction"] == "incoming"]
            after = session[session.index(incoming[0]) :] if incoming else []
            responses = [message for message in after if is_answer(message)]
            kinds = [message["sender_kind"] for message in session]
            sessions[f"{conversation}:{number}"] = (
                session[0]["message_id"],
                len(incoming),
                len(session) - len(incoming),
                first(incoming),
                first(responses),
                first(responses, "bot"),
                first(responses, "agent"),
                {"bot", "agent"} <= {*kinds} and kinds.index("bot") < kinds.index("agent"),
                bool(responses) and session.index(responses[-1]) > session.index(incoming[-1]),
            )
    return turns, sessions


def is_answer(message: dict[str, Any]) -> bool:
    return (message["direction"], message["sender_kind"]) in ANSWERS


def first(messages: Rows, kind: str | None = None) -> datetime | None:
    """When the first message was sent, of those of a kind of sender."""
    return next((m["sent_at"] for m in messages if kind in (None, m["sender_kind"])), None)


def test_postgres_says_what_duckdb_says(here: Path) -> None:
    history = History(7)
    with Job(history.workspace, fresh(here), "chatbotx") as job, postgres(here / "pg") as address:
        there = dlt.pipeline(
            "there",
            pipelines_dir=str(here / "pipelines"),
            destination=dlt.destinations.postgres(address),
            dataset_name="data",
        )
        for round_ in range(2):
            history.days(6)
            for target in ("duckdb", "postgres"):
                os.environ["CHATBOTX_TARGET"] = target
                if target == "duckdb":
                    job.sync(reconcile=round_ > 0)
                else:
                    sync(there, reconcile=round_ > 0, **job.options)
                dbt("run" if round_ == 0 else "build")
        for name in TABLES:
            assert comparable(postgres_table(name)) == comparable(table(name)), name


def comparable(rows: Rows) -> list[dict[str, Any]]:
    """Rows without what depends on when a load ran."""
    own = {"_dlt_load_id", "removed_at", "waiting_seconds"}
    kept = [{key: value for key, value in row.items() if key not in own} for row in rows]
    return sorted(kept, key=repr)


def test_a_changed_variable_reaches_every_row(here: Path) -> None:
    loaded(here, 13, days=6)
    dbt("run")
    before = {name: table(name) for name in TABLES}
    changes: dict[str, Any] = {
        "timezone": "Pacific/Kiritimati",
        "session_gap_hours": 1,
        "count_deleted": True,
    }
    dbt("run", **changes)
    changed = {name: table(name) for name in TABLES}
    dbt("run", "--full-refresh", **changes)
    assert changed == {name: table(name) for name in TABLES}
    assert changed != before


def test_an_empty_workspace_has_empty_tables(here: Path) -> None:
    with Job(Workspace(), fresh(here), "chatbotx") as job:
        job.sync()
    for _ in range(2):
        dbt("build")
    assert {name: table(name) for name in TABLES} == {name: [] for name in TABLES}
