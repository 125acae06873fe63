"""The page in a real browser: it asks for nothing, and its figures are those of the tables."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbotx_source import report
from chatbotx_source.sandbox import Workspace, synthetic
from tests.support.analytics import Talk, dbt
from tests.support.chromium import EXECUTABLE, Browser, browser
from tests.support.loading import Job

pytestmark = [
    pytest.mark.analytics,
    pytest.mark.skipif(EXECUTABLE is None, reason="there is no Chromium"),
]

NOW = datetime(2026, 4, 1, tzinfo=timezone.utc)
MARTS = "data_analytics"

Query = Callable[[str], list[tuple[Any, ...]]]
Serve = Callable[..., Job]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium") / "profile") as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a loaded workspace, its analytics tables and its report."""
    place = tmp_path_factory.mktemp("report")
    with (
        pytest.MonkeyPatch.context() as patch,
        Job(synthetic(seed=7, contacts=60, now=NOW), place, "chatbotx") as job,
    ):
        patch.chdir(place)
        patch.setenv("DLT_DATA_DIR", str(place / "dlt"))
        patch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        job.sync()
        dbt("run")
        report.write(job.pipeline, "report.html")
    return place


@pytest.fixture
def query(folder: Path) -> Iterator[Query]:
    with duckdb.connect(str(folder / "chatbotx.duckdb"), read_only=True) as connection:
        connection.execute(f"set search_path = '{MARTS}'")
        yield lambda sql: connection.execute(sql).fetchall()


@pytest.fixture
def page(chromium: Browser, folder: Path) -> Browser:
    chromium.open(folder / "report.html")
    return chromium


def written(job: Job) -> Path:
    """The report on what a job has loaded."""
    dbt("run")
    return report.write(job.pipeline, "report.html").path


def choose(page: Browser, label: str) -> None:
    """Clicks the filter of that name."""
    page.run(
        f"[...document.querySelectorAll('label.chip')]"
        f".find((each) => each.innerText.trim() === {json.dumps(label)})"
        ".querySelector('input').click()"
    )


def shown(page: Browser, tile: str) -> str:
    return page.texts(f"#{tile} .value")[0]


def table(page: Browser, figure: str) -> list[list[str]]:
    """The cells of a table on the page, without its head."""
    rows: list[list[str]] = page.run(
        f"[...document.querySelectorAll('#{figure} .chart > table tbody tr, "
        f"#{figure} .scroll tbody tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
    )
    return rows


def figure(value: float) -> str:
    return f"{round(value):,}"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_it_is_drawn_without_a_complaint_and_without_a_request(
    chromium: Browser, folder: Path, width: int, dark: bool
) -> None:
    chromium.open(folder / "report.html", width=width, dark=dark)
    assert chromium.complaints == []
    asked = [each for each in chromium.requests if not each.startswith("data:")]
    assert asked == [(folder / "report.html").as_uri()]
    assert chromium.run("document.documentElement.scrollWidth") == width
    assert chromium.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(19, 22, 27)" if dark else "rgb(246, 246, 243)"
    )


def test_every_figure_shows_something(page: Browser) -> None:
    figures = page.run("[...document.querySelectorAll('figure')].map((each) => each.id)")
    assert len(figures) == 11
    drawn = page.run(
        "[...document.querySelectorAll('figure')].filter((each) => each.querySelector("
        "'.chart rect:not(.band), .chart path, .chart tbody tr')).map((each) => each.id)"
    )
    assert drawn == figures


def test_counts_are_those_of_the_tables(page: Browser, query: Query) -> None:
    choose(page, "All")
    ((messages_in, sessions, contacts, soon, turns),) = query(
        "select sum(messages_in), sum(sessions), sum(new_contacts), "
        "sum(turns_answered_within_60m), sum(turns) from chatbotx__daily"
    )
    assert shown(page, "tile-messages-in") == figure(messages_in)
    assert shown(page, "tile-sessions") == figure(sessions)
    assert shown(page, "tile-new-contacts") == figure(contacts)
    assert shown(page, "tile-in-time") == f"{100 * soon / turns:.0f}%"
    ((waiting,),) = query("select count(*) from chatbotx__conversations where is_waiting")
    assert shown(page, "tile-waiting") == figure(waiting)
    volumes = page.texts("#volume .legend b")
    assert volumes == [
        figure(count)
        for (count,) in query(
            "select sum(messages_in + messages_out) as messages from chatbotx__daily "
            "group by channel having messages > 0 order by messages desc"
        )
    ]


