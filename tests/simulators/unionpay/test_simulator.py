"""The UnionPay stand-in: protocol, rules, ledger, settlement file, faults."""

from __future__ import annotations

import base64
import http.client
import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators.kit.testing import RunningSimulator, running_simulator
from tests.simulators.unionpay_client import Merchant, china_now, parsed, parsed_form
from tests.simulators.wire import PATIENCE_S, Reply, receiver, wait_for

DAY_S = 86_400
SALE = {"order_no": "SALE0001", "transaction_no": "202611220000000000001", "amount_fen": 10_000}
WIDTHS = [3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32]
WIDTHS += [13, 13, 8, 32, 13, 13, 12, 2, 1, 131]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    # What magic amounts hold back stays there for long enough to be seen, on a busy machine, too.
    with running_simulator("unionpay", tmp_path_factory.mktemp("state"), magic_delay_s=4) as simulator:
        yield simulator


@pytest.fixture
def channel(running: RunningSimulator) -> RunningSimulator:
    """A channel that knows one sale of 100.00 yuan, paid a moment ago; it is noon."""
    running.control("POST", "/reset", {})
    noon(running)
    running.control("POST", "/payments", SALE)
    return running


@pytest.fixture
def merchant(channel: RunningSimulator) -> Merchant:
    return Merchant(channel.account)


def noon(channel: RunningSimulator, days: int = 0, hour: int = 12) -> None:
    """Set the channel's clock to an hour of a day from today, so that no test depends on when it runs."""
    now = datetime.now(UTC) + timedelta(hours=8)
    wanted = now.replace(hour=hour, minute=0, second=0) + timedelta(days=days)
    channel.control("POST", "/clock", {"offset_s": (wanted - now).total_seconds()})


def order(channel: RunningSimulator, operation: str, fault: str, **more: object) -> None:
    channel.control("POST", "/faults", {"operation": operation, "fault": fault, **more})


def ledger(channel: RunningSimulator) -> list[tuple[str, int]]:
    return [(row["refund_no"], row["amount_fen"]) for row in channel.control("GET", "/ledger")["rows"]]


def test_refund_is_accepted_then_found_by_query(channel: RunningSimulator, merchant: Merchant) -> None:
    answer = merchant.refund("REFUND01", 1200)

    assert answer["respCode"] == "00"
    assert len(answer["queryId"]) == 21
    wait_for(lambda: merchant.query(answer)["origRespCode"] == "00")
    found = merchant.query(answer)
    assert (found["respCode"], found["txnType"], found["settleAmt"]) == ("00", "04", "1200")
    assert found["queryId"] == answer["queryId"]
    again = merchant.ask("back_trans_url", merchant.refund_fields("REFUND01", 1200, txnTime=answer["txnTime"]))
    assert again["respCode"] == "12"
    assert ledger(channel) == [("REFUND01", 1200)]


def test_query_of_the_unknown_and_of_the_sale(merchant: Merchant) -> None:
    unknown = {"orderId": "UNKNOWN1", "txnTime": china_now()}
    assert merchant.query(unknown)["respCode"] == "34"
    sale = merchant.query({"orderId": "SALE0001", "txnTime": china_now()})
    assert (sale["txnType"], sale["origRespCode"], sale["queryId"]) == ("01", "00", SALE["transaction_no"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signature": "AAAA"}, "11"),
        ({"signature": "not base64"}, "11"),
        ({"txnAmt": "9900"}, "11"),
        ({"certId": "1"}, "11"),
        ({"signMethod": "02"}, "11"),
        ({"merId": "1"}, "10"),
        ({"version": "5.0.0"}, "10"),
        ({"signature": ""}, "10"),
    ],
)
def test_request_that_proves_nothing_moves_nothing(
    channel: RunningSimulator, merchant: Merchant, changes: dict[str, str], code: str
) -> None:
    reply = merchant.send("back_trans_url", merchant.refund_fields("REFUND01", 1200), changes=changes)

    assert parsed(reply)["respCode"] == code
    assert channel.control("GET", "/refunds")["rows"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"orderId": "SHORT"}, "10"),
        ({"orderId": "WITH-DASH-1"}, "10"),
        ({"orderId": "WITH_LINE_1"}, "10"),
        ({"txnTime": "20261345000000"}, "10"),
        ({"txnAmt": "0"}, "10"),
        ({"txnAmt": "12.00"}, "10"),
        ({"txnAmt": "１２００"}, "10"),
        ({"currencyCode": "840"}, "10"),
        ({"txnType": "99"}, "10"),
        ({"origQryId": "202611220000000000009"}, "35"),
        ({"txnAmt": "10005"}, "36"),
    ],
)
def test_bad_orders(channel: RunningSimulator, merchant: Merchant, change: dict[str, str], code: str) -> None:
    assert merchant.ask("back_trans_url", {**merchant.refund_fields("REFUND01", 1200), **change})["respCode"] == code
    assert channel.control("GET", "/refunds")["rows"] == []


