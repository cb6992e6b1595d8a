"""The Alipay stand-in: protocol, rules, ledger, bills, faults."""

from __future__ import annotations

import http.client
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from simulators.alipay.codes import ANONYMOUS
from simulators.alipay.errors import CANCEL_REFUSALS
from simulators.kit.testing import RunningSimulator, running_simulator
from tests.simulators.alipay_client import Application
from tests.simulators.wire import PATIENCE_S, Reply, call, receiver, wait_for

DAY_S = 86_400
REFUND = "alipay.trade.refund"
QUERY = "alipay.trade.fastpay.refund.query"
BILL = "alipay.data.dataservice.bill.downloadurl.query"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    # What magic amounts hold back stays there for long enough to be seen, on a busy machine, too.
    with running_simulator("alipay", tmp_path_factory.mktemp("state"), magic_delay_s=4) as simulator:
        yield simulator


@pytest.fixture
def channel(running: RunningSimulator) -> RunningSimulator:
    """A channel that knows one trade of 100.00 yuan and enforces no spacing."""
    running.control("POST", "/reset", {})
    running.control("POST", "/limits", {"spacing_s": 0})
    running.control("POST", "/payments", {"order_no": "A1", "transaction_no": "2026112222001", "amount_fen": 10_000})
    return running


@pytest.fixture
def app(channel: RunningSimulator) -> Application:
    return Application(channel.account)


def order(channel: RunningSimulator, operation: str, fault: str, **more: object) -> None:
    channel.control("POST", "/faults", {"operation": operation, "fault": fault, **more})


def ledger(channel: RunningSimulator) -> list[tuple[str, int]]:
    return [(row["refund_no"], row["amount_fen"]) for row in channel.control("GET", "/ledger")["rows"]]


def content(request_no: str = "R1", amount: str = "12.00") -> dict[str, object]:
    return {"out_trade_no": "A1", "refund_amount": amount, "out_request_no": request_no}


def test_refund_moves_money_once_and_says_so_once(channel: RunningSimulator, app: Application) -> None:
    first = app.refund("R1", "12.00", refund_reason="菜品/质量", query_options=["refund_detail_item_list"])
    again = app.refund("R1", "12.00")
    second = app.refund("R2", "3.05")

    assert (first["code"], first["fund_change"], first["refund_fee"]) == ("10000", "Y", "12.00")
    assert first["refund_detail_item_list"][0]["amount"] == "12.00"
    assert (again["code"], again["fund_change"], again["refund_fee"]) == ("10000", "N", "12.00")
    assert (second["fund_change"], second["refund_fee"]) == ("Y", "15.05")
    assert ("send_back_fee" in second, first["send_back_fee"]) == (False, "12.00")
    assert ledger(channel) == [("R1", 1200), ("R2", 305)]


def test_query_knows_only_what_succeeded(channel: RunningSimulator, app: Application) -> None:
    assert "refund_status" not in app.query("R1")
    app.refund("R1", "12.00")
    found = app.query("R1", query_options=["deposit_back_info", "gmt_refund_pay", "send_back_fee"])

    assert (found["refund_status"], found["refund_amount"], found["total_amount"]) == (
        "REFUND_SUCCESS",
        "12.00",
        "100.00",
    )
    assert found["deposit_back_info"] == {"has_deposit_back": "false"}
    assert {"gmt_refund_pay", "send_back_fee"} <= set(found)
    assert not {"gmt_refund_pay", "send_back_fee", "deposit_back_info"} & set(app.query("R1"))
    assert app.query("R1", order_no="none")["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_parameters_may_stand_in_the_address(app: Application) -> None:
    assert app.ask(REFUND, content(), in_query=True)["fund_change"] == "Y"


@pytest.mark.parametrize(
    ("changes", "sub_code"),
    [
        ({"sign": "AAAA"}, "isv.invalid-signature"),
        ({"sign": "not base64"}, "isv.invalid-signature"),
        ({"biz_content": '{"out_trade_no":"A1","refund_amount":"99.00"}'}, "isv.invalid-signature"),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"app_id": "2021000000000000"}, "isv.invalid-app-id"),
        ({"timestamp": "yesterday"}, "isv.invalid-timestamp"),
        ({"sign": ""}, "isv.missing-signature"),
    ],
)
def test_request_that_proves_nothing_moves_nothing(
    channel: RunningSimulator, app: Application, changes: dict[str, str], sub_code: str
) -> None:
    reply = app.send(REFUND, content(), changes=changes)

    (answer,) = [value for name, value in json.loads(reply.body).items() if name.endswith("response")]
    assert answer["sub_code"] == sub_code
    assert channel.control("GET", "/refunds")["rows"] == []


