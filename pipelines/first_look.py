"""A first look at loaded tables: their rows, and how fast contacts are answered.

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

ANSWERS = """
    with turns as (
        select
            contact_id, message_type, sender_type, created_at,
            lag(message_type) over (partition by contact_id order by created_at, id) as before
        from {dataset}.messages
        where message_type in ('incoming', 'outgoing') and type = 'message'
    ),
    answers as (
        select
            asked.contact_id,
            asked.created_at,
            min(reply.created_at) filter (reply.sender_type = 'bot') as by_bot,
            min(reply.created_at) filter (reply.sender_type = 'user') as by_person
        from turns as asked
        left join {dataset}.messages as reply
            on reply.contact_id = asked.contact_id
            and reply.message_type = 'outgoing'
            and reply.created_at > asked.created_at
        where asked.message_type = 'incoming' and asked.before is distinct from 'incoming'
        group by all
    )
    select
        channel,
        count(*) as questions,
        median(epoch(by_bot - answers.created_at))::int as seconds_to_bot,
        round(median(epoch(by_person - answers.created_at)) / 60)::int as minutes_to_person
    from answers
    join (
        select contact_id, min(channel) as channel
        from {dataset}.contacts__contact_inboxes
        group by all
    ) using (contact_id)
    group by all
    order by questions desc
"""


def main(path: str, dataset: str = "chatbotx_data") -> None:
    """Prints the tables of a dataset in a DuckDB file, and an example analysis."""
    with duckdb.connect(path, read_only=True) as connection:
        print(f"\nTables of {path}, schema {dataset}:\n")
        for (table,) in connection.execute(TABLES, [dataset]).fetchall():
            rows = connection.table(f"{dataset}.{table}").count("*").fetchone()
            print(f"{rows[0] if rows else 0:>12,}  {table}")
        print("\nHow long contacts wait for the bot, and for a person:")
        print(connection.sql(ANSWERS.format(dataset=dataset)))


if __name__ == "__main__":
    main(*sys.argv[1:])
