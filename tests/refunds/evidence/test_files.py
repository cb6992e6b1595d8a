"""Pictures from outside: what is kept of them, what is refused, who may see them."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone
from PIL import Image

from core.audit.models import AuditEvent
from core.errors import Conflict, DomainError, NotFound
from merchants import principals
from refunds.evidence import files
from refunds.evidence.files import NotAPicture, PictureTooLarge, TooManyPictures
from refunds.models import Evidence, RefundRequest
from refunds.payouts import ways_back
from tests import pictures
from tests.refunds.evidence.conftest import add, files_below

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
PDF = b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


pytestmark = pytest.mark.django_db


def kept(content: bytes, name: str = "photo.jpg") -> Image.Image:
    """The picture as it would be stored."""
    picture = files.read_picture(upload=pictures.upload(content, name))
    return Image.open(io.BytesIO(picture.whole))


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.jpg", bytes(50_000_000))
    return file.getvalue()


# --- what is read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_usual_formats_become_jpeg(kind: str) -> None:
    image = kept(pictures.encoded(kind=kind))
    assert (image.format, image.size, image.mode) == ("JPEG", (320, 240), "RGB")


def test_a_large_picture_is_made_smaller_and_gets_a_small_one_beside_it() -> None:
    picture = files.read_picture(upload=pictures.upload(pictures.encoded((4000, 3000))))
    assert Image.open(io.BytesIO(picture.whole)).size == (2000, 1500)
    assert Image.open(io.BytesIO(picture.small)).size == (400, 300)


def test_a_transparent_picture_stands_on_white() -> None:
    image = kept(pictures.encoded(kind="PNG", mode="RGBA", colour=(0, 0, 0, 0)))
    assert image.getpixel((10, 10)) == (255, 255, 255)


def test_the_place_and_the_phone_are_forgotten_and_the_picture_stands_upright() -> None:
    content = pictures.with_place_and_turn()
    assert b"SECRETPHONE" in content
    image = kept(content)
    assert image.size == (200, 400)
    top, bottom = image.getpixel((100, 50)), image.getpixel((100, 350))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert (top[0] > 200, top[1] < 60) == (True, True), "the red half is above now"
    assert min(bottom) > 240
    assert not image.getexif()
    assert not {"exif", "comment", "icc_profile", "xmp"} & image.info.keys()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(pictures.encoded(comment=b"<script>alert(1)</script>"), id="in a JPEG's comment"),
        pytest.param(pictures.encoded() + b"<html><script>alert(1)</script></html>", id="behind a JPEG's end"),
        pytest.param(pictures.encoded(icc_profile=b"<script>alert(1)</script>" * 9), id="in a colour profile"),
        pytest.param(pictures.encoded(kind="PNG") + b"<?php system($_GET[0]); <script>", id="behind a PNG's end"),
    ],
)
def test_script_hidden_in_a_picture_stays_behind(content: bytes) -> None:
    picture = files.read_picture(upload=pictures.upload(content))
    for written in (picture.whole, picture.small):
        assert b"script" not in written
        assert b"<?php" not in written


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(SVG, "photo.svg", id="SVG"),
        pytest.param(SVG, "photo.jpg", id="SVG that calls itself JPEG"),
        pytest.param(b"<html><script>alert(1)</script></html>", "photo.jpg", id="HTML"),
        pytest.param(b"\xff\xd8\xff\xe0<html><script>alert(1)</script></html>", "a.jpg", id="HTML with a JPEG's start"),
        pytest.param(PDF, "photo.pdf", id="PDF with script"),
        pytest.param(PDF, "photo.jpg", id="PDF that calls itself JPEG"),
        pytest.param(pictures.encoded()[:400], "photo.jpg", id="cut off"),
        pytest.param(pictures.encoded(kind="GIF"), "photo.gif", id="GIF"),
        pytest.param(pictures.encoded(kind="TIFF"), "photo.jpg", id="TIFF"),
        pytest.param(b"", "photo.jpg", id="nothing"),
        pytest.param(bytes(5000), "photo.jpg", id="zeros"),
    ],
)
def test_what_is_no_picture_is_refused(content: bytes, name: str) -> None:
    with pytest.raises(NotAPicture):
        files.read_picture(upload=pictures.upload(content, name))


@pytest.mark.parametrize(("bomb", "name"), [(zip_bomb, "photo.jpg"), (pictures.png_with_text_bomb, "photo.png")])
def test_what_unpacks_to_a_flood_is_refused(bomb: Callable[[], bytes], name: str) -> None:
    with pytest.raises(NotAPicture):
        files.read_picture(upload=pictures.upload(bomb(), name))


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (9_000, 7_000), (1_000_000, 53)])
def test_a_flood_of_pixels_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    content = pictures.png_claiming(width, height)
    assert len(content) < 200
    with pytest.raises(PictureTooLarge):
        files.read_picture(upload=pictures.upload(content))


def test_too_many_bytes_are_refused_unread() -> None:
    heavy = pictures.upload(pictures.encoded() + bytes(files.MAX_UPLOAD_BYTES))
    with pytest.raises(PictureTooLarge):
        files.read_picture(upload=heavy)
    assert heavy.tell() == 0


def test_a_lie_about_the_size_does_not_help() -> None:
    heavy = pictures.upload(pictures.encoded() + bytes(files.MAX_UPLOAD_BYTES))
    heavy.size = 10
    with pytest.raises(PictureTooLarge):
        files.read_picture(upload=heavy)


# --- what is kept -------------------------------------------------------------------------------------------------


def test_a_picture_is_kept_under_a_random_name_with_its_hash_and_an_event(
    request_in_review: RefundRequest, folder: Path
) -> None:
    (row,) = add(request_in_review, name="../../../etc/passwd.jpg", note="面板\u202e开裂\n第二行")
    path = folder / row.path
    assert path.resolve().is_relative_to(folder.resolve())
    first, second, name = row.path.split("/")
    assert (first, second) == (name[:2], name[2:4])
    assert len(name) == len("0123456789abcdef0123456789abcdef.jpg")
    assert (row.sha256, row.size) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
    assert (row.content_type, row.kind, row.added_by) == ("image/jpeg", "photo", "customer")
    assert row.note == "面板开裂 第二行"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    event = AuditEvent.objects.get(object_id=str(request_in_review.pk), action="refund.evidence")
    assert event.data["sha256"] == row.sha256
    assert event.version is None, "evidence changes no state"
    assert "面板" not in str(event.data)


def test_a_request_has_at_most_twelve_pictures(request_in_review: RefundRequest, folder: Path) -> None:
    add(request_in_review, 11)
    before = files_below(folder)
    with pytest.raises(TooManyPictures):
        add(request_in_review, 2)
    assert Evidence.objects.filter(request=request_in_review).count() == 11
    assert files_below(folder) == before, "the files of a refused upload are taken away again"
    add(request_in_review)
    assert files.places_left(request_id=request_in_review.pk) == 0


def test_a_request_that_is_over_takes_no_more(request_in_review: RefundRequest, folder: Path) -> None:
    ways_back.cancel(request_id=request_in_review.pk, by=principals.SYSTEM, at=timezone.now())
    with pytest.raises(Conflict):
        add(request_in_review)
    assert not Evidence.objects.exists()
    assert not files_below(folder)


def test_an_unknown_request_or_kind_keeps_nothing(request_in_review: RefundRequest, folder: Path) -> None:
    read = [files.read_picture(upload=pictures.upload())]
    with pytest.raises(NotFound):
        files.add(request_id=uuid4(), pictures=read, by=principals.SYSTEM, at=timezone.now())
    with pytest.raises(DomainError):
        add(request_in_review, kind="malware")
    assert not files_below(folder)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["witness", "inspection"])
def test_what_only_colleagues_say_is_not_a_customers(request_in_review: RefundRequest, folder: Path, kind: str) -> None:
    with pytest.raises(DomainError) as refused:
        add(request_in_review, kind=kind)
    assert (refused.value.code, Evidence.objects.count(), files_below(folder)) == ("unknown_kind", 0, [])


@pytest.mark.parametrize("behind", [b"", bytes(200_000)])
def test_a_jpeg_that_is_drawn_over_and_over_is_refused_before_it_is_drawn(behind: bytes) -> None:
    """Each scan takes ten bytes of the file, and one look at every pixel."""
    content = pictures.jpeg_drawn_again(scans=20_000) + behind
    began = time.process_time()
    with pytest.raises(PictureTooLarge):
        files.read_picture(upload=pictures.upload(content))
    assert time.process_time() - began < 2


def test_a_jpeg_that_loads_step_by_step_is_read_whatever_stands_behind_it() -> None:
    film = b"\xff\xda\x00\x02" * 1_000
    assert kept(pictures.encoded(progressive=True) + film).size == (320, 240)
    assert kept(pictures.with_place_and_turn() + film).size == (200, 400)


@pytest.mark.parametrize("held", range(1, 9))
def test_a_picture_is_turned_as_its_camera_was_held_once_it_is_small(
    held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turned as it came, a picture of 52 million pixels would be in memory twice."""
    sides = list[tuple[int, int]]()
    turn = Image.Image.transpose

    def noted(image: Image.Image, how: Image.Transpose) -> Image.Image:
        sides.append(image.size)
        return turn(image, how)

    monkeypatch.setattr(Image.Image, "transpose", noted)
    exif = Image.Exif()
    exif[0x0112] = held
    read = {
        (kind, size): kept(pictures.encoded(size, kind=kind, exif=exif))
        for kind in ("JPEG", "PNG", "WEBP")
        for size in ((4000, 2000), (40, 20))
    }
    assert max((max(side) for side in sides), default=0) <= files.MAX_SIDE
    for (_, (width, _height)), image in read.items():
        upright = (min(width, 2000), min(width, 2000) // 2)
        assert image.size == (upright if held < 5 else upright[::-1])


def _parts(exif: bytes) -> bytes:
    """As many parts of a JPEG as it takes to say this of its camera."""
    parts = [b"Exif\0\0" + exif[at : at + 65_000] for at in range(0, len(exif), 65_000)]
    return b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in parts)


