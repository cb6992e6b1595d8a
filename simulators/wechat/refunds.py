"""A refund application: read into a typed order, judged by the rules, shown as the API's refund object."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from simulators.kit.book import PROCESSING, SUCCESS, Row, extra_of, payer_part_fen
from simulators.kit.clock import rfc3339
from simulators.wechat.errors import ApiError, bad_param, invalid, not_exists

_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}\Z")
_DAY_S = 86_400
REASON_BYTES = 80
OTHER_DETAILS = "订单金额或退款金额与之前请求不一致，请核实后再试"
DEFAULT_ACCOUNT = "招商银行信用卡0403"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A well-formed refund application. Amounts in fen."""

    refund_no: str
    order_no: str
    transaction_no: str
    amount_fen: int
    total_fen: int
    notify_url: str
    sub_mchid: str
    funds_account: str
    reason: str
    sources: list[object] = field(default_factory=list)
    goods: list[object] = field(default_factory=list)

    def fingerprint(self, order_no: str) -> str:
        """What must not change under the same number."""
        same = [order_no, self.amount_fen, self.total_fen, self.sub_mchid, self.funds_account, self.sources, self.goods]
        return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def read_object(body: bytes) -> dict[str, object]:
    """The body as a JSON object. Raises ApiError PARAM_ERROR."""
    try:
        given = json.loads(body)
        json.dumps(given, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "PARAM_ERROR", "请求体不是有效的 JSON") from error
    if not isinstance(given, dict):
        raise ApiError(400, "PARAM_ERROR", "请求体不是 JSON 对象")
    return given


def read_application(body: bytes) -> Application:
    """Parse the body. Raises ApiError PARAM_ERROR with the field."""
    given = read_object(body)
    refund_no = _text(given, "out_refund_no")
    if not _REFUND_NO.match(refund_no):
        raise bad_param("/out_refund_no", refund_no, "1 to 64 characters of 0-9A-Za-z_-|*@")
    transaction_no, order_no = _text(given, "transaction_id"), _text(given, "out_trade_no")
    if bool(transaction_no) == bool(order_no):
        raise bad_param("/transaction_id", transaction_no, "exactly one of transaction_id and out_trade_no")
    reason = _text(given, "reason")
    if len(reason.encode()) > REASON_BYTES:
        raise bad_param("/reason", given["reason"], f"at most {REASON_BYTES} bytes")
    funds_account = _text(given, "funds_account")
    if funds_account not in {"", "AVAILABLE", "UNSETTLED"}:
        raise bad_param("/funds_account", funds_account, "AVAILABLE or UNSETTLED")
    amount = given.get("amount")
    if not isinstance(amount, dict):
        raise bad_param("/amount", "", "is required")
    if amount.get("currency") != "CNY":
        raise bad_param("/amount/currency", amount.get("currency", ""), "must be CNY")
    amount_fen = _fen(amount, "refund")
    return Application(
        refund_no=refund_no,
        order_no=order_no,
        transaction_no=transaction_no,
        amount_fen=amount_fen,
        total_fen=_fen(amount, "total"),
        notify_url=_notify_url(_text(given, "notify_url")),
        sub_mchid=_text(given, "sub_mchid"),
        reason=reason,
        funds_account=funds_account,
        sources=_sources(amount, amount_fen),
        goods=_goods(given),
    )


def check_rules(application: Application, payment: Row, *, now: float, limits: dict[str, float]) -> None:
    """The rules of the contract, by the simulator's clock. Raises ApiError."""
    if payment["status"] != SUCCESS:
        raise invalid("订单未支付成功，不能退款")
    if application.total_fen != payment["amount_fen"]:
        # The words are those of another request under the same number: the vendor has one answer for both.
        raise invalid(OTHER_DETAILS)
    if now - payment["paid_at"] > limits["window_days"] * _DAY_S:
        raise invalid("订单已超过可退款的最大期限")
    left = payment["amount_fen"] - payment["refunded_fen"]
    if left <= 0:
        raise invalid("订单已全额退款")
    if application.amount_fen > left:
        raise invalid("申请退款金额超过订单可退金额")
    if payment["refund_count"] >= limits["max_partials"]:
        raise invalid("部分退款次数已超过上限")
    last = payment["last_refund_at"]
    if last is not None and 0 <= now - last < limits["partial_spacing_s"]:
        raise ApiError(429, "FREQUENCY_LIMITED", "同一订单两次退款间隔不足 1 分钟")


def check_sub_mchid(given: str, payment: Row) -> None:
    """A service provider's sale belongs to its sub-merchant. Raises ApiError."""
    if given != str(extra_of(payment).get("sub_mchid") or ""):
        raise not_exists("订单不存在，或不属于该商户")


def refund_object(refund: Row, payment: Row, *, status: str = "") -> dict[str, object]:
    """The refund as apply and query answer it; ``status`` overrides the present one."""
    status = status or refund["status"]
    extra = extra_of(refund)
    amount_fen, total_fen = refund["amount_fen"], payment["amount_fen"]
    shown: dict[str, object] = {
        "refund_id": refund["channel_refund_no"],
        "out_refund_no": refund["refund_no"],
        "transaction_id": refund["transaction_no"],
        "out_trade_no": refund["order_no"],
        "channel": extra.get("channel", "ORIGINAL"),
        "user_received_account": extra.get("user_received_account", account_of(payment)),
        "create_time": rfc3339(refund["created_at"]),
        "status": status,
        "funds_account": extra.get("funds_account") or "AVAILABLE",
        "amount": {
            "total": total_fen,
            "refund": amount_fen,
            "from": extra.get("from", []),
            "payer_total": payer_part_fen(payment),
            "payer_refund": payer_part_fen(refund),
            "settlement_refund": amount_fen,
            "settlement_total": total_fen,
            "discount_refund": amount_fen - payer_part_fen(refund),
            "currency": "CNY",
            "refund_fee": fee_fen(amount_fen),
        },
        "promotion_detail": [],
    }
    if status == SUCCESS:
        shown["success_time"] = rfc3339(refund["final_at"])
    return shown


