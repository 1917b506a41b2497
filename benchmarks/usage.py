"""What a benchmark takes: seconds, processor time and memory."""

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

__all__ = ["Memory", "Stopwatch"]

_SAMPLE_SECONDS: Final = 0.05


class Memory:
    """What this process and its children have in memory at most, the servers apart."""

    def __init__(self) -> None:
        self._self = psutil.Process()
        self._servers = {child.pid for child in self._self.children()}
        self.peak_bytes = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at it again and again while the block runs."""
        is_over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(is_over,))
        watch.start()
        try:
            yield
        finally:
            is_over.set()
            watch.join()

    def _watch(self, is_over: threading.Event) -> None:
        while not is_over.wait(_SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, self._now())

    def _now(self) -> int:
        children = self._self.children()
        ours = [self._self, *(each for each in children if each.pid not in self._servers)]
        total = 0
        for process in ours:
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total


@dataclass(slots=True)
class Stopwatch:
    """Seconds by what they were spent on, told as they are known."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, what: str) -> Iterator[None]:
        """Time the block, and the processor time of this process and of its children in it."""
        own, children, begin = _cpu(), _cpu(resource.RUSAGE_CHILDREN), time.perf_counter()
        yield
        self.seconds[what] = time.perf_counter() - begin
        print(
            f"{what}: {self.seconds[what]:.2f} s (processor: here {_cpu() - own:.2f} s, "
            f"children {_cpu(resource.RUSAGE_CHILDREN) - children:.2f} s; "
            f"load {os.getloadavg()[0]:.1f})",
            flush=True,
        )


def _cpu(whose: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime
