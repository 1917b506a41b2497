"""The first look at what an index found: letters, and which few are worth a comparison."""

from math import isclose, sqrt

from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.matching import Corpus, features_of, worth_a_look, worth_comparing

_NAMES = [
    "Дрель ударная Bosch GSB 13 RE",
    "Дрель Bosch GSB 16 RE",
    "Чайник Tefal KO 330",
    "Чайник Bosch TWK 3A",
]
_texts = st.text("абв 1", min_size=1, max_size=12)


def _corpus() -> Corpus:
    return Corpus(features_of(name) for name in _NAMES)


@given(_texts, _texts)
def test_letters_are_alike_either_way_and_never_more_than_whole(one: str, other: str) -> None:
    corpus = _corpus()

    assert corpus.cosine(one, other) == corpus.cosine(other, one)
    assert 0.0 <= corpus.cosine(one, other) <= 1.0
    assert isclose(corpus.cosine(one, one), 1.0)


def test_unknown_runs_of_letters_are_counted_once_each() -> None:
    corpus = Corpus([])
    shared, one, other = 3, 4, 5  # " ab", "abc", "bcd" of runs of which no product has any

    assert isclose(corpus.cosine("abcd", "abcdx"), shared / sqrt(one * other))


def test_the_name_that_is_most_alike_looks_most_alike() -> None:
    letters = _corpus().letters(features_of("дрель ударная bosch gsb 13").text)

    looks = [letters.likeness(features_of(name).text) for name in _NAMES]

    assert looks.index(max(looks)) == 0
    assert looks[1] > looks[2]
    assert letters.likeness("xyz") == 0.0


def test_who_shares_much_less_than_the_first_is_not_looked_at_beyond_eight() -> None:
    assert worth_a_look([]) == 0
    assert worth_a_look([9.0, 1.0]) == 2
    assert worth_a_look([9.0] * 20 + [1.0] * 20) == 20
    assert worth_a_look([9.0] + [1.0] * 20) == 8


def test_of_many_that_share_the_same_the_most_alike_are_compared() -> None:
    texts = [features_of(f"Чайник {number} красный").text for number in range(30)]
    texts[29] = features_of("Дрель Bosch GSB 13").text
    letters = _corpus().letters(features_of("Дрель Bosch GSB 13 RE").text)

    kept = worth_comparing([5.0] * 30, texts, letters)

    assert 29 in kept
    assert len(kept) == 8
    assert kept == sorted(kept)


def test_namesakes_are_all_compared() -> None:
    text = features_of("Чайник Tefal KO 330").text

    assert len(worth_comparing([5.0] * 40, [text] * 40, _corpus().letters(text))) == 40
