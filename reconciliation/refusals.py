"""Why a file was not taken in, and why a row of it was set aside: one sentence each, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import codes
from core.errors import DomainError
from core.money import yuan_grouped
from core.plain_text import sentences
from merchants import channels
from reconciliation.differences import is_reversal
from reconciliation.models import BillLine

_KINDS: Mapping[str, Promise | str] = {
    "funds": _("a fund flow"),
    "summary": _("a summary without single refunds"),
    "disputes": _("UnionPay's list of disputed trades (ZME), not of trades (ZM)"),
    "trades": _("a list of other trades"),
}

_ACQUIRERS: Mapping[str, Promise | str] = {
    "ums": _("China UMS"),
    "lakala": _("Lakala"),
    "shouqianba": _("Shouqianba"),
    "allinpay": _("Allinpay"),
    "pingxx": "Ping++",
    "fuiou": _("Fuiou"),
    "suixingfu": _("Suixingfu"),
    "huifu": _("Huifu"),
    "yeepay": _("Yeepay"),
}
#: Where a channel's own statement of a day is to be had, and what it is called there.
_PORTALS: Mapping[str, Promise | str] = {
    "wechat": _("pay.weixin.qq.com, the day's trade bill of all trades or of refunds, as CSV"),
    "alipay": _("b.alipay.com, the day's bill of trades, the details and not the summary, as a zip or CSV"),
    "unionpay": _("merchant.unionpay.com, the day's file INN...ZM_..., as it is"),
}

_SENTENCES: Mapping[str, Promise | str] = {
    "bill_damaged": _("The file was damaged, cut short or edited: download it anew from the channel's portal."),
    "bill_empty": _("The file is empty. A statement of a day without refunds still has its header: download it anew."),
    "bill_of_another_day": _("This statement is of %(found)s, not of %(day)s."),
    "bill_of_another_channel": _("This is a statement of %(channel)s: choose the account there, or the right file."),
    "bill_of_another_account": _("This statement is of merchant number %(found)s; this account is %(own)s."),
    "bill_of_another_kind": _(
        "This is %(kind)s: choose the trade statement with its refunds (type REFUND or ALL) in the portal."
    ),
    "bill_of_consumer": _("This is a consumer's own list of payments: get the statement from the merchant's portal."),
    "bill_of_acquirer": _(
        "This is %(acquirer)s's own list, not %(own_channel)s's statement. Get the statement here: %(portal)s. "
        "The sales of this list can be taken in under Imports."
    ),
    "bill_of_another_language": _(
        "The columns of this statement are named in another language: set the portal to simplified Chinese and download it anew."
    ),
    "bill_resaved": _(
        "This file was saved again by a spreadsheet, which changes dates and numbers: "
        "download it anew, and upload it without opening it."
    ),
    "bill_web_page": _("This is a web page, not a statement: sign in to the portal and download the file again."),
    "bill_workbook": _("This kind of workbook is not read: choose CSV in the portal."),
    "bill_document": _(
        "This is a document or a picture, which only people can read: download the statement itself from the channel's portal."
    ),
    "bill_locked": _("The file is locked by a password: take the password off, or download it anew."),
    "bill_archive": _("This kind of archive is not read: unpack it and upload the statement itself."),
    "bill_zip": _("The zip does not hold exactly one statement: upload the statement itself."),
    "bill_lacks_columns": _("The statement lacks columns without which nothing can be compared: %(columns)s."),
    "bill_does_not_add_up": _(
        "The statement does not add up: its total of refunds says ¥%(declared)s, its rows make ¥%(rows)s, a gap of ¥%(gap)s."
    ),
    "funds_before_statement": _(
        "This is a fund flow: first take in the statement of this day, then its money beside it."
    ),
}

_ROWS: Mapping[str, Promise | str] = {
    "row_amount": _("no amount: %(said)s"),
    "row_currency": _("an amount in another currency: %(said)s"),
    "row_time": _("no time: %(said)s"),
    "row_number": _("a number that a spreadsheet has rounded: %(said)s"),
    "row_fields": _("its fields do not fit the columns"),
    "row_day": _("of another day: %(said)s"),
    "row_remark": _("its remark contradicts its amount: %(said)s"),
}


def sentence(error: DomainError) -> str:
    """What to tell whoever brought the file; empty for an error of another kind."""
    if error.code in _SENTENCES:
        said = _SENTENCES[error.code] % _filled(error.facts)
    elif error.code == "bill_unreadable":
        said = codes.words(error.code)
    else:
        return ""
    return sentences(said, gettext("Nothing was taken from it."))


def why_set_aside(row: Mapping[str, Any]) -> str:
    """Why a row in ``Bill.set_aside`` could not be read."""
    return str(_ROWS.get(row["why"], _ROWS["row_fields"])) % {"said": row["said"] or "--"}


def channel_state(line: BillLine) -> str:
    """The channel's own word, but for a reversal, which is no refund there."""
    return gettext("Reversed at the channel") if is_reversal(line) else line.state


def _filled(facts: Mapping[str, Any]) -> dict[str, str]:
    filled = {name: str(value) for name, value in facts.items()}
    if "channel" in facts:
        filled["channel"] = channels.label(facts["channel"])
    if "acquirer" in facts:
        filled["acquirer"] = str(_ACQUIRERS.get(facts["acquirer"], _("an acquirer or a till")))
        filled["portal"] = str(_PORTALS.get(facts.get("own_channel", ""), _("the channel's portal")))
        filled["own_channel"] = channels.label(facts.get("own_channel", ""))
    if "kind" in facts:
        filled["kind"] = str(_KINDS.get(facts["kind"], _KINDS["trades"]))
    if "declared_fen" in facts:
        declared, rows = facts["declared_fen"], facts["rows_fen"]
        filled |= {"declared": yuan_grouped(declared), "rows": yuan_grouped(rows), "gap": yuan_grouped(declared - rows)}
    return {"found": "--", **filled} if filled.get("found") != "" else {**filled, "found": gettext("other days")}
