"""What is sent: price lists whose way into the catalogue does not depend on who is first.

An item of a list is the very product of the starting catalogue, or nearly one (a person is asked),
or unlike anything else (a draft); no item resembles a draft of another supplier. So the catalogue
in the end is the same in whatever order the lists arrive, as long as each has its effect once.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from openpyxl import Workbook

from marketbel_core.catalog import Product, ProductStatus
from marketbel_core.ids import JobId, ProductId

__all__ = ["SentList", "sent_lists", "starting_catalogue"]

_IDS: Final = UUID("5f0b3f4e-6c57-5a0c-9d0e-55d2b6d6a0c1")
_PRODUCTS: Final = 60
_SHARED_SUPPLIERS: Final = 10
_HEADER: Final = ("Артикул", "Наименование", "Цена")
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)

type Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentList:
    """One list, and the message that sends it.

    Attributes:
        function: The task that its supplier's flags call for.
        filename: Its name on the suppliers' site.
        content: What is there.
        with_ml: Whether ml-analyze reads it.
    """

    job_id: JobId
    supplier: str
    function: str
    filename: str
    content: bytes
    with_ml: bool

    def arguments(self, site: str) -> dict[str, Any]:
        """Return what the task is called with; the list is at `site`."""
        kind = "csv" if self.filename.endswith(".csv") else "excel"
        known = {"job_id": str(self.job_id), "supplier_name": self.supplier}
        place = f"{site}/{self.filename}"
        if self.function == "parse_task":
            config = {"file_url": place, "original_filename": self.filename}
            return {**known, "parser_type": kind, "source_config": config}
        return {
            **known,
            "source_type": kind,
            "source_url": place,
            "use_ml_processing": self.with_ml,
        }


def starting_catalogue() -> list[Product]:
    """Return the products that are known before the first list comes."""
    return [
        Product(
            id=ProductId(uuid5(_IDS, f"product {number}")),
            internal_sku=f"PROD-{number:013d}-AAAA",
            name=_product_name(number),
            status=ProductStatus.ACTIVE,
            created_at=_BEGIN,
        )
        for number in range(_PRODUCTS)
    ]


def sent_lists(count: int) -> list[SentList]:
    """Return `count` lists: a third of them of suppliers that send many, one in four a workbook,
    half of them read by ml-analyze.
    """
    return [_sent_list(number) for number in range(count)]


def _sent_list(number: int) -> SentList:
    shared = number % 3 == 0
    supplier = f"Shared {number // 3 % _SHARED_SUPPLIERS}" if shared else f"Alone {number}"
    with_ml = number % 2 == 0
    is_workbook = number % 4 == 1 or number % 16 in {2, 7}
    rows = _rows(number, supplier)
    return SentList(
        job_id=JobId(uuid5(_IDS, f"job {number}")),
        supplier=supplier,
        function="parse_task" if number % 4 == 3 else "download_and_trigger_ml",
        filename=f"list-{number}.{'xlsx' if is_workbook else 'csv'}",
        content=_workbook(rows) if is_workbook else _csv(rows),
        with_ml=with_ml,
    )


def _rows(number: int, supplier: str) -> list[Row]:
    first = number * 7 % _PRODUCTS
    known = [_product_name((first + step) % _PRODUCTS) for step in range(4)]
    price = 30 + number % 30  # three times another's price would be looked at by a person
    return [
        *((f"K-{number}-{n}", name, f"{price + n},50") for n, name in enumerate(known[:3])),
        (f"R-{number}", known[3].replace("12 кг", "15 кг"), f"{price},20"),
        *((f"N-{number}-{n}", _word(f"{number}.{n}"), "7,30") for n in range(2)),
        ("A-1", _word(supplier), "5,00"),  # in every list of the supplier: one row, one price
        (f"X-{number}", "without a price", "-1"),
    ]


def _product_name(number: int) -> str:
    return f"{_word(f'product {number}')} 12 кг"


def _word(seed: str) -> str:
    """Return two words of ten letters that resemble no others."""
    digest = hashlib.sha256(seed.encode()).digest()
    letters = "".join(chr(ord("a") + byte % 26) for byte in digest[:20])
    return f"{letters[:10]} {letters[10:]}"


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([_HEADER, *rows])
    return text.getvalue().encode("cp1251")


def _workbook(rows: Sequence[Row]) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in (_HEADER, *rows):
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
