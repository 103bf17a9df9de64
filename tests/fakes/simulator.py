"""The real `pppgen sim`, as the process that a person runs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def simulator(folder: Path, *faults: str, family: str = "bg96") -> Iterator[Path]:
    """Run a simulated modem below `folder` until the block ends; it is ready when the block begins."""
    arguments = [argument for fault in faults for argument in ("--fault", fault)]
    with subprocess.Popen(
        [sys.executable, "-m", "pppgen", "sim", "--family", family, "--dir", str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONUNBUFFERED="1"),
    ) as process:
        assert process.stdout
        assert process.stderr
        line = process.stdout.readline()
        assert line.startswith("ready"), line + process.stderr.read()
        try:
            yield folder
        finally:
            process.terminate()


@contextmanager
def holding(port: Path) -> Iterator[int]:
    """Run a process that has the port open; return its pid."""
    descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY)
    with subprocess.Popen(["sleep", "infinity"], stdin=descriptor) as process:
        os.close(descriptor)
        try:
            yield process.pid
        finally:
            process.kill()
