"""Requests read into typed orders, and trades and refunds as the gateway shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulators.alipay.errors import Refusal, invalid_parameter, refusal
from simulators.kit.bills import yuan
from simulators.kit.book import CLOSED, SUCCESS, UNPAID, Row, extra_of, payer_part_fen
from simulators.kit.clock import china

_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?\Z")
_DAY_S = 86_400
BUYER = "159****5620"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCall:
    """A well-formed alipay.trade.refund. ``request_no`` is empty for an unnumbered full refund."""

    order_no: str
    trade_no: str
    request_no: str
    amount_fen: int
    reason: str
    options: tuple[str, ...]


def read_content(parameters: Mapping[str, str]) -> dict[str, object]:
    """biz_content. Raises Refusal."""
    try:
        content = json.loads(parameters.get("biz_content") or "{}")
        json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise Refusal("40002", "isv.invalid-parameter", "biz_content 不是有效的 JSON") from error
    if not isinstance(content, dict):
        raise Refusal("40002", "isv.invalid-parameter", "biz_content 不是 JSON 对象")
    return content


def read_refund(content: Mapping[str, object]) -> RefundCall:
    """Raises Refusal."""
    order_no, trade_no = read_trade(content)
    request_no = text(content, "out_request_no", 64)
    amount = content.get("refund_amount")
    shown = str(amount) if isinstance(amount, str | int | float) and not isinstance(amount, bool) else ""
    found = _AMOUNT.match(shown)
    if found is None:
        raise invalid_parameter("refund_amount")
    amount_fen = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))
    if amount_fen <= 0:
        raise invalid_parameter("refund_amount")
    options = content.get("query_options") or []
    return RefundCall(
        order_no=order_no,
        trade_no=trade_no,
        request_no=request_no,
        amount_fen=amount_fen,
        reason=text(content, "refund_reason", 256),
        options=tuple(str(option) for option in options) if isinstance(options, list) else (),
    )


def read_trade(content: Mapping[str, object]) -> tuple[str, str]:
    """out_trade_no and trade_no; one of them is needed. Raises Refusal."""
    order_no, trade_no = text(content, "out_trade_no", 64), text(content, "trade_no", 64)
    if not order_no and not trade_no:
        raise invalid_parameter("out_trade_no, trade_no")
    return order_no, trade_no


def text(content: Mapping[str, object], name: str, longest: int) -> str:
    """A text field, empty when absent. Raises Refusal."""
    value = content.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise invalid_parameter(name)
    return value


def check_rules(call: RefundCall, payment: Row, *, now: float, limits: Mapping[str, float]) -> None:
    """The rules for a new refund, by the simulator's clock. Raises Refusal."""
    if payment["status"] == "TRADE_FINISHED" or now - payment["paid_at"] > limits["window_days"] * _DAY_S:
        raise refusal("trade_has_finished")
    if trade_status(payment) != "TRADE_SUCCESS":
        raise refusal("trade_status_error")
    left = payment["amount_fen"] - payment["refunded_fen"]
    if call.amount_fen > left:
        raise refusal("amount_exceeded")
    if not call.request_no and call.amount_fen != payment["amount_fen"]:
        raise invalid_parameter("out_request_no is needed for a partial refund")
    last = payment["last_refund_at"]
    if last is not None and 0 <= now - last < limits["spacing_s"]:
        raise refusal("error_before_commit")


def trade_status(payment: Row) -> str:
    """TRADE_SUCCESS until everything is refunded, then TRADE_CLOSED, as for what was closed unpaid; Alipay's own statuses are
    shown as they were seeded.
    """
    if payment["status"] in UNPAID:
        return "WAIT_BUYER_PAY"
    if payment["status"] in {CLOSED, "REVOKED"}:
        return "TRADE_CLOSED"
    if payment["status"] != SUCCESS:
        return str(payment["status"])
    return "TRADE_CLOSED" if payment["refunded_fen"] >= payment["amount_fen"] else "TRADE_SUCCESS"


def moved_fen(refunds: Iterable[Row]) -> int:
    """What has really been refunded."""
    return sum(refund["amount_fen"] for refund in refunds if refund["status"] == SUCCESS)


def refund_answer(
    payment: Row, refund: Row, *, cumulative_fen: int, changed: bool, options: tuple[str, ...]
) -> dict[str, object]:
    """alipay_trade_refund_response. ``refund_fee`` is cumulative."""
    shown: dict[str, object] = {
        "code": "10000",
        "msg": "Success",
        "buyer_logon_id": buyer(payment),
        "fund_change": "Y" if changed else "N",
        "out_trade_no": payment["order_no"],
        "trade_no": payment["transaction_no"],
        "refund_fee": yuan(cumulative_fen),
    }
    if {"refund_detail_item_list", "send_back_fee"} & set(options):
        shown["send_back_fee"] = yuan(payer_part_fen(refund) if changed else 0)
    if "refund_detail_item_list" in options:
        shown["refund_detail_item_list"] = _items(refund)
    return shown


def _items(refund: Row) -> list[dict[str, object]]:
    """What the refund is made of: the payer's money, and what a coupon of the merchant's had paid."""
    channel = "BANKCARD" if extra_of(refund).get("dback_status") else "ALIPAYACCOUNT"
    coupon_fen = refund["amount_fen"] - payer_part_fen(refund)
    parts = {channel: payer_part_fen(refund), "MCOUPON": coupon_fen}
    return [{"fund_channel": name, "amount": yuan(fen)} for name, fen in parts.items() if fen]


