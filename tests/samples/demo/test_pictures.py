from __future__ import annotations

import io

import pytest
from PIL import Image

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
