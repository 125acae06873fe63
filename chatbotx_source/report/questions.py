"""What the report asks of the analytics tables, by day and channel so that the page can filter.

Counts add up over days and channels. Percentiles do not: for them the page gets how often each
response time occurred, and works them out itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from itertools import groupby, pairwise
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from chatbotx_source.dlt_internals.clients import table_in
from chatbotx_source.report import queries

Row = tuple[Any, ...]

MOST_DAYS = 731
"""Two years."""

MOST_RESPONSES = 300_000
"""Different response times of a day, channel and sender, 7 bytes each in the page: two years of a
workspace of a million messages."""

MOST_AGENT_DAYS = 75_000
"""Rows of an agent, a day and a channel, 18 bytes each in the page."""

MOST_AGENTS = 30
"""Who write most; the others are counted together."""

MOST_WAITING = 25
"""Of a channel: who wait longest, by name. All are counted."""

MOST_UNFINISHED = 25

WAITS = (3_600, 14_400, 86_400, 259_200, 604_800)
"""Seconds at which the page divides the waits: 1 and 4 hours, 1, 3 and 7 days."""

FRESHNESS = (
    *("ended", "synced_through", "mode", "complete", "reconciled", "unfinished", "pages_left"),
    "ended_by",
)
"""Columns of `_chatbotx_syncs`."""

KINDS = ("image", "video", "audio", "gif", "file", "other")

COUNTS = (
    *("messages_in", "messages_out", "messages_bot", "messages_agent", "messages_api"),
    *("new_contacts", "sessions", "turns"),
    *(f"turns_answered_within_{minutes}m" for minutes in (1, 5, 60)),
    *(f"attachments_{kind}" for kind in KINDS),
    *(f"attachment_bytes_{kind}" for kind in KINDS),
)
"""Columns of `chatbotx__daily` that add up; the first two are all its messages."""

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Tables:
    """The tables in the destination, under the names that its SQL has for them.

    Attributes:
        client: an open connection of the pipeline.
        analytics: schema of the analytics tables.
    """

    client: SqlClientBase[Any]
    analytics: str

    def rows(self, query: str, **values: object) -> list[Row]:
        """What a query returns; `values` are those of its names that are no tables."""
        tables = set(re.findall(r"{(\w+)}", query)) - set(values)
        names = {table: self._name(table) for table in tables}
        with self.client.execute_query(query.format(**names, **values)) as cursor:
            return [tuple(row) for row in cursor.fetchall()]

    def _name(self, table: str) -> str:
        if table.startswith("chatbotx__"):
            return table_in(self.client, self.analytics, table)
        return self.client.make_qualified_table_name(table)


@dataclass(frozen=True)
class Days:
    """The days that the report covers; none when the last is before the first."""

    first: date
    last: date

    def __len__(self) -> int:
        return max(0, (self.last - self.first).days + 1)

    def __str__(self) -> str:
        return f"local_date between date '{self.first}' and date '{self.last}'"


def ask(client: SqlClientBase[Any], analytics: str, now: datetime) -> dict[str, Any]:
    """Asks everything that the page shows.

    Args:
        client: an open connection of the pipeline.
        analytics: schema of the analytics tables.
        now: when the report is written.

    Returns:
        Plain data for JSON. Days are numbers, counted from `first_day`; channels and agents are
        places in the lists of them. Rows come as lists, under the names of their columns.

    Raises:
        DestinationUndefinedEntity: a table is missing.
    """
    tables = Tables(client, analytics)
    freshness = _freshness(tables)
    days = _span(tables, freshness["ended"] or now)
    responses, days = _newest(
        tables.rows(queries.RESPONSES, days=days, most=MOST_RESPONSES + 1), days, MOST_RESPONSES
    )
    agent_days, days = _newest(
        tables.rows(
            queries.AGENT_DAYS, days=days, most=MOST_AGENT_DAYS + 1, most_agents=MOST_AGENTS
        ),
        days,
        MOST_AGENT_DAYS,
    )
    daily = tables.rows(queries.DAILY, days=days, sums=", ".join(f"sum({n})" for n in COUNTS))
    waits = tables.rows(queries.WAITS, counts=", ".join(_between(WAITS)))
    volumes = [(row[1], int(row[2] + row[3])) for row in daily]
    others = [row[1] for row in (*responses, *agent_days)] + [row[0] for row in waits]
    channels = _largest_first([*volumes, *((channel, 0) for channel in others)], last="unknown")
    agents = _largest_first(((row[2], row[3]) for row in agent_days), last=None)
    names: dict[Any, str] = dict(tables.rows(queries.AGENTS))
    ever = tables.rows(queries.EVER)[0][0] or 0

    def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
        coded = [
            [(day - days.first).days, channels.index(channel), *rest]
            for day, channel, *rest in rows
            if day >= days.first
        ]
        return {"columns": ["day", "channel", *columns], "rows": coded}

    return {
        "written": _utc(now),
        "freshness": {
            name: _utc(value) if isinstance(value, datetime) else value
            for name, value in freshness.items()
        },
        "unfinished": {
            "columns": ["contact", "reason", "since"],
            "rows": [
                [contact, reason, _utc(since)]
                for contact, reason, since in tables.rows(queries.UNFINISHED, most=MOST_UNFINISHED)
            ],
        },
        "first_day": str(days.first),
        "days": len(days),
        "left_out": int(ever) - sum(count for _, count in volumes),
        "channels": channels,
        "agents": [names.get(agent, agent) for agent in agents],
        "daily": table(COUNTS, ([*row[:2], *map(int, row[2:])] for row in daily)),
        "hours": table(
            ("messages_in", "messages_agent"), _hours(tables.rows(queries.HOURS, days=days))
        ),
        "handled": table(("by", "sessions", "resolved"), tables.rows(queries.HANDLED, days=days)),
        "responses": table(("by", "times"), _gathered(responses)),
        "agent_days": table(
            ("agent", "messages", "replies", "within_5m", "within_60m"),
            ([*row[:2], agents.index(row[2]), *map(int, row[3:])] for row in agent_days),
        ),
        "wait_bounds": WAITS,
        "waits": {
            "columns": ["channel", "counts"],
            "rows": [[channels.index(channel), counts] for channel, *counts in waits],
        },
        "waiting": {
            "columns": ["channel", "name", "since"],
            "rows": [
                [channels.index(channel), name, _utc(since)]
                for channel, name, since in tables.rows(queries.WAITING, most=MOST_WAITING)
            ],
        },
    }


def _freshness(tables: Tables) -> dict[str, Any]:
    """How far the tables can be trusted, by the last load; nulls before the first."""
    rows = tables.rows(queries.FRESHNESS, columns=", ".join(FRESHNESS))
    ((loaded, built),) = tables.rows(queries.NEWEST_LOADS)
    last = rows[0] if rows else [None] * len(FRESHNESS)
    return {**dict(zip(FRESHNESS, last, strict=True)), "behind": loaded != built}


def _span(tables: Tables, loaded: datetime) -> Days:
    """The days with messages, the newest of them; a day long after the load is a wrong clock's."""
    end = (loaded + DAY).date()
    ((first, last),) = tables.rows(queries.SPAN, end=end)
    if last is None:
        return Days(end + DAY, end)
    return Days(max(first, last - (MOST_DAYS - 1) * DAY), last)


