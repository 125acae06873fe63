"""Runs the command `chatbotx-pipeline`: loads a ChatbotX workspace and reports what was loaded."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NoReturn

from chatbotx_source import workspaces
from chatbotx_source.cli.explaining import explain
from chatbotx_source.cli.one import dry_run, load
from chatbotx_source.cli.options import parser
from chatbotx_source.cli.sandboxed import sandbox_running
from chatbotx_source.cli.several import run_each
from chatbotx_source.cli.statuses import FAILED, INTERRUPTED


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: its arguments; by default those of the process.

    Returns:
        The exit status: 0 complete, 1 failed, 3 something unfinished, 130 interrupted.
    """
    options = parser().parse_args(argv)
    if options.verbose:
        os.environ["RUNTIME__LOG_LEVEL"] = "INFO"
        logging.basicConfig(format="%(asctime)s %(message)s")
        logging.getLogger("chatbotx_source").setLevel(logging.DEBUG)
    try:
        with ExitStack() as stack:
            if options.sandbox:
                stack.enter_context(sandbox_running())
            names = workspaces.chosen(options.workspace) if options.workspace else []
            if len(names) > 1 or workspaces.ALL in (options.workspace or ()):
                return run_each(names, options, argv)
            name = names[0] if names else None
            return dry_run(options, name) if options.dry_run else load(options, name)
    except KeyboardInterrupt:
        print("Interrupted: what was loaded is kept; run again to continue.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.verbose:
            traceback.print_exc()
        print(f"Error: {explain(error)}", file=sys.stderr)
        return FAILED


def script() -> NoReturn:
    """Runs the command and ends the process: the entry point of the installed command."""
    gc.freeze()  # imported objects stay for good: no collection has to visit them
    try:
        status = main()
    except SystemExit as ended:  # raised by argparse after --help or a wrong option
        status = int(ended.code or 0)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    # DuckDB 2.0 writes forty lines about itself to stderr when the interpreter tears it down.
    os._exit(status)
