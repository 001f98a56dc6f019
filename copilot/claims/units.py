"""What a number measures: units of several languages as a kind and a factor, so that 5 km is 5,000 m."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from indexer.text import fold


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: what it measures and how many base units it is."""

    kind: str
    factor: Fraction
    name: str


_TABLE = """
length 1 metre: m metre metres meter meters metro metros mètre mètres 米
length 1000 kilometre: km kilometre kilometres kilometer kilometers kilometern kilómetro kilómetros
length 1000 kilometre: kilomètre kilomètres 公里 千米
length 0.01 centimetre: cm centimetre centimetres centimeter centimeters zentimeter zentimetern
length 0.01 centimetre: centímetro centímetros centimètres 厘米
length 0.001 millimetre: mm millimetre millimetres millimeter millimeters milímetros millimètres 毫米
length 1609.344 mile: mi mile miles meile meilen milla millas 英里
length 0.3048 foot: ft foot feet fuß pie pies pied pieds 英尺
length 0.0254 inch: inch inches zoll pulgada pulgadas pouce pouces 英寸
length 0.9144 yard: yd yard yards yarda yardas 码
length 1852 nautical mile: nm 海里
area 1 square metre: m² m2 quadratmeter quadratmetern 平方米
area 1000000 square kilometre: km² km2 quadratkilometer quadratkilometern 平方公里 平方千米
area 4046.8564224 acre: acre acres morgen 英亩
area 10000 hectare: ha hectare hectares hektar hectárea hectáreas 公顷
area 2589988.110336 square mile: quadratmeile quadratmeilen 平方英里
mass 1 kilogram: kg kilo kilos kilogram kilograms kilogramm kilogrammes kilogramo kilogramos 公斤 千克
mass 0.001 gram: g gram grams gramm gramo gramos gramme grammes 克
mass 0.000001 milligram: mg milligram milligrams milligramm 毫克
mass 1000 tonne: t tonne tonnes tonnen ton tons tonelada toneladas 吨
mass 0.45359237 pound: lb lbs pound pounds pfund libra libras livre livres 磅
mass 0.028349523125 ounce: oz ounce ounces unze unzen onza onzas 盎司
time 1 second: s sec secs second seconds sekunde sekunden segundo segundos seconde secondes 秒 秒钟
time 60 minute: min mins minute minutes minuten minuto minutos 分钟
time 3600 hour: h hr hrs hour hours stunde stunden hora horas heure heures 小时 个小时
time 86400 day: day days tag tage tagen día días jour jours 天
time 604800 week: week weeks woche wochen semana semanas semaine semaines 周 星期 个星期
month 1 month: month months monat monate monaten mes meses mois 个月
month 12 year: yr yrs year years jahr jahre jahren año años an ans année années 年 岁 年间
month 120 decade: decade decades jahrzehnt jahrzehnte jahrzehnten década décadas décennie décennies
month 1200 century: century centuries jahrhundert jahrhunderts jahrhunderte jahrhunderten siglo
month 1200 century: siglos siècle siècles 世纪
share 1 per cent: % ％ percent percents prozent percentage pct
points 1 percentage point: prozentpunkt prozentpunkte prozentpunkten 个百分点 百分点
share 0.1 per mille: ‰ promille
usd 1 dollar: $ us$ usd dollar dollars dollár dólar dólares 美元
eur 1 euro: € eur euro euros 欧元
gbp 1 pound sterling: £ gbp 英镑
jpy 1 yen: yen 日元
cny 1 yuan: yuan rmb cny 元 人民币
chf 1 franc: chf franken francs franc
usd 0.01 cent: cent cents centavo centavos
celsius 1 degree Celsius: °c ℃ 摄氏度
fahrenheit 1 degree Fahrenheit: °f ℉ 华氏度
kelvin 1 kelvin: kelvin
power 1 watt: w watt watts 瓦
power 1000 kilowatt: kw kilowatt kilowatts 千瓦
power 1000000 megawatt: mw megawatt megawatts 兆瓦
power 1000000000 gigawatt: gw gigawatt gigawatts 吉瓦
energy 1 joule: j joule joules 焦耳
energy 1000 kilojoule: kj kilojoule kilojoules 千焦 千焦耳
energy 1000000 megajoule: megajoule megajoules 兆焦 兆焦耳
energy 3600000 kilowatt hour: kwh 千瓦时
energy 3600000000 megawatt hour: mwh
force 1 newton: newton newtons 牛顿
force 1000 kilonewton: kilonewton kilonewtons 千牛 千牛顿
volume 1 litre: l litre litres liter liters litern litro litros 升
volume 0.001 millilitre: ml millilitre millilitres milliliter 毫升
volume 3.785411784 gallon: gallon gallons gallonen galón galones 加仑
volume 158.987294928 barrel: barrel barrels fass barril barriles 桶
volume 1000 cubic metre: m³ m3 kubikmeter kubikmetern 立方米
frequency 1 hertz: hz hertz 赫兹
frequency 1000 kilohertz: khz 千赫 千赫兹
frequency 1000000 megahertz: mhz 兆赫 兆赫兹
frequency 1000000000 gigahertz: ghz 吉赫 吉赫兹
pressure 1 pascal: pa pascal pascals 帕斯卡
pressure 100 hectopascal: hpa 百帕
pressure 1000 kilopascal: kpa 千帕
pressure 1000000 megapascal: mpa megapascal megapascals 兆帕
pressure 1000000000 gigapascal: gpa 吉帕
pressure 100000 bar: bar
voltage 1 volt: v volt volts voltios 伏 伏特
voltage 1000 kilovolt: kv kilovolt kilovolts 千伏
speed 1 km/h: km/h kmh kph
speed 1.609344 mph: mph
speed 1.852 knot: knot knots knoten nudos kn 节
data 1 byte: byte bytes 字节
data 1000 kilobyte: kilobyte kilobytes 千字节
data 1000000 megabyte: mb megabyte megabytes 兆字节
data 1000000000 gigabyte: gb gigabyte gigabytes 吉字节
data 1000000000000 terabyte: tb terabyte terabytes
"""


