"""Units of measure and their abbreviations."""

from __future__ import annotations

import re

_NAMES = {
    "hour": "h hr hrs hour hours",
    "minute": "min mins minute minutes",
    "second": "s sec secs second seconds",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "yr yrs year years",
    "millisecond": "ms msec millisecond milliseconds",
    "foot": "ft foot feet",
    "inch": "inch inches",
    "mile": "mi mile miles",
    "yard": "yd yards yard",
    "metre": "m meter meters metre metres",
    "kilometre": "km kms kilometer kilometers kilometre kilometres",
    "centimetre": "cm centimeter centimeters centimetre centimetres",
    "millimetre": "mm millimeter millimeters millimetre millimetres",
    "pound": "lb lbs pound pounds lbf poumds poumd",
    "ounce": "oz ounce ounces",
    "ton": "ton tons tonne tonnes",
    "kilogram": "kg kgs kilogram kilograms kilogramme kilogrammes",
    "gram": "gram grams",
    "volt": "v vdc volt volts",
    "ampere": "a amp amps ampere amperes",
    "ampere-hour": "ah a-h amp-hour amp-hours ampere-hour ampere-hours amperehours amperehour",
    "watt": "w watt watts",
    "kilowatt": "kw kilowatt kilowatts",
    "kilowatt-hour": "kwh kw-h kilowatt-hour kilowatt-hours",
    "watt-hour": "wh w-h watt-hour watt-hours",
    "hertz": "hz hertz",
    "kilohertz": "khz kilohertz",
    "megahertz": "mhz megahertz",
    "psi": "psi psia psig psid",
    "degree": "deg degs degree degrees °",
    "percent": "% percent pct",
    "dollar": "dollar dollars",
    "gallon": "gal gallon gallons",
    "litre": "liter liters litre litres",
    "knot": "knot knots kt kts",
    "acre": "acre acres",
    "bushel": "bushel bushels",
    "barrel": "barrel barrels",
    "joule": "joule joules",
    "newton": "newton newtons",
    "tesla": "tesla teslas",
    "kelvin": "kelvin kelvins",
}
UNITS = {word: unit for unit, words in _NAMES.items() for word in words.split()}
_AFTER = re.compile(
    r"[\s-]{0,2}(°|%|[A-Za-z]{1,14}(?:[ -]?(?:hours?|h)\b)?)(?:[\s.]*(F|C|Fahrenheit|Celsius)\b)?",
)
_ALIKE = {frozenset({"degree", "fahrenheit"}), frozenset({"degree", "celsius"})}
_SHORT = 2


def unit_after(text: str, end: int) -> str:
    """The unit that follows a number ending at `end`, canonical; "" where none is known.

    Of a compound unit ("ft/sec") it is the first part.
    """
    match = _AFTER.match(text, end)
    if match is None:
        return ""
    word = match.group(1).lower().replace(" ", "-")
    unit = UNITS.get(word) or UNITS.get(word.split("-")[0], "")
    if match.group() in {"s", "'s"}:  # the 1960s
        return ""
    if len(word) < _SHORT and word.isalpha() and not text[match.start(1)].isspace():
        # "5 A" and "5 m" are units; "5 a" and "tank 2 s" hardly so.
        printed = match.group(1)
        if printed in {"a", "S", "M", "w", "v"} or text[match.end(1) : match.end(1) + 1] == ".":
            return ""
    if unit == "degree" and match.group(2):
        return "fahrenheit" if match.group(2)[0] == "F" else "celsius"
    return unit


def same_unit(one: str, other: str) -> bool:
    """Whether two canonical units can mean the same; an unknown one can mean any."""
    return not one or not other or one == other or frozenset({one, other}) in _ALIKE
