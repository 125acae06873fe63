"""Breaks the source in one place after the other, and shows that the search notices.

`python -m tests.history.mutants` prints a line for each. These are mistakes in what stands between
the decisions and the tables: what is handed over, remembered, marked, loaded again. Mistakes in
the decisions themselves are tried by `tests.twin.mutants`, a hundred times as fast.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import chatbotx_source

PACKAGE = Path(chatbotx_source.__file__).parent
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """A change of the source.

    Attributes:
        what: the mistake, in words.
        module: the file.
        old: what is there, exactly once.
        new: what takes its place.
    """

    what: str
    module: str
    old: str
    new: str


MUTANTS = (
    Mutant(
        "marks that differ are ignored",
        "extraction/memory",
        "agree = mark is not None and all(",
        "agree = mark is not None or all(",
    ),
    Mutant(
        "every load of a full refresh drops the one before",
        "loads",
        "**(refresh if not summary.loads else {})",
        "**refresh",
    ),
    Mutant(
        "a removed attachment leaves no marker",
        "tables/arrow",
        'return [_Element(place, None, f"removed:{ids[place]}", _ABSENT) for place in positions]',
        "return []",
    ),
    Mutant(
        "an edited message is taken for one that was never loaded",
        "tables/arrow",
        "    known = pc.not_equal(created, updated)\n",
        "    known = pc.not_equal(created, created)\n",
    ),
    Mutant(
        "lists of contacts only grow",
        "tables/columns",
        "        merge_key=parent.name,\n",
        "",
    ),
    Mutant(
        "attachments only grow",
        "tables/columns",
        '    merge_key="message_id",\n',
        "",
    ),
    Mutant(
        "the contact that is unfinished stays in the table",
        "tables/columns",
        '    merge_key="pipeline",\n',
        "",
    ),
    Mutant(
        "nothing is marked as removed",
        "loads",
        "                mark_removed(",
        "                (lambda *_: None)(",
    ),
    Mutant(
        "what a walk has read again counts as not read",
        "destinations/removals",
        "_dlt_load_id < first_load_id",
        "_dlt_load_id <= first_load_id",
    ),
    Mutant(
        "a walk over several loads proves that its first rows are gone",
        "rules/walk",
        "    entry = _with(entry, index, read)\n    if not _in_order(data):\n",
        "    read = replace(read, first_load=load_id)\n"
        "    entry = _with(entry, index, read)\n    if not _in_order(data):\n",
    ),
    Mutant(
        "a listing proves that what its first load has listed is gone",
        "destinations/removals",
        "removed_at IS NULL AND _dlt_load_id < {since}",
        "removed_at IS NULL AND _dlt_load_id <= {since}",
    ),
    Mutant(
        "a listing over several loads proves that its first pages are gone",
        "extraction/reading",
        "outcome.listed_since = current.first_load if listing else None",
        "outcome.listed_since = self.load_id if listing else None",
    ),
    Mutant(
        "an empty first page is trusted",
        "rules/walk",
        "if gap.cursor is None and not entry.expects_messages:",
        "if gap.cursor is None:",
    ),
    Mutant(
        "requests of a load that failed are forgotten",
        "extraction/reading",
        "        self.outcome.requests = self._requests()\n",
        "        self.outcome.requests = self.outcome.answers\n",
    ),
)


def noticed(mutant: Mutant, histories: int, seed: int) -> str:
    """The line with which the search refuses a mutant; empty when it survives."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / PACKAGE.name
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        source = copy / f"{mutant.module}.py"
        text = source.read_text()
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.what}: the source has changed, adapt the mutant")
        source.write_text(text.replace(mutant.old, mutant.new))
        search = subprocess.run(
            [
                *(sys.executable, "-m", "tests.history", "--quick"),
                *("--histories", str(histories), "--seed", str(seed)),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = search.stdout.splitlines()
    if not search.returncode:
        return ""
    if not lines or "BrokenPromise" not in lines[0]:
        raise SystemExit(f"{mutant.what}: {search.stdout}{search.stderr}")
    return lines[0]


def main() -> int:
    """Tries all mutants; 1 if one survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.history.mutants", description=__doc__)
    parser.add_argument("--histories", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", default="", help="part of the description")
    asked = parser.parse_args()
    mutants = [each for each in MUTANTS if asked.only in each.what]
    survivors = 0
    with ThreadPoolExecutor(asked.processes) as pool:
        lines = pool.map(lambda each: noticed(each, asked.histories, asked.seed), mutants)
        for mutant, line in zip(mutants, lines, strict=True):
            survivors += not line
            print(f"{'killed  ' if line else 'SURVIVED'}  {mutant.what}: {line}", flush=True)  # noqa: T201
    print(f"{len(mutants) - survivors} of {len(mutants)} killed")  # noqa: T201
    return int(survivors > 0)


if __name__ == "__main__":
    raise SystemExit(main())