def _read() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for line in _TABLE.strip().splitlines():
        head, _, words = line.partition(": ")
        kind, factor, name = head.split(" ", 2)
        for word in words.split():
            unit = Unit(kind, Fraction(factor), name)
            table.setdefault(word, unit)
            if word.isalpha():
                table.setdefault(fold(word), unit)
    return table


UNITS = _read()
_PHRASES = {
    "per cent": UNITS["%"], "por ciento": UNITS["%"], "pour cent": UNITS["%"],
    "per thousand": UNITS["‰"], "per mille": UNITS["‰"], "por mil": UNITS["‰"],
    "pour mille": UNITS["‰"], "pro mille": UNITS["‰"],
    "percentage points": UNITS["个百分点"], "percentage point": UNITS["个百分点"],
    "puntos porcentuales": UNITS["个百分点"], "points de pourcentage": UNITS["个百分点"],
     "square miles": UNITS["quadratmeile"],
    "square mile": UNITS["quadratmeile"], "square kilometres": UNITS["km²"],
    "square kilometers": UNITS["km²"], "square kilometre": UNITS["km²"], "square kilometer": UNITS["km²"],
    "square metres": UNITS["m²"], "square meters": UNITS["m²"],
    "square feet": Unit("area", Fraction("0.09290304"), "square foot"),
    "kilómetros cuadrados": UNITS["km²"], "millas cuadradas": UNITS["quadratmeile"],
    "metros cuadrados": UNITS["m²"], "kilomètres carrés": UNITS["km²"], "cubic metres": UNITS["m³"],
    "cubic meters": UNITS["m³"], "metric tons": UNITS["t"], "nautical miles": UNITS["nm"],
    "grad celsius": UNITS["°c"], "degrees celsius": UNITS["°c"], "degrees fahrenheit": UNITS["°f"],
    "grad fahrenheit": UNITS["°f"], "grados celsius": UNITS["°c"], "us dollars": UNITS["$"],
    "u.s. dollars": UNITS["$"], "us-dollar": UNITS["$"], "pfund sterling": UNITS["£"],
    "pounds sterling": UNITS["£"], "libras esterlinas": UNITS["£"], "miles per hour": UNITS["mph"],
}  # fmt: skip
_PHRASE = re.compile(
    r"[\s\u00a0-]{0,2}(?:de\s+)?("
    + "|".join(map(re.escape, sorted(_PHRASES, key=len, reverse=True)))
    + r")(?!\w)",
    re.IGNORECASE,
)
_WORD = re.compile(
    r"[\s\u00a0\u202f-]{0,2}(?:de\s+)?(?P<word>%|％|‰|€|\$|£|℃|℉|°[CF]|km/h|[^\W\d_]+[²³23]?)(?![\w])",
    re.IGNORECASE,
)
_HAN_UNITS = tuple(
    sorted(
        (word for word in UNITS if not word.isascii() and "\u4e00" <= word[0] <= "\u9fff"),
        key=len,
        reverse=True,
    )
)
_HAN_WORD = re.compile(r"\s?多?(" + "|".join(_HAN_UNITS) + ")")
_BEFORE = re.compile(r"(US\$|\$|€|£|¥|USD|EUR|GBP|CHF)\s?\Z")
_BEFORE_UNITS = {"¥": UNITS["yen"], "US$": UNITS["$"]}
_MONEY = frozenset(("usd", "eur", "gbp", "jpy", "cny", "chf"))
_SHARE_BEFORE = re.compile(r"百分之\Z")
_CASED = {"m", "g", "s", "h", "t", "l", "v", "w", "j", "k", "mi", "min", "pa", "an", "nm"}
"""Short signs that count only when they stand as written here, in lower case or directly."""


def unit_at(text: str, start: int, end: int) -> tuple[Unit | None, int]:
    """The unit of the number at `text[start:end]`, with the end of the whole."""
    before = _BEFORE.search(text, max(0, start - 5), start)
    behind, stop = _behind(text, end)
    if before:
        written = _BEFORE_UNITS.get(before[1]) or UNITS[before[1].lower()]
        return (behind, stop) if behind and behind.kind in _MONEY else (written, end)
    if _SHARE_BEFORE.search(text, max(0, start - 3), start):
        return UNITS["%"], end
    return behind, stop


def _behind(text: str, end: int) -> tuple[Unit | None, int]:
    match = _PHRASE.match(text, end)
    if match:
        return _PHRASES[match[1].lower()], match.end()
    match = _HAN_WORD.match(text, end)
    if match:
        return UNITS[match[1]], match.end()
    match = _WORD.match(text, end)
    if match:
        word = match["word"]
        found = UNITS.get(word.lower()) or UNITS.get(fold(word))
        if found and not (word.lower() in _CASED and word not in UNITS and not word.isupper()):
            return found, match.end()
    return None, end
