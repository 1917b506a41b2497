"""ml-analyze for callers outside of the worker: one object to import, nothing to wire or open.

Where the service is comes from ML_ANALYZE_URL and UPLOADS_DIR, read from the environment (no
`.env`) at the first call on an event loop and nowhere else in this package; `configure` wins.
"""

import asyncio
import os
import posixpath
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, cast
from uuid import UUID, uuid4  # noqa: TID251 - callers from outside have no IdSource
from weakref import WeakKeyDictionary

import httpx
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from marketbel_adapters.ml_analyze.analyzer import HttpAnalyzer
from marketbel_adapters.ml_analyze.asking import create_ml_client
from marketbel_adapters.ml_analyze.retrying import REPORT_WAIT_MAX, SUBMIT_WAIT_MAX, Tries
from marketbel_adapters.ml_analyze.wire import StatusReply
from marketbel_core.catalog import FileType
from marketbel_core.errors import JobNotFoundError, RefusedError
from marketbel_core.ids import AnalysisId, FileKey, JobId, parse_job_id, parse_supplier_id
from marketbel_core.jobs import Reading
from marketbel_core.ports import AnalysisRequest, ReadElsewhere

__all__ = ["MLClient", "MLJobStatus", "MLJobUnknownError", "ml_client"]

_URL_DEFAULT: Final = "http://ml-analyze:8001"
_FOLDER_DEFAULT: Final = "/shared/uploads"
_ENDED: Final = frozenset({"completed", "completed_with_errors", "failed"})
_INSTANT: Final = TypeAdapter(datetime)


class MLJobUnknownError(JobNotFoundError):
    """ml-analyze does not know this job, or not any more: it forgets a job after seven days."""

    code = "ml.job_unknown"


def _share(value: object) -> int:
    """Return a percentage within 0 to 100; 0 for what is no number."""
    try:
        return min(100, max(0, int(float(str(value)))))
    except (ValueError, OverflowError):
        return 0


def _instant(value: object) -> datetime | None:
    """Return an instant in UTC; `None` for what is none. One without a zone is taken for UTC."""
    try:
        instant = _INSTANT.validate_python(value)
    except ValidationError:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _text(value: object) -> str:
    return "" if value is None else str(value)


type _Instant = Annotated[datetime | None, BeforeValidator(_instant)]


