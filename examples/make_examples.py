"""Writes the example price lists, the starting catalogue and the demo's plan into a folder.

Everything is made up, and the same at every run: `python examples/make_examples.py [folder]`.
An article that the catalogue lacks resembles nothing of another supplier, so that the demo's
figures do not depend on which job is first; `tests/unit/test_examples.py` holds that.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import xlsxwriter

_WRITTEN = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One thing that is sold: what it is, whose, which, how much of it."""

    category: str
    kind: str
    brand: str
    variant: str
    size: str
    price: Decimal

    @property
    def name(self) -> str:
        """The name in the catalogue."""
        return " ".join(filter(None, (self.kind, self.brand, self.variant, self.size)))

    @property
    def brand_first(self) -> str:
        """The same with the words in another order."""
        return " ".join(filter(None, (self.brand, self.kind, self.variant, self.size)))


def _articles(category: str, table: str) -> list[Article]:
    """Read `kind | brand | variant, variant | size, size | first price`: each with each."""
    found = []
    for line in table.strip().splitlines():
        kind, brand, variants, sizes, price = (part.strip() for part in line.split("|"))
        for i, variant in enumerate(variants.split("; ")):
            for j, size in enumerate(sizes.split("; ")):
                amount = Decimal(price) * (1 + Decimal("0.06") * i + Decimal("0.45") * j)
                found.append(
                    Article(
                        category=category,
                        kind=kind,
                        brand=brand,
                        variant=variant,
                        size=size,
                        price=amount.quantize(_CENT),
                    )
                )
    return found


