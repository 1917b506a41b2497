"""What two names have in common: the cheaper half of a comparison.

The share of tokens that both have, weighted by what each tells, and the cosine of their runs of
three letters, raised by a rare code that both have.
"""

from dataclasses import dataclass
from typing import Final

from marketbel_core.matching.alignment import Alignment, align, bare, figures_in
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.features import Features, Kind

__all__ = ["Sketch", "sketch"]

_OVERLAP_SHARE: Final = 0.4
"""Tokens know what a thing is, letters survive misspelling and glued words: 40 to 60."""

_RARE_HOLDERS_MAX: Final = 2
"""A code that at most two products have is as good as a name; two for a catalogue's own double."""

_RARE_LENGTH_MIN: Final = 4
_RARE_FIGURES_MIN: Final = 2
_LONG_CODE_MIN: Final = 6
_RARE_CREDIT_MIN: Final = 0.55
_EXACT_CREDIT_MIN: Final = 0.95
_RARE_CODE_GAIN: Final = 0.45
"""A shared rare code closes nearly half of the distance to certainty."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """The cheaper half of a comparison: what the two have in common.

    Attributes:
        rare_length: Characters of the longest rare code that both spell alike.
        evidence_max: 0.0 to 1.0; what speaks against the pair only lowers it.
    """

    item: Features
    product: Features
    alignment: Alignment
    overlap: float
    cosine: float
    rare_code: float
    rare_length: int
    evidence_max: float


def sketch(item: Features, product: Features, corpus: Corpus) -> Sketch:
    """Return what an item and a product have in common."""
    alignment = align(item, product)
    if not alignment.pairs:
        return Sketch(item, product, alignment, 0.0, 0.0, 0.0, 0, 0.0)
    overlap, rare_code, rare_length = _weighed(alignment, corpus)
    if item.vendor_code and item.vendor_code == product.vendor_code:
        rare_code, rare_length = 1.0, max(rare_length, len(item.vendor_code))
    cosine = corpus.cosine(item.text, product.text)
    evidence = _OVERLAP_SHARE * overlap + (1 - _OVERLAP_SHARE) * cosine
    evidence += (1 - evidence) * _RARE_CODE_GAIN * rare_code
    return Sketch(item, product, alignment, overlap, cosine, rare_code, rare_length, evidence)


def _weighed(alignment: Alignment, corpus: Corpus) -> tuple[float, float, int]:
    """Return the weighted share of tokens that both have, how far a rare code is shared, and
    how long the longest is that both have."""
    shared = rare_code = 0.0
    length = 0
    for pair in alignment.pairs:
        shared += corpus.weight(pair.token, pair.kind) * pair.credit
        if pair.credit >= _RARE_CREDIT_MIN and _is_rare_code(pair.token, pair.kind, corpus):
            rare_code = max(rare_code, pair.credit)
            length = max(length, len(bare(pair.token)))
    rest = sum(
        corpus.weight(token, kind)
        for tokens in (alignment.item_rest, alignment.product_rest)
        for token, kind in tokens.items()
    )
    whole = 2 * shared + rest
    overlap = 2 * shared / whole if whole else 0.0
    return overlap, 1.0 if rare_code >= _EXACT_CREDIT_MIN else rare_code, length


def _is_rare_code(token: str, kind: Kind, corpus: Corpus) -> bool:
    return (
        kind is Kind.CODE
        and len(token) >= _RARE_LENGTH_MIN
        and corpus.holders(token) <= _RARE_HOLDERS_MAX
        and (figures_in(token) >= _RARE_FIGURES_MIN or len(token) >= _LONG_CODE_MIN)
    )
