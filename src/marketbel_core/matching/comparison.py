"""One item beside one candidate: how alike they are, what each fact gave, what speaks against it.

The evidence is the weighted share of tokens that both have and the cosine of their runs of three
letters, lowered by every conflict and raised by a rare code that both have. It is not a raw
ratio of letters: those put 0.5 l beside 5 l and a model beside its sister.
"""

from dataclasses import dataclass
from typing import Final

from marketbel_core.matching.alignment import Alignment
from marketbel_core.matching.certainty import (
    MODEL_LENGTH_MIN,
    TELLING_LENGTH_MIN,
    Certainty,
    certainty_of,
)
from marketbel_core.matching.conflicts import Conflict, conflicts_of, silences_of
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.features import Features, Kind
from marketbel_core.matching.sketching import Sketch, sketch

__all__ = ["Comparison", "compare", "completed"]

_CONFLICT_FACTOR: Final[dict[Conflict, float]] = {
    # The surer it says "another thing", and the less it is said by mistake, the lower.
    Conflict.CODE: 0.6,
    Conflict.TWIN_CODE: 0.6,
    Conflict.NUMBER: 0.7,
    Conflict.QUANTITY: 0.55,
    Conflict.PACK: 0.7,
    Conflict.COLOUR: 0.8,
    Conflict.EDITION: 0.8,
    Conflict.ACCESSORY: 0.6,
    Conflict.SUBSTITUTE: 0.7,
    Conflict.BRAND: 0.7,
    Conflict.SIBLING: 0.7,
    Conflict.PRICE: 0.8,
    Conflict.VENDOR_CODE: 0.7,
}
_CONTRADICTED_FACTOR: Final = 0.8
"""Whatever it is that speaks against a pair, one of which nothing does is the likelier one."""

_HARD: Final = frozenset(
    {
        Conflict.TWIN_CODE,
        Conflict.QUANTITY,
        Conflict.PACK,
        Conflict.SUBSTITUTE,
        Conflict.ACCESSORY,
        Conflict.BRAND,
    }
)
"""Beside a shared rare code the others weigh half: a code is copied with more care than words."""

_LONE_WORD_FACTOR: Final = 0.65
"""One word alone that two names share is a coincidence: spirals of pasta, a spiral notebook."""

_SILENCE_FACTOR: Final = 0.97
_SIBLING_WORD_FACTORS: Final = (0.85, 0.93)
"""A word that tells siblings apart and stands on one side alone: on the item's, the product's.

The item says what it is; a product's name also tells what any buyer takes for granted."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one pair compares.

    Attributes:
        evidence: 0.0 to 1.0.
        overlap: The weighted share of tokens that both have, 0.0 to 1.0.
        cosine: How alike the letters are, 0.0 to 1.0.
        rare_code: 1.0 when they share a rare code, less when it is a variant of it, else 0.0.
        conflicts: What speaks against the pair.
        silences: Kinds of facts that one side alone names.
        certainty: Present when the pair may be linked without a person.
        alignment: What stood for what, and what was left on either side.
    """

    evidence: float
    overlap: float
    cosine: float
    rare_code: float
    conflicts: tuple[Conflict, ...]
    silences: tuple[Kind, ...]
    certainty: Certainty | None
    alignment: Alignment


def compare(item: Features, product: Features, corpus: Corpus) -> Comparison:
    """Return the comparison of an item with a product; conflicts do not depend on the order."""
    return completed(sketch(item, product, corpus), corpus)


def completed(sketched: Sketch, corpus: Corpus) -> Comparison:
    """Return the comparison with what speaks against the pair."""
    alignment, rare_code = sketched.alignment, sketched.rare_code
    if not alignment.pairs:
        return Comparison(0.0, 0.0, 0.0, 0.0, (), (), None, alignment)
    conflicts = conflicts_of(
        sketched.item,
        sketched.product,
        alignment,
        corpus,
        same_code=rare_code > 0 and sketched.rare_length >= TELLING_LENGTH_MIN,
        same_model=rare_code == 1.0 and sketched.rare_length >= MODEL_LENGTH_MIN,
    )
    silences = silences_of(alignment)
    evidence = sketched.evidence_max
    if len(alignment.pairs) == 1 and not rare_code and alignment.item_rest:
        evidence *= _LONE_WORD_FACTOR
    if conflicts:
        evidence *= _CONTRADICTED_FACTOR
    for conflict in conflicts:
        factor = _CONFLICT_FACTOR[conflict]
        evidence *= factor if not rare_code or conflict in _HARD else (1 + factor) / 2
    evidence *= _SILENCE_FACTOR ** len(silences)
    alone = _siblings(alignment.item_rest, corpus), _siblings(alignment.product_rest, corpus)
    for words, factor in zip(alone, _SIBLING_WORD_FACTORS, strict=True):
        evidence *= factor**words
    certainty = None
    if not conflicts:
        certainty = certainty_of(sketched, corpus, evidence, alone=alone)
    return Comparison(
        evidence,
        sketched.overlap,
        sketched.cosine,
        rare_code,
        conflicts,
        silences,
        certainty,
        alignment,
    )


_MAY_TELL_SIBLINGS: Final = frozenset({Kind.WORD, Kind.COLOUR, Kind.EDITION})


def _siblings(rest: dict[str, Kind], corpus: Corpus) -> int:
    return sum(
        kind in _MAY_TELL_SIBLINGS and corpus.tells_siblings_apart(token)
        for token, kind in rest.items()
    )