DAIRY = _articles(
    "Молочные продукты",
    """
Молоко пастеризованное | Лепелька | 2,5 %; 3,2 % | 1 л | 2.39
Кефир | Лепелька | 1,5 %; 3,2 % | 1 л | 2.45
Ряженка томлёная | Лепелька | 4 % | 0,5 л | 1.89
Сметана | Лепелька | 15 %; 20 % | 0,4 кг | 3.15
Творог зернёный | Лепелька | 5 %; 9 % | 200 г | 2.85
Йогурт питьевой | Лепелька | клубника 2 %; черника 2 %; персик 2 % | 0,3 кг | 1.95
Масло сладкосливочное | Лепелька | 82,5 % | 180 г | 5.49
Сыр полутвёрдый | Лепелька | Озёрный 45 %; Хуторской 50 % | 0,5 кг | 11.40
Сырок глазированный | Лепелька | ваниль; какао | 45 г | 0.95
""",
)
GROCERY = _articles(
    "Бакалея",
    """
Крупа гречневая | Нивушка | ядрица; продел | 0,8 кг | 3.05
Рис круглозёрный | Нивушка | шлифованный | 0,8 кг | 2.79
Рис длиннозёрный | Нивушка | пропаренный | 0,9 кг | 3.35
Пшено шлифованное | Нивушка | | 0,7 кг | 1.85
Хлопья овсяные | Нивушка | экстра | 500 г | 1.69
Макаронные изделия | Нивушка | рожки; спирали; спагетти; вермишель | 450 г | 1.59
Мука пшеничная | Нивушка | высший сорт | 2 кг | 2.99
Горох колотый | Нивушка | | 0,8 кг | 1.75
Фасоль красная | Нивушка | | 450 г | 2.95
Сахар-песок | Сладкий край | | 1 кг | 2.69
Соль поваренная | Белая гора | йодированная | 1 кг | 0.89
Масло подсолнечное | Зорачка | рафинированное; нерафинированное | 0,9 л | 4.79
""",
)
DRINKS = _articles(
    "Напитки",
    """
Вода минеральная | Криничка | газированная; негазированная | 1,5 л; 0,5 л | 1.19
Сок яблочный | Садовый двор | осветлённый; с мякотью | 1 л | 2.99
Сок томатный | Садовый двор | с солью | 1 л | 3.09
Нектар апельсиновый | Садовый двор | | 1 л; 0,2 л | 3.25
Морс клюквенный | Криничка | | 1 л | 3.49
Квас хлебный | Криничка | тёмный; окрошечный | 2 л | 2.89
Лимонад | Криничка | дюшес; тархун; барбарис | 1,5 л | 2.15
""",
)
TEA = _articles(
    "Чай и кофе",
    """
Чай чёрный листовой | Вечерница | крупный лист; с бергамотом; с чабрецом | 100 г | 4.20
Чай зелёный листовой | Вечерница | классический; с жасмином | 100 г | 4.65
Чай травяной пакетированный | Вечерница | ромашка; мята | 20 шт | 3.10
Кофе молотый | Роща | средняя обжарка; тёмная обжарка | 250 г | 9.80
Кофе в зёрнах | Роща | арабика | 1 кг; 250 г | 36.50
Кофе растворимый | Роща | сублимированный | 95 г | 11.90
Какао-порошок | Роща | | 100 г | 3.75
""",
)
HOUSEHOLD = _articles(
    "Бытовая химия",
    """
Средство для мытья посуды | Чистоград | лимон; алоэ; ромашка | 0,5 л | 3.29
Порошок стиральный автомат | Чистоград | горная свежесть; для цветного | 3 кг | 17.90
Кондиционер для белья | Чистоград | лаванда; хлопок | 1 л | 6.45
Гель чистящий для сантехники | Чистоград | морской | 0,75 л | 4.99
Мыло жидкое | Чистоград | молоко и мёд; антибактериальное | 0,5 л | 3.95
Пятновыводитель кислородный | Чистоград | | 1 кг | 8.60
Салфетки целлюлозные | Чистоград | | 3 шт | 2.40
Губки кухонные | Чистоград | поролоновые | 5 шт | 1.90
Мешки мусорные | Чистоград | прочные | 20 шт | 3.35
Стеклоочиститель | Чистоград | с нашатырём | 0,5 л | 3.70
""",
)
LIGHT = _articles(
    "Освещение",
    """
LED bulb | Lumera | A60 E27 3000K; A60 E27 4000K | 7 W; 10 W; 12 W; 15 W | 3.10
LED candle | Lumera | C37 E14 3000K; C37 E14 4000K | 6 W; 8 W | 2.95
LED globe | Lumera | G45 E14 4000K | 6 W; 8 W | 3.05
LED spot | Lumera | GU10 3000K; GU10 4000K | 5 W; 7 W | 4.15
LED filament lamp | Lumera | ST64 E27 2700K | 8 W | 7.90
LED ceiling panel | Lumera | PL60 4000K | 36 W | 39.00
LED floodlight | Lumera | FL20 6500K; FL50 6500K | 30 W | 21.50
LED tube | Lumera | T8 G13 4000K; T8 G13 6500K | 9 W; 18 W | 8.40
LED track light | Lumera | TR30 black; TR30 white | 20 W | 44.60
Motion sensor | Lumera | MS180 ceiling; MS360 wall | | 26.90
""",
)
POWER = _articles(
    "Элементы питания",
    """
Alkaline battery | Voltik | LR6; LR03 | 4 pcs; 10 pcs | 4.40
Alkaline battery | Voltik | 6LR61 | 1 pcs | 5.20
Lithium coin cell | Voltik | CR2032; CR2025 | 2 pcs | 3.60
Rechargeable accumulator | Voltik | HR6; HR03 | 2 pcs | 12.90
Extension lead | Voltik | three sockets | 3 m; 5 m | 14.20
Surge protector | Voltik | five sockets | 2 m; 5 m | 23.80
Smart plug | Voltik | SP16 | | 24.50
Charging station | Voltik | CS65 | 65 W | 79.00
""",
)
CATALOGUE = [*DAIRY, *GROCERY, *DRINKS, *TEA, *HOUSEHOLD, *LIGHT, *POWER]

