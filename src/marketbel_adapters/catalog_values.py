"""The values that every store of the catalogue keeps, whatever it is made of.

Values that PostgreSQL cannot hold are refused here, by name, so that no store is kinder than it.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from marketbel_adapters.storable_rows import (
    NAME_LENGTH_MAX,
    SKU_LENGTH_MAX,
    UNSTORABLE,
    StorableRow,
    is_text,
    storable_row,
    strict_json,
)
from marketbel_core.catalog import (
    CURRENCY_KEY,
    DEFAULT_CURRENCY,
    UNKNOWN_CURRENCY,
    SourceType,
    Supplier,
)
from marketbel_core.errors import RefusedError
from marketbel_core.ids import SupplierId
from marketbel_core.intake.plan import STALE_KEY, ImportFigures, MissingPolicy
from marketbel_core.intake.rows import AcceptedRow, RowRejection, UnpricedRow
from marketbel_core.intake.supplier_plan import SupplierUpdate
from marketbel_core.matching.review import ScoredCandidate
from marketbel_core.ports import ListedRow, LogEntry

__all__ = [
    "REFUSED_MAX",
    "SKU_LENGTH_MAX",
    "UNAVAILABLE_TOLD",
    "StagedRows",
    "StorableRow",
    "amended_supplier",
    "amendment",
    "candidates_as_json",
    "check_refused",
    "currency_of",
    "json_value",
    "later_sku",
    "log_entry",
    "merge_figures",
    "refusal_of",
    "staged_rows",
    "storable_score",
    "storable_text",
    "stored_supplier",
    "strict_json",
    "supplier_is_active",
    "supplier_metadata",
    "told_when_missing",
    "unstorable",
]

REFUSED_MAX: Final = 1_000
"""Rows of one list that the store may refuse: each is found by halves, which takes a while."""

UNAVAILABLE_TOLD: Final[Mapping[str, object]] = {"in_stock": False}
"""What an item says that cannot be had."""

_ACTIVE_KEY: Final = "is_active"
_ML_KEY: Final = "use_ml_processing"
_TASK_ID_LENGTH_MAX: Final = 255
_LOG_KEY_LENGTH_MAX: Final = 64
_CENT: Final = Decimal("0.01")
_CURRENCY_LENGTH: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedRows:
    """A batch of a list, sorted by what becomes of its rows.

    Attributes:
        rows: Those to be stored; `sources` are what they come from, one for one.
        unpriced: The skus of products without a price.
        refused: Those that cannot be stored.
    """

    rows: Sequence[StorableRow]
    sources: Sequence[AcceptedRow]
    unpriced: Sequence[str]
    refused: Sequence[RowRejection]


def staged_rows(rows: Sequence[ListedRow]) -> StagedRows:
    """Return the batch as it is staged; what cannot be stored is told row by row."""
    kept: list[StorableRow] = []
    sources: list[AcceptedRow] = []
    unpriced: list[str] = []
    refused: list[RowRejection] = []
    for row in rows:
        if isinstance(row, UnpricedRow):
            if is_text(row.sku) and len(row.sku) <= SKU_LENGTH_MAX:
                unpriced.append(row.sku)
            continue  # one that no store can hold is no known item's
        try:
            kept.append(storable_row(row))
        except RefusedError as error:
            refused.append(unstorable(row, str(error)))
        else:
            sources.append(row)
    return StagedRows(rows=kept, sources=sources, unpriced=unpriced, refused=refused)


def unstorable(row: AcceptedRow, message: str) -> RowRejection:
    """Return the rejection of a row that the store does not take."""
    return RowRejection(
        sheet=row.sheet,
        row_number=row.row_number,
        column="row",
        value=_text(row.name)[:NAME_LENGTH_MAX],
        code=UNSTORABLE,
        message=message,
        cells={"sku": row.sku, "name": row.name, "price": str(row.price.amount)},
    )


def check_refused(count: int) -> None:
    """Raise if so many rows of a list are refused that the list is none.

    Raises:
        RefusedError: it is none (`import.unstorable`).
    """
    if count > REFUSED_MAX:
        raise RefusedError(
            "import.unstorable",
            f"more than {REFUSED_MAX} rows cannot be stored; look at the list with "
            "`marketbel inspect`: its columns are probably taken for others",
        )


def refusal_of(rejection: RowRejection) -> RefusedError:
    """Return the error that names a rejected row."""
    where = f"row {rejection.row_number} of sheet {rejection.sheet!r}"
    return RefusedError(rejection.code, f"{where}: {rejection.message}")


def merge_figures(figures: ImportFigures) -> ImportFigures:
    """Return the figures of rows that are no whole list: what is missing says nothing then."""
    return replace(figures, missing=0, moved=0)


def told_when_missing(policy: MissingPolicy) -> Mapping[str, object]:
    """Return the characteristics that an item gets when a list does not name it."""
    match policy:
        case MissingPolicy.KEEP:
            return {}
        case MissingPolicy.STALE:
            return {STALE_KEY: True}
        case MissingPolicy.UNAVAILABLE:
            return UNAVAILABLE_TOLD


def currency_of(characteristics: Mapping[str, object]) -> str:
    """Return the currency that stored characteristics name.

    What a neighbour wrote and is no currency gives `UNKNOWN_CURRENCY`: no price is compared in it.
    """
    named = characteristics.get(CURRENCY_KEY)
    if named is None or named == "":
        return DEFAULT_CURRENCY
    code = str(named).strip().upper()
    usable = len(code) == _CURRENCY_LENGTH and code.isascii() and code.isalpha()
    return code if usable else UNKNOWN_CURRENCY


def supplier_metadata(supplier: Supplier) -> dict[str, object]:
    """Return what is kept in the column `metadata`: all the neighbours' keys, and ours.

    Raises:
        RefusedError: a value cannot be stored.
    """
    metadata = {**supplier.metadata, _ACTIVE_KEY: supplier.is_active}
    if supplier.use_ml_processing is not None:
        metadata[_ML_KEY] = supplier.use_ml_processing
    strict_json([supplier.name, metadata], of=f"supplier {supplier.id}")
    return metadata


def supplier_is_active(metadata: Mapping[str, object]) -> bool:
    """Tell whether a supplier is active: every one is of which nobody said that it is not."""
    return str(metadata.get(_ACTIVE_KEY)).lower() != "false"


def stored_supplier(
    supplier_id: SupplierId, *, name: str, source_type: str, metadata: Mapping[str, object]
) -> Supplier:
    """Return the supplier that a stored row says."""
    wish = metadata.get(_ML_KEY)
    return Supplier(
        id=supplier_id,
        name=name,
        source_type=SourceType(source_type),
        is_active=supplier_is_active(metadata),
        use_ml_processing=wish if isinstance(wish, bool) else None,
        metadata=MappingProxyType(dict(metadata)),
    )


def amendment(update: SupplierUpdate) -> dict[str, object]:
    """Return the keys of the metadata that an update writes.

    Raises:
        RefusedError: a value cannot be stored.
    """
    metadata = dict(update.metadata)
    strict_json(metadata, of=f"supplier {update.supplier_id}")
    return metadata


def amended_supplier(supplier: Supplier, update: SupplierUpdate) -> Supplier:
    """Return the supplier after the update, whose keys are merged with those that are there."""
    return stored_supplier(
        supplier.id,
        name=supplier.name,
        source_type=update.source_type.value,
        metadata={**supplier.metadata, **amendment(update)},
    )


def storable_score(score: float) -> Decimal:
    """Return a match score as its column holds it, with two decimals."""
    return Decimal(repr(score)).quantize(_CENT, ROUND_HALF_UP)


def candidates_as_json(candidates: Sequence[ScoredCandidate]) -> list[dict[str, object]]:
    """Return candidates as the neighbours read them, best first, and what their scores are of."""
    return [_candidate_as_json(candidate) for candidate in candidates]


def later_sku(internal_sku: str) -> str:
    """Return the article number `PROD-{ms}-{tail}` of the next millisecond."""
    prefix, milliseconds, tail = internal_sku.split("-")
    return f"{prefix}-{int(milliseconds) + 1}-{tail}"


def log_entry(entry: LogEntry) -> LogEntry:
    """Return the entry as it is stored: a log never fails over what it has to tell.

    Details become strict JSON; a row number below 1 is none; a long key is told by its digest.
    """
    key = _text(entry.key)
    if len(key) > _LOG_KEY_LENGTH_MAX:
        key = hashlib.sha256(key.encode()).hexdigest()
    return replace(
        entry,
        task_id=_text(entry.task_id)[:_TASK_ID_LENGTH_MAX],
        message=_text(entry.message),
        key=key,
        row_number=entry.row_number if (entry.row_number or 0) >= 1 else None,
        details={_text(name): json_value(value) for name, value in entry.details.items()},
    )


def json_value(value: object) -> object:
    """Return `value` as strict JSON that PostgreSQL takes: what it cannot hold becomes text."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return _text(value)
        case Mapping():
            return {_text(str(key)): json_value(inner) for key, inner in value.items()}
        case list() | tuple():
            return [json_value(inner) for inner in value]
        case _:
            return _text(str(value))


def storable_text(text: str) -> str:
    """Return the text as PostgreSQL holds it: what is no character becomes one."""
    return _text(text)


def _text(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _candidate_as_json(candidate: ScoredCandidate) -> dict[str, object]:
    told: dict[str, object] = {
        "product_id": str(candidate.product_id),
        "product_name": candidate.product_name,
        "score": float(storable_score(candidate.score)),
    }
    if candidate.detail:
        told["detail"] = json_value(candidate.detail)
    if candidate.category_id is not None:
        told["category_id"] = str(candidate.category_id)
    return told
