"""The words that stand above columns, in Russian, Belarusian, Ukrainian and English."""

import re
from enum import StrEnum
from typing import Final

__all__ = [
    "ALIASES", "CURRENCY_NAME", "DECOY", "DECOY_PRICE", "KEYWORDS", "KIND_OF_GOODS", "MONEY_WORD",
    "PRICE_KINDS", "PRICE_WORD", "VARIANT", "VOLATILE", "WEAK_NAMES", "WEAK_SKUS", "Role",
]  # fmt: skip


class Role(StrEnum):
    """What a column is for."""

    SKU = "sku"  # the supplier's article number
    NAME = "name"  # what is sold
    PRICE = "price"  # what it costs; a list may have several, one is the main price
    CURRENCY = "currency"  # of the row's prices
    STOCK = "stock"  # whether, or how many, are there
    UNIT = "unit"  # what the price is for: a piece, a kilogram
    PACK = "pack"  # how much is in a package
    BARCODE = "barcode"  # EAN or UPC
    VENDOR_CODE = "vendor_code"  # the maker's article number, beside the supplier's own
    BRAND = "brand"  # who makes it
    CATEGORY = "category"  # the supplier's own
    LINK = "link"  # the item's page
    IMAGE = "image"  # the item's picture
    DESCRIPTION = "description"  # more words about it


ALIASES: Final[dict[Role, tuple[str, ...]]] = {
    Role.NAME: (
        "наименование", "наименование товара", "наименование товаров", "название",
        "название товара", "номенклатура", "товар", "товары", "продукт", "продукция", "позиция",
        "полное наименование", "наименование продукции", "наименование номенклатуры",
        "найменування", "найменування товару", "найменаванне", "найменне", "назва",
        "назва тавару", "назва товару", "тавар",
        "деталь", "запчасть", "изделие", "услуга", "препарат", "блюдо", "оборудование",
        "name", "product name", "item name", "product", "product description", "item", "title",
        "item description", "product title",
    ),
    Role.SKU: (
        "артикул", "арт", "код", "код товара", "код номенклатуры", "артыкул", "код тавару",
        "код товару", "артикул товара", "каталожный номер", "номер по каталогу",
        "номенклатурный номер", "обозначение", "кат",
        "sku", "article", "product code", "item code", "item no",
        "item number", "part number", "part no", "code", "vendor code", "article number",
        "stock code", "catalog number", "catalogue number", "reference",
    ),
    Role.PRICE: (
        "цена", "цены", "стоимость", "прайс", "ціна", "вартість", "цана", "кошт",
        "price", "unit price", "cost", "unit cost", "amount", "value", "rate",
    ),
    Role.CURRENCY: ("валюта", "вал", "currency", "curr"),
    Role.STOCK: (
        "наличие", "остаток", "остатки", "склад", "сток", "количество", "кол-во", "кол во",
        "кол", "к-во",
        "свободно", "наяўнасць", "рэшткі", "рэшта", "наявність", "залишок", "залишки", "кількість",
        "stock", "in stock", "availability", "available", "qty", "quantity", "on hand",
    ),
    Role.UNIT: (
        "ед", "ед изм", "единица", "единица измерения", "ед измерения", "адз", "адзінка",
        "адзінка вымярэння", "од вим", "од", "одиниця", "одиниця виміру", "единицы измерения",
        "unit", "units", "uom", "unit of measure",
    ),
    Role.PACK: (
        "упаковка", "фасовка", "упак", "уп", "в упаковке", "норма упаковки", "кол-во в упаковке",
        "количество в упаковке", "упакоўка", "фасоўка", "пакування", "package", "packaging",
        "pack",        "pack size", "packing", "pack qty", "case size", "size of pack",
    ),
    Role.BARCODE: (
        "штрихкод", "штрих-код", "штрих код", "штрых-код", "штрыхкод", "шк", "ean", "ean13",
        "ean 13", "gtin", "upc", "barcode",
    ),
    Role.VENDOR_CODE: (
        "артикул производителя", "код производителя", "партномер", "парт номер", "mpn",
        "артикул вытворцы", "артикул виробника", "manufacturer code", "manufacturer part number",
        "mfr part number", "supplier code",
    ),
    Role.BRAND: (
        "бренд", "марка", "торговая марка", "производитель", "изготовитель", "тм", "вытворца",
        "виробник", "брэнд", "brand", "manufacturer", "vendor", "maker", "producer", "марка бренд",
    ),
    Role.CATEGORY: (
        "категория", "группа", "группа товаров", "раздел", "рубрика", "товарная группа",
        "катэгорыя", "категорія", "група", "групa товарів", "розділ",
        "category", "group", "section", "department", "product group", "product category",
    ),
    Role.LINK: ("ссылка", "ссылка на товар", "спасылка", "посилання", "link", "url"),
    Role.IMAGE: (
        "фото", "изображение", "картинка", "фотография", "ссылка на фото", "выява", "зображення",
        "photo", "image", "picture", "image url",
    ),
    Role.DESCRIPTION: ("описание", "апісанне", "опис", "description", "details"),
}  # fmt: skip

