"""`marketbel review` on a real database, as a person or a program calls it."""

import json
import os
import subprocess
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketbel_adapters.postgres.catalog import PostgresCatalog
from marketbel_adapters.postgres.url import create_engine
from marketbel_adapters.testing.builders import a_product
from marketbel_adapters.testing.catalog_steps import (
    a_priced_row,
    claimed,
    doubted,
    merged,
    recorded,
    stored_product,
    stored_supplier,
)
from marketbel_core.catalog import Product, SupplierItem
from marketbel_core.ids import parse_product_id
from marketbel_core.ports import Catalog
from tests.system.forked import run_command

pytestmark = [pytest.mark.postgres, pytest.mark.processes]


class Desk:
    """The command line beside a catalogue with one doubtful item and its two candidates."""

    def __init__(
        self, catalog: Catalog, url: str, item: SupplierItem, products: list[Product]
    ) -> None:
        self.catalog = catalog
        self.url = url
        self.item = item
        self.products = products

    def call(self, *arguments: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        return self.run("review", *arguments, status=status)

    def run(self, *arguments: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "DATABASE_URL": self.url, "REDIS_URL": ""}
        done = run_command(*arguments, environment=environment)
        assert done.returncode == status, done.stderr
        return done

    def told(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        found = json.loads(self.call(*arguments, "--json", status=status).stdout)
        assert isinstance(found, dict)
        return found


@pytest.fixture
async def desk(migrated_database_url: str) -> AsyncIterator[Desk]:
    engine = create_engine(migrated_database_url)
    catalog = PostgresCatalog(engine)
    supplier = await stored_supplier(catalog, name="Насосы и К°")
    products = [await stored_product(catalog, name=name) for name in ("Насос X1", "Насос X2")]
    await merged(catalog, supplier.id, a_priced_row("a", "5.00"))
    [item] = await claimed(catalog, supplier.id)
    await recorded(catalog, doubted(item, *products))
    yield Desk(catalog, migrated_database_url, item, products)
    await engine.dispose()


async def test_a_person_lists_approves_and_takes_it_back(desk: Desk) -> None:
    item_id, second = str(desk.item.id), str(desk.products[1].id)

    [waiting] = desk.told("ls")["items"]
    approved = desk.told("approve", item_id, "2", "--by", "Анна")
    after = desk.told("show", item_id)
    undone = desk.told("undo", item_id)

    assert (waiting["item_id"], waiting["supplier"]) == (item_id, "Насосы и К°")
    assert [one["product_name"] for one in waiting["candidates"]] == ["Насос X1", "Насос X2"]
    assert (approved["product_id"], approved["by"]) == (second, "Анна")
    assert (after["match_status"], after["queue_status"]) == ("verified_match", "approved")
    assert [(one["verdict"], one["by"]) for one in after["verdicts"]] == [("same", "Анна")]
    assert undone["undone"] is True
    assert desk.told("ls")["items"] == [waiting]
    assert desk.told("undo", item_id, status=1)["code"] == "review.nothing_to_undo"


async def test_people_are_shown_what_programs_are_told(desk: Desk) -> None:
    item_id = str(desk.item.id)

    assert "Насос X1" in desk.call("ls").stdout
    assert "review queue: pending 1" in desk.call("ls").stdout
    desk.call("unsure", item_id, "1", "--by", "Анна")
    shown = desk.call("show", item_id).stdout

    assert "  1.  81.5  Насос X1" in shown
    assert "verdict    unsure" in shown


async def test_a_rejection_sets_the_price_of_the_product_that_it_founds(desk: Desk) -> None:
    rejected = desk.told("reject", str(desk.item.id), "--name", "Насос X3")
    product_id = parse_product_id(rejected["product_id"])

    async with desk.catalog.unit() as unit:
        founded = await unit.reviews.product(product_id)
        [offer] = await unit.items.offers_of([product_id])
    assert founded is not None
    assert (founded.name, offer.price.amount) == ("Насос X3", Decimal("5.00"))
    assert desk.told("show", str(desk.item.id))["candidates"] == []


async def test_verdicts_leave_and_come_back(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.jsonl"
    desk.call("reject", str(desk.item.id), "--by", "Анна")

    desk.call("export", str(file))
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    unknown = {**lines[0], "item_id": str(a_product().id), "sku": "another"}
    file.write_text("\n".join(json.dumps(line) for line in [*lines, unknown]), encoding="utf-8")

    assert sorted(line["verdict"] for line in lines) == ["different", "different", "same"]
    told = desk.told("import", str(file), status=1)
    assert (told["read"], told["unknown_lines"]) == (3, [4])
    file.write_text('{"verdict": "maybe"}\n', encoding="utf-8")
    assert desk.told("import", str(file), status=1)["code"] == "review.bad_line"


async def test_thresholds_are_told_from_verdicts_and_none_is_changed(desk: Desk) -> None:
    desk.call("approve", str(desk.item.id), "1")
    tuned = desk.run("match", "tune", "--json")

    told = json.loads(tuned.stdout)
    by_threshold = {one["threshold"]: one for one in told["thresholds"]}
    assert (by_threshold[80.0]["judged"], by_threshold[80.0]["same"]) == (1, 1)
    assert by_threshold[85.0]["precision"] is None
    assert told["proposed_link_min"] is None
    assert "MATCH_AUTO_THRESHOLD stays at 95" in tuned.stderr


async def test_what_cannot_be_meant_is_refused_with_its_code(desk: Desk) -> None:
    item_id = str(desk.item.id)

    assert desk.told("approve", item_id, "3", status=1)["code"] == "review.no_candidate"
    assert desk.told("show", str(a_product().id), status=1)["code"] == "item.not_found"
    assert desk.told("unlink", item_id, status=1)["code"] == "review.not_linked"