def test_percentiles_are_those_of_the_sessions(page: Browser, query: Query) -> None:
    choose(page, "All")
    for sender in ("bot", "agent"):
        for part in (0.5, 0.9):
            ((exact,),) = query(
                f"select quantile_cont(first_{sender}_response_seconds, {part}) "
                "from chatbotx__conversation_sessions"
            )
            found = page.run(
                "percentile(occurrences(chosen(data.responses, filter)"
                f".filter((row) => row.by === '{sender}')), {part})"
            )
            assert math.isclose(found, exact, rel_tol=0.005, abs_tol=0.5)
        told = page.run(f"duration({exact})")
        assert page.texts(f"#tile-{sender} .more")[0].startswith("nine of ten within ")
        assert told.split()[1] in page.texts(f"#tile-{sender} .more")[0]


def test_the_heatmaps_are_that_of_the_tables(page: Browser, query: Query) -> None:
    choose(page, "All")
    for name in ("messages_in", "messages_agent"):
        found = page.run(f"byHour(chosen(data.hours, filter), '{name}', firstDay)")
        wanted = [[0] * 24 for _ in range(7)]
        for weekday, hour, count in query(
            f"select weekday, hour, sum({name}) from chatbotx__hourly_heatmap group by all"
        ):
            wanted[weekday - 1][hour] = count
        assert found == wanted


def test_agents_handlers_and_media_are_those_of_the_tables(page: Browser, query: Query) -> None:
    choose(page, "All")
    assert [
        [name, messages, replies] for name, _, messages, replies, *_ in table(page, "agents")
    ] == [
        [name, figure(messages), figure(replies)]
        for name, messages, replies in query(
            "select agent_name, sum(messages) as messages, sum(replies) "
            "from chatbotx__agents_daily group by all order by messages desc"
        )
    ]
    sessions: dict[str, int] = dict(
        query(
            "select handled_by, count(*) from chatbotx__conversation_sessions "
            "where asked_at is not null group by all"
        )
    )
    names = {
        "Bot alone": "bot",
        "Bot and people": "bot and agent",
        "People alone": "agent",
        "Programs": "api",
        "Nobody": "nobody",
    }
    assert {names[name]: count for name, count, *_ in table(page, "handled")} == {
        handler: figure(count) for handler, count in sessions.items()
    }
    files = query(
        "select count(*) from chatbotx__attachments where is_counted group by kind order by 1 desc"
    )
    assert [row[2] for row in table(page, "media")] == [figure(count) for (count,) in files]


def test_filters_change_every_figure(page: Browser, query: Query) -> None:
    choose(page, "30 days")
    choose(page, "WhatsApp")
    ((last,),) = query("select max(local_date) from chatbotx__daily")
    condition = f"local_date > date '{last}' - 30 and channel <> 'whatsapp'"
    for name, tile in (("messages_in", "tile-messages-in"), ("sessions", "tile-sessions")):
        ((count,),) = query(f"select sum({name}) from chatbotx__daily where {condition}")
        assert count > 0
        assert shown(page, tile) == figure(count)
    assert "WhatsApp" not in "".join(
        page.texts("#volume .legend, #by-channel tbody, #waiting tbody")
    )
    ((replies,),) = query(
        "select count(*) from chatbotx__reply_times where agent_id is not null and "
        + condition.replace("local_date", "first_agent_reply_date")
    )
    assert sum(int(row[3].replace(",", "")) for row in table(page, "agents")) == replies


def test_dates_can_be_typed(page: Browser, query: Query) -> None:
    ((first, last),) = query("select max(local_date) - 3, max(local_date) - 2 from chatbotx__daily")
    for field, value in (("from", first), ("to", last)):
        page.run(f"by('{field}').value = '{value}'")
    page.run("by('to').dispatchEvent(new Event('change'))")
    ((count,),) = query(
        "select sum(messages_in) from chatbotx__daily "
        f"where local_date between date '{first}' and date '{last}'"
    )
    assert shown(page, "tile-messages-in") == figure(count or 0)


def test_nothing_chosen_is_told(page: Browser) -> None:
    for channel in page.texts("#channels label"):
        choose(page, channel.strip())
    assert shown(page, "tile-messages-in") == "0"
    assert set(page.texts("#volume .nothing, #agents .nothing")) == {
        "Nothing in these days and channels."
    }
    assert page.complaints == []