CURRENCY_NAME: Final = re.compile(
    r"(?:код )?валют[аы](?: .*)?|(?:\w+ )?currency(?: id| code)?(?: [0-9]+)?"
)

PRICE_WORD: Final = re.compile(
    r"\bцен[аыуе]?\b|\bцан[аыу]\b|стоимост|\bцін[аи]\b|вартіст|\bкошт\b|\bпрайс\b|"
    r"\bprices?\b|\bcosts?\b|\bpricing\b"
)
DECOY_PRICE: Final = re.compile(
    r"измен|изм\b|дата|\bdate\b|группа цен|(?:тип|вид|категория|наименование) цен|доставк|"
    r"deliver|shipping|freight|скидка (?:от|на|к)\b|\bрост\b|разниц|differen|change|динамик|"
    r"курс\b|процент|(?<![0-9])(?<![0-9] )%"
)
"""Words that make a column no price though the word itself is there; "НДС 20%" does not."""

DECOY: Final = re.compile(
    r"идентификатор|guid|uuid|измен|скидк|зніжк|знижк|discount|сумм|\bсума\b|итого|всего|\btotal|"
    r"заказ|заказано|замовлен|\border|вес\b|\bвага\b|масса|\bмаса\b|weight|об[ъь’']?[её]м\b|"
    r"\bаб ём|volume|срок|термін|тэрмін|гаранти|warranty|\bндс\b|\bпдв\b|\bпдв\b|\bvat\b|\btax|"
    r"бонус|доставк|deliver|shipping|маржа|наценк|націнк|margin|markup|комисси|прибыл|profit|"
    r"тн ?вэд|океи|\bокп|hs code|tariff|почтов|телефон|phone|"
    r"(?:кол-?\s?во|количество|qty|кратн\w*|минимальн\w*|мин\b)\s+(?:в|на|per|in|заказ|парт)\b"
)
"""Words that make a column neither a price nor a name, whatever else its header says."""