def query_answer(
    payment: Row, refund: Row | None, *, request_no: str, lag: bool, options: tuple[str, ...], now: float
) -> dict[str, object]:
    """alipay_trade_fastpay_refund_query_response: without refund_status unless the refund has succeeded."""
    shown: dict[str, object] = {
        "code": "10000",
        "msg": "Success",
        "out_trade_no": payment["order_no"],
        "trade_no": payment["transaction_no"],
    }
    if refund is None:
        return shown
    shown |= {
        "out_request_no": request_no,
        "total_amount": yuan(payment["amount_fen"]),
        "refund_amount": yuan(refund["amount_fen"]),
    }
    if refund["status"] != SUCCESS or lag:
        return shown
    shown["refund_status"] = "REFUND_SUCCESS"
    if "gmt_refund_pay" in options:
        shown["gmt_refund_pay"] = moment(refund["final_at"])
    if "send_back_fee" in options:
        shown["send_back_fee"] = yuan(payer_part_fen(refund))
    if "refund_detail_item_list" in options:
        shown |= {"refund_detail_item_list": _items(refund), "send_back_fee": yuan(payer_part_fen(refund))}
    status = second_leg(refund, now=now)
    if "deposit_back_info" in options and not status:
        shown["deposit_back_info"] = {"has_deposit_back": "false"}
    elif "deposit_back_info" in options:
        shown["deposit_back_info"] = {
            "has_deposit_back": "true",
            "dback_status": status,
            "dback_amount": yuan(refund["amount_fen"]),
            "est_bank_receipt_time": moment(refund["final_at"] + 3 * _DAY_S),
            **({"bank_ack_time": moment(refund["final_at"])} if status != "P" else {}),
        }
    return shown


def second_leg(refund: Row, *, now: float) -> str:
    """dback_status of the way on to the payer's bank; empty where there is none."""
    extra = extra_of(refund)
    ended = "dback_then" in extra and now >= float(str(extra["dback_at"]))
    return str(extra["dback_then"] if ended else extra.get("dback_status") or "")


def second_leg_parameters(payment: Row, refund: Row, *, app_id: str, now: float) -> dict[str, str]:
    """The notice alipay.trade.refund.depositback.completed."""
    content = {
        "trade_no": payment["transaction_no"],
        "out_trade_no": payment["order_no"],
        "out_request_no": refund["refund_no"],
        "dback_status": str(extra_of(refund).get("dback_then")),
        "dback_amount": yuan(refund["amount_fen"]),
        "bank_ack_time": moment(now),
    }
    return {
        "notify_id": f"{refund['channel_refund_no']}b",
        "utc_timestamp": str(int(now * 1000)),
        "msg_method": "alipay.trade.refund.depositback.completed",
        "app_id": app_id,
        "version": "1.1",
        "charset": "utf-8",
        "biz_content": json.dumps(content, ensure_ascii=False),
    }


def trade_answer(payment: Row) -> dict[str, object]:
    """alipay_trade_query_response."""
    amount = yuan(payment["amount_fen"])
    was_paid = payment["status"] not in {*UNPAID, CLOSED}
    return {
        "code": "10000",
        "msg": "Success",
        "out_trade_no": payment["order_no"],
        "trade_no": payment["transaction_no"],
        "trade_status": trade_status(payment),
        "total_amount": amount,
        "receipt_amount": amount,
        "buyer_pay_amount": yuan(payer_part_fen(payment)),
        "buyer_logon_id": buyer(payment),
        **({"send_pay_date": moment(payment["paid_at"])} if was_paid else {}),
    }


def notice_parameters(
    payment: Row, refund: Row, *, cumulative_fen: int, app_id: str, seller_id: str, now: float, with_refund: bool
) -> dict[str, str]:
    """The trade's notice after a refund, or the payment's own."""
    parameters = {
        "notify_time": moment(now),
        "notify_type": "trade_status_sync",
        "notify_id": f"{refund['channel_refund_no']}{'r' if with_refund else 'p'}",
        "charset": "utf-8",
        "version": "1.0",
        "app_id": app_id,
        "auth_app_id": app_id,
        "seller_id": seller_id,
        "trade_no": payment["transaction_no"],
        "out_trade_no": payment["order_no"],
        "trade_status": trade_status(payment) if with_refund else "TRADE_SUCCESS",
        "total_amount": yuan(payment["amount_fen"]),
        "subject": str(extra_of(payment).get("subject") or "门店消费"),
        "buyer_logon_id": buyer(payment),
        "gmt_create": moment(payment["paid_at"]),
        "gmt_payment": moment(payment["paid_at"]),
    }
    if with_refund:
        final_at = refund["final_at"] or now
        parameters |= {
            "out_biz_no": refund["refund_no"],
            "refund_fee": yuan(cumulative_fen),
            "gmt_refund": f"{moment(final_at)}.{int(final_at * 1000) % 1000:03d}",
        }
    return parameters


def buyer(payment: Row) -> str:
    """The payer's login, masked."""
    return str(extra_of(payment).get("buyer_logon_id") or BUYER)


def moment(timestamp: float) -> str:
    """``2026-11-22 20:30:00`` in Shanghai."""
    return f"{china(timestamp):%Y-%m-%d %H:%M:%S}"
