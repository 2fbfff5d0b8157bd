"""The bytes of a file, unpacked, in blocks; packed bombs are refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.reading.batches import ReadingOptions

PACKED = (".gz", ".zst", ".bz2", ".xz")
_UTF8_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")


def bare_suffix(path: Path) -> str:
    """The suffix that tells the format, under the one that tells the packing."""
    name = path.name.lower()
    for packing in PACKED:
        name = name.removesuffix(packing)
    return Path(name).suffix


def blocks(path: Path, options: ReadingOptions) -> Iterator[bytes]:
    """Blocks of `block_bytes`, without the mark that some programs set before UTF-8.

    Raises:
        SourceError: The file is missing, broken, a bomb, or in another encoding.
    """
    try:
        with path.open("rb") as raw:
            size = path.stat().st_size
            total, first = 0, True
            with _unpacked(raw, path) as stream:
                while block := stream.read(options.block_bytes):
                    total += len(block)
                    _check_growth(path, size, total, options)
                    if first:
                        first = False
                        if block[:2] in _OTHER_MARKS:
                            raise SourceError(f"{path.name} is UTF-16: save it as UTF-8.")
                        block = block.removeprefix(_UTF8_MARK)
                    yield block
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _broken(path, error) from error
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror or error}.") from error


def _unpacked(raw: BinaryIO, path: Path) -> BinaryIO:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=raw)  # pyright: ignore[reportReturnType]
    if suffix == ".bz2":
        return bz2.BZ2File(raw)  # pyright: ignore[reportReturnType]
    if suffix == ".xz":
        return lzma.LZMAFile(raw)  # pyright: ignore[reportReturnType]
    if suffix == ".zst":
        return _ZstdStream(raw, path)  # pyright: ignore[reportReturnType]
    return raw


class _ZstdStream:
    """Frames of zstd, one after the other; an unfinished last frame is an error."""

    def __init__(self, raw: BinaryIO, path: Path) -> None:
        import zstandard

        self._path = path
        self._error = zstandard.ZstdError
        # A window of 128 MB is what `zstd` itself opens unasked.
        decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._stream = decompressor.stream_reader(raw, read_across_frames=True, closefd=False)

    def __enter__(self) -> _ZstdStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except self._error as error:
            raise _broken(self._path, error) from error


def _broken(path: Path, error: Exception) -> SourceError:
    return SourceError(
        f"{path.name} is broken or half-written ({error}): download or pack it again."
    )


def _check_growth(path: Path, size: int, total: int, options: ReadingOptions) -> None:
    if path.suffix.lower() not in PACKED:
        return
    if total > options.unpacked_bytes:
        raise SourceError(
            f"{path.name} unpacks to more than {options.unpacked_bytes:,} bytes: raise "
            "`unpacked_bytes` if that is meant."
        )
    if total > options.expansion_from and total > options.expansion * max(size, 1):
        raise SourceError(
            f"{path.name} unpacks to more than {options.expansion} times its size, as a bomb "
            "does: raise `expansion` if that is meant."
        )
