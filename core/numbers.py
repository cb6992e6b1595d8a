"""Numbers of refunds, orders and channels as people read them out, type and paste them, in the form that is looked up."""

from __future__ import annotations

import re
import unicodedata

from core.plain_text import ascii_digits, without_marks
from core.spreadsheets import from_cell

#: What Chinese and Japanese input methods write on the hyphen's key, between letters or digits.
_TYPED_HYPHEN = re.compile(r"(?<=[0-9A-Za-z])(?:——|[ー一─])(?=[0-9A-Za-z])")
#: Hyphens that Unicode does not call dashes: the minus, the hyphen bullet, the minus letter.
_HYPHENS = "\u2212\u2043\u02d7"
_QUOTED_REFUND = re.compile(r"(?<![0-9A-Za-z/_-])RF-?([0-9]{6})-?([0-9]{4,})(?![0-9A-Za-z/_-])", re.IGNORECASE)
#: An underscore is the hyphen's key with shift, a dot what dictation and some keypads make of it.
_REFUND = re.compile(r"(?:RF[-_.]?)?([0-9]{6})[-_.]([0-9]{4,})|RF[-_.]?([0-9]{6})([0-9]{4,})", re.IGNORECASE)
_ADDRESS = re.compile(r"^\s*https?://(?:(?!RF-)\S)+/(RF-[0-9]{6}-[0-9]{4,})(?:[/?#](?:(?!RF-)\S)*)?\s*$")
#: Behind RF there are digits only: letters that look like them were read off paper.
_READ_OFF = re.compile(r"RF[-_.]?[0-9OIL|]{6}[-_.]?[0-9OIL|]{4,}", re.IGNORECASE)
_LOOK_ALIKE = str.maketrans("OoIiLl|", "0011111")


#: A number in quotes or brackets.
_QUOTED = re.compile(r"[(【“\"「\[]([^()\[\]]*)[)】”\"」\]]")
#: What stands in front of a number where it was copied from, and behind it in a sentence.
_LABEL = re.compile(
    r"(?:[【\[(]?(?:订单|交易|商户|商家|小票|流水|收据|退款|凭证|参考|检索|查询|跟踪|系统|业务|资金|批次|请求|渠道|原|微信|支付|支付宝|银联|云闪付)*(?:单号|编号|号码|号|订单号)[】\])]?[:是为]?"
    r"|(?:order|transaction|trade|receipt|payment|invoice)(?:(?:no\.?|number|id)?[:#]|no\.)#?|no\.:?(?=\w))",
    re.IGNORECASE,
)
_ENDS = "。、,;:."
#: The name of the button beside a number, which is copied with it.
_COPIED = ("点击复制", "复制单号", "复制")


def ascii_form(text: str) -> str:
    """Full-width letters and digits and every kind of hyphen as ASCII's; without marks that nobody sees. Case stays."""
    if text.isascii():
        return text
    plain = _TYPED_HYPHEN.sub("-", without_marks(unicodedata.normalize("NFKC", ascii_digits(text))))
    return "".join(
        "-" if unicodedata.category(character) == "Pd" or character in _HYPHENS else character for character in plain
    )


def as_kept(text: str) -> str:
    """A number or code as it is stored: in ASCII's digits and hyphens, with the blanks that the shop's software has in it
    (``Order 00012-001-0001``). Digits alone have none.
    """
    parts = ascii_form(text).split()
    return ("" if all(part.isdigit() for part in parts) else " ").join(parts)


def reference(text: str) -> str:
    """A number without blanks and invisible marks, its digits and hyphens those of ASCII; its case as it is. Without a label in
    front (``订单号：``) and what ends a sentence.
    """
    plain = "".join(
        character
        for character in ascii_form(from_cell(text))
        if not character.isspace() and unicodedata.category(character) != "Cc"
    )
    plain = _alone(plain)
    found = _QUOTED.fullmatch(plain)
    return _alone(found[1]) if found else plain


def _alone(text: str) -> str:
    label = _LABEL.match(text)
    alone = (text[label.end() :] if label else text).rstrip(_ENDS)
    return next((alone.removesuffix(name) for name in _COPIED if alone.endswith(name)), alone)


def last_four(text: str) -> str:
    """The last four digits of what was typed of a phone's or a card's number; fewer where fewer were."""
    return re.sub(r"[^0-9]", "", ascii_form(text))[-4:]


def spellings(number: str) -> tuple[str, ...]:
    """A number or code in the cases that tills write: as it is, in capitals, in small letters, with one capital
    (``Order 00012``), without a receipt's # in front.
    Channels tell them apart, so that it is stored as it came; people and programs ask for it in any.
    """
    return tuple(dict.fromkeys((number, number.upper(), number.lower(), number.capitalize(), number.removeprefix("#"))))


#: What a shop's software puts behind an order's number for each try to pay it: -02, _3, #1, .2, -R1, -PAY2, (2), T2 behind a
#: digit, or the time: -1764230400, _20261127101500.
_ATTEMPT = re.compile(
    r"(?P<order>.*[0-9A-Za-z])(?:[-_#.@/*|:~+][A-Za-z]{0,3}[0-9]{1,3}|\([0-9]{1,3}\)|(?<=[0-9])[TRP][0-9]{1,2}"
    r"|[-_#.@/*|:~+][TRP]?(?:1[0-9]{9}(?:[0-9]{3})?|20[0-9]{12}(?:[0-9]{3})?))"
)
#: The same with a word of its own: -P-1, _pay_2, -retry1.
_NAMED_ATTEMPT = re.compile(
    r"(?P<order>.*[0-9A-Za-z])[-_#.:](?:P|R|pay|payment|try|retry|attempt)[-_#.:]?[0-9]{1,3}", re.I
)


def order_of_attempt(number: str) -> str:
    """The order's number behind one that a channel was sent for a single try to pay it; empty where it is none. A guess."""
    found = _NAMED_ATTEMPT.fullmatch(number) or _ATTEMPT.fullmatch(number)
    return found["order"] if found and len(found["order"]) > 2 else ""


def refund_number(text: str) -> str:
    """``rf－261122－0187``, ``RF2611220187``, ``261122-0187`` and ``单号：RF-261122-0187。`` are ``RF-261122-0187``; empty for
    what is no refund's number, or several. Of an address that a colleague copied from the desk it is the last part.
    """
    if found := _ADDRESS.search(text):
        return found[1]
    plain = reference(text)
    if _READ_OFF.fullmatch(plain):
        plain = plain[:2] + plain[2:].translate(_LOOK_ALIKE)
    found = _REFUND.fullmatch(plain)
    if found is None:
        quoted = {f"RF-{day}-{count}" for day, count in _QUOTED_REFUND.findall(plain)}
        return quoted.pop() if len(quoted) == 1 else ""
    return f"RF-{found[1] or found[3]}-{found[2] or found[4]}"
