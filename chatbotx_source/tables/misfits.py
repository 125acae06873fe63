"""Counts what fits no declared column, for one warning a kind however much there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

EXAMPLES = 3

_PLAIN = re.compile(r"[A-Za-z_(][\w.\[\]()-]{0,59}", re.ASCII)
"""What a field is called. Anything else may be a value that somebody made a key of."""


class Kind(Enum):
    """What does not fit, and what became of it."""

    UNDECLARED = "fields that no column is declared for; kept in the column extra"
    UNFIT = "values that do not fit their column; kept in the column extra"
    DOUBLED = "elements with the id of another one; kept in the column extra"
    REPEATED = "rows with the id of another one; the one read last counts"
    NAMELESS = "rows without an id; kept under one made of their content"


@dataclass
class Seen:
    """How often something was seen.

    Attributes:
        times: how often.
        examples: the first three different places.
    """

    times: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Misfits:
    """What did not fit, by table and kind: as little to keep for one value as for a million.

    Attributes:
        seen: what was added so far.
    """

    seen: dict[tuple[str, Kind], Seen] = field(default_factory=dict)

    def add(self, table: str, kind: Kind, path: str, times: int = 1) -> None:
        """Counts a misfit.

        Args:
            table: the table.
            kind: what it is.
            path: where it was in the row.
            times: how many of them.
        """
        seen = self.seen.get((table, kind))
        if seen is None:
            seen = self.seen[table, kind] = Seen()
        seen.times += times
        if len(seen.examples) < EXAMPLES:
            name = path if _PLAIN.fullmatch(path) else "(no plain name)"
            if name not in seen.examples:
                seen.examples.append(name)

    def told(self) -> Iterator[str]:
        """Says it, a sentence for each table and kind."""
        for (table, kind), seen in sorted(self.seen.items(), key=lambda each: each[0][0]):
            what, became = kind.value.split("; ")
            yield f"{table}: {what}: {seen.times:,} ({', '.join(seen.examples)}); {became}."
