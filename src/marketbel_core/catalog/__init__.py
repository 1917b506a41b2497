"""What is bought and sold: money, suppliers, their items, our products and their aggregates."""

from marketbel_core.catalog.aggregates import (
    Offer,
    ProductAggregates,
    aggregate,
    alike_as_one,
    without_worth,
)
from marketbel_core.catalog.category import Category, CategoryTree
from marketbel_core.catalog.given_layout import GivenLayout
from marketbel_core.catalog.item import (
    CURRENCY_KEY,
    ENRICHED_KEY,
    RETAIL_PRICE_KEY,
    STOCK_KEY,
    WHOLESALE_PRICE_KEY,
    MatchStatus,
    SupplierItem,
    as_listed,
    is_in_stock,
    price_currency_key,
    price_key,
)
from marketbel_core.catalog.money import (
    AMOUNT_MAX,
    CURRENCIES,
    DEFAULT_CURRENCY,
    UNKNOWN_CURRENCY,
    Money,
)
from marketbel_core.catalog.product import Product, ProductStatus, draft_id, internal_sku
from marketbel_core.catalog.rates import ExchangeRates
from marketbel_core.catalog.supplier import (
    FileType,
    SourceRef,
    SourceType,
    Supplier,
    shown_location,
)

__all__ = [
    "AMOUNT_MAX",
    "CURRENCIES",
    "CURRENCY_KEY",
    "DEFAULT_CURRENCY",
    "ENRICHED_KEY",
    "RETAIL_PRICE_KEY",
    "STOCK_KEY",
    "UNKNOWN_CURRENCY",
    "WHOLESALE_PRICE_KEY",
    "Category",
    "CategoryTree",
    "ExchangeRates",
    "FileType",
    "GivenLayout",
    "MatchStatus",
    "Money",
    "Offer",
    "Product",
    "ProductAggregates",
    "ProductStatus",
    "SourceRef",
    "SourceType",
    "Supplier",
    "SupplierItem",
    "aggregate",
    "alike_as_one",
    "as_listed",
    "draft_id",
    "internal_sku",
    "is_in_stock",
    "price_currency_key",
    "price_key",
    "shown_location",
    "without_worth",
]
