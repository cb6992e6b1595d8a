"""Pictures and papers that customers and staff add to a request: nothing that came from outside is ever kept or served as it
came.

``read_picture`` decodes an upload and re-encodes it: what was hidden in the file (scripts, places, other formats' bytes)
stays behind. ``read_upload`` takes PDFs as well, written anew by ``papers``. ``add`` stores the result under a random name, with
its row and audit event; ``send_ahead`` does it before there is a request, and ``take_along`` is for the request that names it.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import secrets
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from PIL import ExifTags, Image

from core.errors import Conflict, DomainError, Invalid
from core.plain_text import one_line
from merchants import rights
from merchants.principals import Kind, Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.evidence import looks, papers
from refunds.facts import conditions
from refunds.models import Evidence, RefundRequest
from refunds.models.evidence import OF_STAFF, EvidenceKind
from refunds.states import State

logger = logging.getLogger(__name__)

MAX_UPLOAD_BYTES = 8 * 1024 * 1024
#: Decoded, a pixel takes four bytes whatever the file weighs. Phones take up to 50 million in one picture, as JPEG.
MAX_PIXELS = 52_000_000
#: What is not JPEG is decoded at its full size, up to five times: a gigabyte for a file of a kilobyte, at 52 million.
MAX_PIXELS_AT_ONCE = 25_000_000
#: A picture that loads step by step has ten or so. Each is drawn over the whole of it, however little the file says there.
_MAX_SCANS = 100
MAX_SIDE = 2000
SMALL_SIDE = 400
MAX_PER_REQUEST = 12

#: How long a file that was sent ahead waits for its request.
WAITS_FOR_REQUEST = timedelta(hours=24)

CONTENT_TYPE = "image/jpeg"
PAPER_TYPE = "application/pdf"
#: Names Pillow knows them by. SVG, GIF, TIFF and whatever else can be drawn are not pictures to us.
_FORMATS = ("JPEG", "PNG", "WEBP")
#: With several pictures in one file a JPEG has another name.
_JPEGS = ("JPEG", "MPO")
#: Where something begins in a JPEG: behind 0xFF neither a byte of the picture nor its restart, nor padding.
_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)
#: What may stand before a marker, and no camera writes.
_PADDING = re.compile(rb"\xff+")
_END, _SCAN, _BARE = 0xD9, 0xDA, (0x01, 0xD8)
_QUALITY = 86
#: EXIF's orientation, and what makes the picture upright again.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Beside the picture itself a JPEG has a dozen or so.
_MOST_PARTS = 1_000
#: More than a camera writes; how it was held stands near the beginning.
_MOST_EXIF = 65_536
#: What Pillow raises for files that are broken, cut or made to break it.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, ZeroDivisionError),
    *(struct.error, zlib.error, OverflowError, MemoryError),
)
#: Decoding two at a time bounds what a flood of uploads can take of this process's memory.
_decoding = threading.BoundedSemaphore(2)

#: Where a request takes no more evidence: it is over.
_OVER = frozenset({State.CANCELLED, State.CLOSED})


class NotAPicture(Invalid, code="not_a_picture"):
    """The upload is not a JPEG, PNG or WebP picture that can be read."""


class PictureTooLarge(Invalid, code="picture_too_large"):
    """The file has too many bytes, or the picture too many pixels."""


class TooManyPictures(Conflict, code="too_many_pictures"):
    """The request has as much evidence as it may have."""


class PaperTooLong(Invalid, code="paper_too_long"):
    """The PDF has too many pages."""


class NotKept(DomainError, code="file_not_kept"):
    """The disk takes no file: it is full, or away."""

    status = 503


class EvidenceGone(Invalid, code="unknown_evidence"):
    """A file that was sent ahead is not there, or belongs to a request already."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture written by us, JPEG: whole (at most 2000 pixels a side) and small (400). Of a PDF there is no small one.

    ``look`` as ``looks.look_of`` has it.
    """

    whole: bytes
    small: bytes
    look: tuple[int, ...] = ()

    @property
    def content_type(self) -> str:
        return CONTENT_TYPE if self.small else PAPER_TYPE


def read_picture(*, upload: UploadedFile[Any]) -> Picture:
    """Decode an upload and re-encode it, upright, without anything but its pixels. Its name and type are not believed.

    Raises ``NotAPicture`` or ``PictureTooLarge``.
    """
    content = _content(upload)
    with _decoding:
        whole = _decoded(io.BytesIO(_with_one_exif(content)))
        small = whole.copy()
        small.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS)
        return Picture(_written(whole), _written(small), looks.look_of(whole))


def read_upload(*, upload: UploadedFile[Any], kind: str = EvidenceKind.PHOTO) -> Picture:
    """A picture as ``read_picture`` has it, or a PDF with nothing but what its pages show. A photo is no PDF.

    Raises ``NotAPicture``, ``PictureTooLarge`` or ``PaperTooLong``.
    """
    start = upload.read(5)
    upload.seek(0)
    if kind == EvidenceKind.PHOTO or start != b"%PDF-":
        return read_picture(upload=upload)
    content = _content(upload)
    try:
        with _decoding:
            return Picture(papers.strip(content), b"")
    except papers.TooManyPages as error:
        raise PaperTooLong(str(error), limit=papers.MAX_PAGES) from error
    except papers.NotAPaper as error:
        raise NotAPicture("the PDF cannot be read") from error


def _content(upload: UploadedFile[Any]) -> bytes:
    if (upload.size or 0) > MAX_UPLOAD_BYTES:
        raise PictureTooLarge("a file may have 8 MB")
    content: bytes = upload.read(MAX_UPLOAD_BYTES + 1)
    if len(content) > MAX_UPLOAD_BYTES:
        raise PictureTooLarge("a file may have 8 MB")
    return content


def _decoded(file: IO[bytes]) -> Image.Image:
    """The pixels of a file as an upright RGB picture, made afresh so that nothing else comes along."""
    try:
        with Image.open(file, formats=_FORMATS) as image:
            if image.width * image.height > (MAX_PIXELS if image.format in _JPEGS else MAX_PIXELS_AT_ONCE):
                raise PictureTooLarge("a picture may have 52 million pixels, and 25 million where it is no JPEG")
            if image.format in _JPEGS and _scans(file) > _MAX_SCANS:
                raise PictureTooLarge("a picture is not drawn over and over")
            # A JPEG is decoded at half or a quarter of its size where that is enough.
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            turn = _turn(image)
            # Small first: turned as it came, it would be there twice.
            image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
            pixels = image.convert("RGBA") if image.has_transparency_data else image.convert("RGB")
            if turn is not None:
                pixels = pixels.transpose(turn)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLarge("a picture may have 52 million pixels") from error
    except _BROKEN as error:
        raise NotAPicture("only JPEG, PNG and WebP pictures can be added") from error
    # Pillow carries comments and profiles from file to file; a new picture has none.
    fresh = Image.new("RGB", pixels.size, "white")
    fresh.paste(pixels, mask=pixels if pixels.mode == "RGBA" else None)
    return fresh


def _with_one_exif(content: bytes) -> bytes:
    """A JPEG with what a camera says of it once, in its 64 kB. The library puts any number of such parts together, and reads all
    of them as soon as it opens the picture: eight seconds for a million fractions. What is no JPEG stays as it is.

    Raises ``NotAPicture`` for more parts than a picture has: each costs the library a moment.
    """
    if content[:2] != b"\xff\xd8":
        return content
    at, kept, has_one = 2, [content[:2]], False
    while content[at : at + 1] == b"\xff" and (marker := content[at + 1 : at + 2]) not in (b"\xda", b""):
        if marker == b"\xff" and (padding := _PADDING.match(content, at)):
            at = padding.end() - 1
            continue
        end = at + 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))
        is_exif = marker == b"\xe1" and content[at + 4 : at + 8] == b"Exif"
        if not (is_exif and has_one):
            kept.append(content[at:end])
        at, has_one = end, has_one or is_exif
        if len(kept) > _MOST_PARTS:
            raise NotAPicture("a picture has few parts")
    return b"".join([*kept, content[at:]])


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How the camera was held."""
    exif = Image.Exif()
    exif.load(image.info.get("exif", b"")[:_MOST_EXIF])
    held = exif.get(ExifTags.Base.Orientation)
    return _TURNS.get(held) if isinstance(held, int) else None


