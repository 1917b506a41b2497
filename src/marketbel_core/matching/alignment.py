"""Which tokens of two names stand for each other: equal, spelt apart, inflected, mistyped."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from marketbel_core.matching.features import Features, Kind

__all__ = ["Alignment", "Pair", "align", "amount_of", "bare", "figures_in"]

_TYPO_LENGTH_MIN: Final = 6
"""In shorter words one letter is a meaning: AA and AAA, XL and XXL, Lite and Elite."""

_START_LENGTH_MIN: Final = 4
"""A shorter beginning is shared by words that have nothing to do with each other."""

_SHORT_LENGTH_MIN: Final = 3
"""Three letters may stand for a word that is nearly twice as long: `фас.` for `фасадная`."""

_ROOT_LENGTH_MIN: Final = 5
_ROOT_SHARE_MIN: Final = 0.7
"""Words that share five letters and 70 % of the longer one are forms of one word."""

_JOINED_MAX: Final = 4
"""A model code is spelt in up to four pieces: `NM 11 946 GC`."""

_JOINED_LENGTH_MAX: Final = 24
_CODE_LENGTH_MIN: Final = 5
_SUFFIX_LENGTH_MIN: Final = 7
_CONFUSED: Final = str.maketrans("oil", "011")
"""Letters that people take for figures when they copy a code."""

_EQUAL: Final = 1.0
_SPELT_APART: Final = 0.97
_CONFUSABLE: Final = 0.9
_LONGER: Final = 0.9  # one code is the other's beginning: a suffix of region or colour
_OTHER_ENDING: Final = 0.6  # the same up to the last figure: another suffix
_SHORTENED: Final = 0.8  # one code is the other's end: a prefix of the maker's
_MISTYPED: Final = 0.9
_BEGINNING: Final = 0.75
_SAME_ROOT: Final = 0.7
_SHORT: Final = 0.6
_UNIT_LEFT_OUT: Final = 0.8
_LITRE_FOR_KILOGRAM: Final = 0.7


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tokens that stand for each other.

    Attributes:
        credit: 0.0 to 1.0; 1.0 are equal ones.
        twin: What the other name writes in its place, without separators; empty when equal.
    """

    token: str
    kind: Kind
    credit: float
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Alignment:
    """What two names share and what each has alone."""

    pairs: list[Pair]
    item_rest: dict[str, Kind]
    product_rest: dict[str, Kind]


def align(item: Features, product: Features) -> Alignment:
    """Return what stands for what; the other way round it is the same."""
    if item.text == product.text:
        turned = tuple(product.tokens) < tuple(item.tokens)
    else:
        turned = product.text < item.text
    one, other = (product, item) if turned else (item, product)
    shared = one.tokens.keys() & other.tokens.keys()
    mine = {token: kind for token, kind in one.tokens.items() if token not in shared}
    theirs = {token: kind for token, kind in other.tokens.items() if token not in shared}
    pairs = [Pair(token, kind, _EQUAL) for token, kind in one.tokens.items() if token in shared]
    if mine and theirs:
        pairs += _spelt_apart(mine, theirs, one, other)
        pairs += _alike(mine, theirs)
    return Alignment(pairs, theirs, mine) if turned else Alignment(pairs, mine, theirs)


@lru_cache(maxsize=65_536)
def bare(token: str) -> str:
    """Return a code without the separators that some leave out."""
    return token.replace("-", "").replace("/", "")


@lru_cache(maxsize=65_536)
def figures_in(token: str) -> int:
    """Return how many figures a token has."""
    return sum(letter.isdecimal() for letter in token)


@lru_cache(maxsize=65_536)
def amount_of(token: str) -> tuple[str, float]:
    """Return a quantity's unit and amount: `("ml", 1500.0)` of `1500ml`."""
    unit = token.lstrip("0123456789.")
    return unit, float(token.removesuffix(unit))


