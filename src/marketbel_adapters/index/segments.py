"""The committed part of the index: keys of products in tantivy's segments, in memory."""

import threading
from collections.abc import Collection, Iterable
from typing import Final

import tantivy

__all__ = ["Segments"]

_HEAP_BYTES: Final = 200_000_000
"""What is indexed is kept apart until so much is there: 100,000 products make one segment, which
is searched in three fifths of the time that four smaller ones take. It is used only as far as
needed, and by one thread, for one core."""

_ANYWHERE: Final = "anywhere"
_INSIDE: Final = "inside"
_SLOT: Final = "slot"
_BORN: Final = "born"
_BLANKS: Final = "blanks"
_INDEX_OPTION: Final = "basic"  # a key is in a name or not: neither counts nor places

_COMMON_MIN: Final = 1_000
_COMMON_PART: Final = 20
"""A key that more than 1,000 and one in twenty products have costs as much to follow as all the
others together, and finds nothing that they do not: it is left out while they find enough."""

_HOLDERS_KEPT_MAX: Final = 100_000

type _Term = tuple[str, str]


class _Current:
    """What can be found since the last commit, and how many products have a key."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self.searcher = searcher
        self._holders: dict[_Term, int] = {}

    def held_by(self, term: _Term) -> int:
        """Return how many products have the key, those dropped since then among them."""
        count = self._holders.get(term)
        if count is None:
            if len(self._holders) >= _HOLDERS_KEPT_MAX:
                self._holders.clear()
            count = self._holders[term] = self.searcher.doc_freq(*term)
        return count


class Segments:
    """Slots by key, everywhere and by shelf. Searches and commits may run at once."""

    def __init__(self) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field(_SLOT, fast=True, indexed=True)
        builder.add_integer_field(_BORN, fast=True)
        for field in (_ANYWHERE, _INSIDE):
            builder.add_text_field(field, tokenizer_name=_BLANKS, index_option=_INDEX_OPTION)
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer(_BLANKS, analyzer)
        self._writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)
        self._current = _Current(self._index.searcher())
        self._writing = threading.Lock()

    def write(
        self, added: Iterable[tuple[int, int, int, Collection[str]]], dropped: Iterable[int]
    ) -> None:
        """Take slots in and out; visible after `commit`.

        Args:
            added: Slot, microsecond of its product's making, shelf, keys.
            dropped: Slots.
        """
        with self._writing:
            for slot in dropped:
                self._writer.delete_documents_by_term(_SLOT, slot)
            for slot, born, shelf, keys in added:
                document = tantivy.Document()
                document.add_unsigned(_SLOT, slot)
                document.add_integer(_BORN, born)
                document.add_text(_ANYWHERE, " ".join(keys))
                document.add_text(_INSIDE, " ".join([f"{shelf}|{key}" for key in keys]))
                self._writer.add_document(document)

    def commit(self) -> None:
        """Let what was written be found."""
        with self._writing:
            self._writer.commit()
            self._index.reload()
            self._current = _Current(self._index.searcher())

    def search(
        self, keys: Iterable[str], *, shelves: Collection[int] | None, limit: int
    ) -> list[tuple[int, float]]:
        """Return up to `limit` slots with their scores (BM25), the highest first.

        Args:
            keys: What is sought.
            shelves: Where; `None` means everywhere.
            limit: At least 1.
        """
        if shelves is None:
            terms = [(_ANYWHERE, key) for key in keys]
        else:
            terms = [(_INSIDE, f"{at}|{key}") for at in shelves for key in keys]
        current = self._current
        searcher = current.searcher
        counted = [(current.held_by(term), term) for term in terms]
        held = [(count, term) for count, term in counted if count]
        common = max(_COMMON_MIN, searcher.num_docs // _COMMON_PART)
        rare = [term for count, term in held if count <= common]
        hits = self._found(searcher, rare, limit)
        if len(hits) < limit and len(rare) < len(held):
            hits = self._found(searcher, [term for _, term in held], limit)
        return hits

    def _found(
        self, searcher: tantivy.Searcher, terms: list[_Term], limit: int
    ) -> list[tuple[int, float]]:
        if not terms:
            return []
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._query(*term)) for term in terms]
        )
        hits = searcher.search(query, limit, count=False).hits
        slots = searcher.fast_field_values(_SLOT, [address for _, address in hits])
        return [(int(slot or 0), score) for slot, (score, _) in zip(slots, hits, strict=True)]

    def oldest(self, key: str, *, limit: int) -> list[int]:
        """Return up to `limit` slots that have the key, the oldest product first."""
        searcher = self._current.searcher
        hits = searcher.search(
            self._query(_ANYWHERE, key),
            limit,
            count=False,
            order_by_field=_BORN,
            order=tantivy.Order.Asc,
        ).hits
        slots = searcher.fast_field_values(_SLOT, [address for _, address in hits])
        return [int(slot or 0) for slot in slots]

    def _query(self, field: str, key: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, key, _INDEX_OPTION)
