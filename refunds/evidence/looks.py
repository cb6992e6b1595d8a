"""What a photo looks like, in 64 bits: each says whether it gets brighter from one of 9 x 8 spots to the next (dHash). Made
smaller, paler or saved once more, a photo keeps nearly all of them.

The bits are kept as four numbers, a band each: two photos that differ in at most three bits share a band, by which an index
finds them.
"""

from collections.abc import Sequence
from itertools import pairwise

from PIL import Image

_WIDTH, _HEIGHT, _BANDS = 9, 8, 4
_BAND_BITS = (_WIDTH - 1) * _HEIGHT // _BANDS
#: So many bits may differ between two pictures of one photo.
MOST_DIFFERENT = 3
#: A wall, a dark lens: of a photo with less in it than this nothing can be said.
_FEWEST = 6


def look_of(image: Image.Image) -> tuple[int, ...]:
    """Four numbers, each with its band's number above the 16 bits; none where there is too little to see."""
    grey = image.convert("L").resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS)
    spots = grey.tobytes()
    bits = 0
    for row in range(_HEIGHT):
        for left, right in pairwise(spots[row * _WIDTH : (row + 1) * _WIDTH]):
            bits = bits << 1 | (right > left)
    if not _FEWEST <= bits.bit_count() <= (_WIDTH - 1) * _HEIGHT - _FEWEST:
        return ()
    mask = (1 << _BAND_BITS) - 1
    return tuple(band << _BAND_BITS | (bits >> band * _BAND_BITS) & mask for band in range(_BANDS))


def are_alike(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two looks are of one photo."""
    different = sum((here ^ there).bit_count() for here, there in zip(one, other, strict=False))
    return bool(one) and bool(other) and different <= MOST_DIFFERENT
