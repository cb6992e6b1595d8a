"""Alipay's codes and sub-codes -> what they prove. A code that is not listed proves nothing.

Sources, one list an operation (``LISTS``): https://opendocs.alipay.com/open/02ekfk (alipay.trade.refund, 业务错误码), .../02ekfl
(alipay.trade.fastpay.refund.query), .../02ekfh (alipay.trade.query), .../02ekfr (alipay.trade.cancel), and
https://opendocs.alipay.com/common/02km9f (公共错误码).
"""

from payment_channels.alipay.messages import Status
from payment_channels.contract import Outcome, Unknown
from payment_channels.rules import CodeList, Rule, ask, mend, never, outcome_of, slow_down, top_up

_REFUND: dict[str, Rule] = {
    "ACQ.SYSTEM_ERROR": ask("system error: the refund may have been made or not"),
    "ACQ.REFUND_CHARGE_ERROR": ask("the fee could not be given back just now"),
    "ACQ.ENTERPRISE_PAY_BIZ_ERROR": ask("trouble with payment by the payer's company"),
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": top_up("the seller's balance is short"),
    "ACQ.INVALID_PARAMETER": never("a parameter is wrong", "check_request"),
    "ACQ.CURRENCY_NOT_SUPPORT": never("the currency cannot be refunded", "check_request"),
    "ACQ.TRADE_NOT_EXIST": never("no such trade", "check_sale"),
    "ACQ.USER_NOT_MATCH_ERR": never("the trade belongs to somebody else", "check_sale"),
    "ACQ.TRADE_HAS_FINISHED": never("the trade is past its refund period", "sale_closed"),
    "ACQ.TRADE_HAS_CLOSE": never("the trade is closed: never paid, or wholly refunded", "sale_state"),
    "ACQ.TRADE_STATUS_ERROR": never("the trade is in a wrong state", "sale_state"),
    "ACQ.REASON_TRADE_STATUS_INVALID": never("the trade is in an odd state", "sale_state"),
    "ACQ.TRADE_NOT_ALLOW_REFUND": never("this trade allows no refund", "sale_state"),
    "ACQ.TRADE_SETTLE_ERROR": never("the trade's settlement is in trouble", "sale_state"),
    "ACQ.ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND": never("paid with a voucher that allows no refund", "sale_state"),
    "ACQ.NOT_ALLOW_PARTIAL_REFUND": never("this trade can only be refunded whole", "whole_only"),
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": never("more than can be refunded", "check_amount"),
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": never("the amount is not valid", "check_amount"),
    "ACQ.REFUND_FEE_ERROR": never("the amount is wrong", "check_amount"),
    "ACQ.REASON_TRADE_BEEN_FREEZEN": never("the trade is frozen", "sale_frozen"),
    # An earlier attempt with other details is there: whether it moved money, the query says.
    "ACQ.DISCORDANT_REPEAT_REQUEST": ask("the same number with other details", "check_history"),
    "ACQ.BUYER_ERROR": never("the payer's account is in trouble", "other_route"),
    "ACQ.BUYER_NOT_EXIST": never("the payer's account no longer exists", "other_route"),
    "ACQ.BUYER_ENABLE_STATUS_FORBID": never("the payer's account is barred", "other_route"),
    "ACQ.CUSTOMER_VALIDATE_ERROR": never("the account is closed or frozen", "other_route"),
    "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR": never("more than the shares that were split off", "check_shares"),
    "ACQ.REFUNDALLOC_UNAUTH_LIMIT": never("a receiver of a share does not give it back", "check_shares"),
    "ACQ.REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST": never("the receiver of a share does not exist", "check_shares"),
    "ACQ.REFUND_ACCOUNT_NOT_EXIST": mend("the account that pays refunds is missing or in trouble", "check_account"),
    "ACQ.OVERDRAFT_ASSIGN_ACCOUNT_INVALID": mend("the account for advanced refunds is another's", "check_account"),
    "ACQ.OVERDRAFT_AGREEMENT_NOT_MATCH": mend("not what was agreed on advanced refunds", "check_permission"),
}

_QUERY: dict[str, Rule] = {
    "ACQ.TRADE_NOT_EXIST": ask("no such trade"),
    "TRADE_NOT_EXIST": ask("no such trade, as the vendor's list of refund queries spells it"),
    "ACQ.SYSTEM_ERROR": ask("system error: ask again"),
    "ACQ.INVALID_PARAMETER": ask("a parameter is wrong", "check_request"),
    "ACQ.ENTERPRISE_PAY_BIZ_ERROR": ask("trouble with payment by the payer's company: ask again"),
}