FROZEN = _articles(
    "Замороженные продукты",
    """
Пельмени домашние | Дуброва | свинина с говядиной; индейка | 800 г; 400 г | 8.90
Вареники постные | Дуброва | картофель с грибами; капуста | 800 г | 5.60
Блинчики фаршированные | Дуброва | вишня; ветчина | 420 г | 6.30
Котлеты рубленые | Дуброва | по-киевски; столичные | 600 г | 9.75
Пицца тонкая | Печкин | пепперони; маргарита | 350 г | 7.80
Мороженое пломбир | Полюшко | крем-брюле; фисташка | 90 г | 1.75
Капуста брокколи быстрозамороженная | Грядка | соцветия | 400 г | 4.95
Облепиха быстрозамороженная | Грядка | отборная | 300 г | 6.10
""",
)
GARDEN = _articles(
    "Садовый инвентарь",
    """
Лопата штыковая | Kraftor | с черенком; без черенка | | 18.90
Грабли веерные | Kraftor | раздвижные | | 14.50
Секатор обводной | Kraftor | профессиональный | | 32.40
Ножовка по дереву | Kraftor | закалённый зуб | | 21.70
Топор универсальный | Kraftor | кованый | | 38.20
Тачка двухколёсная | Kraftor | оцинкованная | | 189.00
Газонокосилка бензиновая | Kraftor | самоходная; несамоходная | | 1249.90
Мотоблок дизельный | Kraftor | с фрезой | | 4375.50
Триммер аккумуляторный | Kraftor | с катушкой | | 412.35
Опрыскиватель помповый | Росинка | ранцевый; ручной | | 27.60
Шланг поливочный | Росинка | армированный | 25 м; 50 м | 42.80
Теплица поликарбонатная | Усадьба | арочная | | 1034.56
Рассадник | Усадьба | торфяной | | 2.20
""",
)
OFFICE = _articles(
    "Stationery",
    """
Stapler | Quillon | half-strip metal; long-arm | | 11.20
Hole punch | Quillon | heavy-duty | | 18.75
Ring binder | Quillon | marbled cardboard; glossy plastic | | 5.35
Ballpoint pen | Quillon | retractable blue; retractable black | | 1.10
Highlighter | Quillon | pastel assorted | | 2.05
Permanent marker | Quillon | chisel tip | | 2.45
Spiral notebook | Quillon | squared pages; ruled pages | | 3.15
Whiteboard eraser | Quillon | magnetic | | 4.60
Document tray | Quillon | stackable mesh | | 16.90
Correction tape | Quillon | | | 2.85
Paper shredder | Quillon | cross-cut | | 219.00
Desk calculator | Quillon | dual display | | 27.40
Envelope | Quillon | self-sealing kraft | | 0.35
Drawing pins | Quillon | brass-plated | | 1.60
""",
)

_DOUBTS = {
    # Another volume, another figure or a missing code: for a person to decide.
    "food": (
        ("Молоко пастеризованное Лепелька 3,2 % 2 л", "4.45"),
        ("Кефир Лепелька 3,2 % 2 л", "4.49"),
        ("Сметана Лепелька 20 % 500 г", "3.79"),
        ("Творог зернёный Лепелька 5 % 350 г", "4.55"),
        ("Йогурт питьевой Лепелька клубника 2 % 750 г", "4.10"),
        ("Крупа гречневая Нивушка ядрица 3 кг", "10.90"),
        ("Мука пшеничная Нивушка высший сорт 5 кг", "7.20"),
        ("Макаронные изделия Нивушка спагетти 900 г", "2.99"),
        ("Сок томатный Садовый двор с солью 0,2 л", "0.95"),
        ("Квас хлебный Криничка тёмный 1 л", "1.69"),
        ("Лимонад Криничка дюшес 0,5 л", "1.15"),
    ),
    "house": (
        ("Порошок стиральный автомат Чистоград горная свежесть 6 кг", "32.90"),
        ("Средство для мытья посуды Чистоград лимон 5 л", "24.50"),
        ("Кондиционер для белья Чистоград лаванда 2 л", "11.70"),
        ("Мыло жидкое Чистоград антибактериальное 5 л", "26.40"),
        ("Губки кухонные Чистоград поролоновые 10 шт", "3.40"),
        ("Кофе молотый Роща тёмная обжарка 1 кг", "37.80"),
        ("Чай чёрный листовой Вечерница с бергамотом 200 г", "7.90"),
    ),
    "light": (
        ("Lumera LED bulb A60 E27 4000K 20 W", "6.90"),
        ("Lumera LED candle C37 E14 4000K 10 W", "4.25"),
        ("Lumera LED spot GU10 4000K 9 W", "5.75"),
        ("Lumera LED ceiling panel 36 W", "37.40"),
        ("Voltik alkaline battery LR6 24 pcs", "15.90"),
        ("Voltik lithium coin cell 2 pcs", "3.30"),
        ("Voltik extension lead three sockets 10 m", "26.60"),
    ),
    "sale": (
        ("Lumera LED floodlight FL20 6500K 10 W", "15.30"),
        ("Lumera LED tube T8 G13 4000K 36 W", "12.10"),
        ("Voltik surge protector five sockets 10 m", "29.90"),
    ),
}

_SALE_ONLY = (
    ("Ночник детский Orbis «Сова»", "13.20"),
    ("Ночник детский Orbis «Ракета»", "13.90"),
    ("Плафон стеклянный матовый Orbis", "9.60"),
    ("Патрон керамический настенный Orbis", "2.75"),
    ("Выключатель проходной двухклавишный Orbis", "7.45"),
)


_ENGLISH = {"Освещение": "Lighting", "Элементы питания": "Power"}


