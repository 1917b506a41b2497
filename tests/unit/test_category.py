"""Where in the catalogue a supplier's category path points to."""

from collections.abc import Set as AbstractSet

import pytest

from marketbel_adapters.testing.builders import fresh_id
from marketbel_core.catalog import Category, CategoryTree
from marketbel_core.ids import CategoryId

TOOLS, DRILLS, PAINT, GARDEN, GARDEN_DRILLS = (CategoryId(fresh_id()) for _ in range(5))
TREE = CategoryTree(
    [
        Category(id=TOOLS, name="Электро-инструмент"),
        Category(id=DRILLS, name="Дрели", parent_id=TOOLS),
        Category(id=PAINT, name="Краски и лаки"),
        Category(id=GARDEN, name="Сад"),
        Category(id=GARDEN_DRILLS, name="ДРЕЛИ", parent_id=GARDEN),
    ]
)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("дрели", {DRILLS, GARDEN_DRILLS}),
        ("Электро инструмент / Дрели", {DRILLS}),
        ("Электроинструмент > Дрели", {DRILLS, GARDEN_DRILLS}),
        ("Сад|Дрели", {GARDEN_DRILLS}),
        ("Электро-инструмент", {TOOLS, DRILLS}),
        ("Сад / Дрели / Ударные", {GARDEN_DRILLS}),
        ("  КРАСКИ  и лаки. ", {PAINT}),
    ],
)
def test_the_last_part_that_names_a_category_counts_with_all_that_lies_in_it(
    path: str, meant: AbstractSet[CategoryId]
) -> None:
    assert TREE.meant_by(path) == frozenset(meant)


@pytest.mark.parametrize("path", ["", " / ", "Обувь", "Обувь / Летняя"])
def test_a_path_that_names_none_is_not_known(path: str) -> None:
    assert TREE.meant_by(path) is None


def test_categories_that_lie_in_each_other_are_each_told_once() -> None:
    one, other = CategoryId(fresh_id()), CategoryId(fresh_id())
    circle = CategoryTree(
        [
            Category(id=one, name="Один", parent_id=other),
            Category(id=other, name="Два", parent_id=one),
        ]
    )

    assert circle.meant_by("Два / Один") == frozenset({one, other})
