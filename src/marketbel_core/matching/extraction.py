"""Facts that a name states about its thing: voltage, power, weight, dimensions, storage, memory.

A number counts for what its own unit says and for nothing else: `750Вт` is no voltage, `5G` no
weight, `5W-40` no power, `3 в 1` no voltage. Of several that fit the first wins, and of a range
its first number. What cannot be told is left out: a missing fact is better than a wrong one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from marketbel_core.catalog import ENRICHED_KEY, as_listed
from marketbel_core.matching.features import features_of
from marketbel_core.matching.units import PIECES

__all__ = ["EXTRACTORS", "Facts", "extract", "facts_to_add", "marked"]

type Facts = dict[str, object]
"""By characteristic: whole numbers, decimals as floats, `dimensions_cm` as three floats."""

EXTRACTORS: Final = ("electronics", "dimensions", "quantities")
"""The neighbours' two names, and ours for what the features count."""

_N: Final = r"(?<![\w.,])(\d+(?:[.,]\d+)?)"
"""A number that no letter, digit or decimal mark precedes: not the 13 of `GSB13` nor of `0.13`."""

_TO: Final = r"(?:\s*(?:-|–|—|\.\.\.?|…)\s*\d+(?:[.,]\d+)?)?"
_END: Final = r"(?![^\W_])"
_NOT_PER: Final = r"(?!\s*/\s*[^\W\d])"

_VOLT_NUMBER: Final = re.compile(
    rf"{_N}{_TO}\s*(?:(kv|кв)|v|volts?|вольта?|(в)){_END}", re.IGNORECASE
)
_AC_DC: Final = re.compile(r"(?<![\w])[AaАаDd][CcСс]\s+(\d{2,3})(?![\w.,])")
_PREPOSITION: Final = re.compile(
    r"\s+(?:\d+(?![^\W_]|\s*(?:гц|hz|вт|w|а|a)\b)|[^\W\d])", re.IGNORECASE
)
_POWER: Final = re.compile(
    rf"(?<![\w.,])(\d\s\d{{3}}|\d+(?:[.,]\d+)?){_TO}\s*"
    rf"(?:(kw|квт|киловатт)|(hp|л\.\s?с\.?|лс)|w|watts?|вт|ватта?){_END}"
    rf"(?![-–]\d|[·*.\s]?[чh]{_END}){_NOT_PER}",
    re.IGNORECASE,
)
_WEIGHT_WORD: Final = re.compile(
    rf"(?:weight|вес|масса)(?:\s*(?:нетто|брутто|net|gross))?\s*[:=\-–]?\s*{_N}\s*"
    rf"(кг|kgs?|гр|г|gr|g|lbs?|pounds?)?{_END}",
    re.IGNORECASE,
)
_WEIGHT: Final = re.compile(
    rf"(?<!до )(?<!max )(?<!макс )(?<!макс\. ){_N}(\s*)"
    rf"(кг|kgs?|гр|г|gr|g|lbs?|pounds?){_END}{_NOT_PER}",
    re.IGNORECASE,
)
_SIDE: Final = r"(\d+(?:[.,]\d+)?)"
_LENGTH_UNIT: Final = r"(см|cm|мм|mm|м|m|inch(?:es)?|in|дюйм(?:а|ов)?|\"|″)"
_TIMES: Final = r"\s*[xх×*]\s*"
_BOX: Final = re.compile(
    rf"(?<![\w.,]){_SIDE}\s*{_LENGTH_UNIT}?{_TIMES}{_SIDE}\s*{_LENGTH_UNIT}?{_TIMES}{_SIDE}"
    rf"(?:\s*{_LENGTH_UNIT})?(?![^\W_]|[²2³3]|[.,]\d|{_TIMES}\d)",
    re.IGNORECASE,
)
_LETTERED: Final = re.compile(
    rf"(?<![^\W_])[lдLД]\s*[:=]?\s*{_SIDE}[\s,;x×х*]*[wшWШ]\s*[:=]?\s*{_SIDE}[\s,;x×х*]*[hвHВ]\s*[:=]?\s*"
    rf"{_SIDE}(?:\s*{_LENGTH_UNIT})?{_END}"
)
_GIGABYTES: Final = re.compile(
    rf"(?<![\w.,])(?:(\d{{1,4}})\s*(?:gb|гб)?\s*[/+]\s*)?(\d{{1,4}})\s*(gb|гб|tb|тб){_END}(?!\s*/\s*[sс])",
    re.IGNORECASE,
)
_MEMORY_AFTER: Final = re.compile(
    r"\s*(?:ram|ddr\d?\w*|lpddr\d?\w*|озу|оперативн\w*|memory(?!\s*(?:card|stick)))", re.IGNORECASE
)
_MEMORY_BEFORE: Final = re.compile(
    r"(?<![^\W_])(?:ram|(?:lp)?ddr\d?\w*|озу|оперативн\w*(?:\s+памят\w*)?|memory)[\s:,\-]*$",
    re.IGNORECASE,
)
_VIDEO_AFTER: Final = re.compile(r"\s*(?:gddr|vram|видеопамят)", re.IGNORECASE)
_VIDEO_BEFORE: Final = re.compile(r"(?:gddr\w*|vram|видеопамят\w*)[\s:]*$", re.IGNORECASE)

