"""What a list says of an item beside its name: brand, maker's article, GTIN, price, category."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from marketbel_core.catalog import ExchangeRates, Money, SupplierItem
from marketbel_core.ids import ProductId, SupplierId, SupplierItemId
from marketbel_core.matching.blocking import whole_name_key
from marketbel_core.matching.features import Features, described, features_of

__all__ = [
    "BARCODE_KEY",
    "BRAND_KEY",
    "CATEGORY_KEY",
    "VENDOR_CODE_KEY",
    "Columns",
    "ItemKeys",
    "SharedKeys",
    "beside",
    "columns_of",
    "item_features",
    "keys_of_item",
    "offered_features",
    "text_in_column",
]

BRAND_KEY: Final = "brand"
VENDOR_CODE_KEY: Final = "vendor_code"
BARCODE_KEY: Final = "barcode"
CATEGORY_KEY: Final = "_category"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the columns beside a name say, as the list writes it; empty where it says nothing."""

    brand: str = ""
    vendor_code: str = ""
    barcode: str = ""
    price: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKeys:
    """By what an item is found again, whatever its name looks like.

    Attributes:
        name: All that its name says; within one supplier, an item of the same is the same item.
        vendor_code: The maker's article without separators, or empty.
        gtin: 14 figures whose check digit holds, or empty.
    """

    item_id: SupplierItemId
    supplier_id: SupplierId
    name: str
    vendor_code: str = ""
    gtin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedKeys:
    """Products to which items are linked that share keys with one item.

    Attributes:
        by_code: Of an equal GTIN or maker's article, whoever offers them.
        by_name: Of the very name, offered by the item's own supplier.
    """

    by_code: frozenset[ProductId] = frozenset()
    by_name: frozenset[ProductId] = frozenset()


def columns_of(item: SupplierItem) -> Columns:
    """Return what the item's list says beside its name."""
    said = item.characteristics
    return Columns(
        brand=text_in_column(said.get(BRAND_KEY)),
        vendor_code=text_in_column(said.get(VENDOR_CODE_KEY)),
        barcode=text_in_column(said.get(BARCODE_KEY)),
        price=item.price,
    )


def item_features(item: SupplierItem, *, rates: ExchangeRates) -> Features:
    """Return the features of the item's name with what its columns say."""
    return _described(features_of(item.name), columns_of(item), rates)


def keys_of_item(item: SupplierItem, features: Features) -> ItemKeys:
    """Return by what the item is found again; `features` are its own."""
    return ItemKeys(
        item_id=item.id,
        supplier_id=item.supplier_id,
        name=whole_name_key(item.name, features_of(item.name)),
        vendor_code=features.vendor_code,
        gtin=features.gtin,
    )


def offered_features(
    named: Features, offers: Iterable[Columns], *, rates: ExchangeRates
) -> tuple[Features, ...]:
    """Return the features of a product's name as each of its offers completes them.

    All have the lowest price: suppliers may disagree about a code, and the price is one.
    """
    told = list(offers)
    if not told:
        return (named,)
    worths = [worth for one in told if one.price and (worth := rates.worth(one.price))]
    price = float(min(worths)) if worths else None
    said = dict.fromkeys((one.brand, one.vendor_code, one.barcode) for one in told)
    return tuple(
        described(named, brand=brand, code=code, gtin=gtin, price=price)
        for brand, code, gtin in said
    )


def beside(item: Features, offered: Sequence[Features]) -> Features:
    """Return those features of a product that share most with the item; the earlier of equals."""
    if len(offered) == 1:
        return offered[0]
    return max(offered, key=lambda one: _nearness(item, one))


def _nearness(item: Features, product: Features) -> tuple[bool, bool, bool, int]:
    return (
        bool(item.gtin) and item.gtin == product.gtin,
        bool(item.vendor_code) and item.vendor_code == product.vendor_code,
        bool(item.brand) and item.brand == product.brand,
        bool(product.gtin) + bool(product.vendor_code) + bool(product.brand),
    )


def _described(named: Features, said: Columns, rates: ExchangeRates) -> Features:
    worth = rates.worth(said.price) if said.price else None
    return described(
        named,
        brand=said.brand,
        code=said.vendor_code,
        gtin=said.barcode,
        price=float(worth) if worth else None,
    )


def text_in_column(value: object) -> str:
    """Return what a column says; numbers as their figures, anything else than text as nothing."""
    if isinstance(value, bool) or value is None:
        return ""
    return str(value).strip() if isinstance(value, str | int | float) else ""
