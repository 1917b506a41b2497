"""One item beside one candidate: how alike they are, what each fact gave, what speaks against it.

The evidence is the weighted share of tokens that both have and the cosine of their runs of three
letters, lowered by every conflict and raised by a rare code that both have. It is not a raw
ratio of letters: those put 0.5 l beside 5 l and a model beside its sister.
"""

from dataclasses import dataclass
from typing import Final

from marketbel_core.matching.alignment import Alignment, align, bare, figures_in
from marketbel_core.matching.conflicts import Conflict, conflicts_of, silences_of
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.features import Features, Kind

__all__ = ["Certainty", "Comparison", "Sketch", "compare", "completed", "sketch"]

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

_IDENTITY_LENGTH_MIN: Final = 4
_NAME_EVIDENCE_MIN: Final = 0.5
_VOCABULARY_MIN: Final = 100
"""In a smaller catalogue a word that no product has may tell anything at all."""

_COMMON_SHARE: Final = 0.02
"""A word that one product in fifty has says what is for sale; a rarer one may say which."""

_TELLING_LENGTH_MIN: Final = 5
_WEAK_CODE_EVIDENCE_MIN: Final = 0.7
"""A code of four characters (`100Q`, `S500`) may be a size that two things share."""

_MODEL_LENGTH_MIN: Final = 6
_SUFFIX_LENGTH_MIN: Final = 2
_SUFFIXED_CREDIT_MIN: Final = 0.85
"""`UE49NU7100KXXU` is UE49NU7100 as sold in one country; one letter more is often another one."""

_MARGIN_CODE: Final = 0.1
_MARGIN_MODEL: Final = 0.5
_MARGIN_FIGURES: Final = 0.2
_MARGIN_NAME: Final = 0.15


@dataclass(frozen=True, slots=True)
class Certainty:
    """Why a pair may be linked without a person, if the runner-up is far enough.

    Attributes:
        reason: `key`, `code`, `figures` or `name`.
        margin_min: By which share of its evidence the best must lead the next, 0.0 to 1.0.
    """

    reason: str
    margin_min: float


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


def compare(item: Features, product: Features, corpus: Corpus) -> Comparison:
    """Return the comparison of an item with a product; conflicts do not depend on the order."""
    return completed(sketch(item, product, corpus), corpus)


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
        same_code=rare_code > 0 and sketched.rare_length >= _TELLING_LENGTH_MIN,
        same_model=rare_code == 1.0 and sketched.rare_length >= _MODEL_LENGTH_MIN,
    )
    silences = silences_of(alignment)
    evidence = sketched.evidence_max
    if len(alignment.pairs) == 1 and not rare_code and alignment.item_rest:
        evidence *= _LONE_WORD_FACTOR
    for conflict in conflicts:
        factor = _CONFLICT_FACTOR[conflict]
        evidence *= factor if not rare_code or conflict in _HARD else (1 + factor) / 2
    evidence *= _SILENCE_FACTOR ** len(silences)
    alone = _siblings(alignment.item_rest, corpus), _siblings(alignment.product_rest, corpus)
    for words, factor in zip(alone, _SIBLING_WORD_FACTORS, strict=True):
        evidence *= factor**words
    certainty = None
    if not conflicts:
        certainty = _certainty(sketched, corpus, evidence, alone=alone)
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


_MAY_TELL_SIBLINGS: Final = frozenset({Kind.WORD, Kind.COLOUR, Kind.EDITION})


def _siblings(rest: dict[str, Kind], corpus: Corpus) -> int:
    return sum(
        kind in _MAY_TELL_SIBLINGS and corpus.tells_siblings_apart(token)
        for token, kind in rest.items()
    )


def _certainty(
    sketched: Sketch, corpus: Corpus, evidence: float, *, alone: tuple[int, int]
) -> Certainty | None:
    """Return why a pair without conflicts may be linked, by what makes it certain."""
    alignment, rare_code = sketched.alignment, sketched.rare_code
    if rare_code == 1.0:
        return _by_code(sketched, corpus, evidence)
    if any(alone) or _coded(alignment.product_rest):
        return None
    if rare_code:
        longer = _is_a_model_with_its_suffix(sketched)
        return Certainty("model", _MARGIN_MODEL) if longer else None
    figures = 0
    for pair in alignment.pairs:
        if pair.kind in _CODED and figures_in(pair.token):
            if pair.credit < _EXACT_CREDIT_MIN:
                return None
            figures += len(bare(pair.token))
    if evidence < _NAME_EVIDENCE_MIN or _has(alignment.product_rest, Kind.QUANTITY):
        return None
    if figures >= _IDENTITY_LENGTH_MIN:
        return Certainty("figures", _MARGIN_FIGURES)
    explained = _is_explained(alignment, corpus)
    return Certainty("name", _MARGIN_NAME) if explained else None


def _by_code(sketched: Sketch, corpus: Corpus, evidence: float) -> Certainty | None:
    """Return what a rare code that both have makes of a pair.

    Boxed and bulk, with and without a lens: where products under one code differ in a word that
    the item leaves out, the code does not say which.
    """
    open_words = any(
        kind is Kind.WORD and corpus.tells_siblings_apart(token)
        for token, kind in sketched.alignment.product_rest.items()
    )
    weak = sketched.rare_length < _TELLING_LENGTH_MIN and evidence < _WEAK_CODE_EVIDENCE_MIN
    return None if open_words or weak else Certainty("code", _MARGIN_CODE)


def _is_a_model_with_its_suffix(sketched: Sketch) -> bool:
    """Tell whether the item's code is the product's and a suffix of region or colour."""
    for pair in sketched.alignment.pairs:
        if pair.kind is not Kind.CODE or not pair.twin or pair.credit < _SUFFIXED_CREDIT_MIN:
            continue
        mine, theirs = bare(pair.token), pair.twin
        if pair.token not in sketched.item.tokens:
            mine, theirs = theirs, mine
        suffix = mine.removeprefix(theirs)
        if (
            len(theirs) >= _MODEL_LENGTH_MIN
            and suffix != mine
            and len(suffix) >= _SUFFIX_LENGTH_MIN
            and not suffix[0].isdecimal()
        ):
            return True
    return False


def _is_explained(alignment: Alignment, corpus: Corpus) -> bool:
    """Tell whether neither name has a word left that may say which product it is."""
    if _has(alignment.item_rest, Kind.QUANTITY) or _has(alignment.product_rest, Kind.COLOUR):
        return False
    small = len(corpus) < _VOCABULARY_MIN
    if any(
        kind in _WORDS and (small or corpus.holders(token))
        for token, kind in alignment.item_rest.items()
    ):
        return False
    return not _has(alignment.item_rest, Kind.WORD) or not any(
        kind is Kind.WORD and corpus.holders(token) <= _COMMON_SHARE * len(corpus)
        for token, kind in alignment.product_rest.items()
    )


_CODED: Final = frozenset({Kind.CODE, Kind.NUMBER})
_WORDS: Final = frozenset({Kind.WORD, Kind.COLOUR})


def _coded(rest: dict[str, Kind]) -> bool:
    return any(kind in _CODED for kind in rest.values())


def _has(rest: dict[str, Kind], *kinds: Kind) -> bool:
    return any(kind in kinds for kind in rest.values())
