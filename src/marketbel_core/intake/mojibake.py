"""Russian that was decoded wrongly once before it reached us, told by its letters and repaired.

"60êàïñ" is "60капс" in cp1251 read as Latin-1; "РњРѕР»РѕРєРѕ" is "Молоко" in UTF-8 read as
cp1251. A file is repaired as a whole, and only when the result is clearly Russian and the text as
it stands clearly is not.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from marketbel_core.intake.grid import Cell, Grid

__all__ = ["mended"]

_SAMPLE_ROWS: Final = 400
_TEXTS_MAX: Final = 1_000
_LETTERS_MIN: Final = 8
_WORDS_MIN: Final = 12
_WORD_LENGTH_MAX: Final = 24
_RUSSIAN_MIN: Final = 0.58
_GAIN_MIN: Final = 0.2
_WRONG_READINGS: Final = (
    ("cp1252", "cp1251"),
    ("latin-1", "cp1251"),
    ("cp1251", "utf-8"),
    ("cp1252", "utf-8"),
    ("latin-1", "utf-8"),
    ("cp1251", "koi8-r"),
    ("koi8-r", "cp1251"),
    ("cp1251", "cp866"),
    ("cp866", "cp1251"),
    ("cp866", "utf-8"),
    ("koi8-r", "utf-8"),
    ("latin-1", "koi8-r"),
    ("latin-1", "cp866"),
)
"""As what a text was read, and what it was."""

_COMMON: Final = frozenset("оеаинтсрвлкмпуыя")
"""The letters that make four fifths of Russian; what is read wrongly has them no more often."""

_DRAWN: Final = re.compile("[\u2500-\u259f\u0080-\u009f]")
"""Lines of boxes and control characters: no list has them on purpose."""

_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _MendedRows:
    """A sheet's rows with every text repaired; reads them anew each time."""

    rows: Iterable[Sequence[Cell]]
    repair: Callable[[str], str]

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        repair = self.repair
        for row in self.rows:
            yield tuple(repair(cell) if isinstance(cell, str) else cell for cell in row)


def mended(grids: Sequence[Grid]) -> Sequence[Grid]:
    """Return the sheets of a file with wrongly decoded texts repaired, if there are any."""
    texts = list(islice((text for grid in grids for text in _foreign_texts(grid)), _TEXTS_MAX))
    before = _russianness(texts)
    if before > _RUSSIAN_MIN or _is_plausible(texts):
        return grids
    best: tuple[float, tuple[str, str] | None] = (max(_RUSSIAN_MIN, before + _GAIN_MIN), None)
    for reading in _WRONG_READINGS:
        after = _russianness([_repaired(text, *reading) for text in texts])
        if after > best[0]:
            best = (after, reading)
    if best[1] is None:
        return grids
    read_as, was = best[1]
    return [
        Grid(
            name=grid.name, rows=_MendedRows(grid.rows, lambda text: _repaired(text, read_as, was))
        )
        for grid in grids
    ]


def _foreign_texts(grid: Grid) -> Iterator[str]:
    for number, row in enumerate(grid.rows):
        if number >= _SAMPLE_ROWS:
            return
        for cell in row:
            if isinstance(cell, str) and not cell.isascii():
                yield cell


def _repaired(text: str, read_as: str, was: str) -> str:
    """Return the text as it was, or as it is where it cannot have been read so."""
    if text.isascii():
        return text
    try:
        return text.encode(read_as).decode(was)
    except UnicodeError:
        return _piecewise(text, read_as, was)


def _piecewise(text: str, read_as: str, was: str) -> str:
    """Repair a text in which something was right: a sign, a dash that was put in later."""
    if was == "utf-8":
        return text
    return "".join(_character(character, read_as, was) for character in text)


def _character(character: str, read_as: str, was: str) -> str:
    if character.isascii():
        return character
    try:
        return character.encode(read_as).decode(was)
    except UnicodeError:
        return character


def _russianness(texts: Iterable[str]) -> float:
    """Return how far the letters that are not Latin look like Russian, 0.0 to 1.0.

    Counted are words; one that mixes scripts, or has capitals after small letters, is none.
    """
    letters = common = 0
    for word in _foreign_words(texts):
        letters += len(word)
        if _is_cyrillic(word) and _is_cased(word):
            common += sum(letter in _COMMON for letter in word.lower())
    return common / letters if letters >= _LETTERS_MIN else 0.0


def _is_plausible(texts: Sequence[str]) -> bool:
    """Tell whether the words may be right however rare their letters, because they are few.

    Wrong readings mix scripts and capitals; only a list in capitals may come out as small letters.
    """
    if any(_DRAWN.search(text) for text in texts):
        return False
    words = {word for word in _foreign_words(texts) if len(word) > 1}
    cased = sum(_is_cyrillic(word) and _is_cased(word) for word in words)
    return len(words) < _WORDS_MIN and cased * 2 > len(words)


def _foreign_words(texts: Iterable[str]) -> set[str]:
    return {
        word[:_WORD_LENGTH_MAX]
        for text in texts
        for word in _WORD.findall(text)
        if not word.isascii()
    }


def _is_cased(word: str) -> bool:
    return word[1:].islower() or word.isupper() or len(word) == 1


def _is_cyrillic(word: str) -> bool:
    return all("а" <= letter <= "я" or letter in "ёіўїєґ" for letter in word.lower())