MONEY_WORD: Final = re.compile(
    r"\bруб(?:л\w*)?\b|₽|\bтенге\b|\bюан|\bгрн|\b(?:byn|rub|usd|eur|uah|kzt|cny|pln|gbp)\b|\$|€|£|₴"
)
PRICE_KINDS: Final = (
    ("old", re.compile(r"\bстар[аы]|прежн|прошл|\bold\b|\bwas\b|previous")),
    ("preorder", re.compile(r"предзаказ|pre-?order")),
    ("purchase", re.compile(r"закуп|входн|purchase|\bкупівел")),
    (
        "retail",
        re.compile(
            r"розн|розд?р[іи]б|р\.?р\.?ц|м\.?р\.?ц|\bрц\b|рекоменд|рэкаменд|retail|\brrp\b|\bmsrp\b"
            r"|\bmrp\b|\b[rs]rp\b|\brsp\b|\bмиц\b|\bсrp\b"
        ),
    ),
    ("wholesale", re.compile(r"опт|\bгурт|wholesale|\bwsp\b|дилер|dealer|trade|б2б|\bb2b\b")),
)
KEYWORDS: Final = (
    (Role.BARCODE, re.compile(r"штрих|штрых|\bean\b|barcode|gtin")),
    (Role.IMAGE, re.compile(r"\bфото|photo|image|изображен|картин|picture")),
    (Role.PACK, re.compile(
        r"упаковк|упаковц|фасовк|упакоўк|\bв уп\b|\bв кор|коробк|package|per pack|per case|packag"
    )),
    (Role.VENDOR_CODE, re.compile(
        r"(?:\bарт\w*|\bкат\w*|код|номер|\bcode|part n\w*|article)\s.*(?:производ|изготов|"
        r"завод|бренд|вытвор|виробн|manufact|\bmfr|maker|vendor|oem|поставщ)|парт-?\s?номер|\bmpn\b|\boem\b"
    )),
    (Role.STOCK, re.compile(
        r"наличи|остат|свободн|\bсклад|на складе|\bсток\b|\bstock\b|availab|наявн|наяўн|залишк|"
        r"\bон хэнд"
    )),
    (Role.SKU, re.compile(
        r"артикул|артыкул|каталож|по каталогу|\bкод\b|\bsku\b|part n|\bcode\b|\bкат номер|"
        r"article n|\bcat n|\bn кат\b|item n[ou]|model n[ou]|\bref\b"
    )),
    (Role.CATEGORY, re.compile(
        r"категори|катэгор|категорі|товарная группа|\bгруппа|подгрупп|\bраздел|рубрик|categor"
    )),
    (Role.UNIT, re.compile(
        r"^ед\b|един\w* измер|адзін\w* вым|одиниц\w* вим|\bизм\b|unit of meas|^од вим"
    )),
    (Role.BRAND, re.compile(
        r"бренд|брэнд|производител|изготовител|вытворц|виробник|торгов\w* марка|\bbrand\b|"
        r"manufacturer"
    )),
    (Role.LINK, re.compile(r"ссылк|спасылк|посилан|\burl\b|\blink\b")),
    (Role.NAME, re.compile(
        r"наимен|найменув|найменав|назван|\bназва\b|номенклатур|\bтовар|\bтавар|product name|"
        r"\bname\b|продукци|ассортимент"
    )),
    (Role.DESCRIPTION, re.compile(r"описан|апісан|\bопис\b|descr|\bdesc\b|характеристик")),
)  # fmt: skip
WEAK_NAMES: Final = re.compile(
    r"модель|мадэль|\bmodel\b|description|позици|издели|материал|\bproduct|\bitem\b|\bgoods\b|"
    r"услуг|\bработ"
)
KIND_OF_GOODS: Final = re.compile(r"(?:вид|тип|від|тып)\b")
"""The kind of goods is their name where nothing else is."""

WEAK_SKUS: Final = frozenset({"id", "product id", "item id", "номер", "шифр"})
"""Words above article numbers, unless another column has a better one."""

VARIANT: Final = re.compile(
    r"размер|памер|розмір|\bsize\b|цвет|колер|колір|colou?r|характеристик|исполнен|комплектац|"
    r"модификац|вариант|variant|диаметр|\bdiam|толщин|длин|ширин|высот|length|width|height|thick|"
    r"об[ъь’']?[её]м\b|volume|\bвес\b|weight|фасовк|упаковк|\bpack|\bсорт\b|\bgrade\b|"
    r"мощност|напряж|плотност|вкус|flavou?r|аромат|возраст|тираж|формат|\bлитраж|ёмкост|емкост"
)
"""Columns whose values make of one name several items."""

VOLATILE: Final = re.compile(
    r"цен|price|cost|скидк|discount|остат|наличи|stock|налич|заказ|order|сумм|total|дата|date|"
    r"обновл|update|поступл|акци|sale|новинк|\bnew\b|коммент|comment|примеч|note|статус|status|"
    r"срок|lead|кол-?\s?во|количеств|qty|quantity|^№|\bп п\b|\bn\b|рейтинг|rating"
)
"""Columns whose values change while the item stays the same."""