def test_rules_of_the_contract(channel: RunningSimulator, app: Application) -> None:
    def sub_code(request_no: str, amount: str, order_no: str = "A1") -> str:
        return str(app.refund(request_no, amount, order_no=order_no).get("sub_code"))

    assert sub_code("R1", "1.00", "none") == "ACQ.TRADE_NOT_EXIST"
    for amount in ("0", "-1", "1.001", "1e3", "１", ""):
        assert sub_code("R1", amount) == "ACQ.INVALID_PARAMETER"
    assert sub_code("", "1.00") == "ACQ.INVALID_PARAMETER"
    assert sub_code("R1", "100.05") == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert app.refund("R1", "60")["fund_change"] == "Y"
    assert sub_code("R1", "61") == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert sub_code("R2", "40.05") == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert app.refund("R2", "40.00")["fund_change"] == "Y"
    assert sub_code("R3", "1.00") == "ACQ.TRADE_STATUS_ERROR"
    assert app.ask("alipay.trade.query", {"out_trade_no": "A1"})["trade_status"] == "TRADE_CLOSED"
    paid_at = (datetime.now(UTC) - timedelta(days=366)).isoformat()
    channel.control("POST", "/payments", {"order_no": "OLD", "amount_fen": 100, "paid_at": paid_at})
    assert sub_code("R4", "1.00", "OLD") == "ACQ.TRADE_HAS_FINISHED"
    assert ledger(channel) == [("R1", 6000), ("R2", 4000)]


def test_refunds_of_one_trade_keep_three_seconds(channel: RunningSimulator, app: Application) -> None:
    channel.control("POST", "/limits", {"spacing_s": 3})

    assert app.refund("R1", "1.00")["fund_change"] == "Y"
    assert app.refund("R2", "1.00")["sub_code"] == "ACQ.SYSTEM_ERROR"
    channel.control("POST", "/clock", {"offset_s": 4})
    assert app.refund("R2", "1.00")["fund_change"] == "Y"


def test_balance_short_until_topped_up(channel: RunningSimulator, app: Application) -> None:
    channel.control("POST", "/balance", {"available_fen": 100})

    assert app.refund("R1", "12.00")["sub_code"] == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    channel.control("POST", "/balance", {"available_fen": 2_000})
    assert app.refund("R1", "12.00")["fund_change"] == "Y"
    assert channel.control("GET", "/balance") == {"available_fen": 800}


def test_magic_amounts(channel: RunningSimulator, app: Application) -> None:
    assert app.refund("M1", "1.01")["fund_change"] == "N"
    assert app.refund("M2", "1.02")["fund_change"] == "Y"
    assert app.query("M2", query_options=["deposit_back_info"])["deposit_back_info"]["dback_status"] == "F"
    assert app.refund("M3", "1.03")["sub_code"] == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    with pytest.raises(TimeoutError):
        app.send(REFUND, content("M4", "1.04"), timeout=0.3)
    assert app.query("M4")["refund_status"] == "REFUND_SUCCESS"
    channel.control("POST", "/balance", {"available_fen": None})
    assert app.refund("M3", "1.03")["fund_change"] == "Y"
    assert "refund_status" not in app.query("M1")
    wait_for(lambda: app.query("M1").get("refund_status"))
    assert len(ledger(channel)) == 4


