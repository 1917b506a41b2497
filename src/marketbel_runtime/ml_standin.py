"""A stand-in for ml-analyze, for demos and tests: its HTTP contract, and no model inside.

It reads the file that it is pointed at by the project's own rules, takes its time, and writes
supplier items into the catalogue as a well-behaved ml-analyze would. Told to, it behaves badly.
"""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketbel_core import __version__
from marketbel_core.ports import Catalog, Clock, IdSource, RowReader
from marketbel_runtime.ml_standin_desk import Desk, Submission, TurnedAwayError
from marketbel_runtime.ml_standin_faults import (
    Faults,
    Ledger,
    Misbehave,
    control_routes,
    not_understood,
)

__all__ = ["create_app", "serve"]

_ABOUT: Final = (
    "A stand-in for ml-analyze, for demos and tests: the same contract over HTTP, no model inside."
)
_GRACE_SECONDS: Final = 5
"""How long requests that are under way may take when the service stops."""


def create_app(
    *,
    reader: RowReader,
    catalog: Catalog,
    uploads: Path,
    clock: Clock,
    ids: IdSource,
    row_delay: timedelta,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Starlette:
    """Return the service: it takes files below `uploads` and waits `row_delay` for each row.

    `reader` gets a file's name relative to `uploads` as its key. `sleep` passes the time, in
    seconds, by which answers are to be late.
    """
    faults, ledger = Faults(clock), Ledger()
    desk = Desk(
        reader=reader, catalog=catalog, uploads=uploads, clock=clock, ids=ids, row_delay=row_delay
    )

    @asynccontextmanager
    async def closing_the_desk(_: Starlette) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await desk.close()

    async def health(_: Request) -> JSONResponse:
        return await _health(desk, degraded=faults.present().degraded)

    async def analyze_file(request: Request) -> JSONResponse:
        return await _analyze_file(desk, ledger, request)

    async def status(request: Request) -> JSONResponse:
        return await _status(desk, request)

    return Starlette(
        routes=[
            Route("/", _about),
            Route("/health", health),
            Route("/analyze/file", analyze_file, methods=["POST"]),
            Route("/analyze/status/{job_id}", status),
            *control_routes(faults, ledger, forget=desk.forget),
        ],
        middleware=[
            Middleware(_Stamp, ids=ids),
            Middleware(Misbehave, faults=faults, ledger=ledger, sleep=sleep),
        ],
        exception_handlers={Exception: _broken},
        lifespan=closing_the_desk,
    )


async def serve(app: Starlette, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve `app` until cancelled, then end what runs and close.

    Signals are left to the caller.

    Args:
        app: From `create_app`.
        host: The address to listen at.
        port: 0 lets the system choose one.
        ready: Called once with the service's URL, as soon as it takes requests.

    Raises:
        OSError: the address cannot be listened at.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        # Head and body of an answer are two writes: without this the second waits 40 ms for the
        # caller's delayed acknowledgement. Accepted connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"[{host}]" if family is socket.AF_INET6 else host
        url = f"http://{name}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        server = _Server(config, started=lambda: ready(url))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, telling when it has started."""

    def __init__(self, config: uvicorn.Config, *, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell_started()


class _Stamp:
    """Puts `X-Request-ID` (the caller's, if there is one) and `X-Process-Time` on each answer."""

    def __init__(self, app: ASGIApp, *, ids: IdSource) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = Headers(scope=scope).get("x-request-id") or str(self._ids.new_id())
        started = time.perf_counter()

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Process-Time"] = f"{time.perf_counter() - started:.4f}"
            await send(message)

        await self._app(scope, receive, stamped)


async def _about(_: Request) -> JSONResponse:
    return JSONResponse({"service": "ml-analyze stand-in", "about": _ABOUT})


async def _health(desk: Desk, *, degraded: bool) -> JSONResponse:
    reached = await desk.reaches_catalog()
    body = {
        "status": "healthy" if reached and not degraded else "degraded",
        "version": __version__,
        "service": "ml-analyze",
        "about": _ABOUT,
        "checks": {
            "database": "healthy" if reached else "unhealthy",
            "model": "slow" if degraded else "none",
        },
    }
    return JSONResponse(body)


async def _analyze_file(desk: Desk, ledger: Ledger, request: Request) -> JSONResponse:
    try:
        submission = Submission.model_validate_json(await request.body())
    except ValidationError as error:
        return not_understood(error)
    key = request.headers.get("idempotency-key")
    try:
        analysis = await desk.take(submission, idempotency_key=key)
    except TurnedAwayError as error:
        return JSONResponse({"detail": error.detail}, status_code=error.status)
    ledger.took(key, analysis.id)
    body = {"job_id": str(analysis.id), "status": "pending", "message": "the file will be read"}
    return JSONResponse(body, status_code=202)


async def _status(desk: Desk, request: Request) -> JSONResponse:
    text = request.path_params["job_id"]
    try:
        analysis_id = UUID(text)
    except ValueError:
        message = "Input should be a valid UUID"
        finding = {"loc": ["path", "job_id"], "msg": message, "type": "uuid_parsing"}
        return JSONResponse({"detail": [finding]}, status_code=422)
    analysis = desk.find(analysis_id)
    if analysis is None:
        return JSONResponse({"detail": f"Job {analysis_id} not found"}, status_code=404)
    return JSONResponse(analysis.body())


async def _broken(_: Request, error: Exception) -> JSONResponse:
    body = {"error": "InternalServerError", "message": type(error).__name__}
    return JSONResponse(body, status_code=500)
