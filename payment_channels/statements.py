"""Reading a statement file once, row by row, whichever channel wrote it and whatever the portal packed it in.

Tolerant of an odd row, exact about money: a row that cannot be read is set aside with its words, and the rest goes on.
"""

import csv
import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Self, cast
from xml.etree.ElementTree import ParseError

from payment_channels import acquirers, workbooks
from payment_channels.clock import BEIJING
from payment_channels.contract import BillCorrupt, BillNotes, BillRow, BillTotals, BillUnavailable
from payment_channels.parsing import Unreadable, fen_from_yuan
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.transport import ServerError, Transport, TransportFailed

#: Above this the temporary file of a download goes from memory to disk.
SPOOL_BYTES = 8_000_000
MAX_FILE_BYTES = 1_000_000_000
DOWNLOAD_TIMEOUT_S = 120.0
_CHUNK_BYTES = 1_048_576
_GZIP_MAGIC, _ZIP_MAGIC, _OLD_WORKBOOK_MAGIC = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_EMPTY_ZIP_MAGIC = b"PK\x05\x06"
#: RAR, 7z, XZ and bzip2: not of any portal.
_OTHER_ARCHIVES = (b"Rar!", b"7z\xbc\xaf", b"\xfd7zX", b"BZh")
#: PDF, PNG, JPEG, GIF, TIFF, WebP, RTF: what a person reads. Photos of a phone say so behind their first four bytes.
_DOCUMENTS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"RIFF", b"{\\rt")
_PHOTO = b"ftyp"
#: A package within a package wins nothing by it: a larger one is a bomb.
_PACKED_TIMES, _MAX_PACKAGE_BYTES = 3, 128_000_000
#: A workbook with a password lies in the container of the old ones. Source: MS-OFFCRYPTO, 1.3.2.
_LOCKED_WORKBOOK = "EncryptedPackage".encode("utf-16-le")
#: What a file that cannot be unpacked raises while it is read.
BROKEN = (ValueError, OSError, EOFError, RuntimeError, csv.Error, zlib.error, zipfile.BadZipFile, ParseError)

#: What a package inside a package is called.
_PACKAGES = (
    ".zip",
    ".gz",
    ".rar",
    ".7z",
    ".xz",
    ".bz2",
    ".xlsx",
    ".xls",
    ".et",
    ".ods",
    ".numbers",
    ".pdf",
    ".docx",
    ".png",
    ".jpg",
    ".jpeg",
)

#: Of these several may lie in one, as a portal packs a zip for each account.
_ZIPS = (".zip",)

#: Yields a statement's rows and returns its own totals, if it has any.
Reader = Callable[[BinaryIO], Generator[BillRow, None, BillTotals | None]]


class Statement:
    """A statement to be read once; see ``contract.Bill``. ``file`` is rewound before reading."""

    def __init__(
        self, *, file: BinaryIO, digest: str, read: Reader, owned: bool, notes: BillNotes | None = None
    ) -> None:
        """``owned``: close ``file`` at the end of the ``with``. ``notes`` is what ``read`` writes down beside its rows."""
        self.digest = digest
        self.size = file.seek(0, io.SEEK_END)
        self.notes = notes or BillNotes()
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
        self.notes.start_again()
        try:
            self._declared = yield from self._read(self._file)
        except BillCorrupt as error:
            if error.code.startswith("row_"):  # no row's, which would be set aside, but the totals'
                raise BillCorrupt(error.reason, line=error.line) from error
            raise
        except BROKEN as error:
            raise BillCorrupt(f"the file cannot be read: {type(error).__name__}") from error

    def declared(self) -> BillTotals | None:
        """See ``contract.Bill``."""
        return self._declared


@contextmanager
def applying() -> Iterator[None]:
    """What says nothing of a statement, while it is asked for: ask again later. Raises ``BillUnavailable``."""
    try:
        yield
    except TransportFailed as failure:
        raise BillUnavailable(failure.code, failure.message, later=True) from failure
    except ServerError as error:
        raise BillUnavailable("server_error", str(error), later=True) from error
    except SignatureInvalid as error:
        raise BillUnavailable("bad_signature", error.message, later=True) from error
    except Unreadable as error:
        raise BillUnavailable("unreadable", str(error), later=True) from error