def _fractions(tag: int) -> bytes:
    """How the camera was held, and 900,000 fractions."""
    lines = struct.pack("<H", 2) + struct.pack("<HHII", 0x0112, 3, 1, 6) + struct.pack("<HHII", tag, 5, 900_000, 38)
    return b"II*\0" + struct.pack("<I", 8) + lines + struct.pack("<I", 0) + struct.pack("<II", 7, 3) * 900_000


# The library says that the rest of it is not there.
@pytest.mark.filterwarnings("ignore:Tag data larger")
@pytest.mark.parametrize(
    ("parts", "size"),
    [
        pytest.param(_parts(_fractions(0x011A)), (20, 40), id="a million fractions"),
        pytest.param(b"\xff" * 8_000_000, (40, 20), id="nothing but padding"),
        pytest.param(b"\xff\xfe\0\x02" * 1_900_000, None, id="two million empty comments"),
    ],
)
def test_jpeg_whose_beginning_takes_its_reader_seconds_is_read_at_once_or_refused(
    parts: bytes, size: tuple[int, int] | None
) -> None:
    content = pictures.encoded((40, 20))
    heavy = content[:2] + parts + content[2:]
    began = time.process_time()
    if size is None:
        with pytest.raises(NotAPicture):
            kept(heavy)
    else:
        assert kept(heavy).size == size
    assert time.process_time() - began < 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_decoded_whole_may_have_fewer_pixels_than_a_jpeg(kind: str) -> None:
    """Of 52 million a WebP of a kilobyte took a gigabyte."""
    flat = pictures.encoded((7_200, 3_600), kind=kind, mode="L")
    assert len(flat) < 100_000
    with pytest.raises(PictureTooLarge):
        files.read_picture(upload=pictures.upload(flat))


def test_files_that_the_disk_does_not_take_leave_nothing_and_say_so(
    request_in_review: RefundRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two fits, of the second a part."""
    written, sync = [], os.fsync

    def full(number: int) -> None:
        written.append(number)
        if len(written) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(files.NotKept) as refused:
        add(request_in_review, 2)
    assert (refused.value.status, refused.value.code) == (503, "file_not_kept")
    assert len(written) == 4
    assert files_below(folder) == []
    assert not Evidence.objects.exists()