#: What a payment's status is called in an order; a refund of any part of it makes REFUND of SUCCESS.
_TRADE_STATES = {SUCCESS: "SUCCESS", "WAIT_BUYER_PAY": "NOTPAY", "CLOSED": "CLOSED"}


def trade_state(payment: Row) -> str:
    """What became of an order."""
    state = str(extra_of(payment).get("trade_state") or _TRADE_STATES.get(payment["status"], payment["status"]))
    return "REFUND" if state == "SUCCESS" and payment["refunded_fen"] else state


def was_paid(payment: Row) -> bool:
    """Whether it was paid, and so has a transaction_id, by which alone a query finds it as that."""
    return trade_state(payment) in {"SUCCESS", "REFUND", "REVOKED"}


def order_object(payment: Row, *, mchid: str) -> dict[str, object]:
    """The order as a query answers it. One that nobody paid has no transaction_id."""
    state = trade_state(payment)
    sub_mchid = str(extra_of(payment).get("sub_mchid") or "")
    who = {"sp_mchid": mchid, "sub_mchid": sub_mchid} if sub_mchid else {"mchid": mchid}
    shown: dict[str, object] = {
        **who,
        "appid": "wx8888888888888888",
        "out_trade_no": payment["order_no"],
        "trade_state": state,
        "trade_state_desc": state,
        "amount": {"total": payment["amount_fen"], "currency": "CNY"},
    }
    if was_paid(payment):
        shown |= {
            "transaction_id": payment["transaction_no"],
            "trade_type": "MICROPAY",
            "bank_type": "CMB_CREDIT",
            "success_time": rfc3339(payment["paid_at"]),
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            "amount": {
                "total": payment["amount_fen"],
                "payer_total": payer_part_fen(payment),
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
    return shown


def notice_plaintext(refund: Row, payment: Row, *, status: str, mchid: str) -> dict[str, object]:
    """What is sealed into a notice."""
    sub_mchid = str(extra_of(payment).get("sub_mchid") or "")
    plain: dict[str, object] = {"sp_mchid": mchid, "sub_mchid": sub_mchid} if sub_mchid else {"mchid": mchid}
    plain |= {
        "transaction_id": refund["transaction_no"],
        "out_trade_no": refund["order_no"],
        "refund_id": refund["channel_refund_no"],
        "out_refund_no": refund["refund_no"],
        "refund_status": status,
        "user_received_account": extra_of(refund).get("user_received_account", account_of(payment)),
        "amount": {
            "total": payment["amount_fen"],
            "refund": refund["amount_fen"],
            "payer_total": payer_part_fen(payment),
            "payer_refund": payer_part_fen(refund),
        },
    }
    if status == SUCCESS and refund["final_at"] is not None:
        plain["success_time"] = rfc3339(refund["final_at"])
    return plain


def account_of(payment: Row) -> str:
    """Where the payer's money came from, as the channel words it."""
    return str(extra_of(payment).get("payer_account") or DEFAULT_ACCOUNT)


def fee_fen(amount_fen: int) -> int:
    """The channel's fee at 0.60%, commercially rounded to fen."""
    return (amount_fen * 60 + 5_000) // 10_000


def is_open(refund: Row) -> bool:
    """Whether the refund has not ended yet."""
    return bool(refund["status"] == PROCESSING)


def _text(given: dict[str, object], name: str) -> str:
    value = given.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_param(f"/{name}", value, "must be text")
    return value


def _fen(amount: dict[str, object], name: str) -> int:
    value = amount.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 10**12:
        raise bad_param(f"/amount/{name}", value, "must be a positive integer, in fen")
    return value


def _notify_url(url: str) -> str:
    if not url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise bad_param("/notify_url", url, "is no address") from error
    if parts.scheme not in {"http", "https"} or not parts.netloc or len(url) > 256:
        raise bad_param("/notify_url", url, "must be an http(s) address of at most 256 characters")
    if parts.query or parts.fragment or "?" in url:
        raise bad_param("/notify_url", url, "must not carry a query string")
    return url


def _sources(amount: dict[str, object], amount_fen: int) -> list[object]:
    sources = amount.get("from") or []
    if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
        raise bad_param("/amount/from", "", "must be a list of {account, amount}")
    if sources and sum(_fen(source, "amount") for source in sources) != amount_fen:
        raise bad_param("/amount/from", "", "the amounts must add up to the refund")
    return sources


def _goods(given: dict[str, object]) -> list[object]:
    goods = given.get("goods_detail") or []
    if not isinstance(goods, list) or not all(isinstance(item, dict) for item in goods):
        raise bad_param("/goods_detail", "", "must be a list of objects")
    needed = ("merchant_goods_id", "unit_price", "refund_amount", "refund_quantity")
    for position, item in enumerate(goods):
        for name in needed:
            if name not in item:
                raise bad_param(f"/goods_detail/{position}/{name}", "", "is required")
    return goods
