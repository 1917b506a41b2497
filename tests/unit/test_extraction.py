"""Facts that names state: the predecessor's mistakes, and what stands beside a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.matching.extraction import extract, facts_to_add


def box(length: float, width: float, height: float) -> dict[str, float]:
    return {"length": length, "width": width, "height": height}


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        # What the predecessor took for something else.
        ("Дрель 750Вт", {"power_watts": 750}),
        ("Лампа 220В", {"voltage": 220}),
        ("Чайник 1.5 кВт 220 В", {"power_watts": 1500, "voltage": 220}),
        ("Смартфон Galaxy S21 5G 128GB", {"storage_gb": 128}),
        ("Флешка 128ГБ", {"storage_gb": 128}),
        ("Коробка 10x20x30 in", {"dimensions_cm": box(25.4, 50.8, 76.2)}),
        ('Короб 10"x20"x30"', {"dimensions_cm": box(25.4, 50.8, 76.2)}),
        ("Notebook 8GB RAM 256GB", {"memory_gb": 8, "storage_gb": 256}),
        ("AC2200 router", {}),
        ("Насос 220-240V", {"voltage": 220}),
        # Voltage.
        ("Adapter 220 V", {"voltage": 220}),
        ("Motor 12 volts", {"voltage": 12}),
        ("Реле 24 вольт", {"voltage": 24}),
        ("Вентилятор AC 220", {"voltage": 220}),
        ("Насос 220 В 50 Гц", {"voltage": 220}),
        ("Выключатель 10 кВ", {"voltage": 10_000}),
        ("Набор отвёрток 12 в 1", {}),
        ("НАБОР 3 В 1", {}),
        ("Болты 10 в коробке", {}),
        ("Батарея 3.7V", {}),
        ("ИБП 650VA", {}),
        ("Камера HV30", {}),
        # Power.
        ("Heater 2 kW", {"power_watts": 2000}),
        ("Мотор 5 HP", {"power_watts": 3730}),
        ("Мотоблок 7 л.с.", {"power_watts": 5222}),
        ("Пылесос 1 800 Вт", {"power_watts": 1800}),
        ("Bosch 13 600 Вт", {"power_watts": 600}),
        ("Масло моторное 5W-40", {}),
        ("Масло 10W30", {}),
        ("Аккумулятор 50 Вт·ч", {}),
        ("Лента 14 Вт/м", {}),
        ("Лампа H7 55W", {"power_watts": 55}),
        # Weight.
        ("Цемент 25 кг", {"weight_kg": 25.0}),
        ("Сыр 300 г", {"weight_kg": 0.3}),
        ("Protein 5 lbs", {"weight_kg": 2.268}),
        ("Гантель вес: 2,5 кг", {"weight_kg": 2.5}),
        ("Гиря, масса 16", {"weight_kg": 16.0}),
        ("Роутер 4G", {}),
        ("Каталог 2023 г.", {}),
        ("Крупа 2000 г", {"weight_kg": 2.0}),
        ("Бумага 80 г/м2", {}),
        ("Кресло до 120 кг", {}),
        ("Redmi 9 4/64G", {}),
        # Dimensions.
        ("Коробка 10x20x30", {"dimensions_cm": box(10, 20, 30)}),
        ("Ящик 400х300х250 мм", {"dimensions_cm": box(40, 30, 25)}),
        ("Ящик 10,5 × 20 × 30 см", {"dimensions_cm": box(10.5, 20, 30)}),
        ("Шкаф Д80 Ш40 В200 см", {"dimensions_cm": box(80, 40, 200)}),
        ("Box L10 W20 H30", {"dimensions_cm": box(10, 20, 30)}),
        ("Монитор 1920x1080", {}),
        # Storage and memory.
        ("SSD 1 ТБ", {"storage_gb": 1000}),
        ("SSD 512GB", {"storage_gb": 512}),
        ("512GB SSD", {"storage_gb": 512}),
        ("Redmi Note 12 8/256GB", {"memory_gb": 8, "storage_gb": 256}),
        ("Poco 6GB+128GB", {"memory_gb": 6, "storage_gb": 128}),
        ("Модуль DDR4 16GB", {"memory_gb": 16}),
        ("Ноутбук ОЗУ 16 ГБ, SSD 512 ГБ", {"memory_gb": 16, "storage_gb": 512}),
        ("Видеокарта RTX 3060 12GB GDDR6", {}),
        ("Memory card 64GB", {"storage_gb": 64}),
        ("64GB memory card", {"storage_gb": 64}),
        ("iPhone 14 128GB", {"storage_gb": 128}),
        ("Карта 100 GB/s", {}),
        # Several at once.
        (
            "Ноутбук 16GB RAM 512GB SSD 65W 19V 1.8 кг",
            {
                "memory_gb": 16,
                "storage_gb": 512,
                "power_watts": 65,
                "voltage": 19,
                "weight_kg": 1.8,
            },
        ),
        ("Просто название", {}),
    ],
)
def test_a_name_states_these_facts_and_no_other(name: str, facts: dict[str, object]) -> None:
    assert extract(name, extractors=["electronics", "dimensions"]) == facts


def test_what_the_features_count_is_told_by_its_unit() -> None:
    assert extract("Молоко 1,5 л, 6 шт", extractors=["quantities"]) == {
        "volume_ml": 1500,
        "pieces": 6,
    }
    assert extract("Power bank 10000 mAh", extractors=["quantities"]) == {"battery_mah": 10_000}


def test_only_what_is_asked_for_is_looked_for() -> None:
    name = "Дрель 750Вт 2 кг"

    assert extract(name, extractors=["dimensions"]) == {"weight_kg": 2.0}
    assert extract(name, extractors=["astrology"]) == {}


def test_values_that_are_there_stay_and_placeholders_are_none() -> None:
    facts = {"voltage": 220, "power_watts": 750, "weight_kg": 2.0, "storage_gb": 8}
    known = {"voltage": 12, "power_watts": None, "weight_kg": " N/A ", "storage_gb": 8}

    assert facts_to_add(facts, known, preserve_existing=True) == {
        "power_watts": 750,
        "weight_kg": 2.0,
    }
    assert facts_to_add(facts, known, preserve_existing=False) == {
        "voltage": 220,
        "power_watts": 750,
        "weight_kg": 2.0,
    }


@given(st.text(max_size=60))
def test_any_text_gives_facts_within_their_bounds(name: str) -> None:
    facts = extract(name)

    for key, most in (("voltage", 10_000), ("power_watts", 100_000), ("memory_gb", 1_000)):
        if key in facts:
            fact = facts[key]
            assert isinstance(fact, int)
            assert 1 <= fact <= most
