"""Takes a first look at what was loaded and built: tables, and how long contacts wait for answers.

python pipelines/first_look.py chatbotx.duckdb [DATASET]
"""

import sys

import duckdb

from chatbotx_source import analytics

TABLES = """
    select table_name
    from duckdb_tables()
    where schema_name = ? and not starts_with(table_name, '_dlt')
    order by table_name
"""

FIRST_RESPONSES = """
    select
        channel,
        count(asked_at) as sessions,
        median(first_bot_response_seconds)::int as seconds_for_the_bot,
        (median(first_agent_response_seconds) / 60)::int as minutes_for_a_person,
        (quantile_cont(first_agent_response_seconds, 0.9) / 60)::int as minutes_in_nine_of_ten
    from {schema}.chatbotx__conversation_sessions
    group by channel
    order by sessions desc
"""


def main(path: str, dataset: str = "chatbotx_data") -> None:
    """Prints the tables in a DuckDB file, loaded and built, and the answer to one question."""
    with duckdb.connect(path, read_only=True) as connection:
        for schema in (dataset, analytics.schema_of(dataset)):
            print(f"\nTables of {path}, schema {schema}:\n")
            for (table,) in connection.execute(TABLES, [schema]).fetchall():
                ((rows,),) = connection.execute(f"select count(*) from {schema}.{table}").fetchall()
                print(f"{rows:>12,}  {table}")
        print("\nHow long contacts wait for the first response of a session:\n")
        print(connection.sql(FIRST_RESPONSES.format(schema=analytics.schema_of(dataset))))


if __name__ == "__main__":
    main(*sys.argv[1:])
