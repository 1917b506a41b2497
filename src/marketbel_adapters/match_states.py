"""The state of an item's match as JSON: what is kept of a decision, so that it can be undone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from marketbel_core.catalog import MatchStatus, Product, ProductStatus
from marketbel_core.ids import CategoryId, ProductId, SupplierId
from marketbel_core.matching import (
    MatchState,
    PairVerdict,
    ReviewRow,
    ReviewStatus,
    Verdict,
)

__all__ = [
    "on_known_products",
    "product_as_json",
    "product_from_json",
    "state_as_json",
    "state_from_json",
    "verdicts_as_json",
    "verdicts_from_json",
]


def state_as_json(state: MatchState) -> dict[str, object]:
    """Return the state as JSON, candidates as they are stored."""
    row = state.row
    return {
        "product_id": _text(state.product_id),
        "status": state.status.value,
        "score": state.score,
        "candidates": None if state.candidates is None else list(state.candidates),
        "row": None
        if row is None
        else {
            "status": row.status.value,
            "candidates": list(row.candidates),
            "created_at": row.created_at.isoformat(),
            "expires_at": row.expires_at.isoformat(),
            "reviewed_at": row.reviewed_at and row.reviewed_at.isoformat(),
            "reviewed_by": _text(row.reviewed_by),
        },
        "verdicts": verdicts_as_json(state.verdicts),
    }


def state_from_json(told: Mapping[str, Any]) -> MatchState:
    """Return the state that `state_as_json` wrote."""
    row = told["row"]
    return MatchState(
        product_id=told["product_id"] and ProductId(UUID(told["product_id"])),
        status=MatchStatus(told["status"]),
        score=told["score"],
        candidates=None if told["candidates"] is None else tuple(told["candidates"]),
        row=None
        if row is None
        else ReviewRow(
            status=ReviewStatus(row["status"]),
            candidates=tuple(row["candidates"]),
            created_at=datetime.fromisoformat(row["created_at"]),
            expires_at=datetime.fromisoformat(row["expires_at"]),
            reviewed_at=row["reviewed_at"] and datetime.fromisoformat(row["reviewed_at"]),
            reviewed_by=row["reviewed_by"] and UUID(row["reviewed_by"]),
        ),
        verdicts=verdicts_from_json(told["verdicts"]),
    )


def on_known_products(state: MatchState, known: Collection[ProductId]) -> MatchState:
    """Return the state without verdicts on products that are gone: nothing holds them."""
    kept = tuple(one for one in state.verdicts if one.product_id in known)
    return replace(state, verdicts=kept)


def verdicts_as_json(verdicts: Sequence[PairVerdict]) -> list[dict[str, object]]:
    """Return verdicts on one item as JSON."""
    return [
        {
            "product_id": str(one.product_id),
            "verdict": one.verdict.value,
            "by": one.by,
            "at": one.at.isoformat(),
            "score": one.score,
        }
        for one in verdicts
    ]


def verdicts_from_json(told: Sequence[Mapping[str, Any]]) -> tuple[PairVerdict, ...]:
    """Return the verdicts that `verdicts_as_json` wrote."""
    return tuple(
        PairVerdict(
            product_id=ProductId(UUID(one["product_id"])),
            verdict=Verdict(one["verdict"]),
            by=one["by"],
            at=datetime.fromisoformat(one["at"]),
            score=one["score"],
        )
        for one in told
    )


def product_as_json(product: Product) -> dict[str, object]:
    """Return a founded product as JSON."""
    return {
        "id": str(product.id),
        "internal_sku": product.internal_sku,
        "name": product.name,
        "status": product.status.value,
        "created_at": product.created_at.isoformat(),
        "category_id": _text(product.category_id),
        "drafted_for": _text(product.drafted_for),
    }


def product_from_json(told: Mapping[str, Any]) -> Product:
    """Return the product that `product_as_json` wrote."""
    return Product(
        id=ProductId(UUID(told["id"])),
        internal_sku=told["internal_sku"],
        name=told["name"],
        status=ProductStatus(told["status"]),
        created_at=datetime.fromisoformat(told["created_at"]),
        category_id=told["category_id"] and CategoryId(UUID(told["category_id"])),
        drafted_for=told["drafted_for"] and SupplierId(UUID(told["drafted_for"])),
    )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
