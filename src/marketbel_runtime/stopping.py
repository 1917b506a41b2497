"""The worker's life as a process: what stopped it is told to whoever started it."""

import asyncio
import signal

from marketbel_adapters.redis import translated
from marketbel_runtime.laned_worker import LanedWorker

__all__ = ["run_until_stopped"]


def run_until_stopped(worker: LanedWorker) -> None:
    """Run the worker; return when SIGTERM stopped it, its steps ended or handed back in order.

    A second signal does not wait for the steps: all are handed back at once.

    Raises:
        KeyboardInterrupt: Ctrl-C stopped it, in order as well.
        PortError: the database or Redis cannot be used.
    """
    stops: list[signal.Signals] = []
    with translated():
        asyncio.run(_run(worker, stops))
    if signal.SIGINT in stops:
        raise KeyboardInterrupt


async def _run(worker: LanedWorker, stops: list[signal.Signals]) -> None:
    running = asyncio.create_task(worker.run())

    def stop(received: signal.Signals) -> None:
        if stops:
            running.cancel()
        stops.append(received)
        worker.stop()

    loop = asyncio.get_running_loop()
    for expected in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(expected, stop, expected)
    await asyncio.wait([running])
    if not running.cancelled():
        await running
