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


@pytest.mark.parametrize("turned", list(Image.Transpose))
def test_look_when_a_photo_is_turned_or_mirrored_stays_alike(turned: Image.Transpose) -> None:
    for seed in range(10):
        again = saved(photo(seed).transpose(turned), 60)
        assert are_alike(look_of(photo(seed)), look_of(again)), seed
        assert are_alike(look_of(again), look_of(photo(seed))), seed


@pytest.mark.parametrize("percent", [1, 2, 3, 5, 7, 10])
def test_look_when_the_edges_are_cut_off_stays_alike(percent: int) -> None:
    found = 0
    for seed in range(40):
        one = photo(seed)
        x, y = one.width * percent // 100, one.height * percent // 100
        cut = saved(one.crop((x, y, one.width - x, one.height - y)), 60)
        found += are_alike(look_of(one), look_of(cut)) and are_alike(look_of(cut), look_of(one))
    assert found >= 34


def test_look_when_kept_before_more_than_the_whole_was_kept_is_known_again() -> None:
    assert are_alike(look_of(photo(1))[:4], look_of(saved(photo(1), 50)))
    assert not are_alike(look_of(photo(1))[:4], look_of(photo(2)))


def test_look_when_photos_are_of_different_things_is_not_alike() -> None:
    looks = [look_of(photo(seed)) for seed in range(60)]
    assert not any(are_alike(one, other) for number, one in enumerate(looks) for other in looks[:number])


@pytest.mark.parametrize("colour", ["white", "black", "teal"])
def test_look_when_there_is_nothing_to_see_says_nothing(colour: str) -> None:
    assert look_of(Image.new("RGB", (300, 200), colour)) == ()
    assert not are_alike((), ())