def test_the_arrow_keys_read_a_chart(page: Browser) -> None:
    page.run("document.querySelector('#volume svg').focus()")
    page.press("ArrowRight")
    page.press("ArrowRight")
    second = page.run("periodTitle(periodsOf(filter, firstDay)[1])")
    assert page.texts("#tip:not([hidden]) b") == [second]
    page.press("Escape")
    assert page.texts("#tip:not([hidden])") == []


def test_every_drawing_has_its_numbers_as_a_table(page: Browser) -> None:
    page.run("document.querySelectorAll('.numbers').forEach((each) => { each.open = true; })")
    page.run("new Promise((done) => setTimeout(done))")
    tables = page.run(
        "[...document.querySelectorAll('svg[role=img]')].map((each) => "
        "each.parentElement.querySelectorAll('.numbers tbody tr').length)"
    )
    assert len(tables) == 7
    assert min(tables) >= 6
    assert page.run("document.querySelectorAll('svg[role=img]:not([aria-label])').length") == 0


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=30), st.floats(0, 1, allow_nan=False))
def test_a_percentile_is_that_of_the_times_written_out(
    page: Browser, times: list[int], part: float
) -> None:
    rows = [{"times": [number for time in times for number in (time, 1)]}]
    found = page.run(f"percentile(occurrences({json.dumps(rows)}), {part!r})")
    place = part * (len(times) - 1)
    low, high = (sorted(times)[index] for index in (math.floor(place), math.ceil(place)))
    assert math.isclose(found, low + (high - low) * (place % 1), abs_tol=1e-6)


def test_an_empty_workspace_has_a_page_too(chromium: Browser, serve: Serve) -> None:
    job = serve(Workspace(), name="chatbotx")
    job.sync()
    chromium.open(written(job))
    assert chromium.complaints == []
    assert chromium.texts("#empty")[0].startswith("There are no messages yet.")
    assert chromium.run("[...document.querySelectorAll('main, form')].every((each) => each.hidden)")
    assert "Complete" in chromium.texts(".state")[0]


def test_contacts_without_messages_are_counted(chromium: Browser, serve: Serve) -> None:
    workspace = Workspace(clock=lambda: NOW)
    workspace.add_contact(created_at=NOW)
    job = serve(workspace, name="chatbotx")
    job.sync()
    chromium.open(written(job))
    assert chromium.complaints == []
    assert shown(chromium, "tile-new-contacts") == "1"
    assert "Nobody waits." in chromium.texts(".nothing")


def test_names_are_text_whatever_is_in_them(chromium: Browser, serve: Serve) -> None:
    name = (
        '</script><script>alert(1)</script><img src="https://example.com/a.png" onerror=alert(2)>'
    )
    workspace = Workspace(clock=lambda: NOW)
    Talk(workspace, name, "2026-03-30 10:00 contact", channels=("</script>",))
    job = serve(workspace, name="chatbotx")
    job.sync()
    chromium.open(written(job))
    assert chromium.complaints == []
    assert chromium.run("document.querySelectorAll('img').length") == 0
    ((who, channel, _),) = table(chromium, "waiting")
    assert (who, channel) == (name, "</script>")


def test_what_is_missing_is_at_the_top(chromium: Browser, serve: Serve) -> None:
    workspace = Workspace(clock=lambda: NOW)
    talk = Talk(workspace, "Maya", "2026-03-30 10:00 contact\n10:05 bot")
    Talk(workspace, "Noor", "2026-03-30 10:00 contact\n10:05 bot")
    workspace.poison_message(talk.messages[0])
    job = serve(workspace, name="chatbotx")
    job.sync()
    file = written(job)
    chromium.open(file)
    assert chromium.texts(".state") == ["Not complete"]
    assert "1 contact unfinished." in chromium.texts("#freshness")[0]
    chromium.run("by('unfinished').open = true")
    assert [talk.contact, "a message cannot be served"] == chromium.run(
        "[...document.querySelectorAll('#unfinished tbody tr:first-child > *')]"
        ".slice(0, 2).map((each) => each.innerText)"
    )


def test_tables_older_than_the_last_load_are_told(chromium: Browser, serve: Serve) -> None:
    workspace = Workspace(clock=lambda: NOW)
    talk = Talk(workspace, "Maya", "2026-03-30 10:00 contact\n10:05 bot")
    job = serve(workspace, name="chatbotx")
    job.sync()
    dbt("run")
    workspace.add_message(talk.contact)
    job.sync()
    file = report.write(job.pipeline, "report.html").path
    chromium.open(file)
    assert chromium.texts(".state") == ["Out of date"]
    assert "build them again" in chromium.texts("#freshness")[0]