def test_cancel_closes_or_refunds_and_repeats_its_answer(channel: RunningSimulator, app: Application) -> None:
    channel.control("POST", "/payments", {"order_no": "OPEN", "amount_fen": 100, "status": "WAIT_BUYER_PAY"})

    assert app.ask("alipay.trade.cancel", {"out_trade_no": "OPEN"})["action"] == "close"
    for _ in range(2):
        assert app.ask("alipay.trade.cancel", {"out_trade_no": "A1"})["action"] == "refund"
    assert "action" not in app.ask("alipay.trade.cancel", {"out_trade_no": "none"})
    assert ledger(channel) == [("cancel-A1", 10_000)]


def test_notice_is_signed_and_repeated_until_success_is_said(channel: RunningSimulator, app: Application) -> None:
    with receiver() as inbox:
        seed_with_notices(channel, inbox.url)
        inbox.answers = [(500, b""), (200, b"fail"), (200, b"success")]
        app.refund("R1", "12.00", order_no="N1")
        inbox.wait(1)
        assert app.is_genuine_notice(inbox.received[0])
        form = dict(parse_qsl(inbox.received[0].body.decode()))
        assert (form["out_biz_no"], form["refund_fee"], form["trade_status"]) == ("R1", "12.00", "TRADE_SUCCESS")
        wait_for(lambda: channel.control("GET", "/notices")["deliveries"])
        (delivery,) = channel.control("GET", "/notices")["deliveries"]
        assert delivery["acknowledged"] is False
        assert channel.control("GET", "/notices")["owed"] == 1


@pytest.mark.parametrize("fault", ["tampered", "bad_signature", "wrong_amount", "unknown_number", "other_app"])
def test_spoiled_notices(channel: RunningSimulator, app: Application, fault: str) -> None:
    order(channel, "notice", fault)
    with receiver() as inbox:
        seed_with_notices(channel, inbox.url)
        app.refund("R1", "12.00", order_no="N1")
        (notice,) = inbox.wait(1)

    form = dict(parse_qsl(notice.body.decode()))
    assert app.is_genuine_notice(notice) is (fault not in {"tampered", "bad_signature"})
    assert (form["refund_fee"] == "12.01") is (fault == "wrong_amount")
    assert (form["out_biz_no"] != "R1") is (fault == "unknown_number")
    assert (form["app_id"] != channel.account["app_id"]) is (fault == "other_app")


def test_stale_and_repeated_notices(channel: RunningSimulator, app: Application) -> None:
    with receiver() as inbox:
        seed_with_notices(channel, inbox.url)
        order(channel, "notice", "stale_processing")
        app.refund("R1", "12.00", order_no="N1")
        inbox.wait(2)
        assert "refund_fee" not in dict(parse_qsl(inbox.received[1].body.decode()))
        order(channel, "notice", "repeated")
        app.refund("R2", "12.00", order_no="N1")
        inbox.wait(17)


def seed_with_notices(channel: RunningSimulator, url: str) -> None:
    channel.control("POST", "/limits", {"spacing_s": 0})
    channel.control("POST", "/payments", {"order_no": "N1", "amount_fen": 10_000, "notify_url": url})


@pytest.mark.parametrize(
    ("fault", "sub_code"),
    [
        ("error_before_commit", "ACQ.SYSTEM_ERROR"),
        ("rate_limited", "isv.app-call-limited"),
        ("not_enough", "ACQ.SELLER_BALANCE_NOT_ENOUGH"),
        ("invalid_parameter", "ACQ.INVALID_PARAMETER"),
        ("trade_not_exist", "ACQ.TRADE_NOT_EXIST"),
        ("trade_has_finished", "ACQ.TRADE_HAS_FINISHED"),
        ("trade_status_error", "ACQ.TRADE_STATUS_ERROR"),
        ("amount_exceeded", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"),
        ("refund_fee_error", "ACQ.REASON_TRADE_REFUND_FEE_ERR"),
        ("trade_frozen", "ACQ.REASON_TRADE_BEEN_FREEZEN"),
        ("discordant_repeat", "ACQ.DISCORDANT_REPEAT_REQUEST"),
        ("not_allowed", "ACQ.TRADE_NOT_ALLOW_REFUND"),
        ("no_auth", "isv.insufficient-isv-permissions"),
        ("sign_error", "isv.invalid-signature"),
    ],
)
def test_refused_moves_nothing(channel: RunningSimulator, app: Application, fault: str, sub_code: str) -> None:
    order(channel, "refund", fault)

    assert app.refund("R1", "12.00")["sub_code"] == sub_code
    assert channel.control("GET", "/refunds")["rows"] == []
    assert app.refund("R1", "12.00")["fund_change"] == "Y"


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
    channel: RunningSimulator, app: Application, fault: str, failure: type[Exception], moved: bool
) -> None:
    order(channel, "refund", fault)

    # An answer that does come may take its time on a busy machine.
    timeout_s = 1 if failure is TimeoutError else PATIENCE_S
    with pytest.raises(failure):
        app.send(REFUND, content(), timeout=timeout_s)

    assert ("refund_status" in app.query("R1")) is moved
    app.refund("R1", "12.00")
    assert ledger(channel) == [("R1", 1200)]


