"""Evidence pictures, drawn here: no photograph, no brand, no person, and no font, since a bare machine may have none.

Each motif is drawn at twice its size and scaled down, so that edges are smooth.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from refunds.evidence import looks
from refunds.evidence.files import SMALL_SIDE, Picture
from refunds.models.evidence import EvidenceKind

_WIDTH, _HEIGHT = 800, 600
_SCALE = 2

Colour = tuple[int, int, int]
Pen = ImageDraw.ImageDraw

#: Motif -> what kind of evidence it is, and the note beside it.
KINDS: Mapping[str, tuple[str, str]] = {
    "damage": (EvidenceKind.PHOTO, "破损处"),
    "earphones": (EvidenceKind.PHOTO, "左耳无声"),
    "box": (EvidenceKind.PHOTO, "外包装"),
    "dish": (EvidenceKind.PHOTO, "菜品"),
    "receipt": (EvidenceKind.RECEIPT, "小票"),
    "bank": (EvidenceKind.OTHER, "扣款提醒"),
    "chat": (EvidenceKind.CONVERSATION, "与店员的对话"),
}


@lru_cache(maxsize=64)
def picture(motif: str, variant: int) -> Picture:
    """The picture of a motif; a variant differs in light, angle and detail, not in subject: nobody takes it for another's."""
    random = Random(f"{motif} {variant}")  # noqa: S311 - nothing to guess here
    image = Image.new("RGB", (_WIDTH * _SCALE, _HEIGHT * _SCALE), "white")
    _MOTIFS[motif](ImageDraw.Draw(image), image, random)
    is_photo = KINDS[motif][0] == EvidenceKind.PHOTO
    whole = _photographed(image, random) if is_photo else image.resize((_WIDTH, _HEIGHT), Image.Resampling.BOX)
    small = whole.copy()
    small.thumbnail((SMALL_SIDE, SMALL_SIDE))
    return Picture(_jpeg(whole), _jpeg(small), looks.look_of(whole) if is_photo else ())


def _photographed(image: Image.Image, random: Random) -> Image.Image:
    """From some angle and distance, in the light of some room."""
    angle, step = math.radians(random.uniform(-9, 9)), random.uniform(0.7, 0.82) * _SCALE
    across, down = step * math.cos(angle), step * math.sin(angle)
    x, y = (side * _SCALE * random.uniform(0.46, 0.54) for side in (_WIDTH, _HEIGHT))
    corner = (x - (across * _WIDTH - down * _HEIGHT) / 2, y - (down * _WIDTH + across * _HEIGHT) / 2)
    frame = image.transform(
        (_WIDTH, _HEIGHT),
        Image.Transform.AFFINE,
        (across, -down, corner[0], down, across, corner[1]),
        resample=Image.Resampling.BILINEAR,
    )
    light = Image.new("L", (_WIDTH // 20, _HEIGHT // 20), 128)
    pen = ImageDraw.Draw(light)
    for _ in range(5):
        x, y, size = random.uniform(0, light.width), random.uniform(0, light.height), random.uniform(5, 14)
        pen.ellipse((x - size, y - size, x + size, y + size), fill=random.randint(8, 248))
    light = light.filter(ImageFilter.GaussianBlur(3)).resize(frame.size, Image.Resampling.BICUBIC)
    return ImageChops.soft_light(frame, Image.merge("RGB", (light, light, light)))


def _jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=84)
    return file.getvalue()


def _scene(pen: Pen, wall: Colour, table: Colour, horizon: int = 400) -> None:
    """A wall that darkens downwards and a table in front of it."""
    for y in range(0, horizon * _SCALE, 8):
        shade = 1 - 0.16 * y / (horizon * _SCALE)
        pen.rectangle((0, y, _WIDTH * _SCALE, y + 8), fill=_shaded(wall, shade))
    for y in range(horizon * _SCALE, _HEIGHT * _SCALE, 8):
        shade = 1.04 - 0.20 * (y - horizon * _SCALE) / ((_HEIGHT - horizon) * _SCALE)
        pen.rectangle((0, y, _WIDTH * _SCALE, y + 8), fill=_shaded(table, shade))


def _shaded(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, int(part * factor)) for part in colour)
    return red, green, blue


def _box(*corners: float) -> tuple[float, ...]:
    return tuple(corner * _SCALE for corner in corners)


def _path(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * _SCALE, y * _SCALE) for x, y in points]


