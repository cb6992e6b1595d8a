"""Reading a statement file once, line by line, whichever channel wrote it."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Self, cast

from payment_channels.amounts import fen_from_yuan
from payment_channels.clock import BEIJING
from payment_channels.contract import BillCorrupt, BillRow, BillTotals, BillUnavailable
from payment_channels.transport import Transport, TransportFailed

#: Above this the temporary file of a download goes from memory to disk.
SPOOL_BYTES = 8_000_000
MAX_FILE_BYTES = 1_000_000_000
MAX_LINE_BYTES = 65_536
DOWNLOAD_TIMEOUT_S = 120.0
_CHUNK_BYTES = 1_048_576

#: Yields a statement's rows and returns its own totals, if it has any.
Reader = Callable[[BinaryIO], Generator[BillRow, None, BillTotals | None]]


class Statement:
    """A statement to be read once; see ``contract.Bill``. ``file`` is rewound before reading."""

    def __init__(self, *, file: BinaryIO, digest: str, read: Reader, owned: bool) -> None:
        """``owned``: close ``file`` at the end of the ``with``."""
        self.digest = digest
        self.size = file.seek(0, io.SEEK_END)
        self._file = file
        self._read = read
        self._owned = owned
        self._declared: BillTotals | None = None

    def __enter__(self) -> Self:
        """Start to use the statement."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Give the temporary file back."""
        if self._owned:
            self._file.close()

    def __iter__(self) -> Iterator[BillRow]:
        """See ``contract.Bill``."""
        self._file.seek(0)
        try:
            self._declared = yield from self._read(self._file)
        except (ValueError, OSError, EOFError, csv.Error, zlib.error, zipfile.BadZipFile) as error:
            raise BillCorrupt(f"the file cannot be read: {type(error).__name__}") from error

    def declared(self) -> BillTotals | None:
        """See ``contract.Bill``."""
        return self._declared


def fetch(
    transport: Transport, *, url: str, headers: Mapping[str, str], opened: Callable[[BinaryIO], Statement]
) -> Statement:
    """Download a statement into a temporary file and hand it to ``opened``, which then owns it.

    Raises ``BillUnavailable``, and ``BillCorrupt`` where ``opened`` does.
    """
    with ExitStack() as stack:
        file = cast("BinaryIO", stack.enter_context(SpooledTemporaryFile(max_size=SPOOL_BYTES)))
        try:
            status = transport.download(
                url=url, into=file, headers=headers, max_bytes=MAX_FILE_BYTES, timeout_s=DOWNLOAD_TIMEOUT_S
            )
        except TransportFailed as failure:
            raise BillUnavailable(failure.code, failure.message, later=True) from failure
        if status != 200:
            raise BillUnavailable("download", f"HTTP {status}", later=True)
        statement = opened(file)
        stack.pop_all()
    return statement


def pieces(file: BinaryIO, *, max_bytes: int = MAX_FILE_BYTES) -> Iterator[bytes]:
    """The content of a file piece by piece. Raises ``BillCorrupt`` when it is larger than ``max_bytes`` unpacked."""
    size = 0
    while piece := file.read(_CHUNK_BYTES):
        size += len(piece)
        if size > max_bytes:
            raise BillCorrupt("the file is too large")
        yield piece


def digest_of(content: Iterable[bytes]) -> str:
    """Hex SHA-256."""
    digest = hashlib.sha256()
    for piece in content:
        digest.update(piece)
    return digest.hexdigest()


def lines(file: BinaryIO, *, encoding: str) -> Iterator[tuple[int, str]]:
    """Numbered lines from 1, without their ends. Decoding is exact: a byte that does not fit is an error."""
    number = 0
    while raw := file.readline(MAX_LINE_BYTES):
        number += 1
        if len(raw) >= MAX_LINE_BYTES:
            raise BillCorrupt("the line is too long", line=number)
        try:
            yield number, raw.decode(encoding).rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise BillCorrupt(f"not {encoding}", line=number) from error


def columns(header: list[str], required: Iterable[str], *, line: int) -> dict[str, int]:
    """Where each column stands. Raises ``BillCorrupt`` when a required one is missing or one stands twice."""
    places = {name.strip(): place for place, name in enumerate(header)}
    missing = [name for name in required if name not in places]
    if missing or len(places) != len(header):
        raise BillCorrupt(f"the header lacks {', '.join(missing) or 'distinct names'}", line=line)
    return places


def fen(yuan: str, *, line: int) -> int:
    """An amount in yuan as fen. Raises ``BillCorrupt``."""
    try:
        return fen_from_yuan(yuan)
    except ValueError as error:
        raise BillCorrupt("not an amount in yuan", line=line) from error


def moment(text: str, *, line: int) -> datetime | None:
    """``2026-11-22 12:00:00`` in Beijing, or None for an empty field. Raises ``BillCorrupt``."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError as error:
        raise BillCorrupt("not a time", line=line) from error
