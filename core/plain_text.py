"""What people typed, without the characters that make text look like something else; and in the form that is compared."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from django.utils.translation import get_language

#: Marks that turn the direction of writing: with them `gpj.exe` reads as `exe.jpg`, and 1200 as 0021.
_DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_MARKS = re.compile(f"[{_DIRECTION}]")
_MARKS_IN_BYTES = re.compile(b"|".join(mark.encode() for mark in _DIRECTION))
_GONE = {ord(mark): None for mark in f"{_DIRECTION}\ufeff\ufffe"}


def without_direction(text: str) -> str:
    """``text`` without the marks that turn the direction of writing, otherwise as it is: for every edge where text comes in or
    goes out, a page, a message, a file.
    """
    return _MARKS.sub("", text)


def without_direction_in_bytes(content: bytes) -> bytes:
    """The same of text in UTF-8."""
    return _MARKS_IN_BYTES.sub(b"", content)


def plain_text(text: str, *, limit: int | None = None) -> str:
    """``text`` without control and direction marks, line breaks kept, trimmed, at most ``limit`` characters. What has nothing
    that anybody sees is empty.
    """
    kept = "".join(
        character
        for character in text.replace("\r\n", "\n").replace("\r", "\n").translate(_GONE)
        if character == "\n" or unicodedata.category(character) not in {"Cc", "Cs"}
    )
    return kept.strip()[:limit] if without_marks(kept).strip() else ""


def one_line(text: str, *, limit: int | None = None) -> str:
    """The same on one line, for subjects, names and short messages."""
    return " ".join(plain_text(text).split())[:limit]


def sentences(*parts: str) -> str:
    """Whole sentences one after another; Chinese puts no space between them."""
    return ("" if (get_language() or "").startswith("zh") else " ").join(part for part in parts if part)


def colon() -> str:
    """What stands between a name and what is said of it: ``: ``; in Chinese ``：``."""
    return "：" if (get_language() or "").startswith("zh") else ": "


def listed(words: Iterable[object]) -> str:
    """The members of a list in a sentence: ``a, b``; Chinese has a comma of its own for that, ``a、b``."""
    return ("、" if (get_language() or "").startswith("zh") else ", ").join(map(str, words))


#: What input methods write for the dot between the parts of a name, which is U+00B7 (GB 18030).
_DOTS = str.maketrans(dict.fromkeys("•‧∙⋅・⸱⸳●○◦∘᛫⬝", "·"))
#: Those that NFKC makes something else of.
_DOTS_BEFORE = str.maketrans(dict.fromkeys("˙ㆍᆞ", "·"))
#: Between ideographs a full stop is the dot's key, and blanks around the dot are the printer's.
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
_DOT_IN_NAME = re.compile(rf"(?<=[{_HAN}])\s*[.·。]\s*(?=[{_HAN}])")
_MARKS_IN_NAME = str.maketrans({**dict.fromkeys("’‘ʼ`´", "'"), **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-")})
_HYPHEN_IN_NAME = re.compile(rf"(?<=[{_HAN}])-(?=[{_HAN}])")
#: What follows a name and is no part of it, in brackets or not.
_TITLE = re.compile(rf"(?<=[{_HAN}])[\s(\[]*(?:先生|女士|小姐)[)\]]?$")
_BLANK_IN_NAME = re.compile(rf"(?<=[{_HAN}])\s+(?=[{_HAN}])")


def person_name(text: str) -> str:
    """A person's or bank's name as it is stored and shown: on one line, full-width letters and every middle dot as usual, without
    unseen marks.
    """
    return _DOT_IN_NAME.sub(
        "·", one_line(without_marks(unicodedata.normalize("NFKC", text.translate(_DOTS_BEFORE))).translate(_DOTS))
    )


def person_key(text: str) -> str:
    """A person's name in the form that is compared: 王　敏, set wide as forms print it, 王敏女士 and 王敏(先生) are 王敏.
    Between ideographs a hyphen is the dot's key.
    """
    found = _BLANK_IN_NAME.sub("", name_key(person_name(text).translate(_MARKS_IN_NAME)))
    return _HYPHEN_IN_NAME.sub("·", _TITLE.sub("", found))


def name_key(text: str) -> str:
    """A code or name in the form that is compared: ``c001``, ``C001`` and full-width ``Ｃ００１`` are one cashier."""
    return " ".join(folded(text).split())


def name_key_sql(column: str) -> str:
    """The same of a column in SQL."""
    folded_ = f"normalize(lower(normalize({column}, NFKC)), NFKC)"
    unseen = f"regexp_replace(replace({folded_}, 'ß', 'ss'), '[{_unseen()}]', '', 'g')"
    return f"btrim(regexp_replace({unseen}, '[{_SPACES}]+', ' ', 'g'))"


#: What ``str.split`` takes for blank and NFKC leaves as it is.
_SPACES = " \t\n\v\f\r\x1c-\x1f\x85\u1680\u2028\u2029"


@lru_cache(maxsize=1)
def _unseen() -> str:
    """The marks that ``without_marks`` takes away, as the ranges of a regular expression."""
    # Not looked for where Unicode has only ideographs, private use and nothing yet: of a million characters 135,000 are left.
    marks = [code for code in (*range(0x20000), *range(0xE0000, 0xE1000)) if _is_unseen(chr(code))]
    starts = [code for code in marks if not _is_unseen(chr(code - 1))]
    ends = [code for code in marks if not _is_unseen(chr(code + 1))]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(starts, ends, strict=True))


def reference_key(text: str) -> str:
    """A number from paper or a screen in the form that is compared: case, width, blanks, hyphens and marks that nobody sees make
    no other number of it.
    """
    return "".join(
        character
        for character in folded(text)
        if not character.isspace() and character != _MINUS and unicodedata.category(character) not in {"Pd", "Cc"}
    )


#: To Unicode no dash, to an input method the key beside the zero.
_MINUS = "\N{MINUS SIGN}"


def folded(text: str) -> str:
    """Case and width folded, without marks that nobody sees."""
    return without_marks(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))


#: Arabic's signs for the decimal point and for thousands.
_SIGNS = str.maketrans("٫٬", ".,")


def ascii_digits(text: str) -> str:
    """``text`` with the digits of every script as ASCII's: ٢٦٨ and ２６８ are 268. No ², no ① and no Ⅷ: these say something
    else.
    """
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in text.translate(_SIGNS)
    )


def without_marks(text: str) -> str:
    """``text`` without what nobody sees: zero-width, direction and variation marks, fillers."""
    if text.isascii():
        return text
    return "".join(character for character in text if not _is_unseen(character))


#: Beside format characters, what Unicode's Default_Ignorable_Code_Point has: joiners, fillers, variation selectors; and the
#: blank of Braille, with which people make names that are none.
_UNSEEN = frozenset(
    map(
        chr,
        (
            *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2065, 0x2800, 0x3164, 0xFFA0),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or character in _UNSEEN
