"""What a load, or a whole sync, may spend."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from chatbotx_source.settings import Settings

Limit = Literal["max_requests", "max_messages", "max_duration"]


@dataclass
class Budget:
    """Limits, each None for none.

    Args:
        max_requests: requests, retries included.
        max_messages: messages.
        max_duration: seconds from now on, after which what is under way is given up soon.
        load_duration: the same, but what is under way is waited for.
        monotonic: clock in seconds.

    Attributes:
        began: when, by that clock.
    """

    max_requests: int | None = None
    max_messages: int | None = None
    max_duration: float | None = None
    load_duration: float | None = None
    monotonic: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    @classmethod
    def of_settings(cls, settings: Settings) -> Budget:
        """What the settings give a load."""
        return cls(
            settings.max_requests,
            settings.max_messages,
            settings.max_duration,
            settings.load_duration,
        )

    def __post_init__(self) -> None:
        self.began = self.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return self.monotonic() - self.began

    def exhausted(self, requests: int, messages: int) -> Limit | None:
        """The limit of which nothing is left; None while there is something of each.

        Args:
            requests: requests spent.
            messages: messages spent.
        """
        if self.max_requests is not None and requests >= self.max_requests:
            return "max_requests"
        if self.max_messages is not None and messages >= self.max_messages:
            return "max_messages"
        if self.is_late or (self.load_duration is not None and self.elapsed >= self.load_duration):
            return "max_duration"
        return None

    @property
    def is_late(self) -> bool:
        """Whether it has taken longer than anything may wait for."""
        return self.max_duration is not None and self.elapsed >= self.max_duration

    def allows(self, requests: int) -> bool:
        """Whether one more request may be sent than those sent and under way."""
        return self.max_requests is None or requests < self.max_requests

    def of_a_load(
        self, requests: int, messages: int, *, load_messages: int, load_duration: float
    ) -> Budget:
        """What is left for one load of a sync.

        Args:
            requests: requests spent so far.
            messages: messages spent so far.
            load_messages: messages that a load may read at most.
            load_duration: seconds that it may take at most.
        """
        if self.max_messages is not None:
            load_messages = min(load_messages, self.max_messages - messages)
        requests_left, seconds_left = None, None
        if self.max_requests is not None:
            requests_left = self.max_requests - requests
        if self.max_duration is not None:
            seconds_left = max(self.max_duration - self.elapsed, 0.0)
        return Budget(
            max_requests=requests_left,
            max_messages=load_messages,
            max_duration=seconds_left,
            load_duration=load_duration,
            monotonic=self.monotonic,
        )