def _newest(rows: list[Row], days: Days, most: int) -> tuple[list[Row], Days]:
    """The rows of the newest days that there is room for, and these days.

    Args:
        rows: from the newest day back, one more than there is room for if there are so many.
        days: that they are of.
        most: rows that there is room for.
    """
    if len(rows) <= most:
        return rows, days
    cut = rows[most][0]
    return [row for row in rows if row[0] > cut], Days(cut + DAY, days.last)


def _gathered(responses: list[Row]) -> list[list[Any]]:
    """One row per day, channel and sender: a time and how often it occurred, the next time, ..."""
    return [
        [*key, [int(number) for row in rows for number in row[3:]]]
        for key, rows in groupby(responses, key=lambda row: row[:3])
    ]


def _hours(rows: list[Row]) -> list[list[Any]]:
    """One row per day and channel: the counts of its 24 hours, from contacts and from people."""
    gathered: list[list[Any]] = []
    for key, group in groupby(rows, key=lambda row: row[:2]):
        sides: tuple[list[int], list[int]] = ([0] * 24, [0] * 24)
        for *_, hour, from_contacts, from_people in group:
            sides[0][hour], sides[1][hour] = from_contacts, from_people
        gathered.append([*key, *sides])
    return gathered


def _between(bounds: Sequence[int]) -> list[str]:
    """SQL that counts the waits below the first bound, between each two, and from the last."""
    sides = [f"waiting_seconds < {bounds[0]}"]
    sides += [f"waiting_seconds >= {a} and waiting_seconds < {b}" for a, b in pairwise(bounds)]
    sides += [f"waiting_seconds >= {bounds[-1]}"]
    return [f"count(case when {side} then 1 end)" for side in sides]


def _largest_first(volumes: Iterable[tuple[Any, int]], last: str | None) -> list[Any]:
    """Names by what they add up to, and one of them always last."""
    sums: dict[Any, int] = {}
    for name, volume in volumes:
        sums[name] = sums.get(name, 0) + volume
    return sorted(sums, key=lambda name: (name == last, -sums[name], name))


def _utc(instant: datetime) -> str:
    return instant.astimezone(timezone.utc).isoformat(timespec="seconds")
