"""Shows how to load ChatbotX with dlt, from the shortest code to the whole job.

Run as a script, this is the command `chatbotx-pipeline` with all its options.
"""

import dlt

from chatbotx_source import chatbotx, sync
from chatbotx_source.cli import script


def load_once() -> None:
    """Makes one load, as with any dlt source: everything that is new since the last one."""
    pipeline = dlt.pipeline("chatbotx", destination="duckdb", dataset_name="chatbotx_data")
    print(pipeline.run(chatbotx()))


def load_in_steps() -> None:
    """Runs a long backfill with a checkpoint every 200,000 messages or 5 minutes; resumable."""
    pipeline = dlt.pipeline("chatbotx", destination="duckdb", dataset_name="chatbotx_data")
    print(sync(pipeline, max_requests=30))


def load_some_contacts() -> None:
    """Loads this year's messages of a few known contacts."""
    pipeline = dlt.pipeline("chatbotx_some", destination="duckdb", dataset_name="chatbotx_data")
    source = chatbotx(
        contacts=["email:ana@example.com", "phone:+84900000001"], start_date="2026-01-01"
    )
    pipeline.run(source)


def load_contacts_only() -> None:
    """Loads the contacts with their tags and inboxes, without requesting any messages."""
    pipeline = dlt.pipeline("chatbotx_contacts", destination="duckdb", dataset_name="crm")
    source = chatbotx().with_resources("contacts", "contacts__tags", "contacts__contact_inboxes")
    pipeline.run(source)


if __name__ == "__main__":
    script()
