"""A list of tools in any size, as files: what the benchmark of imports imports."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import xlsxwriter

__all__ = ["price_list", "write_csv", "write_workbook"]

_HEADER: Final = (
    *("Артикул", "Наименование", "Категория", "Бренд", "Ед. изм."),
    *("Цена, BYN", "РРЦ, BYN", "Остаток"),
)
_TOOLS: Final = ("Дрель ударная", "Перфоратор", "Шуруповёрт", "Лобзик", "Пила дисковая", "Фен")
_BRANDS: Final = ("Bosch", "Makita", "Интерскол", "Зубр", "Metabo", "DeWalt", "Ryobi")

type Cells = tuple[str, str, str, str, str, float, float, int]


def price_list(rows: int) -> Iterator[Cells]:
    """Yield the lines of a list of tools."""
    for n in range(rows):
        tool, brand = _TOOLS[n % len(_TOOLS)], _BRANDS[n % len(_BRANDS)]
        price = (n * 37 % 250_000 + 150) / 100
        yield (
            f"AB-{n:07}", f"{tool} {brand} GSB {n % 900 + 10} RE, {n % 17 + 3}00 Вт, арт. {n}",
            f"Инструмент / {tool} {n // 2_000}", brand, "шт", price, round(price * 1.2, 2), n % 90,
        )  # fmt: skip


def write_workbook(path: Path, rows: int, *, comments: str) -> None:
    """Write the list as xlsx; other comments give other bytes, and the same rows."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        book.set_properties({"comments": comments})
        sheet = book.add_worksheet("Прайс")
        sheet.write_row(0, 0, _HEADER)
        for number, cells in enumerate(price_list(rows), start=1):
            sheet.write_row(number, 0, cells)


def write_csv(path: Path, rows: int) -> None:
    """Write the list as csv."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(_HEADER)
        writer.writerows(price_list(rows))