_KILO: Final = Decimal(1000)
_WATTS_A_HORSEPOWER: Final = Decimal(746)
_KILOGRAMS: Final = {
    **dict.fromkeys(("кг", "kg", "kgs"), Decimal(1)),
    **dict.fromkeys(("г", "гр", "g", "gr"), Decimal("0.001")),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), Decimal("0.453592")),
}
_CENTIMETRES: Final = {
    **dict.fromkeys(("", "см", "cm"), Decimal(1)),
    **dict.fromkeys(("мм", "mm"), Decimal("0.1")),
    **dict.fromkeys(("м", "m"), Decimal(100)),
}
_CENTIMETRES_AN_INCH: Final = Decimal("2.54")
_MEMORY_MAX: Final = 1_000
_STORAGE_MAX: Final = 100_000
_POWER_MAX: Final = 100_000
_VOLTAGE_MAX: Final = 10_000
_PAIR_MEMORY_MAX: Final = 128
"""Of `8/256GB` the first is memory as long as it is a size that memory has."""

_GENERATIONS: Final = range(2, 7)
"""`5G` and its kin are networks."""

_YEARS: Final = range(1950, 2100)
_PLACEHOLDERS: Final = frozenset({"", "tbd", "n/a", "na", "-", "—", "null", "none"})


def extract(name: str, *, extractors: Iterable[str] = EXTRACTORS) -> Facts:
    """Return the facts that the name states, by characteristic.

    Args:
        name: As the supplier wrote it.
        extractors: Of `EXTRACTORS`; unknown ones give nothing.
    """
    wanted = set(extractors)
    text = name.replace("\u00a0", " ").replace("\u202f", " ")
    found: Facts = {}
    if "electronics" in wanted:
        memory, storage = _memory_and_storage(text)
        found |= {
            "voltage": _voltage(text),
            "power_watts": _power(text),
            "storage_gb": storage,
            "memory_gb": memory,
        }
    if "dimensions" in wanted:
        found |= {"weight_kg": _weight(text), "dimensions_cm": _dimensions(text)}
    if "quantities" in wanted:
        found |= _quantities(name)
    return {key: fact for key, fact in found.items() if fact is not None}


def facts_to_add(
    facts: Mapping[str, object], known: Mapping[str, object], *, preserve_existing: bool
) -> Facts:
    """Return those of the facts that change what is known.

    Args:
        facts: What a name states.
        known: The item's characteristics.
        preserve_existing: Whether a value that is there stays; a placeholder such as `n/a` is
            none.
    """
    return {
        key: fact
        for key, fact in facts.items()
        if known.get(key) != fact and not (preserve_existing and _is_told(known.get(key)))
    }


def marked(facts: Facts, known: Mapping[str, object]) -> Facts:
    """Return facts that are to be added with the mark that tells them from what the list says.

    Args:
        facts: What is added, at least one.
        known: The item's characteristics, with the mark of those that were added before.
    """
    listed = as_listed(known)
    before = known.get(ENRICHED_KEY)
    keys = {*facts, *(before if isinstance(before, Mapping) else ())}
    return {**facts, ENRICHED_KEY: {key: listed.get(key) for key in sorted(keys)}}


def _is_told(value: object) -> bool:
    return value is not None and str(value).strip().casefold() not in _PLACEHOLDERS


def _voltage(text: str) -> int | None:
    for match in _VOLT_NUMBER.finditer(text):
        number, kilo, cyrillic = match.groups()
        if cyrillic and _PREPOSITION.match(text, match.end()) and _is_apart(text, match):
            continue  # "3 в 1", "10 в коробке"
        volts = _whole(_decimal(number) * (_KILO if kilo else 1), most=_VOLTAGE_MAX)
        if volts is not None:
            return volts
    mains = _AC_DC.search(text)
    return _whole(_decimal(mains.group(1)), most=400, least=5) if mains else None


def _is_apart(text: str, match: re.Match[str]) -> bool:
    """Tell whether a blank stands between the number and its `в`, so that it may be a word."""
    return text[match.end() - 2].isspace() and (
        text[match.end() - 1] == "в" or text[match.end() :].lstrip().startswith("1")
    )


