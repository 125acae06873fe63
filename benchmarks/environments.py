"""Gives a contender its virtual environment, made from a requirements file with pinned versions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.contenders import HERE, Contender

FOLDER = Path(__file__).parent.parent / ".bench"


class InstallError(Exception):
    """What a contender needs cannot be installed."""


def variables(contender: Contender) -> dict[str, str]:
    """The environment variables that lead to a contender's programs.

    Raises:
        InstallError: they cannot be installed.
    """
    programs = _programs(contender.environment)
    return {"PATH": f"{programs}:{os.environ['PATH']}", "VIRTUAL_ENV": str(programs.parent)}


def versions(environment: str) -> list[str]:
    """What a requirements file pins."""
    return (HERE / f"{environment}.txt").read_text().split()


def _programs(environment: str | None) -> Path:
    if environment is None:
        return Path(sys.executable).parent
    place, requirements = FOLDER / environment, HERE / f"{environment}.txt"
    installed = place / "installed.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        print(f"Installing {', '.join(versions(environment))} ...", file=sys.stderr)
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(place))
        python = str(place / "bin" / "python")
        _uv(
            *("pip", "install", "--quiet", "--compile-bytecode", "--python", python),
            *("--requirements", str(requirements)),
        )
        installed.write_text(requirements.read_text())
    return place / "bin"


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise InstallError(done.stderr.strip())