class MLJobStatus(StatusReply):
    """How far a reading at ml-analyze is; what its answer lacks or garbles is 0 or `None`.

    Attributes:
        job_id: ml-analyze's own id.
        status: `pending`, `processing`, `completed`, `completed_with_errors`, `failed`, or a word
            of a later version.
        phase: The service's finer word, if it has one; only `status` can be trusted.
        progress_percentage: 0 to 100.
        items_processed: Rows read so far.
        items_total: Rows to read; 0 means unknown.
        errors: The service's own sentences.
    """

    phase: Annotated[str, BeforeValidator(_text)] = ""
    progress_percentage: Annotated[int, BeforeValidator(_share)] = 0
    created_at: _Instant = None
    started_at: _Instant = None
    completed_at: _Instant = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come: read to the end, or failed."""
        return self.status.strip().lower() in _ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """An open line to the service, for the one event loop that it was made on."""

    client: httpx.AsyncClient
    analyzer: HttpAnalyzer
    folder: str


class MLClient:
    """Talks to ml-analyze. Safe on several event loops, one after another or in several threads.

    Every method may raise `UnavailableError` (`ml.unavailable`, `ml.busy`) and `ProtocolError`
    (`ml.protocol`), except `check_health`. Up to three tries are made before the first of these.
    No connection outlives its answer, so a loop may end without `aclose`.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        uploads_dir: str | None = None,
        tries: Tries | None = None,
    ) -> None:
        """Take the addresses that are not given from the environment, at the first call."""
        self._tries = tries or Tries()
        self._base_url = base_url
        self._uploads_dir = uploads_dir
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line] = WeakKeyDictionary()

    def configure(self, *, base_url: str | None = None, uploads_dir: str | None = None) -> None:
        """Use these instead of the environment from now on; `None` goes back to it."""
        self._base_url = base_url
        self._uploads_dir = uploads_dir
        self._lines.clear()

    async def check_health(self) -> bool:
        """Tell whether ml-analyze is there and takes files, be it degraded."""
        return await self._line().analyzer.health()

    async def trigger_analysis(
        self,
        file_path: str | os.PathLike[str],
        supplier_id: UUID | str,
        file_type: FileType | str,
        *,
        job_id: UUID | str | None = None,
    ) -> str:
        """Have a stored file read; return ml-analyze's id of the reading.

        Args:
            file_path: Below UPLOADS_DIR, absolute or relative to it; ml-analyze sees that folder
                under the same path.
            supplier_id: Whose list it is.
            file_type: `excel`, `csv` or `pdf`.
            job_id: Our job, for the service's log; asked twice with the same one, a service that
                knows `Idempotency-Key` reads once.

        Raises:
            InvalidIdError: an id is no UUID.
            RefusedError: the path leads out of the folder (`storage.unsafe_path`), the file type
                is none (`job.invalid`), or the service will not read the file (`ml.refused`).
        """
        line = self._line()
        key = _key_below(line.folder, os.fspath(file_path))
        request = AnalysisRequest(
            job_id=_job_id(job_id),
            attempt=1,
            reading=Reading.ML,
            supplier_id=parse_supplier_id(str(supplier_id)),
            supplier_name="",
            key=key,
            file_type=_file_type(file_type),
            original_filename=posixpath.basename(key),
        )
        submission = await self._tries.of(
            lambda: line.analyzer.submit(request), wait_max=SUBMIT_WAIT_MAX
        )
        # Only the local analyzer answers otherwise: ml-analyze never reads on the spot.
        return cast("ReadElsewhere", submission).analysis_id

    async def get_job_status(self, job_id: UUID | str) -> MLJobStatus:
        """Return how far a reading is.

        Raises:
            InvalidIdError: the id is no UUID.
            MLJobUnknownError: the service does not know it (any more).
        """
        analyzer, known_as = self._line().analyzer, parse_job_id(str(job_id))
        status = await self._tries.of(
            lambda: analyzer.status(AnalysisId(str(known_as)), MLJobStatus),
            wait_max=REPORT_WAIT_MAX,
        )
        if status is None:
            raise MLJobUnknownError(known_as)
        return status if status.job_id else status.model_copy(update={"job_id": str(known_as)})

    async def aclose(self) -> None:
        """Close what this event loop has used; the next call opens it again."""
        line = self._lines.pop(asyncio.get_running_loop(), None)
        if line is not None:
            await line.client.aclose()

    def _line(self) -> _Line:
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None:
            line = self._lines[loop] = self._opened()
        return line

    def _opened(self) -> _Line:
        url = self._base_url or os.environ.get("ML_ANALYZE_URL") or _URL_DEFAULT
        folder = self._uploads_dir or os.environ.get("UPLOADS_DIR") or _FOLDER_DEFAULT
        client = create_ml_client(url)
        # Kept-alive connections would be left open when a loop ends without a farewell.
        client.headers["Connection"] = "close"
        return _Line(client=client, analyzer=HttpAnalyzer(client, folder=folder), folder=folder)


ml_client: Final = MLClient()
"""For everybody: holds nothing and reads nothing before its first call."""


def _key_below(folder: str, path: str) -> FileKey:
    """Return the file's name below `folder`."""
    root = posixpath.normpath(folder)
    whole = posixpath.normpath(posixpath.join(root, path))
    if not path or "\x00" in path or not whole.startswith(root.rstrip("/") + "/"):
        raise RefusedError(
            "storage.unsafe_path",
            f"file_path must be a file below UPLOADS_DIR ({root}), the folder that is shared with "
            "ml-analyze: put the file there first",
        )
    return FileKey(posixpath.relpath(whole, root))


def _file_type(said: FileType | str) -> FileType:
    try:
        return FileType(str(said).strip().lower())
    except ValueError:
        known = ", ".join(FileType)
        raise RefusedError("job.invalid", f"file_type must be one of {known}") from None


def _job_id(given: UUID | str | None) -> JobId:
    if given is None:
        return JobId(uuid4())  # names this one call, and is kept nowhere
    return parse_job_id(str(given))
