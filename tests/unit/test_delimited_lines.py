"""A text is read many lines at a time; where one of those chunks ends makes no difference."""

from io import BytesIO, TextIOWrapper

import pytest

from marketbel_adapters.sources.checks.delimited import records_of

_CHUNK = 1 << 16


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("short_of", range(4))
def test_a_line_end_may_fall_where_a_chunk_ends(line_end: str, short_of: int) -> None:
    first = "ы" * (_CHUNK - short_of)

    assert records(f"{first}{line_end}{line_end}b;c\x85{line_end}") == [
        [first],
        [],
        ["b", "c\x85"],
    ]


def test_a_field_between_quotes_may_go_over_chunks() -> None:
    field = "a line\r\n" * (_CHUNK // 3)

    assert records(f'1;"{field}"\r\n2;b') == [["1", field], ["2", "b"]]


def records(text: str) -> list[list[str]]:
    file = TextIOWrapper(BytesIO(text.encode()), encoding="utf-8", newline="")
    return list(records_of(file, delimiter=";"))