def _scans(file: IO[bytes]) -> int:
    """How often a JPEG is drawn, up to the end of the picture: phones add films and smaller pictures behind it."""
    place = file.tell()
    file.seek(0)
    content, scans, at = file.read(), 0, 0
    file.seek(place)
    while (found := _MARKER.search(content, at)) is not None and found[1][0] != _END:
        at, scans = found.end(), scans + (found[1][0] == _SCAN)
        if found[1][0] not in _BARE:
            at += int.from_bytes(content[at : at + 2], "big")
    return scans


def _written(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, progressive=True)
    return file.getvalue()


def takes_more(request: RefundRequest) -> bool:
    """Whether evidence can be added to this request at all."""
    return request.state not in _OVER


def places_left(*, request_id: UUID) -> int:
    """How many more pictures the request may have."""
    return max(0, MAX_PER_REQUEST - Evidence.objects.filter(request_id=request_id).count())


def add(
    *,
    request_id: UUID,
    pictures: Sequence[Picture],
    by: Principal,
    at: datetime,
    kind: str = EvidenceKind.PHOTO,
    note: str = "",
) -> list[Evidence]:
    """Keep pictures as evidence of a request, all or none. Raises ``NotFound``, ``Forbidden``, ``Conflict`` or
    ``TooManyPictures``.
    """
    _check_kind(kind, by)
    with written_files(pictures) as paths, transaction.atomic():
        return _add_rows(request_id, [*zip(pictures, paths, strict=True)], kind, note, by, at)


