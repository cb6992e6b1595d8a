"""A photo is known again however it was saved, and no other is taken for it."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageEnhance

from refunds.evidence.looks import are_alike, look_of


def photo(seed: int, size: tuple[int, int] = (800, 600)) -> Image.Image:
    """A scene of soft spots."""
    dice = random.Random(seed)
    small = Image.new("RGB", (16, 12))
    small.putdata([(dice.randrange(256), dice.randrange(256), dice.randrange(256)) for _ in range(16 * 12)])
    return small.resize(size, Image.Resampling.BICUBIC)


def saved(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def test_look_when_a_photo_is_saved_smaller_paler_and_worse_stays_alike() -> None:
    for seed in range(20):
        one = photo(seed)
        again = saved(ImageEnhance.Brightness(one.resize((400, 300))).enhance(0.9), 40)
        assert are_alike(look_of(one), look_of(again)), seed


def test_look_when_photos_are_of_different_things_is_not_alike() -> None:
    looks = [look_of(photo(seed)) for seed in range(100)]
    assert not any(are_alike(one, other) for number, one in enumerate(looks) for other in looks[:number])


@pytest.mark.parametrize("colour", ["white", "black", "teal"])
def test_look_when_there_is_nothing_to_see_says_nothing(colour: str) -> None:
    assert look_of(Image.new("RGB", (300, 200), colour)) == ()
    assert not are_alike((), ())
