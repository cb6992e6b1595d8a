from __future__ import annotations

import io
from itertools import combinations

import pytest
from PIL import Image

from refunds.evidence import looks
from refunds.models.evidence import EvidenceKind
from samples.demo import pictures


@pytest.mark.parametrize("motif", pictures.KINDS)
def test_picture_is_a_small_jpeg_and_the_same_every_time(motif: str) -> None:
    picture = pictures.picture(motif, 1)

    with Image.open(io.BytesIO(picture.whole)) as whole, Image.open(io.BytesIO(picture.small)) as small:
        assert (whole.format, whole.size) == ("JPEG", (800, 600))
        assert small.width == 400
    assert len(picture.whole) < 80_000
    pictures.picture.cache_clear()
    assert pictures.picture(motif, 1) == picture
    assert pictures.KINDS[motif][0] in EvidenceKind.values


@pytest.mark.parametrize("motif", pictures.KINDS)
def test_pictures_when_handed_in_for_several_refunds_are_not_the_same(motif: str) -> None:
    several = [pictures.picture(motif, variant) for variant in range(20)]

    assert len({one.whole for one in several}) == 20
    assert not [1 for one, other in combinations(several, 2) if looks.are_alike(one.look, other.look)]