_CANCEL: dict[str, Rule] = {
    "ACQ.SYSTEM_ERROR": ask("system error"),
    "AQC.SYSTEM_ERROR": ask("system error, as the vendor's list spells it"),
    "ACQ.INVALID_PARAMETER": never("a parameter is wrong", "check_request"),
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": top_up("the seller's balance is short"),
    "ACQ.TRADE_NOT_EXIST": never("no such trade", "check_sale"),
    "ACQ.TRADE_HAS_FINISHED": never("the trade is past its refund period", "sale_closed"),
    "ACQ.TRADE_CANCEL_TIME_OUT": never("too late to cancel: refund instead", "outside_hours"),
    "ACQ.CANCEL_NOT_ALLOWED": never("this trade cannot be cancelled", "sale_state"),
    "ACQ.TRADE_STATUS_ERROR": never("the trade is in a wrong state", "sale_state"),
    "ACQ.REASON_TRADE_STATUS_INVALID": never("the trade is in an odd state", "sale_state"),
    "ACQ.REASON_ILLEGAL_STATUS": never("the trade is in an odd state", "sale_state"),
    "ACQ.REASON_TRADE_BEEN_FREEZEN": never("the trade is frozen", "sale_frozen"),
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": never("refunded before: too late to cancel", "check_amount"),
}

#: What any operation may answer: our application, its keys and permissions, our clock. Nothing was looked at.
_COMMON: dict[str, Rule] = {
    "ACQ.ACCESS_FORBIDDEN": mend("the interface is not agreed on", "check_permission"),
    "ACQ.PARTNER_ERROR": mend("the app_id is wrong", "check_account"),
    "isp.unknow-error": ask("the service is unavailable"),
    "unknow-error": ask("the service is unavailable"),
    "invalid-auth-token": mend("the access token is not valid", "check_permission"),
    "auth-token-time-out": mend("the access token has expired", "check_permission"),
    "invalid-app-auth-token": mend("the merchant's authorisation is not valid", "check_permission"),
    "invalid-app-auth-token-no-api": mend("the merchant has not authorised this interface", "check_permission"),
    "app-auth-token-time-out": mend("the merchant's authorisation has expired", "check_permission"),
    "no-product-reg-by-partner": mend("the merchant has not agreed on the product", "check_permission"),
    "isv.app-auth-token-expired": mend("the merchant's authorisation has expired", "check_permission"),
    "isv.invalid-app-auth-token": mend("the merchant's authorisation is not valid", "check_permission"),
    "isv.missing-method": never("no method named", "check_request"),
    "isv.missing-signature": mend("no signature", "check_keys"),
    "isv.missing-signature-type": mend("no type of signature", "check_keys"),
    "isv.missing-signature-key": mend("no key is configured at the channel", "check_keys"),
    "isv.missing-app-id": mend("no app_id", "check_account"),
    "isv.missing-timestamp": mend("no timestamp", "check_clock"),
    "isv.missing-version": never("no version", "check_request"),
    "isv.decryption-error-missing-encrypt-type": mend("no type of encryption", "check_keys"),
    "isv.invalid-parameter": never("a parameter is wrong", "check_request"),
    "isv.upload-fail": never("an upload failed", "check_request"),
    "isv.invalid-file-extension": never("a wrong type of file", "check_request"),
    "isv.invalid-file-size": never("a wrong size of file", "check_request"),
    "isv.invalid-method": never("no such method", "check_request"),
    "isv.invalid-format": never("a wrong format", "check_request"),
    "isv.illegal-json": never("not JSON", "check_request"),
    "isv.invalid-charset": never("a wrong charset", "check_request"),
    "isv.invalid-digest": never("a wrong digest", "check_request"),
    "isv.suspected-attack": never("taken for an attack: a value looks like a parameter", "check_request"),
    "isv.invalid-signature-type": mend("a wrong type of signature", "check_keys"),
    "isv.invalid-signature": mend("the signature does not fit", "check_keys"),
    "isv.invalid-token": mend("the token is not valid", "check_permission"),
    "isv.invalid-encrypt-type": mend("a wrong type of encryption", "check_keys"),
    "isv.invalid-encrypt": mend("cannot be decrypted", "check_keys"),
    "isv.decryption-error-not-valid-encrypt-type": mend("a wrong type of encryption", "check_keys"),
    "isv.decryption-error-not-valid-encrypt-key": mend("a wrong key of encryption", "check_keys"),
    "isv.decryption-error-unknown": mend("cannot be decrypted", "check_keys"),
    "isv.invalid-app-id": mend("no such app_id", "check_account"),
    "isv.invalid-timestamp": mend("the timestamp is not accepted", "check_clock"),
    "isv.missing-signature-config": mend("no key is configured at the channel", "check_keys"),
    "isv.missing-app-cert-sn": mend("the application's certificate is not named", "check_keys"),
    "isv.missing-alipay-root-cert-sn": mend("the channel's root certificate is not named", "check_keys"),
    "isv.app-cert-expired": mend("the application's certificate has expired", "check_keys"),
    "app-cert-expired": mend("the application's certificate has expired", "check_keys"),
    "isv.not-support-app-auth": mend("not for service providers", "check_permission"),
    "isv.forbidden-api": mend("the interface is barred", "check_permission"),
    "not-online-app": mend("the application is not online", "check_account"),
    "isv.invalid-app-state": mend("the application's state does not allow it", "check_account"),
    "invalid-auth-relations": mend("the authorisation does not fit", "check_permission"),
    "unsupported-sdk-version": never("not for this version", "check_request"),
    "isv.app-call-limited": slow_down("too many calls of the application"),
    "isv.method-call-limited": slow_down("too many calls of the method"),
    "isv.insufficient-isv-permissions": mend("the product is not agreed on", "check_permission"),
    "isv.insufficient-user-permissions": mend("the merchant lacks the permission", "check_permission"),
    "isv.self-invoke-forbidden": mend("the application may not act for itself", "check_permission"),
}

