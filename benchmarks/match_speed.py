"""How many items a second are matched against one large category, on one core.

Usage: python benchmarks/match_speed.py --sets FOLDER [--sizes 10000,100000,1000000] [--items 1000]

FOLDER holds the labelled sets (a folder each: catalogue.csv, items.csv, gt.csv). The catalogue is
grown from their real names by changing codes, sizes and colours, each size in a process of its
own. Asked are real lines of items.csv whose product is in it. `items_s` and `wratio_items_s` are
items by a second of processor time, which is what one core does however busy the machine is;
candidates, comparison, decision and explanation are in it. `candidate_recall` is the share of
lines whose product is among those compared, fifty at most: first by what they share and by their
letters, then the more alike in full. It counts the lines that say something about their product
that at most fifty products of the catalogue share: no fifty can be picked for "14 place dishwasher
class A". How many lines do, the recall over all of them, and how many of the products are among
those compared in full go to the standard error.
"""

import argparse
import asyncio
import csv
import gc
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from pathlib import Path
from typing import Final
from uuid import UUID

from rapidfuzz import fuzz, process, utils

from marketbel_adapters.index import TantivyCandidateIndex
from marketbel_core.catalog import MatchStatus, Money, Product, ProductStatus, SupplierItem
from marketbel_core.ids import CategoryId, ProductId, SupplierId, SupplierItemId
from marketbel_core.matching import DEFAULT_THRESHOLDS, Wanted, features_of, keys_of, link
from marketbel_core.ports import CandidateLookup

SEED: Final = 7
BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
CATEGORY: Final = CategoryId(UUID(int=1))
COMPARED_MAX: Final = 50
WRATIO_ITEMS: Final = 20
TELLING_MAX: Final = 50


SETS: Final = ("abt-buy", "pricerunner", "prosept-ru")
_REAL_SHARE: Final = 0.15
"""At most so many of the names are real: each has siblings, as in a catalogue of that size."""

_COLOURS: Final = (
    ("black", "white", "silver", "red", "blue", "grey", "green", "gold", "pink"),
    ("черный", "белый", "серый", "красный", "синий", "зеленый", "коричневый", "бежевый"),
)
_COLOUR: Final = re.compile(
    rf"\b(?:{'|'.join(word for row in _COLOURS for word in row)})\b", re.IGNORECASE
)
_FIGURED: Final = re.compile(r"[^\s,;()]*\d[^\s,;()]*")
_FIGURE: Final = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Question:
    """A line of another shop's list, and which of the real products it is.

    Attributes:
        truth: Indexes of the right names, as `real_names` orders them.
    """

    name: str
    truth: frozenset[int]


@dataclass(frozen=True, slots=True)
class RealNames:
    """The names of the sets' catalogues, and the lines of other shops about them."""

    names: list[str]
    questions: list[Question]


def real_names(folder: Path, *, seed: int) -> RealNames:
    """Read the sets; both lists are shuffled by `seed`, and no line repeats its product's name."""
    names: list[str] = []
    places: dict[tuple[str, str], int] = {}
    lines: list[tuple[str, frozenset[tuple[str, str]]]] = []
    for kind in SETS:
        truth: dict[str, set[tuple[str, str]]] = {}
        for row in _rows(folder / kind / "gt.csv"):
            truth.setdefault(row["item_id"], set()).add((kind, row["catalogue_id"]))
        for row in _rows(folder / kind / "catalogue.csv"):
            places[kind, row["id"]] = len(names)
            names.append(row["name"])
        lines += [
            (row["name"], frozenset(truth[row["id"]]))
            for row in _rows(folder / kind / "items.csv")
            if row["id"] in truth
        ]
    chance = random.Random(seed)  # noqa: S311 - a catalogue, not a secret
    order = list(range(len(names)))
    chance.shuffle(order)
    rank = {old: new for new, old in enumerate(order)}
    questions = [
        Question(name, frozenset(rank[places[product]] for product in products))
        for name, products in lines
        if all(names[places[product]].casefold() != name.casefold() for product in products)
    ]
    chance.shuffle(questions)
    return RealNames([names[old] for old in order], questions)


def grown_names(real: list[str], size: int, *, seed: int) -> Iterator[str]:
    """Return `size` names: first real ones, then siblings of these in turn."""
    kept = real[: max(1, min(len(real), int(size * _REAL_SHARE)))]
    yield from kept[:size]
    chance = random.Random(seed)  # noqa: S311 - a catalogue, not a secret
    for made in range(size - len(kept)):
        yield _sibling(kept[made % len(kept)], chance)


def questions_of(real: RealNames, size: int, *, limit: int) -> list[Question]:
    """Return up to `limit` lines whose right product is among the `size` grown names."""
    kept = max(1, min(len(real.names), int(size * _REAL_SHARE)))
    return [one for one in real.questions if max(one.truth) < kept][:limit]


