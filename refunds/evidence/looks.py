"""What a photo looks like, in 64 bits: each says whether it gets brighter from one of 9 x 8 spots to the next (dHash). Made
smaller, paler or saved once more, a photo keeps nearly all of them.

The bits are kept as four numbers, a band each: two photos that differ in at most three bits share a band, by which an index
finds them. Turned, mirrored or with its edges cut off, a photo has other bits: those are kept as well, four numbers each. First
come the whole photo and what is left of it within its edges, which are what is asked for; then the whole, turned and mirrored.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from PIL import Image

_WIDTH, _HEIGHT, _BANDS = 9, 8, 4
_BAND_BITS = (_WIDTH - 1) * _HEIGHT // _BANDS
#: So many bits may differ between two pictures of one photo.
MOST_DIFFERENT = 3
#: A wall, a dark lens: of a photo with less in it than this nothing can be said.
_FEWEST = 6
#: What is cut off at each edge, in thousandths of the side: who cuts in between is close enough to one of these.
_CUTS = (25, 50, 75, 100)
#: Of so many pixels a side the cuts are made; the spots are far larger.
_SMALL = 256


def look_of(image: Image.Image) -> tuple[int, ...]:
    """Four numbers for the photo and each way to show it otherwise, each with its band's number above the 16 bits; none where
    there is too little to see.
    """
    grey = image.convert("L")
    grey.thumbnail((_SMALL, _SMALL))
    whole = _bits(grey)
    if not _says_enough(whole):
        return ()
    # A part in which there is too little to see stands for nothing.
    return tuple(
        number
        for bits in (whole, *map(_bits, _otherwise(grey)))
        for number in _bands(bits if _says_enough(bits) else whole)
    )


def _otherwise(grey: Image.Image) -> Iterator[Image.Image]:
    width, height = grey.size
    for cut in _CUTS:
        x, y = round(width * cut / 1000), round(height * cut / 1000)
        yield grey.crop((x, y, width - x, height - y))
    for turned in Image.Transpose:
        yield grey.transpose(turned)


def _bits(grey: Image.Image) -> int:
    spots = grey.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).tobytes()
    bits = 0
    for row in range(_HEIGHT):
        for left, right in pairwise(spots[row * _WIDTH : (row + 1) * _WIDTH]):
            bits = bits << 1 | (right > left)
    return bits


def _says_enough(bits: int) -> bool:
    return _FEWEST <= bits.bit_count() <= (_WIDTH - 1) * _HEIGHT - _FEWEST


def _bands(bits: int) -> Iterator[int]:
    mask = (1 << _BAND_BITS) - 1
    return (band << _BAND_BITS | (bits >> band * _BAND_BITS) & mask for band in range(_BANDS))


def asked_for(look: Sequence[int]) -> Sequence[int]:
    """Of a photo's look what is looked for among those that are kept: upright, whole and within its edges."""
    return look[: _BANDS * (1 + len(_CUTS))]


def are_alike(kept: Sequence[int], look: Sequence[int]) -> bool:
    """Whether two looks are of one photo, the kept one perhaps from before more than the whole was kept."""
    asked = list(_looks(asked_for(look)))
    return any(
        sum((here ^ there).bit_count() for here, there in zip(one, other, strict=True)) <= MOST_DIFFERENT
        for one in _looks(kept)
        for other in asked
    )


def _looks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + _BANDS] for start in range(0, len(numbers), _BANDS))