def _spelt_apart(
    mine: dict[str, Kind], theirs: dict[str, Kind], one: Features, other: Features
) -> Iterator[Pair]:
    """Find codes and long words that the other name writes in pieces or with another end.

    The surest come first: `ld70n1s wtd` is `ld70n1swtd` rather than `ld70n1s`.
    """
    found = [
        *((found, mine, theirs) for found in _spellings(mine, theirs, other)),
        *((found, theirs, mine) for found in _spellings(theirs, mine, one)),
    ]
    found.sort(key=lambda one: -one[0].credit)
    for spelling, here, there in found:
        if spelling.token in here and any(piece in there for piece in spelling.pieces):
            yield from _taken(spelling, here, there)


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A token of one name and the tokens of the other that, written as one, say it."""

    credit: float
    token: str
    pieces: tuple[str, ...]


def _spellings(
    mine: dict[str, Kind], theirs: dict[str, Kind], other: Features
) -> Iterator[_Spelling]:
    sought = [
        token
        for token, kind in mine.items()
        if kind is Kind.CODE or len(token) >= _TYPO_LENGTH_MIN
    ]
    if not sought:
        return
    order = [(bare(token), token) for token in other.text.split(" ")]
    for token in sought:
        kind = mine[token]
        credit, pieces = _best_joined(token, kind, order, theirs)
        if credit:
            yield _Spelling(credit, token, pieces)
        if kind is Kind.CODE:
            for twin, twin_kind in theirs.items():
                if twin_kind in _CODED:
                    alike = _codes_alike(token, twin)
                    if alike:
                        yield _Spelling(alike, token, (twin,))


_CODED: Final = frozenset({Kind.CODE, Kind.NUMBER})


def _taken(spelling: _Spelling, mine: dict[str, Kind], theirs: dict[str, Kind]) -> Iterator[Pair]:
    whole, code = "".join(map(bare, spelling.pieces)), bare(spelling.token)
    yield Pair(spelling.token, mine.pop(spelling.token), spelling.credit, whole)
    for piece in spelling.pieces:
        theirs.pop(piece, None)
    rest = whole[len(code) :]
    if rest and whole.startswith(code) and rest in mine:  # 2667v3 beside 2667 v3
        yield Pair(rest, mine.pop(rest), spelling.credit)


def _best_joined(
    token: str, kind: Kind, order: list[tuple[str, str]], theirs: dict[str, Kind]
) -> tuple[float, tuple[str, ...]]:
    """Return how well neighbouring tokens, written as one, say `token`, and which these are."""
    code = bare(token)
    best: tuple[float, tuple[str, ...]] = (0.0, ())
    for start, (whole, _) in enumerate(order):
        if whole[:1] != code[:1] or (len(whole) > 1 and whole[1] != code[1:2]):
            continue
        for end in range(start + 1, min(start + _JOINED_MAX, len(order))):
            whole += order[end][0]  # noqa: PLW2901 - the next piece is glued on
            if len(whole) > _JOINED_LENGTH_MAX or whole[1:2] != code[1:2]:
                break
            credit = _credit_of(whole, code, kind)
            if credit > best[0]:
                pieces = tuple(piece for _, piece in order[start : end + 1])
                if any(piece in theirs for piece in pieces):
                    best = credit, pieces
    return best


def _credit_of(whole: str, code: str, kind: Kind) -> float:
    if whole == code:
        return _SPELT_APART
    return _codes_alike(whole, code) * _SPELT_APART if kind is Kind.CODE else 0.0


@lru_cache(maxsize=65_536)
def _codes_alike(one: str, other: str) -> float:
    """Return 0.0 to 1.0: how likely two codes name one model."""
    first, second = bare(one), bare(other)
    if first == second:
        return _EQUAL
    short, long = sorted((first, second), key=lambda code: (len(code), code))
    if len(short) < _START_LENGTH_MIN or figures_in(short) < 2:  # noqa: PLR2004 — S9 is too short
        return 0.0
    if len(short) >= _TYPO_LENGTH_MIN and short.translate(_CONFUSED) == long.translate(_CONFUSED):
        return _CONFUSABLE
    if len(short) >= _CODE_LENGTH_MIN and long.startswith(short):
        goes_on = short[-1].isdecimal() and long[len(short)].isdecimal()
        apart = short in (_before_a_separator(one), _before_a_separator(other))
        return _LONGER if apart or not goes_on else 0.0
    return _ends_alike(short, long)


def _ends_alike(short: str, long: str) -> float:
    stem = _up_to_the_last_figure(short)
    if len(stem) >= _START_LENGTH_MIN and stem == _up_to_the_last_figure(long):
        return _OTHER_ENDING
    if len(short) < _CODE_LENGTH_MIN or not long.endswith(short) or long == short:
        return 0.0
    if short[0].isdecimal() and long[-len(short) - 1].isdecimal():
        return 0.0
    return _SHORTENED if len(short) >= _SUFFIX_LENGTH_MIN else _OTHER_ENDING


def _before_a_separator(code: str) -> str:
    """Return the model before a suffix that is set apart: `55pus6703` of `55pus6703/12`."""
    return code.split("/", maxsplit=1)[0].split("-", maxsplit=1)[0]


def _up_to_the_last_figure(code: str) -> str:
    return code.rstrip("abcdefghijklmnopqrstuvwxyz")


def _alike(mine: dict[str, Kind], theirs: dict[str, Kind]) -> Iterator[Pair]:
    """Find words with another ending, numbers without their unit, kilograms for litres."""
    for token, kind in list(mine.items()):
        match kind:
            case Kind.WORD:
                likeness, kinds = _words_alike, _WORDS
            case Kind.NUMBER | Kind.QUANTITY:
                likeness, kinds = _amounts_alike, _AMOUNTS
            case _:
                continue
        first = token[:1]  # neither likeness joins what begins otherwise
        credit, twin = max(
            [
                (likeness(token, twin), twin)
                for twin, twin_kind in theirs.items()
                if twin[:1] == first and twin_kind in kinds
            ],
            default=(0.0, ""),
        )
        if credit:
            other = theirs.pop(twin)
            yield Pair(token, max(mine.pop(token), other), credit, twin)


_WORDS: Final = frozenset({Kind.WORD})
_AMOUNTS: Final = frozenset({Kind.NUMBER, Kind.QUANTITY})


@lru_cache(maxsize=262_144)
def _words_alike(one: str, other: str) -> float:
    """Return 0.0 to 1.0: how likely two words are forms or spellings of one."""
    shortest = min(len(one), len(other))
    if shortest < _SHORT_LENGTH_MIN or one[0] != other[0] or not (one + other).isalpha():
        return 0.0
    if shortest < _START_LENGTH_MIN:
        return _SHORT if _is_short_for(one, other) else 0.0
    if shortest >= _TYPO_LENGTH_MIN and OSA.distance(one, other, score_cutoff=1) <= 1:
        return _MISTYPED
    if one.startswith(other) or other.startswith(one):
        return _BEGINNING
    root = next((at for at in range(shortest) if one[at] != other[at]), shortest)
    longest = max(len(one), len(other))
    if root >= _ROOT_LENGTH_MIN and root >= _ROOT_SHARE_MIN * longest:
        return _SAME_ROOT
    return 0.0


def _is_short_for(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(long) >= 2 * len(short) - 1 and long.startswith(short)


@lru_cache(maxsize=65_536)
def _amounts_alike(one: str, other: str) -> float:
    short, long = sorted((one, other), key=lambda token: (len(token), token))
    if not long[0].isdecimal() or not short[0].isdecimal() or ":" in long:
        return 0.0
    unit = long.lstrip("0123456789.")
    if not unit.isalpha():
        return 0.0
    if long == short + unit:
        return _UNIT_LEFT_OUT
    amount, other_unit = long.removesuffix(unit), short.lstrip("0123456789.")
    if {unit, other_unit} == {"ml", "g"} and short.removesuffix(other_unit) == amount:
        return _LITRE_FOR_KILOGRAM  # what is poured is sold by either
    return 0.0
