"""UnionPay's respCode -> what it proves, for refund (04), void (31, 32) and query (00). A code that is not listed proves nothing.

Source: https://open.unionpay.com/tjweb/support/faq/mchlist?id=234 (应答码), and the list in its products' appendix: one list for
all operations, so that most of its codes speak of paying.

A refusal for the moment (02, 31, 64, 90 ...) is sent again under the same orderId and txnTime, which cannot pay twice. Whether
the acquirer kept the refused number is not documented (g): where it did, the repeat is answered 12, and the query says what
became of it.
"""

import re
from collections.abc import Mapping

from payment_channels.contract import Outcome, Refused, Retry, Unknown
from payment_channels.parsing import text
from payment_channels.rules import CodeList, Rule, ask, later, mend, never, outcome_of, slow_down, top_up

#: 00 of an application means that it was taken in, and of a trade that it succeeded; A6 is a success with a flaw.
ACCEPTED = "00"
SUCCEEDED = ("00", "A6")
#: Timed out, state unknown, taken in, at the issuing bank: ask later.
PENDING = ("03", "04", "05", "83")

RULES: dict[str, Rule] = {
    "00": ask("taken in, or of a trade: succeeded"),
    "A6": ask("succeeded with a flaw"),
    "01": never("failed, no reason given", "ask_channel"),
    "02": later("the system is closed for the moment"),
    "03": ask("communication timed out"),
    "04": ask("the trade's state is not known"),
    "05": ask("taken in; the result comes later"),
    "06": ask("busy; not said to be refused"),
    "10": never("the message's format is wrong", "check_request"),
    "11": mend("the signature does not fit", "check_keys"),
    "12": ask("a repeat: our own earlier send"),
    "13": never("the message lacks something", "check_request"),
    "14": never("a batch file's format is wrong", "check_request"),
    "30": never("not let through", "ask_channel"),
    "31": mend("the merchant's state is wrong", "check_account"),
    "32": mend("no permission for this kind of trade", "check_permission"),
    "33": never("the amount is above a limit", "over_limit"),
    "34": never("no such trade", "check_sale"),
    "35": never("the original trade is missing or in the wrong state", "sale_state"),
    "36": never("does not fit the original trade", "check_amount"),
    "37": slow_down("asked too often"),
    "38": never("stopped for risk", "risk"),
    "39": Rule(meaning="outside the hours for this kind of trade", retry=Retry.SAME_NUMBER, remedy="outside_hours"),
    "40": never("the check of a binding failed", "check_request"),
    "41": never("a batch is in the wrong state", "check_request"),
    "42": ask("paid, but after the time allowed"),
    "43": mend("no permission for this business", "check_permission"),
    "44": never("a wrong number, or not opened for this business", "other_route"),
    "45": never("the original trade is refunded or voided already", "refunded_already"),
    "46": never("the trade is reversed already", "refunded_already"),
    "60": never("the issuing bank refuses, no reason given", "other_route"),
    "61": never("the card number is not valid", "other_route"),
    "62": never("the issuing bank does not serve this merchant", "other_route"),
    "63": never("the card's state is wrong", "other_route"),
    "64": top_up("the balance is short"),
    "65": never("password, expiry or CVN2 is wrong", "other_route"),
    "66": never("the holder's data do not fit", "other_route"),
    "67": never("the password was wrong too often", "other_route"),
    "68": never("the card does not take part in this business", "other_route"),
    "69": never("the input timed out", "ask_channel"),
    "70": ask("passed on; waits for the card holder"),
    "71": never("a one-time code was wrong", "other_route"),
    "72": never("the holder has not signed up for this business", "other_route"),
    "73": never("the card has expired", "other_route"),
    "74": ask("debited, the bill's state is not known"),
    "75": ask("debited, the bill could not be settled"),
    "76": never("to be opened with a password first", "other_route"),
    "77": never("not opened for payment with authentication", "other_route"),
    "78": never("the issuing bank restricts this trade", "other_route"),
    "79": never("the issuing bank sends no codes", "other_route"),
    "80": never("the token has expired", "check_request"),
    "81": never("the month's number or amount is above a limit", "over_limit"),
    "82": never("a password is to be checked", "other_route"),
    "83": ask("the issuing bank is working on it"),
    "84": never("a password is needed and was not sent", "other_route"),
    "85": never("the rules of a promotion are not met", "check_rules"),
    "86": never("the code's state is wrong", "sale_state"),
    "87": never("paid too often", "over_limit"),
    "88": never("no such code", "check_sale"),
    "89": never("no such token, or in the wrong state", "check_request"),
    "90": top_up("the account's balance is short"),
    "91": never("authentication failed", "ask_channel"),
    "92": mend("the merchant's licence has expired", "check_account"),
    "93": mend("the merchant's licence is withdrawn", "check_account"),
    "94": mend("the merchant's licence is deleted", "check_account"),
    "95": mend("the merchant's licence has moved", "check_account"),
    "96": mend("the merchant's licence is cancelled", "check_account"),
    "98": never("no such file", "check_request"),
    "99": ask("an error without a name"),
}
LISTS = (
    CodeList(
        operation="backTransReq.do (04, 31, 32), queryTrans.do (00)",
        source="https://open.unionpay.com/tjweb/support/faq/mchlist?id=234",
        codes=RULES,
        rules=RULES,
    ),
)

