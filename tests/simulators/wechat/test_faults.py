"""Every fault of the WeChat Pay stand-in does what its line says."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from simulators.kit.testing import ControlError, RunningSimulator, running_simulator
from simulators.wechat.errors import REFUSALS
from tests.simulators.wechat_client import REFUNDS, Merchant, application
from tests.simulators.wire import PATIENCE_S, Reply, receiver, wait_for


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator("wechat", tmp_path_factory.mktemp("state")) as simulator:
        yield simulator


@pytest.fixture
def channel(running: RunningSimulator) -> RunningSimulator:
    running.control("POST", "/reset", {})
    running.control("POST", "/limits", {"partial_spacing_s": 0})
    running.control("POST", "/payments", {"order_no": "A1", "amount_fen": 10_000})
    return running


@pytest.fixture
def merchant(channel: RunningSimulator) -> Merchant:
    return Merchant(channel.account)


def order(channel: RunningSimulator, operation: str, fault: str, **more: object) -> None:
    channel.control("POST", "/faults", {"operation": operation, "fault": fault, **more})


def ledger(channel: RunningSimulator) -> list[str]:
    return [row["refund_no"] for row in channel.control("GET", "/ledger")["rows"]]


def settled(channel: RunningSimulator) -> bool:
    return all(row["status"] != "PROCESSING" for row in channel.control("GET", "/refunds")["rows"])


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("error_before_commit", 500, "SYSTEM_ERROR"),
        ("rate_limited", 429, "FREQUENCY_LIMITED"),
        ("not_enough", 403, "NOT_ENOUGH"),
        ("account_abnormal", 403, "USER_ACCOUNT_ABNORMAL"),
        ("no_auth", 403, "NO_AUTH"),
        ("sign_error", 401, "SIGN_ERROR"),
        ("param_error", 400, "PARAM_ERROR"),
        ("invalid_request", 400, "INVALID_REQUEST"),
        ("mch_not_exists", 404, "MCH_NOT_EXISTS"),
        ("not_exists", 404, "RESOURCE_NOT_EXISTS"),
    ],
)
def test_refused_moves_nothing_and_the_number_can_be_sent_again(
    channel: RunningSimulator, merchant: Merchant, fault: str, status: int, code: str
) -> None:
    order(channel, "refund", fault)

    reply = merchant.refund("R1", 1200)

    assert (reply.status, merchant.read(reply)["code"]) == (status, code)
    assert channel.control("GET", "/refunds")["rows"] == []
    assert merchant.refund("R1", 1200).status == 200


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("timeout_after_accept", TimeoutError),
        ("drop_after_accept", http.client.RemoteDisconnected),
        ("reset_in_body", (http.client.IncompleteRead, ConnectionResetError)),
    ],
)
def test_accepted_but_unanswered_is_found_by_query(
    channel: RunningSimulator, merchant: Merchant, fault: str, failure: type[Exception]
) -> None:
    order(channel, "refund", fault)

    # An answer that does come may take its time on a busy machine.
    timeout_s = 1 if failure is TimeoutError else PATIENCE_S
    with pytest.raises(failure):
        merchant.send("POST", REFUNDS, application("R1", 1200), timeout=timeout_s)

    wait_for(lambda: merchant.query("R1")["status"] == "SUCCESS")
    assert merchant.read(merchant.refund("R1", 1200))["status"] == "SUCCESS"
    assert ledger(channel) == ["R1"]


def test_dropped_before_acceptance_leaves_nothing(channel: RunningSimulator, merchant: Merchant) -> None:
    order(channel, "refund", "drop_before_accept")

    with pytest.raises(http.client.RemoteDisconnected):
        merchant.refund("R1", 1200)

    assert merchant.send("GET", f"{REFUNDS}/R1").status == 404
    assert channel.control("GET", "/refunds")["rows"] == []


@pytest.mark.parametrize("fault", ["error_after_commit", "garbage", "latency"])
def test_accepted_with_a_misleading_answer(channel: RunningSimulator, merchant: Merchant, fault: str) -> None:
    order(channel, "refund", fault, delay_s=0.2)

    reply = merchant.refund("R1", 1200)

    assert reply.status == {"error_after_commit": 500}.get(fault, 200)
    assert (b"<html>" in reply.body) is (fault == "garbage")
    wait_for(lambda: ledger(channel) == ["R1"])


@pytest.mark.parametrize("operation", ["refund", "query"])
@pytest.mark.parametrize(
    "fault", ["bad_signature", "no_signature", "tampered_response", "wrong_serial", "stale_response"]
)
def test_answer_that_proves_nothing(channel: RunningSimulator, merchant: Merchant, operation: str, fault: str) -> None:
    if operation == "query":
        merchant.refund("R1", 1200)
    order(channel, operation, fault)

    reply = merchant.refund("R1", 1200) if operation == "refund" else merchant.send("GET", f"{REFUNDS}/R1")

    assert reply.status == 200
    assert not merchant.is_genuine(reply)
    wait_for(lambda: ledger(channel) == ["R1"])


@pytest.mark.parametrize(("fault", "status"), [("abnormal", "ABNORMAL"), ("closed", "CLOSED"), ("slow", "SUCCESS")])
def test_outcomes(channel: RunningSimulator, merchant: Merchant, fault: str, status: str) -> None:
    order(channel, "refund", fault, delay_s=0.1)

    assert merchant.read(merchant.refund("R1", 1200))["status"] == "PROCESSING"

    wait_for(lambda: merchant.query("R1")["status"] == status)
    assert ledger(channel) == (["R1"] if status == "SUCCESS" else [])


def test_closed_frees_the_amount_but_not_the_number(channel: RunningSimulator, merchant: Merchant) -> None:
    order(channel, "refund", "closed")
    merchant.refund("R1", 10_000)
    wait_for(lambda: merchant.query("R1")["status"] == "CLOSED")

    assert merchant.read(merchant.refund("R1", 10_000))["status"] == "CLOSED"
    assert merchant.refund("R2", 10_000).status == 200
    wait_for(lambda: ledger(channel) == ["R2"])


def test_processing_for_ever_until_somebody_settles_it(channel: RunningSimulator, merchant: Merchant) -> None:
    order(channel, "refund", "forever")
    merchant.refund("R1", 1200)
    time.sleep(0.15)
    assert merchant.query("R1")["status"] == "PROCESSING"

    assert channel.control("POST", "/settle", {"refund_no": "R1", "outcome": "ABNORMAL"}) == {"settled": 1}

    assert merchant.query("R1")["status"] == "ABNORMAL"


def test_query_faults(channel: RunningSimulator, merchant: Merchant) -> None:
    merchant.refund("R1", 1200)
    wait_for(lambda: settled(channel))
    path = f"{REFUNDS}/R1"

    def answered(fault: str, timeout_s: float = PATIENCE_S, **more: object) -> Reply:
        order(channel, "query", fault, **more)
        return merchant.send("GET", path, timeout=timeout_s)

    assert answered("query_lag").status == 404
    assert answered("error").status == 500
    assert answered("rate_limited").status == 429
    assert b"<html>" in answered("garbage").body
    assert merchant.read(answered("stale_processing"))["status"] == "PROCESSING"
    assert merchant.read(answered("latency", delay_s=0.1))["status"] == "SUCCESS"
    with pytest.raises(TimeoutError):
        answered("timeout", 0.4)
    with pytest.raises(http.client.RemoteDisconnected):
        answered("drop")
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        answered("reset_in_body")
    assert merchant.query("R1")["status"] == "SUCCESS"


@pytest.mark.parametrize("fault", ["tampered", "bad_signature", "signtest", "wrong_serial", "old"])
def test_notice_that_proves_nothing_is_followed_by_a_genuine_one(
    channel: RunningSimulator, merchant: Merchant, fault: str
) -> None:
    order(channel, "notice", fault)
    with receiver() as inbox:
        inbox.answers = [(401, b""), (200, b"")]
        merchant.refund("R1", 1200, notify_url=inbox.url)
        first, second = inbox.wait(2)

    assert not merchant.is_genuine(first)
    assert first.headers["wechatpay-signature"].startswith("WECHATPAY/SIGNTEST/") is (fault == "signtest")
    assert merchant.is_genuine(second)


@pytest.mark.parametrize("fault", ["wrong_amount", "unknown_number"])
def test_well_signed_notice_of_something_else(channel: RunningSimulator, merchant: Merchant, fault: str) -> None:
    order(channel, "notice", fault)
    with receiver() as inbox:
        merchant.refund("R1", 1200, notify_url=inbox.url)
        (notice,) = inbox.wait(1)

    assert merchant.is_genuine(notice)
    plain = json.loads(merchant.open(json.loads(notice.body)["resource"]))
    assert (plain["amount"]["refund"] == 1201) is (fault == "wrong_amount")
    assert (plain["out_refund_no"] != "R1") is (fault == "unknown_number")


@pytest.mark.parametrize(
    ("fault", "count"), [("repeated", 15), ("parallel", 100), ("stale_abnormal", 2), ("stale_processing", 2)]
)
def test_notices_too_many(channel: RunningSimulator, merchant: Merchant, fault: str, count: int) -> None:
    order(channel, "notice", fault)
    with receiver() as inbox:
        merchant.refund("R1", 1200, notify_url=inbox.url)
        inbox.wait(count)
        wait_for(lambda: channel.control("GET", "/notices")["owed"] == 0)

    assert len(inbox.received) == count
    events = [json.loads(notice.body)["event_type"] for notice in inbox.received]
    assert events[0] == "REFUND.SUCCESS"
    assert events[-1] == {"stale_abnormal": "REFUND.ABNORMAL", "stale_processing": "REFUND.PROCESSING"}.get(
        fault, "REFUND.SUCCESS"
    )
    assert all(merchant.is_genuine(notice) for notice in inbox.received)


def test_notice_lost_late_and_before_the_reply(channel: RunningSimulator, merchant: Merchant) -> None:
    with receiver() as inbox:
        order(channel, "notice", "lost")
        merchant.refund("R1", 1200, notify_url=inbox.url)
        wait_for(lambda: channel.control("GET", "/notices")["deliveries"])
        assert inbox.received == []

        order(channel, "notice", "late", delay_s=0.3)
        merchant.refund("R2", 1200, notify_url=inbox.url)
        wait_for(lambda: "R2" in ledger(channel))
        assert inbox.received == []
        inbox.wait(1)

        order(channel, "refund", "notice_before_reply", delay_s=0.3)
        reply = merchant.refund("R3", 1200, notify_url=inbox.url)
        assert len(inbox.received) == 2
        assert merchant.read(reply)["status"] == "SUCCESS"


def test_fault_waits_for_its_order_and_its_number_of_times(channel: RunningSimulator, merchant: Merchant) -> None:
    order(channel, "refund", "rate_limited", times=2, order_no="R2")

    assert merchant.refund("R1", 100).status == 200
    assert [merchant.refund("R2", 100).status for _ in range(3)] == [429, 429, 200]
    order(channel, "refund", "no_auth", times=-1)
    assert [merchant.refund("R3", 100).status for _ in range(4)] == [403] * 4
    channel.control("DELETE", "/faults")
    assert merchant.refund("R3", 100).status == 200


def test_random_mix_depends_on_the_seed_not_on_the_order_of_arrival(
    channel: RunningSimulator, merchant: Merchant
) -> None:
    names = [f"R{number}" for number in range(30)]

    def refused(numbers: list[str]) -> list[str]:
        channel.control("POST", "/reset", {})
        channel.control("POST", "/limits", {"partial_spacing_s": 0, "max_partials": 1000})
        channel.control("POST", "/payments", {"order_no": "A1", "amount_fen": 10_000})
        mix = {"seed": 7, "rate": 0.3, "faults": ["rate_limited", "no_auth", "lost"]}
        channel.control("POST", "/faults", {"random": mix})
        return sorted(number for number in numbers if merchant.refund(number, 100).status != 200)

    first = refused(names)
    assert 3 <= len(first) <= 15
    assert refused(names[::-1]) == first
    channel.control("POST", "/faults", {"random": None})


def test_latency_by_operation(channel: RunningSimulator, merchant: Merchant) -> None:
    channel.control("POST", "/latency", {"operation": "refund", "fixed_ms": 2000})
    start = time.monotonic()
    merchant.refund("R1", 100)
    assert time.monotonic() - start >= 2
    start = time.monotonic()
    merchant.query("R1")
    assert time.monotonic() - start < 2


def test_certificates_may_fail(channel: RunningSimulator, merchant: Merchant) -> None:
    order(channel, "certificates", "error")
    assert merchant.send("GET", "/v3/certificates").status == 500
    assert merchant.fetch_certificates()


@pytest.mark.parametrize(
    ("act", "fault", "refusal"),
    [(act, *refusal) for act in ("close", "reverse") for refusal in REFUSALS[act].items()],
)
def test_order_is_not_ended_when_refused_with_each_code(
    channel: RunningSimulator, merchant: Merchant, act: str, fault: str, refusal: tuple[int, str, str]
) -> None:
    channel.control("POST", "/payments", {"order_no": "OPEN", "amount_fen": 500, "status": "WAIT_BUYER_PAY"})
    order(channel, act, fault, order_no="OPEN")
    path = f"/v3/pay/transactions/out-trade-no/OPEN/{act}"

    reply = merchant.send("POST", path, {"mchid": merchant.account["mchid"]})

    assert merchant.is_genuine(reply)
    assert (reply.status, merchant.read(reply)["code"]) == refusal[:2]
    assert channel.control("GET", "/payments?order_no=OPEN")["status"] == "WAIT_BUYER_PAY"
    assert merchant.send("POST", path, {"mchid": merchant.account["mchid"]}).status == 204
    assert channel.control("GET", "/payments?order_no=OPEN")["status"] == "CLOSED"


@pytest.mark.parametrize(("fault", "refusal"), REFUSALS["abnormal"].items())
def test_abnormal_refund_stays_so_when_refused_with_each_code(
    channel: RunningSimulator, merchant: Merchant, fault: str, refusal: tuple[int, str, str]
) -> None:
    order(channel, "refund", "abnormal")
    refund_id = merchant.read(merchant.refund("R1", 1200))["refund_id"]
    wait_for(lambda: merchant.query("R1")["status"] == "ABNORMAL")
    order(channel, "abnormal", fault, order_no="A1")
    elsewhere = {"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"}

    reply = merchant.send("POST", f"{REFUNDS}/{refund_id}/apply-abnormal-refund", elsewhere)

    assert merchant.is_genuine(reply)
    assert (reply.status, merchant.read(reply)["code"]) == refusal[:2]
    assert merchant.query("R1")["status"] == "ABNORMAL"
    assert merchant.send("POST", f"{REFUNDS}/{refund_id}/apply-abnormal-refund", elsewhere).status == 200


def test_paid_order_is_not_closed_but_reversed_whole_and_once(channel: RunningSimulator, merchant: Merchant) -> None:
    path, own = "/v3/pay/transactions/out-trade-no/A1", {"mchid": merchant.account["mchid"]}

    closed = merchant.send("POST", f"{path}/close", own)
    assert (closed.status, merchant.read(closed)["code"]) == (400, "INVALID_REQUEST")
    assert ledger(channel) == []

    assert [merchant.send("POST", f"{path}/reverse", own).status for _ in range(2)] == [204, 204]
    assert ledger(channel) == ["reversal|A1"]
    found = merchant.read(merchant.send("GET", f"{path}?mchid={own['mchid']}"))
    assert found["trade_state"] == "REVOKED"
    assert merchant.refund("R1", 1200).status == 400


def test_unknown_fault_is_refused_with_the_list(channel: RunningSimulator) -> None:
    with pytest.raises(ControlError, match="timeout_after_accept"):
        order(channel, "refund", "meteor")
    with pytest.raises(ControlError, match="times"):
        order(channel, "refund", "closed", times=0)
    assert channel.control("GET", "/faults")["queued"] == []


def test_every_fault_is_described(channel: RunningSimulator) -> None:
    listed = channel.control("GET", "/faults")["faults"]

    assert {entry["operation"] for entry in listed} == {
        *("refund", "query", "abnormal", "close", "reverse", "notice", "bill", "certificates")
    }
    assert all(entry["zh"] and entry["en"] for entry in listed)