def _in_small_units(name: str) -> str:
    """Return the name with litres as millilitres and kilograms as grams."""

    def smaller(found: re.Match[str]) -> str:
        amount = Decimal(found[1].replace(",", ".")) * 1000
        return f"{amount:.0f} {'мл' if found[2] == 'л' else 'г'}"

    return re.sub(r"(\d+(?:,\d+)?) (л|кг)\b", smaller, name)


def _shouted(article: Article) -> str:
    return _in_small_units(article.name).upper().replace(" %", "%")


def _glued(article: Article) -> str:
    """Return the name as English lists have it: the brand first, no blank before the unit."""
    return re.sub(r"(\d) (W|m|pcs)\b", r"\1\2", article.brand_first)


def _money(amount: Decimal) -> str:
    """Return an amount as Belarusian lists write it: `1 234,56`."""
    return f"{amount:,.2f}".replace(",", " ").replace(".", ",")


def _times(articles: Sequence[Article], percent: int) -> Iterator[tuple[Article, Decimal]]:
    """Yield the articles with a supplier's own prices: a part of ours, some rounded down."""
    for index, article in enumerate(articles):
        amount = article.price * (percent + index % 7) / 100
        yield article, amount.quantize(_CENT)


class _Sheet:
    """A worksheet that is written from the top down."""

    def __init__(self, path: Path, title: str) -> None:
        self._book = xlsxwriter.Workbook(str(path))
        self._book.set_properties({"created": _WRITTEN.replace(tzinfo=None), "title": title})
        self._sheet = self._book.add_worksheet(title)
        self.bold = self._book.add_format({"bold": True})
        self.date = self._book.add_format({"num_format": "dd.mm.yyyy"})
        self._row = 0

    def row(self, *cells: object, style: object = None) -> None:
        for column, cell in enumerate(cells):
            if cell is not None:
                self._sheet.write(self._row, column, cell, style)
        self._row += 1

    def close(self) -> None:
        self._sheet.set_column(0, 0, 12)
        self._sheet.set_column(1, 1, 60)
        self._book.close()


def write_food(path: Path) -> None:
    """Write an xlsx with a title block, section rows and two prices."""
    sheet = _Sheet(path, "Прайс")
    sheet.row("ООО «Гродненская продуктовая база»", style=sheet.bold)
    sheet.row("230005, г. Гродно, ул. Складская, 14; тел. +375 152 00-00-00")
    sheet.row("Прайс-лист на", _WRITTEN.replace(tzinfo=None), style=sheet.date)
    sheet.row("Цены указаны с НДС, самовывоз со склада")
    sheet.row()
    sheet.row(
        "Артикул", "Наименование", "Ед.", "Цена, BYN", "РРЦ, BYN", "Остаток", style=sheet.bold
    )
    number = 1000
    for articles in (DAIRY, GROCERY, DRINKS, TEA[:7], FROZEN):
        sheet.row(articles[0].category, style=sheet.bold)
        for article, price in _times(articles, 92):
            number += 1
            stock = "нет" if number % 9 == 0 else number % 40 + 2
            retail = (price * Decimal("1.25")).quantize(_CENT)
            sheet.row(f"0{number}", _shouted(article), "шт", float(price), float(retail), stock)
    sheet.row("Фасовка и остатки на заказ", style=sheet.bold)
    for name, amount in _DOUBTS["food"]:
        number += 1
        sheet.row(f"0{number}", name.upper(), "шт", float(amount), None, 5)
    sheet.row()
    sheet.row("Заказы принимаются по тел. +375 152 00-00-00 с 9:00 до 17:00")
    sheet.close()


