"""Splits the contacts of one workspace among several workers: each contact belongs to one."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from chatbotx_source.errors import ConfigurationError


@dataclass(frozen=True)
class Shard:
    """One of the parts that the contacts of a workspace are split into.

    Attributes:
        index: from 1 to `count`.
        count: how many parts there are.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Reads the setting `shard`.

        Args:
            text: `i/n`, such as `3/8`: the third of eight.

        Returns:
            The shard.

        Raises:
            ConfigurationError: the text is not of that form.
        """
        match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text.strip())
        shard = cls(int(match[1]), int(match[2])) if match else None
        if shard is None or not 1 <= shard.index <= shard.count:
            raise ConfigurationError(
                f"shard is {text!r}, but must be one of n parts: 1/8, 2/8, ... 8/8 for eight."
            )
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, contact_id: str) -> bool:
        """Whether a contact belongs to this shard: the same in every process, for ever.

        The upper bits of the hash decide. The lower ones choose whose full history is re-read in a
        pass (`due.is_chosen`); with the same bits, some shards would choose nobody in some passes.
        """
        return zlib.crc32(contact_id.encode()) * self.count >> 32 == self.index - 1
