"""Times, amounts and units as they are printed in running text."""

from __future__ import annotations

import re

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_ABOUT = (
    r"(?:(?:approximately|about|around|nearly|almost|roughly|some|at least|more than|less than|"
    r"only|over|up to|as much as|as little as|no more than|an average of)\s+){0,2}"
)
NUMBER = (
    r"(?:(?:minus |plus )?(?<![\w.])(?:\d{1,3}(?: \d{3})+(?!\d)|"
    r"\d+)(?:[.,:/-]\d+)*(?:-\d/\d)?(?: million| billion| thousand)?|"
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety|(?:a |one |several )?(?:hundred|thousand|million))"
    r"(?:[ -](?:one|two|three|five|hundred|thousand|million|and a half))*)"
)
UNIT = (
    r"(?:(?:(?:nautical|statute|square|cubic|metric|light|degrees|astronomical)[ -])?"
    r"(?:milli|centi|kilo|mega|giga|micro|nano)?"
    r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centur(?:y|ies)|feet|foot|"
    r"inch(?:es)?|miles?|yards?|met(?:re|er)s?|pounds?|tons?|tonnes?|ounces?|grams?|"
    r"degrees?|volts?|amperes?|amps?|amp|watts?|joules?|newtons?|pascals?|hertz|kelvins?|percent|"
    r"beats|beats/min|"
    r"per cent|psia?|psid|psig|rpm|mph|knots?|gallons?|lit(?:er|re)s?|bits?|bytes?|dollars?|"
    r"shillings?|francs?|times|cycles|ampere-hours?|amp-hours?|A-h|V dc|V|A|W|F|C|K|kHz|MHz|GHz|"
    r"Hz|km|cm|mm|kg|lb|ft|g|m|s|J|N|°\s?[FCR]|%|acres?|miles per hour|ft/sec|deg/sec|m/s|km/h|"
    r"lb/hr|psi/hour|psi/hr|mg|feet per second|m/s2)(?![\w-]))"
    r"(?:[ /]?(?:per|/|a|an)[ ]?(?:second|minute|hour|day|year|sec|hr|square inch|cubic foot|foot|"
    r"cubic meter|inch|week|month|square foot|kilogram|mile))?"
)
QUANTITY = re.compile(
    rf"{_ABOUT}{NUMBER}(?:\s?{UNIT}|%)(?:\s(?:{NUMBER}\s{UNIT}))*"
    rf"(?:(?: and| to| or|,)\s{NUMBER}\s{UNIT})?"
)
RANGE = re.compile(
    rf"(?:between|from)\s{_ABOUT}{NUMBER}(?:\s{UNIT})?\s(?:and|to)\s{NUMBER}\s?{UNIT}"
)
YEAR = re.compile(
    r"\b[Ii]n (?:the year )?((?:c\. )?1\d{3}|20[0-2]\d|\d{2,4} (?:B\.C\.|A\.D\.|BC|AD|BCE|"
    r"CE))(?!\d| \w+ings)(?![-–/]\d)"
)
DATE = re.compile(
    rf"\b(?:[Oo]n|[Ii]n) ((?:the \d+(?:st|nd|rd|th) of )?(?:\d{{1,2}}(?:st|nd|rd|th)? )?{_MONTH}"
    r"(?: \d{1,2}(?:st|nd|rd|th)?)?(?:(?:,| of)? (?:1\d{3}|20\d\d))?)(?!\w)"
)
CLOCK = re.compile(
    r"\b[Aa]t ((?:approximately |about )?(?:\d{1,3}:\d\d(?::\d\d)?(?:\.\d+)?(?: (?:hours|a\.m\.|"
    r"p\.m\.|"
    r"G\.m\.t\.|e\.s\.t\.))*|\d{1,3}(?:-\d/\d|\.\d+)? hours(?: \d+ minutes)?(?: \d+ seconds)?|"
    r"\d{4} G\.m\.t\.))(?![\w:])"
)
RELATIVE_TIME = re.compile(
    rf"\b({_ABOUT}(?:{NUMBER}|half an|an?|a few|some) (?:seconds?|minutes?|hours?|days?|weeks?|"
    rf"months?|"
    r"years?|decades?|centur(?:y|ies)|generations?) (?:before|after|prior to|following|later|"
    r"subsequent to|ago|earlier)\b[^,;]*)"
)
DURATION = re.compile(
    rf"\b[Ff]or ((?:{_ABOUT})(?:{NUMBER}|half an|an?|many|several|a few|some) (?:more "
    rf")?(?:seconds?|minutes?|hours?|"
    r"days?|weeks?|months?|years?|decades?|centur(?:y|ies)|generations)(?: \d+ (?:minutes|"
    r"seconds))?)(?! (?:before|after|"
    r"to|of|prior|old))\b"
)
PERIOD = re.compile(
    r"\b((?:early |late )?(?:in|by|during|towards?|before|after|about|since|until) (?:the )?"
    r"(?:(?:early|late|latter|first|second|middle|beginning|end|close|half|part|years?|days|reign|"
    r"time|lifetime) )*"
    r"(?:of (?:the )?)?(?:(?:early|late|latter|first|second|middle|half|part) )*(?:of (?:the )?)?"
    r"(?:\w+(?:th|st|nd|rd) centur(?:y|ies)(?: (?:B\.C\.|A\.D\.))?|1\d00s|\d{1,2}0s|"
    r"Middle Ages|Renaissance|(?:First|Second) World War))",
    re.IGNORECASE,
)
EVENT_TIME = re.compile(
    r"(?:^|\s)((?:when|while|during|after|before|until|following|prior to|upon(?= \w+ing\b| "
    r"completion|"
    r" arrival| receipt| return| activation| landing| entry| the (?:death|completion|arrival|"
    r"return|"
    r"outbreak|conclusion))|shortly after|"
    r"just before|just after|immediately after|immediately before|soon after)\s"
    r"(?!that\b|which\b|all\b|long\b|this\b)[^,;]+)$",
    re.IGNORECASE,
)
CAUSE = re.compile(
    r"(?:^|[\s,])(because of\s[^,;]+|because\s[^;]+|due to\s[^,;]+|owing to\s[^,;]+|on account "
    r"of\s[^,;]+|"
    r"as a result of\s[^,;]+|in consequence of\s[^,;]+)$"
)
PURPOSE = re.compile(
    r"(?:^|\s)(in order to\s[^,;]+|so as to\s[^,;]+|for the purpose of\s[^,;]+|in an attempt "
    r"to\s[^,;]+|"
    r"in an effort to\s[^,;]+|to [a-z]{2,}\s[^,;]+)$"
)
