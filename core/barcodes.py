"""Barcodes and QR codes in a picture, for browsers that cannot read them themselves."""

import io

import zxingcpp
from PIL import Image

from core.plain_text import one_line


def text_in(picture: bytes) -> str:
    """What the largest code in a picture of ours says, on one line; empty where there is none that can be read."""
    with Image.open(io.BytesIO(picture)) as image:
        found = [code for code in zxingcpp.read_barcodes(image.convert("L")) if code.valid and code.text.strip()]
    if not found:
        return ""

    def extent(code: zxingcpp.Barcode) -> int:
        at = code.position
        return abs(at.bottom_right.x - at.top_left.x) + abs(at.bottom_right.y - at.top_left.y)

    return one_line(max(found, key=extent).text, limit=200)
