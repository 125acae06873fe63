"""The part of a load that runs inside dlt: state in, batches of tables out, state after them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager

import dlt
import pyarrow as pa

from chatbotx_source.api.client import Client
from chatbotx_source.destinations.adapting import adapt
from chatbotx_source.dlt_internals import runtime
from chatbotx_source.dlt_internals.configuration import fails_with_its_jobs
from chatbotx_source.errors import ConfigurationError
from chatbotx_source.extraction.batches import Batch
from chatbotx_source.extraction.reading import Reading
from chatbotx_source.extraction.remembered import Package, Remembered, Scope, recall, remember
from chatbotx_source.rules.passes import in_scope
from chatbotx_source.rules.progress import Progress
from chatbotx_source.settings import Settings
from chatbotx_source.stopping import stop_asked
from chatbotx_source.tables.columns import TABLES

logger = logging.getLogger(__name__)

MESSAGE_TABLES = frozenset({"messages", "messages__attachments"})


def extract(settings: Settings, connection: AbstractContextManager[Client]) -> Iterator[Batch]:
    """Reads one load, from where the state says.

    Progress moves only when every resource is selected: a load of some of them leaves the others
    behind.

    Args:
        settings: what was set.
        connection: gives the client that makes the requests, until the load ends.

    Yields:
        Batches, in order.

    Raises:
        ConfigurationError: dlt would lose rows, or double them, without an error.
        ChatbotXError: the server cannot be read.
    """
    _refuse_silent_losses()
    runtime.silence_known_warnings(TABLES)
    pipeline = dlt.current.pipeline()  # once: it resolves the whole configuration, every time
    if pipeline.destination:
        adapt(runtime.source(), pipeline)
    selected = set(runtime.source().selected_resources)
    remembered = recall(dlt.current.source_state().get("resources", {}), TABLES)
    package = _package(settings, remembered, selected)
    if package.splits and remembered.progress:
        logger.warning(
            "Only one of %s is loaded: they no longer belong together, so the next load of all "
            "resources starts from nothing.",
            " and ".join(sorted(MESSAGE_TABLES)),
        )
    with connection as client:
        yield from Reading(
            client,
            settings,
            _progress(settings, remembered, package.scope),
            package,
            pipeline=pipeline.pipeline_name,
            walks=bool(selected & MESSAGE_TABLES),
            stop=stop_asked,
            count=runtime.counter(pipeline),
        ).batches()


def hand_over(batch: Batch, name: str) -> Iterator[pa.Table]:
    """Yields one table of a batch, and remembers after that that it did.

    Args:
        batch: the batch.
        name: of the table, and of the resource.

    Yields:
        The table, if the batch has it.
    """
    if name in batch.tables:
        yield batch.tables[name]
    state = dlt.current.resource_state(name)
    remember(state, name, TABLES, batch.package, batch.mark, batch.progress, batch.outcome)


def _package(settings: Settings, remembered: Remembered, selected: set[str]) -> Package:
    scope: Scope = "contacts" if settings.contacts else "workspace"
    known = remembered.progress if remembered.agrees else {}
    return Package(
        runtime.load_id(),
        first_mark=remembered.next_mark,
        scope=scope,
        others={other: progress for other, progress in known.items() if other != scope},
        remembers=selected >= set(TABLES) and settings.limit_contacts is None,
        splits=len(selected & MESSAGE_TABLES) == 1,
    )


def _progress(settings: Settings, remembered: Remembered, scope: Scope) -> Progress:
    """The progress to go on from; of a preview, none."""
    shard = str(settings.shard) if settings.shard else None
    known = None
    if settings.limit_contacts is None:
        if remembered.unreadable is not None:
            logger.warning(
                "What was remembered is of format %s, which this version does not read: "
                "everything is read from the beginning, and nothing is lost.",
                remembered.unreadable,
            )
        known = remembered.progress.get(scope) if remembered.agrees else None
    if known and known.shard != shard:
        logger.warning(
            "%s was read before, now it is %s: these are other contacts, which are read from the "
            "beginning.",
            _part(known.shard),
            _part(shard),
        )
    fresh = Progress(settings.base_url, shard=shard)
    return in_scope(known or fresh, settings.base_url, settings.start_date, shard)


def _part(shard: str | None) -> str:
    return f"shard {shard}" if shard else "the whole workspace"


def _refuse_silent_losses() -> None:
    if not fails_with_its_jobs():
        raise ConfigurationError(
            "load.raise_on_failed_jobs is false: dlt would drop rows whose load fails and go on, "
            "and the sync would never read them again. Remove that setting."
        )