def send_ahead(
    *, pictures: Sequence[Picture], by: Principal, at: datetime, kind: str = EvidenceKind.PHOTO, note: str = ""
) -> list[Evidence]:
    """Keep files for a request that is still to be made by the same merchant, which names them; a day at most.

    Raises ``Forbidden`` or ``Invalid``.
    """
    rights.check_may(Act.SUBMIT, by=by)
    _check_kind(kind, by)
    with written_files(pictures) as paths:
        rows = [_row(picture, path, kind, note, by, at) for picture, path in zip(pictures, paths, strict=True)]
        for row in rows:
            row.merchant_id = by.acting_for
        return Evidence.objects.bulk_create(rows)


def _check_kind(kind: str, by: Principal) -> None:
    """Raise ``Invalid`` for no kind of evidence, or one that is not a customer's to hand in."""
    if kind not in EvidenceKind.values or (by.kind is Kind.CUSTOMER and kind in OF_STAFF):
        raise Invalid(f"unknown kind of evidence {kind[:40]!r}", code="unknown_kind")


def sent_ahead(*, ids: Sequence[UUID], merchant_id: int) -> list[Evidence]:
    """The files of these ids, which belong to no request yet. Raises ``EvidenceGone`` where one is missing, or
    ``TooManyPictures``.
    """
    if len(ids) > MAX_PER_REQUEST:
        raise TooManyPictures(f"a request may have {MAX_PER_REQUEST} pictures", limit=MAX_PER_REQUEST)
    found = list(Evidence.objects.filter(pk__in=ids, merchant_id=merchant_id, request=None).order_by("pk"))
    if len(found) != len(set(ids)):
        raise EvidenceGone("no such file was sent ahead, or another refund has it")
    return found


def told(row: Evidence) -> dict[str, object]:
    """What the audit trail says of a file."""
    return {"evidence": str(row.pk), "kind": row.kind, "size": row.size, "sha256": row.sha256}


def take_along(*, rows: Sequence[Evidence], request_id: UUID) -> None:
    """Give a new request the files that were sent ahead for it, in its own commit. Raises ``EvidenceGone``."""
    free = Evidence.objects.filter(pk__in=[row.pk for row in rows], request=None)
    if free.update(request_id=request_id) != len(rows):
        raise EvidenceGone("another refund has this file by now")


