"""The program of the cluster builder's Job as a local process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import IO, cast

from fairing_kfp.builders.cluster.package import PROGRAM


class LocalProgram:
    """A channel to a process that runs the command of the Job, isolated from this package.

    Attributes:
        process: the process.
    """

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", "-c", PROGRAM]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/")

    def send(self, data: bytes) -> None:
        try:
            cast(IO[bytes], self.process.stdin).write(data)
            cast(IO[bytes], self.process.stdin).flush()
        except (BrokenPipeError, ValueError) as error:
            raise ConnectionError(str(error)) from error

    def receive(self) -> bytes:
        return bytes(self.process.stdout.read1(1 << 16))  # type: ignore[union-attr]

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            cast(IO[bytes], self.process.stdin).close()
        self.process.wait(10)
