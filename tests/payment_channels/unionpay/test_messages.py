"""What is written to UnionPay and read from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from payment_channels.contract import Done, Trade, TradeReference, TradeState, Unknown
from payment_channels.parsing import Unreadable
from payment_channels.profile import Profile
from payment_channels.unionpay.messages import (
    TradeReport,
    application_fields,
    fault_in,
    hide_cards,
    read_application,
    read_trade,
    trade_fields,
    txn_time,
)
from tests.payment_channels.unionpay.conftest import FIRST_SENT, ORDER, QUERY_ID, REFERENCE

REPORT = {
    "origRespCode": "00",
    "orderId": ORDER.refund_no,
    "txnTime": txn_time(FIRST_SENT),
    "txnAmt": "1200",
    "queryId": QUERY_ID,
    "accNo": "6225880137891234",
}


def test_txn_time_is_beijings_whatever_zone_it_comes_in() -> None:
    assert txn_time(datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC)) == "20270101000001"


def test_application_when_it_is_sent_again_has_the_first_time() -> None:
    fields = application_fields(ORDER, txn_type="04", profile=Profile())
    assert (fields["txnTime"], fields["txnAmt"], fields["origQryId"]) == (
        txn_time(FIRST_SENT),
        "1200",
        ORDER.channel_transaction_no,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"refund_no": "R-1"},
        {"amount_fen": ORDER.paid_fen + 1},
        {"channel_transaction_no": ""},
        {"first_sent_at": None},
    ],
)
def test_order_when_it_cannot_be_sent_is_named(changes: dict[str, object]) -> None:
    assert fault_in(ORDER) == ""
    assert fault_in(replace(ORDER, **changes)) != ""  # type: ignore[arg-type]


def test_void_when_it_is_of_a_part_is_refused() -> None:
    assert fault_in(ORDER, whole=True) != ""
    assert fault_in(replace(ORDER, amount_fen=ORDER.paid_fen), whole=True) == ""


def test_report_when_it_is_a_success_is_proof_with_the_card_masked() -> None:
    report = TradeReport.parse_query(REPORT)
    outcome = report.outcome(raw="")
    assert isinstance(outcome, Done)
    assert (outcome.amount_fen, outcome.channel_refund_no) == (1_200, QUERY_ID)
    assert "880137891" not in outcome.received_account
    assert report.is_about(REFERENCE)


@pytest.mark.parametrize("missing", ["txnAmt", "queryId"])
def test_report_when_a_success_lacks_its_proof_is_unreadable(missing: str) -> None:
    with pytest.raises(Unreadable):
        TradeReport.parse_query({name: value for name, value in REPORT.items() if name != missing}).outcome(raw="")


@pytest.mark.parametrize(
    "changes", [{"txnAmt": "12.00"}, {"txnAmt": "-1"}, {"currencyCode": "840"}, {"txnTime": "later"}]
)
def test_report_when_a_field_cannot_be_read_is_unreadable(changes: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        TradeReport.parse_query({**REPORT, **changes})


def test_report_when_it_was_booked_after_new_year_is_of_the_new_year() -> None:
    report = TradeReport.parse_query({**REPORT, "txnTime": "20261231235959", "traceTime": "0101000001"})
    assert f"{report.booked_at:%Y-%m-%d}" == "2027-01-01"


@pytest.mark.parametrize("changes", [{"orderId": "ANOTHER1"}, {"txnAmt": "1201"}])
def test_application_when_its_answer_is_of_another_one_is_a_mismatch(changes: dict[str, str]) -> None:
    outcome = read_application({"respCode": "00", **changes}, ORDER, raw="")
    assert isinstance(outcome, Unknown)
    assert (outcome.code, outcome.attention) == ("mismatch", True)


def test_application_when_it_is_taken_in_is_accepted_and_no_proof() -> None:
    outcome = read_application({"respCode": "00", "queryId": QUERY_ID}, ORDER, raw="")
    assert isinstance(outcome, Unknown)
    assert (outcome.accepted, outcome.channel_refund_no) == (True, QUERY_ID)


def test_payment_when_it_has_a_query_id_is_asked_about_by_it() -> None:
    known = TradeReference(channel_transaction_no=QUERY_ID, order_no="T1", paid_at=FIRST_SENT)
    unknown = replace(known, channel_transaction_no="", payment_no="P1")
    assert trade_fields(known, profile=Profile())["queryId"] == QUERY_ID
    fields = trade_fields(unknown, profile=Profile())
    assert (fields["orderId"], fields["txnTime"]) == ("P1", txn_time(FIRST_SENT))


def test_payment_when_its_code_leaves_open_whether_it_was_debited_says_nothing() -> None:
    assert isinstance(read_trade({"origRespCode": "74"}, raw=""), Unknown)
    paid = read_trade({"origRespCode": "00", "txnAmt": "26800", "orderId": "T1"}, raw="")
    assert isinstance(paid, Trade)
    assert (paid.state, paid.amount_fen, paid.refunded_fen) == (TradeState.PAID, 26_800, None)


def test_card_when_a_message_names_one_keeps_six_and_four() -> None:
    assert hide_cards("accNo=6225880137891234&x=1") == "accNo=622588****1234&x=1"
