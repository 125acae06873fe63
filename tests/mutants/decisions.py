"""Mistakes in the decisions: what is due, where a walk ends, when a pass is over."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "the floor is a second late",
        "rules/due",
        "return minus(min(bound for bound in bounds if bound), days=lookback_days)",
        "return minus(minus(min(b for b in bounds if b), days=lookback_days), seconds=-1)",
    ),
    Mutant(
        "a row at the floor ends the walk",
        "rules/walk",
        "read.last[0] < read.floor",
        "read.last[0] <= read.floor",
    ),
    Mutant("lastActivityAt is no sign", "rules/due", "            self.last_activity_at,\n", ""),
    Mutant(
        "conversation.updatedAt is no sign",
        "rules/due",
        "self.conversation_updated_at or self.updated_at",
        "self.updated_at",
    ),
    Mutant(
        "lastActivityAt does not lower the floor",
        "rules/due",
        "bounds = [through, contact.last_activity_at, known",
        "bounds = [through, known",
    ),
    Mutant(
        "lastIncomingMessageAt does not lower the floor",
        "rules/due",
        "bounds.append(contact.last_incoming_at)",
        "pass",
    ),
    Mutant(
        "lookback does not make due",
        "rules/due",
        "    news = minus(through, days=lookback_days)\n    if any(sign",
        "    news = through\n    if any(sign",
    ),
    Mutant(
        "lookback does not lower the floor",
        "rules/due",
        "return minus(min(bound for bound in bounds if bound), days=lookback_days)",
        "return min(bound for bound in bounds if bound)",
    ),
    Mutant(
        "a conversation that begins late is read like an old one",
        "rules/due",
        "if any(when is not None and when > news for when in created):",
        "if False:",
    ),
    Mutant(
        "an unfinished contact without a sign is not due",
        "rules/due",
        'current.mode == "reconcile" or contact.id in progress.unfinished',
        'current.mode == "reconcile"',
    ),
    Mutant(
        "the listing is read upwards",
        "extraction/listing",
        "page = current.probe or current.page",
        "page = current.probe or self.progress.last_page + 1 - current.page",
    ),
    Mutant(
        "the page after the last is not probed",
        "rules/passes",
        "probe=None if identifiers else progress.last_page + 1",
        "probe=None if identifiers or progress.last_page else 1",
    ),
    Mutant(
        "the floor is raised when a contact is listed again",
        "rules/passes",
        "floor=lower(gaps[0].floor, floor)",
        "floor=floor",
    ),
    Mutant(
        "the top waits for a blocked gap",
        "rules/passes",
        "    if not listed_already or known.upto is None or known.upto < current.started:\n",
        "    if not gaps:\n        gaps = (Gap(floor),)\n    elif gaps[0].cursor is None:\n",
    ),
    Mutant(
        "an absorbed gap's floor is lost",
        "rules/gaps",
        "        floor = lower(floor, gap.floor)\n",
        "        floor = floor\n",
    ),
    Mutant(
        "blocked contacts are forgotten at the end of a pass",
        "rules/passes",
        "            if entry.listed_in == current.number\n        }",
        "            if entry.listed_in == current.number and not entry.gaps\n        }",
    ),
    Mutant(
        "contacts that are gone are waited for",
        "rules/passes",
        "            if entry.listed_in == current.number\n        }",
        "        }",
    ),
    Mutant(
        "an empty first page is trusted",
        "rules/walk",
        "if gap.cursor is None and not entry.expects_messages:",
        "if gap.cursor is None:",
    ),
    Mutant(
        "an empty page below a cursor is trusted",
        "rules/walk",
        "if gap.cursor is None and not entry.expects_messages:",
        "if gap.cursor is not None or not entry.expects_messages:",
    ),
    Mutant("suspicions are not counted", "rules/walk", "empties=gap.empties + 1", "empties=1"),
    Mutant("restarts are not counted", "rules/walk", "restarts=gap.restarts + 1", "restarts=1"),
    Mutant(
        "clocks are taken to agree",
        "rules/passes",
        "CLOCK_MARGIN_MINUTES = 5",
        "CLOCK_MARGIN_MINUTES = 0",
    ),
    Mutant(
        "a flip keeps the floor",
        "rules/walk",
        "_restarted(entry, index, replace(gap, floor=None), size, FLIP, current)",
        "_restarted(entry, index, gap, size, FLIP, current)",
    ),
    Mutant(
        "a flip is not noticed",
        "rules/walk",
        "if gap.cursor and gap.conversation_id and conversation_id != gap.conversation_id:",
        "if False:",
    ),
    Mutant(
        "a stale cursor is not noticed",
        "rules/walk",
        "if gap.cursor and gap.last and first and first >= gap.last:",
        "if False:",
    ),
    Mutant(
        "a pass is called whole without what is believed empty",
        "rules/passes",
        "all_walked = current.all_walked and all(",
        "all_walked = current.all_walked or all(",
    ),
    Mutant(
        "a contact believed empty may fail",
        "rules/walk",
        "    entry = replace(entry, empty_passes=0)  # an answer or not, it is no empty one\n",
        "",
    ),
    Mutant(
        "a walk begins again in the same load",
        "rules/walk",
        "if gap.cursor is None and begun:",
        "if False:",
    ),
    Mutant(
        "a poisoned page is given up at once",
        "rules/walk",
        "        if size > 1:\n",
        "        if size > 500:\n",
    ),
    Mutant(
        "every complete pass is called reconciled",
        "rules/passes",
        "complete and all_walked and progress.start_date is None",
        "complete",
    ),
    Mutant(
        "a contact that is not due leaves a pass whole",
        "rules/passes",
        "        progress.current = replace(progress.under_way(), all_walked=False)\n"
        "        return False",
        "        return False",
    ),
    Mutant(
        "a contact read in part leaves a pass whole",
        "rules/passes",
        "    if entry.walked_in != current.number:\n",
        "    if entry.walked_in is None and current.number < 0:\n",
    ),
    Mutant(
        "an earlier start_date opens nothing",
        "rules/passes",
        "if lower(start_date, progress.start_date) != progress.start_date:",
        "if False:",
    ),
    Mutant(
        "no contact has its turn to be read whole",
        "rules/due",
        "    if share <= 0:\n",
        "    if share >= 0:\n",
    ),
    Mutant(
        "a pass that failed to begin is counted",
        "rules/passes",
        "    progress.passes_ended = current.number\n",
        "    progress.passes_ended = current.number + 1\n",
    ),
    Mutant(
        "a pass that is given up leaves its number to the next",
        "rules/passes",
        "        progress.passes_ended = progress.current.number\n    progress.current = None\n",
        "        pass\n    progress.current = None\n",
    ),
    Mutant(
        "the top is not read anew by a pass that began no later",
        "rules/passes",
        "if not listed_already or known.upto is None",
        "if known.upto is None",
    ),
    Mutant(
        "an outage leaves all contacts as they were",
        "extraction/outages",
        "dict(reversed(self._failed)) if self.well else {}",
        "dict(reversed(self._failed))",
    ),
    Mutant(
        "a page of the listing is asked for before the one above it is read",
        "extraction/listing",
        "        page = current.probe or current.page\n",
        "        page = current.probe or max(current.page - 1, 1)\n",
    ),
    Mutant(
        "everything is synced through the present",
        "rules/passes",
        "replace(begun, started=min(begun.started, server))",
        "replace(begun, started=minus(server, days=-1))",
    ),
)
