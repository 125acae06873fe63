"""Measures this source beside its peers, and writes the results into `benchmarks/README.md`.

Every contender runs alone, as a process of its own, in turns with the others.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks import report
from benchmarks.cases import CASES, CHANGED_MESSAGES, CHANGED_SHARE, Case
from benchmarks.contenders import CONTENDERS
from benchmarks.environments import InstallError, variables
from benchmarks.measuring import ContenderError, Run, Server, measure, serving


def main() -> None:
    """Measures the cases that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}, or all")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each contender (default: 5)")
    parser.add_argument(
        "--size",
        type=int,
        action="append",
        help="messages of the workspace (default: the case's); repeatable",
    )
    parser.add_argument("--contacts", type=int, help="contacts of it (default: the case's)")
    parser.add_argument("--only", action="append", choices=CONTENDERS, help="who; repeatable")
    parser.add_argument("--dry", action="store_true", help="leave the README as it is")
    options = parser.parse_args()
    names = options.cases or ["first-load"]
    for name in CASES if names == ["all"] else names:
        case = CASES.get(name) or parser.error(f"no case {name!r}; there are {', '.join(CASES)}")
        if options.contacts:
            case = replace(case, contacts=options.contacts)
        if options.size:
            case = replace(case, messages=tuple(options.size))
        if options.only:
            case = replace(case, contenders=tuple(options.only))
        load = os.getloadavg()[0]
        text = _played(case, options.repeat)
        print(f"{case.title}\n\n{text}\n", flush=True)
        if not options.dry:
            command = " ".join(["python -m benchmarks", *sys.argv[1:]])
            how = (
                f"`{command}` on a machine with a load of {load:.1f} beforehand: {report.machine()}"
            )
            report.publish(name, f"### {case.title}\n\n{how}\n\n{text}")


def _played(case: Case, repeat: int) -> str:
    """Plays a case with each number of messages; what came of it, as Markdown."""
    told, by_size = [], {}
    for messages in case.messages:
        text, by_size[messages] = _played_with(messages, case, repeat)
        told.append(text)
    if len(by_size) > 1:
        told.append(report.growth_note(by_size))
    return "\n\n".join(told)


def _played_with(messages: int, case: Case, repeat: int) -> tuple[str, report.Results]:
    told = [f"{case.contacts:,} contacts, {messages:,} messages."]
    with serving(case.server(messages)) as server:
        if not (case.latency or case.limit):
            requests, megabytes = server.ceiling()
            told.append(
                "The server alone, read by one client that does nothing else: "
                f"{requests:,.0f} requests/s, {megabytes:,.0f} MB/s."
            )
        results = _runs(case, server, repeat)
    notes = [report.limit_note(case.limit, results)] if case.limit else []
    return "\n\n".join([" ".join(told), report.table(case, results), *notes]), results


def _runs(case: Case, server: Server, repeat: int) -> report.Results:
    """Lets the contenders run in turns, each of which another one begins."""
    programs: dict[str, dict[str, str]] = {}
    failed: dict[str, str] = {}
    for name in case.contenders:
        try:
            programs[name] = variables(CONTENDERS[name])
        except InstallError as error:
            failed[name] = f"cannot be installed: {error}"
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as place:
        # A second load needs a first one, which is not measured.
        for turn in range(0 if case.load == "first" else -1, repeat):
            if case.load == "changed" and turn >= 0:
                server.change(CHANGED_SHARE, CHANGED_MESSAGES)
            for name in _rotated(list(programs), turn):
                if name in failed:
                    continue
                folder = Path(place, name)
                folder.mkdir(exist_ok=True)
                try:
                    run = measure(CONTENDERS[name], server, folder, programs[name])
                except ContenderError as error:
                    print(error, file=sys.stderr)
                    failed[name] = str(error).partition("\n")[0]
                    continue
                _tell(name, turn, run)
                if turn >= 0:
                    runs[name].append(run)
                if case.load == "first":
                    shutil.rmtree(folder)
    return {name: failed.get(name) or runs[name] for name in case.contenders}


def _rotated(names: list[str], turn: int) -> list[str]:
    place = turn % len(names)
    return names[place:] + names[:place]


def _tell(name: str, turn: int, run: Run) -> None:
    missing = {table: count for table, count in run.missing.items() if count}
    which = f"run {turn + 1}" if turn >= 0 else "the first load"
    lost = f", missing: {missing}" if missing else ""
    print(f"  {name}, {which}: {run.asked.get('requests', 0):,} requests{lost}", file=sys.stderr)


if __name__ == "__main__":
    main()
