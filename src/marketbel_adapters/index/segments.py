"""The committed part of the index: keys of products in tantivy's segments, in memory."""

import threading
from collections.abc import Collection, Iterable
from typing import Final

import tantivy

__all__ = ["Segments"]

_HEAP_BYTES: Final = 50_000_000
"""What is indexed is kept apart until so much is there; one thread indexes, for one core."""

_ANYWHERE: Final = "anywhere"
_INSIDE: Final = "inside"
_SLOT: Final = "slot"
_BORN: Final = "born"
_BLANKS: Final = "blanks"
_INDEX_OPTION: Final = "basic"  # a key is in a name or not: neither counts nor places


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
        self._searcher = self._index.searcher()
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
            self._searcher = self._index.searcher()

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
            terms = [self._term(_ANYWHERE, key) for key in keys]
        else:
            terms = [self._term(_INSIDE, f"{at}|{key}") for at in sorted(shelves) for key in keys]
        if not terms:
            return []
        query = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])
        searcher = self._searcher
        hits = searcher.search(query, limit, count=False).hits
        slots = searcher.fast_field_values(_SLOT, [address for _, address in hits])
        return [(int(slot or 0), score) for slot, (score, _) in zip(slots, hits, strict=True)]

    def oldest(self, key: str, *, limit: int) -> list[int]:
        """Return up to `limit` slots that have the key, the oldest product first."""
        searcher = self._searcher
        hits = searcher.search(
            self._term(_ANYWHERE, key),
            limit,
            count=False,
            order_by_field=_BORN,
            order=tantivy.Order.Asc,
        ).hits
        slots = searcher.fast_field_values(_SLOT, [address for _, address in hits])
        return [int(slot or 0) for slot in slots]

    def _term(self, field: str, key: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, key, _INDEX_OPTION)