def fetch(
    transport: Transport, *, url: str, headers: Mapping[str, str], opened: Callable[[BinaryIO], Statement]
) -> Statement:
    """Download a statement into a temporary file and hand it to ``opened``, which then owns it.

    Raises ``BillUnavailable``, and ``BillCorrupt`` where ``opened`` does.
    """
    with ExitStack() as stack:
        file = cast("BinaryIO", stack.enter_context(SpooledTemporaryFile(max_size=SPOOL_BYTES)))
        with applying():
            status = transport.download(
                url=url, into=file, headers=headers, max_bytes=MAX_FILE_BYTES, timeout_s=DOWNLOAD_TIMEOUT_S
            )
        if status != 200:
            raise BillUnavailable("download", f"HTTP {status}", later=True)
        statement = opened(file)
        stack.pop_all()
    return statement


# --- what the file is packed in -------------------------------------------------------------------------------------


#: Whether a table is of the wanted kind, by its first lines.
Holds = Callable[[BinaryIO], bool]


def digest_of_file(
    file: BinaryIO, *, wanted: Callable[[str], bool], holds: Holds | None = None, but: re.Pattern[bytes] | None = None
) -> str:
    """Hex SHA-256 of the unpacked content, without what ``but`` finds: that differs from one download to the next.

    Raises ``BillCorrupt``, also for a file that is empty.
    """
    if file.seek(0, io.SEEK_END) == 0:
        raise BillCorrupt("the file is empty", code="bill_empty")
    try:
        found = pieces_of(file, wanted=wanted, holds=holds)
        return digest_of(but.sub(b"", piece) for piece in found) if but else digest_of(found)
    except BROKEN as error:
        raise BillCorrupt("the file cannot be unpacked") from error


def pieces_of(file: BinaryIO, *, wanted: Callable[[str], bool], holds: Holds | None = None) -> Iterator[bytes]:
    """The unpacked content piece by piece. Raises ``BillCorrupt`` and what a broken file raises."""
    with unpacked(file, wanted=wanted, holds=holds) as inner:
        for part in inner.parts() if isinstance(inner, workbooks.Workbook) else [inner]:
            yield from pieces(part)


@contextmanager
def unpacked(
    file: BinaryIO, *, wanted: Callable[[str], bool], holds: Holds | None = None
) -> Iterator[BinaryIO | workbooks.Workbook]:
    """The table inside: of a zip the one file whose name is ``wanted``, of gzip its content, else the file itself. Of several in
    a zip those that ``holds`` says are of the wanted kind, one below the other.

    What a Mac adds to a zip is no file of it. Raises ``BillCorrupt`` where there is none or several.
    """
    magic = _magic(file)
    if magic == _OLD_WORKBOOK_MAGIC:
        held = file.read(_CHUNK_BYTES)
        if acquirer := acquirers.named_in_workbook(held):
            raise BillCorrupt("an acquirer's list", code="bill_of_acquirer", acquirer=acquirer)
        locked = _LOCKED_WORKBOOK in held
        raise BillCorrupt("an .xls workbook, or locked", code="bill_locked" if locked else "bill_workbook")
    if magic == _EMPTY_ZIP_MAGIC:
        raise BillCorrupt("a zip of nothing", code="bill_zip")
    if magic.startswith(_GZIP_MAGIC):
        with gzip.GzipFile(fileobj=file, mode="rb") as content:
            yield cast("BinaryIO", content)
    elif magic == _ZIP_MAGIC:
        with zipfile.ZipFile(file) as archive:
            if workbooks.is_workbook(archive):
                yield workbooks.Workbook(archive)
                return
            _check_program(archive)
            entries = _tables_in(archive, wanted, holds)
            with (
                archive.open(entries[0])
                if len(entries) == 1
                else io.BufferedReader(_Joined(archive, entries)) as content
            ):
                yield cast("BinaryIO", content)
    else:
        yield file


