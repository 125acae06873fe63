"""Plays a history: server, loads, destination and oracle; then lets the sync come to rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import add
from random import Random
from typing import Any, cast

from chatbotx_source.api.client import Answer, Client
from chatbotx_source.api.pool import Ask, Take
from chatbotx_source.errors import ChatbotXError
from chatbotx_source.extraction import outages
from chatbotx_source.extraction.batches import Batch
from chatbotx_source.extraction.outcome import Outcome, unfinished_rows
from chatbotx_source.extraction.reading import Reading
from chatbotx_source.extraction.remembered import (
    Package,
    progress_from_state,
    progress_to_state,
)
from chatbotx_source.instants import Instant
from chatbotx_source.rules.passes import in_scope
from chatbotx_source.rules.progress import Progress
from chatbotx_source.rules.walk import FullWalk
from chatbotx_source.settings import Settings
from chatbotx_source.shards import Shard

from .events import Cure, Event, History, Load, Outage
from .oracle import BrokenPromiseError, Committed, Ended, Oracle, Walk
from .records import EPOCH, HOUR, SECOND, milliseconds, text
from .server import REQUESTS_IN_A_LOAD, Killed, Server

BASE_URL = "https://chat.example.com/api"
PATIENCE = 20
"""Loads without a fault or budget in which any state has to end complete."""

PATIENCE_ON_A_BUDGET = 400
"""The same, where every load may make one request."""


@dataclass
class Tapped(Reading):
    """A load whose rows are taken before they become Arrow tables, which costs most of the time."""

    rows: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    listed: list[Mapping[str, Any]] = field(default_factory=list)
    walked: list[FullWalk] = field(default_factory=list)
    reported: list[dict[str, Any]] = field(default_factory=list)

    def _batch(self, *, last: bool = False) -> Batch:
        rows = self._gathering.take()
        self.rows += rows.messages
        self.listed += rows.contacts
        self.walked += [walk for _, walk in rows.full_walks]
        if last:
            self.reported = list(unfinished_rows(self.progress))
        return Batch(self.package, 1, {}, progress_to_state(self.progress), {})


@dataclass
class Shuffled:
    """Requests that reach the server in any order, and whose answers arrive in any other."""

    random: Random
    asked: list[tuple[Ask, Take]] = field(default_factory=list)
    answered: list[tuple[Take, Answer | ChatbotXError]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.asked) + len(self.answered)

    def submit(self, ask: Ask, take: Take) -> None:
        """Sends a request, some time."""
        self.asked.append((ask, take))

    def next_answer(self, seconds: float) -> tuple[Take, Answer | ChatbotXError]:  # noqa: ARG002
        """Lets the server answer one or more requests, in no time."""
        while self.asked and (not self.answered or self.random.random() < 0.5):
            ask, take = self.asked.pop(self.random.randrange(len(self.asked)))
            try:
                self.answered.append((take, ask()))
            except ChatbotXError as error:
                self.answered.append((take, error))
        return self.answered.pop(self.random.randrange(len(self.answered)))

    def close(self) -> None:
        """Nothing is left to close."""


@dataclass
class Tally:
    """How the passes of histories ended, to see that all endings are well represented."""

    histories: int = 0
    loads: int = 0
    requests: int = 0
    complete: int = 0
    unfinished: int = 0
    reconciled: int = 0
    cut: int = 0
    failed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*map(add, vars(self).values(), vars(other).values()))


class Play:
    """One history being played.

    Args:
        history: the world; its steps are played by `run`.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        share = history.reconcile_share
        self.shard = Shard.parse(history.shard) if history.shard else None
        self.oracle = Oracle(
            lookback=history.lookback * SECOND,
            turns=max(1, round(1 / share)) if share else None,
            shard=(self.shard.index, self.shard.count) if self.shard else None,
        )
        self.server = Server(history.listing_page, self.oracle)
        self.oracle.server = self.server
        self.state: str | None = None
        self.endings: set[str] = set()
        self.loads = 0

    def run(self) -> set[str]:
        """Plays all steps, then lets the sync come to rest.

        Returns:
            How the loads of the steps ended.

        Raises:
            BrokenPromiseError: a promise of the sync does not hold.
        """
        for step in self.history.steps:
            self.step(step)
        endings = set(self.endings)
        load = Load(max_requests=self.history.budget_at_rest)
        self.rest(load, lambda outcome: outcome.over)
        Cure()(self.server)
        self.rest(load, lambda outcome: outcome.complete)
        self.rest(replace(load, reconcile=True), lambda outcome: outcome.reconciled)
        return endings

    def step(self, step: Event | Load) -> Outcome | None:
        """Plays one step; the outcome of a load that was not killed and did not fail."""
        if isinstance(step, Load):
            return self.load(step)
        step(self.server)
        return None

    def rest(self, load: Load, at_rest: Callable[[Outcome], bool]) -> None:
        """Lets nothing happen any more; what ails one contact stays.

        Raises:
            BrokenPromiseError: load after load, the sync does not get there.
        """
        Outage(None)(self.server)
        self.server.now += HOUR
        patience = PATIENCE if load.max_requests is None else PATIENCE_ON_A_BUDGET
        for _ in range(patience):
            outcome = self.load(load)
            if outcome and at_rest(outcome):
                return
        raise BrokenPromiseError(f"{patience} loads lead nowhere")

    def load(self, load: Load) -> Outcome | None:
        """Runs one load and lets the oracle judge it."""
        self.loads += 1
        server = self.server
        server.skew = int(load.skew * SECOND)
        server.due = {}
        server.enough = server.requests + REQUESTS_IN_A_LOAD
        for request, event in load.during:
            server.due.setdefault(server.requests + request, []).append(event)
        start = None if load.start_date is None else EPOCH + int(load.start_date * SECOND)
        start_date = text(start)
        settings = Settings(
            BASE_URL,
            shard=self.shard,
            start_date=start_date,
            page_size=load.page_size,
            lookback_days=self.history.lookback / 86_400,
            reconcile_share=self.history.reconcile_share,
            reconcile=load.reconcile,
            max_requests=load.max_requests,
            max_messages=load.max_messages,
            workers=load.workers,
        )
        load_id = f"{self.loads:05}"
        tapped = Tapped(
            cast(Client, server),
            settings,
            _remembered(self.state, start_date, self.history.shard),
            Package(load_id),
            pool=lambda _: Shuffled(Random(load.order)),
        )
        self.oracle.begins(load_id)
        try:
            *_, batch = tapped.batches()
        except (Killed, ChatbotXError):
            self.endings.add("failed")
            return None
        finally:
            _no_message_twice(tapped)
            server.fault = None
        self.state = json.dumps(batch.progress)
        self.oracle.committed(
            Committed(
                load_id=load_id,
                messages=tapped.rows,
                contacts=[str(row["id"]) for row in tapped.listed],
                walks=[_walk(each) for each in tapped.walked],
                ended=_ended(tapped.outcome),
                unfinished=set(tapped.progress.unfinished),
                start_date=start,
            )
        )
        self._note(tapped.outcome)
        return tapped.outcome

    def _note(self, outcome: Outcome) -> None:
        if not outcome.over:
            self.endings.add("cut")
        elif outcome.reconciled:
            self.endings.add("reconciled")
        elif outcome.complete:
            self.endings.add("complete")
        else:
            self.endings.add("unfinished")
        if outcome.complete and self.state and len(self.state) > 1_000 and "unf" not in self.state:
            raise BrokenPromiseError("the state of a complete sync is larger than 1 KB")