def test_sum_never_exceeds_what_was_paid(channel: RunningSimulator, merchant: Merchant) -> None:
    assert merchant.refund("REFUND01", 6000)["respCode"] == "00"
    assert merchant.refund("REFUND02", 4005)["respCode"] == "36"
    assert merchant.refund("REFUND03", 4000)["respCode"] == "00"
    assert merchant.refund("REFUND04", 5)["respCode"] == "45"
    wait_for(lambda: len(ledger(channel)) == 2)


def test_void_is_whole_once_and_within_the_clearing_day(channel: RunningSimulator, merchant: Merchant) -> None:
    assert merchant.refund("VOID0001", 6000, txnType="31")["respCode"] == "36"
    noon(channel, hour=23)
    assert merchant.refund("VOID0002", 10_000, txnType="31")["respCode"] == "35"
    noon(channel, hour=22)
    assert merchant.refund("VOID0003", 10_000, txnType="31")["respCode"] == "00"
    assert merchant.refund("VOID0004", 10_000, txnType="31")["respCode"] == "45"
    wait_for(lambda: ledger(channel) == [("VOID0003", 10_000)])
    assert channel.control("GET", "/ledger")["rows"][0]["kind"] == "void"


def test_refund_is_still_possible_after_the_cut_off(channel: RunningSimulator, merchant: Merchant) -> None:
    noon(channel, days=1)
    assert merchant.refund("VOID0001", 10_000, txnType="31")["respCode"] == "35"
    assert merchant.refund("REFUND01", 10_000)["respCode"] == "00"
    noon(channel, days=331)
    channel.control("POST", "/payments", {**SALE, "order_no": "OLD00001", "transaction_no": "1" * 21, "paid_at": day()})
    assert merchant.refund("REFUND02", 100, origQryId="1" * 21)["respCode"] == "35"


def test_pre_authorisation_is_cancelled_not_refunded(channel: RunningSimulator, merchant: Merchant) -> None:
    held = {"order_no": "HOLD0001", "transaction_no": "2" * 21, "amount_fen": 500, "preauth": True}
    channel.control("POST", "/payments", held)

    assert merchant.refund("REFUND01", 500, origQryId="2" * 21)["respCode"] == "35"
    assert merchant.refund("CANCEL01", 10_000, txnType="32")["respCode"] == "35"
    assert merchant.refund("CANCEL02", 500, txnType="32", origQryId="2" * 21)["respCode"] == "00"


def test_hours_and_balance(channel: RunningSimulator, merchant: Merchant) -> None:
    channel.control("POST", "/limits", {"open_from_hour": 13})
    assert merchant.refund("REFUND01", 1200)["respCode"] == "39"
    channel.control("POST", "/limits", {"open_from_hour": 0})
    channel.control("POST", "/balance", {"available_fen": 100})
    assert merchant.refund("REFUND02", 1200)["respCode"] == "64"
    channel.control("POST", "/balance", {"available_fen": None})
    assert merchant.refund("REFUND02", 1200)["respCode"] == "00"


def test_magic_amounts(channel: RunningSimulator, merchant: Merchant) -> None:
    first = merchant.refund("MAGIC001", 101)
    second = merchant.refund("MAGIC002", 102)
    assert (first["respCode"], second["respCode"]) == ("05", "00")
    assert merchant.refund("MAGIC003", 103)["respCode"] == "64"
    fields = merchant.refund_fields("MAGIC004", 104)
    with pytest.raises(TimeoutError):
        merchant.send("back_trans_url", fields, timeout=0.3)
    assert merchant.query(fields)["origRespCode"] == "00"
    wait_for(lambda: merchant.query(second)["origRespCode"] == "38")
    assert merchant.query(first)["origRespCode"] == "05"
    channel.control("POST", "/balance", {"available_fen": None})
    assert merchant.refund("MAGIC003", 103)["respCode"] == "00"
    wait_for(lambda: merchant.query(first)["origRespCode"] == "00")
    wait_for(lambda: len(ledger(channel)) == 3)


def test_processing_for_days_follows_the_clock(channel: RunningSimulator, merchant: Merchant) -> None:
    order(channel, "refund", "slow", delay_s=3 * DAY_S)
    answer = merchant.refund("REFUND01", 1200)
    assert answer["respCode"] == "05"
    noon(channel, days=2)
    assert merchant.query(answer)["origRespCode"] == "05"
    noon(channel, days=4)
    wait_for(lambda: merchant.query(answer)["origRespCode"] == "00")


