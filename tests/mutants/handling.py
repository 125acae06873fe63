"""Mistakes between decisions and tables: what is handed over, remembered, marked, loaded again."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "marks that differ are ignored",
        "extraction/remembered",
        "agrees=mark is not None and known == {mark} and",
        "agrees=mark is not None or",
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
        "walks=self.walks)\n        yield self._batch(last=True)",
        "walks=self.walks)\n"
        "        if self.outcome.listed_since:\n"
        "            self.outcome.listed_since = self.package.load_id\n"
        "        yield self._batch(last=True)",
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
        "self.outcome.requests = self.client.requests - self._requests_before",
        "self.outcome.requests = self.outcome.answers",
    ),
)