def play(history: History) -> Tally:
    """Plays a history and counts how its passes ended.

    Raises:
        BrokenPromiseError: a promise of the sync does not hold.
    """
    with small_outages(history.outage):
        played = Play(history)
        endings = played.run()
    return Tally(1, played.loads, played.server.requests, **dict.fromkeys(endings, 1))


@contextmanager
def small_outages(contacts: int) -> Iterator[None]:
    """Lets fewer contacts make an outage, in proportion to a small world."""
    usual = outages.OUTAGE
    outages.OUTAGE = contacts
    try:
        yield
    finally:
        outages.OUTAGE = usual


def _remembered(state: str | None, start_date: Instant | None, shard: str | None) -> Progress:
    known = progress_from_state(json.loads(state)) if state else None
    return in_scope(known or Progress(BASE_URL, shard=shard), BASE_URL, start_date, shard)


def _walk(walk: FullWalk) -> Walk:
    at, message_id = walk.first
    return Walk(walk.conversation_id, (milliseconds(at), message_id), walk.first_load)


def _ended(outcome: Outcome) -> Ended | None:
    if not outcome.over:
        return None
    assert outcome.pass_started is not None
    return Ended(
        milliseconds(outcome.pass_started),
        whole=outcome.mode == "reconcile" or outcome.reconciled,
        complete=outcome.complete,
        listed_since=outcome.listed_since,
    )


def _no_message_twice(tapped: Tapped) -> None:
    rows = [*tapped.rows, *tapped._gathering.take().messages]
    ids = [row["id"] for _, row in rows]
    if len(ids) != len(set(ids)):
        twice = next(each for each in ids if ids.count(each) > 1)
        raise BrokenPromiseError(f"message {twice} is handed over twice in one load")
