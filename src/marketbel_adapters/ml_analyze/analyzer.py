"""Readings by ml-analyze over HTTP; it sees the file store under a folder of its own."""

import json
from typing import Final
from urllib.parse import quote

import httpx

from marketbel_adapters.ml_analyze.asking import ask, is_callers_fault, no_answer, parsed
from marketbel_adapters.ml_analyze.wire import (
    HealthReply,
    StatusReply,
    SubmitReply,
    complaint_in,
    request_body,
)
from marketbel_core.errors import PortError, ProtocolError, RefusedError
from marketbel_core.ids import AnalysisId
from marketbel_core.ports import (
    AnalysisReport,
    AnalysisRequest,
    AnalysisUnknown,
    Analyzer,
    ReadElsewhere,
    Submission,
)

__all__ = ["HttpAnalyzer"]

_TAKEN: Final = frozenset({200, 201, 202})
_UNKNOWN: Final = frozenset({404, 422})  # 422: the service does not take the id for one of its own
_REACHABLE: Final = frozenset({"healthy", "degraded"})
"""Degraded says that the model or a store is slow or away; files are still taken."""


class HttpAnalyzer(Analyzer):
    """Talks to ml-analyze, one request a call. The client carries base URL and time-outs (see
    `create_ml_client`).

    ml-analyze may start a second reading when a file is submitted twice. Every submission carries
    an `Idempotency-Key` made of job and attempt, which a service that knows it can go by.
    """

    def __init__(self, client: httpx.AsyncClient, *, folder: str) -> None:
        """Name files as paths below `folder`, an absolute path on ml-analyze's side."""
        self._client = client
        self._folder = folder

    async def submit(self, request: AnalysisRequest) -> Submission:
        reply = await ask(
            self._client,
            "POST",
            "/analyze/file",
            content=json.dumps(request_body(request, folder=self._folder)).encode(),
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": f"{request.job_id}-{request.attempt}",
            },
        )
        if reply.status in _TAKEN:
            analysis_id = str(parsed(SubmitReply, reply.body).job_id)
            return ReadElsewhere(analysis_id=AnalysisId(analysis_id))
        if is_callers_fault(reply.status):
            said = complaint_in(reply.body)
            raise RefusedError(
                "ml.refused", f"ml-analyze refuses the file (status {reply.status}): {said}"
            )
        raise no_answer(reply)

    async def report(self, analysis_id: AnalysisId) -> AnalysisReport:
        status = await self.status(analysis_id, StatusReply)
        return AnalysisUnknown() if status is None else status.report()

    async def status[Form: StatusReply](
        self, analysis_id: AnalysisId, form: type[Form]
    ) -> Form | None:
        """Return the whole answer about a reading; `None` when the service does not know it.

        Raises:
            UnavailableError: as for `report`.
            ProtocolError: as for `report`; also when the answer is about another reading.
        """
        reply = await ask(self._client, "GET", f"/analyze/status/{quote(analysis_id, safe='')}")
        if reply.status in _UNKNOWN:
            return None
        if reply.status != httpx.codes.OK:
            raise no_answer(reply)
        status = parsed(form, reply.body)
        if not status.is_about(analysis_id):
            raise ProtocolError("ml-analyze answered about another reading", code="ml.protocol")
        return status

    async def health(self) -> bool:
        """Tell whether the service is there and takes files, be it degraded."""
        try:
            reply = await ask(self._client, "GET", "/health")
            healthy = parsed(HealthReply, reply.body).status in _REACHABLE
        except PortError:
            return False
        return reply.status == httpx.codes.OK and healthy