def test_same_number_at_another_time_is_another_refund(channel: RunningSimulator, merchant: Merchant) -> None:
    merchant.refund("REFUND01", 1200, txnTime="20261122080000")
    merchant.refund("REFUND01", 1200, txnTime="20261122080001")

    wait_for(lambda: ledger(channel) == [("REFUND01", 1200)] * 2)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("rate_limited", "06"),
        ("format", "10"),
        ("sign_error", "11"),
        ("duplicate", "12"),
        ("no_such_trade", "34"),
        ("wrong_state", "35"),
        ("amount_mismatch", "36"),
        ("risk", "38"),
        ("outside_hours", "39"),
        ("already_refunded", "45"),
        ("not_enough", "64"),
    ],
)
def test_refused_moves_nothing(channel: RunningSimulator, merchant: Merchant, fault: str, code: str) -> None:
    order(channel, "refund", fault)

    assert merchant.refund("REFUND01", 1200)["respCode"] == code
    assert channel.control("GET", "/refunds")["rows"] == []


@pytest.mark.parametrize(
    ("fault", "failure", "moved"),
    [
        ("timeout_after_accept", TimeoutError, True),
        ("drop_after_accept", http.client.RemoteDisconnected, True),
        ("reset_in_body", (http.client.IncompleteRead, ConnectionResetError), True),
        ("drop_before_accept", http.client.RemoteDisconnected, False),
    ],
)
def test_no_answer(
    channel: RunningSimulator, merchant: Merchant, fault: str, failure: type[Exception], moved: bool
) -> None:
    order(channel, "refund", fault)
    fields = merchant.refund_fields("REFUND01", 1200)

    # An answer that does come may take its time on a busy machine.
    timeout_s = 1 if failure is TimeoutError else PATIENCE_S
    with pytest.raises(failure):
        merchant.send("back_trans_url", fields, timeout=timeout_s)

    if moved:
        wait_for(lambda: merchant.query(fields)["origRespCode"] == "00")
    else:
        assert merchant.query(fields)["respCode"] == "34"


def test_misleading_answers(channel: RunningSimulator, merchant: Merchant) -> None:
    def answered(fault: str, number: int) -> Reply:
        order(channel, "refund", fault, delay_s=0.1)
        return merchant.send("back_trans_url", merchant.refund_fields(f"REFUND{number:02d}", 100))

    assert answered("error_before_commit", 0).status == 500
    assert channel.control("GET", "/refunds")["rows"] == []
    assert answered("error_after_commit", 1).status == 500
    assert b"<html>" in answered("garbage", 2).body
    assert merchant.is_genuine(parsed(answered("latency", 3)))
    for number, fault in enumerate(("bad_signature", "no_signature", "tampered_response", "wrong_cert")):
        assert not merchant.is_genuine(parsed(answered(fault, 4 + number)))
    assert parsed(answered("code_03", 8))["respCode"] == "03"
    assert parsed(answered("code_04", 9))["respCode"] == "04"
    wait_for(lambda: len(ledger(channel)) == 9)
    order(channel, "refund", "closed")
    failed = merchant.refund("REFUND10", 9_100)
    wait_for(lambda: merchant.query(failed)["origRespCode"] == "38")
    assert merchant.refund("REFUND11", 9_100)["respCode"] == "00"


def test_query_faults(channel: RunningSimulator, merchant: Merchant) -> None:
    sent = merchant.refund("REFUND01", 1200)
    wait_for(lambda: ledger(channel))

    def answered(fault: str, timeout_s: float = PATIENCE_S) -> Reply:
        order(channel, "query", fault, delay_s=0.1)
        fields = {"txnType": "00", "orderId": sent["orderId"], "txnTime": sent["txnTime"]}
        return merchant.send("query_url", fields, timeout=timeout_s)

    assert parsed(answered("query_lag"))["respCode"] == "34"
    assert parsed(answered("rate_limited"))["respCode"] == "06"
    assert parsed(answered("stale_processing"))["origRespCode"] == "05"
    assert answered("error").status == 500
    assert b"<html>" in answered("garbage").body
    assert not merchant.is_genuine(parsed(answered("wrong_cert")))
    with pytest.raises(TimeoutError):
        answered("timeout", 0.4)
    with pytest.raises(http.client.RemoteDisconnected):
        answered("drop")
    assert merchant.query(sent)["origRespCode"] == "00"


def test_rotation_keeps_the_chain(channel: RunningSimulator, merchant: Merchant) -> None:
    before = merchant.refund("REFUND01", 100)["signPubKeyCert"]
    channel.control("POST", "/rotate")
    after = merchant.refund("REFUND02", 100)["signPubKeyCert"]

    assert before != after


