"""The WeChat Pay stand-in: protocol, rules, ledger."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1

from simulators.kit.testing import RunningSimulator, running_simulator
from tests.simulators.wechat_client import REFUNDS, Merchant, application
from tests.simulators.wire import call, receiver, wait_for

DAY_S = 86_400


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    # What magic amounts hold back stays there for long enough to be seen, on a busy machine, too.
    with running_simulator("wechat", tmp_path_factory.mktemp("state"), magic_delay_s=4) as simulator:
        yield simulator


@pytest.fixture
def channel(running: RunningSimulator) -> RunningSimulator:
    """A channel that knows one sale of 100.00 yuan and enforces no spacing."""
    running.control("POST", "/reset", {})
    running.control("POST", "/signing", {"mode": "public_key"})
    running.control("POST", "/limits", {"partial_spacing_s": 0})
    running.control("POST", "/payments", {"order_no": "A1", "transaction_no": "4200001", "amount_fen": 10_000})
    return running


@pytest.fixture
def merchant(channel: RunningSimulator) -> Merchant:
    return Merchant(channel.account)


def ledger(channel: RunningSimulator) -> list[tuple[str, int]]:
    return [(row["refund_no"], row["amount_fen"]) for row in channel.control("GET", "/ledger")["rows"]]


def code(merchant: Merchant, refund_no: str, amount_fen: int, **more: Any) -> tuple[int, str]:
    reply = merchant.refund(refund_no, amount_fen, **more)
    return reply.status, merchant.read(reply)["code"]


def test_refund_is_processing_first_then_success_and_in_the_ledger_once(
    channel: RunningSimulator, merchant: Merchant
) -> None:
    reply = merchant.refund("R1", 1200)

    answer = merchant.read(reply)
    assert reply.status == 200
    assert answer["status"] == "PROCESSING"
    assert "success_time" not in answer
    final = wait_for(lambda: (found := merchant.query("R1"))["status"] == "SUCCESS" and found)
    assert final["amount"]["refund"] == 1200
    assert final["amount"]["total"] == 10_000
    assert final["transaction_id"] == "4200001"
    assert final["refund_id"] == answer["refund_id"]
    assert merchant.read(merchant.refund("R1", 1200))["status"] == "SUCCESS"
    rows = channel.control("GET", "/ledger")["rows"]
    assert [set(row) >= {"order_no", "transaction_no", "channel_refund_no", "moved_at"} for row in rows] == [True]
    assert ledger(channel) == [("R1", 1200)]


def test_same_number_in_parallel_moves_money_once(channel: RunningSimulator, merchant: Merchant) -> None:
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(merchant.refund("R1", 1200).status)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 16
    wait_for(lambda: ledger(channel))
    time.sleep(0.1)
    assert ledger(channel) == [("R1", 1200)]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"signed_body": b"{}"},
        {"skew_s": -900},
        {"skew_s": 900},
        {"changes": {"mchid": "1"}},
        {"changes": {"serial_no": "ABC"}},
        {"changes": {"signature": "AAAA"}},
        {"changes": {"signature": "not base64"}},
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"Authorization": 'WECHATPAY2-SHA256-RSA2048 mchid="1"'}},
        {"headers": {"Wechatpay-Serial": "PUB_KEY_ID_0000"}},
    ],
)
def test_request_that_proves_nothing_is_refused_and_moves_nothing(
    channel: RunningSimulator, merchant: Merchant, spoiled: dict[str, object]
) -> None:
    how: dict[str, Any] = dict(spoiled)
    if "skew_s" in how:
        how["timestamp"] = time.time() + how.pop("skew_s")
    reply = merchant.send("POST", REFUNDS, application("R1", 1200), **how)

    assert reply.status == 401
    assert json.loads(reply.body)["code"] == "SIGN_ERROR"
    assert channel.control("GET", "/refunds")["rows"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"out_refund_no": "with blank"}, "/out_refund_no"),
        ({"out_refund_no": "x" * 65}, "/out_refund_no"),
        ({"reason": "字" * 27}, "/reason"),
        ({"notify_url": "https://a.example/n?x=1"}, "/notify_url"),
        ({"amount": {"refund": 12.5, "total": 10_000, "currency": "CNY"}}, "/amount/refund"),
        ({"amount": {"refund": True, "total": 10_000, "currency": "CNY"}}, "/amount/refund"),
        ({"amount": {"refund": 0, "total": 10_000, "currency": "CNY"}}, "/amount/refund"),
        ({"amount": {"refund": 1200, "total": 10_000, "currency": "USD"}}, "/amount/currency"),
        ({"amount": {"refund": 12, "total": 10_000, "currency": "CNY", "from": [{"amount": 1}]}}, "/amount/from"),
        ({"funds_account": "OTHER"}, "/funds_account"),
        ({"transaction_id": "4200001"}, "/transaction_id"),
    ],
)
def test_malformed_application_names_the_field(merchant: Merchant, change: dict[str, object], field: str) -> None:
    reply = merchant.send("POST", REFUNDS, {**application("R1", 1200), **change})

    answer = merchant.read(reply)
    assert (reply.status, answer["code"], answer["detail"]["field"]) == (400, "PARAM_ERROR", field)


def test_same_number_with_another_amount_is_refused(channel: RunningSimulator, merchant: Merchant) -> None:
    assert merchant.refund("R1", 1200).status == 200
    assert code(merchant, "R1", 1300) == (400, "INVALID_REQUEST")
    wait_for(lambda: ledger(channel))
    assert ledger(channel) == [("R1", 1200)]


def test_rules_of_the_contract(channel: RunningSimulator, merchant: Merchant) -> None:
    assert code(merchant, "R1", 1200, order_no="unknown") == (404, "RESOURCE_NOT_EXISTS")
    assert code(merchant, "R1", 10_005) == (400, "INVALID_REQUEST")
    assert merchant.refund("R1", 9_000).status == 200
    assert code(merchant, "R2", 1_005) == (400, "INVALID_REQUEST")
    assert merchant.refund("R3", 1_000).status == 200
    assert code(merchant, "R4", 5) == (400, "INVALID_REQUEST")
    wait_for(lambda: len(ledger(channel)) == 2)


def test_partials_keep_a_minute_by_the_simulated_clock(channel: RunningSimulator, merchant: Merchant) -> None:
    channel.control("POST", "/limits", {"partial_spacing_s": 60})

    assert merchant.refund("R1", 100).status == 200
    assert code(merchant, "R2", 100) == (429, "FREQUENCY_LIMITED")
    channel.control("POST", "/clock", {"offset_s": 61})
    assert merchant.refund("R2", 100).status == 200


def test_clock_that_is_ten_minutes_wrong_refuses_and_is_refused(channel: RunningSimulator, merchant: Merchant) -> None:
    channel.control("POST", "/clock", {"skew_s": 600})

    assert merchant.refund("R1", 100).status == 401
    reply = merchant.send("POST", REFUNDS, application("R1", 100), timestamp=time.time() + 600)
    assert reply.status == 200
    assert not merchant.is_genuine(reply)
    assert merchant.is_genuine(reply, tolerance_s=1200)


def test_fifty_first_partial_and_day_366_are_refused(channel: RunningSimulator, merchant: Merchant) -> None:
    for number in range(50):
        assert merchant.refund(f"R{number}", 100).status == 200
    assert code(merchant, "R50", 100) == (400, "INVALID_REQUEST")
    for order_no, days in (("OLD", 366), ("EDGE", 364.9)):
        paid_at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        channel.control("POST", "/payments", {"order_no": order_no, "amount_fen": 10_000, "paid_at": paid_at})
    assert code(merchant, "R51", 100, order_no="OLD") == (400, "INVALID_REQUEST")
    assert merchant.refund("R52", 100, order_no="EDGE").status == 200


def test_service_provider_names_the_sub_merchant(channel: RunningSimulator, merchant: Merchant) -> None:
    channel.control("POST", "/payments", {"order_no": "SP1", "amount_fen": 10_000, "sub_mchid": "1900000109"})

    assert code(merchant, "R1", 1200, order_no="SP1") == (404, "RESOURCE_NOT_EXISTS")
    assert merchant.refund("R1", 1200, order_no="SP1", sub_mchid="1900000109").status == 200
    assert merchant.send("GET", f"{REFUNDS}/R1").status == 404
    assert merchant.send("GET", f"{REFUNDS}/R1?sub_mchid=1900000109").status == 200


def test_service_providers_bill_can_be_of_one_sub_merchant(channel: RunningSimulator, merchant: Merchant) -> None:
    channel.control("POST", "/payments", {"order_no": "SP1", "amount_fen": 10_000, "sub_mchid": "1900000109"})
    merchant.refund("R1", 1200, order_no="SP1", sub_mchid="1900000109")
    merchant.refund("R2", 300)
    day = china_day(0)
    channel.control("POST", "/clock", {"offset_s": 2 * DAY_S})

    def numbers(sub_mchid: str) -> set[str]:
        query = f"/v3/bill/tradebill?bill_date={day}&bill_type=REFUND{sub_mchid}"
        link = urlsplit(merchant.read(merchant.send("GET", query))["download_url"])
        text = merchant.send("GET", f"{link.path}?{link.query}").body.decode()
        return {number for number in ("R1", "R2") if f"`{number}," in text}

    assert numbers("") == {"R1", "R2"}
    assert numbers("&sub_mchid=1900000109") == {"R1"}


@pytest.mark.parametrize(
    "wrong", [{"reason": "\ud800"}, {"notify_url": "http://[::1"}, {"notify_url": "http://\ud800"}]
)
def test_what_is_no_text_or_address_is_a_parameter_error(
    channel: RunningSimulator, merchant: Merchant, wrong: dict[str, str]
) -> None:
    body = json.dumps(application("R1", 1200, **wrong)).encode()
    reply = merchant.send_raw(body)
    assert (reply.status, merchant.read(reply)["code"]) == (400, "PARAM_ERROR")


def test_balance_short_until_topped_up(channel: RunningSimulator, merchant: Merchant) -> None:
    channel.control("POST", "/balance", {"available_fen": 1_000})

    assert code(merchant, "R1", 1200) == (403, "NOT_ENOUGH")
    channel.control("POST", "/balance", {"available_fen": 5_000})
    assert merchant.refund("R1", 1200).status == 200
    assert channel.control("GET", "/balance") == {"available_fen": 3_800}


def test_magic_amounts(channel: RunningSimulator, merchant: Merchant) -> None:
    assert merchant.refund("M1", 101).status == 200
    assert merchant.refund("M2", 102).status == 200
    assert code(merchant, "M3", 103) == (403, "NOT_ENOUGH")
    with pytest.raises(TimeoutError):
        merchant.send("POST", REFUNDS, application("M4", 104), timeout=0.3)
    wait_for(lambda: merchant.query("M2")["status"] == "ABNORMAL")
    assert merchant.query("M1")["status"] == "PROCESSING"
    assert merchant.query("M4")["status"] == "SUCCESS"
    assert code(merchant, "M3", 103) == (403, "NOT_ENOUGH")
    channel.control("POST", "/balance", {"available_fen": None})
    assert merchant.refund("M3", 103).status == 200
    wait_for(lambda: merchant.query("M1")["status"] == "SUCCESS")

    channel.control("POST", "/magic", {"enabled": False})
    assert merchant.refund("M5", 203).status == 200


def test_abnormal_refund_goes_to_another_card(channel: RunningSimulator, merchant: Merchant) -> None:
    refund_id = merchant.read(merchant.refund("R1", 102))["refund_id"]
    path = f"{REFUNDS}/{refund_id}/apply-abnormal-refund"
    wait_for(lambda: merchant.query("R1")["status"] == "ABNORMAL")
    serial = channel.account["public_key_id"]

    def sealed(text: str) -> str:
        oaep = padding.OAEP(padding.MGF1(SHA1()), SHA1(), None)  # noqa: S303 -- the vendor's choice
        return base64.b64encode(merchant.trusted[serial].encrypt(text.encode(), oaep)).decode()

    payee = {"bank_type": "ICBC_DEBIT", "bank_account": sealed("6222021234567890123"), "real_name": sealed("李雷")}
    body = {"out_refund_no": "R1", "type": "USER_BANK_CARD", **payee}
    spoiled = {**body, "bank_account": "AAAA"}
    assert merchant.send("POST", path, spoiled, headers={"Wechatpay-Serial": serial}).status == 400
    reply = merchant.send("POST", path, body, headers={"Wechatpay-Serial": serial})

    assert merchant.read(reply)["status"] == "PROCESSING"
    final = wait_for(lambda: (found := merchant.query("R1"))["status"] == "SUCCESS" and found)
    assert final["channel"] == "OTHER_BANKCARD"
    assert final["user_received_account"].endswith("0123")
    assert ledger(channel) == [("R1", 102)]
    assert merchant.send("POST", path, body, headers={"Wechatpay-Serial": serial}).status == 400


def test_certificate_mode_and_rotation(channel: RunningSimulator, merchant: Merchant) -> None:
    channel.control("POST", "/signing", {"mode": "certificate"})
    before = merchant.fetch_certificates()
    reply = merchant.refund("R1", 1200)
    assert reply.headers["wechatpay-serial"] == before[-1]
    assert merchant.is_genuine(reply)

    fresh = channel.control("POST", "/rotate")["serial_no"]
    assert re.fullmatch("[1-9A-F][0-9A-F]{39}", fresh)
    reply = merchant.send("GET", f"{REFUNDS}/R1")
    assert reply.headers["wechatpay-serial"] == fresh
    assert not merchant.is_genuine(reply)
    assert merchant.fetch_certificates() == [*before, fresh]
    assert merchant.is_genuine(reply)
    named = {"Wechatpay-Serial": channel.account["public_key_id"]}
    reply = merchant.send("GET", f"{REFUNDS}/R1", headers=named)
    assert reply.headers["wechatpay-serial"] == channel.account["public_key_id"]


def test_notice_is_encrypted_signed_and_repeated_until_acknowledged(
    channel: RunningSimulator, merchant: Merchant
) -> None:
    with receiver() as inbox:
        inbox.answers = [(500, b'{"code":"FAIL"}'), (404, b""), (204, b"")]
        merchant.refund("R1", 1200, notify_url=inbox.url)
        notices = list(inbox.wait(3))
        time.sleep(0.4)

    assert len(inbox.received) == 3
    assert all(merchant.is_genuine(notice) for notice in notices)
    bodies = [json.loads(notice.body) for notice in notices]
    assert {body["id"] for body in bodies} == {bodies[0]["id"]}
    assert bodies[0]["event_type"] == "REFUND.SUCCESS"
    plain = json.loads(merchant.open(bodies[0]["resource"]))
    assert (plain["out_refund_no"], plain["refund_status"], plain["amount"]["refund"]) == ("R1", "SUCCESS", 1200)
    assert plain["mchid"] == channel.account["mchid"]
    assert inbox.arrived_at[1] - inbox.arrived_at[0] >= 0.14  # 15 s, a hundred times faster


def test_bills_agree_with_the_ledger(channel: RunningSimulator, merchant: Merchant) -> None:
    for number, amount in enumerate((1200, 305, 99)):
        merchant.refund(f"R{number}", amount)
    wait_for(lambda: len(ledger(channel)) == 3)
    day = china_day(0)
    early = merchant.send("GET", f"/v3/bill/tradebill?bill_date={day}&bill_type=REFUND")
    assert (early.status, json.loads(early.body)["code"]) == (400, "STATEMENT_CREATING")
    channel.control("POST", "/clock", {"offset_s": 2 * DAY_S})

    lines = bill(merchant, f"/v3/bill/tradebill?bill_date={day}&bill_type=REFUND&tar_type=GZIP")
    names = lines[0].lstrip("\ufeff").split(",")
    assert len(names) == 29
    rows = [dict(zip(names, (field.lstrip("`") for field in line.split(",")), strict=True)) for line in lines[1:-2]]
    assert [(row["商户退款单号"], row["退款金额"], row["退款状态"]) for row in rows] == [
        ("R0", "12.00", "SUCCESS"),
        ("R1", "3.05", "SUCCESS"),
        ("R2", "0.99", "SUCCESS"),
    ]
    assert lines[-1].split(",")[:3] == ["`3", "`0.00", "`16.04"]
    everything = bill(merchant, f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL")
    assert len(everything) == 1 + 4 + 2
    assert {len(line.split(",")) for line in everything[:-2]} == {27}
    flow = bill(merchant, f"/v3/bill/fundflowbill?bill_date={day}&account_type=BASIC")
    assert [line.split(",")[5] for line in flow[1:-2]] == ["`收入", "`支出", "`支出", "`支出"]
    none = merchant.send("GET", f"/v3/bill/tradebill?bill_date={china_day(-3)}")
    assert json.loads(none.body)["code"] == "NO_STATEMENT_EXIST"


def test_bill_faults(channel: RunningSimulator, merchant: Merchant) -> None:
    for number in range(10):
        merchant.refund(f"R{number}", 110)
    wait_for(lambda: len(ledger(channel)) == 10)
    channel.control("POST", "/clock", {"offset_s": 2 * DAY_S})
    path = f"/v3/bill/tradebill?bill_date={china_day(0)}&bill_type=REFUND"
    for fault, count in (("row_missing", 2), ("amount_off", 1), ("row_extra", 1)):
        channel.control("POST", "/faults", {"operation": "bill", "fault": fault, "count": count})

    rows = [line.split(",") for line in bill(merchant, path)[1:-2]]

    assert len(rows) == 9
    assert sorted(row[18] for row in rows) == ["`1.10"] * 8 + ["`1.11"]
    spoiled = channel.control("GET", "/faults")["spoiled"]
    assert sorted(entry["fault"] for entry in spoiled) == ["amount_off", "row_extra", "row_missing", "row_missing"]
    assert len(bill(merchant, path)) == 13
    channel.control("POST", "/faults", {"operation": "bill", "fault": "wrong_hash"})
    with pytest.raises(AssertionError, match="hash"):
        bill(merchant, path)
    channel.control("POST", "/faults", {"operation": "bill", "fault": "expired"})
    with pytest.raises(AssertionError, match="download"):
        bill(merchant, path)


def bill(merchant: Merchant, path: str) -> list[str]:
    """Ask for a bill, fetch it, check its hash."""
    reply = merchant.send("GET", path)
    assert reply.status == 200, reply.body
    assert merchant.is_genuine(reply)
    link = json.loads(reply.body)
    address = urlsplit(link["download_url"])
    assert f"http://{address.netloc}" == merchant.account["base_url"]
    file = merchant.send("GET", f"{address.path}?{address.query}")
    assert file.status == 200, "no download"
    content = gzip.decompress(file.body) if "GZIP" in path else file.body
    assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == link["hash_value"], "wrong hash"
    return content.decode().splitlines()


def china_day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=8, days=days)).date().isoformat()


def test_restart_keeps_payments_refunds_ledger_and_what_was_under_way(tmp_path: Path) -> None:
    with running_simulator("wechat", tmp_path, settle_ms=4000) as channel, receiver() as inbox:
        merchant = Merchant(channel.account)
        channel.control("POST", "/payments", {"order_no": "A1", "amount_fen": 10_000})
        channel.control("POST", "/faults", {"operation": "query", "fault": "query_lag", "times": -1, "order_no": "R9"})
        account = channel.account
        merchant.refund("R1", 1200, notify_url=inbox.url)
        channel.restart()

        assert channel.account == account
        assert ledger(channel) == []
        wait_for(lambda: ledger(channel) == [("R1", 1200)])
        assert json.loads(inbox.wait(1)[0].body)["event_type"] == "REFUND.SUCCESS"
        assert merchant.query("R1")["status"] == "SUCCESS"
        assert channel.control("GET", "/faults")["queued"][0]["order_no"] == "R9"
        channel.restart()
        assert ledger(channel) == [("R1", 1200)]


def test_magic_shortage_and_its_top_up_survive_a_restart(tmp_path: Path) -> None:
    with running_simulator("wechat", tmp_path) as channel:
        merchant = Merchant(channel.account)
        for order_no in ("A1", "A2"):
            channel.control("POST", "/payments", {"order_no": order_no, "amount_fen": 10_000})
        assert code(merchant, "M1", 103) == (403, "NOT_ENOUGH")
        channel.restart()
        assert code(merchant, "M1", 103) == (403, "NOT_ENOUGH")
        channel.control("POST", "/balance", {"available_fen": None})
        channel.restart()
        assert merchant.refund("M1", 103).status == 200
        assert code(merchant, "M2", 103, order_no="A2") == (403, "NOT_ENOUGH")


def test_refund_made_in_the_portal_is_in_ledger_and_query(channel: RunningSimulator, merchant: Merchant) -> None:
    channel.control("POST", "/refunds", {"order_no": "A1", "refund_no": "P1", "amount_fen": 500})

    assert ledger(channel) == [("P1", 500)]
    assert merchant.query("P1")["status"] == "SUCCESS"


def test_thousands_of_payments_are_seeded_at_once(channel: RunningSimulator) -> None:
    payments = [{"order_no": f"B{number}", "amount_fen": 100 + number} for number in range(20_000)]
    start = time.monotonic()

    assert channel.control("POST", "/payments", {"payments": payments}) == {"seeded": 20_000}

    # One statement each would take minutes.
    assert time.monotonic() - start < 60
    assert channel.control("GET", "/payments?order_no=B19999")["amount_fen"] == 20_099


def test_page_explains_and_control_answers_loopback_names_only(channel: RunningSimulator) -> None:
    for address in ("base_url", "control_url"):
        page = call(channel.account[address], "GET", "/")
        assert page.status == 200
        assert "特殊金额" in page.body.decode()
        assert "timeout_after_accept" in page.body.decode()
    foreign = call(channel.account["control_url"], "POST", "/reset", headers={"Host": "evil.example"})
    assert foreign.status == 403
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert call(channel.account["control_url"], "POST", "/balance", b"available_fen=0", form).status == 415
