"""Readings by ml-analyze over HTTP; it sees the file store under a folder of its own."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from marketbel_adapters.ml_analyze.wire import (
    HealthReply,
    StatusReply,
    SubmitReply,
    complaint_in,
    request_body,
)
from marketbel_core import __version__
from marketbel_core.errors import PortError, ProtocolError, RefusedError, UnavailableError
from marketbel_core.ids import AnalysisId
from marketbel_core.ports import (
    AnalysisReport,
    AnalysisRequest,
    AnalysisUnknown,
    Analyzer,
    ReadElsewhere,
    Submission,
)

__all__ = ["HttpAnalyzer", "create_ml_client"]

_TIMEOUT: Final = httpx.Timeout(connect=5.0, read=30.0, write=5.0, pool=5.0)
_ANSWER_WITHIN: Final = timedelta(seconds=60)
"""For a whole answer: the client's own limits are for each piece of it."""

_REPLY_BYTES_MAX: Final = 1_048_576
"""A status with a thousand sentences has a tenth of it; more than that is not read into memory."""

_ASKED_AT_ONCE: Final = 16
"""Status questions under way together: enough to hide the network, too few to crowd
the service."""

_TAKEN: Final = frozenset({200, 201, 202})
_UNKNOWN: Final = frozenset({404, 422})  # 422: the service does not take the id for one of its own
_LATER: Final = frozenset({408, 425, 429})
_REACHABLE: Final = frozenset({"healthy", "degraded"})
"""Degraded says that the model or a store is slow or away; files are still taken."""


def create_ml_client(
    base_url: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Return a client for the ml-analyze at `base_url`, to be closed by the caller."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        trust_env=False,  # a proxy meant for the outside must not get between two neighbours
        timeout=_TIMEOUT,
        headers={"User-Agent": f"marketbel/{__version__}"},
    )


class HttpAnalyzer(Analyzer):
    """Talks to ml-analyze. The client carries base URL and time-outs (see `create_ml_client`).

    ml-analyze may start a second reading when a file is submitted twice. Every submission carries
    an `Idempotency-Key` made of job and attempt, which a service that knows it can go by.
    """

    def __init__(self, client: httpx.AsyncClient, *, folder: str) -> None:
        """Name files as paths below `folder`, an absolute path on ml-analyze's side."""
        self._client = client
        self._folder = folder

    async def submit(self, request: AnalysisRequest) -> Submission:
        status, body = await self._ask(
            "POST",
            "/analyze/file",
            content=json.dumps(request_body(request, folder=self._folder)).encode(),
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": f"{request.job_id}-{request.attempt}",
            },
        )
        if status in _TAKEN:
            reply = _parsed(SubmitReply, body)
            return ReadElsewhere(analysis_id=AnalysisId(str(reply.job_id)))
        if _is_clients_fault(status):
            raise RefusedError(
                "ml.refused",
                f"ml-analyze refuses the file (status {status}): {complaint_in(body)}",
            )
        raise _no_answer(status, body)

    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        status, body = await self._ask("GET", f"/analyze/status/{quote(analysis_id, safe='')}")
        if status == httpx.codes.OK:
            return _parsed(StatusReply, body).report()
        if status in _UNKNOWN:
            return AnalysisUnknown()
        raise _no_answer(status, body)

    async def reports(
        self, analysis_ids: Sequence[AnalysisId]
    ) -> list[AnalysisReport | PortError]:
        free = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def one(analysis_id: AnalysisId) -> AnalysisReport | PortError:
            async with free:
                try:
                    return await self.report(analysis_id)
                except PortError as error:
                    return error

        return list(await asyncio.gather(*map(one, analysis_ids)))

    async def health(self) -> bool:
        """Tell whether the service is there and takes files, be it degraded."""
        try:
            status, body = await self._ask("GET", "/health")
            return status == httpx.codes.OK and _parsed(HealthReply, body).status in _REACHABLE
        except PortError:
            return False

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Return the status and the whole body of the answer.

        Raises:
            UnavailableError: no answer, or not a whole one.
            ProtocolError: the answer is longer than any that was agreed.
        """
        body = bytearray()
        try:
            async with (
                asyncio.timeout(_ANSWER_WITHIN.total_seconds()),
                self._client.stream(method, path, content=content, headers=headers) as response,
            ):
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _REPLY_BYTES_MAX:
                        raise ProtocolError(
                            "ml-analyze's answer is too long to be one", code="ml.protocol"
                        )
        except (httpx.HTTPError, TimeoutError) as error:
            raise UnavailableError(
                f"ml-analyze cannot be reached ({type(error).__name__})", code="ml.unavailable"
            ) from error
        return response.status_code, bytes(body)


def _parsed[Reply: BaseModel](form: type[Reply], body: bytes) -> Reply:
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise ProtocolError(
            f"ml-analyze answered something else than agreed: {where}: {first['msg']}",
            code="ml.protocol",
        ) from error


def _is_clients_fault(status: int) -> bool:
    return httpx.codes.is_client_error(status) and status not in _LATER


def _no_answer(status: int, body: bytes) -> PortError:
    """Return the error for a status that says nothing about the file."""
    said = f"ml-analyze answered with status {status}: {complaint_in(body)}"
    if status in _LATER or httpx.codes.is_server_error(status):
        return UnavailableError(said, code="ml.unavailable")
    return ProtocolError(said, code="ml.protocol")
