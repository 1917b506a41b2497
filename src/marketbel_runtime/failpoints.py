"""Places at which a worker can be made to die, so that tests see what is left and who takes over.

`MARKETBEL_FAILPOINT=after_submit:kill` ends the process with SIGKILL the first time that it has
handed a file over; `after_submit:stop` freezes it there with SIGSTOP, and SIGCONT lets it go on as
if nothing had happened meanwhile. Not set, nothing here is in anybody's way.
"""

import functools
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from marketbel_core.jobs import (
    DownloadStarted,
    FileStored,
    FileSubmitted,
    ItemsMatched,
    ItemsParsed,
    JobEvent,
)
from marketbel_core.ports import SyncBusy, SyncNotDue
from marketbel_runtime.settings import SettingsError

__all__ = ["FAILPOINTS", "JOB_ROAD", "SYNC_ROAD", "arm"]

_VARIABLE: Final = "MARKETBEL_FAILPOINT"
_ACTIONS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A call of a port's method.

    Attributes:
        before: Whether the process dies before the call has any effect, or after it.
        event: Only the saving of this event; `None` means any call.
        for_many: The method that does the same for many at once, if there is one.
    """

    port: str
    method: str
    before: bool
    event: type[JobEvent] | None = None
    for_many: str | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are trapped."""
        return (self.method, self.for_many) if self.for_many else (self.method,)


def _around(
    name: str, port: str, method: str, *, for_many: str | None = None
) -> dict[str, _Place]:
    return {
        f"{when}_{name}": _Place(
            port=port, method=method, before=when == "before", for_many=for_many
        )
        for when in ("before", "after")
    }


def _saving(event: type[JobEvent]) -> dict[str, _Place]:
    return {
        f"{when}_saving_{event.__name__}": _Place(
            port="jobs", method="save", before=when == "before", event=event
        )
        for when in ("before", "after")
    }


JOB_ROAD: Final[Mapping[str, _Place]] = {
    **_around("record", "archive", "record", for_many="record_all"),
    **_around("add", "jobs", "add", for_many="add_all"),
    **_around("claim", "jobs", "claim"),
    **_around("store", "files", "store"),
    **_around("attach", "files", "attach"),
    **_around("submit", "analyzer", "submit"),
    **_saving(DownloadStarted),
    **_saving(FileStored),
    **_saving(FileSubmitted),
    **_saving(ItemsParsed),
    **_saving(ItemsMatched),
    **_around("commit", "catalog", "unit"),
    **_around("ask", "queue", "ask", for_many="ask_all"),
    **_around("release", "jobs", "release"),
}
"""Every place on a job's road at which a worker may be lost, in about the order of the road."""

SYNC_ROAD: Final[Mapping[str, _Place]] = {
    **_around("take", "inbox", "take"),
    **_around("sync_claim", "board", "claim"),
    **_around("sync_plan", "archive", "busy_suppliers"),
    **_around("sync_tell", "board", "tell"),
    **_around("sync_finish", "board", "finish"),
    **_around("done", "inbox", "done"),
}
"""Those of a sync and of the inbox: `sync_plan` is inside the transaction of the changes, and
`before_sync_tell` is after its commit."""

FAILPOINTS: Final[Mapping[str, _Place]] = {**JOB_ROAD, **SYNC_ROAD}
"""Every place at which a worker may be lost."""


def arm(ports: Mapping[str, object]) -> None:
    """Set the trap that the environment names, if it names one, on one of `ports`.

    Raises:
        SettingsError: the variable names no place, or neither `kill` nor `stop`.
    """
    wish = os.environ.get(_VARIABLE, "")
    if not wish:
        return
    name, _, action = wish.partition(":")
    place = FAILPOINTS.get(name)
    if place is None or action not in _ACTIONS:
        raise SettingsError(
            f"{_VARIABLE} must be one of {', '.join(FAILPOINTS)}, followed by :kill or :stop"
        )
    port = ports[place.port]
    spring = functools.partial(_spring_once, _ACTIONS[action], [])
    wrap = _in_unit if place.port == "catalog" else _in_call
    for name_of_method in place.methods:
        method = getattr(port, name_of_method)
        setattr(port, name_of_method, wrap(method, place, spring))


def _in_call(
    method: Callable[..., Awaitable[Any]], place: _Place, spring: Callable[[], None]
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def trapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the port says
        meant = place.event in {None, kwargs.get("event")}
        if meant and place.before:
            spring()
        result = await method(*args, **kwargs)
        if meant and not place.before and not _is_nothing(result):
            spring()
        return result

    return trapped


def _is_nothing(result: object) -> bool:
    """Tell whether a call found nothing to do."""
    return result == [] or isinstance(result, SyncBusy | SyncNotDue)


def _in_unit(
    method: Callable[[], AbstractAsyncContextManager[Any]],
    place: _Place,
    spring: Callable[[], None],
) -> Callable[[], AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def trapped() -> AsyncIterator[Any]:
        async with method() as unit:
            yield unit
            if place.before:
                spring()
        if not place.before:
            spring()

    return trapped


def _spring_once(sent: signal.Signals, sprung: list[bool]) -> None:
    """Send this process the signal; whoever was frozen and goes on is not frozen again."""
    if not sprung:
        sprung.append(True)
        os.kill(os.getpid(), sent)
