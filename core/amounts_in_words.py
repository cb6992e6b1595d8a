"""Amounts as people write them out: 壹佰元整, 人民币壹仟零伍拾元伍角, 一百块, 三块五, 廿五元, 二〇五元, 1.2万元, 12元5角.

What may be meant in two ways (一百五 is 150 or 105) is no amount here: nobody guesses.
"""

import re
from decimal import Decimal

_SPELLED = (
    *("零〇○0", "一壹弌1", "二贰貳两兩弍2", "三叁參叄3", "四肆4", "五伍5", "六陆陸6", "七柒7"),
    *("八捌8", "九玖9"),
)
_DIGITS = {character: value for value, characters in enumerate(_SPELLED) for character in characters}
_PLACES = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_TENS = str.maketrans(
    {"廿": "二十", "卅": "三十", "卌": "四十", "萬": "万", "億": "亿", "圓": "元", "圆": "元", "塊": "块"}
)
_DIGIT = f"[{''.join(_DIGITS)}]"
_WORDS = re.compile(
    r"(?:人民币|人民幣|rmb|cny|¥)?:?(?P<sign>负|負)?(?P<yuan>.*?)"
    # Of the unit a bare digit behind it says tenths: 三块五.
    rf"(?:(?P<unit>元|块)(?:零?(?P<jiao>{_DIGIT})[角毛])?(?:零?(?P<fen>{_DIGIT})分)?(?P<tenths>(?<=块){_DIGIT})?"
    rf"|(?P<jiao_alone>{_DIGIT})[角毛](?:零?(?P<fen_behind>{_DIGIT})分)?|(?P<fen_alone>{_DIGIT})分)?[钱錢]?[整正]?"
)
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12}")
_TIMES = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([百佰千仟万亿])")
_POINT = re.compile(r"(.+)点(..?)")


def fen_in_words(text: str) -> int | None:
    """Fen of what was written, below zero for 负; None for what is no amount in words, or not a certain one.

    ``text`` is folded (``core.plain_text.folded``). Digits alone are no words: whoever reads them has rules of their own.
    """
    plain = "".join(text.split()).translate(_TENS)
    found = _WORDS.fullmatch(plain)
    if found is None or not re.search(r"[^\W0-9a-z]", plain):
        return None
    yuan, unit = found["yuan"], found["unit"]
    small = "".join(found[name] or "" for name in ("jiao", "fen", "tenths", "jiao_alone", "fen_behind", "fen_alone"))
    if (unit and not yuan) or (yuan and not unit and small) or not (yuan or small):
        return None
    fen = _fen(yuan) if yuan else 0
    if fen is None or (small and fen % 100):
        return None
    tenths = found["jiao"] or found["tenths"] or found["jiao_alone"]
    cents = found["fen"] or found["fen_behind"] or found["fen_alone"]
    fen += 10 * _DIGITS[tenths or "0"] + _DIGITS[cents or "0"]
    return -fen if found["sign"] else fen


def _fen(yuan: str) -> int | None:
    """``壹佰``, ``二点五``, ``1.2万``, ``1,234`` in fen."""
    if pointed := _POINT.fullmatch(yuan):
        whole, tenths, cents = _whole(pointed[1]), pointed[2][0], pointed[2][1:]
        if whole is None or not {tenths, *cents} <= _DIGITS.keys():
            return None
        return whole * 100 + 10 * _DIGITS[tenths] + (_DIGITS[cents[0]] if cents else 0)
    if multiple := _TIMES.fullmatch(yuan):
        exact = Decimal(multiple[1]) * 100 * {**_PLACES, "万": 10**4, "亿": 10**8}[multiple[2]]
        return int(exact) if exact == int(exact) else None
    whole = _whole(yuan)
    return None if whole is None else whole * 100


def _whole(words: str) -> int | None:
    if _GROUPED.fullmatch(words):
        return int(words.replace(",", ""))
    if len(words) > 1 and all(character in _DIGITS for character in words):
        # Read out figure by figure: 二〇五 is 205.
        return int("".join(str(_DIGITS[character]) for character in words)) if _DIGITS[words[0]] else None
    above, has_above, rest = words.rpartition("亿")
    if has_above:
        high = _whole(above)
        low = _below_a_group(rest, 10**8)
        return None if high is None or low is None else high * 10**8 + low
    return _below_a_group(words, 0)


def _below_a_group(words: str, behind: int) -> int | None:
    """What stands behind 亿, or in front of it; ``behind`` is the place before, 0 for none."""
    if not words:
        return 0 if behind else None
    above, has_above, rest = words.rpartition("万")
    if not has_above:
        return _group(words, behind)
    high, low = _group(above, behind), _group(rest, 10**4) if rest else 0
    return None if high is None or low is None else high * 10**4 + low


def _group(words: str, behind: int) -> int | None:
    """A number below ten thousand. A digit alone behind a place that is not the next above it has no certain place."""
    if re.fullmatch(r"[0-9]+", words) and (len(words) == 4 or not behind):
        return int(words) if len(words) <= 4 else None
    total, last, digit, is_gap = 0, behind, None, False
    for character in words:
        if character in _DIGITS:
            if digit:
                return None
            is_gap = digit == 0 or not _DIGITS[character]
            digit = _DIGITS[character]
        elif place := _PLACES.get(character):
            # 十五 has no digit in front; 零拾 is an empty place on a form; 一千零五百 leaves none out.
            if (last and place >= last) or (digit is None and place != 10):
                return None
            if is_gap and digit and place * 10 == last != behind:
                return None
            total, last, digit, is_gap = total + (1 if digit is None else digit) * place, place, None, False
        else:
            return None
    if digit is None:
        return total
    if last > 10 and not (is_gap and digit):
        return None
    return total + digit