def _power(text: str) -> int | None:
    for match in _POWER.finditer(text):
        number, kilo, horses = match.groups()
        factor = _KILO if kilo else _WATTS_A_HORSEPOWER if horses else Decimal(1)
        watts = _decimal(number.replace(" ", "")) * factor
        found = _whole(
            watts.quantize(Decimal(1), ROUND_HALF_UP) if horses else watts, most=_POWER_MAX
        )
        if found is not None:
            return found
    return None


def _weight(text: str) -> float | None:
    said = _WEIGHT_WORD.search(text)
    if said:
        return _kilograms(said.group(1), (said.group(2) or "kg").casefold())
    for match in _WEIGHT.finditer(text):
        number, blank, unit = match.groups()
        if not _is_no_weight(number, blank, unit, follows=text[match.end() : match.end() + 1]):
            return _kilograms(number, unit.casefold())
    return None


def _is_no_weight(number: str, blank: str, unit: str, *, follows: str) -> bool:
    """Tell whether `g` or `г` after this number means something else."""
    if unit == "G":
        return True  # a network's generation, or gigabytes as people shorten them
    amount = _decimal(number)
    if unit == "g":
        return not blank and amount in _GENERATIONS
    if unit in {"г", "Г"}:
        return amount in _YEARS and (follows == "." or amount % 100 != 0)
    return False


def _kilograms(number: str, unit: str) -> float | None:
    kilograms = (_decimal(number) * _KILOGRAMS[unit]).quantize(Decimal("0.001"), ROUND_HALF_UP)
    return float(kilograms) if Decimal("0.001") <= kilograms <= Decimal(10_000) else None


def _dimensions(text: str) -> dict[str, float] | None:
    box = _BOX.search(text)
    if box:
        first, unit_a, second, unit_b, third, unit_c = box.groups()
        last = unit_c or unit_b or unit_a or ""
        units = (unit_a or last, unit_b or last, unit_c or last)
        return _three((first, second, third), units)
    lettered = _LETTERED.search(text)
    if lettered:
        *sides, unit = lettered.groups()
        return _three(sides, (unit or "",) * 3)
    return None


def _three(sides: Iterable[str], units: Iterable[str]) -> dict[str, float] | None:
    lengths = [
        (_decimal(side) * _CENTIMETRES.get(unit.casefold(), _CENTIMETRES_AN_INCH)).quantize(
            Decimal("0.01"), ROUND_HALF_UP
        )
        for side, unit in zip(sides, units, strict=True)
    ]
    if not all(Decimal("0.1") <= length <= Decimal(100_000) for length in lengths):
        return None
    names = ("length", "width", "height")
    return {name: float(length) for name, length in zip(names, lengths, strict=True)}


def _memory_and_storage(text: str) -> tuple[int | None, int | None]:
    memory: int | None = None
    stored: int | None = None
    for first, size, is_memory in _sizes(text):
        if is_memory:
            memory = memory if memory is not None or size > _MEMORY_MAX else size
        else:
            stored = size if stored is None else stored
        if first is not None and memory is None and not is_memory:
            memory = first
    return memory, stored


def _sizes(text: str) -> Iterator[tuple[int | None, int, bool]]:
    """Yield each size in gigabytes, with the one before its slash, and whether it is memory."""
    claimed = 0  # how far words are taken by the size before them: in "8GB RAM 256GB" RAM is
    for match in _GIGABYTES.finditer(text):
        pair, number, unit = match.groups()
        size = int(number) * (1000 if unit.casefold() in {"tb", "тб"} else 1)
        after = _MEMORY_AFTER.match(text, match.end())
        before = _MEMORY_BEFORE.search(text[claimed : match.start()])
        is_video = _VIDEO_AFTER.match(text, match.end()) or _VIDEO_BEFORE.search(
            text[: match.start()]
        )
        claimed = after.end() if after else match.end()
        if is_video or not 1 <= size <= _STORAGE_MAX:
            continue
        first = int(pair) if pair else None
        is_pair = first is not None and 1 <= first <= _PAIR_MEMORY_MAX and first < size
        yield (first if is_pair else None), size, bool(after or before)


def _quantities(name: str) -> Facts:
    """Return what the features count, each by the unit of its dimension, where it is said once."""
    by_unit: dict[str, set[Decimal]] = {}
    for amount, unit in features_of(name).quantities:
        by_unit.setdefault(unit, set()).add(amount)
    keys = {"ml": "volume_ml", "mah": "battery_mah", PIECES: "pieces"}
    told: Facts = {}
    for unit, key in keys.items():
        amounts = by_unit.get(unit, set())
        if len(amounts) == 1:
            [amount] = amounts
            told[key] = int(amount) if amount == amount.to_integral_value() else float(amount)
    return told


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def _whole(amount: Decimal, *, most: int, least: int = 1) -> int | None:
    """Return the amount as a whole number within the bounds; `None` where it is neither."""
    if amount != amount.to_integral_value() or not least <= amount <= most:
        return None
    return int(amount)
