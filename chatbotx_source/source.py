"""The dlt source: options in, resources out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dlt
import pyarrow as pa
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource

from chatbotx_source import settings
from chatbotx_source.api.addresses import check_identifier
from chatbotx_source.api.client import Client
from chatbotx_source.extraction.extract import Batch, extract, hand_over
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
    """Contacts and messages of a ChatbotX workspace, complete and up to date.

    Building the source sends nothing and needs no token. Every argument can be configured:
    `[sources.chatbotx]` in `.dlt/config.toml` and `.dlt/secrets.toml`, or
    `SOURCES__CHATBOTX__PAGE_SIZE` and its like in the environment.

    Args:
        api_token: Settings > Integrations > ChatbotX API Access Token; read-only is enough.
        base_url: `https://{domain}/api` of a self-hosted server.
        contacts: only these, as `id:1`, `email:a@example.com` or `phone:+84900000001`.
        start_date: ISO 8601; older messages are left out. Lowering it later reads them.
        page_size: messages a request, 1 to 4,000.
        lookback_days: edits and deletions leave no trace in the API: what was written within so
            many days before the last sync is read again.
        reconcile: read every contact whole, which finds everything, whatever it costs.
        reconcile_share: share of the contacts read whole in each sync, 0 to 1.
        limit_contacts: read so many contacts only, remember nothing: to have a look.
        shard: read the i-th of n parts of the contacts, as `3/8`; each part needs a pipeline of its
            own. Worth it above 100,000 contacts: every shard lists them all.
        max_requests_per_second: pace over all threads; fractions are fine, 0 is none. The limit is
            the workspace's, so that a shard keeps to its n-th part of it.
        workers: requests under way at once, 1 to 64.
        max_wait: seconds; when the server asks for more patience, the load ends.
        request_timeout: seconds that one request may take, whatever the server does.
        max_requests: end the load after so many requests.
        max_messages: end the load after so many messages.
        max_duration: end the load after so many seconds.
        load_duration: the same, but wait for what is under way as long as it takes.
        grace: seconds that requests under way still get when a signal or `max_duration` ends the
            load; those without an answer by then are sent again in the next one.
        allow_http: accept a `base_url` without TLS beyond this machine.
        keep_signed_urls: keep the signatures in attachment URLs, which give access for an hour.
        table_format: `delta` or `iceberg`: what to make of files, which destinations that are no
            databases need to be told.

    Returns:
        The nine tables of the README, each a resource of Arrow tables.

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
    client = Client(
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
