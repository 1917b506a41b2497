"""Candidates from tantivy: needs the extra `index`."""

from marketbel_adapters.index.candidates import TantivyCandidateIndex

__all__ = ["TantivyCandidateIndex"]
