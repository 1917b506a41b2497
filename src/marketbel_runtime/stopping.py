"""The worker's life as a process: what stopped it is told to whoever started it."""

import signal

from arq.worker import Worker

from marketbel_adapters.redis import translated

__all__ = ["run_until_stopped"]


def run_until_stopped(worker: Worker) -> None:
    """Run the worker; return when SIGTERM stopped it, its jobs ended or cancelled in order.

    Raises:
        KeyboardInterrupt: Ctrl-C stopped it, in order as well; arq itself keeps that quiet.
        UnavailableError: Redis does not answer: arq asks it before any startup of ours.
    """
    stops: list[signal.Signals] = []
    worker.on_stop = stops.append
    with translated():
        worker.run()
    if signal.SIGINT in stops:
        raise KeyboardInterrupt