def _check_program(archive: zipfile.ZipFile) -> None:
    """Raises ``BillCorrupt`` for the document of another program, which is a zip to look at."""
    names = archive.namelist()
    if any(name.startswith("word/") for name in names):
        raise BillCorrupt("a text document", code="bill_document")
    if "content.xml" in names or any(name.endswith(".iwa") for name in names):
        raise BillCorrupt("a workbook of another program", code="bill_workbook")


def _tables_in(archive: zipfile.ZipFile, wanted: Callable[[str], bool], holds: Holds | None) -> list[zipfile.ZipInfo]:
    held = [entry for entry in archive.infolist() if is_content(entry)]
    named = [entry for entry in held if wanted(name_of(entry))]
    # A single file is what was meant, whatever somebody has called it.
    found = named or [entry for entry in held if not entry.filename.lower().endswith(".zip")]
    if any(map(is_locked, found or held)):
        raise BillCorrupt("a password is needed", code="bill_locked")
    # A word about the file may lie beside it, and a copy of it.
    found = distinct([entry for entry in found if entry.filename.lower().endswith(".csv")] or found)
    if len(found) > 1 and holds is not None:
        fitting = []
        for entry in found:
            with archive.open(entry) as content:
                if holds(cast("BinaryIO", content)):
                    fitting.append(entry)
        # Where none is of the wanted kind, the first says what it is instead.
        return fitting or found[:1]
    if len(found) != 1:
        raise BillCorrupt(f"the zip does not hold exactly one table but {len(found)}", code="bill_zip")
    return found


def distinct(
    entries: Iterable[zipfile.ZipInfo], *, by_name: Callable[[str], object] = lambda _: None
) -> list[zipfile.ZipInfo]:
    """Entries without copies of one another; ``by_name`` says of a name what makes the same content another file's."""
    found = {(entry.CRC, entry.file_size, by_name(entry.filename)): entry for entry in reversed(list(entries))}
    return list(found.values())[::-1]


def is_locked(entry: zipfile.ZipInfo) -> bool:
    return bool(entry.flag_bits & 1)


class _Joined(io.RawIOBase):
    """Entries of a zip as if they stood one below the other."""

    def __init__(self, archive: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo]) -> None:
        self._pieces = (piece for entry in entries for piece in self._read(archive, entry))
        self._rest = b""

    @staticmethod
    def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        with archive.open(entry) as content:
            yield from pieces(cast("BinaryIO", content))
        yield b"\r\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands over
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def peeled(file: BinaryIO) -> BinaryIO:
    """The file, or the package or workbook that somebody packed once more in a zip or in gzip; of several packages in a zip what
    they hold, as if one held it all. ``file`` stays open.

    Raises ``BillCorrupt`` for archives of other programs, and for what is there to be read by people.
    """
    for _ in range(_PACKED_TIMES):
        magic = _magic(file)
        if magic.startswith(_OTHER_ARCHIVES):
            raise BillCorrupt("an archive of another kind", code="bill_archive")
        if magic.startswith(_DOCUMENTS) or _is_photo(file):
            raise BillCorrupt("a document or a picture", code="bill_document")
        try:
            inner = _package_in(file)
        except BROKEN:
            return file
        if inner is None:
            return file
        file = inner
    return file


def _is_photo(file: BinaryIO) -> bool:
    file.seek(4)
    sign = file.read(4)
    file.seek(0)
    return sign == _PHOTO


def _package_in(file: BinaryIO) -> BinaryIO | None:
    with ExitStack() as stack:
        if _magic(file).startswith(_GZIP_MAGIC):
            content: BinaryIO = cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=file, mode="rb")))
        elif is_zip(file):
            archive = stack.enter_context(zipfile.ZipFile(file))
            _check_program(archive)
            held = [entry for entry in archive.infolist() if is_content(entry)]
            if workbooks.is_workbook(archive) or any(entry.filename.lower().endswith(".csv") for entry in held):
                return None
            # A word about it may lie beside it.
            entries = [entry for entry in held if entry.filename.lower().endswith(_PACKAGES)] or held
            if any(map(is_locked, entries)):
                raise BillCorrupt("a password is needed", code="bill_locked")
            packages = [entry for entry in entries if entry.filename.lower().endswith(_ZIPS)]
            if len(packages) > 1:
                return _in_one(archive, packages)
            if len(entries) != 1:
                return None
            content = cast("BinaryIO", stack.enter_context(archive.open(entries[0])))
        else:
            return None
        head = content.read(8)
        known = (_ZIP_MAGIC, _GZIP_MAGIC, _OLD_WORKBOOK_MAGIC, *_OTHER_ARCHIVES, *_DOCUMENTS)
        if not head.startswith(known) and head[4:] != _PHOTO:
            return None
        return io.BytesIO(b"".join([head, *pieces(content, max_bytes=_MAX_PACKAGE_BYTES)]))


