"""The part of a load that runs inside dlt: state in, batches of tables out, state after them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dlt
import pyarrow as pa

from chatbotx_source.api.client import Client
from chatbotx_source.destinations.adapting import adapt
from chatbotx_source.dlt_internals import runtime
from chatbotx_source.dlt_internals.configuration import fails_with_its_jobs
from chatbotx_source.errors import ConfigurationError
from chatbotx_source.extraction import memory, reading
from chatbotx_source.rules.passes import in_scope
from chatbotx_source.rules.progress import Progress, State, from_state
from chatbotx_source.settings import Settings
from chatbotx_source.stopping import stop_asked
from chatbotx_source.tables.columns import TABLES

logger = logging.getLogger(__name__)

MESSAGE_TABLES = frozenset({"messages", "messages__attachments"})


@dataclass(frozen=True)
class Batch:
    """Tables to hand over, and what may be remembered when that is done.

    Attributes:
        tables: by name.
        load_id: the load.
        mark: of this batch.
        held: the state that goes with it; None when nothing may be remembered.
        splits: whether messages are loaded without their attachments, or the other way round.
        summary: what the load did so far.
    """

    tables: Mapping[str, pa.Table]
    load_id: str
    mark: int
    held: Mapping[str, Any] | None
    splits: bool
    summary: Mapping[str, Any]


def extract(settings: Settings, client: Client) -> Iterator[Batch]:
    """Reads one load, from where the state says.

    Progress moves only when every resource is selected: a load of some of them leaves the others
    behind.

    Args:
        settings: what was set.
        client: makes the requests.

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
    load_id = runtime.load_id()
    selected = set(runtime.source().selected_resources)
    remembers = selected >= set(TABLES) and settings.limit_contacts is None
    states = dlt.current.source_state().get("resources", {})
    kept = memory.recall(states, TABLES)
    first_mark = memory.next_mark(states)
    scope, other = ("listed", "progress") if settings.contacts else ("progress", "listed")
    others = {other: kept[other]} if other in kept else {}
    known = _known(kept.get(scope)) if settings.limit_contacts is None else None
    shard = str(settings.shard) if settings.shard else None
    if known and known.shard != shard:
        logger.warning(
            "%s was read before, now it is %s: these are other contacts, which are read from the "
            "beginning.",
            _part(known.shard),
            _part(shard),
        )
    load = reading.Reading(
        client,
        settings,
        in_scope(
            known or Progress(settings.base_url, shard=shard),
            settings.base_url,
            settings.start_date,
            shard,
        ),
        load_id,
        pipeline=pipeline.pipeline_name,
        walks=bool(selected & MESSAGE_TABLES),
        stop=stop_asked,
        count=runtime.counter(pipeline),
    )
    splits = len(selected & MESSAGE_TABLES) == 1
    if splits and kept:
        logger.warning(
            "Only one of %s is loaded: they no longer belong together, so the next load of all "
            "resources starts from nothing.",
            " and ".join(sorted(MESSAGE_TABLES)),
        )
    for mark, batch in enumerate(load.batches(), first_mark):
        held = {**others, scope: batch.progress} if remembers else None
        yield Batch(batch.tables, load_id, mark, held, splits, batch.outcome.to_state())


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
    if batch.held is not None:
        memory.remember(state, batch.mark, batch.held if name == memory.KEEPER else {})
    elif batch.splits:
        memory.remember(state, batch.mark, {})  # no other resource has this mark
    if name == memory.KEEPER:
        memory.report(state, batch.load_id, batch.mark, batch.summary)


def _known(state: State | None) -> Progress | None:
    if state is None:
        return None
    progress = from_state(state)
    if progress is None:
        logger.warning(
            "What was remembered is of format %s, which this version does not read: everything is "
            "read from the beginning, and nothing is lost.",
            state.get("format"),
        )
    return progress


def _part(shard: str | None) -> str:
    return f"shard {shard}" if shard else "the whole workspace"


def _refuse_silent_losses() -> None:
    if not fails_with_its_jobs():
        raise ConfigurationError(
            "load.raise_on_failed_jobs is false: dlt would drop rows whose load fails and go on, "
            "and the sync would never read them again. Remove that setting."
        )
