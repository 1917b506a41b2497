"""Categories: where in the catalogue a supplier's own category points to."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from marketbel_core.ids import CategoryId

__all__ = ["Category", "CategoryTree"]

_STEPS: Final = re.compile(r"\s*(?:/|\\|>|\||→|»)\s*")
_BLANKS: Final = re.compile(r"[\s\-–—_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One category of the catalogue.

    Attributes:
        parent_id: The category that it lies in; `None` for a root.
    """

    id: CategoryId
    name: str
    parent_id: CategoryId | None = None


class CategoryTree:
    """The catalogue's categories, looked up by what suppliers write."""

    def __init__(self, categories: Iterable[Category]) -> None:
        self._categories = {category.id: category for category in categories}
        self._named: defaultdict[str, list[CategoryId]] = defaultdict(list)
        self._children: defaultdict[CategoryId, list[CategoryId]] = defaultdict(list)
        for category in self._categories.values():
            self._named[_folded(category.name)].append(category.id)
            if category.parent_id is not None:
                self._children[category.parent_id].append(category.id)

    def meant_by(self, path: str) -> frozenset[CategoryId] | None:
        """Return the categories that a supplier's path names with all that lie in them.

        The last part of the path that names a category counts, letter case, blanks and dashes
        aside. Of namesakes those count under which most of the path lies. `None` means that no
        part names any: the category is not known.
        """
        steps = [folded for step in _STEPS.split(path) if (folded := _folded(step))]
        for depth in range(len(steps), 0, -1):
            namesakes = self._named.get(steps[depth - 1])
            if namesakes:
                above = frozenset(steps[: depth - 1])
                shared = {one: len(above & set(self._names_above(one))) for one in namesakes}
                most = max(shared.values())
                return self.within(one for one, count in shared.items() if count == most)
        return None

    def within(self, roots: Iterable[CategoryId]) -> frozenset[CategoryId]:
        """Return these categories with all that lie in them."""
        found: set[CategoryId] = set()
        waiting = list(roots)
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._children.get(one, ())
        return frozenset(found)

    def _names_above(self, category_id: CategoryId) -> Iterator[str]:
        seen = {category_id}
        parent = self._categories[category_id].parent_id
        while parent is not None and parent in self._categories and parent not in seen:
            seen.add(parent)
            yield _folded(self._categories[parent].name)
            parent = self._categories[parent].parent_id


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    return _BLANKS.sub(" ", text).strip(" .,:;")