def _shadow(image: Image.Image, *corners: float) -> None:
    """A soft dark ellipse under whatever stands there."""
    layer = Image.new("L", (_WIDTH // 2, _HEIGHT // 2), 0)
    ImageDraw.Draw(layer).ellipse(tuple(corner / 2 for corner in corners), fill=120)
    layer = layer.filter(ImageFilter.GaussianBlur(10)).resize(image.size)
    image.paste((30, 24, 20), mask=layer)


def _crack(pen: Pen, random: Random, x: float, y: float) -> None:
    """A crack with branches, running down from (x, y)."""
    points = [(x, y)]
    for _ in range(6):
        x, y = x + random.uniform(-26, 26), y + random.uniform(20, 34)
        points.append((x, y))
        if random.random() < 0.7:
            branch = (x + random.choice((-1, 1)) * random.uniform(20, 46), y + random.uniform(-10, 26))
            pen.line(_path((x, y), branch), fill=(236, 240, 244), width=3 * _SCALE)
    pen.line(_path(*points), fill=(250, 252, 253), width=5 * _SCALE, joint="curve")


def _damage(pen: Pen, image: Image.Image, random: Random) -> None:
    _scene(pen, (206, 214, 222), random.choice([(178, 134, 94), (158, 148, 138)]))
    _shadow(image, 210, 470, 600, 560)
    pen.rounded_rectangle(_box(250, 110, 550, 520), radius=90 * _SCALE, fill=(52, 55, 62))
    pen.rounded_rectangle(_box(266, 122, 534, 300), radius=76 * _SCALE, fill=(74, 78, 87))
    pen.rounded_rectangle(_box(300, 150, 500, 280), radius=36 * _SCALE, fill=(24, 27, 33))
    pen.rounded_rectangle(_box(336, 350, 464, 400), radius=22 * _SCALE, fill=(34, 36, 42))
    pen.rounded_rectangle(_box(372, 392, 428, 470), radius=20 * _SCALE, fill=(96, 100, 110))
    _crack(pen, random, random.uniform(380, 430), 150)
    pen.ellipse(_box(318, 128, 506, 372), outline=(226, 62, 62), width=4 * _SCALE)


def _earphones(pen: Pen, image: Image.Image, _random: Random) -> None:
    _scene(pen, (226, 228, 226), (196, 186, 170), horizon=260)
    _shadow(image, 220, 430, 590, 540)
    pen.rounded_rectangle(_box(240, 260, 560, 500), radius=96 * _SCALE, fill=(246, 247, 249))
    pen.line(_box(246, 350, 554, 350), fill=(208, 212, 218), width=3 * _SCALE)
    for x, working in ((330, False), (470, True)):
        pen.ellipse(_box(x - 44, 210, x + 44, 300), fill=(236, 238, 241), outline=(198, 202, 208), width=3 * _SCALE)
        pen.rounded_rectangle(_box(x - 16, 270, x + 16, 370), radius=16 * _SCALE, fill=(232, 234, 238))
        pen.ellipse(_box(x - 18, 236, x + 18, 272), fill=(58, 62, 70))
        pen.ellipse(_box(x - 7, 420, x + 7, 434), fill=(52, 168, 92) if working else (218, 70, 62))
    pen.ellipse(_box(268, 192, 392, 388), outline=(226, 62, 62), width=4 * _SCALE)


def _carton(pen: Pen, image: Image.Image, random: Random) -> None:
    _scene(pen, (214, 219, 224), (150, 146, 140), horizon=330)
    _shadow(image, 170, 430, 640, 560)
    left = _path((180, 250), (410, 320), (410, 530), (180, 440))
    right = _path((410, 320), (630, 240), (630, 430), (410, 530))
    top = _path((180, 250), (400, 180), (630, 240), (410, 320))
    pen.polygon(left, fill=(190, 146, 96))
    pen.polygon(right, fill=(164, 122, 76))
    pen.polygon(top, fill=(212, 170, 120))
    pen.polygon(_path((282, 217), (322, 204), (545, 272), (500, 288)), fill=(228, 200, 158))
    pen.polygon(_path((218, 300), (300, 326), (300, 372), (218, 346)), fill=(244, 240, 232))
    x = random.uniform(500, 540)
    tear = _path((x, 330), (x + 44, 352), (x + 18, 372), (x + 52, 410), (x - 4, 430), (x + 8, 388), (x - 30, 372))
    pen.polygon(tear, fill=(66, 44, 26))


def _receipt(pen: Pen, image: Image.Image, random: Random) -> None:
    _scene(pen, (120, 98, 80), (104, 84, 68), horizon=160)
    paper = Image.new("RGB", (300 * _SCALE, 470 * _SCALE), (250, 249, 245))
    ink = ImageDraw.Draw(paper)
    ink.rectangle(_box(95, 26, 205, 44), fill=(60, 62, 66))
    ink.rectangle(_box(110, 56, 190, 64), fill=(150, 152, 156))
    y = 92.0
    for _ in range(7):
        ink.rectangle(_box(24, y, 24 + random.uniform(70, 150), y + 9), fill=(112, 114, 118))
        ink.rectangle(_box(276 - random.uniform(34, 52), y, 276, y + 9), fill=(112, 114, 118))
        y += 30
    ink.line(_box(24, y + 4, 276, y + 4), fill=(150, 152, 156), width=2 * _SCALE)
    ink.rectangle(_box(24, y + 22, 84, y + 38), fill=(50, 52, 56))
    ink.rectangle(_box(200, y + 22, 276, y + 38), fill=(50, 52, 56))
    for x in range(70, 230, 7):
        ink.rectangle(_box(x, y + 66, x + random.choice((2, 3, 5)), y + 112), fill=(40, 42, 46))
    angle = random.uniform(-9, 9)
    mask = Image.new("L", paper.size, 255).rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)
    turned = paper.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)
    _shadow(image, 250, 70, 580, 580)
    image.paste(turned, ((image.width - turned.width) // 2, (image.height - turned.height) // 2), mask)


def _bank(pen: Pen, _image: Image.Image, random: Random) -> None:
    _scene(pen, (52, 62, 84), (40, 48, 66), horizon=300)
    pen.rounded_rectangle(_box(240, 24, 560, 640), radius=44 * _SCALE, fill=(20, 22, 28))
    pen.rounded_rectangle(_box(254, 40, 546, 640), radius=32 * _SCALE, fill=(92, 122, 176))
    until = random.uniform(60, 220)
    for y in (150, 270):
        pen.rounded_rectangle(_box(268, y, 532, y + 104), radius=18 * _SCALE, fill=(246, 247, 250))
        pen.rounded_rectangle(_box(282, y + 16, 310, y + 44), radius=8 * _SCALE, fill=(206, 44, 52))
        pen.rectangle(_box(320, y + 22, 400, y + 34), fill=(70, 74, 82))
        pen.rectangle(_box(484, y + 24, 520, y + 32), fill=(170, 174, 182))
        pen.rectangle(_box(282, y + 58, 282 + until, y + 68), fill=(120, 124, 132))
        pen.rectangle(_box(282, y + 80, 282 + 96, y + 90), fill=(206, 44, 52))
    pen.rectangle(_box(356, 84, 444, 104), fill=(236, 240, 248))


def _chat(pen: Pen, _image: Image.Image, random: Random) -> None:
    pen.rectangle(_box(0, 0, _WIDTH, _HEIGHT), fill=(237, 237, 237))
    pen.rectangle(_box(0, 0, _WIDTH, 64), fill=(248, 248, 248))
    pen.rectangle(_box(330, 26, 470, 42), fill=(64, 66, 70))
    y = 96.0
    for mine in (True, False, True, False, True):
        lines = random.choice((1, 2, 2, 3))
        width, height = random.uniform(230, 430), 30 + 26 * lines
        left = _WIDTH - 100 - width if mine else 100
        if y + height > _HEIGHT - 10:
            break
        pen.rounded_rectangle(
            _box(left, y, left + width, y + height),
            radius=10 * _SCALE,
            fill=(149, 236, 105) if mine else (255, 255, 255),
        )
        side = _WIDTH - 84 if mine else 36
        pen.rounded_rectangle(
            _box(side, y, side + 48, y + 48), radius=8 * _SCALE, fill=(126, 142, 192) if mine else (120, 168, 148)
        )
        for number in range(lines):
            end = left + width - (18 if number < lines - 1 else random.uniform(40, width * 0.6))
            top = y + 19 + 26 * number
            pen.rectangle(_box(left + 18, top, end, top + 11), fill=(70, 92, 58) if mine else (110, 112, 116))
        y += height + 24


def _dish(pen: Pen, image: Image.Image, random: Random) -> None:
    _scene(pen, (150, 104, 70), (138, 92, 60), horizon=10)
    _shadow(image, 170, 120, 640, 560)
    pen.ellipse(_box(170, 80, 630, 520), fill=(246, 244, 238))
    pen.ellipse(_box(206, 114, 594, 486), fill=(232, 228, 220))
    pen.ellipse(_box(226, 132, 574, 468), fill=(168, 74, 36))
    for _ in range(46):
        x, y = random.gauss(400, 78), random.gauss(300, 72)
        size = random.uniform(14, 32)
        colour = random.choice([(122, 58, 34), (198, 92, 44), (92, 132, 62), (222, 172, 88), (150, 44, 34)])
        pen.ellipse(_box(x - size, y - size * 0.7, x + size, y + size * 0.7), fill=colour)
    x, y = random.uniform(360, 440), random.uniform(260, 320)
    pen.line(_path((x - 34, y - 8), (x - 8, y + 6), (x + 12, y - 6), (x + 38, y + 4)), fill=(24, 22, 22), width=6)
    pen.ellipse(_box(x - 62, y - 52, x + 62, y + 52), outline=(226, 62, 62), width=4 * _SCALE)


_MOTIFS: Mapping[str, Callable[[Pen, Image.Image, Random], None]] = {
    "damage": _damage,
    "earphones": _earphones,
    "box": _carton,
    "receipt": _receipt,
    "bank": _bank,
    "chat": _chat,
    "dish": _dish,
}