def write_house(path: Path) -> None:
    """Write a cp1251 csv with semicolons and prices like `1 234,56`."""
    with path.open("w", encoding="cp1251", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(["Код", "Наименование товара", "Цена", "Наличие", "Страна"])
        number = 0
        for articles, percent in ((HOUSEHOLD, 90), (TEA, 86), (GROCERY[:8], 95), (GARDEN, 100)):
            for article, price in _times(articles, percent):
                number += 1
                there = "под заказ" if number % 11 == 0 else "в наличии"
                writer.writerow(
                    [f"СХ-{number:04d}", article.brand_first, _money(price), there, "РБ"]
                )
        for name, price_text in _DOUBTS["house"]:
            number += 1
            asked = _money(Decimal(price_text))
            writer.writerow([f"СХ-{number:04d}", name, asked, "в наличии", "РБ"])


def write_light(path: Path) -> None:
    """Write an English csv with commas."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["SKU", "Product Name", "Category", "Unit Price, BYN", "In stock", "Barcode"]
        )
        number = 100
        for article, price in _times([*LIGHT, *POWER, *OFFICE], 88):
            number += 1
            section = _ENGLISH.get(article.category, article.category)
            row = [f"AL-{number}", _glued(article), section, f"{price:,.2f}"]
            writer.writerow([*row, "no" if number % 8 == 0 else "yes", _barcode(number)])
        for name, price_text in _DOUBTS["light"]:
            number += 1
            writer.writerow([f"AL-{number}", name, "On request", price_text, "yes", ""])


def _barcode(number: int) -> str:
    """Return an EAN-13 of the range for use inside a shop (20 to 29)."""
    digits = f"29{number:010d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def write_sale(path: Path) -> None:
    """Write an xlsx in which every sixth row or so is wrong, each in a way of its own."""
    sheet = _Sheet(path, "Распродажа")
    sheet.row("Распродажа ламп и батареек", style=sheet.bold)
    sheet.row("Код", "Товар", "Цена, руб.", "Сток", "Примечание", style=sheet.bold)
    good: list[tuple[object, ...]] = [
        (f"РС-{number:03d}", article.brand_first, float(price), number % 12)
        for number, (article, price) in enumerate(_times([*LIGHT, *POWER], 79), start=1)
    ]
    good += [
        (f"РС-{number}", name, float(amount), 1)
        for number, (name, amount) in enumerate([*_DOUBTS["sale"], *_SALE_ONLY], start=801)
    ]
    bad: list[tuple[object, ...]] = [
        ("РС-901", None, 4.5, 3),
        ("РС-902", "   ", 7.2, 1),
        ("РС-903", "Светильник настольный Orbis с прищепкой", -12.5, 2),
        ("РС-904", "Светильник подвесной Orbis плетёный", "звоните!", 2),
        ("РС-905", "Светильник уличный Orbis на солнечной батарее", "договорная", 0),
        ("РС-906", "Гирлянда новогодняя Orbis нить", "NaN", 4),
        ("РС-907", "Гирлянда новогодняя Orbis занавес", "1e999999", 4),
        ("РС-908", "Фонарь кемпинговый Orbis", "１２,５０", 6),
        ("РС-909", "Фонарь налобный Orbis", "от 15 до 20", 6),
        ("РС-910", "Прожектор переносной Orbis " + "очень яркий " * 45, 55, 1),
        ("РС-911", "Удлинитель на катушке Orbis", None, 1),
        ("РС-912", "Звонок беспроводной Orbis", 0, 1),
        ("РС-913", "Датчик движения Orbis", 123456789012.5, 1),
        ("РС-" + "9" * 260, "Таймер розеточный Orbis", 19.9, 1),
    ]
    for index, row in enumerate(good):
        sheet.row(*row)
        if index % 3 == 2 and bad:  # noqa: PLR2004  # after every third good one
            sheet.row(*bad.pop(0), "проверить")
    for row in bad:
        sheet.row(*row, "проверить")
    sheet.close()


def write_catalogue(path: Path) -> None:
    """Write our own catalogue as it stands before the first list arrives."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["internal_sku", "name", "category"])
        for number, article in enumerate(CATALOGUE, start=1):
            sku = f"PROD-{1_756_700_000_000 + number}-{number:04d}"
            writer.writerow([sku, article.name, article.category])


PLAN = {
    "catalogue": "catalogue.csv",
    "suppliers": [
        {
            "name": "Гродненская продуктовая база",
            "source_type": "excel",
            "use_ml_processing": True,
            "lists": [{"file": "grodno-food.xlsx", "fetched": "http"}],
        },
        {
            "name": "Северный хозторг",
            "source_type": "csv",
            "use_ml_processing": False,
            "lists": [
                {"file": "sever-household.csv", "fetched": "folder"},
                {"file": "sever-sale.xlsx", "fetched": "folder"},
            ],
        },
        {
            "name": "Amber Light Trading",
            "source_type": "csv",
            "use_ml_processing": True,
            "lists": [{"file": "amber-light.csv", "fetched": "folder"}],
        },
    ],
}


def main(folder: Path) -> None:
    """Write all files into `folder`, which exists."""
    write_catalogue(folder / "catalogue.csv")
    write_food(folder / "grodno-food.xlsx")
    write_house(folder / "sever-household.csv")
    write_light(folder / "amber-light.csv")
    write_sale(folder / "sever-sale.xlsx")
    plan = json.dumps(PLAN, ensure_ascii=False, indent=2)
    (folder / "demo.json").write_text(plan + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
