"""One type per identifier, so that a job's id is never passed where a product's is meant."""

from typing import NewType
from uuid import UUID

from marketbel_core.errors import InvalidIdError

__all__ = [
    "AnalysisId",
    "CategoryId",
    "FileKey",
    "ImportId",
    "JobId",
    "ProductId",
    "SupplierId",
    "SupplierItemId",
    "parse_import_id",
    "parse_item_id",
    "parse_job_id",
    "parse_product_id",
    "parse_supplier_id",
]

JobId = NewType("JobId", UUID)
ImportId = NewType("ImportId", UUID)
SupplierId = NewType("SupplierId", UUID)
SupplierItemId = NewType("SupplierItemId", UUID)
ProductId = NewType("ProductId", UUID)
CategoryId = NewType("CategoryId", UUID)

AnalysisId = NewType("AnalysisId", str)
"""The analyzer's own name for a reading; opaque to us."""

FileKey = NewType("FileKey", str)
"""A stored file's name in the file store: no folder, no separator."""


def parse_import_id(text: str) -> ImportId:
    """Return the import id written as `text`.

    Raises:
        InvalidIdError: the text is not a UUID.
    """
    return ImportId(_uuid(text, kind="import"))


def parse_job_id(text: str) -> JobId:
    """Return the job id written as `text`.

    Raises:
        InvalidIdError: the text is not a UUID.
    """
    return JobId(_uuid(text, kind="job"))


def parse_item_id(text: str) -> SupplierItemId:
    """Return the supplier item id written as `text`.

    Raises:
        InvalidIdError: the text is not a UUID.
    """
    return SupplierItemId(_uuid(text, kind="supplier item"))


def parse_supplier_id(text: str) -> SupplierId:
    """Return the supplier id written as `text`.

    Raises:
        InvalidIdError: the text is not a UUID.
    """
    return SupplierId(_uuid(text, kind="supplier"))


def parse_product_id(text: str) -> ProductId:
    """Return the product id written as `text`.

    Raises:
        InvalidIdError: the text is not a UUID.
    """
    return ProductId(_uuid(text, kind="product"))


def _uuid(text: str, *, kind: str) -> UUID:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidIdError(kind=kind, text=str(text)) from error
