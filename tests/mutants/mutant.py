"""A mutant: one change of one module of the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class StaleMutantError(Exception):
    """A mutant that no longer fits the source."""


@dataclass(frozen=True)
class Mutant:
    """A change of the source.

    Attributes:
        what: the mistake, in words.
        module: the file, within the package and without `.py`.
        old: what is there, exactly once.
        new: what takes its place.
    """

    what: str
    module: str
    old: str
    new: str

    def path(self, package: Path) -> Path:
        """The file of the module."""
        return package / f"{self.module}.py"

    def changed(self, package: Path) -> str:
        """The source of the module with the mistake in it.

        Raises:
            StaleMutantError: what it replaces is not there exactly once.
        """
        source = self.path(package).read_text()
        if (found := source.count(self.old)) != 1:
            raise StaleMutantError(
                f"{self.what!r} replaces a text that is in {self.module}.py {found} times, not "
                f"once: adapt this mutant to the source.\n{self.old}"
            )
        return source.replace(self.old, self.new)
