"""Products and what their names say, packed: some 200 bytes each instead of two kilobytes."""

import marshal
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from marketbel_core.catalog import Product, ProductStatus
from marketbel_core.ids import CategoryId, ProductId, SupplierId
from marketbel_core.matching import Candidate, Features
from marketbel_core.matching.features import Kind

__all__ = ["packed", "unpacked"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_STATUSES: Final = tuple(ProductStatus)
_KINDS: Final = tuple(Kind)


def packed(product: Product, features: Features) -> bytes:
    """Return both as bytes that only this process reads; the features' text is left out."""
    return marshal.dumps(
        (
            product.id.bytes,
            (product.created_at - _EPOCH) // _TICK,
            _STATUSES.index(product.status),
            product.category_id.bytes if product.category_id else b"",
            product.drafted_for.bytes if product.drafted_for else b"",
            product.internal_sku,
            product.name,
            bytes(features.tokens.values()),
            "\n".join(features.tokens),
            "\n".join(features.head),
            features.substitute,
        )
    )


def unpacked(row: bytes, text: str) -> Candidate:
    """Return what was packed, with the text of its features, which is kept beside the row."""
    (ident, born, status, category, supplier, sku, name, kinds, tokens, head, substitute) = (
        marshal.loads(row)  # noqa: S302 - made by `packed`, never read from outside
    )
    product = Product(
        id=ProductId(UUID(bytes=ident)),
        internal_sku=sku,
        name=name,
        status=_STATUSES[status],
        created_at=_EPOCH + born * _TICK,
        category_id=_category(category) if category else None,
        drafted_for=SupplierId(UUID(bytes=supplier)) if supplier else None,
    )
    # Without any token the kinds are empty, and so is the mapping.
    features = Features(
        text,
        dict(zip(tokens.split("\n"), map(_KINDS.__getitem__, kinds), strict=True))
        if kinds
        else {},
        frozenset(head.split("\n")) if head else frozenset(),
        substitute,
    )
    return Candidate(product=product, features=features)


@lru_cache(maxsize=4_096)  # many products share a category
def _category(ident: bytes) -> CategoryId:
    return CategoryId(UUID(bytes=ident))
