"""Makes the dlt source: options in, resources out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypedDict

import dlt
import pyarrow as pa
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from chatbotx_source import settings
from chatbotx_source.api.addresses import check_identifier
from chatbotx_source.api.connections import connection
from chatbotx_source.extraction.batches import Batch
from chatbotx_source.extraction.extract import extract, hand_over
from chatbotx_source.shards import Shard
from chatbotx_source.stopping import stop_asked
from chatbotx_source.tables.columns import TABLES, Table


@dlt.source(name="chatbotx", section="chatbotx")
def chatbotx(
    api_token: TSecretStrValue | None = dlt.secrets.value,
    base_url: str = settings.BASE_URL,
    contacts: list[str] | None = None,
    start_date: str | None = None,
    page_size: int = settings.PAGE_SIZE,
    lookback_days: float = settings.LOOKBACK_DAYS,
    reconcile: bool = False,
    reconcile_share: float = settings.RECONCILE_SHARE,
    limit_contacts: int | None = None,
    shard: str | None = None,
    max_requests_per_second: float = settings.REQUESTS_PER_SECOND,
    workers: int = settings.WORKERS,
    max_wait: float = settings.MAX_WAIT,
    request_timeout: float = settings.REQUEST_TIMEOUT,
    max_requests: int | None = None,
    max_messages: int | None = None,
    max_duration: float | None = None,
    load_duration: float | None = None,
    grace: float = settings.GRACE,
    allow_http: bool = False,
    keep_signed_urls: bool = False,
    table_format: str | None = None,
) -> Iterable[DltResource]:
    """Makes a source of all contacts and messages of a ChatbotX workspace.

    Building it sends nothing and needs no token. Every argument can be configured in
    `[sources.chatbotx]` of `.dlt/config.toml` and `.dlt/secrets.toml`, or in the environment, such
    as `SOURCES__CHATBOTX__PAGE_SIZE`.

    Args:
        api_token: Settings > Integrations > ChatbotX API Access Token; read-only is enough.
        base_url: `https://{domain}/api` of a self-hosted server.
        contacts: only these, as `id:1`, `email:a@example.com` or `phone:+84900000001`.
        start_date: ISO 8601; older messages are skipped. Lowering it later reads them.
        page_size: messages per request, 1 to 4,000.
        lookback_days: re-reads the messages of so many days before the last sync, because edits
            and deletions leave no trace in the API.
        reconcile: re-reads every contact's full history, which finds everything at a cost.
        reconcile_share: share of the contacts whose full history each sync re-reads, 0 to 1.
        limit_contacts: loads only so many contacts as a preview, and remembers nothing.
        shard: reads the i-th of n parts of the contacts, such as `3/8`; each part needs its own
            pipeline. Pays off above 100,000 contacts, as every shard lists them all.
        max_requests_per_second: pace of all threads together; may be a fraction, 0 sets none. The
            limit applies to the workspace, so a shard keeps to its n-th part of it.
        workers: requests in flight at once, 1 to 64.
        max_wait: seconds; the load ends when the server asks for a longer wait.
        request_timeout: seconds that one request may take, whatever the server does.
        max_requests: ends the load after so many requests.
        max_messages: ends the load after so many messages.
        max_duration: ends the load after so many seconds.
        load_duration: the same, but waits for the requests in flight as long as it takes.
        grace: seconds that requests in flight still get when a signal or `max_duration` ends the
            load; those without an answer by then are sent again in the next one.
        allow_http: accepts a `base_url` without TLS for hosts other than this machine.
        keep_signed_urls: keeps the signatures in attachment URLs, which give access for an hour.
        table_format: `delta` or `iceberg`: the format of the tables on a destination that stores
            files instead of a database.

    Returns:
        The source: for each table of `TABLES`, a resource that yields Arrow tables.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    options = settings.Settings(
        base_url=base_url.rstrip("/"),
        contacts=tuple(check_identifier(each) for each in contacts) if contacts else None,
        limit_contacts=limit_contacts,
        shard=Shard.parse(shard) if shard else None,
        start_date=settings.start_instant(start_date),
        page_size=page_size,
        lookback_days=lookback_days,
        reconcile=reconcile,
        reconcile_share=reconcile_share,
        max_requests=max_requests,
        max_messages=max_messages,
        max_duration=max_duration,
        load_duration=load_duration,
        grace=grace,
        keep_signed_urls=keep_signed_urls,
        table_format=table_format,
        workers=workers,
    )
    client = connection(
        base_url,
        api_token,
        allow_http=allow_http,
        max_requests_per_second=max_requests_per_second
        / (options.shard.count if options.shard else 1),
        max_wait=max_wait,
        request_timeout=request_timeout,
        stop=stop_asked,
    )
    batches = dlt.resource(lambda: extract(options, client), name="batches", selected=False)
    return [_resource(table, batches, options.table_format) for table in TABLES.values()]


class SourceOptions(TypedDict, total=False):
    """The options of `chatbotx` that `sync` hands on as they are."""

    api_token: TSecretStrValue | None
    base_url: str
    contacts: list[str] | None
    start_date: str | None
    page_size: int
    lookback_days: float
    reconcile_share: float
    limit_contacts: int | None
    shard: str | None
    max_requests_per_second: float
    workers: int
    max_wait: float
    request_timeout: float
    grace: float
    allow_http: bool
    keep_signed_urls: bool
    table_format: str | None


def _resource(table: Table, batches: DltResource, table_format: str | None) -> DltResource:
    def rows(batch: Batch) -> Iterator[pa.Table]:
        yield from hand_over(batch, table.name)

    resource: DltResource = dlt.transformer(
        rows,
        data_from=batches,
        name=table.name,
        columns=table.hints,
        write_disposition=table.write_disposition,
        table_format=table_format,  # type: ignore[call-overload]
    )
    resource.apply_hints(additional_table_hints={"description": table.description})
    return resource
