"""Characters on a page put together again as they were set: one run a piece of text.

A cell's text is set in one go, wherever it ends: a long name that is drawn into the column of
prices is still one run, and begins where its cell begins. So the order of drawing tells cells
apart where places on the page do not.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Glyph", "Run", "Word", "lines_of", "runs_of", "segments_of"]

_SAME_LINE: Final = 0.4
_OVERLAP_MAX: Final = 0.2
"""Kerning moves letters by less; what goes further back is another text, printed over this one."""

_BLANK_MIN: Final = 0.18
"""A narrow blank is a quarter of the letters' size, spaced letters are a tenth apart."""

_APART: Final = 1.0
"""A gap as wide as the letters are high is no blank between words."""

_SHADOW: Final = 0.12
"""The narrowest letters, two of them in a row, are twice as far apart. All in letter sizes."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character, in points from the upper left corner of the page."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float

    @property
    def size(self) -> float:
        """How high it is, never 0."""
        return max(self.bottom - self.top, 0.1)


@dataclass(frozen=True, slots=True)
class Word:
    """Letters without a blank among them.

    Attributes:
        starts: Where each character begins; some are written with several letters.
    """

    letters: tuple[str, ...]
    starts: tuple[float, ...]
    x1: float

    @property
    def text(self) -> str:
        return "".join(self.letters)

    @property
    def x0(self) -> float:
        return self.starts[0]

    def cut_at(self, number: int) -> "tuple[Word, Word]":
        """Return what is before the letter of that number, from 1, and the rest."""
        before = Word(self.letters[:number], self.starts[:number], self.starts[number])
        return before, Word(self.letters[number:], self.starts[number:], self.x1)


@dataclass(frozen=True, slots=True)
class Run:
    """Words that were set in one go, in points from the upper left corner of the page."""

    words: tuple[Word, ...]
    top: float
    bottom: float

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def x0(self) -> float:
        return self.words[0].x0

    @property
    def x1(self) -> float:
        return self.words[-1].x1

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def size(self) -> float:
        """How high its letters are, never 0."""
        return max(self.bottom - self.top, 0.1)

    def with_words(self, words: Sequence[Word]) -> "Run":
        return Run(tuple(words), self.top, self.bottom)


def glyphs_of(chars: Iterable[Mapping[str, object]]) -> Iterator[Glyph]:
    """Yield upright characters in the order of drawing, each once however often it is drawn."""
    drawn: dict[tuple[object, int, int], float] = {}
    for char in chars:
        if not char["upright"]:
            continue
        x0, x1, top, bottom = (float(str(char[key])) for key in ("x0", "x1", "top", "bottom"))
        glyph = Glyph(str(char["text"]), x0, x1, top, bottom)
        if glyph.text.strip():
            if _is_drawn(drawn, glyph):
                continue  # bold letters are drawn twice by some
            drawn[glyph.text, round(x0), round(top)] = x0
        yield glyph


def _is_drawn(drawn: Mapping[tuple[object, int, int], float], glyph: Glyph) -> bool:
    x, y = round(glyph.x0), round(glyph.top)
    return any(
        abs(drawn.get((glyph.text, x + right, y + down), math.inf) - glyph.x0)
        < _SHADOW * glyph.size
        for right in (-1, 0, 1)
        for down in (-1, 0, 1)
    )


def runs_of(chars: Iterable[Mapping[str, object]]) -> list[Run]:
    """Return the texts of a page in the order of drawing; `chars` as pdfplumber gives them."""
    runs: list[Run] = []
    pending: list[Glyph] = []
    for glyph in glyphs_of(chars):
        if pending and not _goes_on(pending[-1], glyph):
            runs.extend(_run(pending))
            pending = []
        pending.append(glyph)
    runs.extend(_run(pending))
    return runs


def _goes_on(last: Glyph, glyph: Glyph) -> bool:
    gap = glyph.x0 - last.x1
    return (
        abs(glyph.bottom - last.bottom) <= _SAME_LINE * last.size
        and -_OVERLAP_MAX * glyph.size <= gap <= _APART * glyph.size
    )


def _run(glyphs: Sequence[Glyph]) -> Iterator[Run]:
    words: list[Word] = []
    letters: list[Glyph] = []
    for glyph in glyphs:
        is_blank = not glyph.text.strip()
        if letters and (is_blank or glyph.x0 - letters[-1].x1 > _BLANK_MIN * glyph.size):
            words.append(_word(letters))
            letters = []
        if not is_blank:
            letters.append(glyph)
    if letters:
        words.append(_word(letters))
    if words:
        yield Run(
            tuple(words),
            min(glyph.top for glyph in glyphs),
            max(glyph.bottom for glyph in glyphs),
        )


def _word(letters: Sequence[Glyph]) -> Word:
    return Word(
        tuple(letter.text for letter in letters),
        tuple(letter.x0 for letter in letters),
        letters[-1].x1,
    )


def segments_of(run: Run) -> list[Run]:
    """Return the run cut where blanks are so wide that they divide columns."""
    pieces: list[list[Word]] = [[run.words[0]]]
    for word in run.words[1:]:
        if word.x0 - pieces[-1][-1].x1 > _APART * run.size:
            pieces.append([])
        pieces[-1].append(word)
    return [run.with_words(piece) for piece in pieces]


def lines_of(runs: Iterable[Run]) -> list[list[Run]]:
    """Return the runs line by line from the top, those of a line from the left."""
    lines: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: run.middle):
        if lines and run.middle - lines[-1][0].middle <= _SAME_LINE * lines[-1][0].size:
            lines[-1].append(run)
        else:
            lines.append([run])
    return [sorted(line, key=lambda run: run.x0) for line in lines]
