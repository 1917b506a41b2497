"""How the stand-in misbehaves on request, and what it was asked: for tests of who relies on it.

The endpoints below `/_standin` are its own: ml-analyze has none of them, no fault touches them.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from marketbel_core.ports import Clock

__all__ = ["FaultOrder", "Faults", "Ledger", "Misbehave", "control_routes", "not_understood"]

_OWN: Final = "/_standin/"


class FaultOrder(BaseModel):
    """How to misbehave from now on. A field that is not known is refused.

    Attributes:
        fail: Answer every request with this status.
        times: So many requests fail, and later ones do not.
        retry_after: Seconds that failing answers name in `Retry-After`.
        latency_ms: Every answer takes so much longer.
        degraded: `/health` says so; files are still taken.
        forget: Forget every reading, once and at once, as a restart would: readings under way end.
        for_seconds: So long the order holds; without it until the next order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fail: int | None = Field(default=None, ge=400, le=599)
    times: int | None = Field(default=None, ge=1)
    retry_after: int | None = Field(default=None, ge=0, le=86_400)
    latency_ms: int = Field(default=0, ge=0, le=600_000)
    degraded: bool = False
    forget: bool = False
    for_seconds: float | None = Field(default=None, gt=0, le=86_400)


class Faults:
    """The order that holds, if one does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order = FaultOrder()
        self._until: datetime | None = None
        self._failed = 0

    def follow(self, order: FaultOrder) -> None:
        """Misbehave so, instead of as before."""
        self._order = order
        self._failed = 0
        seconds = order.for_seconds
        self._until = None if seconds is None else self._clock.now() + timedelta(seconds=seconds)

    def present(self) -> FaultOrder:
        """Return the order that holds, with as many failures as are left."""
        if self._until is not None and self._clock.now() >= self._until:
            return FaultOrder()
        if self._order.fail is None or self._order.times is None:
            return self._order
        left = self._order.times - self._failed
        changes = {"times": left} if left > 0 else {"times": None, "fail": None}
        return self._order.model_copy(update=changes)

    def next_failure(self) -> FaultOrder | None:
        """Return the order by which this request fails, and count it; `None` when it does not."""
        order = self.present()
        if order.fail is None:
            return None
        self._failed += 1
        return order


class Ledger:
    """What the stand-in was asked since it started, or since it was told to begin anew."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all figures."""
        self._asked: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._submissions: Counter[str] = Counter()
        self._analyses: dict[str, set[UUID]] = {}

    def asked(self, kind: str, *, failed: bool) -> None:
        """Count a request."""
        self._asked[kind] += 1
        self._failed[kind] += failed

    def took(self, key: str | None, analysis_id: UUID) -> None:
        """Count a submission under an idempotency key and the reading that it was given."""
        self._submissions[key or ""] += 1
        self._analyses.setdefault(key or "", set()).add(analysis_id)

    def body(self) -> dict[str, object]:
        """Return the figures; submissions without a key stand under the empty one."""
        return {
            "total": self._asked.total(),
            "failed": self._failed.total(),
            "by_kind": {
                kind: {"requests": count, "failed": self._failed[kind]}
                for kind, count in sorted(self._asked.items())
            },
            "keys": {
                key: {"submissions": count, "analyses": len(self._analyses[key])}
                for key, count in sorted(self._submissions.items())
            },
        }


class Misbehave:
    """Counts each request, lets it wait, and answers it with a failure if one is ordered."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        faults: Faults,
        ledger: Ledger,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._app = app
        self._faults = faults
        self._ledger = ledger
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OWN):
            await self._app(scope, receive, send)
            return
        failure = self._faults.next_failure()
        latency_ms = (failure or self._faults.present()).latency_ms
        self._ledger.asked(_kind_of(scope["path"]), failed=failure is not None)
        if latency_ms:
            await self._sleep(latency_ms / 1000)
        if failure is None:
            await self._app(scope, receive, send)
        else:
            await _failing(failure)(scope, receive, send)


def _kind_of(path: str) -> str:
    match path.split("/")[1:]:
        case ["analyze", "file"]:
            return "submit"
        case ["analyze", "status", _]:
            return "status"
        case ["health"]:
            return "health"
        case _:
            return "other"


def _failing(order: FaultOrder) -> JSONResponse:
    wait = order.retry_after
    return JSONResponse(
        {"detail": "this fault was ordered at /_standin/faults"},
        status_code=order.fail or 500,
        headers=None if wait is None else {"Retry-After": str(wait)},
    )


def control_routes(faults: Faults, ledger: Ledger, *, forget: Callable[[], None]) -> list[Route]:
    """Return the routes by which faults are ordered and figures are read.

    `forget` makes the service forget its readings.
    """

    async def order(request: Request) -> JSONResponse:
        match request.method:
            case "POST":
                try:
                    wanted = FaultOrder.model_validate_json(await request.body())
                except ValidationError as error:
                    return not_understood(error)
                if wanted.forget:
                    forget()
                faults.follow(wanted.model_copy(update={"forget": False}))  # it is done
            case "DELETE":
                faults.follow(FaultOrder())
            case _:
                pass  # a look
        return JSONResponse(faults.present().model_dump())

    async def figures(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            ledger.begin_anew()
        return JSONResponse(ledger.body())

    return [
        Route(f"{_OWN}faults", order, methods=["GET", "POST", "DELETE"]),
        Route(f"{_OWN}requests", figures, methods=["GET", "DELETE"]),
    ]


def not_understood(error: ValidationError) -> JSONResponse:
    """Return the answer to a body that is not what it must be: where, and what is wrong."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return JSONResponse(
        {"detail": [{**one, "loc": ["body", *one["loc"]]} for one in found]}, status_code=422
    )