def test_misleading_answers(channel: RunningSimulator, app: Application) -> None:
    def answered(fault: str, request_no: str) -> Reply:
        order(channel, "refund", fault, delay_s=0.1)
        return app.send(REFUND, content(request_no, "1.00"))

    assert answered("http_500", "R0").status == 500
    assert ledger(channel) == []
    assert answered("http_500_after_commit", "R1").status == 500
    assert b"ACQ.SYSTEM_ERROR" in answered("error_after_commit", "R2").body
    assert b"<html>" in answered("garbage", "R3").body
    assert b'"fund_change":"N"' in answered("fund_change_n", "R4").body
    assert b"fund_change" not in answered("no_fund_change", "R5").body
    assert app.is_genuine(answered("latency", "R6"), REFUND)
    for number, fault in enumerate(("bad_signature", "no_signature", "tampered_response")):
        assert not app.is_genuine(answered(fault, f"R{7 + number}"), REFUND)
    assert len(ledger(channel)) == 9


def test_outcomes_that_come_later(channel: RunningSimulator, app: Application) -> None:
    order(channel, "refund", "slow", delay_s=0.2)
    assert app.refund("R1", "1.00")["fund_change"] == "N"
    assert "refund_status" not in app.query("R1")
    wait_for(lambda: app.query("R1").get("refund_status"))

    order(channel, "refund", "forever")
    assert app.refund("R2", "1.00")["fund_change"] == "N"
    order(channel, "refund", "closed")
    assert app.refund("R3", "1.00")["fund_change"] == "N"
    wait_for(lambda: channel.control("GET", "/refunds?refund_no=R3")["rows"][0]["status"] == "CLOSED")
    assert "refund_status" not in app.query("R3")
    assert app.refund("R3", "1.00")["fund_change"] == "Y"
    assert "refund_status" not in app.query("R2")
    assert ledger(channel) == [("R1", 100), ("R3", 100)]


def test_query_faults(channel: RunningSimulator, app: Application) -> None:
    app.refund("R1", "1.00")

    def answered(fault: str, timeout_s: float = PATIENCE_S) -> Reply:
        order(channel, "query", fault, delay_s=0.1)
        return app.send(QUERY, {"out_trade_no": "A1", "out_request_no": "R1"}, timeout=timeout_s)

    assert b"refund_status" not in answered("query_lag").body
    assert b"refund_status" not in answered("stale_processing").body
    assert b"ACQ.SYSTEM_ERROR" in answered("error").body
    assert b"isv.app-call-limited" in answered("rate_limited").body
    assert b"ACQ.TRADE_NOT_EXIST" in answered("trade_not_exist").body
    assert b"<html>" in answered("garbage").body
    assert answered("http_500").status == 500
    assert b"REFUND_SUCCESS" in answered("latency").body
    assert not app.is_genuine(answered("bad_signature"), QUERY)
    with pytest.raises(TimeoutError):
        answered("timeout", 0.4)
    with pytest.raises(http.client.RemoteDisconnected):
        answered("drop")