def _sibling(name: str, chance: random.Random) -> str:
    """Return the name with another code, size or colour."""
    figured = list(_FIGURED.finditer(name))
    colour = _COLOUR.search(name)
    if colour and (not figured or chance.random() < 0.3):  # noqa: PLR2004 - a third by colour
        words = next(row for row in _COLOURS if colour.group().casefold() in row)
        return name[: colour.start()] + chance.choice(words) + name[colour.end() :]
    if not figured:
        russian = any("а" <= letter <= "я" for letter in name.casefold())
        return f"{name} {chance.choice(_COLOURS[russian])} {chance.randrange(1, 999)}"
    for found in chance.sample(figured, k=min(len(figured), chance.choice((1, 1, 2)))):
        piece = _FIGURE.sub(lambda _: str(chance.randrange(10)), found.group())
        name = name[: found.start()] + piece + name[found.end() :]
    return name


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def resident_mb() -> float:
    """Return the memory of this process that is in use."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def products_of(names: Iterator[str]) -> Iterator[Product]:
    for at, name in enumerate(names):
        yield Product(
            id=ProductId(UUID(int=at + 1)),
            internal_sku=f"PROD-{at}-AAAA",
            name=name,
            status=ProductStatus.ACTIVE,
            created_at=BEGAN + timedelta(seconds=at),
            category_id=CATEGORY,
        )


def item_of(question: Question, at: int) -> SupplierItem:
    return SupplierItem(
        id=SupplierItemId(UUID(int=at + 1)),
        supplier_id=SupplierId(UUID(int=2)),
        sku=str(at),
        name=question.name,
        price=Money(Decimal(1)),
        characteristics={},
        product_id=None,
        match_status=MatchStatus.UNMATCHED,
        created_at=BEGAN,
    )


def telling(questions: list[Question], size: int, real: list[str]) -> list[bool]:
    """Tell which lines share with their product what few of the catalogue's products have."""
    asked = [keys_of(features_of(question.name)) for question in questions]
    shared = [
        {key for at in question.truth for key in keys & keys_of(features_of(real[at]))}
        for question, keys in zip(questions, asked, strict=True)
    ]
    every = frozenset().union(*shared)
    held = Counter(
        key
        for name in grown_names(real, size, seed=SEED)
        for key in keys_of(features_of(name)) & every
    )
    return [any(held[key] <= TELLING_MAX for key in keys) for keys in shared]


def wanted_for(item: SupplierItem) -> Wanted:
    return Wanted(
        name=item.name, features=features_of(item.name), categories=frozenset({CATEGORY})
    )


def judged(
    lookup: CandidateLookup, items: list[SupplierItem]
) -> tuple[float, list[frozenset[int]]]:
    """Return the processor seconds that matching took, and what was compared in full."""
    compared = []
    began = time.process_time()
    for item in items:
        found = lookup.nearest(wanted_for(item), limit=COMPARED_MAX)
        link(
            item,
            [one.product for one in found],
            corpus=lookup.corpus,
            thresholds=DEFAULT_THRESHOLDS,
            candidates_max=5,
            now=BEGAN,
            review_for=timedelta(days=30),
            read={one.product.id: one.features for one in found},
        )
        compared.append(frozenset(one.product.id.int - 1 for one in found))
    return time.process_time() - began, compared


def looked_at(index: TantivyCandidateIndex, items: list[SupplierItem]) -> list[frozenset[int]]:
    """Return what was compared at all."""
    found = [index.looked_at_now(wanted_for(item), limit=COMPARED_MAX) for item in items]
    return [frozenset(product_id.int - 1 for product_id in one) for one in found]


def wratio_items_s(names: list[str], questions: list[Question]) -> float:
    """Return how many items a second plain RapidFuzz looks up among all names."""
    began = time.process_time()
    for question in questions[:WRATIO_ITEMS]:
        process.extractOne(
            question.name, names, scorer=fuzz.WRatio, processor=utils.default_process
        )
    return WRATIO_ITEMS / (time.process_time() - began)


def recall(questions: list[Question], found: list[frozenset[int]]) -> float:
    """Return for which share of the lines the right product is among those found."""
    right = sum(bool(one.truth & few) for one, few in zip(questions, found, strict=True))
    return right / len(questions)


async def measured(real: RealNames, size: int, *, limit: int) -> dict[str, float]:
    index = TantivyCandidateIndex()
    gc.collect()
    before, build_s = resident_mb(), 0.0
    for together in batched(products_of(grown_names(real.names, size, seed=SEED)), 50_000):
        began = time.perf_counter()
        await index.put(together)
        build_s += time.perf_counter() - began
    gc.collect()
    index_mb = resident_mb() - before
    questions = questions_of(real, size, limit=limit)
    items = [item_of(question, at) for at, question in enumerate(questions)]
    seconds, compared = await index.consult(lambda lookup: judged(lookup, items))
    at_all = looked_at(index, items)
    is_telling = telling(questions, size, real.names)
    told = [one for one, tells in zip(questions, is_telling, strict=True) if tells]
    sys.stderr.write(
        f"{size}: {len(items)} lines, {len(told)} of them telling; recall of all lines "
        f"{recall(questions, at_all):.3f}; among those compared in full "
        f"{recall(questions, compared):.3f}, {sum(map(len, compared)) / len(compared):.1f} a line "
        f"of {sum(map(len, at_all)) / len(at_all):.1f}\n"
    )
    items_s = len(items) / seconds
    wratio = wratio_items_s(list(grown_names(real.names, size, seed=SEED)), questions)
    return {
        "size": size,
        "items_s": round(items_s, 1),
        "wratio_items_s": round(wratio, 3),
        "ratio": round(items_s / wratio, 1),
        "candidate_recall": round(
            recall(told, [one for one, tells in zip(at_all, is_telling, strict=True) if tells]), 4
        ),
        "index_mb": round(index_mb, 1),
        "build_s": round(build_s, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--here", action="store_true", help="measure in this process")
    args = parser.parse_args()
    for size in map(int, args.sizes.split(",")):
        if args.here:
            real = real_names(args.sets, seed=SEED)
            print(json.dumps(asyncio.run(measured(real, size, limit=args.items))), flush=True)
        else:
            command = [sys.executable, __file__, "--sets", str(args.sets), "--sizes", str(size)]
            subprocess.run([*command, "--items", str(args.items), "--here"], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