def _in_one(archive: zipfile.ZipFile, packages: Iterable[zipfile.ZipInfo]) -> BinaryIO:
    """A zip of what several zips in a zip hold. Raises ``BillCorrupt`` where one is locked, or all of it too large."""
    together, size = io.BytesIO(), 0
    with zipfile.ZipFile(together, "w") as one:
        for number, package in enumerate(packages):
            content = io.BytesIO(_unpacked_whole(archive, package, most=_MAX_PACKAGE_BYTES - size))
            with zipfile.ZipFile(content) as inner:
                if workbooks.is_workbook(inner):
                    one.writestr(f"{number}/{name_of(package)}", content.getvalue())
                    size += len(content.getvalue())
                    continue
                for entry in filter(is_content, inner.infolist()):
                    if is_locked(entry):
                        raise BillCorrupt("a password is needed", code="bill_locked")
                    held = _unpacked_whole(inner, entry, most=_MAX_PACKAGE_BYTES - size)
                    size += len(held)
                    one.writestr(f"{number}/{name_of(entry)}", held)
    return together


def _unpacked_whole(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, most: int) -> bytes:
    with archive.open(entry) as content:
        return b"".join(pieces(cast("BinaryIO", content), max_bytes=most))


def _magic(file: BinaryIO) -> bytes:
    file.seek(0)
    magic = file.read(4)
    file.seek(0)
    return magic


def is_zip(file: BinaryIO) -> bool:
    return _magic(file) == _ZIP_MAGIC


def is_content(entry: zipfile.ZipInfo) -> bool:
    """Neither a folder nor what macOS writes beside every file."""
    name = entry.filename
    return not (entry.is_dir() or name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith("."))


def name_of(entry: zipfile.ZipInfo) -> str:
    """An entry's name; in China written in GBK, on a Mac in UTF-8, and taken for an old American one unless the zip says more."""
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for encoding in ("utf-8", "gbk"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return entry.filename


def pieces(file: BinaryIO, *, max_bytes: int = MAX_FILE_BYTES) -> Iterator[bytes]:
    """The content of a file piece by piece. Raises ``BillCorrupt`` when it is larger than ``max_bytes`` unpacked."""
    size = 0
    while piece := file.read(_CHUNK_BYTES):
        size += len(piece)
        if size > max_bytes:
            raise BillCorrupt("the file is too large")
        yield piece


def sum_of(totals: Iterable[BillTotals]) -> BillTotals:
    """The totals of several statements that stand one below the other."""
    found = list(totals)
    return BillTotals(
        rows=sum(one.rows for one in found),
        payments_fen=sum(one.payments_fen for one in found),
        refunds_fen=sum(one.refunds_fen for one in found),
    )


def digest_of(content: Iterable[bytes]) -> str:
    """Hex SHA-256."""
    digest = hashlib.sha256()
    for piece in content:
        digest.update(piece)
    return digest.hexdigest()


# --- what stands in a cell ------------------------------------------------------------------------------------------

#: A time as spreadsheets write it: with slashes, without seconds, or as days since 1900.
_TYPED_TIME = re.compile(
    r"[0-9]{4}[/.年][0-9]{1,2}[/.月][0-9]{1,2}(?![0-9])|[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{2,4}\b"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2} [0-9]{1,2}:[0-9]{2}\Z|[0-9]{5}(\.[0-9]+)?\Z"
)
#: As acquirers' programs write it.
_PACKED_TIME = re.compile(r"20[0-9]{12}\Z")
#: A number that a spreadsheet took for a quantity: with an exponent or decimals, or only zeros behind its 15 digits.
_ROUNDED = re.compile(
    r"[0-9](\.[0-9]+)?[Ee]\+[0-9]{1,3}\Z|[0-9]\.[0-9]+[Ee][0-9]{1,3}\Z|[0-9]{9,}\.[0-9]+\Z|[1-9][0-9]{10,16}[1-9]0{9,}\Z"
)
_FINE = re.compile(r"(-?)([0-9]{1,12})\.([0-9]{2})([0-9]{1,6})\Z")


