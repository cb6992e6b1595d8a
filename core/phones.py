"""Phone numbers as people type and paste them, in one normal form: the form that is stored, hashed, sent to and searched for."""

import re

from core.plain_text import ascii_digits, folded

#: What stands between the digits on paper, blanks, dashes of every kind, dots, commas, brackets; and around them where they are
#: pasted.
_BETWEEN = re.compile(r"[\s.,。、()\[\]【】<>《》「」/\-_\u2010-\u2015\u2212\ufe58\ufe63\uff0dー─·'\"‘’“”;`]+")
#: The trunk's zero as it is written behind a country's number, +44 (0)7700; and what a spreadsheet makes of a number: 138.00.
_NOT_DIALLED = re.compile(r"(^\s*(?:\+|00)[0-9]{1,3})[\s-]*\(0\)|(?<=[0-9]{10})\.0+\s*$")
#: The same zero without brackets, in countries in which no number from abroad begins with one.
_TRUNK = re.compile(r"(\+(?:886|8[124]|6[0-46]|3[1-46]|4[1346789]|9[0-58]|97[12]))0")
_LABEL = re.compile(
    r"\s*(tel|phone|mobile|mob|(手机|(联系)?电\s*话|联系方式|移动电话)(号码?)?|号码)(\s*\((手机|电话|mobile)\))?[\s.:是为]*"
)
#: Numbers in front of which calls from afar used to be cheaper, and the zero of a call to another city.
_DIALLED_FIRST = re.compile(r"(?:17951|17911|17909|17901|12593|10193)?0?(?=1[3-9][0-9]{9}\Z)")
#: A switchboard's extension, or the second half of a number that hides the customer's: 021-58881234转8001, 17012345678,1234.
_EXTENSION = re.compile(
    r"(.*[0-9])\s*(?:(?:[转轉]|分机号?|分機|内线|ext(?:ension)?\.?|;ext=|x|#|\*)[\s:.#]*([0-9]{1,6})|[-,、][\s]*([0-9]{2,6}))\W*"
)
#: A number among words without digits: a name that was pasted along, a sign of a telephone. A word inside it is none of its own.
_AMONG_WORDS = re.compile(r"[^0-9+]*?(\(?\+?[0-9][\W0-9_]*[0-9])[^0-9+]*")
_MOST_WITH_WORDS = 80
#: With its label, blanks and marks.
_LONGEST = 200
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
#: With area code (010, 02x, else four digits from 03xx on), or the 400 and 800 numbers of firms.
_LANDLINE = re.compile(r"0(?:10|2[0-9])[2-9][0-9]{7}|0[3-9][0-9]{2}[2-9][0-9]{6,7}|[48]00[0-9]{7}")
_ABROAD = re.compile(r"\+[1-9][0-9]{6,14}")


class NotAPhone(ValueError):
    """The text is no number that can be called or texted."""


def phone_number(text: str) -> str:
    """``+86 138-0000 6021``, ``86138…``, full width, with invisible marks or beside a name: ``13800006021``. Landlines keep their
    area code, other countries their plus: ``+447700900123``, and what is dialled after it follows a hyphen: ``02158881234-8001``.
    Raises ``NotAPhone``.
    """
    if len(text) > _LONGEST:
        raise NotAPhone(f"not a phone number: {len(text)} characters")
    if any(character.isnumeric() and not character.isdecimal() for character in text):
        raise NotAPhone("digits above, below or in a circle")
    plain = folded(ascii_digits(text))
    label = _LABEL.match(plain)
    plain = plain[label.end() :] if label else plain
    if number := _read(plain):
        return number
    if len(plain) > _MOST_WITH_WORDS:
        raise NotAPhone(f"not a phone number: {len(text)} characters")
    if (found := _AMONG_WORDS.fullmatch(plain)) and (number := _read(found[1])):
        return number
    if (found := _EXTENSION.fullmatch(plain)) and (number := _read(found[1])) and not number.startswith("+"):
        return f"{number}-{found[2] or found[3]}"
    raise NotAPhone(f"not a phone number: {len(text)} characters")


def _read(written: str) -> str:
    """The number in its normal form, without what stands between its digits; empty for what is none."""
    plain = _BETWEEN.sub("", _NOT_DIALLED.sub(r"\1", written))
    number = f"+{plain[2:]}" if plain.startswith("00") else plain
    if inland := _inland(number):
        return inland
    return _TRUNK.sub(r"\1", number) if _ABROAD.fullmatch(number) and not number.startswith("+86") else ""


def _inland(number: str) -> str:
    """The number as it is dialled in China; empty for others."""
    for rest in (number, number.removeprefix("+86"), number.removeprefix("86")):
        if _MOBILE.fullmatch(rest) or _LANDLINE.fullmatch(rest):
            return rest
    rest = re.sub(r"^\+?86", "", number)
    if (mobile := _DIALLED_FIRST.sub("", rest, count=1)) != rest:
        return mobile
    return f"0{rest}" if rest != number and _LANDLINE.fullmatch(f"0{rest}") else ""