def test_notice_is_signed_and_repeated_until_200(channel: RunningSimulator, merchant: Merchant) -> None:
    with receiver() as inbox:
        inbox.answers = [(500, b""), (200, b"")]
        merchant.refund("REFUND01", 1200, backUrl=inbox.url)
        notices = [parsed_form(notice) for notice in inbox.wait(2)]

    assert all(merchant.is_genuine(notice) for notice in notices)
    assert (notices[0]["orderId"], notices[0]["respCode"], notices[0]["txnAmt"]) == ("REFUND01", "00", "1200")
    assert (notices[0]["settleAmt"], notices[0]["txnType"]) == ("1200", "04")


@pytest.mark.parametrize(
    "fault", ["tampered", "bad_signature", "wrong_cert", "wrong_amount", "unknown_number", "stale_processing"]
)
def test_spoiled_notices(channel: RunningSimulator, merchant: Merchant, fault: str) -> None:
    order(channel, "notice", fault)
    with receiver() as inbox:
        merchant.refund("REFUND01", 1200, backUrl=inbox.url)
        notice = parsed_form(inbox.wait(2 if fault == "stale_processing" else 1)[-1])

    assert merchant.is_genuine(notice) is (fault not in {"tampered", "bad_signature", "wrong_cert"})
    assert (notice["txnAmt"] == "1201") is (fault == "wrong_amount")
    assert (notice["orderId"] != "REFUND01") is (fault == "unknown_number")
    assert (notice["respCode"] == "05") is (fault == "stale_processing")


def day() -> str:
    return (datetime.now(UTC) + timedelta(hours=8)).date().isoformat()


def test_settlement_file_agrees_with_the_ledger(channel: RunningSimulator, merchant: Merchant) -> None:
    first = merchant.refund("REFUND01", 1200)
    merchant.refund("REFUND02", 305)
    wait_for(lambda: len(ledger(channel)) == 2)
    settle_date = day()[5:7] + day()[8:10]
    asked = {"txnType": "76", "txnSubType": "01", "fileType": "00", "settleDate": settle_date, "txnTime": china_now()}
    assert merchant.ask("file_url", asked)["respCode"] == "98"
    noon(channel, days=1)

    rows = file_rows(merchant, asked)

    assert [row[19] for row in rows] == ["01", "04", "04"]
    sale, refund = rows[0], rows[1]
    assert (sale[6], sale[9], sale[15][0], sale[16]) == ("000000010000", SALE["transaction_no"], "D", "C000000009940")
    assert (refund[11], refund[6], refund[9]) == ("REFUND01", "000000001200", first["queryId"])
    assert (refund[15], refund[16], refund[26]) == ("C000000000007", "D000000001193", SALE["transaction_no"])
    assert refund[27] == channel.account["mer_id"]
    for fault in ("row_missing", "amount_off", "row_extra"):
        order(channel, "bill", fault)
    spoiled = file_rows(merchant, asked)
    assert len(spoiled) == 3
    assert len(channel.control("GET", "/faults")["spoiled"]) == 3
    order(channel, "bill", "creating")
    assert merchant.ask("file_url", asked)["respCode"] == "06"
    order(channel, "bill", "no_statement")
    assert merchant.ask("file_url", asked)["respCode"] == "98"
    order(channel, "bill", "corrupt")
    with pytest.raises(zlib.error):
        file_rows(merchant, asked)


def file_rows(merchant: Merchant, asked: dict[str, str]) -> list[list[str]]:
    answer = merchant.ask("file_url", asked)
    assert answer["respCode"] == "00"
    with zipfile.ZipFile(io.BytesIO(zlib.decompress(base64.b64decode(answer["fileContent"])))) as archive:
        (name,) = [name for name in archive.namelist() if "ZM_" in name]
        lines = archive.read(name).decode("gbk").splitlines()
    rows = []
    for line in lines:
        assert len(line.encode("gbk")) == sum(WIDTHS) + len(WIDTHS) - 1
        cells, start = [], 0
        for width in WIDTHS:
            cells.append(line[start : start + width].strip())
            start += width + 1
        rows.append(cells)
    return rows


def test_restart_keeps_everything(tmp_path: Path) -> None:
    with running_simulator("unionpay", tmp_path) as channel:
        merchant = Merchant(channel.account)
        channel.control("POST", "/payments", SALE)
        order(channel, "refund", "slow", delay_s=4)
        sent = merchant.refund("REFUND01", 1200)
        account = channel.account
        channel.restart()

        assert channel.account == account
        assert merchant.query(sent)["origRespCode"] == "05"
        wait_for(lambda: ledger(channel) == [("REFUND01", 1200)])
        assert merchant.query(sent)["origRespCode"] == "00"