def forget(paths: Sequence[str]) -> None:
    """Take files away whose rows are gone."""
    for path in paths:
        _forget_file(path)


def forget_unclaimed(*, at: datetime, ids: Sequence[UUID] | None = None) -> int:
    """Take away what was sent ahead for no request: of these ids at once, or whatever waits for longer than a day."""
    found = Evidence.objects.filter(request=None)
    found = found.filter(added_at__lt=at - WAITS_FOR_REQUEST) if ids is None else found.filter(pk__in=ids)
    with transaction.atomic():
        rows = list(found.select_for_update(skip_locked=True)[:200])
        Evidence.objects.filter(pk__in=[row.pk for row in rows]).delete()
    forget([row.path for row in rows])
    return len(rows)


@contextmanager
def written_files(pictures: Sequence[Picture]) -> Iterator[list[str]]:
    """The files, gone again where their rows are not stored.

    Files first: a row without its file would be a lie, a file without its row is only litter.
    """
    paths = [_new_path(picture) for picture in pictures]
    try:
        try:
            for picture, path in zip(pictures, paths, strict=True):
                _store(picture, path)
        except OSError as error:
            logger.error("evidence cannot be kept: %s", error)  # noqa: TRY400 - the error says it all
            raise NotKept("the files cannot be kept", retry_after_s=30) from error
        yield paths
    except BaseException:
        for path in paths:
            _forget_file(path)
        raise


def _row(picture: Picture, path: str, kind: str, note: str, by: Principal, at: datetime) -> Evidence:
    return Evidence(
        kind=kind,
        note=one_line(note, limit=200),
        path=path,
        content_type=picture.content_type,
        size=len(picture.whole),
        sha256=hashlib.sha256(picture.whole).hexdigest(),
        look=list(picture.look) if kind == EvidenceKind.PHOTO else [],
        added_by=by.name[:80],
        added_at=at,
    )


def _add_rows(
    request_id: UUID, stored: Sequence[tuple[Picture, str]], kind: str, note: str, by: Principal, at: datetime
) -> list[Evidence]:
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.ADD_EVIDENCE, by=by, request=request, at=at)
    if not takes_more(request):
        raise Conflict("the request is over and takes no more evidence", code="state_conflict", state=request.state)
    if len(stored) > places_left(request_id=request_id):
        raise TooManyPictures(f"a request may have {MAX_PER_REQUEST} pictures", limit=MAX_PER_REQUEST)
    rows = [_row(picture, path, kind, note, by, at) for picture, path in stored]
    for row in rows:
        row.request, row.merchant_id = request, request.merchant_id
    Evidence.objects.bulk_create(rows)
    for row in rows:
        lifecycle.record_act(request, "refund.evidence", by=by.actor, at=at, data=told(row))
    return rows


# --- files: <VAR_DIR>/evidence/ab/cd/<32 hex digits>.jpg or .pdf, and .small.jpg beside a .jpg --------------------------------


def read_file(stored: str, *, small: bool = False) -> bytes:
    """The file with this path, whole or small. Raises ``FileNotFoundError`` when somebody took it away."""
    path = folder() / stored
    if small and (smaller := _small(path)).exists():
        path = smaller
    return path.read_bytes()


def folder() -> Path:
    """Where they lie; the same for every web process and worker."""
    return Path(settings.VAR_DIR) / "evidence"


def _small(path: Path) -> Path:
    return path.with_suffix(".small.jpg")


def _new_path(picture: Picture) -> str:
    """A random name, as a path below the folder."""
    name = secrets.token_hex(16)
    return f"{name[:2]}/{name[2:4]}/{name}{'.jpg' if picture.small else '.pdf'}"


def _store(picture: Picture, relative: str) -> None:
    """Write both sizes. Raises ``OSError``, and may leave a part."""
    path = folder() / relative
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for target, content in ((path, picture.whole), (_small(path), picture.small)):
        if not content:
            continue
        with open(target, "xb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _forget_file(relative: str) -> None:
    path = folder() / relative
    path.unlink(missing_ok=True)
    _small(path).unlink(missing_ok=True)
