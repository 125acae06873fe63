"""A first look at loaded tables: how many rows they have, and how long contacts wait for an answer.

python pipelines/first_look.py chatbotx.duckdb [DATASET]
"""

import sys

import duckdb

TABLES = """
    select table_name
    from duckdb_tables()
    where schema_name = ? and not starts_with(table_name, '_dlt')
    order by table_name
"""

# A contact often writes several messages in a row: the wait begins with the first of them.
WAITS = """
    with talk as (
        select
            contact_id, contact_inbox_id, message_type, created_at,
            lag(message_type) over (partition by contact_id order by created_at, id) as before,
            min(created_at) filter (sender_type = 'bot') over later as bot_at,
            min(created_at) filter (sender_type = 'user') over later as person_at
        from {dataset}.messages
        where message_type in ('incoming', 'outgoing') and deleted_at is null
        window later as (
            partition by contact_id order by created_at, id
            rows between 1 following and unbounded following
        )
    )
    select
        channel,
        count(*) as questions,
        median(date_diff('second', talk.created_at, bot_at))::int as seconds_for_the_bot,
        median(date_diff('minute', talk.created_at, person_at))::int as minutes_for_a_person
    from talk
    join {dataset}.contacts__contact_inboxes as inboxes
        on inboxes.id = contact_inbox_id and inboxes.contact_id = talk.contact_id
    where message_type = 'incoming' and before is distinct from 'incoming'
    group by channel
    order by questions desc
"""


def main(path: str, dataset: str = "chatbotx_data") -> None:
    """Prints the tables of a dataset in a DuckDB file, and an example analysis."""
    with duckdb.connect(path, read_only=True) as connection:
        print(f"\nTables of {path}, schema {dataset}:\n")
        for (table,) in connection.execute(TABLES, [dataset]).fetchall():
            ((rows,),) = connection.execute(f"select count(*) from {dataset}.{table}").fetchall()
            print(f"{rows:>12,}  {table}")
        print("\nHow long contacts wait for an answer, in the median:\n")
        print(connection.sql(WAITS.format(dataset=dataset)))


if __name__ == "__main__":
    main(*sys.argv[1:])
