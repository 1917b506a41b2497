"""The calls that the deployment's documents promise: their names, parameters and laziness."""

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from marketbel_adapters.ml_analyze import MLClient, MLJobStatus, ml_client
from marketbel_adapters.postgres import Product, Supplier, SupplierItem, get_session
from marketbel_adapters.postgres.url import DatabaseUrlError
from marketbel_adapters.redis import create_job, get_job, update_job
from marketbel_core.errors import InvalidIdError, RefusedError

_SRC: Final = Path(__file__).parents[2] / "src"
_SUPPLIER: Final = "0d0e0000-0000-7000-8000-000000000001"

CALLS: Final[list[tuple[Callable[..., Any], set[str]]]] = [
    (ml_client.check_health, set()),
    (ml_client.trigger_analysis, {"file_path", "supplier_id", "file_type"}),
    (ml_client.get_job_status, {"job_id"}),
    (
        create_job,
        {"redis", "job_id", "supplier_id", "supplier_name", "file_type", "source_url"}
        | {"source_type", "max_retries"},
    ),
    (update_job, {"redis", "job_id", "phase", "ml_job_id", "error"}),
    (get_job, {"redis", "job_id"}),
    (get_session, set()),
]


@pytest.mark.parametrize(
    ("call", "parameters"), CALLS, ids=lambda value: getattr(value, "__name__", "")
)
def test_each_call_takes_the_promised_parameters(
    call: Callable[..., Any], parameters: set[str]
) -> None:
    assert parameters <= set(inspect.signature(call).parameters)


def _python(code: str, **environment: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ran = subprocess.run(
        [sys.executable, "-B", "-W", "error::ResourceWarning", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, "PYTHONPATH": str(_SRC), **environment},
        cwd=_SRC,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_importing_reads_no_environment_and_the_first_use_does() -> None:
    code = """
import os
from marketbel_runtime import settings
from marketbel_adapters.ml_analyze import ml_client
from marketbel_adapters.postgres import get_session
from marketbel_adapters.redis import create_job
os.environ["MAX_WORKERS"] = "7"
print(settings.max_workers)
os.environ["MAX_WORKERS"] = "8"
from marketbel_runtime import settings as again
print(again.max_workers, again is settings)
"""

    assert _python(code, MAX_WORKERS="nonsense") == "7\n7 True\n"


@pytest.mark.parametrize(
    "first", ["import marketbel_runtime.settings", "import marketbel_runtime", "import sys"]
)
def test_the_settings_are_the_same_whatever_was_imported_before(first: str) -> None:
    code = f"{first}\nfrom marketbel_runtime import settings\nprint(settings.queue_name)"

    assert _python(code, QUEUE_NAME="other") == "other\n"


def test_the_package_itself_needs_no_more_than_the_base_install() -> None:
    code = "import marketbel_runtime, sys\nprint('pydantic_settings' in sys.modules)"

    assert _python(code) == "False\n"


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x.csv", "/up/../x.csv", "/up", ".", "a\x00"]
)
async def test_a_file_outside_of_the_shared_folder_is_not_handed_over(path: str) -> None:
    client = MLClient(base_url="http://ml-analyze:8001", uploads_dir="/up/")

    with pytest.raises(RefusedError, match="UPLOADS_DIR") as refused:
        await client.trigger_analysis(file_path=path, supplier_id=_SUPPLIER, file_type="csv")

    assert refused.value.code == "storage.unsafe_path"


async def test_what_is_no_file_type_and_no_id_is_refused_before_anything_is_sent() -> None:
    client = MLClient(base_url="http://ml-analyze:8001", uploads_dir="/up")

    with pytest.raises(RefusedError, match="excel, csv, pdf"):
        await client.trigger_analysis(file_path="a", supplier_id=_SUPPLIER, file_type="docx")
    with pytest.raises(InvalidIdError):
        await client.trigger_analysis(file_path="a", supplier_id="7", file_type="csv")
    with pytest.raises(InvalidIdError):
        await client.get_job_status("7")


@pytest.mark.parametrize(
    ("told", "share", "ended"),
    [
        ({"status": "processing", "progress_percentage": 140}, 100, False),
        ({"status": "processing", "progress_percentage": "-3"}, 0, False),
        ({"status": "reticulating", "progress_percentage": None, "errors": None}, 0, False),
        ({"status": "processing", "progress_percentage": "inf", "items_total": "x"}, 0, False),
        ({"status": "completed", "progress_percentage": 99.6, "created_at": "soon"}, 99, True),
        ({"status": "completed_with_errors", "phase": "success"}, 0, True),
        ({"status": "Failed", "errors": "no sheet"}, 0, True),
    ],
)
def test_a_status_is_read_leniently(told: dict[str, object], share: int, *, ended: bool) -> None:
    status = MLJobStatus.model_validate(told)

    assert (status.progress_percentage, status.has_ended) == (share, ended)


def test_an_instant_without_a_zone_is_taken_for_utc() -> None:
    told = {"status": "pending", "created_at": "2025-12-04T10:00:00", "started_at": None}
    status = MLJobStatus.model_validate(told)

    assert status.created_at is not None
    assert status.created_at.isoformat() == "2025-12-04T10:00:00+00:00"
    assert status.started_at is None


async def test_a_session_without_an_address_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(DatabaseUrlError, match="DATABASE_URL is not set"):
        async with get_session():
            pass


def test_a_supplier_s_metadata_are_attributes_and_nothing_in_it_is_lost() -> None:
    supplier = Supplier(name="A", source_type="csv", metadata={"notes": "n"}, is_active=False)
    supplier.source_url = "https://example.com/a.csv"

    assert supplier.meta == {
        "notes": "n",
        "is_active": False,
        "source_url": "https://example.com/a.csv",
    }
    assert (supplier.is_active, supplier.source_url) == (False, "https://example.com/a.csv")


def test_a_supplier_of_which_nothing_is_said_is_active() -> None:
    supplier = Supplier(name="A", source_type="csv")

    assert (supplier.is_active, supplier.source_url, supplier.meta) == (True, None, {})


def test_an_item_s_price_and_sku_are_its_columns() -> None:
    item = SupplierItem(name="x", price=Decimal(3), sku="007")

    assert (item.current_price, item.supplier_sku) == (Decimal(3), "007")
    assert Product.__tablename__ == "products"