#: Codes that name no cause, or one of several, and the finer code in brackets behind their words: 与原交易信息不符[2050004].
#: Sources: the vendor's demos list these for a refund (upacp_demo, 退货交易您可能会遇到); what is older than 330 days is refused
#: with 4040007, as shops report, and is to be paid by a transfer.
_MANY_MEANINGS = ("01", "30", "35", "36", "60")
_FINER = re.compile(r"[\[［【](\d{7})[\]］】]\s*$")
_FINER_RULES: dict[str, Rule] = {
    "2010002": ask("a repeat: our own earlier send"),
    "2040004": never("the original is voided, or of another merchant number", "sale_state"),
    "2050004": never("voided or refunded before: less is left than is asked for", "check_amount"),
    "4040007": never("past the refund period", "sale_closed"),
}

_FOR_THE_MOMENT = (Retry.LATER, Retry.AFTER_TOP_UP, Retry.AFTER_MENDING)

#: A query's way of saying that it knows no such trade. No proof: queries lag behind.
NOT_FOUND = "34"


def code_of(fields: Mapping[str, str], name: str) -> str:
    """A code as the vendor's list spells it. Raises ``Unreadable``."""
    return text(fields, name).strip().upper()


def says_not_paid(code: str) -> bool:
    """Whether this ``origRespCode`` proves that a payment failed for good."""
    rule = RULES.get(code)
    proves = rule is not None and rule.retry in (Retry.NEVER, Retry.AFTER_MENDING, Retry.AFTER_TOP_UP)
    return proves and code != NOT_FOUND


def outcome_of_application(code: str, message: str, *, raw: str, maybe_received: bool) -> Outcome:
    """What an answer with a respCode other than 00 to an application proves."""
    if code == "05":
        return Unknown(code=code, message=message, accepted=True, raw=raw)
    return outcome_of(_rule(code, message), code=code, message=message, raw=raw, maybe_received=maybe_received)


def _rule(code: str, message: str) -> Rule | None:
    """What a code says, or the finer one behind its words."""
    finer = _FINER.search(message) if code in _MANY_MEANINGS else None
    return (finer and _FINER_RULES.get(finer[1])) or RULES.get(code)


def outcome_of_query(code: str, message: str, *, raw: str) -> Unknown:
    """What an answer with a respCode other than 00 to a query says of the trade: nothing, it speaks of the query."""
    if code == NOT_FOUND:
        return Unknown(code="not_found", message=message, raw=raw)
    rule = RULES.get(code)
    return Unknown(code=code, message=message, remedy=rule.remedy if rule else "", raw=raw)


def outcome_of_failed_trade(code: str, message: str, *, channel_refund_no: str, raw: str) -> Outcome:
    """What an ``origRespCode`` other than success proves: pending, failed for good, or unheard of.

    A trade that failed has used up its number: orderId and txnTime cannot be sent again (12). What failed for the moment, as for
    want of money, goes on under a new one: this answer is the proof that nothing moved under the old.
    """
    rule = _rule(code, message)
    if code in PENDING:
        return Unknown(code=code, message=message, accepted=True, channel_refund_no=channel_refund_no, raw=raw)
    if rule is None or rule.retry is None:
        return Unknown(
            code=code, message=message, attention=True, remedy="find_out", channel_refund_no=channel_refund_no, raw=raw
        )
    return Refused(
        code=code,
        message=message,
        retry=Retry.NEW_NUMBER,
        then=rule.retry if rule.retry in _FOR_THE_MOMENT else None,
        remedy=rule.remedy,
        channel_refund_no=channel_refund_no,
        raw=raw,
    )
