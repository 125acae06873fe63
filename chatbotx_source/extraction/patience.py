"""How long a load that has to end still waits for what is under way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Patience:
    """What requests under way are granted.

    Args:
        grace: seconds they still get once the load has to end.
        monotonic: clock in seconds.
    """

    grace: float
    monotonic: Callable[[], float] = time.monotonic
    _since: float | None = field(init=False, default=None)

    def is_over(self, *, must_end: bool) -> bool:
        """Whether they are given up.

        Args:
            must_end: whether the load has to end now, whoever else has to wait for that.
        """
        if not must_end:
            return False
        now = self.monotonic()
        if self._since is None:
            self._since = now
        return now - self._since >= self.grace