#: The gateway's own codes, where the sub-code is not listed. It refuses before the trade system sees anything.
GATEWAY_RULES: dict[str, Rule] = {
    "20000": ask("the service is unavailable"),
    "20001": mend("authorisation is not enough", "check_permission"),
    "40001": never("a parameter is missing", "check_request"),
    "40002": never("a parameter is not valid", "check_request"),
    "40003": mend("a condition of the account is not met", "check_account"),
    "40005": slow_down("too many calls"),
    "40006": mend("permission is not enough", "check_permission"),
}

#: An application's rules; a query's codes prove nothing of the refund.
RULES: dict[str, Rule] = {**_COMMON, **_REFUND}

_REFUND_PAGE = "https://opendocs.alipay.com/open/02ekfk"
LISTS = (
    CodeList(operation="alipay.trade.refund", source=_REFUND_PAGE, codes=_REFUND, rules=RULES),
    CodeList(
        operation="alipay.trade.fastpay.refund.query",
        source="https://opendocs.alipay.com/open/02ekfl",
        codes=_QUERY,
        rules=_QUERY,
    ),
    CodeList(
        operation="alipay.trade.query",
        source="https://opendocs.alipay.com/open/02ekfh",
        codes=[code for code in _QUERY if code != "TRADE_NOT_EXIST"],
        rules=_QUERY,
    ),
    CodeList(
        operation="alipay.trade.cancel",
        source="https://opendocs.alipay.com/open/02ekfr",
        codes=_CANCEL,
        rules=_CANCEL,
    ),
    CodeList(
        operation="every operation",
        source="https://opendocs.alipay.com/common/02km9f",
        codes=[*GATEWAY_RULES, *_COMMON],
        rules={**GATEWAY_RULES, **_COMMON},
    ),
)

#: A query's ways of saying that it knows no such refund or payment. No proof: queries lag behind.
NOT_FOUND = ("ACQ.TRADE_NOT_EXIST", "TRADE_NOT_EXIST")


def outcome_of_application(status: Status, *, raw: str, maybe_received: bool) -> Outcome:
    """What an answer with a code other than 10000 to an application proves."""
    code = _as_listed(status.name)
    rule = RULES.get(code) or GATEWAY_RULES.get(status.code)
    return outcome_of(rule, code=code, message=status.message, raw=raw, maybe_received=maybe_received)


def outcome_of_query(status: Status, *, raw: str) -> Unknown:
    """What an answer with a code other than 10000 to a query says of the refund: nothing, it speaks of the query."""
    code = _as_listed(status.name)
    if code in NOT_FOUND:
        return Unknown(code="not_found", message=status.message, raw=raw)
    rule = _QUERY.get(code) or RULES.get(code) or GATEWAY_RULES.get(status.code)
    return Unknown(code=code, message=status.message, remedy=rule.remedy if rule else "", raw=raw)


#: Without "ACQ.", which some of the vendor's own lists leave out (TRADE_NOT_EXIST), or spell "AQC.".
_ODD = ("TRADE_NOT_EXIST", "AQC.SYSTEM_ERROR")
_AS_SPELLED = {code.lower().removeprefix("acq."): code for code in (*_CANCEL, *_QUERY, *RULES) if code not in _ODD}


def _as_listed(name: str) -> str:
    """A code as the vendor's lists spell it, in whatever case it came, with or without the system's name in front; "aop." before
    it only says who found it.
    """
    plain = name.strip()
    said = plain.lower().removeprefix("aop.")
    return _AS_SPELLED.get(said.removeprefix("acq.").removeprefix("aqc."), plain)
