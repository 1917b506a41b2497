"""What makes a pair certain enough to be linked without a person, if it leads clearly enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from marketbel_core.matching.alignment import Alignment, bare, figures_in
from marketbel_core.matching.corpus import Corpus
from marketbel_core.matching.features import Features, Kind
from marketbel_core.matching.sketching import Sketch

__all__ = [
    "MODEL_LENGTH_MIN",
    "TELLING_LENGTH_MIN",
    "Certainty",
    "certainty_among",
    "certainty_of",
]

_IDENTITY_LENGTH_MIN: Final = 4
_EXACT_CREDIT_MIN: Final = 0.95
_NAME_EVIDENCE_MIN: Final = 0.5
_VOCABULARY_MIN: Final = 100
"""In a smaller catalogue a word that no product has may tell anything at all."""

_COMMON_SHARE: Final = 0.02
"""A word that one product in fifty has says what is for sale; a rarer one may say which."""

TELLING_LENGTH_MIN: Final = 5
_WEAK_CODE_EVIDENCE_MIN: Final = 0.7
"""A code of four characters (`100Q`, `S500`) may be a size that two things share."""

MODEL_LENGTH_MIN: Final = 6
_SUFFIX_LENGTH_MIN: Final = 2
_SUFFIXED_CREDIT_MIN: Final = 0.85
"""`UE49NU7100KXXU` is UE49NU7100 as sold in one country; one letter more is often another one."""

_MARGIN_CODE: Final = 0.15
_MARGIN_MODEL: Final = 0.5
_MARGIN_FIGURES: Final = 0.2
_MARGIN_NAME: Final = 0.15
_MARGIN_USUAL: Final = 0.3
_USUAL_SHARE: Final = 0.3
_NEIGHBOURS_MIN: Final = 8
"""What three of ten products that were found say, though nobody asked for it, goes without
saying; among fewer than eight a share means nothing."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """Why a pair may be linked without a person, if the runner-up is far enough.

    Attributes:
        reason: `key`, `code`, `figures` or `name`.
        margin_min: By which share of its evidence the best must lead the next, 0.0 to 1.0.
    """

    reason: str
    margin_min: float


def certainty_of(
    sketched: Sketch, corpus: Corpus, evidence: float, *, alone: tuple[int, int]
) -> Certainty | None:
    """Return why a pair without conflicts may be linked, by what makes it certain.

    Args:
        evidence: With all that speaks against the pair.
        alone: How many words that tell siblings apart either side alone has.
    """
    if sketched.rare_code == 1.0:
        return _by_code(sketched, corpus, evidence)
    alignment = sketched.alignment
    if any(alone) or _coded(alignment.product_rest):
        return None
    if sketched.rare_code:
        longer = _is_a_model_with_its_suffix(sketched)
        return Certainty("model", _MARGIN_MODEL) if longer else None
    if evidence < _NAME_EVIDENCE_MIN or _has(alignment.product_rest, Kind.QUANTITY):
        return None
    return _by_name(alignment, corpus)


def certainty_among(
    alignment: Alignment, neighbours: Sequence[Features], corpus: Corpus, *, evidence: float
) -> Certainty | None:
    """Return whether what either side alone says is usual among the products that were found.

    A word of the product that the item leaves out is usual when many of the products that were
    found without it have it: a brand, a kind. A word of the item alone must not be another one's
    place-holder: some product has both ("mild" and "hot" of ketchup never meet in one name).

    Args:
        neighbours: The products that were found for the item, by what the item says.
        evidence: With all that speaks against the pair, which has no conflict and no rare code.
    """
    left = alignment.item_rest.keys() | alignment.product_rest.keys()
    kinds = {*alignment.item_rest.values(), *alignment.product_rest.values()}
    if evidence < _NAME_EVIDENCE_MIN or not kinds <= {Kind.WORD}:
        return None
    if any(map(corpus.tells_siblings_apart, left)) or _misspells_a_figure(alignment):
        return None
    missing = alignment.product_rest.keys()
    if len(neighbours) < _NEIGHBOURS_MIN:
        return None
    known = [token for token in alignment.item_rest if corpus.holders(token)]
    for word in missing:
        having = [one.tokens for one in neighbours if word in one.tokens]
        if len(having) < _USUAL_SHARE * len(neighbours):
            return None
        if not all(any(own in tokens for tokens in having) for own in known):
            return None
    return Certainty("usual", _MARGIN_USUAL)


def _misspells_a_figure(alignment: Alignment) -> bool:
    return any(
        pair.credit < _EXACT_CREDIT_MIN and pair.kind in _CODED and figures_in(pair.token)
        for pair in alignment.pairs
    )


def _by_name(alignment: Alignment, corpus: Corpus) -> Certainty | None:
    if _misspells_a_figure(alignment):
        return None
    figured = [pair for pair in alignment.pairs if pair.kind in _CODED and figures_in(pair.token)]
    if sum(len(bare(pair.token)) for pair in figured) >= _IDENTITY_LENGTH_MIN:
        return Certainty("figures", _MARGIN_FIGURES)
    return Certainty("name", _MARGIN_NAME) if _is_explained(alignment, corpus) else None


def _by_code(sketched: Sketch, corpus: Corpus, evidence: float) -> Certainty | None:
    """Return what a rare code that both have makes of a pair.

    Boxed and bulk, with and without a lens: where products under one code differ in a word that
    the item leaves out, the code does not say which.
    """
    open_words = any(
        kind is Kind.WORD and corpus.tells_siblings_apart(token)
        for token, kind in sketched.alignment.product_rest.items()
    )
    weak = sketched.rare_length < TELLING_LENGTH_MIN and evidence < _WEAK_CODE_EVIDENCE_MIN
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
            len(theirs) >= MODEL_LENGTH_MIN
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
