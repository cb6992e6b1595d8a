"""Codes in pictures."""

from __future__ import annotations

import io

import segno
from PIL import Image

from core import barcodes


def _jpeg(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.convert("RGB").save(content, "JPEG", quality=60)
    return content.getvalue()


def test_text_in_a_photo_of_a_code_is_what_it_says_and_nothing_of_one_without() -> None:
    drawn = io.BytesIO()
    segno.make("RF-261122-0187", micro=False).save(drawn, kind="png", scale=6, border=4)
    photo = Image.new("L", (900, 700), 210)
    photo.paste(Image.open(drawn).convert("L").rotate(7, expand=True, fillcolor=210), (200, 150))
    assert barcodes.text_in(_jpeg(photo)) == "RF-261122-0187"
    assert barcodes.text_in(_jpeg(Image.new("L", (300, 300), 210))) == ""
