"""Runs a module in a process of its own, with limits on memory, processor time and patience.

Some files take the process that parses them with them: two kilobytes can make a parser ask for
half a terabyte and abort. So no workbook and no PDF is ever opened in the process that serves
other suppliers as well. What the child uses is returned to the system with its end.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from marketbel_adapters.sources.confined import FRAME_HEAD_BYTES

__all__ = [
    "ChildDiedError",
    "ChildEnd",
    "ChildLimits",
    "frames_of_confined",
    "run_confined",
]

_BUFFER_BYTES: Final = 1 << 19
_SCRIPT: Final = Path(__file__).with_name("confined.py")


class ChildEnd(StrEnum):
    """Why a child gave no answer."""

    MEMORY = "memory"  # aborted, or faulted, as parsers do that get no memory
    CPU = "cpu"  # used up its processor time
    SLOW = "slow"  # gave no answer in time although it used little: the machine is busy
    FAULT = "fault"  # ended with an error of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """What a child may use.

    Attributes:
        cpu_seconds_max: Processor time.
        wall_seconds_max: How long its answer is waited for.
        memory_bytes_max: Address space, which is more than what is resident.
    """

    cpu_seconds_max: int
    wall_seconds_max: float
    memory_bytes_max: int = 1 << 30


class ChildDiedError(Exception):
    """The child ended without an answer.

    Attributes:
        end: Why.
        output: What it had written until then.
    """

    def __init__(self, end: ChildEnd, output: bytes = b"") -> None:
        super().__init__(f"the child ended by {end}")
        self.end = end
        self.output = output


async def run_confined(
    module: str, *arguments: str, stdin: bytes | BinaryIO, limits: ChildLimits
) -> bytes:
    """Return what `main` of the module wrote to stdout; a cancelled call leaves no process.

    Args:
        module: Its full name; it must not import `marketbel_core`.
        arguments: For its `main`.
        stdin: An open file becomes the child's own stdin, at its position and without a copy;
            bytes are written to it.
        limits: What it may use.

    Raises:
        ChildDiedError: it ended by a signal, with an exit code other than 0, or not in time.
        OSError: the process cannot be started.
    """
    sent = stdin if isinstance(stdin, bytes) else None
    child = await _started(module, arguments, stdin=stdin, limits=limits)
    try:
        async with asyncio.timeout(limits.wall_seconds_max):
            output, _ = await child.communicate(sent)
    except TimeoutError as error:
        raise ChildDiedError(ChildEnd.SLOW) from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    status = await child.wait()
    if status:
        raise ChildDiedError(_end_of(status), output)
    return output


async def frames_of_confined(
    module: str, *arguments: str, stdin: BinaryIO, limits: ChildLimits, passed: BinaryIO
) -> AsyncGenerator[bytes]:
    """Yield what `main` of the module writes to stdout, frame by frame, as it is written.

    A child that is ahead of its reader waits: the pipe and a mebibyte here are all that is kept.
    Only waiting for the child counts as its time. Whoever stops early closes the generator; a
    closed or cancelled one leaves no process.

    Args:
        module: Its full name.
        arguments: For its `main`; the descriptor of `passed` comes first.
        stdin: An open file becomes the child's own stdin, at its position and without a copy.
        limits: What it may use.
        passed: Another open file, for what is too long for an argument.

    Raises:
        ChildDiedError: it ended by a signal, with an exit code other than 0, or not in time.
        OSError: the process cannot be started.
    """
    said = (str(passed.fileno()), *arguments)
    child = await _started(module, said, stdin=stdin, limits=limits, passed=(passed.fileno(),))
    assert child.stdout is not None, "stdout is a pipe"  # noqa: S101
    loop = asyncio.get_running_loop()
    patience = limits.wall_seconds_max
    try:
        while True:
            asked_at = loop.time()
            try:
                async with asyncio.timeout(patience):
                    frame = await _frame(child.stdout)
                    # Whoever kills it looks first whether it has ended, and takes its exit code
                    # from those who wait for it: what has said all is left to end by itself.
                    status = await child.wait() if frame is None else 0
            except TimeoutError as error:
                raise ChildDiedError(ChildEnd.SLOW) from error
            if frame is None:
                break
            patience -= loop.time() - asked_at
            yield frame
    finally:
        if child.returncode is None:
            child.kill()
        # The process is known to be gone only when its pipe is, and a full pipe is not read from.
        while await child.stdout.read(_BUFFER_BYTES):
            pass
        await child.wait()
    if status:
        raise ChildDiedError(_end_of(status))


async def _started(
    module: str,
    arguments: Sequence[str],
    *,
    stdin: bytes | BinaryIO,
    limits: ChildLimits,
    passed: Sequence[int] = (),
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(_SCRIPT),
        str(limits.memory_bytes_max),
        str(limits.cpu_seconds_max),
        str(os.getpid()),
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE if isinstance(stdin, bytes) else stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=tuple(passed),
        limit=_BUFFER_BYTES,
    )


async def _frame(pipe: asyncio.StreamReader) -> bytes | None:
    """Return the next frame; `None` at the end, also in the midst of one: the child died of it."""
    try:
        length = int.from_bytes(await pipe.readexactly(FRAME_HEAD_BYTES))
        return await pipe.readexactly(length)
    except asyncio.IncompleteReadError:
        return None


def _end_of(status: int) -> ChildEnd:
    match -status:
        case signal.SIGXCPU:
            return ChildEnd.CPU
        case number if number > 0:  # SIGABRT and SIGSEGV of parsers, SIGKILL of the system
            return ChildEnd.MEMORY
        case _:
            return ChildEnd.FAULT
