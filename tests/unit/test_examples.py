"""The example lists: what the demo shows must not depend on which supplier is first."""

import csv
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from itertools import permutations
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from marketbel_adapters.sources.reading import Wish, open_list
from marketbel_adapters.sources.workbook_grids import workbook_grids
from marketbel_core.catalog import MatchStatus, Product, ProductStatus, SupplierItem
from marketbel_core.ids import ProductId, SupplierId, SupplierItemId
from marketbel_core.intake import AcceptedRow, Cell, ReadRows, gathered
from marketbel_core.matching import (
    DEFAULT_THRESHOLDS,
    Blocks,
    Corpus,
    Drafted,
    ForReview,
    Linked,
    MatchOutcome,
    features_of,
    link,
    rank,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIGURES = {
    "grodno-food.xlsx": {"linked": 56, "review": 11, "drafts": 16, "rejected": 0},
    "sever-household.csv": {"linked": 36, "review": 7, "drafts": 17, "rejected": 0},
    "sever-sale.xlsx": {"linked": 45, "review": 3, "drafts": 5, "rejected": 14},
    "amber-light.csv": {"linked": 45, "review": 7, "drafts": 18, "rejected": 0},
}


@cache
def _suppliers() -> dict[str, SupplierId]:
    """Return the owner of each list."""
    plan = json.loads((EXAMPLES / "demo.json").read_text(encoding="utf-8"))
    return {
        a_list["file"]: SupplierId(uuid5(NAMESPACE_URL, supplier["name"]))
        for supplier in plan["suppliers"]
        for a_list in supplier["lists"]
    }


@cache
def _rows(file: str) -> ReadRows:
    """Return the rows without starting a process: unit tests start none."""
    with (EXAMPLES / file).open("rb") as opened:
        return gathered(open_list(opened, Wish()).events)


def _cells(content: bytes) -> dict[str, list[Sequence[Cell]]]:
    """Return the rows of each sheet of a workbook."""
    grids, _ = workbook_grids(BytesIO(content))
    return {grid.name: list(grid.rows) for grid in grids}


@cache
def _catalogue() -> tuple[Product, ...]:
    with (EXAMPLES / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Product(
                id=ProductId(uuid5(NAMESPACE_URL, row["internal_sku"])),
                internal_sku=row["internal_sku"],
                name=row["name"],
                status=ProductStatus.ACTIVE,
                created_at=NOW,
            )
            for row in csv.DictReader(file)
        )


def _item(row: AcceptedRow, supplier_id: SupplierId) -> SupplierItem:
    return SupplierItem(
        id=SupplierItemId(uuid5(UUID(str(supplier_id)), row.sku)),
        supplier_id=supplier_id,
        sku=row.sku,
        name=row.name,
        price=row.price,
        characteristics=row.characteristics,
        product_id=None,
        match_status=MatchStatus.UNMATCHED,
        created_at=NOW,
    )


def _outcomes(file: str, blocks: Blocks) -> list[MatchOutcome]:
    """Return what becomes of a list's rows; its drafts join the catalogue after each row."""
    outcomes = []
    for row in _rows(file).accepted:
        item = _item(row, _suppliers()[file])
        outcome = link(
            item,
            blocks.nearest(item.name, limit=40),
            corpus=blocks.corpus,
            thresholds=DEFAULT_THRESHOLDS,
            candidates_max=5,
            now=NOW + timedelta(days=1),
            review_for=timedelta(days=30),
        )
        if isinstance(outcome, Drafted):
            blocks.put([outcome.product])
        outcomes.append(outcome)
    return outcomes


def _figures(file: str, outcomes: list[MatchOutcome]) -> dict[str, int]:
    kinds = Counter(type(outcome) for outcome in outcomes)
    return {
        "linked": kinds[Linked],
        "review": kinds[ForReview],
        "drafts": kinds[Drafted],
        "rejected": len(_rows(file).without_item),
    }


@cache
def _corpus() -> Corpus:
    return Corpus(features_of(product.name) for product in _catalogue())


def _scores(item: str, others: Sequence[str]) -> list[tuple[str, str, float]]:
    """Return the item's match scores beside `others` and the catalogue, the best first."""
    names = [*others, *(product.name for product in _catalogue())]
    ranked = rank(features_of(item), [features_of(name) for name in names], _corpus())
    return [(item, names[one.index], one.score) for one in ranked]


@cache
def _alone() -> dict[str, list[MatchOutcome]]:
    """Return the outcomes of each list beside the starting catalogue only."""
    outcomes = {}
    for file in FIGURES:
        blocks = Blocks()
        blocks.put(_catalogue())
        outcomes[file] = _outcomes(file, blocks)
    return outcomes


@pytest.mark.parametrize("order", list(permutations(FIGURES)), ids="-".join)
def test_the_figures_are_the_same_in_every_order_of_the_lists(order: tuple[str, ...]) -> None:
    blocks = Blocks()
    blocks.put(_catalogue())

    figures = {file: _figures(file, _outcomes(file, blocks)) for file in order}

    assert figures == FIGURES


def test_no_item_is_near_a_new_article_of_another_supplier() -> None:
    outcomes = [outcome for outcomes in _alone().values() for outcome in outcomes]
    drafts = [outcome.item for outcome in outcomes if isinstance(outcome, Drafted)]

    near = []
    for outcome in outcomes:
        item = outcome.item
        others = [one.name for one in drafts if one.supplier_id != item.supplier_id]
        near += [
            told for told in _scores(item.name, others) if told[1] in others and told[2] >= 68
        ]

    assert near == []


def test_linked_and_doubtful_items_keep_away_from_the_thresholds() -> None:
    scores = [
        (type(outcome).__name__, outcome.item.name, outcome.score)
        for outcomes in _alone().values()
        for outcome in outcomes
        if isinstance(outcome, Linked | ForReview)
    ]

    doubtful = [
        (kind, name, score)
        for kind, name, score in scores
        if (kind == "Linked" and score < 97) or (kind == "ForReview" and not 70 <= score <= 93)
    ]

    assert doubtful == []


def test_one_product_is_offered_by_two_suppliers_at_different_prices() -> None:
    offers: dict[ProductId, dict[SupplierId, str]] = {}
    for outcomes in _alone().values():
        for outcome in outcomes:
            if isinstance(outcome, Linked):
                prices = offers.setdefault(outcome.product_id, {})
                prices[outcome.item.supplier_id] = str(outcome.item.price.amount)

    shared = [prices for prices in offers.values() if len(set(prices.values())) > 1]

    assert len(shared) >= 20


def test_no_two_rows_of_one_supplier_have_the_same_sku() -> None:
    skus = [(_suppliers()[file], row.sku) for file in FIGURES for row in _rows(file).accepted]

    assert len(skus) == len(set(skus))


def test_writing_the_examples_again_changes_nothing(tmp_path: Path) -> None:
    script = EXAMPLES / "make_examples.py"

    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)

    for path in sorted(tmp_path.iterdir()):
        committed = (EXAMPLES / path.name).read_bytes()
        if path.suffix == ".xlsx":  # how well zlib packs may differ, the cells may not
            assert _cells(path.read_bytes()) == _cells(committed)
        else:
            assert path.read_bytes() == committed