@pytest.mark.parametrize(("fault", "refusal"), CANCEL_REFUSALS.items())
def test_cancel_refused_with_each_code_moves_nothing(
    channel: RunningSimulator, app: Application, fault: str, refusal: tuple[str, str, str]
) -> None:
    order(channel, "cancel", fault, order_no="A1")

    reply = app.send("alipay.trade.cancel", {"out_trade_no": "A1"})

    (name, answer), *signature = json.loads(reply.body).items()
    assert reply.status == 200
    assert (answer["code"], answer.get("sub_code", "")) == refusal[:2]
    if name == "error_response":
        assert refusal[1] in ANONYMOUS
        assert signature == []
    else:
        assert app.is_genuine(reply, "alipay.trade.cancel")
    assert ledger(channel) == []
    assert app.ask("alipay.trade.cancel", {"out_trade_no": "A1"})["action"] == "refund"


def test_cancel_whose_answer_is_lost_is_made_once(channel: RunningSimulator, app: Application) -> None:
    order(channel, "cancel", "drop_after_accept")

    with pytest.raises(http.client.RemoteDisconnected):
        app.send("alipay.trade.cancel", {"out_trade_no": "A1"})

    assert app.ask("alipay.trade.cancel", {"out_trade_no": "A1"})["action"] == "refund"
    assert ledger(channel) == [("cancel-A1", 10_000)]


def test_bill_is_gbk_in_a_zip_and_agrees_with_the_ledger(channel: RunningSimulator, app: Application) -> None:
    app.refund("R1", "12.00", refund_reason="菜品质量")
    app.refund("R2", "3.05")
    day = (datetime.now(UTC) + timedelta(hours=8)).date().isoformat()
    asked = {"bill_type": "trade", "bill_date": day}
    assert app.ask(BILL, asked)["sub_code"] == "isp.bill_not_exist"
    channel.control("POST", "/clock", {"offset_s": 2 * DAY_S})

    rows = bill_rows(app, asked)

    assert [row["业务类型"] for row in rows] == ["交易", "退款", "退款"]
    refunds = [row for row in rows if row["业务类型"] == "退款"]
    assert [(row["退款批次号/请求号"], row["订单金额（元）"]) for row in refunds] == [
        ("R1\t", "-12.00"),
        ("R2\t", "-3.05"),
    ]
    assert refunds[0]["备注"] == "菜品质量"
    for fault in ("row_missing", "row_extra"):
        order(channel, "bill", fault)
    assert len(bill_rows(app, asked)) == 3
    order(channel, "bill", "amount_off", order_no="R2")
    assert [row["订单金额（元）"] for row in bill_rows(app, asked)] == ["100.00", "-12.00", "-3.06"]
    order(channel, "bill", "creating")
    assert app.ask(BILL, asked)["sub_code"] == "isp.bill_not_exist"
    order(channel, "bill", "expired")
    address = urlsplit(app.ask(BILL, asked)["bill_download_url"])
    assert call(channel.account["base_url"], "GET", f"{address.path}?{address.query}").status == 403
    flow = app.ask(BILL, {**asked, "bill_type": "signcustomer"})
    assert flow["code"] == "10000"


def bill_rows(app: Application, asked: dict[str, str]) -> list[dict[str, str]]:
    address = urlsplit(app.ask(BILL, asked)["bill_download_url"])
    file = call(app.account["base_url"], "GET", f"{address.path}?{address.query}")
    with zipfile.ZipFile(io.BytesIO(file.body), metadata_encoding="gbk") as archive:
        names = archive.namelist()
        assert len(names) == 2
        assert "汇总" in names[1]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_DEFLATED}
        lines = [line for line in archive.read(names[0]).decode("gbk").splitlines() if not line.startswith("#")]
    head = lines[0].split(",")
    assert len(head) == 25
    return [dict(zip(head, line.split(","), strict=True)) for line in lines[1:]]


def test_restart_keeps_everything(tmp_path: Path) -> None:
    with running_simulator("alipay", tmp_path) as channel:
        app = Application(channel.account)
        channel.control("POST", "/payments", {"order_no": "A1", "amount_fen": 10_000})
        order(channel, "refund", "slow", delay_s=4)
        app.refund("R1", "12.00")
        account = channel.account
        channel.restart()

        assert channel.account == account
        assert app.refund("R1", "12.00")["fund_change"] == "N"
        wait_for(lambda: ledger(channel) == [("R1", 1200)])
        assert app.query("R1")["refund_status"] == "REFUND_SUCCESS"
