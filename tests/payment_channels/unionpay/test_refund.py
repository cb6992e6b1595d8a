"""Applying for refunds and voids, and asking for their state."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from payment_channels.clock import BEIJING
from payment_channels.contract import Done, Refused, Retry, TradeReference, Unknown, VoidKind, Voids
from payment_channels.remedies import REMEDIES
from payment_channels.unionpay.adapter import UnionPayRefundChannel
from payment_channels.unionpay.errors import RULES
from tests.payment_channels.conftest import KeyPair
from tests.payment_channels.server import Answer, LocalServer
from tests.payment_channels.unionpay.conftest import (
    NOW,
    ORDER,
    QUERY_ID,
    REFERENCE,
    Platform,
    accepted,
    asked_fields,
    report,
)

WHOLE = replace(ORDER, amount_fen=26800)


def test_refund_accepted_is_not_yet_done(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(accepted())

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.accepted, outcome.channel_refund_no) == ("00", True, QUERY_ID)


def test_refund_sends_a_signed_application(
    channel: UnionPayRefundChannel,
    server: LocalServer,
    platform: Platform,
    our_keys: KeyPair,
    stored_credentials: dict[str, str],
) -> None:
    server.respond = lambda _: platform.answer(accepted())

    channel.refund(ORDER)
    channel.refund(replace(ORDER, maybe_received=True))

    first, second = server.asked
    assert first.target == "/gateway/api/backTransReq.do"
    assert first.body == second.body
    sent = asked_fields(first)
    signature = base64.b64decode(sent.pop("signature"))
    joined = "&".join(f"{name}={sent[name]}" for name in sorted(sent))
    twice = hashlib.sha256(joined.encode()).hexdigest().encode()
    our_keys.private.public_key().verify(signature, twice, PKCS1v15(), SHA256())
    serial = load_pem_x509_certificate(stored_credentials["sign_certificate"].encode()).serial_number
    assert sent == {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "signMethod": "01",
        "certId": str(serial),
        "txnType": "04",
        "txnSubType": "00",
        "bizType": "000201",
        "channelType": "07",
        "accessType": "0",
        "merId": "777290058110048",
        "orderId": ORDER.refund_no,
        "txnTime": "20261122115700",
        "origQryId": ORDER.channel_transaction_no,
        "txnAmt": "1200",
        "currencyCode": "156",
        "backUrl": ORDER.notify_url,
    }


@pytest.mark.parametrize(("kind", "txn_type"), [(VoidKind.PURCHASE, "31"), (VoidKind.PRE_AUTHORISATION, "32")])
def test_void_takes_the_whole_payment_back(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, kind: VoidKind, txn_type: str
) -> None:
    server.respond = lambda _: platform.answer(accepted(txnType=txn_type, txnAmt="26800"))

    assert isinstance(channel, Voids)
    outcome = channel.void(WHOLE, kind)

    assert isinstance(outcome, Unknown)
    assert outcome.accepted
    assert asked_fields(server.asked[0])["txnType"] == txn_type


def test_void_refused_at_the_cut_off_is_proof_that_the_payment_stands(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(accepted(respCode="39", txnAmt=""))

    outcome = channel.void(WHOLE)

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry, outcome.remedy) == ("39", Retry.SAME_NUMBER, "outside_hours")


@pytest.mark.parametrize(
    "faulty",
    [
        replace(ORDER, refund_no="R-2026112200"),
        replace(ORDER, refund_no="R_2026112200"),
        replace(ORDER, refund_no="R123456"),
        replace(ORDER, refund_no="R" * 41),
        replace(ORDER, first_sent_at=None),
        replace(ORDER, channel_transaction_no=""),
        replace(ORDER, amount_fen=26801),
    ],
)
def test_order_that_cannot_be_sent_is_refused_unsent(
    channel: UnionPayRefundChannel, server: LocalServer, faulty: object
) -> None:
    for outcome in (channel.refund(faulty), channel.void(faulty)):  # type: ignore[arg-type]
        assert isinstance(outcome, Refused)
        assert outcome.code == "invalid_order"
    assert isinstance(channel.void(ORDER), Refused)  # a void takes back all
    assert server.asked == []


@pytest.mark.parametrize("changes", [{"orderId": "R20261122000002"}, {"txnAmt": "1201"}])
def test_application_answered_about_another_is_no_proof(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, changes: dict[str, str]
) -> None:
    for code in ("00", "64"):
        server.respond = lambda _, code=code: platform.answer(accepted(respCode=code, **changes))  # type: ignore[misc]
        outcome = channel.refund(ORDER)
        assert isinstance(outcome, Unknown)
        assert (outcome.code, outcome.attention) == ("mismatch", True)


@pytest.mark.parametrize(
    ("code", "retry", "remedy"),
    [
        ("01", Retry.NEVER, "ask_channel"),
        ("03", None, ""),
        ("04", None, ""),
        ("05", None, ""),
        ("06", None, ""),
        ("10", Retry.NEVER, "check_request"),
        ("11", Retry.AFTER_MENDING, "check_keys"),
        ("12", None, ""),
        ("34", Retry.NEVER, "check_sale"),
        ("35", Retry.NEVER, "sale_state"),
        ("36", Retry.NEVER, "check_amount"),
        ("38", Retry.NEVER, "risk"),
        ("39", Retry.SAME_NUMBER, "outside_hours"),
        ("45", Retry.NEVER, "refunded_already"),
        ("64", Retry.AFTER_TOP_UP, "top_up"),
        ("02", Retry.LATER, "later"),
        ("13", Retry.NEVER, "check_request"),
        ("30", Retry.NEVER, "ask_channel"),
        ("31", Retry.AFTER_MENDING, "check_account"),
        ("32", Retry.AFTER_MENDING, "check_permission"),
        ("33", Retry.NEVER, "over_limit"),
        ("37", Retry.SAME_NUMBER, "slow_down"),
        ("60", Retry.NEVER, "other_route"),
        ("63", Retry.NEVER, "other_route"),
        ("99", None, ""),
        ("ZZ", None, ""),
    ],
)
def test_application_refused_says_what_may_be_done(
    channel: UnionPayRefundChannel,
    server: LocalServer,
    platform: Platform,
    code: str,
    retry: Retry | None,
    remedy: str,
) -> None:
    server.respond = lambda _: platform.answer(accepted(respCode=code, respMsg="因为", queryId=""))

    outcome = channel.refund(ORDER)
    repeated = channel.refund(replace(ORDER, maybe_received=True))

    assert isinstance(outcome, Refused if retry else Unknown)
    assert (outcome.code, outcome.message) == (code, "因为")
    if isinstance(outcome, Refused):
        assert (outcome.retry, outcome.remedy) == (retry, remedy)
    else:
        assert outcome.accepted is (code == "05")
    assert isinstance(repeated, Refused) is (code in ("02", "11", "31", "32", "37", "39", "64"))


def test_every_rule_names_a_known_remedy() -> None:
    assert {rule.remedy for rule in RULES.values() if rule.remedy} <= set(REMEDIES)


# --- query ---


@pytest.mark.parametrize("code", ["00", "A6"])
def test_query_that_knows_a_success_is_done(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, code: str
) -> None:
    server.respond = lambda _: platform.answer(report(origRespCode=code))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Done)
    assert (outcome.refund_no, outcome.channel_refund_no, outcome.amount_fen) == (ORDER.refund_no, QUERY_ID, 1200)
    assert outcome.succeeded_at == datetime(2026, 11, 22, 11, 59, 59, tzinfo=BEIJING)
    assert outcome.received_account == "6216***********0018"
    [asked] = server.asked
    assert asked.target == "/gateway/api/queryTrans.do"
    sent = asked_fields(asked)
    assert (sent["txnType"], sent["orderId"], sent["txnTime"]) == ("00", ORDER.refund_no, "20261122115700")


@pytest.mark.parametrize(
    ("trace_time", "sent", "expected"),
    [
        ("", "20261122115700", datetime(2026, 11, 22, 11, 57, tzinfo=BEIJING)),
        ("0101000003", "20261231235958", datetime(2027, 1, 1, 0, 0, 3, tzinfo=BEIJING)),
        ("1231235958", "20270101000001", datetime(2026, 12, 31, 23, 59, 58, tzinfo=BEIJING)),
    ],
)
def test_time_of_success_has_a_year(
    channel: UnionPayRefundChannel,
    server: LocalServer,
    platform: Platform,
    trace_time: str,
    sent: str,
    expected: datetime,
) -> None:
    server.respond = lambda _: platform.answer(report(traceTime=trace_time, txnTime=sent))
    sent_at = datetime.strptime(sent, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)

    outcome = channel.query_refund(replace(REFERENCE, sent_at=sent_at))

    assert isinstance(outcome, Done)
    assert outcome.succeeded_at == expected


@pytest.mark.parametrize("code", ["03", "04", "05"])
def test_query_that_knows_a_pending_trade_is_unknown_but_accepted(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, code: str
) -> None:
    server.respond = lambda _: platform.answer(report(origRespCode=code))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.accepted, outcome.attention) == (code, True, False)


@pytest.mark.parametrize("code", ["01", "35", "36", "38", "39", "45", "64"])
def test_query_that_knows_a_failure_uses_up_the_number(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, code: str
) -> None:
    server.respond = lambda _: platform.answer(report(origRespCode=code, txnAmt="", queryId=""))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.retry) == (code, Retry.NEW_NUMBER)


def test_query_that_knows_a_code_unheard_of_asks_for_a_person(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(report(origRespCode="ZZ"))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.attention) == ("ZZ", True)


@pytest.mark.parametrize("code", [*(code for code in RULES if code != "00"), "ZZ"])
def test_query_when_channel_complains_says_nothing_of_the_trade(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, code: str
) -> None:
    server.respond = lambda _: platform.answer(report(respCode=code, origRespCode=""))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert not outcome.accepted
    assert outcome.code == ("not_found" if code == "34" else code)


@pytest.mark.parametrize(
    "changes",
    [{"orderId": "R20261122000002"}, {"txnAmt": "1201"}, {"txnTime": "20261122115701"}],
)
@pytest.mark.parametrize("code", ["00", "64"])
def test_query_answered_about_another_is_no_proof(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, changes: dict[str, str], code: str
) -> None:
    server.respond = lambda _: platform.answer(report(origRespCode=code, **changes))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.attention) == ("mismatch", True)


def test_whole_card_number_does_not_come_to_rest(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(report(accNo="6216261000000000018"))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Done)
    assert outcome.received_account == "621626****0018"
    assert "6216261000000000018" not in repr(outcome)
    assert QUERY_ID in outcome.raw


def test_query_of_what_was_never_sent_asks_nobody(channel: UnionPayRefundChannel, server: LocalServer) -> None:
    outcome = channel.query_refund(replace(REFERENCE, sent_at=None))

    assert isinstance(outcome, Unknown)
    assert outcome.code == "not_found"
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, b"", "server_error"),
        (502, b"<html>", "server_error"),
        (302, b"", "unreadable"),
        (200, b"", "unreadable"),
        (200, b"<html>oops</html>", "unreadable"),
        (200, b"\xff\xfe=1", "unreadable"),
        (200, b"a=1&a=2", "unreadable"),
        (200, b"a={b=1&c=2", "unreadable"),
        (200, b"respCode=00&respMsg=ok", "bad_signature"),
    ],
)
def test_answer_that_is_none_leaves_the_outcome_unknown(
    channel: UnionPayRefundChannel, server: LocalServer, status: int, body: bytes, code: str
) -> None:
    server.respond = lambda _: Answer(status=status, body=body)

    for outcome in (channel.refund(ORDER), channel.query_refund(REFERENCE), channel.void(WHOLE)):
        assert isinstance(outcome, Unknown)
        assert outcome.code == code


@pytest.mark.parametrize(
    "changes",
    [
        {"txnAmt": "12.00"},
        {"txnAmt": "-1200"},
        {"txnAmt": ""},
        {"queryId": ""},
        {"currencyCode": "840"},
        {"traceTime": "1131000000"},
        {"txnTime": ""},
        {"origRespCode": ""},
    ],
)
def test_signed_report_that_cannot_be_read_leaves_the_outcome_unknown(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, changes: dict[str, str]
) -> None:
    server.respond = lambda _: platform.answer(report(**changes))

    outcome = channel.query_refund(REFERENCE)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "unreadable"


def test_dropped_connection_is_unknown(channel: UnionPayRefundChannel, server: LocalServer) -> None:
    server.respond = lambda _: Answer(drop=True)

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "connection"


def test_refund_when_its_amount_comes_back_filled_up_with_zeros_is_accepted(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform
) -> None:
    server.respond = lambda _: platform.answer(accepted(txnAmt="000000001200"))

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.accepted) == ("00", True)


@pytest.mark.parametrize("amount", ["000000012000", "1201", "12.00", "0"])
def test_refund_when_another_amount_comes_back_proves_nothing(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, amount: str
) -> None:
    server.respond = lambda _: platform.answer(accepted(txnAmt=amount))

    outcome = channel.refund(ORDER)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "mismatch"


@pytest.mark.parametrize("minutes", [-480, 6])
@pytest.mark.parametrize("what", ["refund", "again", "query", "trade"])
def test_signature_that_is_not_taken_is_blamed_on_a_clock_that_is_off_whatever_is_asked(
    channel: UnionPayRefundChannel, server: LocalServer, platform: Platform, what: str, minutes: int
) -> None:
    there = format_datetime(NOW + timedelta(minutes=minutes))
    server.respond = lambda _: replace(
        platform.answer(
            report(respCode="11", origRespCode="")
            if what in ("query", "trade")
            else accepted(respCode="11", respMsg="验签失败")
        ),
        headers={"Date": there},
    )
    ask: dict[str, Callable[[], object]] = {
        "refund": lambda: channel.refund(ORDER),
        "again": lambda: channel.refund(replace(ORDER, maybe_received=True)),
        "query": lambda: channel.query_refund(REFERENCE),
        "trade": lambda: channel.query_trade(TradeReference(channel_transaction_no="", order_no="A1", paid_at=NOW)),
    }

    outcome = ask[what]()

    assert isinstance(outcome, Refused | Unknown)
    assert outcome.remedy == "check_clock"
