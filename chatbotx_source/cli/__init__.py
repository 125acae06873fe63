"""The command `chatbotx-pipeline`: loads a ChatbotX workspace, and says what was loaded."""

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
        argv: its arguments; default those of the process.

    Returns:
        The exit status: 0 complete, 1 failed, 3 something is unfinished, 130 interrupted.
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
        print("Interrupted: what was loaded before stays; run again to go on.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if options.verbose:
            traceback.print_exc()
        print(f"Error: {explain(error)}", file=sys.stderr)
        return FAILED


def script() -> NoReturn:
    """The entry point of the installed command."""
    gc.freeze()  # all that is imported stays, and need not be looked through again and again
    try:
        status = main()
    except SystemExit as ended:  # of argparse, after --help or an option that is wrong
        status = int(ended.code or 0)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    # DuckDB 2.0 complains of itself on stderr, in forty lines, when the interpreter tears it down.
    os._exit(status)