class Resaved(BillCorrupt):
    """A cell as a spreadsheet writes it, which no channel does."""


def number(text: str, *, line: int) -> str:
    """A number of the channel's or ours. Raises ``Resaved``."""
    if _ROUNDED.match(text):
        raise Resaved(f"{text} is a number that a spreadsheet has rounded", line=line, code="row_number", said=text)
    return text


def fen(yuan: str, *, line: int) -> int:
    """An amount in yuan as fen; commas of a thousand, ¥ and 元 are read. Raises ``BillCorrupt``."""
    try:
        with suppress(ValueError):
            return fen_from_yuan(yuan)
        return fen_from_yuan(_bare(yuan))
    except ValueError as error:
        raise BillCorrupt(f"{yuan!r} is no amount in yuan", line=line, code="row_amount", said=yuan) from error


class Fees:
    """Fees, which channels reckon finer than a fen: each rounded so that all of them together are the exact sum, rounded."""

    def __init__(self) -> None:
        self._rest = 0  # in millionths of a fen

    def fen(self, yuan: str, *, line: int) -> int:
        """Raises ``BillCorrupt``."""
        found = _FINE.match(_bare(yuan))
        if found is None:
            return fen(yuan, line=line)
        sign, whole, cents, finer = found.groups()
        if not int(finer):
            return fen(yuan, line=line)
        exact = (int(whole) * 100 + int(cents)) * 10**6 + int(finer.ljust(6, "0"))
        self._rest += -exact if sign else exact
        rounded = (self._rest + 500_000) // 10**6
        self._rest -= rounded * 10**6
        return rounded


#: What a shop's own programs write around an amount, and their minus and plus; bookkeepers put what is negative in brackets, or
#: the minus behind it.
_WRITTEN = re.compile(
    r"([-+\u2212]?)\s*(?:(?:¥|CNY|RMB)\s*)?([-+\u2212]?)([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9.]+)\s*(?:元|CNY|RMB)?"
)
_BOOKED = re.compile(r"\(([^-+()]+)\)|([^-+()]+)[-\u2212]")


def _bare(yuan: str) -> str:
    if booked := _BOOKED.fullmatch(yuan):
        yuan = f"-{booked[1] or booked[2]}"
    found = _WRITTEN.fullmatch(yuan)
    if found is None or (found[1] and found[2]):
        return yuan
    sign = (found[1] or found[2]).replace("\u2212", "-").removeprefix("+")
    return sign + found[3].replace(",", "")


def moment(text: str, *, line: int) -> datetime | None:
    """``2026-11-22 12:00:00`` in Beijing, or None for an empty field or 0000-00-00. Raises ``BillCorrupt``, ``Resaved``."""
    if not text.strip("0-/:. "):
        return None
    # Nearly all are of this form, read five times as quickly as by ``strptime``; in a year that days can be reckoned from.
    # Programs that pass statements on write a T, an offset, or parts of a second.
    if len(text) >= 19 and text[4] == "-" and text.startswith("20"):
        with suppress(ValueError):
            found = datetime.fromisoformat(text)
            return found if found.tzinfo else found.replace(tzinfo=BEIJING)
    if _PACKED_TIME.match(text):
        with suppress(ValueError):
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    if _TYPED_TIME.match(text):
        raise Resaved(f"{text} is a time as a spreadsheet writes it", line=line, code="row_time", said=text)
    raise BillCorrupt(f"{text!r} is no time", line=line, code="row_time", said=text)
