"""Seconds and peak memory of the analytics tables: built in full, and after 1% of news.

python benchmarks/analytics.py 1000000
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dlt
import duckdb

from chatbotx_source import analytics, report
from chatbotx_source.tables import arrow
from chatbotx_source.tables.columns import TABLES

MESSAGES_PER_CONTACT = 25
FIRST_LOAD, SECOND_LOAD = "1790000000.0", "1790086400.0"

CONTACTS = """
    insert into raw.contacts (
        id, full_name, created_at, workspace_id, conversation__id, conversation__assigned_user__id,
        conversation__assigned_user__name, _dlt_load_id
    )
    select
        1000000000000000 + n, 'Contact ' || n, timestamptz '2025-01-01' + to_hours(n % 8760), '1',
        2000000000000000 + n, 3000 + n % 20, 'Agent ' || n % 20, '{load}'
    from range({contacts}) as numbers(n);

    insert into raw.contacts__contact_inboxes (
        id, contact_id, inbox_id, channel, inbox__name, _dlt_load_id
    )
    select
        4000000000000000 + n, 1000000000000000 + n, 5000 + n % 5,
        (['whatsapp', 'messenger', 'instagram', 'telegram', 'webchat'])[1 + n % 5],
        'Inbox ' || n % 5, '{load}'
    from range({contacts}) as numbers(n);
"""

# Talks of eight messages: three questions, the bot, a question, an agent, a question, an agent.
MESSAGES = """
    insert into raw.messages (
        id, contact_id, conversation_id, contact_inbox_id, workspace_id, message_type, sender_type,
        sender_id, content_type, type, text, created_at, updated_at, deleted_at, _dlt_load_id
    )
    select
        6000000000000000 + n, 1000000000000000 + c, 2000000000000000 + c, 4000000000000000 + c, '1',
        case when place in (3, 5, 7) then 'outgoing' else 'incoming' end,
        case when place = 3 then 'bot' when place in (5, 7) then 'user' else 'contact' end,
        case when place in (5, 7) then 3000 + c % 20 else 1000000000000000 + c end,
        'text', 'message', repeat('What a customer asks ', 1 + n % 5), sent_at, sent_at,
        case when n % 200 = 0 then sent_at end, '{load}'
    from (
        select
            n, (n // 8 * 7919) % {contacts} as c, n % 8 as place,
            timestamptz '2025-01-01' + to_seconds(
                63072 * (n // 8) * 8 * 1000 // {total} + n % 8 * (20 + hash(n) % 600)
            ) as sent_at
        from range({first}, {last}) as numbers(n)
    );

    insert into raw.messages__attachments (
        id, message_id, contact_id, list_index, file_type, size, _removed, _dlt_load_id
    )
    select
        7000000000000000 + n, 6000000000000000 + n, 1000000000000000 + (n // 8 * 7919) % {contacts},
        0, (['image', 'video', 'audio', 'gif', 'file'])[1 + n % 5], hash(n) % 5000000, false,
        '{load}'
    from range({first}, {last}) as numbers(n)
    where n % 5 = 2;

    insert into raw._dlt_loads (load_id, status) values ('{load}', 0);

    insert into raw._chatbotx_syncs (ended, complete, _dlt_load_id)
    select max(created_at), true, '{load}' from raw.messages;
"""


def main(messages: str = "1000000") -> None:
    """Prints a line for each build; every build is a process of its own, as it is in use."""
    total = int(messages)
    news = total // 800 * 8
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "chatbotx.duckdb")
        with duckdb.connect(file) as connection:
            connection.execute("create schema raw; set timezone = 'UTC'")
            for name in TABLES:
                empty = arrow.empty(name)
                connection.from_arrow(empty).create(f"raw.{name}")
            connection.execute("create table raw._dlt_loads (load_id text, status bigint)")
            load(connection, 0, total - news, total, FIRST_LOAD)
        for command in ("run", "test"):
            build(f"in full: dbt {command}", folder, command)
        with duckdb.connect(file) as connection:
            connection.execute("set timezone = 'UTC'")
            load(connection, total - news, total, total, SECOND_LOAD)
        for command in ("run", "test"):
            build(f"after {news:,} more: dbt {command}", folder, command)
        write_report(file, folder)


def load(
    connection: duckdb.DuckDBPyConnection, first: int, last: int, total: int, load_id: str
) -> None:
    """Writes messages as a load would have, and all contacts, which every load lists again."""
    values = {"first": first, "last": last, "total": total, "load": load_id}
    values["contacts"] = total // MESSAGES_PER_CONTACT
    connection.execute("delete from raw.contacts; delete from raw.contacts__contact_inboxes")
    connection.execute(CONTACTS.format(**values))
    connection.execute(MESSAGES.format(**values))


def build(what: str, folder: str, command: str) -> None:
    """Runs dbt, and prints what it took; the time in its nodes leaves out how dbt itself begins."""
    project = str(analytics.PROJECT)
    folders = ["--project-dir", project, "--profiles-dir", project]
    run = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "dbt.cli.main",
            command,
            *folders,
            "--vars",
            "chatbotx_dataset: raw",
        ],
        env={
            **os.environ,
            "CHATBOTX_DUCKDB": str(Path(folder) / "chatbotx.duckdb"),
            "CHATBOTX_SCHEMA": "raw_analytics",
            "DBT_TARGET_PATH": folder,
            "DBT_LOG_PATH": folder,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    began = time.monotonic()
    _, status, usage = os.wait4(run.pid, 0)
    seconds = time.monotonic() - began
    if status:
        raise SystemExit((Path(folder) / "dbt.log").read_text("utf-8")[-2_000:])
    results = json.loads((Path(folder) / "run_results.json").read_text("utf-8"))["results"]
    nodes = sum(result["execution_time"] for result in results)
    print(
        f"{what:<32} {seconds:5.1f} s, {nodes:5.1f} s of it in {len(results):>3} nodes, "
        f"{usage.ru_utime + usage.ru_stime:5.1f} s of processor, {usage.ru_maxrss / 1024:4,.0f} MB",
        flush=True,
    )


def write_report(file: str, folder: str) -> None:
    """Writes the report on it, and prints what that took."""
    pipeline = dlt.pipeline(
        "benchmark",
        pipelines_dir=folder,
        destination=dlt.destinations.duckdb(file),
        dataset_name="raw",
    )
    began, processor = time.monotonic(), time.process_time()
    written = report.write(pipeline, Path(folder) / "report.html")
    print(
        f"{'the report':<32} {time.monotonic() - began:5.1f} s, "
        f"{time.process_time() - processor:5.1f} s of processor, {written.bytes / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
