"""Bytes to text: which encoding a file is in, whatever it says of itself."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from xpoll_dagster.books.model import BookError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 64_000
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_MOSTLY_UTF8 = 0.98  # share of the non-ASCII characters that must be whole
_LATIN_SHARE = 0.25  # accents in a text of a western language stay below this share of bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text with Unix line ends, the encoding it was in, and what went wrong."""

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes, name: str, declared: str | None = None) -> Decoded:
    """Decode a text file: by its mark, as UTF-8, as declared, or by its bytes.

    Text with accents that is valid UTF-8 by chance is so rare that validity outranks a
    declaration. Raises `BookError` where the bytes are no text; `name` is for its message.
    """
    found = _by_mark(data) or _by_zeros(data)
    if found is None:
        if b"\0" in data:
            raise BookError(f"{name} is not text: it holds binary data.")
        found = _by_bytes(data, declared)
    text = found.text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text or len(_CONTROLS.findall(text[:_SAMPLE])) > 0.01 * min(len(text), _SAMPLE):
        raise BookError(f"{name} is not text: it holds binary data.")
    return Decoded(text, found.encoding, found.warnings)


def _by_mark(data: bytes) -> Decoded | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _lenient(data[len(mark) :], encoding)
    return None


def _by_zeros(data: bytes) -> Decoded | None:
    """UTF-16 without a mark: in western text every other byte is zero."""
    sample = data[:_SAMPLE]
    if len(sample) < 4 or sample.count(0) < 0.3 * len(sample):
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > 0.6 * (len(sample) // 2) and even < 0.05 * len(sample):
        return _lenient(data, "utf-16-le")
    if even > 0.6 * (len(sample) // 2) and odd < 0.05 * len(sample):
        return _lenient(data, "utf-16-be")
    return None


def _by_bytes(data: bytes, declared: str | None) -> Decoded:
    label = _known(declared)
    if label is not None and label.startswith(("iso2022", "hz", "utf-7")):
        return _lenient(data, label)  # their bytes are all ASCII
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    foreign = sum(1 for character in text if ord(character) > 127)
    if bad < (1 - _MOSTLY_UTF8) * foreign:
        return _lenient(data, "utf-8")
    if label not in (None, "utf-8", "ascii"):
        encoding = "cp1252" if label in ("iso8859-1", "cp1252") else str(label)
        try:
            return Decoded(data.decode(encoding), encoding)
        except (UnicodeDecodeError, LookupError):
            pass
    sample = data[:_SAMPLE] if any(byte > 127 for byte in data[:_SAMPLE]) else data
    if sum(byte > 127 for byte in sample) > _LATIN_SHARE * len(sample):
        from charset_normalizer import from_bytes

        best = from_bytes(sample[-_SAMPLE:]).best()
        if best is not None:
            return _lenient(data, best.encoding)
    # cp1252 leaves five bytes undefined; as controls of Latin-1 they are cleaned later.
    try:
        return Decoded(data.decode("cp1252"), "cp1252")
    except UnicodeDecodeError:
        return Decoded(data.decode("latin-1"), "latin-1")


def _lenient(data: bytes, encoding: str) -> Decoded:
    try:
        text = data.decode(encoding, errors="replace")
    except (UnicodeError, LookupError):
        text, encoding = data.decode("latin-1"), "latin-1"
    bad = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
    warnings = (f"{bad} characters are damaged.",) if bad > 0 else ()
    return Decoded(text, encoding, warnings)


def _known(label: str | None) -> str | None:
    if not label:
        return None
    try:
        info = codecs.lookup(label.strip().strip("\"'"))
    except (LookupError, ValueError, UnicodeError):
        return None
    # Python also has codecs that are no encodings of text (rot13, zip).
    return info.name if getattr(info, "_is_text_encoding", True) else None


def decoded_head(path: Path, limit: int) -> str | None:
    """The first `limit` bytes of a file as text; None where it is no file or no text."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(limit)
    try:
        return decode(head, path.name).text
    except BookError:
        return None
