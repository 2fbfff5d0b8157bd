"""Pickles that LangChain's clients read, written without LangChain.

The reference project's clients `pickle.load` a list of `Document`s, and LangChain's FAISS store a
pair of an `InMemoryDocstore` and the ids of the index's rows. What such a pickle holds is small
and fixed: the names of two classes and plain values. So it is written here opcode by opcode, as
`pickle.dump` of LangChain's own objects would write it (langchain-core 0.3 and later, pydantic
2), which spares every user a tree of some twenty packages and keeps the bytes the same from run
to run. The classes are named only; nothing is imported, and nothing here ever loads a pickle.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

Plain = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None

_DOCUMENT = ("langchain_core.documents.base", "Document")
_DOCSTORE = ("langchain_community.docstore.in_memory", "InMemoryDocstore")
_INT32 = 1 << 31


@dataclass(frozen=True, slots=True)
class Document:
    """What becomes a LangChain document: the text, plain metadata, and its id in the store."""

    id: str
    page_content: str
    metadata: Mapping[str, Plain] = field(default_factory=dict)


def write_documents(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a pickle of a list of documents (`chunks.pkl`)."""
    stream.write(_START + pickle.EMPTY_LIST)
    stream.writelines(_document(document) + pickle.APPEND for document in documents)
    stream.write(pickle.STOP)


def write_docstore(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a pickle of (docstore, ids of the rows), the documents in order of the rows.

    It is the `index.pkl` that `FAISS.load_local` reads beside `index.faiss`.
    """
    stream.write(_START + _new(*_DOCSTORE) + pickle.EMPTY_DICT + _value("_dict"))
    stream.write(pickle.EMPTY_DICT)
    ids = []
    for document in documents:
        ids.append(document.id)
        stream.write(_value(document.id) + _document(document) + pickle.SETITEM)
    stream.write(pickle.SETITEM + pickle.BUILD + pickle.EMPTY_DICT)
    stream.writelines(_value(row) + _value(name) + pickle.SETITEM for row, name in enumerate(ids))
    stream.write(pickle.TUPLE2 + pickle.STOP)


_START = pickle.PROTO + bytes([4])


def _new(module: str, name: str) -> bytes:
    """An instance made without its constructor, as pickle makes those of pydantic's classes."""
    named = pickle.GLOBAL + f"{module}\n{name}\n".encode()
    return named + pickle.EMPTY_TUPLE + pickle.NEWOBJ


def _document(document: Document) -> bytes:
    fields = {
        "id": document.id,
        "metadata": dict(document.metadata),
        "page_content": document.page_content,
        "type": "Document",
    }
    given = b"".join(_value(name) for name in ("id", "metadata", "page_content"))
    return b"".join(
        [
            _new(*_DOCUMENT),
            pickle.EMPTY_DICT,
            _value("__dict__") + _value(fields) + pickle.SETITEM,
            _value("__pydantic_extra__") + pickle.NONE + pickle.SETITEM,
            _value("__pydantic_fields_set__"),
            pickle.EMPTY_SET + pickle.MARK + given + pickle.ADDITEMS + pickle.SETITEM,
            _value("__pydantic_private__") + pickle.NONE + pickle.SETITEM,
            pickle.BUILD,
        ]
    )


def _value(value: Plain) -> bytes:
    if value is None:
        return pickle.NONE
    if isinstance(value, bool):
        return pickle.NEWTRUE if value else pickle.NEWFALSE
    if isinstance(value, int):
        if -_INT32 <= value < _INT32:
            return pickle.BININT + struct.pack("<i", value)
        size = value.bit_length() // 8 + 1
        return pickle.LONG1 + bytes([size]) + value.to_bytes(size, "little", signed=True)
    if isinstance(value, float):
        return pickle.BINFLOAT + struct.pack(">d", value)
    if isinstance(value, str):
        encoded = value.encode("utf-8", "surrogatepass")
        return pickle.BINUNICODE + struct.pack("<I", len(encoded)) + encoded
    if isinstance(value, list):
        parts = b"".join(_value(item) + pickle.APPEND for item in value)
        return pickle.EMPTY_LIST + parts
    if isinstance(value, dict):
        parts = b"".join(_value(key) + _value(item) + pickle.SETITEM for key, item in value.items())
        return pickle.EMPTY_DICT + parts
    raise TypeError(f"A {type(value).__name__} cannot stand in a document's metadata.")
