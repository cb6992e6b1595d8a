"""Uploads for tests: honest pictures, and files that only pretend to be pictures."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

#: Orientation 6: the camera was held upright, the sensor's rows run down the picture.
EXIF_TURNED = 6


def encoded(
    size: tuple[int, int] = (320, 240), *, kind: str = "JPEG", mode: str = "RGB", colour: Any = "teal", **options: Any
) -> bytes:
    """A picture of one colour in one of Pillow's formats."""
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind, **options)
    return file.getvalue()


def upload(
    content: bytes | None = None, name: str = "photo.jpg", content_type: str = "image/jpeg"
) -> SimpleUploadedFile:
    """What Django hands a view; an honest JPEG unless told otherwise."""
    return SimpleUploadedFile(name, encoded() if content is None else content, content_type)


def with_place_and_turn() -> bytes:
    """A phone's JPEG, taken upright: the left half red as the sensor saw it; with the place where it was taken."""
    image = Image.new("RGB", (400, 200), "white")
    image.paste("red", (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = EXIF_TURNED
    exif[0x010F] = "SECRETPHONE"
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 16.0, 28.0), 3: "E", 4: (120.0, 7.0, 30.0)})
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    return file.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be this large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return _png(_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(b"\0" * 64)))


def png_with_text_bomb(megabytes: int = 200) -> bytes:
    """A small PNG whose comment unpacks to this many megabytes."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return _png(
        _chunk(b"IHDR", header),
        _chunk(b"zTXt", b"Comment\0\0" + packed),
        _chunk(b"IDAT", zlib.compress(b"\0" * 4)),
    )


def _png(*chunks: bytes) -> bytes:
    return b"".join((b"\x89PNG\r\n\x1a\n", *chunks, _chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def jpeg_drawn_again(*, scans: int, side: int = 4000) -> bytes:
    """A picture of one colour that is drawn step by step, in so many steps that say nothing."""
    content = encoded((side, side), mode="L", colour=128, progressive=True)
    end = content.rindex(b"\xff\xd9")
    # One component, the frequencies 1 to 63, no bits: what is missing is taken for nothing.
    return content[:end] + b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00" * scans + content[end:]
